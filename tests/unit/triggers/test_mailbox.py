"""Triggers coalesce, and whoever waits is woken."""

import threading
import time

import pytest

from gitsync.telling.events import Source, Triggers
from gitsync.triggers.mailbox import Mailbox, Pace
from tests.support.eventually import TIMEOUT

LONG = 60.0  # never waited for: something wakes the waiter before


def test_nothing_posted() -> None:
    """A wait without a trigger returns nothing, at once if it has no time."""
    assert Mailbox().wait(0.0).sources == ()
    assert Mailbox().wait(-5.0).sources == ()


def test_timeout() -> None:
    """A wait lasts as long as it was told to."""
    started = time.monotonic()
    assert Mailbox().wait(0.02).sources == ()
    assert time.monotonic() - started >= 0.02


def test_posted_before() -> None:
    """A trigger that came before the wait is not lost, and counts once."""
    mailbox = Mailbox()
    mailbox.post("signal")
    assert mailbox.wait(LONG).sources == ("signal",)
    assert mailbox.wait(0.0).sources == ()


def test_coalescing() -> None:
    """Many triggers lead to one answer that names each source once, in the order of arrival."""
    mailbox = Mailbox()
    sources: tuple[Source, ...] = ("webhook", "signal", "webhook", "webhook")
    for source in sources:
        mailbox.post(source)
    assert mailbox.wait(LONG).sources == ("webhook", "signal")


def test_post_wakes() -> None:
    """A trigger from another thread ends the wait."""
    mailbox = Mailbox()
    answers: list[tuple[Source, ...]] = []
    waiter = threading.Thread(target=lambda: answers.append(mailbox.wait(LONG).sources))
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
    assert mailbox.wait(LONG).sources == ()


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


def test_time_of_a_trigger() -> None:
    """Each source is handed out with the time at which it was first left."""
    mailbox = Mailbox()
    times = [time.monotonic()]
    mailbox.post("signal")
    times.append(time.monotonic())
    mailbox.post("webhook")
    times.append(time.monotonic())
    mailbox.post("signal")
    left_at = mailbox.wait(0.0).left_at
    assert times[0] <= left_at["signal"] <= times[1] <= left_at["webhook"] <= times[2]


def test_tickets() -> None:
    """A ticket is that of what is taken next, and stays the last one while nothing is."""
    mailbox = Mailbox()
    assert mailbox.wait(0.0).ticket == 0
    assert [mailbox.post("sync"), mailbox.post("webhook")] == [1, 1]
    assert [mailbox.wait(0.0).ticket, mailbox.wait(0.0).ticket] == [1, 1]
    # The pass that was run for the first two has begun by now.
    assert mailbox.post("sync") == 2
    assert mailbox.wait(0.0).ticket == 2


def paced(**pace: float) -> Mailbox:
    """Return a mailbox with a pace for webhooks."""
    return Mailbox(paces={"webhook": Pace(**pace)})


def test_first_of_a_storm_counts_at_once() -> None:
    """The first trigger does not wait, and those after it do."""
    mailbox = paced(spacing=LONG)
    for _ in range(3):
        mailbox.post("webhook")
    assert mailbox.wait(0.0).sources == ("webhook",)
    mailbox.post("webhook")
    assert mailbox.wait(0.0).sources == ()
    assert mailbox.pending, "it is not lost"


def test_rest_of_a_storm_counts_together() -> None:
    """What comes sooner than the spacing counts when that is over, from the time of the first."""
    mailbox = paced(spacing=0.05)
    mailbox.post("webhook")
    taken = mailbox.wait(0.0)
    before = time.monotonic()
    for _ in range(100):
        mailbox.post("webhook")
    rest = mailbox.wait(LONG)
    assert time.monotonic() - taken.left_at["webhook"] >= 0.05
    assert before <= rest.left_at["webhook"] <= before + 0.05
    assert rest.ticket == taken.ticket + 1
    assert mailbox.wait(0.0).sources == ()


def test_other_source_takes_along_what_is_held_back() -> None:
    """A pass that begins anyway is for all that is there."""
    mailbox = paced(spacing=LONG)
    mailbox.post("webhook")
    mailbox.wait(0.0)
    mailbox.post("webhook")
    mailbox.post("signal")
    assert mailbox.wait(0.0).sources == ("webhook", "signal")
    assert not mailbox.pending


def test_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger waits for a random part of the jitter."""
    mailbox = paced(jitter=LONG)
    monkeypatch.setattr("random.random", lambda: 0.5)
    mailbox.post("webhook")
    assert mailbox.wait(0.0).sources == ()
    monkeypatch.setattr("random.random", lambda: 0.0)
    mailbox = paced(jitter=LONG)
    mailbox.post("webhook")
    assert mailbox.wait(0.0).sources == ("webhook",)


def test_end_does_not_wait_for_a_pace() -> None:
    """A worker that has to end is not held back."""
    mailbox = paced(spacing=LONG)
    mailbox.post("webhook")
    mailbox.wait(0.0)
    mailbox.post("webhook")
    waiter = threading.Thread(target=mailbox.wait, args=(LONG,))
    waiter.start()
    mailbox.close()
    waiter.join(TIMEOUT)
    assert not waiter.is_alive()


def test_nothing_is_handed_out_while_it_is_held() -> None:
    """Neither a trigger nor the end of its time ends a wait; its release does, with a pass for all that was left."""
    mailbox = Mailbox()
    mailbox.hold()
    answers: list[Triggers] = []
    waiter = threading.Thread(target=lambda: answers.append(mailbox.wait(0.0)))
    waiter.start()
    ticket = mailbox.post("webhook")
    waiter.join(0.1)
    assert waiter.is_alive()
    assert (mailbox.held, mailbox.pending) == (True, True)
    released = time.monotonic()
    mailbox.release()
    waiter.join(TIMEOUT)
    (triggers,) = answers
    assert (triggers.sources, triggers.ticket) == (("webhook", "sync"), ticket)
    # Nobody is slow who is told to wait.
    assert all(left_at >= released for left_at in triggers.left_at.values())
    assert (mailbox.held, mailbox.pending) == (False, False)


def test_release_is_a_reason_for_a_pass() -> None:
    """Whatever its pace, and if nothing was left, a pass is due at once."""
    mailbox = Mailbox(paces={"webhook": Pace(jitter=LONG)})
    mailbox.hold()
    mailbox.post("webhook")
    mailbox.release()
    assert mailbox.wait(LONG).sources == ("webhook", "sync")
    mailbox.hold()
    mailbox.release()
    assert mailbox.wait(LONG).sources == ("sync",)


def test_end_while_it_is_held() -> None:
    """A worker that is held ends when it is asked to."""
    mailbox = Mailbox()
    mailbox.hold()
    mailbox.close()
    assert mailbox.wait(LONG).sources == ()


def test_hold_is_heard_at_once() -> None:
    """What is not urgent ends when it is held: nothing is to be done."""
    calls: list[str] = []
    Mailbox(lambda: calls.append("ended")).hold()
    assert calls == ["ended"]
