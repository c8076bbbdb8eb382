"""Runs a soak: rounds of pushes and faults, after each of which all that was pushed has to be published, and whole."""

import os
import random
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import click

from tests.soak import unrest
from tests.soak.field import Field
from tests.soak.report import Sample, Story, draw
from tests.support.processes import Repeating

# Seconds between two samples, and until all is published at the latest after the faults of a round.
_EVERY: Final = 5.0
_PATIENCE: Final = 90.0
# The share of rounds in which nothing happens but that somebody changes a published file.
_VANDALISM: Final = 0.15


class Soak:
    """One run of it."""

    def __init__(self, field: Field, seed: int) -> None:
        self.story = Story()
        self._field = field
        self._random = random.Random(seed)  # noqa: S311 - nothing is secret here
        self._began = time.monotonic()

    def run(self, seconds: float) -> None:
        """Run rounds for so many seconds; raise what has failed."""
        self._field.calm(_PATIENCE)
        with Repeating(self._sample, interval=_EVERY):
            while time.monotonic() < self._began + seconds:
                names = [unrest.VANDALISM] if self._random.random() < _VANDALISM else unrest.draw(self._random)
                self.story.faults.update(names)
                click.echo(f"{time.monotonic() - self._began:7.1f} s  {', '.join(names)}", err=True)
                if names == [unrest.VANDALISM]:
                    unrest.vandalise(self._field, self._random)
                else:
                    self._suffer(names)
                ended = time.monotonic()
                self._field.calm(_PATIENCE)
                self.story.recoveries.append(time.monotonic() - ended)
        self._sample()

    def _suffer(self, names: list[str]) -> None:
        with ExitStack() as stack:
            for name in names:
                fault = {**unrest.AROUND, **unrest.PROCESS}[name]
                stack.enter_context(fault(self._field, self._random))
            for _ in range(self._random.randrange(1, 8)):
                self._random.choice(self._field.followed).push(self._random)
                self.story.pushes += 1
                unrest.rest(self._random.uniform(0, 1.5))

    def _sample(self) -> None:
        """Look at the process; between two of them there is nothing to see. Called on a thread."""
        pid = self._field.daemon.pid
        with suppress(OSError, KeyError):
            lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            status = {words[0]: words[1] for words in lines if len(words) > 1}
            self.story.samples.append(
                Sample(
                    at=time.monotonic() - self._began,
                    pid=pid,
                    memory=int(status["VmRSS:"]) * 1024,
                    descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
                    threads=int(status["Threads:"]),
                    disk=_size(self._field.root),
                )
            )


def _size(root: Path) -> int:
    """Return what lies below a directory, in bytes on the disk; what goes meanwhile does not count."""
    size = 0
    for directory, _, files in os.walk(root):
        for name in files:
            with suppress(OSError):
                size += os.lstat(os.path.join(directory, name)).st_blocks * 512  # noqa: PTH118
    return size


@click.command()
@click.option("--minutes", default=30.0, show_default=True, help="How long.")
@click.option("--seed", default=0, show_default="another one each time", help="Which pushes and faults.")
@click.option("--output", type=click.Path(path_type=Path), default=Path(".bench/results"), show_default=True)
def main(minutes: float, seed: int, output: Path) -> None:
    """Let a daemon follow five repositories while they move on and everything fails, and check what it publishes."""
    seed = seed or random.SystemRandom().randrange(1, 2**31)
    click.echo(f"seed {seed}", err=True)
    with tempfile.TemporaryDirectory(prefix="gitsync-soak-") as name, Field(Path(name)) as field:
        soak = Soak(field, seed)
        soak.run(minutes * 60)
        told = soak.story.written(minutes * 60, seed)
        click.echo(told)
        output.mkdir(parents=True, exist_ok=True)
        (output / "soak.md").write_text(told)
        draw(output / "soak.svg", soak.story.samples)


if __name__ == "__main__":
    main()
