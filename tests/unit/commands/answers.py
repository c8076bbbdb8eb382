"""A server that is none, for the sub-commands to ask."""

import json
from typing import Final

import pytest

from gitsync.base.errors import FetchError
from gitsync.base.fetchurl import Answer
from gitsync.commands.sidecar import Sidecar

ENVIRON: Final = {"GITSYNC_RECEIVER_SECRET": "s3cret-of-the-receiver"}
Output = pytest.CaptureFixture[str]


class Answers:
    """Stands in for the way to the server: what it is asked for, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.answer: Answer | FetchError = Answer(202, json.dumps({"done": False, "message": "begun"}).encode())

    def ask(self, sidecar: Sidecar, path: str, *, timeout: float) -> Answer:
        self.asked.append((f"{sidecar.url}{path}", timeout))
        if isinstance(self.answer, FetchError):
            raise self.answer
        return self.answer
