"""The receiver's secret comes when it comes, and in the form that it has."""

from pathlib import Path

import pytest

from gitsync.base.errors import CredentialError
from gitsync.config import ReceiverConfig
from gitsync.receiver.secret import secret_source
from tests.unit.conftest import Logs

WORD = "s3cret-of-the-receiver"


def test_no_receiver() -> None:
    """Without a secret there is no receiver."""
    assert secret_source(ReceiverConfig(secret=None, secret_file=None)) is None


def test_file_that_comes_later(tmp_path: Path, logs: Logs) -> None:
    """The start goes on without it and says so; from when it is there it counts, and its changes do."""
    file = tmp_path / "secret"
    source = secret_source(ReceiverConfig(secret=None, secret_file=file))
    assert source
    (event,) = logs.events("receiver_secret_missing")
    assert f"--receiver-secret-file={file}: No such file" in event["message"]
    with pytest.raises(CredentialError):
        source()
    for word in (WORD, "another-secret"):
        file.write_text(f"{word}\n")
        assert source().reveal() == word
    file.write_text("")
    with pytest.raises(CredentialError, match="empty"):
        source()


@pytest.mark.parametrize(
    "content", [f"{WORD}\r\n".encode(), f"\ufeff{WORD}\n\n".encode(), f"{WORD}\n".encode("utf-16"), WORD.encode()]
)
def test_forms(tmp_path: Path, content: bytes) -> None:
    """Line breaks and marks of editors are no part of it."""
    (tmp_path / "secret").write_bytes(content)
    source = secret_source(ReceiverConfig(secret=None, secret_file=tmp_path / "secret"))
    assert source
    assert source().reveal() == WORD


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"\xff\xff\xff"])
def test_what_cannot_be_one(tmp_path: Path, content: bytes) -> None:
    """Two lines, and what is no text, are named as such."""
    (tmp_path / "secret").write_bytes(content)
    source = secret_source(ReceiverConfig(secret=None, secret_file=tmp_path / "secret"))
    assert source
    with pytest.raises(CredentialError, match=r"more than one line|no text"):
        source()
