"""The file of --config: which option each of its keys is, for the process and for each repository.

Pure functions of its text; imported only where there is such a file, as PyYAML is. What is written for an option is
then read as what a flag is given.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gitsync.base.printable import printable
from gitsync.base.written import unwrapped
from gitsync.config.alternatives import displaced
from gitsync.config.document import Fields, Items, Node, Scalar, parse
from gitsync.config.model import process_options, repo_options
from gitsync.config.names import FLAGS, VARIABLES, Spelled, nearest, of_key
from gitsync.config.option import Option
from gitsync.config.values import CREDENTIALS

_DEFAULTS: Final = "defaults"
_REPOSITORIES: Final = "repositories"
_PROCESS: Final = {option.key: option for option in process_options() if option.key != "config"}
_REPO: Final = {option.key: option for option in repo_options()}
# What messages about flags say, beginning with the one that is wrong.
_FLAG = re.compile(r"--([a-z][a-z-]*)")
_OR_VARIABLE = re.compile(r" or GITSYNC_[A-Z_]{1,50}+(?! or)")
_OR_FLAG = re.compile(r"GITSYNC_([A-Z_]{1,50}+) or its flag")
# Characters of a key that are shown.
_SHOWN: Final = 60


@dataclass(frozen=True)
class Entry:
    """One repository: what it says, and what `defaults` says where it says nothing; `place` is its file and line."""

    place: str
    spelled: tuple[Spelled, ...]

    def at(self, option: str) -> str:
        """Return file, line and key of an option by its name; the line is that of the entry if it is not written."""
        return _place(option, self.spelled) or f"{self.place}: {_key(option)}"


@dataclass(frozen=True)
class Content:
    """What a file says, and what is wrong with its form."""

    process: tuple[Spelled, ...]
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]

    def told(self, problem: str, entry: Entry) -> str:
        """Return a problem that begins with the flag of an option as one about what the file says of it."""
        found = _FLAG.match(problem)
        if not found:
            return problem
        option, rest = found[1].replace("-", "_"), problem[found.end() :]
        place = entry.at(option) if found[1] in _REPO else _place(option, self.process)
        return f"{place}{_of_keys(rest)}" if place else problem


def _place(option: str, spelled: Iterable[Spelled]) -> str | None:
    return next((name.spelling for name, _ in spelled if name.option.name == option), None)


def _key(option: str) -> str:
    return option.replace("_", "-")


def _of_keys(words: str) -> str:
    """Return words about flags and variables as words about keys."""
    words = _OR_FLAG.sub(lambda found: _key(found[1].lower()), _OR_VARIABLE.sub("", words))
    return _FLAG.sub(lambda found: found[1] if found[0] in FLAGS else found[0], words)


def read(text: str, *, called: str) -> Content:
    """Read the text of a file, which is called so in problems; each of them names file, line, key and remedy."""
    reader = _Reader(called)
    node, flaws = parse(text)
    for flaw in flaws:
        reader.note(flaw.line, flaw.problem)
    process, entries = reader.content(node) if node or not flaws else ((), ())
    return Content(process, entries, tuple(reader.problems))


class _Reader:
    """Finds the options in a document, and notes what is wrong."""

    def __init__(self, called: str) -> None:
        self.problems: list[str] = []
        self._called = called

    def note(self, line: int, problem: str) -> None:
        """Note what is wrong in a line."""
        self.problems.append(f"{self._called}:{line}: {problem}")

    def content(self, node: Node | None) -> tuple[tuple[Spelled, ...], tuple[Entry, ...]]:
        """Return what is said of the process, and the repositories."""
        top = (self._fields(node, "the file") if node else None) or ()
        parts = {key.text: value for key, value in top if key.text in {_DEFAULTS, _REPOSITORIES}}
        process = self._options(((key, value) for key, value in top if key.text not in parts), _PROCESS)
        defaults = parts.get(_DEFAULTS)
        common = self._options((self._fields(defaults, _DEFAULTS) if defaults else None) or (), _REPO)
        entries = self._entries(parts.get(_REPOSITORIES), common)
        return process, entries

    def _entries(self, node: Node | None, common: tuple[Spelled, ...]) -> tuple[Entry, ...]:
        if not isinstance(node, Items) or not node.nodes:
            self.note(node.line if node else 1, f"{_REPOSITORIES}: list at least one, each with a dash before it")
            return ()
        entries = []
        for each in node.nodes:
            fields = self._fields(each, "an entry")
            if fields is None:
                continue
            own = self._options(fields, _REPO)
            # A list of nothing says something, too. A text of nothing takes a default back, and no more.
            said = {key.text for key, _ in fields}
            others = displaced(name.option.name for name, text in own if text)
            rest = (one for one in common if one[0].option.key not in said and one[0].option.name not in others)
            entries.append(Entry(f"{self._called}:{each.line}", (*own, *rest)))
        return tuple(entries)

    def _fields(self, node: Node, what: str) -> tuple[tuple[Scalar, Node], ...] | None:
        """Return keys and values, None where there are none but something else."""
        if isinstance(node, Fields):
            return node.pairs
        # All of it may be commented out.
        if node == Scalar(node.line, ""):
            return ()
        self.note(node.line, f"{what} has to be keys with values, such as `period: 30s`; mind the blank")
        return None

    def _options(self, pairs: Iterable[tuple[Scalar, Node]], known: Mapping[str, Option]) -> tuple[Spelled, ...]:
        return tuple(one for key, value in pairs for one in self._option(key, value, known))

    def _option(self, key: Scalar, value: Node, known: Mapping[str, Option]) -> list[Spelled]:
        option = known.get(key.text)
        if option is None:
            self.note(key.line, f"{printable(key.text)[:_SHOWN]}: {_unknown(key.text)}")
            return []
        if option.spelling.env_only:
            self.note(key.line, f"{key.text}: a file that others may see is no place for it; use {key.text}-file")
            return []
        spelled = []
        for node in value.nodes if isinstance(value, Items) and option.repeatable else (value,):
            line = key.line if node is value else node.line
            if (text := _text(node, option)) is None:
                self.note(
                    line, f"{key.text}: it takes one text; put quotes around it if it holds colons, brackets or braces"
                )
            else:
                spelled.append((of_key(option, f"{self._called}:{line}: {key.text}"), text))
        return spelled


def _text(node: Node, option: Option) -> str | None:
    """Return what is written for an option, None where that is no text; what JSON is may be written as YAML."""
    if isinstance(node, Scalar):
        return unwrapped(node.text)
    if option.kind is CREDENTIALS and isinstance(node, Fields):
        parts = {key.text: value.text for key, value in node.pairs if isinstance(value, Scalar)}
        return json.dumps(parts) if len(parts) == len(node.pairs) else None
    return None


def _unknown(key: str) -> str:
    """Say what somebody may have meant by a key that there is not, or not here."""
    if key == "config":
        return "a file names no other; leave it out"
    if key in _REPO:
        return f"it belongs to a repository; write it into its entry, or into {_DEFAULTS}"
    if key in _PROCESS:
        return "it belongs to the process; write it at the top of the file"
    for spelling in (key, f"--{key}", f"-{key}"):
        if name := FLAGS.get(spelling) or VARIABLES.get(spelling):
            return f"it is called {name.option.key} here"
    like = nearest(key, [*_REPO, *_PROCESS, _DEFAULTS, _REPOSITORIES])
    return f"there is no such key; {f'did you mean {like}?' if like else 'see --man'}"
