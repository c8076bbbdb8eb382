"""The command line of the benchmark: alone it prints the table, and there are commands for what takes long."""

from pathlib import Path

import click

from bench.table import report


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=3, show_default=True, help="How often everything is done; the medians are shown.")
@click.option("--only", multiple=True, metavar="TEXT", help="Only work whose name contains this; may be repeated.")
@click.option("--peer", metavar="COMMAND", help="Another program that takes git-sync's flags, as a further column.")
@click.option("--python", type=click.Path(path_type=Path), help="The Python that runs gitsync; default: this one.")
@click.option("--directory", type=click.Path(path_type=Path, exists=True), help="Where to work; default: TMPDIR.")
@click.option("--output", type=click.Path(path_type=Path), default=".bench/results", help="Where results go.")
@click.option("--quick", is_flag=True, help="One small repository, to see that it works.")
@click.pass_context
def main(context: click.Context, /, **options: object) -> None:
    """Measure what gitsync costs beside plain git, and print a table."""
    if context.invoked_subcommand is None:
        wanted = options.pop("only")
        report(wanted=wanted, **options)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
