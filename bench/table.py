"""One run of the benchmark: everything is built, every row is measured, and the results are told in three forms."""

import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from bench.lab import Lab
from bench.machine import facts
from bench.programs import PEER, Program
from bench.repositories import SHAPES, SMALL
from bench.results import Results
from bench.rows import ROWS
from bench.serving import Server

# What polls at other times, or compares files meanwhile, would be measured with what is asked for.
_FLAGS = ("--jitter=0", "--heal-period=0", "--log-format=json")


@dataclass(frozen=True)
class Options:
    """What a run is to do; `only` are parts of names of rows."""

    runs: int
    only: tuple[str, ...]
    peer: str
    python: str
    directory: Path | None
    output: Path
    quick: bool


def run(options: Options) -> None:
    """Measure, print the table, and write the results."""
    rows = [row for row in ROWS if not options.only or any(text in row.name for text in options.only)]
    if not rows:
        raise click.UsageError(f"no row has such a name; there are: {', '.join(row.name for row in ROWS)}")
    programs = _programs(options)
    results = Results(program.name for program in programs)
    with (
        _directory(options.directory) as directory,
        Server(directory / "origins", private=directory / "private") as server,
    ):
        machine = facts(directory)
        shapes, window = ((SMALL,), 0.2) if options.quick else (SHAPES, 2.0)
        lab = Lab(directory, server, programs, shapes, options.runs, window, results)
        lab.build()
        for row in rows:
            row.measure(lab)
        lab.say("done")
    options.output.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine, "runs": options.runs, "peer": options.peer or None, "rows": results.json()}
    (options.output / "results.json").write_text(json.dumps(told, indent=2) + "\n")
    if not options.quick:
        # matplotlib is needed by nothing else.
        from bench.picture import draw

        draw(results, options.output / "cost.svg")
    click.echo(results.table(), nl=False)


def _programs(options: Options) -> list[Program]:
    python = Path(options.python).absolute()
    programs = [Program("gitsync", (str(python), "-m", "gitsync"), _FLAGS, "/readyz", compares=True)]
    if options.peer:
        name, *arguments = shlex.split(options.peer)
        found = shutil.which(name)
        if not found:
            raise click.UsageError(f"there is no program {name}")
        # Programs run in a directory of their own.
        programs.append(Program(PEER, (str(Path(found).absolute()), *arguments)))
    return programs


@contextmanager
def _directory(chosen: Path | None) -> Iterator[Path]:
    """Yield a new directory that is removed at the end, whatever comes in between."""
    if chosen:
        chosen.mkdir(parents=True)
    directory = (chosen or Path(tempfile.mkdtemp(prefix="gitsync-bench-"))).resolve()
    try:
        yield directory
    finally:
        print("removing what was made", file=sys.stderr)
        shutil.rmtree(directory)
