"""All sub-commands together: from arguments to an exit code."""

import sys
from collections.abc import Mapping, Sequence

import click

from gitsync.base.errors import ConfigError, GitSyncError
from gitsync.base.printable import printable
from gitsync.base.redact import scrub
from gitsync.commands import EXIT_INTERRUPTED, EXIT_UNASKED, EXIT_USAGE
from gitsync.commands.check import check
from gitsync.commands.pause import pause, resume
from gitsync.commands.receiver_check import receiver_check
from gitsync.commands.status import status
from gitsync.commands.trigger import trigger


# Here and for each command `help` is given, as the image runs without documentation strings.
@click.group(
    help="Ask a gitsync that runs, or whether one would.", context_settings={"help_option_names": ["-h", "--help"]}
)
def group() -> None:
    """Hold all sub-commands."""


for command in (check, receiver_check, trigger, pause, resume, status):
    group.add_command(command)


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the sub-command that the arguments begin with; return its exit code."""
    try:
        code: int = group.main(list(argv), prog_name="gitsync", standalone_mode=False, obj=environ)
    except click.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except GitSyncError as error:
        for problem in error.problems if isinstance(error, ConfigError) else [str(error)]:
            print(f"gitsync: {printable(scrub(problem))}", file=sys.stderr)
        if error.hint:
            print(f"gitsync: {error.hint}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, ConfigError) else EXIT_UNASKED
    return code
