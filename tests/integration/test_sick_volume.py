"""A volume, or a repository on this machine, that lets nobody look for a while: passes fail and tell why, nothing else.

What the system answers then (no permission, a stale handle of a network file system, an error of the disk, a server
that is gone) is what Python's own questions about paths raise, instead of saying no.
"""

import errno
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gitsync.config import load
from gitsync.server.pages import Pages
from gitsync.server.routes import Site
from gitsync.telling.metrics import Metrics
from gitsync.triggers import watch
from gitsync.triggers.mailbox import Mailbox
from gitsync.triggers.watch import Watcher
from gitsync.triggers.watched import watched_of
from tests.integration.conftest import MakeWorkbench
from tests.support.eventually import TIMEOUT, eventually
from tests.support.origin import Origin
from tests.unit.examples import board, commit

CALLS = ("stat", "lstat", "readlink", "open", "scandir", "listdir", "mkdir", "access")
ERRORS = {name: getattr(errno, name) for name in ("EACCES", "ESTALE", "EIO", "ENOTCONN")}
REASONS = {"permission", "filesystem"}


@contextmanager
def sick(directory: Path, number: int) -> Iterator[None]:
    """Have every look at a directory, and at what is in it, fail like this."""

    def ill(call: Callable[..., Any]) -> Callable[..., Any]:
        def asked(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            if isinstance(path, str | Path) and Path(path).is_relative_to(directory):
                raise OSError(number, os.strerror(number), str(path))
            return call(path, *arguments, **options)

        return asked

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, ill(getattr(os, name)))
        yield


@pytest.fixture(params=list(ERRORS.values()), ids=list(ERRORS))
def number(request: pytest.FixtureRequest) -> int:
    """What the system answers."""
    return int(request.param)


def test_passes_fail_with_a_reason_and_nothing_is_made_anew(
    make_workbench: MakeWorkbench, origin: Origin, number: int
) -> None:
    """While the volume is sick each pass fails and says so; when it is well what was there is what is there."""
    bench = make_workbench(origin.url)
    assert bench.run().failure is None
    tree, store = bench.publisher.current(), bench.stores.current.path
    with sick(bench.repo.root, number):
        for _ in range(2):
            failure = bench.run().failure
            assert failure
            assert failure.reason in REASONS
            assert failure.hint
        bench.sync.heal(deadline=0)
        bench.sync.tidy()
        bench.do_chores()
    assert bench.run().outcome == "unchanged"
    assert (bench.publisher.current(), bench.stores.current.path) == (tree, store)


def test_what_is_published_is_taken_over_when_it_can_be_seen(
    make_workbench: MakeWorkbench, origin: Origin, number: int
) -> None:
    """A start on a sick volume goes on, and the first pass that finds it well does not publish again."""
    first = make_workbench(origin.url)
    first.run()
    first.close()
    again = make_workbench(origin.url)
    with sick(again.repo.root, number):
        assert not again.sync.adopt()
        assert again.run().failure
    assert again.run().outcome == "unchanged"
    assert again.sync.published
    assert again.sync.published.hash == origin.head


def test_probes_answer_with_the_reason(tmp_path: Path, number: int) -> None:
    """They are asked most when the volume is sick: not ready, and why, whatever the last pass has met."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "www").symlink_to("tree")
    shown = board(commit=commit(), link=str(tmp_path / "www"))
    app = Site(Pages(board=shown, metrics=Metrics(), git_version=lambda: None).routes())

    def ask(path: str) -> tuple[str, Any]:
        begun: list[str] = []
        body = b"".join(app({"REQUEST_METHOD": "GET", "PATH_INFO": path}, lambda status, _: begun.append(status)))
        return begun[0][:3], json.loads(body)["repos"][0]

    assert ask("/readyz")[0] == "200"
    with sick(tmp_path, number):
        status, ready = ask("/readyz")
        assert (status, ready["ready"], ready["reason"] in REASONS) == ("503", False, True)
        status, told = ask("/status")
        assert (status, told["ready"], told["error"]["reason"] in REASONS) == ("200", False, True)
        assert os.strerror(number) in told["error"]["message"]
    assert ask("/readyz")[0] == "200"


def test_watcher_goes_on_and_sees_that_it_is_well_again(
    origin: Origin, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local repository that cannot be looked at ends no thread, and starts a pass when it can be."""
    monkeypatch.setattr(watch, "_POLL", 0.05)
    mailbox = Mailbox()
    (repo,) = load([f"--repo={origin.path}", "--root=/nowhere"], {}).repos
    with sick(origin.path, number):
        watcher = Watcher()
        watcher.add(watched_of(repo, lambda: mailbox.post("file")))
        thread = threading.Thread(target=watcher.run)
        thread.start()
        assert mailbox.wait(0.3).sources == ()
        assert thread.is_alive()
    eventually(lambda: mailbox.wait(0.1).sources == ("file",))
    watcher.stop()
    thread.join(TIMEOUT)
    assert not thread.is_alive()


@pytest.mark.parametrize("name", ["a" * 300, "", "loop", "nul"])
def test_watcher_survives_whatever_path_it_is_given(tmp_path: Path, name: str) -> None:
    """A name that no file can have, the root of all files, a link to itself and a pointer to nothing are no files."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nul").mkdir()
    (tmp_path / "nul" / ".git").write_bytes(b"gitdir: \0\n")
    path = tmp_path / name if name else Path("/")
    (repo,) = load([f"--repo={path}", "--root=/nowhere", "--link=x"], {}).repos
    watched = watched_of(repo, lambda: None)
    assert watched.needed
    watched.directories()
