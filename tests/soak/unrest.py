"""What happens in a soak: each is a fault with a beginning and an end, between which repositories move on."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from tests.soak.field import PASSWORD, Field

_Fault = Callable[[Field, random.Random], AbstractContextManager[None]]


def rest(seconds: float) -> None:
    """Let time go by, as the world does between two events."""
    threading.Event().wait(seconds)


@contextmanager
def _stalled(field: Field, rng: random.Random) -> Iterator[None]:
    field.proxy.stall(after=rng.choice([0, 100, 3_000, 30_000]))
    try:
        yield
    finally:
        field.proxy.pass_through()


@contextmanager
def _refused(field: Field, rng: random.Random) -> Iterator[None]:
    field.proxy.refuse()
    try:
        yield
    finally:
        field.proxy.pass_through()


@contextmanager
def _failing(field: Field, rng: random.Random) -> Iterator[None]:
    server = rng.choice([field.open, field.closed])
    server.fail_with = rng.choice([403, 404, 429, 500, 503])
    try:
        yield
    finally:
        server.fail_with = None


@contextmanager
def _locked_out(field: Field, rng: random.Random) -> Iterator[None]:
    field.password.write_text(rng.choice(["", "wrong", PASSWORD[:5]]))
    try:
        yield
    finally:
        field.password.write_text(PASSWORD)


@contextmanager
def _wrong_file(field: Field, rng: random.Random) -> Iterator[None]:
    field.write(rng.choice(["repositories: 7\n", "- [\n", "\0", "repositories:\n- {repo: -x, link: site}\n"]))
    try:
        yield
    finally:
        field.write()


@contextmanager
def _other_file(field: Field, rng: random.Random) -> Iterator[None]:
    field.period = rng.choice([0.5, 1.0, 2.0])
    field.write()
    yield


@contextmanager
def _killed(field: Field, rng: random.Random) -> Iterator[None]:
    yield
    rest(rng.random())
    field.daemon.kill_tree()
    field.start()


@contextmanager
def _killed_alone(field: Field, rng: random.Random) -> Iterator[None]:
    yield
    rest(rng.random())
    field.daemon.signal(signal.SIGKILL)
    field.daemon.wait_exit()
    field.start()


@contextmanager
def _ended(field: Field, rng: random.Random) -> Iterator[None]:
    yield
    rest(rng.random())
    code = field.daemon.terminate()
    assert code == 0, field.daemon.describe()
    field.daemon.check_nothing_runs()
    field.start()


@contextmanager
def _stopped(field: Field, rng: random.Random) -> Iterator[None]:
    field.daemon.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        field.daemon.signal(signal.SIGCONT)


@contextmanager
def _rewound(field: Field, rng: random.Random) -> Iterator[None]:
    each = rng.choice(field.followed)
    if each.earlier:
        each.origin.rewind(rng.choice(each.earlier[-5:]))
    yield


@contextmanager
def _lock_left(field: Field, rng: random.Random) -> Iterator[None]:
    name = rng.choice(["index.lock", "shallow.lock", "config.lock", "HEAD.lock", "packed-refs.lock", "gc.pid"])
    for store in _stores(field):
        (store / name).touch()
    yield


@contextmanager
def _store_damaged(field: Field, rng: random.Random) -> Iterator[None]:
    store = rng.choice(_stores(field))
    files = [path for path in store.rglob("*") if path.is_file() and not path.is_symlink()]
    victim = rng.choice(files)
    if rng.random() < 0.5:
        victim.unlink()
    else:
        victim.chmod(0o644)
        os.truncate(victim, victim.stat().st_size // 2)
    yield


def _stores(field: Field) -> list[Path]:
    stores = field.root.glob(".repositories/*/.gitsync/*-*")
    return sorted(path for path in stores if (path / "objects").is_dir())


# What happens to servers, files and the volume, and what to the process.
AROUND: Final[Mapping[str, _Fault]] = {
    "the server stalls": _stalled,
    "the server refuses connections": _refused,
    "the server answers 403 to 503": _failing,
    "the password is wrong": _locked_out,
    "the file of --config changes": _other_file,
    "a history is rewound": _rewound,
    "locks are left": _lock_left,
    "a store is damaged": _store_damaged,
}
PROCESS: Final[Mapping[str, _Fault]] = {
    # Nobody starts with such a file, so it is no fault of the others.
    "the file of --config is wrong": _wrong_file,
    "SIGKILL to all processes": _killed,
    "SIGKILL to the daemon": _killed_alone,
    "SIGTERM": _ended,
    "SIGSTOP": _stopped,
}
VANDALISM: Final = "a consumer changes a published file"


def draw(rng: random.Random) -> list[str]:
    """Return the names of the faults of a round, one or two; what happens to the process comes last, and ends first."""
    around, process = rng.choice(list(AROUND)), rng.choice(list(PROCESS))
    return rng.choice([[around], [process], [around, process]])


def vandalise(field: Field, rng: random.Random) -> None:
    """Change a published file as a consumer could; nothing else may happen until it is mended."""
    each = rng.choice(field.followed)
    files = [path for path in each.watch.link.rglob("*.txt") if path.is_file()]
    other = field.directory / "other"
    other.write_text("somebody else's\n")
    other.replace(rng.choice(files))
    each.watch.excuse()
