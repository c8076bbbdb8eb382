"""Which links lead out of a tree; the system itself is asked as well."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitsync.volume import escapes
from gitsync.volume.escapes import EscapeError, TooManyError, Ways

Links = dict[str, str]

WITHIN: dict[str, Links] = {
    "beside": {"a": "b"},
    "the top": {"a": ".", "d/b": "..", "d/e/c": "../.."},
    "up and down": {"d/e/a": "../../d/./e//x/", "b": "d/../d/e/a"},
    "nothing": {"a": "", "b": "gone/../gone"},
    "chain": {f"l{number}": f"l{number + 1}" for number in range(5000)},
    "circle": {"a": "b", "b": "a", "c": "c/x", "d/e": "../a"},
    "through links": {"d/a": "../e/b/../x", "e/b": "f", "e/f/g": "../../d/a"},
    "git's own name": {"a": ".git", "b": ".git/config", "c/d": "../.git"},
    "no valid text": {"\udcff": "\udcfe/..", "new\nline": "\x1b[2J"},
    "not what it looks like": {"a": "...", "b": "..x/", "c": "\\..\\..", "~": "~/x"},
}
# The one that leads out, and all that there are.
OUT: dict[str, tuple[str, Links]] = {
    "absolute": ("a", {"a": "/etc/passwd"}),
    "the root": ("a", {"a": "//"}),
    "above": ("a", {"a": ".."}),
    "above by a way": ("d/a", {"d/a": "x/./../../../d/a"}),
    "in between": ("d/a", {"d/a": "../../d/b"}),
    "through nothing": ("a", {"a": "gone/../../x"}),
    "through a circle": ("b", {"a": "a", "b": "a/../../x"}),
    "through a circle, further down": ("d/b", {"d/a": "a/..", "d/b": "a/../../.."}),
    "through git's own name": ("a", {"a": ".git/../../x"}),
    "through a link": ("d/a", {"d/a": "h/../..", "d/h": "."}),
    "as another link says": ("e/f/a", {"e/f/a": "../b/../..", "e/b": "../c", "c": "x"}),
    "as text alone": ("a", {"a": "b/../../x", "b": "d/e"}),
    "at the end of a chain": ("l4999", {f"l{number}": f"l{number + 1}" for number in range(4999)} | {"l4999": ".."}),
    "of a chain of steps": ("d/e/f/3", {"d/e/f/1": "..", "d/e/f/2": "1/..", "d/e/f/3": "2/../.."}),
}


def check(links: Links) -> None:
    """Look at the links of a tree."""
    ways = Ways()
    for path, target in links.items():
        ways.add(os.fsencode(path), os.fsencode(target))
    ways.check()
    ways.check(anew=True)


@pytest.mark.parametrize("links", WITHIN.values(), ids=WITHIN)
def test_links_that_stay(links: Links) -> None:
    """Whatever they lead through, and whether there is anything."""
    check(links)


@pytest.mark.parametrize(("path", "links"), OUT.values(), ids=OUT)
def test_link_that_leads_out(path: str, links: Links) -> None:
    """It is found, and it is the one that is named: not one that leads through it."""
    with pytest.raises(EscapeError) as caught:
        check(links)
    assert (os.fsdecode(caught.value.path), os.fsdecode(caught.value.target)) == (path, links[path])


def test_link_in_the_place_of_a_directory() -> None:
    """What was added later, as a submodule is, may lead others astray; they are followed once more then."""
    ways = Ways()
    ways.add(b"a", b"x/lib/up/../..")
    ways.check()
    ways.add(b"x/lib/up", b"../..")
    ways.check()
    with pytest.raises(EscapeError) as caught:
        ways.check(anew=True)
    assert caught.value.path == b"a"
    assert list(ways.all()) == [(b"a", b"x/lib/up/../.."), (b"x/lib/up", b"../..")]


@pytest.mark.parametrize("limit", ["_MOST_PLACES", "_MOST_PARTS"])
def test_more_than_is_looked_through(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Memory and time have a bound, whoever has made the tree."""
    monkeypatch.setattr(escapes, limit, 6)
    check({"a": "b/c"})
    for links in ({"a": "b/c/d/e/f/g"}, {"a/b/c/d/e/f/g": "x"}, {f"{number}": "x" for number in range(7)}):
        with pytest.raises(TooManyError):
            check(links)


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TARGETS = st.lists(NAMES | st.just("..") | st.just(".."), min_size=1, max_size=4).map("/".join)


@given(links=st.dictionaries(PATHS, TARGETS, max_size=8))
def test_what_stays_does_so_for_the_system(links: Links) -> None:
    """Of trees that pass, no link leads out of a directory in which they were made."""
    made: Links = {}
    with tempfile.TemporaryDirectory() as name:
        top = Path(name).resolve() / "outside" / "top"
        top.mkdir(parents=True)
        for path, target in links.items():
            place = top / path
            if any((top / parent).is_symlink() for parent in Path(path).parents):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists() and not place.is_symlink():
                place.symlink_to(target)
                made[path] = target
        try:
            check(made)
        except EscapeError:
            return
        for path in made:
            assert Path(os.path.realpath(top / path)).is_relative_to(top), (path, made)


def test_link_is_followed_once() -> None:
    """However many lead through it: else there would be too much to look through."""
    ways = Ways()
    for number in range(2000):
        ways.add(b"l%d" % number, b"/".join([b"l%d" % (number + 1), *[b"x/.."] * 50]))
    ways.check()
