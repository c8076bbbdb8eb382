"""Whatever the network or the server does, what is published stays, passes end in time, and nobody has to help then.

Each fault is made for every transport that can have it; a quick run has a sample of them, a long one all.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.faults.catalogue import fault
from tests.faults.worlds import BACKOFF, SIZE, TRANSPORTS, World, self_signed
from tests.support.daemon import LOOPBACK
from tests.support.front import cut, drip, flip, reset, stall
from tests.support.git_http import GitHttpServer
from tests.support.names import NameServer
from tests.support.network import apart
from tests.support.web import server_context

pytestmark = pytest.mark.shared
HTTP = ("http", "https")
MAIN = "refs/heads/main"
MIDDLE = SIZE // 2
CONNECT = "NetworkPolicy"


@dataclass(frozen=True)
class Trouble:
    """What is done to the network or the server, and the reason and a word of the hint that passes fail with then.

    `asked` says that the remote still tells what it has, None that it may, over a connection that is kept. `quick` are
    the transports of a quick run.
    """

    name: str
    begin: Callable[[World], object]
    reason: str
    hint: str
    transports: tuple[str, ...] = TRANSPORTS
    quick: tuple[str, ...] = ()
    asked: bool | None = False
    reasons: Mapping[str, str] | None = None


def cells(*troubles: Trouble) -> pytest.MarkDecorator:
    """Return the cases of a table, each of them for one transport."""
    return pytest.mark.parametrize(
        ("world", "trouble"),
        [
            pytest.param(
                transport,
                trouble,
                id=f"{trouble.name} over {transport}",
                marks=() if transport in trouble.quick else pytest.mark.long,
            )
            for trouble in troubles
            for transport in trouble.transports
        ],
        indirect=["world"],
    )


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The server and the daemon of one transport."""
    with ExitStack() as stack:
        yield World(request.param, tmp_path_factory.mktemp(request.param), stack)


def suffer(world: World, trouble: Trouble) -> None:
    """Have a published tree, then trouble and a push, then none."""
    daemon, old = world.daemon, world.origin.head
    with world.trouble():
        before = daemon.metrics()
        trouble.begin(world)
        new = world.push()
        failures = world.failures(2)
        reason = (trouble.reasons or {}).get(world.transport, trouble.reason)
        assert [event["reason"] for event in failures] == [reason] * 2, failures
        assert all(trouble.hint in (event["hint"] or "") for event in failures), failures
        assert daemon.status()["error"]["reason"] == reason
        metrics = daemon.metrics()
        assert metrics["gitsync_consecutive_failures"] >= 2
        series = f'gitsync_failures_total{{reason="{reason}"}}'
        assert metrics[series] >= before.get(series, 0) + 2
        assert metrics["gitsync_last_success_timestamp_seconds"] <= metrics["gitsync_last_attempt_timestamp_seconds"]
        assert trouble.asked in {None, bool(metrics["gitsync_behind_since_timestamp_seconds"])}
        world.check_kept(old)
    world.check_recovered(new)


CONNECTIONS = (
    Trouble("dropped SYN", lambda w: w.front.drop_everything(), "timeout", "--sync-timeout", quick=("http",)),
    Trouble("refused", lambda w: w.front.refuse(), "connect", CONNECT, quick=("git",)),
    Trouble("silent", lambda w: w.front.behave(stall(0)), "timeout", "--sync-timeout", quick=("https", "git")),
    Trouble("a byte a second", lambda w: w.front.behave(drip), "timeout", "--sync-timeout", quick=("http",)),
    Trouble("reset at once", lambda w: w.front.behave(reset(0)), "connect", CONNECT, quick=("ssh",)),
    Trouble("closed at once", lambda w: w.front.behave(cut(0)), "connect", CONNECT, quick=("https",)),
)


@fault(
    area="network",
    what="the server cannot be reached, refuses, resets, closes, stays silent, or sends a byte a second",
    then="each pass ends by its deadline with `timeout` or `connect`; the head is published when it is over",
)
@cells(*CONNECTIONS)
def test_connection(world: World, trouble: Trouble) -> None:
    """Given a server that cannot be talked to, passes fail in time, and that is all."""
    suffer(world, trouble)


