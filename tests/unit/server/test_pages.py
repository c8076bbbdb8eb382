"""The pages for probes, Prometheus and people."""

import time
from pathlib import Path

import pytest

from gitsync import __version__
from gitsync.base.redact import MASK, Secret
from gitsync.telling.events import Failure, Fetching, PointersCounted, Probed
from gitsync.telling.progress import Progress
from gitsync.telling.status import Pause
from tests.unit.examples import HASH, NAME, REPO, commit, failed, finished
from tests.unit.server.site import Site

READING = ["/", "/healthz", "/readyz", "/metrics", "/status"]


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """A link that leads to a tree."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "www").symlink_to("tree")
    return tmp_path / "www"


def test_root() -> None:
    """The root answers 503 until something is published and 200 from then on, as git-sync does."""
    assert Site().ask("/").status == 503
    assert Site(commit=commit()).ask("/").status == 200


def test_alive() -> None:
    """Liveness follows the worker's own announcement."""
    now = time.monotonic()
    assert Site(act_by=now).ask("/healthz").json == {"alive": True, "late": []}
    late = Site(act_by=now - 31).ask("/healthz")
    assert (late.status, late.reason, late.json) == (503, "Service Unavailable", {"alive": False, "late": [NAME]})


def test_alive_without_a_publication() -> None:
    """A worker that has not published anything yet is alive."""
    assert Site().ask("/healthz").status == 200


def test_ready(link: Path) -> None:
    """Readiness needs a publication and a link that leads to a directory now."""
    site = Site(commit=commit(), link=str(link))
    assert site.ask("/readyz").status == 200
    link.resolve().rmdir()
    assert site.ask("/readyz").status == 503
    link.unlink()
    assert site.ask("/readyz").status == 503


@pytest.mark.parametrize("path", ["/readyz", "/healthz", "/status"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"?repo={NAME}", 200),
        ("?repo=www", 200),
        (f"?repo={NAME}&repo=www", 200),
        (f"?repo={REPO}", 200),
        ("?repo=https%3A%2F%2Fexample.test%2Fsite.git", 200),
        ("?other=x", 200),
        ("?repo=ww", 404),
        ("?repo=", 404),
        ("?repo=www&repo=other", 404),
    ],
)
def test_probe_that_names_a_repository(link: Path, path: str, query: str, status: int) -> None:
    """A probe may name the repository, its link or its URL, and whoever else has the port says that it is not here."""
    assert Site(commit=commit(), link=str(link)).ask(path + query).status == status


def test_not_ready_without_a_publication(link: Path) -> None:
    """A link that somebody else has made does not make us ready."""
    answer = Site(link=str(link)).ask("/readyz")
    assert (answer.status, answer.json["ready"]) == (503, False)


def test_ready_while_the_remote_is_gone(link: Path) -> None:
    """A failing remote shows in the body and leaves what is published ready."""
    failure = Failure(reason="dns", message="no such host")
    answer = Site(commit=commit(), link=str(link), failure=failure, last_success=1000.0).ask("/readyz")
    assert answer.status == 200
    assert answer.json == {
        "ready": True,
        "repos": [
            {
                "repo": NAME,
                "ready": True,
                "stale": True,
                "paused": None,
                "last_success": "1970-01-01T00:16:40.000+00:00",
                "reason": "dns",
                "error": {"reason": "dns", "message": "no such host", "hint": None},
            }
        ],
    }


def test_status(link: Path) -> None:
    """The status tells everything about every repository."""
    site = Site(
        commit=commit(),
        link=str(link),
        resolved_ref="refs/heads/main",
        published_at=1060.0,
        last_attempt=1500.0,
        last_success=time.time(),
        confirmed_at=time.monotonic(),
        next_pass=2010.5,
        done=finished(failed(), consecutive_failures=2),
        failure=Failure(reason="tls", message="bad certificate", hint="check it"),
        probe=Probed(repo=NAME, via="git", outcome="unchanged", obstacle="--probe=git"),
        pointers=PointersCounted(repo=NAME, count=3),
    )
    answer = site.ask("/status").json
    (repo,) = answer.pop("repos")
    assert answer == {"version": __version__, "git_version": "2.39.5"}
    assert repo.pop("last_success").startswith("20")
    assert repo.pop("state") == "serving 0 s old content: the certificate of the server is not trusted"
    assert repo == {
        "repo": NAME,
        "url": REPO,
        "ref": "HEAD",
        "resolved_ref": "refs/heads/main",
        "link": str(link),
        "publish": "symlink",
        "hash": HASH,
        "author": "Ada Lovelace",
        "author_date": "2026-01-02T03:04:05+00:00",
        "subject": "Correct the notes",
        "signature": None,
        "published_at": "1970-01-01T00:17:40.000+00:00",
        "last_attempt": "1970-01-01T00:25:00.000+00:00",
        "consecutive_failures": 2,
        "error": {"reason": "tls", "message": "bad certificate", "hint": "check it"},
        "next_pass": "1970-01-01T00:33:30.500+00:00",
        "probe": {"via": "git", "outcome": "unchanged", "obstacle": "--probe=git"},
        "fetch": None,
        "lfs_pointers": 3,
        "paused": None,
        "ready": True,
        "stale": False,
    }


