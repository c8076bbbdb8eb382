"""The list of protections, and that of mutants which may survive, fit the code and the tests as they are."""

import ast
import tomllib
from typing import Final

import pytest

from tests.support.protections import KINDS, ROOT, Protection, protections

ALL: Final = protections()
SURVIVORS: Final = tomllib.loads((ROOT / "tests" / "survivors.toml").read_text())["survivor"]
# What can go wrong around a sidecar, and what other sidecars were seen to do.
COUNTS: Final = {"failure": 28, "mistake": 15}


@pytest.mark.parametrize("kind", KINDS)
def test_none_is_left_out(kind: str) -> None:
    """Whatever is known to go wrong has a protection that a test sees."""
    assert {each.number for each in ALL if each.kind == kind} == set(range(1, COUNTS[kind] + 1))


@pytest.mark.parametrize("protection", ALL, ids=lambda each: each.name)
def test_it_can_be_taken_out(protection: Protection) -> None:
    """The code has it once, and without it the code is still such."""
    text = (ROOT / protection.file).read_text()
    without = protection.taken_out(text)
    assert without != text
    if protection.file.endswith(".py"):
        compile(without, protection.file, "exec")


@pytest.mark.parametrize("protection", ALL, ids=lambda each: each.name)
def test_its_test_is_there(protection: Protection) -> None:
    """The test that sees it has not been renamed or moved."""
    file, _, name = protection.test.partition("::")
    functions = [node for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, ast.FunctionDef)]
    assert name.partition("[")[0] in {each.name for each in functions}


@pytest.mark.parametrize("survivor", SURVIVORS, ids=lambda each: each["file"])
def test_survivor_is_there(survivor: dict[str, str]) -> None:
    """What a mutant may change without a test to see it is still in the code, in one line or several."""
    text = " ".join(line.strip() for line in (ROOT / survivor["file"]).read_text().splitlines())
    assert survivor["before"] in text
