"""Promise: one process follows all repositories of a file, each by itself."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Start
from tests.e2e.test_commands import DONE, SECRET, run
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.secrecy import Secrecy
from tests.support.tree import assert_published

PASSWORD = "Tr0ub4dor-and-3"


def test_two_repositories(start: Start, origin: Origin, docs: Origin, root: Path) -> None:
    """Given two origins, and two refs of one of them, when one changes, then that link alone moves, probes tell of each
    by its name, and the end is orderly."""
    daemon = start(
        f"""\
        - {{repo: {origin.url}, link: site}}
        - {{repo: {docs.url}, link: docs/main, ref: main}}
        - {{repo: {docs.url}, link: docs/next, ref: next}}
        """
    )
    daemon.wait_ready()
    older = docs.head
    newer = docs.commit({"guide.txt": "again\n"}, branch="next")
    daemon.link = root / "docs" / "next"
    daemon.wait_published(newer)
    assert assert_published(origin.path, root / "site") == origin.head
    assert assert_published(docs.path, root / "docs" / "main") == older
    assert assert_published(docs.path, root / "docs" / "next") == newer
    assert {path.name for path in (root / ".repositories").iterdir()} == {"site", "main", "next"}
    assert {daemon.get(f"/readyz?repo={name}")[0] for name in ("site", "main", "next")} == {200}
    assert daemon.terminate() == 0, daemon.describe()
    daemon.check_nothing_runs()


def test_login_of_one(start: Start, origin: Origin, docs: Origin, root: Path, tmp_path: Path) -> None:
    """Given a login for one server, when another one, and another repository of the same one, ask for a login, then
    neither ever sees it, nor anybody else, and what it is for is published."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    with ExitStack() as stack:
        private, other = (
            stack.enter_context(GitHttpServer(path, username="ada", password=PASSWORD))
            for path in (docs.path.parent, origin.path.parent)
        )
        daemon = start(
            f"""\
            - {{repo: "{private.url_of(docs.path)}", link: docs, username: ada, password-file: {password}}}
            - {{repo: "{other.url_of(origin.path)}", link: other}}
            - {{repo: "{private.url_of(origin.path)}", link: same}}
            """
        )
        secrecy = stack.enter_context(Secrecy(daemon, root=root, secrets=[PASSWORD]))
        for repo in ("other", "same"):
            assert daemon.wait_event("sync_finished", outcome="failed", repo=repo)["reason"] == "auth"
        daemon.wait_event("sync_finished", outcome="updated", repo="docs")
        assert assert_published(docs.path, root / "docs") == docs.head
        secrecy.check()
        seen = {(request.path.split("/")[1], bool(request.login)) for request in private.requests}
        assert ("docs.git", True) in seen
        assert ("site.git", True) not in seen
        assert other.requests
        assert not [request for request in other.requests if request.login]


def test_failure_of_one(start: Start, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given a repository that is not there, when another one is, then that is published and kept up to date."""
    daemon = start(
        f"""\
        - {{repo: {(tmp_path / "nowhere").as_uri()}, link: nowhere}}
        - {{repo: {origin.url}, link: site}}
        """
    )
    daemon.link = root / "site"
    daemon.wait_event("sync_finished", outcome="failed", repo="nowhere")
    daemon.wait_published(origin.head)
    daemon.wait_published(origin.commit({"index.html": "second\n"}))
    assert daemon.get("/readyz?repo=site")[0] == 200
    assert daemon.get("/readyz")[0] == 503


@pytest.mark.parametrize("whole", [True, False], ids=["all", "all but one"])
def test_one_time(start: Start, origin: Origin, docs: Origin, root: Path, tmp_path: Path, whole: bool) -> None:
    """Given one-time, when each has been published or has failed, then that is the end, with 1 for a failure, and one
    that fails first keeps none of the others from being published."""
    gate, passed = tmp_path / "gate", tmp_path / "passed"
    gate.write_text(f'#!/bin/sh\nuntil [ -e "{passed}" ]; do sleep 0.05; done\n')
    gate.chmod(0o755)
    hook = "exechook-command: 'true'"
    url = docs.url if whole else (tmp_path / "nowhere").as_uri()
    daemon = start(
        f"""\
        - {{repo: {url}, link: docs, {hook}}}
        - {{repo: {origin.url}, link: site, {hook}, pre-publish-exechook-command: {gate}}}
        """,
        defaults="one-time: true",
    )
    if whole:
        daemon.wait_event("hook_finished", repo="docs")
    else:
        daemon.wait_event("thread_ended", thread="worker docs")
    passed.touch()
    assert daemon.wait_exit() == (0 if whole else 1), daemon.describe()
    assert assert_published(origin.path, root / "site") == origin.head
    assert (root / "docs").is_symlink() is whole
    assert len(daemon.logs("hook_finished", hook="exechook")) == (2 if whole else 1)


def test_links_on_the_way(start: Start, origin: Origin, docs: Origin, root: Path) -> None:
    """Given two paths that lead to one directory, when two links would be one, then nothing is started."""
    root.mkdir()
    (root.parent / "alias").symlink_to(root)
    daemon = start(
        f"""\
        - {{repo: {origin.url}, link: site}}
        - {{repo: {docs.url}, link: site, name: docs, root: {root.parent / "alias"}}}
        """
    )
    assert daemon.wait_exit() == 1
    assert "docs: link: it is the link of site, where links on the way lead; choose another path" in daemon.log_text()
    assert not (root / "site").is_symlink()


def test_mistakes(start: Start, root: Path) -> None:
    """Given mistakes in the file, when it is started, then each is told, and nothing is done."""
    daemon = start("- {perriod: 3s, link: a}\n", environment={"GIT_REPO": "/x"})
    assert daemon.wait_exit() == 1
    told = daemon.log_text().splitlines()
    assert [line.split(": ")[2] for line in told] == [
        "perriod",
        "with --config it is not read; write `repo` into the entry of its repository, or into defaults",
        "repo",
    ]
    assert not root.exists()


def test_commands(start: Start, origin: Origin, docs: Origin, file: Path, tmp_path: Path) -> None:
    """Given the file in a variable, when the sidecar is asked, or checked, then the file says where it is, and what."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    daemon = start(
        f"""\
        - {{repo: {origin.url}, link: site}}
        - {{repo: {docs.url}, link: docs}}
        """,
        top=f"receiver-secret-file: {secret}",
    )
    daemon.wait_ready()
    file.write_text(file.read_text().replace("127.0.0.1:0", f"127.0.0.1:{daemon.port}"))
    variables = {"GITSYNC_CONFIG": str(file)}
    code, said = run("status", **variables)
    assert code == DONE, said
    assert ("site: " in said, "docs: " in said) == (True, True)
    code, said = run("trigger", "--wait=30s", **variables)
    assert code == DONE, said
    code, said = run("receiver-check", "github", **variables)
    assert code == DONE, said
    code, said = run("check", f"--config={file}", TMPDIR=str(tmp_path))
    assert code == DONE, said
    assert said.count("refs/heads/main is at") == 2
