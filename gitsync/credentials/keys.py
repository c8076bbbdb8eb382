"""Private keys as people really have them, made into what programs read; or what is wrong with one, in words.

PEM (https://www.rfc-editor.org/rfc/rfc7468) consists of lines, and those get lost on the way into variables and
manifests: written as `\\n`, folded into blanks, indented. Pure functions.
"""

import base64
import binascii
import re
import textwrap
from typing import Final

from gitsync.base.errors import CredentialError
from gitsync.base.written import lines

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END \1-----")
# The one form of PKCS #8, and the header of an older one. https://www.rfc-editor.org/rfc/rfc1421#section-4.6.1.1
_LOCKED: Final = ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED")
_WIDTH: Final = 64
# https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key: the name of the cipher follows with its length.
_OPENSSH_MAGIC: Final = b"openssh-key-v1\0"
_PLAIN: Final = b"\0\0\0\x04none"
_PUBLIC: Final = ("ssh-", "ecdsa-", "sk-", "---- BEGIN SSH2 PUBLIC KEY", "-----BEGIN PUBLIC KEY")


def private_key(written: str, *, given: str) -> str:
    """Return the key as programs want it; `given` says where it is from. Raise `CredentialError` if none can use it."""
    text = written.strip()
    if "\n" not in lines(text).rstrip("\n"):
        text = text.replace("\\r", "").replace("\\n", "\n")
    text = "".join(f"{line.strip()}\n" for line in lines(text).splitlines())
    _refuse_others(text, given)
    found = _PEM.search(text)
    # Programs may know forms that we do not.
    label, content = found.groups() if found else ("", "\n")
    if any(sign in text for sign in _LOCKED) or _is_locked(label, content):
        raise CredentialError(
            f"{given}: the key is protected by a passphrase, and nobody is there to type it",
            hint="use a copy without one: ssh-keygen -p -N '' -f COPY",
        )
    folded = not content.startswith("\n") or " " in content.strip()
    return _refolded(label, content) if folded else text


def _refuse_others(text: str, given: str) -> None:
    """Raise `CredentialError` for what is often taken for a private key."""
    hint = "give the private key, which begins with -----BEGIN"
    if text.startswith(_PUBLIC):
        raise CredentialError(f"{given}: this is a public key", hint=hint)
    if text.startswith("PuTTY-User-Key-File"):
        raise CredentialError(f"{given}: this is a key of PuTTY", hint="export it: puttygen KEY -O private-openssh")
    try:
        inner = base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        return
    if inner.lstrip().startswith(b"-----BEGIN "):
        raise CredentialError(f"{given}: this is a key in base64", hint="decode it once more: base64 -d")


def _is_locked(label: str, content: str) -> bool:
    """Say whether a key in OpenSSH's own form is encrypted, which only its content tells."""
    if label != "OPENSSH PRIVATE KEY":
        return False
    try:
        inner = base64.b64decode("".join(content.split()))
    except (ValueError, binascii.Error):
        return False
    rest = inner.removeprefix(_OPENSSH_MAGIC)
    return rest != inner and not rest.startswith(_PLAIN)


def _refolded(label: str, content: str) -> str:
    """Return a key whose lines have been folded into one, as it was."""
    body = "\n".join(textwrap.wrap("".join(content.split()), _WIDTH))
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
