"""The keys that count: what is refused, and that a change is seen."""

import base64
from pathlib import Path

import pytest

from gitsync.base.errors import GitSyncError
from gitsync.config import Verification
from gitsync.programs.keyrings import Keyrings

KEY = b"\x98\x33\x04" + bytes(range(48))
ARMORED = (
    b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\n"
    + base64.encodebytes(KEY)
    + b"=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
)


def keyrings(directory: Path, *, ssh: Path | None = None, gpg: Path | None = None) -> Keyrings:
    """Return the keys of these files."""
    return Keyrings(Verification(verify="commit", verify_ssh_allowed_signers=ssh, verify_gpg_keyring=gpg), directory)


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (KEY, KEY),
        (ARMORED, KEY),
        (b"first\n" + ARMORED + b"\n" + ARMORED.replace(b"Comment: x\n", b"").replace(b"\n", b"\r\n"), KEY + KEY),
        (ARMORED.replace(b"=abcd\n", b""), KEY),
        (ARMORED.partition(b"\n")[0] + b"\nComment: it does not end\n" + ARMORED, KEY),
    ],
)
def test_forms_of_a_keyring(tmp_path: Path, content: bytes, keys: bytes) -> None:
    """With armor or without, one key or several."""
    file = tmp_path / "keys"
    file.write_bytes(content)
    keyrings(tmp_path, gpg=file).refresh()
    assert (tmp_path / ".gnupg" / "keys.gpg").read_bytes() == keys


@pytest.mark.parametrize("content", [b"", b"hello", ARMORED.replace(b"PUBLIC", b"PRIVATE"), b"\x95" + KEY])
def test_no_keyring(tmp_path: Path, content: bytes) -> None:
    """A file without a public key is refused, a private key too."""
    file = tmp_path / "keys"
    file.write_bytes(content)
    with pytest.raises(GitSyncError, match="public key") as caught:
        keyrings(tmp_path, gpg=file).refresh()
    assert caught.value.reason == "unverified"


@pytest.mark.parametrize("content", [b"", b"\n # nobody\n"])
def test_nobody_is_allowed(tmp_path: Path, content: bytes) -> None:
    """Signers are named."""
    file = tmp_path / "signers"
    file.write_bytes(content)
    with pytest.raises(GitSyncError, match="no signer"):
        keyrings(tmp_path, ssh=file).refresh()


def test_change_is_seen(tmp_path: Path) -> None:
    """The generation grows with each change, and only then; what cannot be read changes nothing."""
    file = tmp_path / "signers"
    found = keyrings(tmp_path, ssh=file)
    seen = []
    for content in ("ada@example.com ssh-ed25519 AAAA", "ada@example.com ssh-ed25519 AAAA", "", "bob x y"):
        file.write_text(content)
        try:
            found.refresh()
        except GitSyncError:
            seen.append(-1)
        seen.append(found.generation)
    assert seen == [1, 1, -1, 1, 2]


def test_who_is_asked(tmp_path: Path) -> None:
    """Nobody is asked for a form of signature that no keys are given for."""
    given = " ".join(keyrings(tmp_path, ssh=tmp_path / "signers").settings)
    assert "gpg.ssh.program=ssh-keygen" in given
    assert "gpg.program=false" in given
    assert "gpg.openpgp.program=false" in given
    other = " ".join(keyrings(tmp_path, gpg=tmp_path / "keys").settings)
    assert "gpg.ssh.program=false" in other
    assert "gpg.program=gpg" in other


def test_missing_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said at once which one is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitSyncError, match="ssh-keygen"):
        keyrings(tmp_path, ssh=tmp_path / "signers").check()
