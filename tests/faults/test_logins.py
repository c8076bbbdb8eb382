"""Logins that change while a server has changed already, and secrets in places where others would show them."""

import base64
from pathlib import Path
from typing import Any

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.invariants import Watch
from tests.support.git_http import GitHttpServer
from tests.support.kubelet import KubeletVolume
from tests.support.origin import Origin

OLD, NEW = "theOldSecretWord-0815", "theNewSecretWord-4711"
FAST: dict[str, Any] = {"period": "200ms", "max_backoff": "400ms", "stale_worktree_timeout": "0s"}


@fault(
    area="login",
    what="the password changes at the server; the Secret is empty, has half of the new one, then all and a line break",
    then="`credential` or `auth`, as it is; what is published stays, and the newest commit follows the right password",
)
def test_rotation(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a password that is rotated step by step, what is published stays, and nobody has to restart anything."""
    git_http.credentials = f"ann:{OLD}"
    volume, old = KubeletVolume(tmp_path / "secret", {"password": OLD}), origin.head
    with Watch(origin, root / "site.git", root, secrets=[OLD, NEW]) as watch:
        url, file = git_http.url_of(origin.path), volume.path / "password"
        daemon = watch.follow(start_daemon(url, root, username="ann", password_file=file, **FAST))
        daemon.wait_published(old)
        git_http.credentials = f"ann:{NEW}"
        new = origin.commit({"index.html": "second\n"})
        for content, reason in ((OLD, "auth"), ("", "credential"), (NEW[:9], "auth")):
            volume.update({"password": content})
            mark = daemon.mark()
            failure = daemon.wait_event("sync_finished", since=mark, outcome="failed", reason=reason)
            assert "--password-file" in f"{failure['message']} {failure['hint']}"
            watch.check(old)
            assert daemon.get("/readyz")[0] == 200
        volume.update({"password": f"{NEW}\r\n"})
        daemon.wait_published(new)


@fault(
    area="login",
    what="the login is a header of `http.extraHeader`, at the most talkative log level",
    then="it is let in, and the header is seen nowhere",
)
def test_header(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path) -> None:
    """Given a login in a setting of git, it works, and is in no log, page, file or argument."""
    git_http.credentials = f"ann:{OLD}"
    token = base64.b64encode(git_http.credentials.encode()).decode()
    environment = {"GITSYNC_GIT_CONFIG": f'http.extraHeader:"Authorization: Basic {token}"'}
    with Watch(origin, root / "site.git", root, secrets=[token, OLD]) as watch:
        url = git_http.url_of(origin.path)
        daemon = watch.follow(start_daemon(url, root, "-v9", environment=environment, **FAST))
        daemon.wait_published(origin.head)
        daemon.wait_published(origin.commit({"index.html": "second\n"}))
        git_http.fail_with = 401
        daemon.wait_event("sync_finished", outcome="failed", reason="auth")
        git_http.fail_with = None
        daemon.wait_published(origin.commit({"index.html": "third\n"}))