def test_progress_of_a_fetch() -> None:
    """While a fetch goes on the status says how far it is."""
    progress = Progress(phase="receiving", objects=450, of=1000, size=1_500_000, rate=250_000)
    site = Site(fetching=Fetching(repo=NAME, remote=REPO, progress=progress))
    assert site.ask("/status").json["repos"][0]["fetch"] == {
        "remote": REPO,
        "phase": "receiving",
        "percent": 45,
        "objects": 450,
        "objects_total": 1000,
        "megabytes": 1.5,
        "megabytes_per_second": 0.25,
    }


def test_paused() -> None:
    """A pause is told, and makes no probe fail, however long it lasts; secrets in its words do not show."""
    Secret("Tr0ub4dor")
    paused = Pause(since=1000.0, reason="bad release of Tr0ub4dor")
    site = Site(commit=commit(), published_at=900.0, act_by=0.0, paused=paused)
    told = {"since": "1970-01-01T00:16:40.000+00:00", "reason": "bad release of ***"}
    assert site.ask("/status").json["repos"][0]["paused"] == told
    assert site.ask("/readyz").json["repos"][0]["paused"] == told
    assert site.ask("/healthz").status == 200


def test_status_at_the_start() -> None:
    """Before the first pass the status has the same fields, most of them empty."""
    (repo,) = Site().ask("/status").json["repos"]
    filled = {name for name, value in repo.items() if value is not None}
    assert filled == {"repo", "url", "state", "ref", "link", "publish", "consecutive_failures", "ready", "stale"}
    assert (repo["ready"], repo["stale"]) == (False, True)


@pytest.mark.parametrize("path", ["/status", "/readyz", "/healthz"])
def test_json_without_secrets(path: str) -> None:
    """No secret gets into an answer, wherever it was before."""
    Secret("Tr0ub4dor")
    failure = Failure(reason="Tr0ub4dor", message="https://u:pw12@h Tr0ub4dor", hint="Authorization: Bearer Tr0ub4dor")
    body = Site(failure=failure, ref="Tr0ub4dor", act_by=0.0, link="/Tr0ub4dor").ask(path).body.decode()
    assert "Tr0ub4dor" not in body
    assert "pw12" not in body
    assert (MASK in body) is (path != "/healthz")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html, */*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0"),
    ],
    ids=["none", "browser", "prometheus"],
)
def test_metrics(accept: str, content_type: str) -> None:
    """Metrics come in the form that the scraper asks for."""
    answer = Site().ask("/metrics", accept=accept)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(content_type)
    assert b"\ngit_sync_count_total{" in answer.body
    assert answer.body.endswith(b"# EOF\n") is content_type.startswith("application/openmetrics")


@pytest.mark.parametrize("path", READING)
def test_head(path: str) -> None:
    """HEAD is answered like GET, without the body."""
    site = Site(commit=commit())
    got, head = site.ask(path), site.ask(path, "HEAD")
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers.keys() == got.headers.keys()
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert int(head.headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", READING)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "TRACE"])
def test_other_methods(path: str, method: str) -> None:
    """Other methods are refused with those that are allowed."""
    answer = Site().ask(path, method)
    assert (answer.status, answer.reason) == (405, "Method Not Allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/nothing", "/status/", "//", "", "/metrics/x", "/../status", "/é", "/webhook"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_not_found(path: str, method: str) -> None:
    """Any other path is not found, and without a secret the webhook is one of them."""
    answer = Site().ask(path, method)
    assert (answer.status, answer.reason) == (404, "Not Found")
    assert "Allow" not in answer.headers


@pytest.mark.parametrize("path", [*READING, "/nothing"])
def test_headers(path: str) -> None:
    """Every answer has its length and type, and is not to be stored or guessed at."""
    answer = Site().ask(path)
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"]


def test_metrics_can_be_off() -> None:
    """Without metrics there is no such path."""
    assert Site(pages={"metrics": False}).ask("/metrics").status == 404


def test_stacks() -> None:
    """The stacks of all threads are shown where that is asked for, and only there."""
    assert Site().ask("/debug/pprof/").status == 404
    answer = Site(pages={"stacks": True}).ask("/debug/pprof/")
    assert answer.status == 200
    assert "MainThread" in answer.body.decode()
    assert "in test_stacks" in answer.body.decode()
