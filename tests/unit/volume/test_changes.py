"""What differs between commits, concluded from other differences, is what git would say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsync.volume.changes import ChangeLog, Changes, parse_raw

STATES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2", "3"]))
NOTHING = "0"


def between(before: dict[str, str], after: dict[str, str]) -> Changes:
    """Return what differs between two states of some files."""
    pairs = {path: (before.get(path, NOTHING), after.get(path, NOTHING)) for path in before.keys() | after.keys()}
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


@given(STATES, STATES, STATES)
def test_third_difference_follows(start: dict[str, str], published: dict[str, str], new: dict[str, str]) -> None:
    """From what led from one state to two others follows what leads from one of these to the other."""
    log = ChangeLog()
    log.note("start", "published", between(start, published))
    log.note("start", "new", between(start, new))
    assert log.between("published", "new") == between(published, new)
    assert log.between("new", "published") == between(new, published)


def test_what_does_not_follow_is_not_known() -> None:
    """Without a common start there is nothing to conclude."""
    log = ChangeLog()
    log.note("a", "b", {})
    log.note("c", "d", {})
    assert log.between("b", "d") is None
    assert log.between("b", "a") is None


def test_few_are_remembered() -> None:
    """The oldest are forgotten, and a difference of very many files is not kept at all."""
    log = ChangeLog()
    for number in range(10):
        log.note(str(number), str(number + 1), {})
    assert log.between("0", "1") is None
    assert log.between("9", "10") == {}
    log.note("large", "larger", {str(number): ("1", "2") for number in range(2001)})
    assert log.between("large", "larger") is None


def test_raw_output() -> None:
    """Modes count as well, and names are as git writes them."""
    one, two = "1" * 40, "2" * 40
    records = [f":100644 100755 {one} {one} M", "a file", f":100644 000000 {two} {'0' * 40} D", "b"]
    assert parse_raw(records) == {
        "a file": (f"100644 {one}", f"100755 {one}"),
        "b": (f"100644 {two}", f"000000 {'0' * 40}"),
    }
    with pytest.raises(ValueError, match=r"zip|unpack"):
        parse_raw(records[:-1])
