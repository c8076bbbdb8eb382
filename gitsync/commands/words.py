"""Says in words what was answered: by a gitsync in JSON, or in any form by what is before it, such as an Ingress."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from gitsync.base.errors import EXIT_OK
from gitsync.base.fetchurl import Answer
from gitsync.base.printable import printable
from gitsync.commands import EXIT_UNASKED


def report(answer: Answer, codes: Mapping[int, int], *, line: Callable[[Any], str] | None = None) -> int:
    """Print an answer, with a line for each repository; return the exit code for its status.

    A status without a code of its own is that of somebody who does not let us in, or does not know us.
    """
    code = codes.get(answer.status, EXIT_UNASKED)
    for words in _words(answer, line):
        click.echo(printable(words), err=code != EXIT_OK)
    return code


def _words(answer: Answer, line: Callable[[Any], str] | None) -> list[str]:
    try:
        told = json.loads(answer.body)
        repos = told.get("repos", []) if line else []
        return [str(told["message"]), *(line(repo) for repo in repos if line)]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return [f"the server answered with {answer.status}{answer.by}"]
