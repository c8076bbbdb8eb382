"""The command line: without a subcommand the table; each other measurement is a subcommand in a module of its own."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import click

from bench.fleet import fleet
from bench.replicas import measure_replicas
from bench.several import several
from bench.soak import soak
from bench.store import store
from bench.table import Options, run


@click.group(invoke_without_command=True)
@click.option(
    "--runs", default=5, show_default=True, help="Times that each figure is taken; what takes seconds, 3 at most."
)
@click.option("--only", multiple=True, metavar="TEXT", help="Only the rows whose name contains this; repeatable.")
@click.option("--peer", default="", metavar="COMMAND", help="Another program to measure, that takes git-sync's flags.")
@click.option("--python", default=".bench/venv/bin/python", show_default=True, help="The Python that runs gitsync.")
@click.option(
    "--directory", type=click.Path(path_type=Path), help="A new directory to work in.  [default: a temporary one]"
)
@click.option("--output", type=click.Path(path_type=Path), default=Path(".bench/results"), show_default=True)
@click.option("--quick", is_flag=True, help="Only the smallest repository, and no picture.")
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Measure gitsync beside plain git, print a table, and write results.json and cost.svg to --output.

    It works on about 10 GB of files in --directory, 15 GB with a peer, which are removed at the end.
    """
    signal.signal(signal.SIGTERM, _end)
    if context.invoked_subcommand is None:
        run(Options(**options))


def _end(number: int, frame: FrameType | None) -> None:
    """End in order: programs are stopped, and what was made is removed."""
    sys.exit(128 + number)


main.add_command(fleet)
main.add_command(measure_replicas)
main.add_command(several)
main.add_command(soak)
main.add_command(store)


if __name__ == "__main__":
    main()
