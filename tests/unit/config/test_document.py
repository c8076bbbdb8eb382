"""YAML as a tree of texts, and what is refused of it."""

import pytest
import yaml

from gitsync.config.document import Fields, Flaw, Items, Node, Scalar, parse

ANCHORS = "anchors and aliases (& and *) are not read; put what entries have in common into defaults"
TAGS = "tags such as !!str are not read, as every value is a text; remove it"


@pytest.fixture(params=["libyaml", "Python"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use each parser of PyYAML: that of libyaml need not be there."""
    if request.param == "Python":
        monkeypatch.delattr(yaml, "CBaseLoader")


def plain(node: Node | None) -> object:
    """Return a node without its lines."""
    match node:
        case Scalar():
            return node.text
        case Items():
            return [plain(each) for each in node.nodes]
        case Fields():
            return {key.text: plain(value) for key, value in node.pairs}
        case None:
            return None


@pytest.mark.parametrize(
    "written",
    ["1.10", "0644", "on", "off", "yes", "true", "1e3", "2026-01-01", "0x10", "1_000", "=", "<<", "12:30:00", ".inf"],
)
def test_what_looks_like_something_is_the_text_that_is_written(written: str) -> None:
    """No value is read as a number, a truth or a date."""
    assert plain(parse(f"key: {written}\n")[0]) == {"key": written}
    assert plain(parse(f"key: '{written}'\n")[0]) == {"key": written}


def test_lines() -> None:
    """Each node knows where it begins."""
    node, flaws = parse("# none\na: b\nc:\n  - d\n  - {e: f}\n")
    assert flaws == []
    assert node == Fields(
        2,
        (
            (Scalar(2, "a"), Scalar(2, "b")),
            (Scalar(3, "c"), Items(4, (Scalar(4, "d"), Fields(5, ((Scalar(5, "e"), Scalar(5, "f")),))))),
        ),
    )


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n...\n"])
def test_nothing(text: str) -> None:
    """A document without content is none, or an empty text."""
    node, flaws = parse(text)
    assert (plain(node) or "", flaws) == ("", [])


@pytest.mark.parametrize(
    ("text", "flaws"),
    [
        ("a: b\nc: d\na: e\n", [Flaw(3, "a: it is in line 1 already; remove one of them")]),
        ("a: &x b\nc: *x\n", [Flaw(1, ANCHORS), Flaw(2, ANCHORS)]),
        ("a: !!str b\nc: !d {}\n", [Flaw(1, TAGS), Flaw(2, TAGS)]),
        ("a: b\n---\nc: d\n", [Flaw(2, "a second document begins here; put all into the first")]),
        ("[a]: b\n", [Flaw(1, "a key has to be a text; is there a colon, a quote or a brace too many?")]),
        ("a: ~\n", [Flaw(1, "~ stands for nothing: leave the key out, or put quotes around the text")]),
        ("a: [null, 'null']\n", [Flaw(1, "null stands for nothing: leave the key out, or put quotes around the text")]),
        ("a: b\nc: \x07\n", [Flaw(2, "there is a character that YAML does not allow; remove it")]),
        ("a: " + "[" * 9 + "]" * 9, [Flaw(1, "it is nested more than 8 levels deep; a file has fewer")]),
    ],
    ids=["twice", "anchors", "tags", "documents", "key", "tilde", "null", "character", "depth"],
)
def test_what_is_refused(text: str, flaws: list[Flaw]) -> None:
    """Each flaw has its line, and all of them are told."""
    assert parse(text)[1] == flaws


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1, 2\nb: c\n", 2), ("a: b: c\n", 1), ("a:\n\t- b\n", 2), ("- a\n b: c\n", 2)]
)
def test_no_yaml(text: str, line: int) -> None:
    """What cannot be read is told with the line, and with nothing of what stands there."""
    node, (flaw,) = parse(text)
    assert node is None
    assert flaw.line == line
    assert flaw.problem.startswith("this is no YAML: ")
    assert flaw.problem.endswith("; check the indentation and the quotes")


def test_a_million_brackets() -> None:
    """What is nested without end is given up early."""
    assert parse("[" * 1_000_000)[1] == [Flaw(1, "it is nested more than 8 levels deep; a file has fewer")]


def test_aliases_of_aliases() -> None:
    """What would be a billion is as large as it is written."""
    lines = [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    node, flaws = parse("\n".join(["a: &a x", *lines]))
    assert isinstance(node, Fields)
    assert len(node.pairs) == 9
    assert len(flaws) == 9 + 80
