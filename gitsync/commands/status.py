"""`gitsync status`: what a gitsync that runs serves, why it may not be the newest, and what it does next, in words."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import click

from gitsync.base.errors import EXIT_OK
from gitsync.base.fetchurl import Answer, fetch
from gitsync.base.printable import printable
from gitsync.commands import EXIT_FAILED, EXIT_UNASKED
from gitsync.commands.parameters import of_repo, with_query
from gitsync.commands.sidecar import PATIENCE, pages_of
from gitsync.telling.words import age

_HELP: Final = """
Say what the gitsync at URL serves, which is such as http://gitsync:9484, and how it is; it needs no secret.

Without a URL it is the one in this container, or wherever the same variables lead.

\b
Exit status:
  0    ready: consumers find a complete revision, be it the newest or not
  1    not ready
  2    the arguments, or the variables, cannot be used
  3    there is no such server, or it is no gitsync
"""
_PATH: Final = "/status"
_ROW: Final = "  {name:<8} {text}"
_INDENT: Final = " " * 11


@click.command(help=_HELP)
@click.argument("url", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, as it is.")
@of_repo
@click.pass_obj
def status(environ: Mapping[str, str], url: str | None, as_json: bool, repo: str | None) -> int:
    """Ask a sidecar how it is; return the exit code."""
    base = pages_of(environ, url=url and url.rstrip("/").removesuffix(_PATH))
    answer = fetch(f"{base}{with_query(_PATH, repo=repo)}", timeout=PATIENCE)
    told = read(answer, now=time.time())
    if told is None:
        click.echo(printable(f"the server answered with {answer.status}{answer.by}, and as no gitsync does"), err=True)
        return EXIT_UNASKED
    for line in [told.whole] if as_json else told.lines:
        click.echo(printable(line))
    return EXIT_OK if told.ready else EXIT_FAILED


class Told(NamedTuple):
    """What was answered: in lines for people, whole as JSON, and whether all of it is ready."""

    lines: list[str]
    whole: str
    ready: bool


def read(answer: Answer, *, now: float) -> Told | None:
    """Read an answer, which may be anybody's; None for what is no gitsync's. `now` is in Unix seconds."""
    try:
        if answer.status != 200:
            return None
        told = json.loads(answer.body)
        repos = list(told["repos"])
        lines = [line for told_of in repos for line in _lines(told_of, now)] + _of_file(told.get("config"))
        ready = bool(repos) and all(each["ready"] is True for each in repos)
        # Written anew, as another server might send what a terminal acts upon.
        return Told(lines, json.dumps(told, indent=2), ready)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, OverflowError):
        return None


def _of_file(file: Any) -> list[str]:
    """Say what is wrong with the file of --config, if there is one."""
    if not file or file["valid"]:
        return []
    return [
        f"{file['file']} cannot be used, and what it has said before counts:",
        *map("  {}".format, file["problems"]),
    ]


def _lines(repo: Any, now: float) -> Iterator[str]:
    """Say how one repository is; `now` is in Unix seconds."""
    yield f"{repo['repo']}: {repo['state']}"
    for name, text in _facts(repo, now):
        yield _ROW.format(name=name, text=text)
    if error := repo["error"]:
        yield _ROW.format(
            name="failing", text=f"{_count(repo['consecutive_failures'])}{error['reason']}: {error['message']}"
        )
        if error["hint"]:
            yield f"{_INDENT}-> {error['hint']}"


def _facts(repo: Any, now: float) -> Iterator[tuple[str, str]]:
    yield "url", repo["url"]
    if repo["hash"]:
        yield "serving", f"{repo['resolved_ref'] or repo['ref']} at {repo['hash']}{_since(repo['published_at'], now)}"
        if repo["subject"]:
            yield "", f"{repo['subject']} ({repo['author'] or 'nobody'}, {repo['author_date'] or 'undated'})"
    if pause := repo["paused"]:
        yield "paused", f"{_since(pause['since'], now).lstrip(', ')}{': ' if pause['reason'] else ''}{pause['reason']}"
    if fetching := repo["fetch"]:
        percent = "" if fetching["percent"] is None else f", {fetching['percent']}%"
        yield "fetching", f"{fetching['remote']}: {fetching['phase']} {fetching['objects']} objects{percent}"
    if repo["next_pass"]:
        due = _time(repo["next_pass"])
        yield "next", f"pass at {repo['next_pass']} ({f'in {age(due - now)}' if due >= now else 'now'})"


def _count(failures: int) -> str:
    return f"{failures} passes in a row: " if failures > 1 else ""


def _since(when: str | None, now: float) -> str:
    return f", since {when} ({age(now - _time(when))})" if when else ""


def _time(written: str) -> float:
    """Return a time in ISO 8601 in Unix seconds; raise `ValueError`."""
    return datetime.fromisoformat(written).timestamp()
