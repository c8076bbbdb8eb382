"""Where the symbolic links of a tree lead: within it, or out of it.

Links are followed as the system does (https://man7.org/linux/man-pages/man7/path_resolution.7.html), and each of them
is read as text as well, as some programs do. What is no link counts as a directory, whether it is there or not, and so
does a circle of links: nobody gets through, but somebody may make a directory there. Pure; for one thread.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# So many names of a tree are kept, which bounds memory, and so many parts are looked at, which bounds time. More come
# only of trees that are made for it.
_MOST_PLACES: Final = 200_000
_MOST_PARTS: Final = 2_000_000
_UP: Final = b".."


class EscapeError(Exception):
    """A link leads out of the tree; `path` is where it is."""

    def __init__(self, path: bytes, target: bytes) -> None:
        super().__init__(path, target)
        self.path = path
        self.target = target


class TooManyError(Exception):
    """There are more links, or longer ones, than are looked through."""


@dataclass(slots=True, eq=False)
class _Place:
    """A name in the tree; a link if it has a target, with the place that it leads to once that is known."""

    parent: "_Place | None"
    name: bytes
    depth: int
    below: "dict[bytes, _Place] | None" = None
    target: bytes | None = None
    end: "_Place | None" = None
    followed: bool = False

    def path(self) -> bytes:
        """Return its path from the top of the tree."""
        names, place = [], self
        while place.parent:
            names.append(place.name)
            place = place.parent
        return b"/".join(reversed(names))


@dataclass(slots=True)
class _Way:
    """How far a link was followed: where that is, and the rest of its target, the next part last."""

    link: _Place
    at: _Place
    rest: list[bytes]


class Ways:
    """The links of one tree."""

    def __init__(self) -> None:
        self._top = _Place(None, b"", 0)
        self._links: list[_Place] = []
        self._places = self._parts = 0

    def add(self, path: bytes, target: bytes) -> None:
        """Add the link at a path; raise `TooManyError`."""
        place = self._top
        for name in self._split(path):
            place = self._below(place, name)
        place.target = target
        self._links.append(place)

    def all(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield path and target of each link."""
        return ((link.path(), link.target or b"") for link in self._links)

    def check(self, *, anew: bool = False) -> None:
        """Raise `EscapeError` for the first link that leads out, or `TooManyError`.

        Links that were found to be within are not followed again, unless that is asked for: what was added later may
        have made a link of a directory on the way.
        """
        if anew:
            for link in self._links:
                link.end = None
        for link in self._links:
            if link.end is None:
                self._follow(link)

    def _follow(self, first: _Place) -> None:
        """Find where a link leads, and those that it leads through."""
        ways = [self._begin(first)]
        while ways:
            way = ways[-1]
            if not way.rest:
                ways.pop()
                way.link.end, way.link.followed = way.at, False
                if ways:
                    ways[-1].at = way.at
                continue
            name = way.rest.pop()
            if name == _UP:
                if way.at.parent is None:
                    raise _escape(way.link)
                way.at = way.at.parent
                continue
            place = self._below(way.at, name)
            if place.target is None or place.followed:
                way.at = place
            elif place.end:
                way.at = place.end
            else:
                ways.append(self._begin(place))

    def _begin(self, link: _Place) -> _Way:
        """Return the way of a link that nobody has followed yet, once its text alone leads nowhere else."""
        assert link.parent  # noqa: S101 (the top is no link)
        target = link.target or b""
        parts, depth = self._split(target), link.parent.depth
        for name in parts:
            depth += -1 if name == _UP else 1
            if depth < 0:
                raise _escape(link)
        if target.startswith(b"/"):
            raise _escape(link)
        link.followed = True
        return _Way(link, link.parent, parts[::-1])

    def _split(self, path: bytes) -> list[bytes]:
        """Return the parts of a path."""
        parts = [part for part in path.split(b"/") if part not in {b"", b"."}]
        self._parts += len(parts)
        if self._parts > _MOST_PARTS:
            raise TooManyError
        return parts

    def _below(self, place: _Place, name: bytes) -> _Place:
        """Return what is in a place under a name."""
        if place.below is None:
            place.below = {}
        found = place.below.get(name)
        if found is None:
            self._places += 1
            if self._places > _MOST_PLACES:
                raise TooManyError
            found = place.below[name] = _Place(place, name, place.depth + 1)
        return found


def _escape(link: _Place) -> EscapeError:
    return EscapeError(link.path(), link.target or b"")
