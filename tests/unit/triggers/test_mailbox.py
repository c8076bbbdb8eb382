"""Triggers coalesce, and whoever waits is woken."""

import threading
import time

from gitsync.telling.events import Source
from gitsync.triggers.mailbox import Mailbox
from tests.support.eventually import TIMEOUT

LONG = 60.0  # never waited for: something wakes the waiter before


def test_nothing_posted() -> None:
    """A wait without a trigger returns nothing, at once if it has no time."""
    assert Mailbox().wait(0.0) == ()
    assert Mailbox().wait(-5.0) == ()


def test_timeout() -> None:
    """A wait lasts as long as it was told to."""
    started = time.monotonic()
    assert Mailbox().wait(0.02) == ()
    assert time.monotonic() - started >= 0.02


def test_posted_before() -> None:
    """A trigger that came before the wait is not lost, and counts once."""
    mailbox = Mailbox()
    mailbox.post("signal")
    assert mailbox.wait(LONG) == ("signal",)
    assert mailbox.wait(0.0) == ()


def test_coalescing() -> None:
    """Many triggers lead to one answer that names each source once, in the order of arrival."""
    mailbox = Mailbox()
    sources: tuple[Source, ...] = ("webhook", "signal", "webhook", "webhook")
    for source in sources:
        mailbox.post(source)
    assert mailbox.wait(LONG) == ("webhook", "signal")


def test_post_wakes() -> None:
    """A trigger from another thread ends the wait."""
    mailbox = Mailbox()
    answers: list[tuple[Source, ...]] = []
    waiter = threading.Thread(target=lambda: answers.append(mailbox.wait(LONG)))
    waiter.start()
    mailbox.post("webhook")
    waiter.join(TIMEOUT)
    assert answers == [("webhook",)]


def test_close_wakes() -> None:
    """Closing ends the wait, and every later one."""
    mailbox = Mailbox()
    waiter = threading.Thread(target=mailbox.wait, args=(LONG,))
    waiter.start()
    mailbox.close()
    waiter.join(TIMEOUT)
    assert not waiter.is_alive()
    assert mailbox.closed
    assert mailbox.wait(LONG) == ()


def test_open() -> None:
    """Nobody has asked a new mailbox's worker to end, and a trigger does not."""
    mailbox = Mailbox()
    mailbox.post("signal")
    assert not mailbox.closed


def test_whoever_posts_is_heard_at_once() -> None:
    """What is not urgent is ended by the thread that posts, while the worker is still busy with it."""
    calls: list[tuple[str, ...]] = []
    mailbox = Mailbox(lambda: calls.append(("ended",)))
    pending = [mailbox.pending]
    mailbox.post("webhook")
    assert calls == [("ended",)]
    pending.append(mailbox.pending)
    mailbox.wait(0)
    assert [*pending, mailbox.pending] == [False, True, False]


def test_end_is_pending() -> None:
    """A mailbox that is closed has something for the worker."""
    mailbox = Mailbox()
    mailbox.close()
    assert mailbox.pending
