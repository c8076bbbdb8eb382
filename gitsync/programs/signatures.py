"""Asks git whether a commit or a tag is signed by one of the keys that count. Called by the worker's thread.

What counts is what gpg and ssh-keygen say: one good signature by a key that counts, and nothing against it.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

from gitsync.base.errors import GitError, GitSyncError
from gitsync.base.printable import printable
from gitsync.base.written import entries
from gitsync.programs.gitcmd import Git, Output, Place

Kind = Literal["commit", "tag"]

# https://git.gnupg.org/cgi-bin/gitweb.cgi?p=gnupg.git;a=blob_plain;f=doc/DETAILS
_STATUS: Final = "[GNUPG:] "
_ONCE: Final = ("NEWSIG", "GOODSIG", "VALIDSIG")
# What speaks against a signature, the first one that is met.
_AGAINST: Final = {
    "BADSIG": "the signature is not of this content",
    "NO_PUBKEY": "the key of the signature is not in --verify-gpg-keyring",
    "REVKEYSIG": "the key of the signature is revoked",
    "EXPKEYSIG": "the key of the signature has expired",
    "EXPSIG": "the signature has expired",
    "ERRSIG": "the signature cannot be checked",
    "NODATA": "the signature cannot be read",
    "FAILURE": "gpg has failed",
}
# What ssh-keygen prints. https://man.openbsd.org/ssh-keygen#Y~5
_BY_SIGNER: Final = re.compile(r'Good "git" signature for (.+) with \S+ key (\S+)')
_BY_ANYBODY: Final = re.compile(r'Good "git" signature with \S+ key (\S+)')
# What git says of an object that it does not have whole.
_MISSING: Final = re.compile(r"^error: ((commit|tag) '[^']*' not found|.*unable to read|.*could not parse)")


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who has signed: a principal of the allowed signers or a user id, and the fingerprint of the key."""

    signer: str
    key: str


def ask_signature(git: Git, kind: Kind, hash_: str, place: Place, settings: list[str], *, deadline: float) -> Signature:
    """Return the signature of an object that the store has, verified with git's `settings`, which name the keys.

    Raises `GitSyncError` with the reason `unverified` if there is none that counts, or `GitError`.
    """
    command = [*settings, f"verify-{kind}", "--raw", hash_]
    # Git ends with 1 where a signature is not good.
    output = git.run(command, deadline=deadline, place=place, accept=lambda status: status in {0, 1})
    told = list(entries(output.stderr))
    if any(_MISSING.search(line) for line in told):
        error = GitError(f"the {kind} {hash_} cannot be read: {_last_word(output)}", reason="corrupt")
        error.store = place.store
        raise error
    found = _of_gpg(told) if any(line.startswith(_STATUS) for line in told) else _of_ssh(told)
    if isinstance(found, Signature) and output.status == 0:
        return found
    why = found if isinstance(found, str) else _last_word(output)
    raise GitSyncError(f"the {kind} {hash_} is not verified: {why}", reason="unverified")


def _of_gpg(told: list[str]) -> Signature | str:
    """Return the signature that gpg's status lines tell of, or why there is none that counts."""
    lines = [line.removeprefix(_STATUS).split(" ") for line in told if line.startswith(_STATUS)]
    count = Counter(words[0] for words in lines)
    for keyword, why in _AGAINST.items():
        if count[keyword]:
            return why
    if any(count[keyword] > 1 for keyword in _ONCE):
        return "it has several signatures"
    if any(count[keyword] != 1 for keyword in _ONCE):
        return "gpg does not say that the signature is good"
    words = {line[0]: line[1:] for line in lines}
    # The key itself, of which the one that has signed may be a subkey, comes last.
    return Signature(signer=printable(" ".join(words["GOODSIG"][1:])), key=words["VALIDSIG"][-1])


def _of_ssh(told: list[str]) -> Signature | str:
    """Return the signature that ssh-keygen tells of, or why there is none that counts."""
    known = [found for line in told if (found := _BY_SIGNER.fullmatch(line))]
    unknown = [found[1] for line in told if (found := _BY_ANYBODY.fullmatch(line))]
    if len(known) == 1 and not unknown:
        return Signature(signer=printable(known[0][1]), key=known[0][2])
    if unknown:
        return f"the key {unknown[0]} was not in --verify-ssh-allowed-signers at the time of the commit, or is not now"
    if not told:
        return "it has no signature, or one of another form than that of the keys that are given"
    return printable(told[-1])


def _last_word(output: Output) -> str:
    return printable(output.stderr.strip().rpartition("\n")[2]) or f"git has ended with {output.status}"
