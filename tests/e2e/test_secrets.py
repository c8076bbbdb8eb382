"""Promise: a secret that the program was given is seen nowhere else."""

from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.processes import Sampler
from tests.support.webhook import bearer, signed

SECRET = "aVerySecretWord-4711"
PASSES = 8


def _files_with(secret: str, directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and secret.encode() in _content(path)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a daemon that runs may tidy up
        return b""


@pytest.fixture
def recording_git(tmp_path: Path) -> Path:
    """A git that writes down what it was given before it does its work."""
    program = tmp_path / "recording-git"
    records = tmp_path / "records"
    records.mkdir()
    program.write_text(
        f'#!/bin/sh\n{{ tr "\\0" "\\n" </proc/$$/cmdline; tr "\\0" "\\n" </proc/$$/environ; }} >"{records}/$$"\n'
        'exec git "$@"\n'
    )
    program.chmod(0o755)
    return program


def _check_nowhere(daemon: DaemonProcess, sampler: Sampler, root: Path, secret: str) -> None:
    for path in ("/", "/status", "/metrics", "/readyz", "/healthz"):
        assert secret not in daemon.get(path)[1], path
    assert secret not in daemon.log_text()
    assert not _files_with(secret, root)
    assert not _files_with(secret, daemon.home)
    records = root.parent / "records"
    assert len(list(records.iterdir())) > 2 * PASSES, "git was not run as often as there was work for it"
    assert not _files_with(secret, records)
    # Helpers are seen by looking. A child that has not yet called exec is still a copy of the daemon.
    copy = " ".join(daemon.arguments)
    children = [(arguments, environment) for _, arguments, environment in sampler.seen if arguments not in ("", copy)]
    assert children
    assert not [arguments for arguments, _ in children if secret in arguments]
    assert not [arguments for arguments, environment in children if secret.encode() in environment]


def _use(daemon: DaemonProcess, origin: Origin) -> None:
    """Have passes run, good and bad webhooks arrive, and a pass fail."""
    for number in range(PASSES):
        commit = origin.commit({"index.html": f"{number}\n"})
        headers = bearer(SECRET) if number % 2 else signed(b"{}", SECRET)
        assert daemon.post("/webhook", body=b"{}", headers=headers)[0] == 202
        daemon.wait_published(commit)
    assert daemon.post("/webhook", headers=bearer(f"{SECRET}x"))[0] == 401
    mark = daemon.mark()
    aside = origin.path.rename(origin.path.with_suffix(".aside"))
    assert daemon.post("/webhook", headers=bearer(SECRET))[0] == 202
    daemon.wait_event("sync_finished", since=mark, outcome="failed")
    aside.rename(origin.path)


@pytest.mark.parametrize("way", ["file", "environment"])
def test_receiver_secret_is_seen_nowhere(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path, recording_git: Path, way: str
) -> None:
    """Given a receiver secret, when passes run with the most verbose log, then it is in no log, answer, file of the
    volume, argument list or child's environment."""
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    options = {"git": recording_git, **({"receiver_secret_file": secret_file} if way == "file" else {})}
    environment = {"GITSYNC_RECEIVER_SECRET": SECRET} if way == "environment" else {}
    daemon = start_daemon(origin.url, root, "-v9", environment=environment, period="1h", **options)
    with Sampler(daemon.descendants) as sampler:
        daemon.wait_ready()
        _use(daemon, origin)
    assert SECRET not in " ".join(daemon.arguments)
    _check_nowhere(daemon, sampler, root, SECRET)
    assert daemon.terminate() == 0
    assert SECRET not in daemon.log_text()


def test_password_in_the_url_is_seen_nowhere(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, recording_git: Path
) -> None:
    """Given a password in the repository's URL, when passes run and fail, then it opens the server and is in no log,
    answer, file of the volume, argument list of a child or error."""
    git_http.credentials = f"user:{SECRET}"
    url = git_http.url_of(origin.path).replace("http://", f"http://user:{SECRET}@")
    environment = {"GITSYNC_REPO": url}
    daemon = start_daemon(
        url, root, "-v9", environment=environment, git=recording_git, period="1h", sync_on_signal="HUP"
    )
    with Sampler(daemon.descendants) as sampler:
        daemon.wait_ready()
        for number in range(PASSES):
            commit = origin.commit({"index.html": f"{number}\n"})
            daemon.signal(1)
            daemon.wait_published(commit)
        git_http.credentials = "user:changed"
        daemon.sync_by_signal()
    assert daemon.logs("sync_finished", reason="auth")
    _check_nowhere(daemon, sampler, root, SECRET)
    assert daemon.terminate() == 0
