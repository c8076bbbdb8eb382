"""What has been measured: samples by measure and subject, their statistics, and the forms in which they are told."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bench.plain import NAME as GIT

_SCALE = {"ms": 1000.0, "MB": 1e-6}
_NOTHING = "-"


@dataclass(frozen=True)
class Measure:
    """One line of the table; `files` is the size that the picture is drawn over.

    Samples are given in seconds and bytes, and shown in `unit`: ms, MB, or as they are.
    """

    row: str
    repository: str
    files: int
    transport: str
    name: str
    unit: str


@dataclass(frozen=True)
class Statistics:
    """What is said of several samples."""

    median: float
    min: float
    max: float
    samples: tuple[float, ...]


class Results:
    """Everything that was measured; lines stay in the order in which they came."""

    def __init__(self, subjects: Iterable[str]) -> None:
        """Take the names of the programs; plain git is the baseline of all."""
        self.programs = tuple(subjects)
        self._samples: dict[Measure, dict[str, list[float]]] = {}

    def add(self, measure: Measure, subject: str, sample: float) -> None:
        """Keep one sample."""
        self._samples.setdefault(measure, {}).setdefault(subject, []).append(sample * _SCALE.get(measure.unit, 1.0))

    def measures(self) -> list[Measure]:
        """Return all that was measured."""
        return list(self._samples)

    def of(self, measure: Measure, subject: str) -> Statistics | None:
        """Return what is known of a subject, None if it was not measured."""
        samples = self._samples[measure].get(subject)
        if not samples:
            return None
        return Statistics(statistics.median(samples), min(samples), max(samples), tuple(samples))

    def ratio(self, measure: Measure, subject: str) -> float | None:
        """Return a subject's median as a multiple of plain git's."""
        baseline, found = self.of(measure, GIT), self.of(measure, subject)
        return found.median / baseline.median if baseline and found and baseline.median else None

    def table(self) -> str:
        """Return the table in Markdown."""
        heads = ["what", "repository", "over", "measure", "plain git"]
        lines = [[*heads, *(head for name in self.programs for head in (name, "ratio"))]]
        lines.append(["---"] * 4 + ["---:"] * (len(lines[0]) - 4))
        lines += [self._line(measure) for measure in self._samples]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def json(self) -> list[dict[str, Any]]:
        """Return the lines with all samples."""
        return [
            {
                **asdict(measure),
                "subjects": {
                    name: asdict(found) for name in (GIT, *self.programs) if (found := self.of(measure, name))
                },
                "ratios": {name: ratio for name in self.programs if (ratio := self.ratio(measure, name)) is not None},
            }
            for measure in self._samples
        ]

    def _line(self, measure: Measure) -> list[str]:
        title = f"{measure.name}, {measure.unit}" if measure.unit else measure.name
        cells = [measure.row, measure.repository, measure.transport, title, _number(self.of(measure, GIT))]
        for name in self.programs:
            ratio = self.ratio(measure, name)
            cells += [_number(self.of(measure, name)), _NOTHING if ratio is None else f"{ratio:.2f}"]
        return cells


def _number(found: Statistics | None) -> str:
    """Return a median with about three digits."""
    if found is None:
        return _NOTHING
    return f"{found.median:,.0f}" if found.median >= 100 else f"{found.median:.3g}"
