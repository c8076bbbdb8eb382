"""The catalogue of faults: tests declare what they do and what comes of it, and docs/reliability.md has all as tables.

`python -m tests.faults.catalogue` writes them there; with --check it only compares.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import tests.faults
import tests.hostile

Test = TypeVar("Test", bound=Callable[..., object])

# What an area is called in the document, in the order of the tables there.
AREAS: Final = {
    "crash": "Crashes and kills",
    "leftovers": "Locks and what killed commands leave",
    "signals": "Signals and the end",
    "processes": "Child processes",
    "disk": "The volume",
    "damage": "Damaged files, trees and stores",
    "network": "The network",
    "remote": "The remote and its refs",
    "login": "Logins and certificates",
    "content": "What repositories contain",
    "http": "Webhooks, probes and pages",
    "hooks": "Hooks and the gate",
    "clock": "Clocks",
    "resources": "Memory, descriptors and other limits",
    "configuration": "Configuration",
    "cluster": "Pods and replicas",
    "hostile": "Who means harm",
}
DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN: Final = "<!-- The tables are written by scripts/faults --table. -->"
_END: Final = "<!-- End of the tables. -->"
_CATALOGUED: Final = "catalogued_fault"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault, or a family of them: its area, what is done, what comes of it, and the test that shows it."""

    area: str
    what: str
    then: str
    test: str = ""
    line: int = 0
    long: bool = False


def fault(*, area: str, what: str, then: str) -> Callable[[Test], Test]:
    """Declare what a test does ("the volume is full during a fetch"), and what comes of it, in a short sentence."""
    if area not in AREAS:
        raise ValueError(f"{area!r} is no area of the catalogue")
    for text in (what, then):
        if "|" in text or "\n" in text or text != text.strip() or text.endswith("."):
            raise ValueError(f"{text!r} is no cell of a table: one line without | and the full stop")

    def declare(test: Test) -> Test:
        setattr(test, _CATALOGUED, Fault(area=area, what=what, then=then))
        return test

    return declare


def declared(test: object) -> Fault | None:
    """Return what a test declares."""
    found = getattr(test, _CATALOGUED, None)
    return found if isinstance(found, Fault) else None


def collect() -> list[Fault]:
    """Return what all modules of the suite declare, by areas, files and lines."""
    found = [each for module in _modules() for each in _of(module)]
    order = list(AREAS)
    for suite in (tests.faults, tests.hostile):
        found += importlib.import_module(f"{suite.__name__}.elsewhere").FAULTS
    return sorted(found, key=lambda each: (order.index(each.area), each.test, each.line))


def undeclared() -> list[str]:
    """Return the tests that say nothing of a fault."""
    return [
        f"{module}.{name}"
        for module in _modules()
        for name, test in vars(importlib.import_module(module)).items()
        if name.startswith("test_") and callable(test) and not declared(test)
    ]


def tables(faults: list[Fault]) -> str:
    """Return the tables of all areas that have faults."""
    parts = []
    for area, title in AREAS.items():
        rows = [
            f"| {each.what} | {each.then} | [{Path(each.test).stem}](../tests/{each.test})"
            f"{', long' if each.long else ''} |\n"
            for each in faults
            if each.area == area
        ]
        if rows:
            parts.append(f"### {title}\n\n| what | then | shown by |\n|---|---|---|\n{''.join(rows)}")
    return "\n".join(parts)


def write_between(begin: str, end: str, written: str, *, check: bool = False) -> str:
    """Put something between two lines of the document, and return all of it; with `check` nothing is written."""
    head, _, rest = DOCUMENT.read_text().partition(begin)
    text = f"{head}{begin}\n\n{written}\n{end}{rest.partition(end)[2]}"
    if not check:
        DOCUMENT.write_text(text)
    return text


def _modules() -> list[str]:
    suites = (tests.faults, tests.hostile)
    found = (each.name for suite in suites for each in pkgutil.iter_modules(suite.__path__, f"{suite.__name__}."))
    return sorted(name for name in found if name.rpartition(".")[2].startswith("test_"))


def _of(module: str) -> list[Fault]:
    """Return what one module declares."""
    return [
        Fault(
            area=found.area,
            what=found.what,
            then=found.then,
            test=f"{module.removeprefix('tests.').replace('.', '/')}.py",
            line=test.__code__.co_firstlineno,
            long=any(mark.name == "long" for mark in _marks(test)),
        )
        for test in vars(importlib.import_module(module)).values()
        if (found := declared(test))
    ]


def _marks(test: Any) -> list[Any]:
    return list(getattr(test, "pytestmark", []))


def main() -> int:
    """Write the tables into the document, or say that it is out of date."""
    before, check = DOCUMENT.read_text(), "--check" in sys.argv
    if write_between(_BEGIN, _END, tables(collect()), check=check) != before and check:
        print("docs/reliability.md is out of date; run scripts/faults --table", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    # What tests declare is of the module that they import, and not of this one, which is there a second time.
    from tests.faults import catalogue

    sys.exit(catalogue.main())
