"""What a soak has shown: a table of what happened and of what the process took, and a picture."""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import quantile, table


@dataclass(frozen=True)
class Sample:
    """What was taken at a time (seconds since the beginning), by the process with this id; memory and disk in bytes."""

    at: float
    pid: int
    memory: int
    descriptors: int
    threads: int
    disk: int


@dataclass
class Story:
    """What has happened so far."""

    faults: Counter[str] = field(default_factory=Counter)
    pushes: int = 0
    # Seconds from the end of the faults of a round until all that was pushed is published.
    recoveries: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def written(self, seconds: float, seed: int) -> str:
        """Return it as Markdown."""
        faults = table(["fault", "times"], sorted(self.faults.items()))
        starts = len({each.pid for each in self.samples})
        head = (
            f"{seconds / 60:.0f} minutes, seed {seed}: {self.pushes:,} pushes, {sum(self.faults.values()):,} faults in "
            f"{len(self.recoveries):,} rounds, {starts:,} processes. All was published again after "
            f"{quantile(self.recoveries, 0.5):.1f} s (median), {max(self.recoveries):.1f} s (most).\n"
        )
        shown = [self.samples[index] for index in (0, len(self.samples) // 2, -1)]
        rows = [(f"{each.at:,.0f} s", *_row(each)) for each in shown]
        rows.append(("most", *map(max, zip(*map(_row, self.samples), strict=True))))
        taken = table(["after", "memory, MB", "descriptors", "threads", "disk, MB"], rows)
        return f"{head}\n{faults}\n{taken}"


def _row(sample: Sample) -> tuple[float, int, int, float]:
    return sample.memory / 1e6, sample.descriptors, sample.threads, sample.disk / 1e6


def draw(path: Path, samples: Sequence[Sample]) -> None:
    """Draw what the process took, a panel each, with a line where another process began."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    names = ("resident memory, MB", "descriptors", "threads", "disk of the root, MB")
    times = [each.at / 60 for each in samples]
    begins = [b.at / 60 for a, b in itertools.pairwise(samples) if a.pid != b.pid]
    for index, (name, axis) in enumerate(zip(names, figure.subplots(4, 1, sharex=True), strict=True)):
        axis.plot(times, [_row(each)[index] for each in samples], linewidth=0.8)
        axis.set_ylim(bottom=0)
        axis.set_title(name, fontsize=9, loc="left")
        for begin in begins:
            axis.axvline(begin, color="grey", linewidth=0.4, alpha=0.5)
    figure.supxlabel("minutes; a grey line is a start", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
