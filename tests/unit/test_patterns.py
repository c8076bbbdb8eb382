"""No pattern of ours lets a text that others have written hold the process: time grows with its length, no faster.

The patterns are found in the source, and so are the texts: what a part of a pattern matches, repeated, is what may make
it look at the same characters again and again.
"""

import ast
import importlib
import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any, Final

import pytest

import gitsync
from gitsync.base import errors
from gitsync.base.redact import LONGEST, Secret, scrub

PACKAGE: Final = Path(gitsync.__file__).parent
METHODS: Final = frozenset({"search", "match", "fullmatch", "sub", "findall", "finditer"})
LENGTHS: Final = (250, 1000, 4000, 16000)
# Four times the text takes four times as long; where each character leads to a look at all others, sixteen times.
TOO_MUCH: Final = 9.0
# Below this a clock says nothing (seconds).
MEASURABLE: Final = 0.004


@dataclass(frozen=True)
class Use:
    """A pattern, of texts or of bytes, and the method that the package calls on it."""

    where: str
    pattern: re.Pattern[Any]
    method: str

    def on(self, text: str) -> None:
        """Do with a text what the package does."""
        given = text if isinstance(self.pattern.pattern, str) else text.encode("latin-1", "replace")
        if self.method == "sub":
            self.pattern.sub(type(given)(), given)
        elif self.method == "finditer":
            list(self.pattern.finditer(given))
        else:
            getattr(self.pattern, self.method)(given)


