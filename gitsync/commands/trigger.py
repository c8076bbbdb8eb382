"""`gitsync trigger`: has a pass run, and waits for its outcome."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from gitsync.base.errors import EXIT_OK
from gitsync.commands import EXIT_FAILED, EXIT_UNDONE, EXIT_USAGE
from gitsync.commands.parameters import of_repo, of_sidecar, seconds, with_query
from gitsync.commands.sidecar import PATIENCE, find
from gitsync.commands.words import report

_HELP: Final = """
Have a pass run by the gitsync at URL, which is such as http://gitsync:9484.

Without a URL it is the one in this container, or wherever the same variables lead.

\b
Exit status:
  0    done; without --wait, begun
  1    the pass has failed
  2    the arguments, or the variables, cannot be used
  3    there is no such server, or it does not let us in
  4    not done in time, or not now: it is paused, or ends
"""
_CODES: Final = {
    **{200: EXIT_OK, 202: EXIT_OK, 424: EXIT_FAILED, 400: EXIT_USAGE},
    **{409: EXIT_UNDONE, 503: EXIT_UNDONE, 504: EXIT_UNDONE},
}


@click.command(help=_HELP)
@of_sidecar
@click.option(
    "--wait", metavar="DURATION", callback=seconds, help="Wait so long for the outcome, such as 30s; else for nothing."
)
@of_repo
@click.pass_obj
def trigger(
    environ: Mapping[str, str], url: str | None, secret_file: Path | None, wait: float | None, repo: str | None
) -> int:
    """Trigger a pass of a sidecar; return the exit code."""
    sidecar = find(environ, url=url, secret_file=secret_file)
    path = with_query("/sync", wait=None if wait is None else f"{wait:g}s", repo=repo)
    answer = sidecar.ask(path, timeout=(wait or 0.0) + PATIENCE)
    return report(answer, _CODES, line=_line)


def _line(repo: Any) -> str:
    """Say what has become of one repository."""
    error = repo.get("error")
    if error:
        return f"{repo['repo']}: {error['reason']}: {error['message']}" + (
            f"; {error['hint']}" if error["hint"] else ""
        )
    if repo.get("outcome") is None:
        return f"{repo['repo']}: not done"
    return f"{repo['repo']}: {repo['outcome']}, {repo['ref']} at {repo['hash']}, {repo['duration']:g}s"
