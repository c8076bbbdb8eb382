"""Text in YAML, read into a tree of texts that know their lines. Pure functions; the door of PyYAML.

YAML gives a value a type by its looks (`1.10` is a number, `on` a truth), and lets one part of a document stand for
many others. Here a value is the text that is written, and what is written stands where it counts: so there are no tags,
anchors, aliases and second documents, and what is read is never larger than what is written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml
from yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

# A list of mappings with lists of mappings; what is deeper is no file of ours.
_DEEPEST: Final = 8
_ALIASES: Final = "anchors and aliases (& and *) are not read; put what entries have in common into defaults"
_TAGS: Final = "tags such as !!str are not read, as every value is a text; remove it"
_NULLS: Final = frozenset({"~", "null", "Null", "NULL"})


@dataclass(frozen=True)
class Scalar:
    """A text."""

    line: int
    text: str


@dataclass(frozen=True)
class Items:
    """A list."""

    line: int
    nodes: "tuple[Node, ...]"


@dataclass(frozen=True)
class Fields:
    """A mapping, in which each key is there once."""

    line: int
    pairs: "tuple[tuple[Scalar, Node], ...]"


Node = Scalar | Items | Fields


@dataclass(frozen=True)
class Flaw:
    """What is wrong in a line."""

    line: int
    problem: str


def parse(text: str) -> tuple[Node | None, list[Flaw]]:
    """Return what a document holds, None if it cannot be read or is empty, and all that is wrong with its form."""
    # That of libyaml, where it is there, takes a second for a megabyte, and the other one half a minute.
    reader = _Reader(yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))
    node = None
    try:
        node = reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.note(
            mark.line + 1 if mark else 1, f"this is no YAML: {error.problem}; check the indentation and the quotes"
        )
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reader.note(line, "there is a character that YAML does not allow; remove it")
    except _TooDeepError as error:
        reader.note(error.line, f"it is nested more than {_DEEPEST} levels deep; a file has fewer")
    return node, reader.flaws


class _TooDeepError(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Reader:
    """Makes nodes of events, and notes what is wrong."""

    def __init__(self, events: Iterator[Event]) -> None:
        self.flaws: list[Flaw] = []
        self._events = events

    def note(self, line: int, problem: str) -> None:
        """Note what is wrong in a line."""
        self.flaws.append(Flaw(line, problem))

    def document(self) -> Node | None:
        """Return what is in the first document, and pass over others."""
        node: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.note(_line(event), "a second document begins here; put all into the first")
                    break
            elif isinstance(event, NodeEvent):
                node = self._node(event, 1)
        return node

    def _node(self, event: NodeEvent, depth: int) -> Node:
        if depth > _DEEPEST:
            raise _TooDeepError(_line(event))
        if event.anchor is not None:
            self.note(_line(event), _ALIASES)
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            self.note(_line(event), _TAGS)
        if isinstance(event, SequenceStartEvent):
            return Items(_line(event), tuple(self._node(each, depth + 1) for each in self._children()))
        if isinstance(event, MappingStartEvent):
            return Fields(_line(event), tuple(self._pairs(depth + 1)))
        return self._scalar(event)

    def _children(self) -> Iterator[NodeEvent]:
        """Yield the events that begin the nodes of a list or mapping, up to its end."""
        for event in self._events:
            if isinstance(event, CollectionEndEvent):
                return
            if isinstance(event, NodeEvent):
                yield event

    def _pairs(self, depth: int) -> Iterator[tuple[Scalar, Node]]:
        lines: dict[str, int] = {}
        for event in self._children():
            key = self._node(event, depth)
            value = self._node(next(self._children()), depth)
            if not isinstance(key, Scalar):
                self.note(key.line, "a key has to be a text; is there a colon, a quote or a brace too many?")
            elif key.text in lines:
                self.note(key.line, f"{key.text}: it is in line {lines[key.text]} already; remove one of them")
            else:
                lines[key.text] = key.line
                yield key, value

    def _scalar(self, event: NodeEvent) -> Scalar:
        text = str(event.value) if isinstance(event, ScalarEvent) else ""
        # Whoever writes it without quotes means that there is nothing.
        if isinstance(event, ScalarEvent) and event.implicit[0] and text in _NULLS:
            self.note(_line(event), f"{text} stands for nothing: leave the key out, or put quotes around the text")
        return Scalar(_line(event), text)


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