# Where bytes are authenticated, one that is changed ends the connection.
PACKS = (
    Trouble("stall", lambda w: w.front.behave(stall(MIDDLE)), "timeout", "", asked=True, quick=("ssh",)),
    Trouble("reset", lambda w: w.front.behave(reset(MIDDLE)), "connect", CONNECT, asked=True, quick=("https",)),
    Trouble("cut", lambda w: w.front.behave(cut(MIDDLE)), "connect", CONNECT, asked=True, quick=("http", "git")),
    Trouble(
        "changed byte",
        lambda w: w.front.behave(flip(MIDDLE)),
        "bad_answer",
        "",
        asked=True,
        quick=("git",),
        reasons=dict.fromkeys(("https", "ssh"), "connect"),
    ),
)


@fault(
    area="network",
    what="the answer stops, is cut off, reset or changed in the middle of the pack",
    then="nothing of it is published or stays in the store; the next fetch that succeeds is",
)
@cells(*PACKS)
def test_pack(world: World, trouble: Trouble) -> None:
    """Given a pack that does not come whole, nothing of it is published, and the next one is."""
    suffer(world, trouble)


def with_server(**changes: object) -> Callable[[World], None]:
    """Return what changes attributes of the server of HTTP."""

    def begin(world: World) -> None:
        for name, value in changes.items():
            setattr(world.web, name, value)

    return begin


def behind_tls(context: Callable[[World], ssl.SSLContext | None]) -> Callable[[World], None]:
    """Return what puts another server in the place of ours, with TLS that is wrong, or without."""

    def begin(world: World) -> None:
        other = world.trouble_stack.enter_context(GitHttpServer(world.origin.path.parent, tls=context(world)))
        world.front.behave(None, target=other.port)

    return begin


def expired(world: World) -> ssl.SSLContext:
    """Return the context of a certificate that was good until yesterday."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    world.authority.issue_cert("127.0.0.1", not_after=yesterday).configure_cert(context)
    return context


def other_name(world: World) -> ssl.SSLContext:
    """Return the context of a certificate for somebody else."""
    return server_context(world.authority, "other.test")


CERTIFICATES = (
    Trouble("self-signed", behind_tls(lambda w: self_signed(w.directory)), "tls", "--ca-file", ("https",)),
    Trouble("expired", behind_tls(expired), "tls", "certificate", ("https",), quick=("https",)),
    Trouble("wrong name", behind_tls(other_name), "tls", "another name", ("https",)),
    Trouble("no TLS", behind_tls(lambda w: None), "tls", "http://", ("https",), quick=("https",)),
    Trouble("TLS", behind_tls(lambda w: server_context(w.authority)), "connect", "https", ("http",)),
)


@fault(
    area="network",
    what="the server's certificate is self-signed, expired, or for another name; http behind https, and the other way",
    then="passes fail with `tls` and the cure; the head is published as soon as the server is put right",
)
@cells(*CERTIFICATES)
def test_certificate(world: World, trouble: Trouble) -> None:
    """Given a server whose TLS is wrong, nothing is asked of it."""
    suffer(world, trouble)


def in_a_date(seconds: int) -> str:
    """Write a time as HTTP does."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


STATUSES = (
    Trouble("401", with_server(fail_with=401), "auth", "--username", HTTP, quick=("https",)),
    Trouble("403", with_server(fail_with=403), "auth", "--username", HTTP),
    Trouble("404", with_server(fail_with=404), "not_found", "--repo", HTTP, quick=("http",)),
    Trouble("429", with_server(fail_with=429), "rate_limited", "--period", HTTP, quick=("http",)),
    Trouble("500", with_server(fail_with=500), "remote_error", "--max-backoff", HTTP),
    Trouble("503", with_server(fail_with=503), "remote_error", "--max-backoff", HTTP, quick=("https",)),
)


@fault(
    area="remote",
    what="the server answers 401, 403, 404, 429, 500 or 503 for a while",
    then="each has its reason and hint, nothing is forgotten, and nobody has to tell when it is over",
)
@cells(*STATUSES)
def test_status(world: World, trouble: Trouble) -> None:
    """Given a server that refuses, the reason says how, and the next answer that is one counts."""
    suffer(world, trouble)


