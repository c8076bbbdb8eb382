"""`gitsync trigger`: has a pass run, and waits for its outcome."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from gitsync.base.errors import EXIT_OK
from gitsync.base.fetchurl import Answer
from gitsync.base.printable import printable
from gitsync.commands import EXIT_FAILED, EXIT_UNASKED, EXIT_UNDONE
from gitsync.commands.parameters import of_sidecar, seconds
from gitsync.commands.sidecar import find

# Seconds that a sidecar has for its answer, beside those that it was asked to wait.
_PATIENCE: Final = 10.0
_CODES: Final = {200: EXIT_OK, 202: EXIT_OK, 409: EXIT_UNDONE, 424: EXIT_FAILED, 503: EXIT_UNDONE, 504: EXIT_UNDONE}


@click.command()
@of_sidecar
@click.option(
    "--wait", metavar="DURATION", callback=seconds, help="Wait so long for the outcome, such as 30s; else for nothing."
)
@click.pass_obj
def trigger(environ: Mapping[str, str], url: str | None, secret_file: Path | None, wait: float | None) -> int:
    """Have a pass run by the gitsync at URL, which is such as http://gitsync:9484.

    Without a URL it is the one in this container, or wherever the same variables lead.

    \b
    Exit status:
      0    done; without --wait, begun
      1    the pass has failed
      2    the arguments, or the variables, cannot be used
      3    there is no such server, or it does not let us in
      4    not done in time, or not now: it is paused, or ends
    """
    sidecar = find(environ, url=url, secret_file=secret_file)
    answer = sidecar.ask("/sync" if wait is None else f"/sync?wait={wait:g}s", timeout=(wait or 0.0) + _PATIENCE)
    code = _CODES.get(answer.status, EXIT_UNASKED)
    for line in _words(answer):
        click.echo(printable(line), err=code != EXIT_OK)
    return code


def _words(answer: Answer) -> list[str]:
    """Say what was answered: by us in JSON, by others, such as an Ingress, in any form."""
    try:
        told = json.loads(answer.body)
        repos = told.get("repos", [])
        return [str(told["message"]), *(_line(repo) for repo in repos)]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return [f"the server answered with {answer.status}{answer.by}"]


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
