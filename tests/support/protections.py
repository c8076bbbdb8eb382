"""The protections of tests/protections.toml: changes of the code that take them out, and the tests that fail then."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TABLE: Final = ROOT / "tests" / "protections.toml"
KINDS: Final = ("failure", "mistake")


@dataclass(frozen=True, kw_only=True)
class Protection:
    """One protection: of which list it is and its number there, the change that takes it out, the test that sees it."""

    kind: str
    number: int
    what: str
    file: str
    change: str
    to: str
    test: str

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return f"{self.kind}-{self.number}"

    def taken_out(self, text: str) -> str:
        """Return a file's text without it; raise `ValueError` if that is not one place."""
        if text.count(self.change) != 1:
            raise ValueError(f"{self.name}: {self.file} has {self.change!r} {text.count(self.change)} times")
        return text.replace(self.change, self.to)


def protections() -> list[Protection]:
    """Return all of them, in the order of the file."""
    lists = tomllib.loads(TABLE.read_text())
    return [Protection(kind=kind, **each) for kind in KINDS for each in lists[kind]]
