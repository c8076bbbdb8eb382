"""The checks of a volume and of a repository: against real file systems, locks, ports and git."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gitsync.base.filelock import Lock
from gitsync.checks.check import Result, Subject
from gitsync.checks.running import run
from gitsync.checks.table import CHECKS
from gitsync.config import load
from tests.integration.test_sick_volume import sick
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin

Look = Callable[..., dict[str, Result]]


@pytest.fixture
def look(root: Path) -> Iterator[Look]:
    """A function that makes all checks for a repository's URL, with these arguments."""
    with ExitStack() as stack:

        def made(repo: str, *arguments: str) -> dict[str, Result]:
            config = load([f"--repo={repo}", f"--root={root}", "--http-bind=127.0.0.1:0", *arguments], {})
            subject = Subject(config, config.repos[0])
            stack.callback(subject.close)
            return {result.name: result for result in run(CHECKS, subject)}

        yield made


def outcomes(results: dict[str, Result], outcome: str) -> set[str]:
    """Return the names of the checks that have ended so."""
    return {name for name, result in results.items() if result.outcome == outcome}


def test_local_repository(look: Look, origin: Origin, root: Path) -> None:
    """All is well, the commit is named, and nothing is left: not even the root is made."""
    before = set(root.parent.iterdir())
    results = look(origin.url)
    assert not outcomes(results, "failed") | outcomes(results, "warning")
    assert outcomes(results, "skipped") == {"dns", "tcp", "tls", "clock", "signatures", "lfs"}
    assert results["ref"].message == f"refs/heads/main is at {origin.head}"
    assert "made at the start" in results["root"].message
    assert set(root.parent.iterdir()) == before


def test_server(look: Look, git_http: GitHttpServer, origin: Origin, root: Path) -> None:
    """Over http the way is looked at too, and the clock; no object is fetched, and the root is as it was."""
    root.mkdir()
    results = look(git_http.url_of(origin.path))
    assert not outcomes(results, "failed") | outcomes(results, "warning")
    assert outcomes(results, "skipped") == {"tls", "size", "watches", "signatures", "lfs"}
    assert results["dns"].message == "the server 127.0.0.1: 127.0.0.1"
    assert "the server's" in results["clock"].message
    assert not git_http.fetches
    assert not list(root.iterdir())


def test_ref_that_is_not_there(look: Look, git_http: GitHttpServer, origin: Origin) -> None:
    """The server lets us in, and has no such ref."""
    results = look(git_http.url_of(origin.path), "--ref=realese")
    assert outcomes(results, "failed") == {"ref"}
    assert "realese" in results["ref"].message
    assert "--ref" in (results["ref"].cure or "")


def test_login_that_is_refused(look: Look, origin: Origin, tmp_path: Path) -> None:
    """What follows from that is skipped; the password is nowhere."""
    password = tmp_path / "password"
    password.write_text("wr0ng-secret\n")
    with GitHttpServer(origin.path.parent, username="ada", password="right") as server:
        results = look(server.url_of(origin.path), "--username=ada", f"--password-file={password}")
    assert outcomes(results, "failed") == {"access"}
    assert results["access"].message.startswith("auth: ")
    assert results["ref"].message == "not tried, as 'access' has failed"
    assert "wr0ng" not in str(results)
    password.unlink()
    # A setting of http that changes no way does not keep us from looking at it.
    arguments = ["--git-config=http.lowSpeedTime:60", "--username=ada", f"--password-file={password}"]
    results = look("http://127.0.0.1:1/x.git", *arguments)
    assert outcomes(results, "failed") == {"login", "tcp"}
    assert results["tcp"].message == "connect: the server 127.0.0.1:1: Connection refused"
    assert f"--password-file={password}: No such file" in results["login"].message


