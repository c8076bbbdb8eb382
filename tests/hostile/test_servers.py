"""Servers that mean harm: answers without end, bombs, escapes, and ways to other places."""

import gzip
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.figures import RecordProperty
from tests.hostile.bout import Bout, bout
from tests.hostile.plumbing import deep, everything
from tests.hostile.server import DELIMITER, FLUSH, Attack, HostileServer, pkt
from tests.support.git import git
from tests.support.origin import Origin
from tests.support.web import WebServer

ESCAPES = b"\x1b[2J\x1b]0;title\x07\x9b31m\r\xff\xe2\x80\xae"
LS_REFS, FETCH, DISCOVERY = b"command=ls-refs", b"command=fetch", b"info/refs"
# Seconds; what does not end by itself is ended then.
DEADLINE = 4


def refs() -> Iterator[bytes]:
    """Yield refs without end."""
    for number in itertools.count():
        yield b"".join(pkt(b"%040x refs/heads/%s%d\n" % (number + each, b"x" * 1000, each)) for each in range(1, 60))


def progress(line: bytes) -> Iterator[bytes]:
    """Yield what a server says while it does nothing, without end."""
    yield pkt(b"packfile\n")
    while True:
        yield pkt(b"\x02" + line) * 50


def once(*lines: bytes) -> Iterable[bytes]:
    """Return an answer of a few lines."""
    return [b"".join(map(pkt, lines)) + FLUSH]


def zeros() -> Iterator[bytes]:
    """Yield 4 GiB of zeros, as gzip has them: 4 MiB."""
    part = gzip.compress(bytes(1 << 26), mtime=0)
    yield from itertools.repeat(part, 64)


ENDLESS: dict[str, Attack] = {
    "refs": Attack(LS_REFS, refs),
    "refs of the old protocol": Attack(
        DISCOVERY, lambda: itertools.chain([pkt(b"# service=git-upload-pack\n"), FLUSH], refs())
    ),
    "progress": Attack(FETCH, lambda: progress(b"x" * 900 + b"\n")),
    "escapes": Attack(FETCH, lambda: progress(ESCAPES + b"Receiving objects: 99% (1/2)\r")),
    "a line": Attack(FETCH, lambda: progress(b"x" * 900)),
    "a header": Attack(LS_REFS, lambda: [], headers={f"X-{number}": "x" * 60_000 for number in range(500)}),
    "a bomb": Attack(LS_REFS, zeros, headers={"Content-Encoding": "gzip"}),
    "pieces of a line": Attack(LS_REFS, lambda: itertools.chain([b"fff0"], itertools.repeat(b""))),
}


def attacked(made: Bout, server: HostileServer, attack: Attack) -> dict[str, object]:
    """Have the server attack at the next update; return what is logged of the failure."""
    mark = made.daemon.mark()
    server.attack = attack
    made.origin.commit({"x": f"{mark}"})
    line = made.daemon.wait_event("sync_finished", since=mark, outcome="failed")
    made.watch.check(made.good)
    for page in ("/status", "/", "/metrics"):
        status, text = made.daemon.get(page)
        assert status == 200
        assert len(text) < 200_000
        assert not set(text) & set("\x1b\x07\x9b\x00\u202e"), page
    assert server.attacked
    server.attack = None
    made.publishes(made.origin.head)
    return line


@pytest.fixture
def server(origin: Origin) -> Iterator[HostileServer]:
    """The server of the origin."""
    with HostileServer(origin.path.parent) as made:
        yield made


@fault(
    area="hostile",
    what="a server answers without end: refs, progress, headers, escapes for the terminal, a bomb of gzip",
    then="ended at its deadline at the latest, with little memory of ours; probes answer; nothing reaches a terminal",
)
def test_answers_without_end(
    start_daemon: StartDaemon, origin: Origin, server: HostileServer, root: Path, record_property: RecordProperty
) -> None:
    """Given a server that was right, when it begins each of these, then the pass fails, and the next one publishes."""
    url = server.url_of(origin.path)
    with bout(start_daemon, url, origin, root, sync_timeout=f"{DEADLINE}s") as made:
        record_property("faults", len(ENDLESS))
        for attack in ENDLESS.values():
            line = attacked(made, server, attack)
            assert line["reason"] in {"timeout", "bad_answer", "remote_error", "connect", "git"}, line


