"""The receiver's secret comes when it comes, and in the form that it has."""

from pathlib import Path

import pytest

from gitsync.base.errors import CredentialError
from gitsync.config import ReceiverConfig, load
from gitsync.receiver.secret import secret_source
from tests.unit.conftest import Logs

WORD = "s3cret-of-the-receiver"


def configured(file: Path | None) -> ReceiverConfig:
    """Return the options of a receiver whose secret is in a file."""
    options = [f"--receiver-secret-file={file}"] if file else []
    return load(["--repo=https://example.test/site.git", "--root=/r", *options], {}).receiver


def test_no_receiver() -> None:
    """Without a secret there is no receiver."""
    assert secret_source(configured(None)) is None


def test_file_that_comes_later(tmp_path: Path, logs: Logs) -> None:
    """The start goes on without it and says so; from when it is there it counts, and its changes do."""
    file = tmp_path / "secret"
    source = secret_source(configured(file))
    assert source
    (event,) = logs.events("receiver_secret_missing")
    assert f"--receiver-secret-file={file}: No such file" in event["message"]
    with pytest.raises(CredentialError):
        source()
    for word in (WORD, "another-secret"):
        file.write_text(f"{word}\n")
        assert [secret.reveal() for secret in source()] == [word]
    file.write_text("")
    with pytest.raises(CredentialError, match="empty"):
        source()


@pytest.mark.parametrize(
    "content", [f"{WORD}\r\n".encode(), f"\ufeff{WORD}\n\n".encode(), f"{WORD}\n".encode("utf-16"), WORD.encode()]
)
def test_forms(tmp_path: Path, content: bytes) -> None:
    """Line breaks and marks of editors are no part of it."""
    (tmp_path / "secret").write_bytes(content)
    source = secret_source(configured(tmp_path / "secret"))
    assert source
    assert [secret.reveal() for secret in source()] == [WORD]


def test_several_while_one_is_changed(tmp_path: Path) -> None:
    """Each line is one that counts; empty ones are none, and too many are a file of something else."""
    file = tmp_path / "secret"
    file.write_text("old-secret\n\n  \nnew-secret\r\n")
    source = secret_source(configured(file))
    assert source
    assert [secret.reveal() for secret in source()] == ["old-secret", "new-secret"]
    file.write_text("line\n" * 17)
    with pytest.raises(CredentialError, match="more than 16 lines"):
        source()


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xff\xff"])
def test_what_cannot_be_one(tmp_path: Path, content: bytes) -> None:
    """A file that is there and holds no secret is refused at the start."""
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(CredentialError, match=r"empty|no text"):
        secret_source(configured(tmp_path / "secret"))
