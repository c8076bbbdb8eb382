"""What gpg and ssh-keygen say of a signature, and the one thing of it that counts."""

from types import SimpleNamespace
from typing import cast

import pytest

from gitsync.base.errors import GitSyncError
from gitsync.programs.gitcmd import Git, Output, Place
from gitsync.programs.signatures import Signature, _of_gpg, _of_ssh, ask_signature

GOOD = [
    "NEWSIG ada@example.com",
    "GOODSIG C1BB8D350CD6EC9C Ada <ada@example.com>",
    "VALIDSIG A3F8 2026-11-30 1795999094 0 4 0 22 8 00 FFFF",
]
SSH = 'Good "git" signature for ada@example.com with ED25519 key SHA256:abc'


def gpg(lines: list[str]) -> Signature | str:
    """Return what is made of status lines."""
    return _of_gpg(["gpg: something for people", *(f"[GNUPG:] {line}" for line in lines)])


def test_good_signatures() -> None:
    """The key is that of the person, not the subkey."""
    assert gpg(GOOD) == Signature(signer="Ada <ada@example.com>", key="FFFF")
    assert _of_ssh([SSH]) == Signature(signer="ada@example.com", key="SHA256:abc")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        GOOD[:2],
        GOOD[1:],
        [GOOD[0], GOOD[2]],
        GOOD + GOOD,
        [*GOOD, "BADSIG 1 Eve"],
        [*GOOD, "ERRSIG 1 1 8 00 1 9 -"],
        [*GOOD, "EXPSIG 1 Ada"],
        [*GOOD, "NEWSIG"],
        [GOOD[0], "EXPKEYSIG C1 Ada", GOOD[2]],
        [GOOD[0], "REVKEYSIG C1 Ada", GOOD[2]],
        ["NEWSIG GOODSIG VALIDSIG"],
    ],
)
def test_what_does_not_count_for_gpg(lines: list[str]) -> None:
    """Anything but one good and valid signature is none."""
    assert isinstance(gpg(lines), str)


@pytest.mark.parametrize(
    "told",
    [
        [],
        ['Good "git" signature with ED25519 key SHA256:abc', "No principal matched."],
        [f"x{SSH}"],
        [SSH, SSH],
        ['Good "other" signature for ada@example.com with ED25519 key SHA256:abc'],
        ["Could not verify signature."],
    ],
)
def test_what_does_not_count_for_ssh(told: list[str]) -> None:
    """A good signature by somebody is not one by a signer."""
    assert isinstance(_of_ssh(told), str)


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0b", "\x1c"])
@pytest.mark.parametrize("said", [[f"[GNUPG:] {line}" for line in GOOD], [SSH]], ids=["gpg", "ssh"])
def test_what_others_have_a_say_in_makes_no_line(end: str, said: list[str]) -> None:
    """A user id, or a name, that has what Unicode takes for the end of a line does not vouch for anybody."""
    told = Output(b"", end.join(["[GNUPG:] NOTATION_DATA x", *said]), 0)
    git = SimpleNamespace(run=lambda *arguments, **options: told)
    with pytest.raises(GitSyncError) as caught:
        ask_signature(cast(Git, git), "commit", "a" * 40, Place(), [], deadline=0.0)
    assert caught.value.reason == "unverified"
