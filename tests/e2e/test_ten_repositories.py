"""Promise: one process follows ten repositories of ten servers, and each as if it were alone.

They differ in server, login, kind of ref and form of publication, and one of the servers never answers. The file is
edited while the process runs, and consumers read all the while.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Document, Start
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE
from tests.support.many import FILES, SILENT, Followed, Many, entries
from tests.support.reader import Readers, Seen
from tests.support.secrecy import Secrecy


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Many]:
    """The servers, and what is followed on them."""
    with Many(tmp_path / "servers") as made:
        yield made


def _statuses(daemon: DaemonProcess, query: str = "") -> dict[str, Mapping[str, Any]]:
    return {one["repo"]: one for one in json.loads(daemon.get(f"/status{query}")[1])["repos"]}


def _wait_shown(daemon: DaemonProcess, *followed: Followed) -> None:
    """Wait until what each follows is published, which is told of it alone."""
    daemon.until(lambda: all(_statuses(daemon)[one.name]["hash"] == one.shown for one in followed))


def _check_truth(daemon: DaemonProcess, followed: list[Followed], *, dead: bool) -> None:
    """Probes, status and metrics say of each what is so: all are ready but the one that is dead."""
    assert daemon.get("/readyz")[0] == (503 if dead else 200)
    assert daemon.get("/healthz")[0] == 200
    assert set(_statuses(daemon)) == {one.name for one in followed} | ({SILENT} if dead else set())
    for one in followed:
        assert daemon.get(f"/readyz?repo={one.name}")[0] == 200
        told = _statuses(daemon, f"?repo={one.name}")
        assert [*told] == [one.name]
        assert (told[one.name]["hash"], told[one.name]["publish"]) == (one.shown, one.form)
        assert (told[one.name]["ready"], told[one.name]["error"]) == (True, None)
        samples = daemon.metrics(one.name)
        assert [name for name in samples if name.startswith("gitsync_published_info{") and one.shown in name]
        assert samples["gitsync_consecutive_failures"] == 0
    if dead:
        assert daemon.get(f"/readyz?repo={SILENT}")[0] == 503
        assert _statuses(daemon, f"?repo={SILENT}")[SILENT]["hash"] is None


def _life(daemon: DaemonProcess, written: Document, many: Many) -> list[Followed]:
    """Push to all, with changes of the file in between; return those that are followed in the end."""
    _push(daemon, 1, [*many.followed.values()])
    assert many.silent.accepted
    threads = daemon.threads()
    _push(daemon, 2, [*many.followed.values()])

    guide, changed, extra = many.followed["guide"], many.later_handbook(), many.extra()
    kept = [one for name, one in many.followed.items() if name not in {guide.name, changed.name}]
    now = [*kept, changed, extra]
    written.replace(entries(now, many.dead))
    told = daemon.wait_event("config_reloaded")
    assert (told["added"], told["changed"], told["removed"]) == (["extra"], ["handbook"], ["guide"])
    daemon.wait_event("unit_ended", repo="guide")
    _push(daemon, 3, now)
    _check_truth(daemon, now, dead=True)

    written.replace(entries(now, "{repo: /nowhere, perriod: 3s, link: site}", many.dead))
    assert "perriod: there is no such key" in daemon.wait_event("config_invalid")["message"]
    daemon.until(lambda: not daemon.metrics()["gitsync_config_valid"])
    _push(daemon, 4, now)
    _check_truth(daemon, now, dead=True)

    written.replace(entries(now))
    daemon.wait_event("unit_ended", repo=SILENT)
    daemon.until(lambda: daemon.metrics()["gitsync_config_valid"])
    _check_truth(daemon, now, dead=False)
    assert daemon.get("/readyz?repo=guide")[0] == 404
    ended = {line["repo"] for event in ("unit_ended", "unit_killed", "unit_failed") for line in daemon.logs(event)}
    assert ended == {"guide", "handbook", SILENT}
    workers = {f"worker {one.name}" for one in kept}
    assert {name: daemon.threads()[name] for name in workers} == {name: threads[name] for name in workers}
    # One that is changed or removed may be in a pass; git gives a silent server up after a while.
    failed = {(line["repo"], line["reason"]) for line in daemon.logs("sync_finished", outcome="failed")}
    assert failed <= {(SILENT, "timeout"), *((name, "cancelled") for name in ended)}
    return now


def _push(daemon: DaemonProcess, number: int, followed: list[Followed]) -> None:
    """Have each at another commit, and wait until that is what consumers find."""
    for one in followed:
        one.push(number)
    _wait_shown(daemon, *followed)


@pytest.mark.timeout(300)
def test_ten_repositories(start: Start, document: Document, many: Many, root: Path) -> None:
    """Given ten repositories, when they change, and the file that names them does, also to a wrong one, then consumers
    see whole commits alone, logins stay with their servers, and those whose entry is as it was run on untouched."""
    followed = [*many.followed.values()]
    daemon = start(entries(followed, many.dead), top="http-pprof: true\nverbose: 9", defaults="jitter: 0")
    with Secrecy(daemon, root=root, secrets=many.secrets) as secrecy:
        _wait_shown(daemon, *followed)
        _check_truth(daemon, followed, dead=True)
        with Readers(*(one.place(root) for one in followed), files=FILES) as readers:
            followed = _life(daemon, document, many)
        _check_seen(many, readers.results)
        for one in [*followed, many.followed["guide"]]:
            one.check(root)
        secrecy.check()
        assert daemon.wait_exit(timeout=AT_ONCE) == 0, daemon.describe()
    daemon.check_nothing_runs()
    assert not list(daemon.tmpdir.iterdir())
    many.check_logins()


def _check_seen(many: Many, results: list[Seen]) -> None:
    """Each consumer has seen whole commits alone, and the last one that was followed at its place."""
    last = {"pinned": 0, "guide": 2}
    for name, seen in zip(many.followed, results, strict=True):
        assert not seen.problems, (name, seen.problems[:5])
        assert seen.numbers[-1] == last.get(name, 4), name
        assert seen.turns > len(seen.numbers)
