"""Every spelling of every option, and which one counts where several are given. Pure functions.

A manifest of git-sync may hold an option twice, often with one of the two at its default. So what counts is what counts
there: the older name before the newer one, a flag before a variable of the same age. Names that only we know come last,
so that they never lead to something else than git-sync would publish.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from gitsync.config.model import all_options
from gitsync.config.option import Older, Option
from gitsync.config.urls import URL
from gitsync.config.values import KEY, NAME, PATH, SECONDS, SECRET, TEXT, Kind, parse_duration

_PREFIX: Final = "GITSYNC_"
_OLDER_PREFIX: Final = "GIT_SYNC_"
# Set for hooks, so it is there if one of them starts us.
_PASSED_OVER: Final = frozenset({"GITSYNC_HASH", "GIT_SYNC_PERMISSIONS"})
# Kubernetes sets these for every Service of the namespace, so one that is called gitsync-something makes them ours:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_LINK = re.compile(
    r"(_SERVICE_HOST|_SERVICE_PORT(_\w{1,15})?|_PORT(_\d{1,5}_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$"
)


class _Age(IntEnum):
    """Which of two names counts: the greater one."""

    GUESSED = 0
    VARIABLE = 1
    FLAG = 2
    OLDER_VARIABLE = 3
    OLDER_FLAG = 4


@dataclass(frozen=True)
class Name:
    """One spelling of an option; of those of one age, the one of the greater `place` counts."""

    option: Option
    spelling: str
    kind: Kind
    age: _Age
    place: int = 0

    @property
    def is_flag(self) -> bool:
        """Whether it stands on the command line."""
        return self.spelling.startswith("-")

    @property
    def guessed(self) -> bool:
        """Whether git-sync does not know it, so that a manifest may hold it without any effect there."""
        return self.age is _Age.GUESSED

    @property
    def older(self) -> bool:
        """Whether it is an option of its own in git-sync, where its zero means that it is not given."""
        return self.age >= _Age.OLDER_VARIABLE

    @property
    def may_be_empty(self) -> bool:
        """Whether it is a text, of which an empty one means none, as templates of manifests write it."""
        return (
            self.kind in {TEXT, NAME, PATH, SECRET, KEY, URL}
            and self.option.default is None
            and not self.option.required
        )


@dataclass(frozen=True)
class Given:
    """What one name was given."""

    name: Name
    written: str
    value: Any

    def tells_other_than(self, other: "Given") -> bool:
        """Say whether the values differ, however they are written."""
        return bool(self.value != other.value)


# A name, and the text that it was given.
Spelled = tuple[Name, str]


def of_key(option: Option, spelling: str) -> Name:
    """Return the name of an option in a file; `spelling` is what it is called in messages."""
    return Name(option, spelling, option.kind, _Age.FLAG)


def _flags(option: Option) -> Iterable[Name]:
    if not option.spelling.env_only:
        yield Name(option, option.flag, option.kind, _Age.FLAG)
    if short := option.spelling.short:
        yield Name(option, short, option.kind, _Age.FLAG)
    for old in option.spelling.older:
        if old.flag:
            yield Name(option, old.flag, old.kind or option.kind, _Age.OLDER_FLAG)


def _variables(option: Option) -> Iterable[Name]:
    kind = option.spelling.env_kind or option.kind
    for place, variable in enumerate(option.variables):
        age = _Age.GUESSED if variable in option.spelling.own_env else _Age.VARIABLE
        yield Name(option, variable, kind, age, place)
    for old in option.spelling.older:
        if old.env:
            yield Name(option, old.env, old.kind or option.kind, _Age.OLDER_VARIABLE)


def _guesses(option: Option) -> Iterable[Name]:
    """Return the variables that nobody has declared and that can only mean this option, such as GITSYNC_BRANCH."""
    kind = option.spelling.env_kind or option.kind
    for variable in option.spelling.env:
        if variable.startswith(_OLDER_PREFIX):
            yield Name(option, _PREFIX + variable.removeprefix(_OLDER_PREFIX), kind, _Age.GUESSED)
    for old in option.spelling.older:
        for spelling in _likely(old):
            yield Name(option, spelling, _either(old.kind, option.kind), _Age.GUESSED)


def _likely(old: Older) -> Iterable[str]:
    if old.flag:
        yield _PREFIX + old.flag.removeprefix("--").upper().replace("-", "_")
    if old.env:
        yield _PREFIX + old.env.removeprefix(_OLDER_PREFIX)


def _either(older: Kind | None, kind: Kind) -> Kind:
    """Return what takes plain seconds and durations, as nobody knows which one a guessed name has."""
    if older is not SECONDS:
        return older or kind

    def parse(written: str) -> Any:
        try:
            return parse_duration(written)
        except ValueError:
            return SECONDS.parse(written)

    return Kind(kind.placeholder, parse)


FLAGS: Final = {name.spelling: name for option in all_options() for name in _flags(option)}
_KNOWN: Final = {name.spelling: name for option in all_options() for name in _variables(option)}
VARIABLES: Final = {name.spelling: name for option in all_options() for name in _guesses(option)} | _KNOWN


def choose(option: Option, given: Sequence[Given], warnings: list[str]) -> list[Given]:
    """Return what counts of what was given for an option: all of one name if it is repeatable, else the last.

    What another value had, and does not count, is told in `warnings`; that a flag goes before a variable is no news.
    """
    named = [one for one in given if one.name.option is option and not (one.name.older and one.value is None)]
    lasting = [one for one in named if one.value or not one.name.older] or named
    candidates = [one for one in lasting if one not in _dropped_of_pair(lasting)]
    if not candidates:
        return []
    counts = max(reversed(candidates), key=lambda one: (one.name.age, one.name.place))
    overruled = {
        one.name.spelling: one
        for one in candidates
        if one.name.spelling != counts.name.spelling
        and one.tells_other_than(counts)
        and not (counts.name.is_flag and not one.name.is_flag)
    }
    warnings += [_overruled(one, counts) for one in overruled.values()]
    return [one for one in candidates if one.name.spelling == counts.name.spelling] if option.repeatable else [counts]


def _overruled(one: Given, counts: Given) -> str:
    first, second = (
        given.name.spelling if given.name.option.secret else f"{given.name.spelling}={given.written}"
        for given in (one, counts)
    )
    return f"{first}: {second} counts instead, as it does in git-sync; remove one of them"


def _dropped_of_pair(given: Sequence[Given]) -> list[Given]:
    """Return what does not count of the older pair: a rev does, unless it is HEAD and a branch is given."""
    dropped = []
    for guessed in (False, True):
        branches, revs = (
            [one for one in given if one.name.guessed is guessed and one.name.spelling.lower().endswith(ending)]
            for ending in ("branch", "rev")
        )
        if branches and revs:
            dropped += revs if all(rev.value == "HEAD" for rev in revs) else branches
    return dropped


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the one warning that names all variables which look like options and are none, if there are any."""
    unknown = [
        name
        for name in sorted(environ)
        if name.startswith((_PREFIX, _OLDER_PREFIX))
        and environ[name]
        and name not in VARIABLES
        and name not in _PASSED_OVER
        and not _SERVICE_LINK.search(name)
    ]
    if not unknown:
        return []
    # What all of them have in common would make any two alike.
    known = {name.partition("SYNC_")[2]: name for name in reversed(_KNOWN)}
    likely = {name: nearest(name.partition("SYNC_")[2], known) for name in unknown}
    told = ", ".join(f"{name} (did you mean {known[like]}?)" if like else name for name, like in likely.items())
    return [f"there are no such environment variables, so they have no effect: {told}; see --man"]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like this one, None if none is."""
    import difflib  # here, because only a mistake needs it

    matches = difflib.get_close_matches(name, known, n=1)
    return matches[0] if matches else None
