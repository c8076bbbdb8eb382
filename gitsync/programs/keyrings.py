"""The keys whose signatures count, as private copies of the files that name them: what was read is what git goes by.

gpg finds its copy as the one keyring of our git's home, and knows no other key. Called by the worker's thread, and by
the main one before that starts.
"""

import binascii
import shutil
from pathlib import Path
from typing import Final

from gitsync.base.errors import GitSyncError
from gitsync.base.files import read_whole
from gitsync.config import Verification

_LARGEST: Final = 4 * 1024 * 1024
# What git asks where it must not ask anybody. It fails.
_NOBODY: Final = "false"
# https://www.rfc-editor.org/rfc/rfc9580#section-6.2
_BEGIN: Final = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END: Final = b"-----END PGP PUBLIC KEY BLOCK-----"
_CHECKSUM: Final = b"="
# The first packet of a public key, in either form. https://www.rfc-editor.org/rfc/rfc9580#section-4.2
_PUBLIC_KEY: Final = (0x98, 0x99, 0x9A, 0xC6)
# https://www.gnupg.org/documentation/manuals/gnupg/GPG-Configuration-Options.html
_GPG: Final = """\
no-default-keyring
primary-keyring {keyring}
trust-model always
no-autostart
no-auto-key-retrieve
weak-digest SHA1
"""


class Keyrings:
    """The keys of one repository; `generation` grows by one whenever they have changed."""

    def __init__(self, options: Verification, home: Path) -> None:
        self._options = options
        self._signers = home / "allowed-signers"
        self._gpg = home / ".gnupg"
        self._read: list[bytes] = []
        self.generation = 0

    def check(self) -> None:
        """Raise `GitSyncError` if a program that verifies is not there, or the keys cannot be used."""
        needed = {"ssh-keygen": self._options.verify_ssh_allowed_signers, "gpg": self._options.verify_gpg_keyring}
        for program, path in needed.items():
            if path and not shutil.which(program):
                message = f"signatures are verified by {program}, which was not found"
                raise GitSyncError(message, reason="unverified", hint=f"install {program}: openssh-client, or gpg")
        self.refresh()

    def refresh(self) -> None:
        """Read the files again; raise `GitSyncError` if one cannot be read, or holds no key."""
        read = [_read(path) for path in self._options.files]
        if read == self._read:
            return
        contents = dict(zip(self._options.files, read, strict=True))
        if path := self._options.verify_ssh_allowed_signers:
            self._signers.write_bytes(_signers(path, contents[path]))
        if path := self._options.verify_gpg_keyring:
            self._write_keyring(_keys(path, contents[path]))
        self._read = read
        self.generation += 1

    def _write_keyring(self, keys: bytes) -> None:
        self._gpg.mkdir(mode=0o700, exist_ok=True)
        keyring = self._gpg / "keys.gpg"
        keyring.write_bytes(keys)
        (self._gpg / "gpg.conf").write_text(_GPG.format(keyring=keyring))

    @property
    def settings(self) -> list[str]:
        """What tells git of them, as arguments: for a form of signature without keys nobody is asked."""
        signers, keyring = self._options.verify_ssh_allowed_signers, self._options.verify_gpg_keyring
        found = {
            "gpg.program": "gpg" if keyring else _NOBODY,
            "gpg.openpgp.program": "gpg" if keyring else _NOBODY,
            "gpg.x509.program": _NOBODY,
            "gpg.ssh.program": "ssh-keygen" if signers else _NOBODY,
            "gpg.ssh.allowedSignersFile": str(self._signers) if signers else "/dev/null",
        }
        return [word for key, value in found.items() for word in ("-c", f"{key}={value}")]


def _read(path: Path) -> bytes:
    try:
        return read_whole(path, largest=_LARGEST)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise _unusable(path, why) from None


def _signers(path: Path, content: bytes) -> bytes:
    """Return the content of a file of allowed signers; raise `GitSyncError` if it names none."""
    lines = [line.strip() for line in content.splitlines()]
    if not any(line and not line.startswith(b"#") for line in lines):
        raise _unusable(path, "it names no signer")
    return content


def _armored(content: bytes) -> list[bytes]:
    """Return what the blocks of a file hold, in base64; a block that does not end counts for nothing."""
    blocks: list[bytes] = []
    body: list[bytes] | None = None
    heading = False
    for line in map(bytes.rstrip, content.splitlines()):
        if line == _BEGIN:
            body, heading = [], True
        elif body is None:
            continue
        elif line == _END:
            blocks.append(b"".join(body))
            body = None
        elif heading:
            # An empty line ends the headers.
            heading = bool(line)
        elif not line.startswith(_CHECKSUM):
            body.append(line)
    return blocks


def _keys(path: Path, content: bytes) -> bytes:
    """Return the public keys of a file, without armor; raise `GitSyncError` if it has none."""
    try:
        blocks = [binascii.a2b_base64(armored) for armored in _armored(content)]
    except binascii.Error as error:
        raise _unusable(path, error) from None
    keys = b"".join(blocks) or content
    if not keys or keys[0] not in _PUBLIC_KEY:
        raise _unusable(path, "it holds no public key of OpenPGP; write it with gpg --export")
    return keys


def _unusable(path: Path, why: object) -> GitSyncError:
    return GitSyncError(
        f"{path}: {why}",
        reason="unverified",
        hint="check --verify-ssh-allowed-signers or --verify-gpg-keyring; what is published stays",
    )
