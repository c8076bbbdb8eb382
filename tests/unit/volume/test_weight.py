"""What git lists is added up, however it comes."""

import pytest

from gitsync.base.errors import CheckoutError
from gitsync.config import Limits
from gitsync.volume.weight import Counter, EnoughError

LISTED = (
    b"100644 blob " + b"a" * 40 + b"       5\tname\0"
    b"120000 blob " + b"b" * 64 + b" 1234567890123\t100644 blob abc      7\tx\n\0"
    b"160000 commit " + b"c" * 40 + b"       -\tlib\0"
    b"100755 blob " + b"d" * 40 + b"       0\t\xff\0"
)


@pytest.mark.parametrize("at", range(len(LISTED)))
def test_parts_of_a_list(at: int) -> None:
    """It makes no difference where a part ends, nor what files are called; submodules are no files."""
    counter = Counter(Limits(max_size=10**15, max_files=None, max_fetch=None, symlinks="allow"))
    counter.add(LISTED[:at])
    counter.add(LISTED[at:])
    assert (counter.files, counter.size, counter.kept()) == (3, 1234567890128, b"")


def test_list_without_sizes() -> None:
    """Only files are counted then."""
    counter = Counter(Limits(max_size=None, max_files=10, max_fetch=None, symlinks="allow"))
    counter.add(b"100644 blob " + b"a" * 40 + b"\tname\0")
    assert (counter.files, counter.size) == (1, 0)


@pytest.mark.parametrize("limits", [(1, None), (None, 1)])
def test_enough_is_enough(limits: tuple[int | None, int | None]) -> None:
    """Far beyond a limit it is not counted on."""
    counter = Counter(Limits(max_size=limits[0], max_files=limits[1], max_fetch=None, symlinks="allow"))
    entry = b"100644 blob " + b"a" * 40 + b" 1\tname\0"
    counter.add(entry * 10)
    with pytest.raises(EnoughError):
        counter.add(entry)


@pytest.mark.parametrize("end", [b"", b"\0"])
def test_path_that_nobody_can_make(end: bytes) -> None:
    """It is refused before git finds that out at the checkout, which may take gigabytes."""
    counter = Counter(Limits(max_size=None, max_files=9, max_fetch=None, symlinks="allow"))
    entry = b"100644 blob " + b"a" * 40 + b"\t"
    counter.add(entry + b"x" * 4095 + end)
    with pytest.raises(CheckoutError, match="4,095") as caught:
        counter.add(b"x\0" if not end else entry + b"y" * 4096 + end)
    assert caught.value.reason == "bad_commit"


def test_name_that_does_not_end() -> None:
    """No path is that long."""
    counter = Counter(Limits(max_size=None, max_files=1, max_fetch=None, symlinks="allow"))
    with pytest.raises(OverflowError):
        counter.add(b"x" * 2_000_000)
