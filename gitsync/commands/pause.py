"""`gitsync pause` and `gitsync resume`: what is published stays as it is, for as long as somebody wants it to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from gitsync.base.errors import EXIT_OK
from gitsync.commands import EXIT_UNDONE
from gitsync.commands.parameters import of_repo, of_sidecar, with_query
from gitsync.commands.sidecar import PATIENCE, find
from gitsync.commands.words import report

_PAUSE: Final = """
Have the gitsync at URL publish nothing, from now on until `gitsync resume`, over restarts as well.

The exit status is as that of `gitsync trigger`.
"""
_RESUME: Final = "Have the gitsync at URL go on after `gitsync pause`, with a pass at once."
_CODES: Final = {200: EXIT_OK, 503: EXIT_UNDONE}


@click.command(help=_PAUSE)
@of_sidecar
@click.option("--reason", default="", help="Why; it is shown in /status and in the log.")
@of_repo
@click.pass_obj
def pause(environ: Mapping[str, str], url: str | None, secret_file: Path | None, reason: str, repo: str | None) -> int:
    """Pause a sidecar; return the exit code."""
    path = with_query("/pause", reason=reason or None, repo=repo)
    return report(find(environ, url=url, secret_file=secret_file).ask(path, timeout=PATIENCE), _CODES)


@click.command(help=_RESUME)
@of_sidecar
@of_repo
@click.pass_obj
def resume(environ: Mapping[str, str], url: str | None, secret_file: Path | None, repo: str | None) -> int:
    """Let a sidecar go on; return the exit code."""
    path = with_query("/resume", repo=repo)
    return report(find(environ, url=url, secret_file=secret_file).ask(path, timeout=PATIENCE), _CODES)
