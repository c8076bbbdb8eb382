"""Which addresses are other replicas'."""

import socket
import threading
from typing import Any

import pytest

from gitsync.base.errors import FetchError
from gitsync.config import Place
from gitsync.receiver.addresses import Lookup, others

PLACE = Place("gitsync-peers", 9484)
FOUND = ["10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"]
ANY = "0.0.0.0"  # noqa: S104 (nothing is bound to it)
LOCAL = {"10.0.0.2", "fd00::2", "127.0.0.1"}


@pytest.mark.parametrize("host", [ANY, "::"])
def test_own_addresses_are_left_out(host: str) -> None:
    """Whoever listens on all addresses leaves out those of its interfaces, of both families."""
    assert others(FOUND, PLACE, (host, 9484), is_local=LOCAL.__contains__) == ["10.0.0.1", "fd00::1"]


def test_bound_address_is_left_out() -> None:
    """Whoever listens on one address is nowhere else, whatever the interfaces have."""
    assert others(FOUND, PLACE, ("10.0.0.1", 9484), is_local=LOCAL.__contains__) == FOUND[1:]


def test_other_port_is_another_process() -> None:
    """At another port of an address of ours there is somebody else."""
    assert others(FOUND, PLACE, (ANY, 9485), is_local=LOCAL.__contains__) == FOUND


def test_what_no_pod_has_is_left_out() -> None:
    """Nothing is sent to a group, to a link, to nowhere, or to what is no address."""
    odd = [ANY, "::", "224.0.0.1", "ff02::1", "169.254.169.254", "fe80::1%eth0", "x", ""]
    assert others(odd, PLACE, ("10.9.9.9", 1), is_local=LOCAL.__contains__) == []


def answers(*addresses: str) -> list[tuple[Any, ...]]:
    """Return what getaddrinfo returns."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 9484)) for address in addresses]


def test_lookup_asks_each_time() -> None:
    """Each time the name is asked for anew, and an address that is named twice is one."""
    given = iter([answers("10.0.0.1", "10.0.0.2", "10.0.0.1"), answers("10.0.0.3")])
    lookup = Lookup(PLACE, resolve=lambda *args, **names: next(given))
    assert lookup.ask(5) == ["10.0.0.1", "10.0.0.2"]
    assert lookup.ask(5) == ["10.0.0.3"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (UnicodeError("label too long"), "this is no name"),
        (OSError("odd"), "this is no name"),
    ],
    ids=["unknown", "too long", "odd"],
)
def test_lookup_that_fails(error: Exception, told: str) -> None:
    """A name that does not resolve is told of with the option."""

    def resolve(*args: object, **names: object) -> list[tuple[Any, ...]]:
        raise error

    with pytest.raises(FetchError, match=f"--peers=gitsync-peers:9484: {told}") as caught:
        Lookup(PLACE, resolve=resolve).ask(5)
    assert caught.value.reason == "dns"


def test_lookup_that_hangs() -> None:
    """A lookup that does not end is left behind, and the next ones wait for it, so there is one thread at most."""
    asked, go_on = [], threading.Event()

    def resolve(*args: object, **names: object) -> list[tuple[Any, ...]]:
        asked.append(args)
        go_on.wait(20)
        return answers("10.0.0.1")

    lookup = Lookup(PLACE, resolve=resolve)
    for _ in range(3):
        with pytest.raises(FetchError, match="not resolved within"):
            lookup.ask(0.01)
    go_on.set()
    assert lookup.ask(20) == ["10.0.0.1"]
    assert len(asked) == 1


def test_lookup_is_cancelled() -> None:
    """The end of the process ends the wait."""
    go_on = threading.Event()

    def resolve(*args: object, **names: object) -> list[tuple[Any, ...]]:
        go_on.wait(20)
        return []

    lookup = Lookup(PLACE, resolve=resolve)
    threading.Timer(0.05, lookup.cancel).start()
    with pytest.raises(FetchError) as caught:
        lookup.ask(20)
    go_on.set()
    assert caught.value.reason == "cancelled"
