"""The command line: without a subcommand the table, each other measurement is a subcommand in a module of its own."""

import click

from bench.fleet import fleet
from bench.soak import soak
from bench.store import store


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure gitsync beside plain git."""
    if context.invoked_subcommand is None:
        click.echo("nothing yet")


main.add_command(fleet)
main.add_command(soak)
main.add_command(store)

if __name__ == "__main__":
    main()
