"""The targets of links, as git prints them."""

import pytest

from gitsync.volume import symlinks
from gitsync.volume.symlinks import Targets, TooLongError

A, B = "a" * 40, "b" * 64
PRINTED = f"{A} blob 4\n../x\n{B} blob 0\n\n".encode() + f"{'c' * 40} blob 5\n\n\xff".encode("latin-1") + b"a\0\n\n"


@pytest.mark.parametrize("at", range(len(PRINTED)))
def test_parts_of_what_git_prints(at: int) -> None:
    """It makes no difference where a part ends, nor what targets are."""
    targets = Targets()
    targets.add(PRINTED[:at])
    targets.add(PRINTED[at:])
    assert targets.found == {A: b"../x", B: b"", "c" * 40: b"\n\xffa\0\n"}
    assert targets.kept() == b""


def test_target_that_is_none() -> None:
    """What is longer than a path is not waited for."""
    targets = Targets()
    targets.add(f"{A} blob 4095\n".encode() + b"x" * 4095 + b"\n")
    with pytest.raises(TooLongError) as caught:
        targets.add(f"{B} blob 4096\n".encode())
    assert (caught.value.hash, caught.value.size) == (B, 4096)


def test_what_git_never_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no form, or is too much together, is not kept."""
    with pytest.raises(OverflowError):
        Targets().add(b"x" * 5000)
    monkeypatch.setattr(symlinks, "LARGEST", 5)
    with pytest.raises(OverflowError):
        Targets().add(PRINTED * 2)
