"""Holds the unit tests to their rules: no processes, no sockets, no sleeping, nothing global left behind."""

import io
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings

from gitsync.base import redact
from gitsync.base.log import configure

_TIMEOUT = 30  # seconds; a unit test that waits is no unit test, but a busy machine may keep any test waiting

# https://docs.python.org/3/library/audit_events.html
_FORBIDDEN = frozenset(
    [
        *("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"),
        *("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.sendto"),
        "time.sleep",
    ]
)

# The same examples each time, so that what fails here has a reason here; no deadline, as machines may be busy.
settings.register_profile("steady", max_examples=60, derandomize=True, deadline=None, database=None)
settings.load_profile("steady")


class _Guard:
    """Refuses what unit tests may not do, while one of them runs."""

    active = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.active and event in _FORBIDDEN:
            raise RuntimeError(f"a unit test must do without {event}{arguments!r:.200}")


_guard = _Guard()
sys.addaudithook(_guard)


class Logs:
    """What the package has logged."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the logged events, all of them or those of one name."""
        found = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [event for event in found if name in (None, event["event"])]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test of this folder a short deadline, if it has none of its own."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_TIMEOUT))


@pytest.fixture(autouse=True)
def _clean_environment() -> None:
    """Do not make a home directory for each of a thousand tests: none starts a process, or reads the environment."""


@pytest.fixture(autouse=True)
def _unit_rules() -> Iterator[None]:
    """Refuse processes, sockets and sleeping during the test."""
    _guard.active = True
    yield
    _guard.active = False


@pytest.fixture(autouse=True)
def _no_known_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without secrets, so that those of other tests mask nothing in this one."""
    monkeypatch.setattr(redact, "_known", frozenset())
    monkeypatch.setattr(redact, "_wrapped", Counter())


@pytest.fixture(autouse=True)
def logs() -> Iterator[Logs]:
    """Collect what is logged, at the highest verbosity, and reset logging afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    collected = Logs()
    configure(verbose=9, style="json", stream=collected.stream)
    yield collected
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
