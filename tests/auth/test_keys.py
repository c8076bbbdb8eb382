"""Private keys are understood in the forms that people have them in, or the message says what is wrong with one."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base.errors import CredentialError
from gitsync.credentials.base import read_file
from gitsync.credentials.keys import private_key

KINDS = {
    "openssh": ["-t", "ed25519"],
    "old": ["-t", "rsa", "-b", "1024", "-m", "PEM"],
    "pkcs8": ["-t", "rsa", "-b", "1024", "-m", "PKCS8"],
}


def make(directory: Path, kind: str, *, passphrase: str = "") -> Path:
    """Make a key; its public half is beside it."""
    path = directory / kind
    subprocess.run(["ssh-keygen", "-q", "-N", passphrase, "-C", "", "-f", path, *KINDS[kind]], check=True)
    return path


def fingerprint(directory: Path, key: str) -> str:
    """Return what ssh makes of a key's text."""
    file = directory / "copy"
    file.write_text(key)
    file.chmod(0o600)
    command = ["ssh-keygen", "-y", "-P", "", "-f", str(file)]
    public: str = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return public.split()[1]


SPOILT: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda key: key.encode(),
    "without a last line break": lambda key: key.rstrip().encode(),
    "of another system": lambda key: key.replace("\n", "\r\n").encode(),
    "with a mark": lambda key: b"\xef\xbb\xbf" + key.encode(),
    "in UTF-16": lambda key: key.encode("utf-16"),
    "between empty lines": lambda key: f"\n\n{key}\n\n".encode(),
    "indented": lambda key: "".join(f"    {line}\n" for line in key.splitlines()).encode(),
    "with blanks at the ends": lambda key: "".join(f"{line}  \n" for line in key.splitlines()).encode(),
    "with written line breaks": lambda key: key.replace("\n", "\\n").encode(),
    "folded into one line": lambda key: key.replace("\n", " ").encode(),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_key_is_understood(tmp_path: Path, kind: str, spoil: Callable[[str], bytes]) -> None:
    """However its lines were treated on the way, ssh reads the key."""
    key = make(tmp_path, kind).read_text()
    file = tmp_path / "given"
    file.write_bytes(spoil(key))
    understood = private_key(read_file(file, option="--key"), given="--key")
    assert fingerprint(tmp_path, understood) == (tmp_path / f"{kind}.pub").read_text().split()[1]


@pytest.mark.parametrize("kind", KINDS)
def test_key_with_a_passphrase_is_named_as_such(tmp_path: Path, kind: str) -> None:
    """Nobody is there to type it, and ssh would only say that the key is refused."""
    key = make(tmp_path, kind, passphrase="correct-horse").read_text()
    for written in (key, key.replace("\n", "\\n")):
        with pytest.raises(CredentialError, match=r"^--key=k: .*passphrase") as caught:
            private_key(written, given="--key=k")
        assert "ssh-keygen" in (caught.value.hint or "")


def test_what_is_no_private_key_is_named(tmp_path: Path) -> None:
    """The other half, another program's form, and one base64 too many are the usual mistakes."""
    key = make(tmp_path, "openssh")
    mistakes = {
        (tmp_path / "openssh.pub").read_text(): "public key",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n": "public key",
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n": "PuTTY",
        base64.encodebytes(key.read_bytes()).decode(): "base64",
    }
    for written, message in mistakes.items():
        with pytest.raises(CredentialError, match=message):
            private_key(written, given="--key")


def test_other_text_is_left_to_the_programs() -> None:
    """What we do not know may be known to them."""
    assert private_key("something\r\nelse", given="--key") == "something\nelse\n"
