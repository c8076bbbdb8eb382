"""Checks what no linter knows: the length of files and functions, and the version at the top of the changelog."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import gitsync

MOST_LINES = 400
MOST_FUNCTION_LINES = 50


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    problems = []
    listed = subprocess.run(["git", "ls-files", "*.py"], check=True, capture_output=True, text=True)
    for path in map(Path, listed.stdout.splitlines()):
        text = path.read_text()
        if text.count("\n") > MOST_LINES:
            problems.append(f"{path}: over {MOST_LINES} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_FUNCTION_LINES:
                problems.append(f"{path}:{node.lineno}: {node.name} is over {MOST_FUNCTION_LINES} lines")
    top = re.search(r"^## \[?(\d+\.\d+\.\d+)", Path("CHANGELOG.md").read_text(), re.MULTILINE)
    if not top or top[1] != gitsync.__version__:
        problems.append(f"CHANGELOG.md: its newest version is not {gitsync.__version__}")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
