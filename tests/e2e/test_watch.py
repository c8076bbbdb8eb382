"""Promise: a file that matters, or a local repository, starts a pass when it changes, whatever the period is."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE
from tests.support.git import git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.kubelet import KubeletVolume
from tests.support.origin import Origin

# Longer than any pass here: only a trigger starts one.
PERIOD = "1h"


@pytest.fixture
def exhausted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make daemons start where the system has no inotify instances left, as on a node with many watchers."""
    wrapper = tmp_path / "python-without-inotify"
    shell = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" "$@"'
    wrapper.write_text(f"#!/bin/sh\nexec unshare --user --map-root-user sh -c '{shell}' '{sys.executable}' \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrapper))


def start_with_password(start_daemon: StartDaemon, url: str, root: Path, volume: KubeletVolume) -> DaemonProcess:
    """Return a daemon that has published with the password of a Secret, and polls once in an hour."""
    password_file = volume.path / "password"
    daemon = start_daemon(url, root, "-v1", period=PERIOD, username="user", password_file=password_file)
    daemon.wait_ready()
    return daemon


def test_swap_of_a_secret_volume(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a password in a Secret, when it is rotated twice, then each rotation starts a pass at once."""
    volume = KubeletVolume(tmp_path / "secret", {"password": "first-password", "other": "x"})
    daemon = start_with_password(start_daemon, git_http.url_of(origin.path), root, volume)
    for number in range(2):
        mark = daemon.mark()
        started = time.monotonic()
        volume.update({"password": f"password-{number}", "other": "x"})
        daemon.wait_event("sync_finished", since=mark, trigger="file")
        assert time.monotonic() - started < AT_ONCE
    assert daemon.metrics()['gitsync_triggers_total{source="file"}'] == 2


def test_other_files_of_a_volume_start_nothing(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a watched file, when others beside it change and it is only read, then there is no pass for them."""
    volume = KubeletVolume(tmp_path / "secret", {"password": "the-password", "other": "x"})
    daemon = start_with_password(start_daemon, git_http.url_of(origin.path), root, volume)
    for number in range(5):
        volume.update({"password": "the-password", "other": str(number)})
        (volume.path / "password").read_text()
    # The change that does count comes last, and there is one pass for all.
    volume.update({"password": "new-password", "other": "x"})
    daemon.wait_event("sync_finished", trigger="file")
    assert daemon.metrics()['gitsync_triggers_total{source="file"}'] == 1


def _bare(path: Path) -> str:
    return str(path)


def _as_url(path: Path) -> str:
    return path.as_uri()


@pytest.mark.parametrize("spell", [_bare, _as_url])
def test_push_to_a_local_repository(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, spell: Callable[[Path], str]
) -> None:
    """Given a local repository, when somebody pushes to it, then it is published at once."""
    daemon = start_daemon(spell(origin.path), root, period=PERIOD)
    daemon.wait_published(origin.head)
    clone = tmp_path / "clone"
    run_git(None, "clone", "--quiet", str(origin.path), str(clone))
    for number in range(3):
        (clone / "index.html").write_text(f"{number}\n")
        run_git(clone, "commit", "--quiet", "--all", "--message", "x")
        run_git(clone, "push", "--quiet")
        started = time.monotonic()
        daemon.wait_published(git(clone, "rev-parse", "HEAD"))
        assert time.monotonic() - started < AT_ONCE
    assert not daemon.logs("watch_unavailable"), "it was found by looking now and then"


def test_local_repository_with_packed_refs_and_a_new_branch(
    start_daemon: StartDaemon, origin: Origin, root: Path
) -> None:
    """Given a branch in a folder that does not exist yet and packed refs, when it is moved, then it is published."""
    origin.branch("release/one")
    daemon = start_daemon(origin.url, root, period=PERIOD, ref="release/one")
    daemon.wait_published(origin.head)
    run_git(origin.path, "pack-refs", "--all", "--prune")
    for number in range(2):
        daemon.wait_published(origin.commit({"index.html": f"{number}\n"}, branch="release/one"))
    run_git(origin.path, "pack-refs", "--all", "--prune")
    daemon.wait_published(origin.commit({"index.html": "last\n"}, branch="release/one"))


def test_working_copy_and_default_branch(start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given a repository that people work in, when they commit or switch its branch, then that is published."""
    clone = tmp_path / "clone"
    run_git(None, "clone", "--quiet", str(origin.path), str(clone))
    daemon = start_daemon(str(clone), root, period=PERIOD)
    daemon.wait_published(origin.head)
    (clone / "index.html").write_text("second\n")
    run_git(clone, "commit", "--quiet", "--all", "--message", "x")
    daemon.wait_published(git(clone, "rev-parse", "HEAD"))
    run_git(clone, "switch", "--quiet", "--create", "other", "HEAD~1")
    daemon.wait_published(origin.head)


def test_repository_that_comes_later(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a local repository that is not there yet, when it appears, then it is found long before the next period."""
    aside = origin.path.rename(origin.path.with_suffix(".aside"))
    daemon = start_daemon(origin.url, root, period=PERIOD)
    daemon.wait_event("sync_finished", outcome="failed", reason="not_found")
    aside.rename(origin.path)
    daemon.wait_published(origin.head)


@pytest.mark.usefixtures("exhausted")
def test_without_inotify_it_looks_now_and_then(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a node without inotify instances, when somebody pushes to a local repository, then it is published within
    seconds, and the log says once why it takes so long."""
    daemon = start_daemon(origin.url, root, period=PERIOD, shutdown_timeout="1h")
    daemon.wait_published(origin.head)
    assert "looking every 3s" in daemon.wait_event("watch_unavailable")["message"]
    for number in range(2):
        started = time.monotonic()
        daemon.wait_published(origin.commit({"index.html": f"{number}\n"}))
        assert time.monotonic() - started < AT_ONCE
    assert len(daemon.logs("watch_unavailable")) == 1
    assert daemon.terminate() == 0


def test_no_watch_without_need(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path) -> None:
    """Given a remote repository and no files, when the program runs, then it has no inotify instance."""
    daemon = start_daemon(git_http.url_of(origin.path), root, period=PERIOD)
    daemon.wait_ready()
    links = [str(path.readlink()) for path in Path(f"/proc/{daemon.pid}/fd").iterdir() if path.is_symlink()]
    assert not [link for link in links if "inotify" in link]


def test_end_is_not_held_up(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given a process that watches, when it is asked to end, then it ends at once and in order."""
    daemon = start_daemon(origin.url, root, period=PERIOD, shutdown_timeout="1h")
    daemon.wait_published(origin.head)
    assert daemon.terminate() == 0
