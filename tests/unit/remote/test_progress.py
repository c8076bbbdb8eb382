"""What git says of a fetch: its own lines are read, whatever a remote writes among them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsync.base.log import get_logger
from gitsync.remote.progress import Overheard
from gitsync.telling.progress import Progress
from tests.unit.conftest import Logs

WIPED = "        "  # what git writes behind the words of a remote
RECEIVED = b"Receiving objects:  45% (450/1000), 1.50 MiB | 512.00 KiB/s\r"


def heard(*parts: bytes, period: float = math.inf) -> list[Progress]:
    """Return what is told of these parts of an output."""
    told: list[Progress] = []
    overheard = Overheard(told.append, get_logger(repo="site"), period=period)
    for part in parts:
        overheard.add(part)
    assert overheard.last == (told[-1] if told else None)
    return told


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("Receiving objects:   0% (1/272)\r", Progress(phase="receiving", objects=1, of=272)),
        (
            "Receiving objects:  45% (123/272), 1.20 MiB | 2.40 MiB/s\r",
            Progress(phase="receiving", objects=123, of=272, size=1258291, rate=2516582),
        ),
        (
            "Receiving objects: 100% (272/272), 999 bytes | 12.00 KiB/s, done.\n",
            Progress(phase="receiving", objects=272, of=272, size=999, rate=12288),
        ),
        (
            "Unpacking objects: 100% (3/3), 1 byte | 1.00 GiB/s, done.\n",
            Progress(phase="unpacking", objects=3, of=3, size=1, rate=2**30),
        ),
        (
            "Resolving deltas: 100% (30/30), completed with 2 local objects.\n",
            Progress(phase="resolving", objects=30, of=30),
        ),
        (f"remote: Enumerating objects: 4711{WIPED}\r", Progress(phase="enumerating", objects=4711)),
        (f"remote: Enumerating objects: 12, done.{WIPED}\n", Progress(phase="enumerating", objects=12)),
        (f"remote: Counting objects:   1% (1/100){WIPED}\r", Progress(phase="counting", objects=1, of=100)),
        (
            f"remote: Compressing objects: 100% (9/9), done.{WIPED}\n",
            Progress(phase="compressing", objects=9, of=9),
        ),
    ],
)
def test_forms(line: str, progress: Progress) -> None:
    """Every form of git's is understood, also when it comes in pieces."""
    raw = line.encode()
    assert heard(raw) == [progress]
    assert heard(*(raw[at : at + 1] for at in range(len(raw)))) == [progress]


@pytest.mark.parametrize(
    "line",
    [
        "remote: Receiving objects:  45% (123/272)\r",
        "remote: remote: Counting objects:   1% (1/100)\r",
        "remote: Total 272 (delta 0), reused 0 (delta 0)\n",
        "remote: see https://host/Counting objects: 1% (1/100)\n",
        "Receiving objects:  45% (123/272), 1.20 MiB | 2.40 MiB/s and more\r",
        "Receiving objects:  45% (123/9999999999999999)\r",
        "Receiving objects:  45% (\u0661/\u0662)\r",
        "Receiving objects:  45% (123/272)\x1b[2J\r",
        "Receiving objects:  45% (123/272)",
        "From https://host/site\n",
    ],
)
def test_other_lines(line: str) -> None:
    """What is not exactly in one of the forms tells nothing, and neither does a line that has no end yet."""
    assert heard(line.encode()) == []


def test_percent() -> None:
    """It is computed here, and no word of a remote makes it more than 100, or divides by nothing."""
    assert Progress(phase="receiving", objects=450, of=1000).percent == 45
    assert Progress(phase="counting", objects=7, of=3).percent == 100
    assert Progress(phase="counting", objects=7, of=0).percent is None
    assert Progress(phase="enumerating", objects=7).percent is None


def test_last_line_counts() -> None:
    """Of many lines that come together the last one is told; one that says nothing new is not."""
    assert [progress.objects for progress in heard(b"Receiving objects:   1% (1/90)\r" + RECEIVED, RECEIVED)] == [450]


def test_flood() -> None:
    """However much a remote writes, only the end of it is looked at, and the end of a long line is no line."""
    spoken = b"remote: " + b"x" * 100_000
    assert heard(b"\n" + RECEIVED + spoken + b"\n") == []
    assert heard(spoken, RECEIVED) == []
    assert [progress.objects for progress in heard(spoken + b"\n", RECEIVED)] == [450]
    # Of what is cut off the first line may be the end of another.
    assert heard(b"remote: " + RECEIVED[:-1] + b"\r" + b"y" * (4096 - len(RECEIVED))) == []


@given(st.lists(st.binary(max_size=300) | st.just(RECEIVED) | st.just(b"\n"), max_size=20))
def test_anything(parts: list[bytes]) -> None:
    """Nothing that comes raises anything, and the end of it is kept as it was."""
    overheard = Overheard(lambda progress: None, get_logger())
    for part in parts:
        overheard.add(part)
    assert overheard.kept() == b"".join(parts)


def test_log(logs: Logs) -> None:
    """The log has a line now and then, with what is known in units for people, and none before its time."""
    heard(RECEIVED, b"Receiving objects:  46% (460/1000)\r")
    assert logs.events("fetch_progress") == []
    heard(RECEIVED, period=0.0)
    (line,) = logs.events("fetch_progress")
    assert {name: line[name] for name in line if name not in {"timestamp", "level", "event"}} == {
        "repo": "site",
        "phase": "receiving",
        "percent": 45,
        "objects": 450,
        "objects_total": 1000,
        "megabytes": 1.57,
        "megabytes_per_second": 0.52,
    }


def test_words() -> None:
    """A message says how far it was."""
    assert str(heard(RECEIVED)[0]) == "receiving 450 objects, 45%, 1.57 MB"
    assert str(Progress(phase="enumerating", objects=7)) == "enumerating 7 objects"
