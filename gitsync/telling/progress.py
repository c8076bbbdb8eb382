"""How far a fetch is: a frozen value, and how it is shown."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["enumerating", "counting", "compressing", "receiving", "unpacking", "resolving"]
_MEGA = 1e6


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What git has said last: so many objects of so many, bytes, and bytes in a second, each as far as it is known.

    The first three phases are work of the remote's, and its word; nothing but what is shown may depend on it.
    """

    phase: Phase
    objects: int
    of: int | None = None
    size: int | None = None
    rate: int | None = None

    @property
    def percent(self) -> int | None:
        """How much of this phase is done."""
        return min(100, 100 * self.objects // self.of) if self.of else None

    def __str__(self) -> str:
        percent = "" if self.percent is None else f", {self.percent}%"
        size = "" if self.size is None else f", {_megabytes(self.size)} MB"
        return f"{self.phase} {self.objects} objects{percent}{size}"

    def shown(self) -> dict[str, object]:
        """Return it for logs and pages; a megabyte has a million bytes."""
        return {
            "phase": self.phase,
            "percent": self.percent,
            "objects": self.objects,
            "objects_total": self.of,
            "megabytes": _megabytes(self.size),
            "megabytes_per_second": _megabytes(self.rate),
        }


def _megabytes(size: int | None) -> float | None:
    return None if size is None else round(size / _MEGA, 2)
