"""The page for people: who gets it, what it shows, and that nothing on it is anybody else's to decide."""

import base64
import hashlib
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gitsync import __version__
from gitsync.base.redact import Secret
from gitsync.server.page import Page, wants_page
from gitsync.telling.events import Failure, Fetching, Measured, PointersCounted, Probed, TreesKept, Undeletable
from gitsync.telling.progress import Progress
from gitsync.telling.status import Pause
from tests.unit.examples import HASH, NAME, REPO, commit, failed, finished, result
from tests.unit.server.site import Answer, Site

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
HOSTILE = """</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"'&{{ 7 * 7 }}"""
# https://html.spec.whatwg.org/multipage/syntax.html#void-elements
VOID = {"meta", "input"}


class Document(HTMLParser):
    """A page as a browser reads it: its elements, which all have to be closed, and its text by element."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(answer.body.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    @property
    def text(self) -> str:
        """All that is shown."""
        return "\n".join(text for tag, text in self.texts if tag != "style")

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def ask(*, page: Page | None = None, accept: str = BROWSER, **status: Any) -> Answer:
    """Return what a browser gets."""
    return Site(page=page or Page(), **status).ask("/", accept=accept)


@pytest.fixture
def link(tmp_path: Path) -> str:
    """A link that leads to a tree."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "www").symlink_to("tree")
    return str(tmp_path / "www")


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/plain, TEXT/HTML ;q=0.5", True),
        ("", False),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("text/html;q=0", False),
        ("text/html; q=0.000, */*", False),
        ("application/xhtml+xml", False),
        ("text/htmlx", False),
        (",;,=;", False),
    ],
)
def test_who_gets_it(accept: str, wanted: bool) -> None:
    """Who names HTML gets the page, and everybody else, such as kubelet and curl, the answer of git-sync."""
    assert wants_page(accept) is wanted
    answer = ask(accept=accept, commit=commit())
    assert answer.headers["Content-Type"].startswith("text/html") is wanted
    if not wanted:
        plain = Site(commit=commit()).ask("/")
        assert answer == plain
        assert answer.body == b"ok\n"
        assert list(answer.headers) == ["Cache-Control", "X-Content-Type-Options", "Content-Type", "Content-Length"]


def test_off() -> None:
    """Without a page a browser gets what probes get."""
    assert Site(commit=commit()).ask("/", accept=BROWSER).body == b"ok\n"


def test_status_is_that_of_the_probe() -> None:
    """Also for a browser it is 503 until something is published."""
    assert ask().status == 503
    assert ask(commit=commit()).status == 200


def test_head() -> None:
    """HEAD has the headers and no body."""
    head = Site(page=Page(), commit=commit()).ask("/", "HEAD", accept=BROWSER)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["Content-Length"]) > 1000


def test_what_is_shown(link: str) -> None:
    """All that is known of a repository is there, in words."""
    now = time.time()
    failure = Failure(reason="auth", message="git ls-remote: 403", hint="look at the password")
    document = Document(
        ask(
            commit=commit(commit_time=now - 7200),
            link=link,
            resolved_ref="refs/heads/main",
            published_at=now - 7000,
            last_success=now - 3 * 3600,
            confirmed_at=time.monotonic() - 3 * 3600,
            next_pass=now + 30.5,
            failure=failure,
            done=finished(
                failed("auth", phases={"probe": 0.25, "gate": 0.001}, finished_at=now - 10), consecutive_failures=3
            ),
            probe=Probed(repo=NAME, via="git", outcome="failed", obstacle="cookies"),
            sizes=Measured(repo=NAME, store_size=2_500_000, tree_size=1_200_000),
            pointers=PointersCounted(repo=NAME, count=7),
            trees=TreesKept(repo=NAME, left=1, standbys=2),
            undeletable=Undeletable(repo=NAME, count=4),
        )
    )
    for told in (
        NAME,
        REPO,
        "serving 3 h old content: the server refuses the login",
        "Correct the notes",
        "Ada Lovelace",
        "2 h ago",
        HASH,
        "auth (3 passes in a row)",
        "git ls-remote: 403",
        "look at the password",
        "HEAD (refs/heads/main)",
        link,
        "failed (auth) in 0.50 s, 10 s ago",
        "probe 0.25 s",
        "in 30 s",
        "git (cookies)",
        "1.2 MB published, 2.5 MB of objects",
        "1 left to readers, 2 waiting for an update",
        "7 files, which are published as pointers",
        "4 directories",
        f"gitsync {__version__}, git 2.39.5",
    ):
        assert told in document.text, told
    assert "gate" not in document.text
    assert document.of("article") == [{"class": "bad"}]


