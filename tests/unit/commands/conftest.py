"""A server that is none, for the sub-commands to ask."""

import pytest

from gitsync.commands.sidecar import Sidecar
from tests.unit.commands.answers import Answers


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What a sub-command asks for, and what it is answered."""
    made = Answers()
    monkeypatch.setattr(Sidecar, "ask", lambda sidecar, path, *, timeout: made.ask(sidecar, path, timeout=timeout))
    return made
