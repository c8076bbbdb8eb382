# Runs in the tree that is to be published, in gitsync's container, which has a shell, git and Python. What it prints is in the message.
set -eu
test -s index.html || { echo "there is no index.html"; exit 1; }
find . -name '*.json' -type f | while read -r file; do
    python3 -m json.tool "$file" /dev/null || { echo "in $file"; exit 1; }
done