def test_at_the_start() -> None:
    """Before the first pass there is little to show, and that is shown."""
    document = Document(ask())
    assert "nothing is published yet: the first pass is under way" in document.text
    assert "none, or one runs now" in document.text
    assert not document.of("svg")


def test_progress() -> None:
    """A long first clone is seen to go on."""
    progress = Progress(phase="receiving", objects=450, of=1000, size=1_500_000, rate=250_000)
    document = Document(ask(fetching=Fetching(repo=NAME, remote=REPO, progress=progress)))
    assert f"Fetching from {REPO}: receiving 450 objects, 45%, 1.5 MB, 0.25 MB/s" in document.text
    assert document.of("progress") == [{"max": "100", "value": "45"}]


def test_pause(link: str) -> None:
    """A pause is told with its reason."""
    paused = Pause(since=time.time() - 90, reason="bad release")
    text = Document(ask(commit=commit(), link=link, paused=paused)).text
    assert "paused for 1 min: what is published stays" in text
    assert "bad release" in text
    assert "when it is resumed" in text


def test_picture_of_passes(link: str) -> None:
    """Each pass is a bar, as high as its share of the longest, coloured by its outcome, with words of its own."""
    results = [result(outcome="updated", duration=4.0), failed("dns", duration=2.0), result(duration=0.0)]
    history = tuple(finished(of) for of in results)
    document = Document(ask(commit=commit(), link=link, history=history))
    bars = document.of("rect")
    assert [bar["class"] for bar in bars] == ["updated", "failed", "unchanged"]
    assert [int(bar["height"] or 0) for bar in bars] == [40, 21, 3]
    assert all(int(bar["y"] or 0) + int(bar["height"] or 0) == 40 for bar in bars)
    titles = [text for tag, text in document.texts if tag == "title"][1:]
    assert [title.split(",")[0] for title in titles] == [
        "updated in 4.00 s",
        "failed (dns) in 2.00 s",
        "unchanged in 0.00 s",
    ]
    assert document.of("svg")[0]["aria-label"] == "3 passes, 1 failed, the longest took 4.00 s"


def test_one_short_pass(link: str) -> None:
    """One pass is one, and phases that took no time to speak of are not listed."""
    text = Document(ask(commit=commit(), link=link, done=finished(result(phases={"probe": 0.001})))).text
    assert "1 pass, 0 failed" in text
    assert "none took 0.01 s" in text


def test_hostile_text(tmp_path: Path) -> None:
    """Whatever somebody has called something, or said of it, is text: no element, attribute or template of theirs."""
    failure = Failure(reason=HOSTILE, message=HOSTILE, hint=HOSTILE)
    progress = Progress(phase="receiving", objects=1, of=2)
    answer = ask(
        page=Page(has_form=True),
        commit=commit(hash=HOSTILE, author=HOSTILE, subject=HOSTILE, author_date=HOSTILE),
        ref=HOSTILE,
        resolved_ref=HOSTILE,
        link=str(tmp_path / HOSTILE.replace("/", "")),
        failure=failure,
        paused=Pause(since=0.0, reason=HOSTILE),
        done=finished(result(failure=failure, phases={HOSTILE: 1.0}, outcome="failed"), consecutive_failures=2),
        probe=Probed(repo=NAME, via="git", outcome="failed", obstacle=HOSTILE),
        fetching=Fetching(repo=NAME, remote=HOSTILE, progress=progress),
    )
    document = Document(answer)
    tags = {tag for tag, _ in document.elements}
    assert not tags & {"script", "img"}
    assert tags == {tag for tag, _ in Document(ask(page=Page(has_form=True), **_ordinary())).elements}
    assert not [name for _, attributes in document.elements for name in attributes if name.startswith("on")]
    assert document.text.count(HOSTILE) >= 8
    assert "49" not in re.sub(r"\d{4}-\S+", "", document.text)


