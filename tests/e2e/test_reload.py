"""Promise: the file of --config is followed while the process runs, and what has not changed in it is left alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Document, Start
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE
from tests.support.kubelet import KubeletVolume
from tests.support.origin import Origin
from tests.support.stall import SilentServer
from tests.support.tree import assert_published
from tests.support.webhook import bearer

SECRET = "correct-horse"


def _names(daemon: DaemonProcess) -> list[str]:
    return [repo["repo"] for repo in json.loads(daemon.get("/status")[1])["repos"]]


def _config(daemon: DaemonProcess) -> dict[str, Any]:
    return dict(json.loads(daemon.get("/status")[1])["config"])


def _passes(daemon: DaemonProcess, repo: str) -> float:
    samples = daemon.metrics(repo)
    return sum(value for name, value in samples.items() if name.startswith("git_sync_count_total{"))


def test_life_of_a_file(start: Start, document: Document, origin: Origin, docs: Origin, root: Path) -> None:
    """Given two repositories, when one comes, one changes and one goes, then that is done, what the last one has
    published stays, and the one that is as it was has neither a pass nor a new thread, and goes on."""
    site = f"- {{repo: {origin.url}, link: site}}\n"
    daemon = start(f"{site}- {{repo: {docs.url}, link: docs, ref: main}}\n", top="http-pprof: true")
    daemon.wait_ready()
    daemon.link = root / "docs"
    older, newer = docs.head, docs.commit({"guide.txt": "again\n"}, branch="next")
    thread = daemon.threads()["worker site"]
    passes = _passes(daemon, "site")

    document.replace(f"{site}- {{repo: {docs.url}, link: docs, ref: next}}\n- {{repo: {docs.url}, link: new}}\n")
    told = daemon.wait_event("config_reloaded")
    assert (told["added"], told["changed"], told["removed"]) == (["new"], ["docs"], [])
    daemon.wait_published(newer)
    daemon.link = root / "new"
    daemon.wait_published(older)
    assert _names(daemon) == ["site", "docs", "new"]

    document.replace(site)
    daemon.wait_event("unit_ended", repo="new")
    daemon.until(lambda: _names(daemon) == ["site"])
    assert daemon.get("/readyz?repo=docs") == (
        404,
        "no such repository here, but site; another gitsync has this port, or the name is wrong\n",
    )
    assert not daemon.metrics("docs").get("gitsync_consecutive_failures")
    assert 'repo="docs"' not in daemon.get("/metrics")[1]
    assert assert_published(docs.path, root / "docs") == newer
    assert (_passes(daemon, "site"), daemon.threads()["worker site"]) == (passes, thread)
    daemon.link = root / "site"
    daemon.wait_published(origin.commit({"index.html": "second\n"}))
    assert daemon.terminate() == 0, daemon.describe()
    daemon.check_nothing_runs()


def test_mistake(start: Start, document: Document, origin: Origin, docs: Origin, root: Path) -> None:
    """Given a file that becomes wrong, then nothing changes but that log, metric and status tell of each mistake, until
    it is mended; and what counts for the process alone waits for a restart, and is named."""
    site = f"- {{repo: {origin.url}, link: site}}\n"
    daemon = start(site)
    daemon.wait_ready()
    before = daemon.metrics()
    assert before["gitsync_config_valid"] == 1
    document.replace(f"{site}- {{repo: {docs.url}, perriod: 3s, link: site}}\n")
    line = document.file.read_text().count("\n")
    assert f"{document.file}:{line}: perriod: there is no such key" in daemon.wait_event("config_invalid")["message"]
    daemon.until(lambda: not daemon.metrics()["gitsync_config_valid"])
    told = _config(daemon)
    assert (told["valid"], len(told["problems"])) == (False, 3)
    assert _names(daemon) == ["site"]
    daemon.link = root / "site"
    daemon.wait_published(origin.commit({"index.html": "second\n"}))

    document.top = "parallel: 7"
    document.replace(f"{site}- {{repo: {docs.url}, link: docs}}\n")
    assert daemon.wait_event("config_needs_restart")["options"] == ["parallel"]
    daemon.link = root / "docs"
    daemon.wait_published(docs.head)
    told = _config(daemon)
    assert (told["valid"], told["problems"], told["needs_restart"]) == (True, [], ["parallel"])
    after = daemon.metrics()
    loaded = "gitsync_config_last_reload_success_timestamp_seconds"
    assert after[loaded] > before[loaded]


def test_config_map(start: Start, document: Document, origin: Origin, docs: Origin, root: Path, tmp_path: Path) -> None:
    """Given the file in a ConfigMap, when the kubelet replaces its content twice, then each counts."""
    site, other = f"- {{repo: {origin.url}, link: site}}\n", f"- {{repo: {docs.url}, link: docs}}\n"
    volume = KubeletVolume(tmp_path / "config", {"gitsync.yaml": document.text(site)})
    document.file = tmp_path / "config" / "gitsync.yaml"
    daemon = start(site)
    daemon.wait_ready()
    volume.update({"gitsync.yaml": document.text(site + other)})
    daemon.link = root / "docs"
    daemon.wait_published(docs.head)
    volume.update({"gitsync.yaml": document.text(site)})
    daemon.until(lambda: _names(daemon) == ["site"])


@pytest.mark.parametrize("ends", [True, False], ids=["the process ends", "it goes on"])
def test_repository_that_does_not_end(
    start: Start, document: Document, origin: Origin, root: Path, tmp_path: Path, ends: bool
) -> None:
    """Given a repository with a hook that ignores SIGTERM, when it is removed, then the others run on, and the hook is
    killed; when the process is to end meanwhile, then it does so in time."""
    hook, begun = tmp_path / "hook", tmp_path / "begun"
    hook.write_text(f"#!/bin/sh\ntrap '' TERM\ntouch {begun}\nwhile :; do sleep 1; done\n")
    hook.chmod(0o755)
    site = f"- {{repo: {origin.url}, link: site}}\n"
    slow = f"- {{repo: {origin.url}, link: slow, exechook-command: {hook}}}\n"
    daemon = start(site + slow, top=f"shutdown-timeout: {'10s' if ends else '100ms'}")
    daemon.until(begun.exists)
    document.replace(site)
    daemon.wait_event("config_reloaded")
    assert daemon.get("/readyz?repo=site")[0] == 200
    if ends:
        assert daemon.terminate(timeout=AT_ONCE) == 0, daemon.describe()
    else:
        daemon.wait_event("unit_killed", repo="slow")
        daemon.wait_event("unit_ended", repo="slow")
        assert _names(daemon) == ["site"]
    daemon.check_nothing_runs()


def test_repository_that_hangs(start: Start, document: Document, origin: Origin, root: Path) -> None:
    """Given a repository whose server is silent, when its entry names another one, then that is published at once,
    and its link, which another entry takes over then, passes from one to the other."""
    with SilentServer() as server:
        daemon = start(f"- {{repo: {server.url}/a.git, link: site, name: a}}\n", defaults="sync-timeout: 10m")
        daemon.until(lambda: server.accepted)
        document.replace(f"- {{repo: {origin.url}, link: site, name: a}}\n")
        daemon.link = root / "site"
        daemon.wait_published(origin.head)
        document.replace(f"- {{repo: {origin.url}, link: site, name: b}}\n")
        daemon.until(lambda: ".repositories/b/" in str((root / "site").readlink()))
        assert _names(daemon) == ["b"]


def test_link_that_is_taken(start: Start, document: Document, origin: Origin, root: Path) -> None:
    """Given a new entry whose link's place is somebody's directory, then the others go on, and its status says why it
    is not followed, until the entry is gone."""
    site = f"- {{repo: {origin.url}, link: site}}\n"
    daemon = start(site)
    daemon.wait_ready()
    (root / "taken").mkdir()
    (root / "taken" / "file").write_text("mine\n")
    document.replace(f"{site}- {{repo: {origin.url}, link: taken}}\n")
    told = daemon.wait_event("unit_failed", repo="taken")
    status = json.loads(daemon.get("/status?repo=taken")[1])["repos"][0]
    assert (status["ready"], status["error"]["reason"]) == (False, told["reason"])
    assert (daemon.get("/readyz?repo=site")[0], daemon.get("/healthz")[0]) == (200, 200)
    document.replace(site)
    daemon.until(lambda: _names(daemon) == ["site"])
    assert (root / "taken" / "file").read_text() == "mine\n"


def test_one_of_two_by_hand(start: Start, document: Document, origin: Origin, docs: Origin, tmp_path: Path) -> None:
    """Given two repositories, when a webhook, a pass or a pause names one, then the other one has no part in it; nor
    has one that is gone."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    site, other = f"- {{repo: {origin.url}, link: site}}\n", f"- {{repo: {docs.url}, link: docs}}\n"
    daemon = start(site, top=f"receiver-secret-file: {secret}")
    daemon.wait_ready()
    document.replace(site + other)
    daemon.wait_event("ready", repo="docs")
    before = _passes(daemon, "site")
    headers = bearer(SECRET)
    assert daemon.post("/sync?repo=docs&wait=30s", headers=headers)[0] == 200
    assert daemon.post("/webhook?repo=docs", body=b"{}", headers=headers)[0] == 202
    daemon.until(lambda: daemon.metrics("docs")['gitsync_triggers_total{source="webhook"}'] == 1)
    assert _passes(daemon, "site") == before
    assert daemon.post("/pause?repo=docs", headers=headers)[0] == 200
    assert (daemon.metrics("docs")["gitsync_paused"], daemon.metrics("site")["gitsync_paused"]) == (1, 0)
    assert daemon.post("/resume?repo=docs", headers=headers)[0] == 200
    for path in ("/sync", "/pause", "/resume", "/webhook"):
        assert daemon.post(f"{path}?repo=nobody", body=b"{}", headers=headers)[0] == 404
        assert daemon.post(f"{path}?repo=nobody", body=b"{}")[0] == 401
    document.replace(site)
    daemon.wait_event("unit_ended", repo="docs")
    assert daemon.post("/webhook?repo=docs", body=b"{}", headers=headers)[0] == 404
