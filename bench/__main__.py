"""The command line: without a subcommand the table, each other measurement is a subcommand in a module of its own."""

import click


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Measure gitsync beside plain git."""
    if context.invoked_subcommand is None:
        click.echo("nothing yet")


if __name__ == "__main__":
    main()