def _ordinary() -> dict[str, Any]:
    """Return a status that shows everything that the hostile one does."""
    failure = Failure(reason="tls", message="bad", hint="look")
    progress = Progress(phase="receiving", objects=1, of=2)
    return {
        "commit": commit(),
        "failure": failure,
        "paused": Pause(since=0.0, reason="x"),
        "done": finished(result(failure=failure, outcome="failed"), consecutive_failures=2),
        "fetching": Fetching(repo=NAME, remote=REPO, progress=progress),
    }


def test_what_does_not_print() -> None:
    """What would turn the line around, or is not seen, is shown as an escape."""
    text = Document(ask(commit=commit(subject="a\u202eb\u200bc\x1b[2J"))).text
    assert "a\\u202eb\\u200bc\\x1b[2J" in text


def test_no_secrets() -> None:
    """No secret gets onto the page, wherever it was before."""
    Secret("Tr0ub4dor")
    failure = Failure(reason="x", message="https://u:pw12@h Tr0ub4dor", hint="Authorization: Bearer Tr0ub4dor")
    spoken = commit(subject="Tr0ub4dor", author="Tr0ub4dor")
    body = ask(failure=failure, ref="Tr0ub4dor", link="/Tr0ub4dor", commit=spoken).body.decode()
    assert "Tr0ub4dor" not in body
    assert "pw12" not in body
    assert "***" in body


def test_policy() -> None:
    """A browser may show the one style, and send the form to us: nothing runs, nothing is loaded, nobody frames it."""
    answer = ask(page=Page(has_form=True))
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    found = re.search(rb"<style>(.*?)</style>", answer.body, re.DOTALL)
    assert found
    digest = base64.b64encode(hashlib.sha256(found[1]).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    # With a policy of no-referrer the form would not say where it comes from.
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_nothing_from_elsewhere(link: str) -> None:
    """No attribute leads anywhere but to this server, and none holds a style, which the policy would refuse."""
    document = Document(ask(commit=commit(), link=link, page=Page(has_form=True), done=finished(result())))
    led = [
        value for _, attributes in document.elements for name, value in attributes.items() if name in {"href", "src"}
    ]
    assert led == ["status", "readyz"]
    assert not [tag for tag, attributes in document.elements if "style" in attributes]
    assert b"url(" not in ask().body
    assert b"@import" not in ask().body


def test_phone_and_dark() -> None:
    """It is laid out for the width of the screen, in the colours that the reader has asked for."""
    answer = ask()
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in Document(answer).of("meta")
    assert b"prefers-color-scheme: dark" in answer.body
    assert b"max-width: 30rem" in answer.body


def test_ways_to_ask_for_a_pass() -> None:
    """There is a form where the receiver has the same port, a command where it has another, and else nothing."""
    form = Document(ask(page=Page(has_form=True)))
    assert form.of("form") == [{"method": "post", "action": "sync?wait=10s"}]
    assert form.of("input")[0]["type"] == "password"
    command = Document(ask(page=Page(sync_port=9485)))
    assert not command.of("form")
    assert 'curl -X POST -H "Authorization: Bearer $SECRET" http://POD:9485/sync' in command.text
    neither = Document(ask())
    assert not neither.of("form")
    assert "curl" not in neither.text
