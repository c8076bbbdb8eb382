"""What is in the image and what is not, and that nothing misses what was left out."""

import re
import subprocess
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import pytest

from tests.container.conftest import StartContainer
from tests.support.docker_engine import BASE, build_program, engine, run_in

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

LARGEST: Final = 120_000_000
# What a client of git may run: submodules, worktrees, archives, packs, checks, encodings, servers without git. None of
# it may miss what was left out.
GIT_COMMANDS: Final = """
cd "$(mktemp -d)"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q inner && git -C inner commit -q --allow-empty -m one
git init -q outer && cd outer
for encoding in UTF-16 UTF-32LE ISO-8859-1 windows-1252 KOI8-R SHIFT_JIS EUC-KR GB18030 BIG5; do
    printf 'plain\n' | iconv -t "$encoding" >"$encoding.txt"
    echo "$encoding.txt text working-tree-encoding=$encoding" >>.gitattributes
done
git add .
git -c protocol.file.allow=always submodule --quiet add "$PWD/../inner" part
git commit -q -m two
git update-server-info
git -c protocol.file.allow=always clone -q --recurse-submodules "file://$PWD" ../clone
cd ../clone
cmp UTF-16.txt ../outer/UTF-16.txt
git worktree add -q ../tree
git archive HEAD >/dev/null
git gc -q --prune=now
git fsck --full
git submodule foreach -q git status
git submodule nonsense 2>&1 | grep -q ^usage
git ls-remote https://127.0.0.1:9/ 2>&1 | grep -q 'connect to 127.0.0.1'
git -C ../outer gc -q && git -C ../outer update-server-info
python3 -m http.server --directory ../outer --bind 127.0.0.1 8000 >/dev/null 2>&1 & server=$!
until git ls-remote -q http://127.0.0.1:8000/.git >/dev/null 2>&1; do sleep 0.1; done
git clone -q http://127.0.0.1:8000/.git ../plain
kill $server
git -C ../tree log -1 --format=%s
"""
# Each program and library that cannot find a library of its own.
MISSING: Final = r"""
find / -xdev -type f '(' -perm /111 -o -name '*.so*' ')' |
    while read -r file; do ldd "$file" 2>/dev/null | grep 'not found' | sed "s|^|$file|"; done
"""
# The modules of Python's library that cannot be imported.
MODULES: Final = """
import importlib, sys
for name in sorted(sys.stdlib_module_names - {"antigravity", "this"}):
    try:
        importlib.import_module(name)
    except ImportError:
        print(name)
"""
# For terminals and for Windows, an installer of packages, and what Debian has in packages of its own.
LEFT_OUT: Final = {
    *("_curses", "_curses_panel", "_pyrepl", "curses", "_dbm", "_gdbm", "ensurepip", "idlelib", "lib2to3"),
    *("_tkinter", "tkinter", "turtle", "turtledemo", "pydoc", "pydoc_data"),
    *(
        "_overlapped",
        "_scproxy",
        "_winapi",
        "_wmi",
        "msvcrt",
        "nt",
        "winreg",
        "winsound",
        "_android_support",
        "_ios_support",
    ),
}
# What gitsync imports only when it is needed.
LATE: Final = """
import ssl, jwt
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
print(jwt.decode(jwt.encode({"iss": "1"}, key, "RS256"), key.public_key(), ["RS256"])["iss"])
print(ssl.create_default_context().cert_store_stats()["x509_ca"] > 100)
from gitsync.server.page import Page
print(b"<style>" in Page().answer(200, [], git_version=None).body)
"""


@pytest.fixture
def shell(start: StartContainer, images: dict[str, str]) -> Callable[..., str]:
    """Return a function that runs a shell script in the image as it is, without the program."""
    container = start(images["gitsync"], entrypoint=["sleep", "infinity"])
    return lambda script, user="": run_in(container, "sh", "-euc", script, user=user)


@pytest.fixture
def described(images: dict[str, str]) -> dict[str, Any]:
    """What Docker says of the image."""
    client = engine()
    attributes: dict[str, Any] = client.images.get(images["gitsync"]).attrs
    client.close()
    return attributes


