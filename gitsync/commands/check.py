"""`gitsync check`: tries what a gitsync with the same options would need, and says what to do about what fails."""

import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from gitsync.base.errors import EXIT_OK, ConfigError
from gitsync.base.log import configure
from gitsync.base.printable import printable
from gitsync.base.redact import scrub, scrub_value
from gitsync.commands import EXIT_FAILED
from gitsync.config import Config, load

if TYPE_CHECKING:
    from gitsync.checks.check import Result

_HELP: Final = """
Try all that a gitsync with these options, and these variables, needs: the volume, git, the way to the server, the
login, the ref, the ports.

The options are those of gitsync itself; the variables count as they do there. With --config it is tried for each
repository of the file. What is tried leaves nothing behind, and
nothing is fetched. In the container of a gitsync that runs it finds that one at work, and says so.

\b
Exit status:
  0    all is well; there may be warnings
  1    something failed; the line below it says what to do
"""
_FIRST: Final = "options"
_MANUAL: Final = "correct the option or the variable; `gitsync --man` has all of them"
# As wide as the longest name, and the longest outcome.
_ROW: Final = "{name:<8} {outcome:<8} {message}"
_INDENT: Final = " " * 18


@click.command(
    help=_HELP, context_settings={"ignore_unknown_options": True, "help_option_names": ["-h", "-?", "--help"]}
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, when all is done.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION OF GITSYNC]...")
@click.pass_obj
def check(environ: Mapping[str, str], options: tuple[str, ...], as_json: bool) -> int:
    """Make all checks; return the exit code."""
    # As by a key press: what was begun is taken away again.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results: list[Result] = []
    for result in _results(options, environ):
        if not as_json:
            if result.repo and result.repo != results[-1].repo:
                click.echo(f"{result.repo}:")
            _print(result)
        results.append(result)
    failed = any(result.outcome == "failed" for result in results)
    if as_json:
        shown = {"ok": not failed, "checks": [result.shown() for result in results]}
        click.echo(json.dumps(scrub_value(shown), indent=2))
    return EXIT_FAILED if failed else EXIT_OK


def _results(options: tuple[str, ...], environ: Mapping[str, str]) -> "Iterator[Result]":
    # Here, because they import all that the daemon does.
    from gitsync.checks.check import Result, Subject
    from gitsync.checks.running import run
    from gitsync.checks.table import CHECKS

    try:
        config = load(options, environ)
    except ConfigError as error:
        for problem in error.problems:
            yield Result(name=_FIRST, outcome="failed", message=f"config: {problem}", cure=_MANUAL)
        for one in CHECKS:
            yield Result(name=one.name, outcome="skipped", message=f"not tried, as {_FIRST!r} has failed")
        return
    configure(verbose=config.log.verbose, style=config.log.log_format)
    yield _options(config)
    several = len(config.repos) > 1
    for count, repo in enumerate(config.repos):
        subject = Subject(config, repo)
        try:
            for result in run([one for one in CHECKS if count == 0 or not one.once], subject):
                yield replace(result, repo=repo.name if several else None)
        finally:
            subject.close()


def _options(config: Config) -> "Result":
    from gitsync.checks.check import Result

    message = ", ".join(f"{repo.name} ({repo.repo})" for repo in config.repos)
    if config.warnings:
        return Result(name=_FIRST, outcome="warning", message=message, cure="; ".join(config.warnings))
    return Result(name=_FIRST, outcome="ok", message=message)


def _print(result: "Result") -> None:
    lines = [_ROW.format(name=result.name, outcome=result.outcome, message=result.message)]
    if result.cure:
        lines.append(f"{_INDENT}-> {result.cure}")
    for line in lines:
        click.echo(printable(scrub(line)))
