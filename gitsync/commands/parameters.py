"""What the sub-commands have in common on their command lines."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import click

from gitsync.config.values import DURATION


def seconds(context: click.Context, parameter: click.Parameter, written: str | None) -> float | None:
    """Read a duration in the notation of all options; a callback of click's."""
    try:
        return None if written is None else float(DURATION.parse(written))
    except ValueError as error:
        raise click.BadParameter(f"{written}: {error}") from None


def of_repo(command: Callable[..., int]) -> Callable[..., int]:
    """Add the parameter `repo`, which says which repository is meant."""
    named = click.option("--repo", metavar="NAME", help="Only the repository of this name, where there are several.")
    return named(command)


def with_query(path: str, **values: str | None) -> str:
    """Return a path with those of the values that are given."""
    given = {name: value for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def of_sidecar(command: Callable[..., int]) -> Callable[..., int]:
    """Add the parameters that say which gitsync is asked: `url` and `secret_file`."""
    named = click.option(
        "--secret-file",
        type=click.Path(path_type=Path),
        help="A file with the secret of the receiver; else the variables of the sidecar say which it is.",
    )
    return click.argument("url", required=False)(named(command))
