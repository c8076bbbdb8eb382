"""What was measured: figures of one piece of work, by contender, of several runs, and the table of them."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Unit = Literal["s", "ms", "MB", "KB", "count"]
GIT = "git"
_NOTHING = "-"

_PER_UNIT = {"s": 1.0, "ms": 1e3, "MB": 1e-6, "KB": 1e-3, "count": 1.0}


@dataclass(frozen=True)
class Work:
    """A row of the table: what is done, on which repository, how it is reached, and which figure of it is meant."""

    what: str
    repository: str
    files: int
    transport: str
    figure: str
    unit: Unit


@dataclass
class Results:
    """All samples, in seconds, bytes or as a number, in the order in which the work was first seen."""

    samples: dict[Work, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, work: Work, contender: str, *values: float) -> None:
        """Add samples."""
        self.samples.setdefault(work, {}).setdefault(contender, []).extend(values)

    def median(self, work: Work, contender: str) -> float | None:
        """Return the median of the samples, None without any."""
        values = self.samples.get(work, {}).get(contender)
        return statistics.median(values) if values else None

    def contenders(self) -> list[str]:
        """Return all names, git first."""
        names = dict.fromkeys(name for row in self.samples.values() for name in row)
        return sorted(names, key=lambda name: name != GIT)

    def rows(self) -> Iterator[dict[str, object]]:
        """Return all that is known, for a machine to read; times in seconds, sizes in bytes."""
        for work, row in self.samples.items():
            yield {
                "work": work.what,
                "repository": work.repository,
                "files": work.files,
                "transport": work.transport,
                "figure": work.figure,
                "unit": {"s": "s", "ms": "s", "MB": "bytes", "KB": "bytes", "count": "count"}[work.unit],
                "median": {name: statistics.median(values) for name, values in row.items()},
                "samples": row,
            }


def table(results: Results) -> str:
    """Return the medians as a table in Markdown, each with its ratio to git's."""
    others = [name for name in results.contenders() if name != GIT]
    heads = [
        "work",
        "repository",
        "over",
        "figure",
        GIT,
        *(part for name in others for part in (name, f"{name} ÷ git")),
    ]
    lines = [heads, ["---"] * 4 + ["--:"] * (len(heads) - 4)]
    for work in results.samples:
        base = results.median(work, GIT)
        cells = [work.what, work.repository, work.transport, work.figure, _shown(base, work.unit)]
        for name in others:
            value = results.median(work, name)
            cells += [_shown(value, work.unit), _ratio(value, base)]
        lines.append(cells)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _shown(value: float | None, unit: Unit) -> str:
    if value is None:
        return _NOTHING
    scaled = value * _PER_UNIT[unit]
    digits = 0 if scaled >= 100 else 1 if scaled >= 10 or unit == "count" else 2
    return f"{scaled:.{digits}f}" + ("" if unit == "count" else f" {unit}")


def _ratio(value: float | None, base: float | None) -> str:
    return f"{value / base:.2f}" if value is not None and base else _NOTHING