@fault(
    area="remote",
    what="the server asks to be left alone with Retry-After, as seconds or as a time, for a moment or for an hour",
    then="it is, but no longer than `--max-backoff`",
)
@pytest.mark.parametrize(
    ("world", "status", "seconds", "form"),
    [
        ("http", 429, 1, str),
        ("https", 503, 3600, in_a_date),
        *(
            pytest.param(*case, marks=pytest.mark.long)
            for case in (("https", 429, 1, in_a_date), ("http", 429, 3600, str), ("http", 503, 3600, in_a_date))
        ),
    ],
    indirect=["world"],
)
def test_retry_after(world: World, status: int, seconds: int, form: Callable[[int], str]) -> None:
    """Given a server that says for how long it is busy, it is asked again after that, or after the longest backoff."""
    with world.trouble():
        with_server(fail_with=status, retry_after=form(seconds))(world)
        failures = world.failures(2)
        # A date is that of a second that has begun.
        assert all(min(seconds - 1, BACKOFF) <= event["next_delay"] for event in failures), failures
        new = world.push()
    world.check_recovered(new)


@fault(
    area="network",
    what="the name of the server is unknown, or the name server does not answer",
    then="`dns`, or `timeout` at the deadline; a name that is back is found in the next period, without a backoff",
)
@pytest.mark.parametrize(
    "transport", ["http", *(pytest.param(name, marks=pytest.mark.long) for name in ("https", "ssh", "git"))]
)
@apart
def test_name(transport: str, tmp_path: Path) -> None:
    """Given a name that leads nowhere, or a question that hangs, passes fail in time, and that is all."""
    host = "git.test"
    with NameServer() as names, ExitStack() as stack:

        def forget(world: World) -> None:
            names.names = {}
            world.trouble_stack.callback(names.names.update, {host: [LOOPBACK]})

        def fall_silent(world: World) -> None:
            names.silent = True
            world.trouble_stack.callback(setattr, names, "silent", False)

        names.names[host] = [LOOPBACK]
        world = World(transport, tmp_path, stack, host=host, resolver="timeout:30 attempts:2")
        suffer(world, Trouble("unknown", forget, "dns", "dnsPolicy", asked=None))
        suffer(world, Trouble("silent", fall_silent, "timeout", "--sync-timeout", asked=None))


@fault(
    area="remote",
    what="a ref vanishes between the question for it and its fetch",
    then="the pass fails with `ref_missing`, what is published stays, and the ref is followed when it is back",
)
@pytest.mark.parametrize("world", TRANSPORTS, indirect=True)
def test_ref_that_vanishes(world: World) -> None:
    """Given news that are gone when they are asked for, nothing changes until they are back."""
    old, new, fetches = world.origin.head, "", 0

    def come_and_go(asked: str = "GET") -> None:
        """Push when somebody asks, and take that back when it is to be fetched."""
        nonlocal new, fetches
        new = new or world.push()
        fetches += asked == "GET"
        if fetches == 2:
            world.origin.delete_ref(MAIN)

    with world.trouble():
        if isinstance(world.server, GitHttpServer):
            world.server.before = lambda request: come_and_go(request.method)
        else:
            world.front.behave(None)
            world.front.knock = come_and_go
        world.daemon.until(lambda: fetches >= 2)
        assert world.failures(1)[0]["reason"] == "ref_missing"
        world.check_kept(old)
        world.origin.set_ref(MAIN, new)
    world.check_recovered(new)


def promise_nothing(world: World) -> None:
    """Have the server tell of a commit that nobody has."""
    world.reword(told=(rb"[0-9a-f]{40}(?= HEAD| refs/)", b"1" * 40))


def send_another(world: World) -> None:
    """Have the server send another commit than the one that is asked for."""
    world.reword(asked=(rb"want [0-9a-f]{40}", b"want " + world.origin.head.encode()))


def say_nonsense(world: World) -> None:
    """Have the server answer with what is none of git's."""
    page = b"<html>Sign in</html>"
    if world.transport in HTTP:
        world.web.rewrite = lambda kind, body: ("text/html", page)
    else:
        world.reword(told=(rb"(?s).+", page))


LIES = (
    Trouble("nothing behind a ref", promise_nothing, "ref_missing", "load balancer", quick=("http", "ssh"), asked=True),
    Trouble("another commit", send_another, "bad_answer", "fsck", quick=("https", "git"), asked=True),
    Trouble(
        "a page",
        say_nonsense,
        "ref_missing",
        "--repo",
        quick=("http", "ssh"),
        reasons=dict.fromkeys(("ssh", "git"), "bad_answer"),
    ),
)


@fault(
    area="remote",
    what="the server lies, over any transport: refs without objects, another commit than asked for, a page to sign in",
    then="nothing of it is published; the truth is, once it is told again",
)
@cells(*LIES)
def test_lie(world: World, trouble: Trouble) -> None:
    """Given a server that lies, nothing of it is published."""
    suffer(world, trouble)
