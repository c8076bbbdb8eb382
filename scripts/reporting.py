"""Writes what a command has found into docs/reliability.md, between the two marks of its section."""

from typing import Final

from apart import ROOT

DOCUMENT: Final = ROOT / "docs" / "reliability.md"


def write_section(name: str, written: str) -> None:
    """Replace a section, which has to be there."""
    begin, end = (f"<!-- {word} of what scripts/{name} writes. -->" for word in ("Begin", "End"))
    head, found, rest = DOCUMENT.read_text().partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{DOCUMENT} has no section {begin} … {end}")
    DOCUMENT.write_text(f"{head}{begin}\n\n{written}\n{end}{tail}")