# What is answered, and the reasons that it may have.
WRONG: dict[str, tuple[Attack, set[str]]] = {
    "error": (Attack(LS_REFS, lambda: once(b"ERR " + ESCAPES * 50)), {"remote_error"}),
    "error beside the pack": (
        Attack(FETCH, lambda: once(b"packfile\n", b"\x02" + ESCAPES, b"\x03" + ESCAPES * 50)),
        {"remote_error", "bad_answer"},
    ),
    "no hash": (Attack(LS_REFS, lambda: once(b"x" * 40 + b" refs/heads/main\n")), {"bad_answer"}),
    "nothing": (Attack(LS_REFS, lambda: [FLUSH]), {"ref_missing"}),
    "other refs": (
        Attack(LS_REFS, lambda: once(b"a" * 40 + b" HEAD symref-target:refs/heads/../../x\n", b"b" * 40 + b" -x\n")),
        {"ref_missing"},
    ),
    "a page": (
        Attack(DISCOVERY, lambda: [b"<html>" + ESCAPES], headers={"Content-Type": "text/html"}),
        {"ref_missing"},
    ),
    "a pack of billions": (
        Attack(FETCH, lambda: once(b"packfile\n", b"\x01PACK\0\0\0\2\xff\xff\xff\xff" + bytes(2000))),
        {"bad_answer", "out_of_memory"},
    ),
    "an object of terabytes": (
        Attack(
            FETCH, lambda: once(b"packfile\n", b"\x01PACK\0\0\0\2\0\0\0\1\xbf" + b"\xff" * 5 + b"\x7f" + bytes(100))
        ),
        {"bad_answer", "out_of_memory"},
    ),
    "a pack from elsewhere": (
        Attack(
            FETCH, lambda: once(b"packfile-uris\n", b"a" * 40 + b" file:///etc/passwd\n", b"packfile\n", b"\x01PACK")
        ),
        {"bad_answer", "git", "remote_error"},
    ),
}


@fault(
    area="hostile",
    what="a server sends errors full of escapes, refs of no form, a page, or packs that promise billions of objects",
    then="a reason of the server's; one line of printable text; the next right answer is published",
)
def test_wrong_answers(
    start_daemon: StartDaemon, origin: Origin, server: HostileServer, root: Path, record_property: RecordProperty
) -> None:
    """Given a server that was right, when it answers so, then the pass fails for it, and the next one publishes."""
    with bout(start_daemon, server.url_of(origin.path), origin, root, sync_timeout="20s") as made:
        record_property("faults", len(WRONG))
        for name, (attack, reasons) in WRONG.items():
            line = attacked(made, server, attack)
            assert line["reason"] in reasons, (name, line)
        assert not made.daemon.logs("store_damaged")


@fault(
    area="hostile",
    what="a server redirects to local files, to a command, or to another server that asks for a login",
    then="nobody follows to what is no web server, and no login goes there",
)
def test_ways_to_elsewhere(
    start_daemon: StartDaemon, origin: Origin, server: HostileServer, root: Path, tmp_path: Path
) -> None:
    """Given a login in the URL, when the server redirects, then nothing comes from there, and the login stays."""
    canary = tmp_path / "canary"
    with WebServer() as other:
        url = server.url_of(origin.path).replace("http://", "http://reader:pass-4711@")
        places = [origin.url, f"ext::touch {canary}", f"ssh://-oProxyCommand=touch%20{canary}/x", f"{other.url}/x.git"]
        with bout(start_daemon, url, origin, root, sync_timeout="20s") as made:
            for place in places:
                for about in (DISCOVERY, LS_REFS):
                    headers = {"Location": f"{place}/info/refs?service=git-upload-pack", "Content-Length": "0"}
                    attacked(made, server, Attack(about, lambda: [], headers=headers, status=302))
        assert not canary.exists()
        assert not any("pass" in str(asked.headers) or "Authorization" in asked.headers for asked in other.asked)


def ready_made(pack: bytes) -> Iterator[bytes]:
    """Yield the answer to a fetch that has a pack, whatever is there already."""
    yield pkt(b"acknowledgments\n") + pkt(b"ready\n") + DELIMITER + pkt(b"packfile\n")
    for at in range(0, len(pack), 65000):
        yield pkt(b"\x01" + pack[at : at + 65000])
    yield FLUSH


@fault(
    area="hostile",
    what="a server sends a commit whose directories lie 100,000 levels deep, which no git can go down",
    then="refused (`bad_commit`), not fetched again for an hour, and no store is given up for it",
)
def test_levels_without_end(start_daemon: StartDaemon, origin: Origin, server: HostileServer, root: Path) -> None:
    """Given a server that sends a pack that it has had ready, when ours crashes on it, then that commit is at fault."""
    with bout(start_daemon, server.url_of(origin.path), origin, root, period="1h", sync_on_signal="HUP") as made:
        commit = git(origin.path, "commit-tree", "-p", origin.head, "-m", "Deep", deep(origin, 100_000))
        pack = everything(origin)
        server.attack = Attack(FETCH, lambda: ready_made(pack))
        origin.rewind(commit)
        for _ in range(3):
            mark = made.daemon.mark()
            made.daemon.sync_by_signal()
            assert re.search("levels|tree depth", made.refuses("bad_commit", since=mark)["message"])
        # Without a question, and once more to learn which commit it is.
        assert server.attacked == 2
        server.attack = None
        origin.rewind(made.good)
        good = origin.commit({"new": "x"})
        made.daemon.sync_to(good)
        made.publishes(good)
        assert not [line for line in made.daemon.logs() if line["event"].startswith("store_")]
