"""What the sub-commands have in common on their command lines."""

from collections.abc import Callable
from pathlib import Path

import click

from gitsync.config.values import DURATION


def seconds(context: click.Context, parameter: click.Parameter, written: str | None) -> float | None:
    """Read a duration in the notation of all options; a callback of click's."""
    try:
        return None if written is None else float(DURATION.parse(written))
    except ValueError as error:
        raise click.BadParameter(f"{written}: {error}") from None


def of_sidecar(command: Callable[..., int]) -> Callable[..., int]:
    """Add the parameters that say which gitsync is asked: `url` and `secret_file`."""
    named = click.option(
        "--secret-file",
        type=click.Path(path_type=Path),
        help="A file with the secret of the receiver; else the variables of the sidecar say which it is.",
    )
    return click.argument("url", required=False)(named(command))