def find_uses() -> Iterator[Use]:
    """Find every pattern of the package; one that cannot be evaluated fails the collection."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node)[0] == "re"]
        for call in calls:
            function = _called(call)[1]
            # Those of the table of errors come below.
            if function not in {"compile", *METHODS} or (name == errors.__name__ and function == "search"):
                continue
            namespace = {"path": Path("name"), **vars(importlib.import_module(name))}
            words = [ast.unparse(argument) for argument in call.args]
            flags = next((eval(word, namespace) for word in words if word.startswith("re.")), 0)  # noqa: S307
            pattern = re.compile(eval(words[0], namespace), flags)  # noqa: S307 (it is our own source)
            for method in _methods(tree, call) if function == "compile" else [function]:
                yield Use(f"{name}:{call.lineno} {method}", pattern, method)
    for expression, reason in errors._PATTERNS:
        yield Use(f"{errors.__name__} {reason}", re.compile(expression, re.IGNORECASE), "search")


def _called(call: ast.Call) -> tuple[str, str]:
    """Return the two parts of the name of what is called, such as `re` and `compile`."""
    whole, _, last = ast.unparse(call.func).rpartition(".")
    return whole, last


def _methods(tree: ast.Module, compiled: ast.Call) -> list[str]:
    """Return the methods that the module calls on a pattern that it has compiled."""
    targets = [
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is compiled
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    called = [_called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return sorted({method for owner, method in called if owner in targets and method in METHODS}) or ["search"]


def samples(parsed: Any) -> Iterator[tuple[str, str]]:
    """Return texts that the parts of a parsed pattern match, each with one that matches all that stands before it."""
    before = ""
    for literal, group in itertools.groupby(parsed, lambda item: item[0] is _constants.LITERAL):
        if literal:
            run = "".join(chr(value) for _, value in group)
            yield before, run
            before += run
            continue
        for operation, argument in group:
            found = [("", text) for text in _sample(operation, argument)]
            found += [sample for part in _inner(operation, argument) for sample in samples(part)]
            yield from ((before + first, text) for first, text in found)
            before += "".join(found[-1]) if found else ""
    yield "", before


def _inner(operation: Any, argument: Any) -> list[Any]:
    """Return the patterns within a part of a pattern."""
    if operation is _constants.BRANCH:
        return list(argument[1])
    if operation is _constants.ATOMIC_GROUP:
        return [argument]
    repeats = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}
    return [argument[-1]] if operation in {*repeats, _constants.SUBPATTERN} else []


def _sample(operation: Any, argument: Any) -> list[str]:
    """Return short texts of the characters that a part of a pattern matches."""
    if operation is _constants.IN and argument[0][0] is not _constants.NEGATE:
        usual = {_constants.CATEGORY_SPACE: " ", _constants.CATEGORY_DIGIT: "1"}
        members = [
            usual.get(value, "a")
            if kind is _constants.CATEGORY
            else chr(value[0] if isinstance(value, tuple) else value)
            for kind, value in argument
        ]
        return [*members, *(f"{members[0]}{other}" for other in members[1:])]
    return ["a", "a."] if operation in {_constants.IN, _constants.ANY, _constants.NOT_LITERAL} else []


def texts_against(pattern: re.Pattern[Any]) -> Iterator[Callable[[int], str]]:
    """Return texts of any length that may cost a pattern much."""
    found = dict.fromkeys(samples(_parser.parse(pattern.pattern, pattern.flags)))
    texts = dict.fromkeys((first, part) for before, part in found for first in (before, "") if part)
    texts |= dict.fromkeys(("", before + part) for before, part in found if part)
    for (first, part), last in itertools.product(texts, ("", "\0 ")):
        yield partial(_text, first, part, last)


def _text(first: str, part: str, last: str, length: int) -> str:
    return first + part * (length // len(part)) + last


def growth(use: Callable[[str], object], text: Callable[[int], str]) -> float:
    """Return how many times as long a text of four times the length takes; 0 where that is too little to be measured.

    The first measurement may be of a pattern that is compiled, or of a machine that is busy.
    """
    for shorter, longer in itertools.pairwise(LENGTHS):
        if _seconds(use, text(longer)) > MEASURABLE:
            return _least(use, text(longer)) / _least(use, text(shorter))
    return 0.0


def _least(use: Callable[[str], object], text: str) -> float:
    return min(_seconds(use, text) for _ in range(5))


def _seconds(use: Callable[[str], object], text: str) -> float:
    started = time.thread_time()
    use(text)
    return time.thread_time() - started or 1e-9


USES: Final = list(find_uses())


@pytest.mark.parametrize("use", USES, ids=[use.where for use in USES])
@pytest.mark.timeout(30)
def test_time_grows_with_the_text(use: Use) -> None:
    """Whatever part of the pattern a text is full of, four times of it cost some four times as much."""
    for text in texts_against(use.pattern):
        assert growth(use.on, text) <= TOO_MUCH, f"{use.pattern.pattern!r} is slow on {text(40)!r}"


@pytest.mark.parametrize(
    ("expression", "method"),
    [
        (r"\b([a-z][a-z.-]*://)([^\s/]+)@", "search"),
        (r"authorization:\s*(?:basic)?\s*[^\s'\"]+", "search"),
        (r"https?://[^\s/?#]+\S*", "fullmatch"),
        (r"remote helper .* aborted", "search"),
        (r"(_SERVICE_HOST|_SERVICE_PORT(_\w+)?)$", "search"),
        (r"\d+(?:s|m)", "search"),
    ],
)
@pytest.mark.timeout(30)
def test_slow_patterns_are_found(expression: str, method: str) -> None:
    """What the test above is for is what it finds."""
    use = Use("", re.compile(expression), method)
    assert any(growth(use.on, text) > TOO_MUCH for text in texts_against(use.pattern))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "part", ["a.", "https://", "https://a@", "authorization: ", "authorization:basic ", "'", "@", "\x1b"]
)
def test_text_is_scrubbed_in_a_time_that_grows_with_it(part: str) -> None:
    """All that is done to a text before it is shown, and to say which error it tells of, is quick as well."""
    Secret("aVerySecretWord")
    for use in (scrub, errors.classify):
        assert growth(use, lambda length: part * length) <= TOO_MUCH


@pytest.mark.timeout(30)
def test_text_of_any_length_is_cut_first() -> None:
    """Of a long text beginning and end are left, and nothing of a secret that the cut went through."""
    secret = "aVerySecretWord-" * 300
    Secret(secret)
    for shift in range(0, 2 * len(secret), 1501):
        text = "b" * (LONGEST // 2 - shift) + secret + "e" * LONGEST
        shown = scrub(text)
        assert len(shown) <= LONGEST + 10
        assert "Secret" not in shown
        assert shown[0] == "b"
        assert shown[-1] == "e"
