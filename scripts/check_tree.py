"""Checks what no linter knows: the size of files, functions and classes, and the newest version in the changelog."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gitsync


@dataclass(frozen=True)
class Limits:
    """How many lines a file and a function may have, how many parameters it, and how many attributes a class."""

    lines: int
    function_lines: int
    parameters: int
    attributes: int


PACKAGE: Final = Limits(lines=300, function_lines=40, parameters=6, attributes=10)
# Tests and benches are tables and stories.
OTHERS: Final = Limits(lines=400, function_lines=50, parameters=6, attributes=20)


def attributes(defined: ast.ClassDef) -> set[str]:
    """Return the names of what instances hold: declared fields, and what methods assign to `self`."""
    found = {
        node.target.id for node in defined.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(defined):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
            found |= {node.attr} if node.value.id == "self" else set()
    return found


def parameters(defined: ast.FunctionDef) -> int:
    """Return how many parameters a function has, also those that are given by name alone."""
    given = defined.args
    named = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(named) - (named[:1] in (["self"], ["cls"]))


def oversized(path: Path, limits: Limits) -> Iterator[str]:
    """Yield what is too large in a file."""
    source = path.read_text()
    if source.count("\n") > limits.lines:
        yield f"{path}: over {limits.lines} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= limits.function_lines:
            yield f"{path}:{node.lineno}: {node.name} is over {limits.function_lines} lines"
        if isinstance(node, ast.FunctionDef) and parameters(node) > limits.parameters:
            yield f"{path}:{node.lineno}: {node.name} has over {limits.parameters} parameters"
        if isinstance(node, ast.ClassDef) and len(attributes(node)) > limits.attributes:
            yield f"{path}:{node.lineno}: {node.name} has over {limits.attributes} attributes"


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    listed = subprocess.run(["git", "ls-files", "*.py"], check=True, capture_output=True, text=True)
    problems = []
    for path in map(Path, listed.stdout.splitlines()):
        problems += oversized(path, PACKAGE if path.parts[0] == "gitsync" else OTHERS)
    top = re.search(r"^## \[?(\d+\.\d+\.\d+)", Path("CHANGELOG.md").read_text(), re.MULTILINE)
    if not top or top[1] != gitsync.__version__:
        problems.append(f"CHANGELOG.md: its newest version is not {gitsync.__version__}")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