def test_no_tools_to_build_with_are_left(shell: Callable[..., str]) -> None:
    """There is git, and there is no installer, compiler, make or Perl."""
    tools = "git ssh python3 tini pip pip3 easy_install apt apt-get perl gcc cc g++ c++ clang ld make strip"
    assert shell(f"for tool in {tools}; do command -v $tool >/dev/null && echo $tool; done; true").split() == [
        "git",
        "ssh",
        "python3",
        "tini",
    ]
    names = " -o ".join(f"-name {name} -o -name '{name}-*'" for name in ("pip", "setuptools", "wheel", "ensurepip"))
    assert shell(f"find / -xdev -path '*/python*' -type d '(' {names} ')'", user="0:0") == ""


def test_nothing_gives_more_rights(shell: Callable[..., str]) -> None:
    """No program runs as somebody else than who starts it."""
    assert shell("find / -xdev -type f -perm /6000", user="0:0") == ""


def test_the_git_that_is_left_is_whole(shell: Callable[..., str]) -> None:
    """The image has only a client's parts of git; every command that a sync or a hook may use works."""
    assert shell(GIT_COMMANDS).strip().endswith("two")


def test_no_program_misses_a_library(shell: Callable[..., str]) -> None:
    """What packages brought and other packages need is there."""
    assert shell(MISSING, user="0:0") == ""


def test_the_python_that_is_left_is_whole(shell: Callable[..., str]) -> None:
    """Hooks may import any module of Python's library that a pod has a use for."""
    assert set(shell(f"python3 -W ignore -c '{MODULES}'").split()) <= LEFT_OUT


def test_what_is_imported_late_is_there(shell: Callable[..., str]) -> None:
    """Keys of a GitHub App, the system's authorities and the page, none of which a poll touches."""
    assert shell(f"/usr/lib/gitsync/bin/python3 -c '{LATE}'").split() == ["1", "True", "True"]
    assert "--repo" in shell("gitsync --man")


def test_the_program_is_compiled(shell: Callable[..., str]) -> None:
    """All modules, Python's too, have byte code, which nothing could write on a read-only filesystem."""
    sources = "find /usr/lib/gitsync/lib /usr/lib/python3* -name '*.py'"
    compiled = "find /usr/lib/gitsync/lib /usr/lib/python3* -name '*.pyc' -path '*/__pycache__/*'"
    names = {path.removesuffix(".py") for path in shell(sources).split()}
    cached = {
        re.sub(r"/__pycache__/([^/]+)\.cpython-\d+\.opt-2\.pyc$", r"/\1", path) for path in shell(compiled).split()
    }
    assert len(names) > 50
    assert names - cached == set()


def test_what_the_image_says_of_itself(described: dict[str, Any]) -> None:
    """User, port, root and labels are declared."""
    config = described["Config"]
    assert config["User"] == "65533:65533"
    assert "9484/tcp" in config["ExposedPorts"]
    assert {"GITSYNC_ROOT=/git", "HOME=/tmp"} <= set(config["Env"])
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["title"], labels["licenses"]) == ("gitsync", "Apache-2.0")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", labels["version"])
    assert re.fullmatch(r"[0-9a-f]{40,64}", labels["revision"])
    assert datetime.fromisoformat(labels["created"]).tzinfo


@pytest.mark.skipif(BASE != "debian:trixie-slim", reason="another base has another size")
def test_the_image_is_small(described: dict[str, Any]) -> None:
    """It does not grow over what docs/performance.md says unseen."""
    assert described["Size"] <= LARGEST


def test_no_file_tells_when_the_image_was_built(shell: Callable[..., str]) -> None:
    """No time, log or cache makes the same files another layer."""
    assert shell("find /usr/lib/gitsync /git-sync /usr/bin/gitsync /etc/passwd -newermt 1970-01-02", user="0:0") == ""
    assert shell("find /var/log /var/cache -type f", user="0:0") == ""


def test_other_images_can_add_packages_to_a_whole_debian(images: dict[str, str]) -> None:
    """With all of Debian in it packages depend on nothing that is not there, and the program is the same."""
    whole = build_program("gitsync:debian", SYSTEM="debian")
    command = ["docker", "run", "--rm", "--user=0", "--entrypoint=sh", whole, "-euc"]
    check = "apt-get check -qq; dpkg --audit; perl -e 'print 1'; gitsync --version"
    done = subprocess.run([*command, check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"1gitsync .*", done.stdout.strip())
