"""What every test gets: isolation from the machine, and fixtures that always clean up after themselves.

No test sees GITSYNC_*, GIT_* or proxy variables, a home directory with content, or the machine's git configuration.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Executable, Origin, Symlink
from tests.support.stall import SilentServer

pytest_plugins = ["tests.support.no_skip", "tests.support.descriptors"]

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Let `-n auto` be two workers for each processor: tests of servers and deadlines wait for most of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests that need Docker last: what is cheap fails first."""
    items.sort(key=lambda item: item.get_closest_marker("container") is not None)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Take away everything of the machine's environment that could change what a test sees."""
    for name in os.environ:
        if name.startswith(("GITSYNC_", "GIT_")) or name.lower() in PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def make_origin(tmp_path: Path) -> Callable[..., Origin]:
    """Return a function that creates an empty origin under tmp_path/origins (name, default_branch)."""

    def make(name: str = "site.git", *, default_branch: str = "main") -> Origin:
        directory = tmp_path / "origins"
        directory.mkdir(exist_ok=True)
        return Origin(directory / name, default_branch=default_branch)

    return make


@pytest.fixture(scope="session")
def first_origin(tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """What every test's `origin` begins as."""
    made = Origin(tmp_path_factory.mktemp("origins") / "site.git")
    files: dict[str, Content] = {
        "index.html": "first\n",
        "docs/guide.txt": "read me\n",
        "bin/run": Executable("#!/bin/sh\n"),
        "latest": Symlink("docs/guide.txt"),
    }
    made.commit(files, message="First")
    return made


@pytest.fixture
def origin(first_origin: Origin, tmp_path: Path) -> Origin:
    """An origin with one commit that holds a file, a program, a link and a folder."""
    directory = tmp_path / "origins"
    directory.mkdir(exist_ok=True)
    return first_origin.copy(directory / "site.git")


@pytest.fixture
def git_http(origin: Origin) -> Iterator[GitHttpServer]:
    """A smart-HTTP server for the directory of `origin`."""
    with GitHttpServer(origin.path.parent) as server:
        yield server


@pytest.fixture
def silent_server() -> Iterator[SilentServer]:
    """A server that accepts connections and never answers."""
    with SilentServer() as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A path for --root that does not exist yet."""
    return tmp_path / "root"


class StartDaemon(Protocol):
    """The `start_daemon` fixture's function."""

    def __call__(
        self, repo: str, root: Path, *arguments: str, environment: dict[str, str] | None = None, **options: object
    ) -> DaemonProcess:
        """Start the program; options become flags (`sync_timeout="2s"`), True a bare flag, None leaves one out.

        What the environment sets (GITSYNC_…) is not given as a flag too.
        """


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[StartDaemon]:
    """Start daemons that are ended, with everything they started, at the end of the test."""
    numbers = itertools.count(1)
    with ExitStack() as stack:

        def start(
            repo: str, root: Path, *arguments: str, environment: dict[str, str] | None = None, **options: object
        ) -> DaemonProcess:
            flags = {"repo": repo, "root": root, "http_bind": "127.0.0.1:0", "log_format": "json", **options}
            given = {name for name in flags if f"GITSYNC_{name.upper()}" in (environment or {})}
            line = [_flag(name, value) for name, value in flags.items() if value is not None and name not in given]
            workdir = tmp_path / f"daemon-{next(numbers)}"
            daemon = stack.enter_context(DaemonProcess(*line, *arguments, workdir=workdir, environment=environment))
            daemon.link = root / str(flags.get("link") or repo.rstrip("/").rsplit("/", 1)[-1])
            return daemon

        yield start


def _flag(name: str, value: object) -> str:
    flag = "--" + name.replace("_", "-")
    return flag if value is True else f"{flag}={value}"
