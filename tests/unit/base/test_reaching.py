"""Whom a request trusts, and that those who trust the same share what that takes."""

import gc
import ssl
from pathlib import Path

import pytest
import trustme

from gitsync.base import reaching
from gitsync.base.errors import FetchError
from gitsync.base.reaching import trust

URL = "https://git.example.test/site.git"


def pem() -> bytes:
    """Return the certificate of another authority each time."""
    return trustme.CA().cert_pem.bytes()


@pytest.fixture
def ca_file(tmp_path: Path) -> Path:
    """A file with an authority."""
    file = tmp_path / "ca.pem"
    file.write_bytes(pem())
    return file


def test_shared(ca_file: Path, tmp_path: Path) -> None:
    """The same authorities are read once, also from another file, whoever asks; without any there is nothing."""
    other = tmp_path / "other.pem"
    other.write_bytes(ca_file.read_bytes())
    one = trust(ca_file, URL, sparingly=True)
    assert one
    assert trust(ca_file, URL, sparingly=True) is one
    assert trust(other, URL, sparingly=True) is one
    assert trust(None, "http://git.example.test/") is None


def test_what_differs_is_another_one(ca_file: Path, tmp_path: Path) -> None:
    """Nobody trusts what is not his own."""
    system = tmp_path / "system.pem"
    system.write_bytes(pem())
    made = [
        trust(ca_file, URL, sparingly=True),
        trust(ca_file, URL),
        trust(None, URL, sparingly=True),
        trust(ca_file, URL, system=str(system)),
        trust(None, URL, system=str(system)),
    ]
    assert len({id(context) for context in made}) == len(made)


@pytest.mark.parametrize("which", ["ours", "the system's"])
def test_changes_are_seen(ca_file: Path, tmp_path: Path, which: str) -> None:
    """What a file says counts when it is asked for the next time, and what has been made before stays as it is."""
    system = tmp_path / "system.pem"
    system.write_bytes(pem())
    before = trust(ca_file, URL, system=str(system))
    assert before
    known = before.get_ca_certs()
    new = tmp_path / "new"
    new.write_bytes(pem())
    new.replace(ca_file if which == "ours" else system)
    after = trust(ca_file, URL, system=str(system))
    assert after
    assert before.get_ca_certs() == known
    assert len([each for each in after.get_ca_certs() if each not in known]) == 1


@pytest.mark.parametrize("content", [b"", b"nothing\n"])
def test_no_certificate(ca_file: Path, content: bytes) -> None:
    """A file that holds none is an error each time, and what is wrong with it is not kept."""
    ca_file.write_bytes(content)
    for _ in range(2):
        with pytest.raises(FetchError, match="--ca-file"):
            trust(ca_file, URL)


def test_nothing_is_kept(ca_file: Path) -> None:
    """What nobody uses any more is gone."""
    gc.collect()
    before = len(reaching._contexts)
    context: ssl.SSLContext | None = trust(ca_file, URL, sparingly=True)
    assert len(reaching._contexts) == before + 1
    del context
    assert len(reaching._contexts) == before