def test_volume_that_cannot_be_written_to(
    look: Look, origin: Origin, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said whose the root is and who we are, and what needs to write is not tried."""
    root.mkdir(mode=0o555)
    with monkeypatch.context() as patched:
        mkdir = os.mkdir

        def refused(path: str, *arguments: object, **options: object) -> None:
            if str(path).startswith("."):
                raise PermissionError(13, os.strerror(13), path)
            mkdir(path, *arguments, **options)  # type: ignore[arg-type]

        patched.setattr(os, "mkdir", refused)
        results = look(origin.url)
    assert {"rights"} <= outcomes(results, "failed")
    assert {"links", "locks"} <= outcomes(results, "skipped")
    cure = results["rights"].cure or ""
    assert "with mode 0555, this is user" in cure
    assert "fsGroup" in cure


def test_sick_volume(look: Look, origin: Origin, root: Path) -> None:
    """A volume that answers with errors is told of once, and the remote is asked nevertheless."""
    root.mkdir()
    with sick(root.resolve(), 5):
        results = look(origin.url)
    assert outcomes(results, "failed") == {"root"}
    assert results["root"].message.startswith("filesystem: root: Input/output error")
    assert results["ref"].outcome == "ok"


def test_root_that_is_a_file(look: Look, origin: Origin, root: Path) -> None:
    """What is no directory cannot be a root."""
    root.write_text("")
    results = look(origin.url)
    assert "is no directory" in results["root"].message
    assert results["locks"].message == "not tried, as 'root' has failed"


def test_link_that_is_none(look: Look, origin: Origin, root: Path) -> None:
    """What stands in the place of the link is told of before anything is fetched."""
    (root / "site.git").mkdir(parents=True)
    results = look(origin.url)
    assert results["root"].message.startswith("link_blocked: ")
    assert "--link" in (results["root"].cure or "")


@pytest.mark.parametrize("there", [True, False])
def test_directory_that_is_published_into(look: Look, origin: Origin, root: Path, there: bool) -> None:
    """What is in it is no obstacle; a file is made where files will be, and nothing is left."""
    place = root / "site.git" if there else root
    place.mkdir(parents=True)
    (place / "mine").write_text("mine")
    results = look(origin.url, "--publish=inplace")
    assert results["root"].outcome == "ok"
    assert str(place) in results["links"].message
    assert [path.name for path in place.iterdir()] == ["mine"]


def test_directory_in_the_place_of_the_link(look: Look, origin: Origin, root: Path) -> None:
    """What --publish=exchange needs is tried, and nothing is left of it; what is not ours is told of."""
    before = set(root.parent.iterdir())
    results = look(origin.url, "--publish=exchange")
    assert (results["links"].outcome, "one step" in results["links"].message) == ("ok", True)
    assert set(root.parent.iterdir()) == before
    (root / "site.git").mkdir(parents=True)
    assert look(origin.url, "--publish=exchange")["root"].message.startswith("link_blocked: ")


def test_volume_without_locks(look: Look, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where flock(2) is not there it is said what to do."""

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(37, os.strerror(37))

    with monkeypatch.context() as patched:
        subject_locks = next(one for one in CHECKS if one.name == "locks")
        patched.setattr(fcntl, "flock", refuse)
        config = load([f"--repo={origin.url}", f"--root={origin.path.parent}"], {})
        result = next(run([subject_locks], Subject(config, config.repos[0])))
    assert result.message.startswith("no_locks: ")
    assert "local_lock=flock" in (result.cure or "")


def test_beside_a_gitsync_that_runs(look: Look, origin: Origin, root: Path) -> None:
    """Its lock and its port are no failure, and its lock stays as it is."""
    (root / ".gitsync").mkdir(parents=True)
    lock = Lock(root / ".gitsync" / "lock")
    assert lock.try_acquire()
    held = lock.path.stat()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        results = look(origin.url, f"--http-bind=127.0.0.1:{taken.getsockname()[1]}")
    assert outcomes(results, "warning") == {"locks", "ports"}
    assert f"({os.getpid()} on " in results["ports"].message
    assert (lock.path.stat().st_mtime_ns, lock.path.stat().st_ino) == (held.st_mtime_ns, held.st_ino)
    lock.release()


def test_port_that_somebody_else_has(look: Look, origin: Origin) -> None:
    """Without a gitsync on the root it is somebody else's port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        results = look(origin.url, f"--http-bind=127.0.0.1:{taken.getsockname()[1]}")
    assert outcomes(results, "failed") == {"ports"}
    assert results["ports"].message.startswith("port_taken: ")
    assert "--http-bind" in (results["ports"].cure or "")
    results = look(origin.url, "--http-bind=off")
    assert results["ports"].outcome == "skipped"
