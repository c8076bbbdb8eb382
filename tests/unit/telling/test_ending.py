"""The message that an error leaves: what it says, how much, and where it is written."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsync.base.errors import HINTS
from gitsync.telling.ending import leave_message, message
from gitsync.telling.events import Failure

AUTH = Failure(reason="auth", message="git ls-remote: 403", hint="look at the password")
TOLD = b"auth: git ls-remote: 403\nWhat to do: look at the password\n"


def test_message() -> None:
    """Reason, message and hint, the hint of the reason if there is no other; and of several all."""
    assert message([AUTH]) == TOLD
    without = Failure(reason="remote_error", message="500")
    assert message([AUTH, without]) == (TOLD + f"remote_error: 500\nWhat to do: {HINTS['remote_error']}\n".encode())
    assert message([Failure(reason="config", message="--x: no")]) == b"config: --x: no\n"


def test_only_what_prints() -> None:
    """A terminal acts upon nothing in it, and no login is."""
    told = Failure(reason="git", message="\x1b[2J https://u:pw12@h \u202e", hint="see")
    assert message([told]) == b"git: \\x1b[2J https://***@h \\u202e\nWhat to do: see\n"


def test_long_message() -> None:
    """A message that is too long is cut, and reason and hint stay, also where there are several."""
    long = Failure(reason="git", message="ä" * 4000, hint="read the log")
    told = message([long])
    assert len(told) in {4095, 4096}
    assert told.startswith("git: ää".encode())
    assert told.endswith("ä\nWhat to do: read the log\n".encode())
    assert message([long, AUTH]).endswith(TOLD)
    assert len(message([long, AUTH])) <= 4096


@given(st.lists(st.builds(Failure, reason=st.text(), message=st.text(), hint=st.none() | st.text()), max_size=9))
def test_any_failures(failures: list[Failure]) -> None:
    """It is never more than is read, and always text."""
    for several in (failures, failures * 200):
        assert len(message(several)) <= 4096
        message(several).decode()


def test_written_in_place(tmp_path: Path) -> None:
    """The file stays the one that is mounted there, and nothing of what was in it does."""
    path = tmp_path / "log"
    path.write_text("x" * 10_000)
    before = path.stat().st_ino
    leave_message(path, [AUTH])
    assert path.read_bytes() == TOLD
    assert path.stat().st_ino == before


def test_no_link_is_followed(tmp_path: Path) -> None:
    """A link in the place of the file, or on the way to it, leads nowhere."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "log").write_text("mine")
    (tmp_path / "link").symlink_to("target/log")
    (tmp_path / "way").symlink_to("target")
    for path in (tmp_path / "link", tmp_path / "way" / "log"):
        with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
            leave_message(path, [AUTH])
    assert (target / "log").read_text() == "mine"


def test_no_file(tmp_path: Path) -> None:
    """What is no file is not written to, and nobody is waited for; what is not there is not made."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="No such device"):
        leave_message(pipe, [AUTH])
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="it is no file"):
        leave_message(pipe, [AUTH])
    os.close(reader)
    with pytest.raises(FileNotFoundError):
        leave_message(tmp_path / "missing", [AUTH])
    assert list(tmp_path.iterdir()) == [pipe]
