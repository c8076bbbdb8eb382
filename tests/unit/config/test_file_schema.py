"""The JSON Schema of the file of --config, which is published with the documents."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from gitsync.config import load
from gitsync.config.document import Fields, Items, Node, Scalar, parse
from gitsync.config.model import all_options, process_options, repo_options
from gitsync.config.option import Option
from gitsync.config.values import Kind

PROJECT = Path(__file__).resolve().parents[3]
SCHEMA: dict[str, Any] = json.loads((PROJECT / "docs" / "config.schema.json").read_text())
EXAMPLES = {
    f"{path.name}:{count}": text
    for path in [*PROJECT.glob("docs/*.md"), PROJECT / "README.md"]
    for count, text in enumerate(re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.M | re.S))
    if re.search(r"^repositories:", text, re.M)
}
OF_REPOSITORY = SCHEMA["definitions"]["repository"]["properties"]
PATTERNS = {option.kind: option.kind.pattern for option in all_options() if option.kind.pattern}


def typed(node: Node | None) -> Any:
    """Return what editors take a document for: by the core schema of YAML 1.2."""
    match node:
        case Scalar():
            is_json = re.fullmatch(r"true|false|-?(0|[1-9]\d*)(\.\d+)?", node.text)
            return json.loads(node.text) if is_json else node.text
        case Items():
            return [typed(each) for each in node.nodes]
        case Fields():
            return {key.text: typed(value) for key, value in node.pairs}
        case None:
            return None


def flaws(text: str) -> list[str]:
    """Return what the schema has against a file."""
    return [error.message for error in Draft7Validator(SCHEMA).iter_errors(typed(parse(text)[0]))]


def test_is_a_schema() -> None:
    """It is valid itself."""
    Draft7Validator.check_schema(SCHEMA)


def test_has_every_option() -> None:
    """Each option that may stand in the file is where it belongs, with what it means."""

    def keys(options: tuple[Option, ...]) -> dict[str, str]:
        return {option.key: option.help for option in options if not option.spelling.env_only}

    assert {key: each["description"] for key, each in OF_REPOSITORY.items()} == keys(repo_options())
    of_process = {
        key: each["description"]
        for key, each in SCHEMA["properties"].items()
        if key not in {"defaults", "repositories"}
    }
    assert of_process == {key: told for key, told in keys(process_options()).items() if key != "config"}


def test_there_are_examples() -> None:
    """Documents show files."""
    assert any(name.startswith("config-file.md") for name in EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_the_documents(name: str) -> None:
    """Each is valid, and read without a word."""
    assert flaws(EXAMPLES[name]) == []
    assert load(["--config=/f", "--strict"], {"GITSYNC_ROOT": "/git"}, text=EXAMPLES[name]).repos


@pytest.mark.parametrize("option", repo_options(), ids=lambda option: str(option.name))
def test_defaults_are_valid(option: Option) -> None:
    """What an option is without being given may be given."""
    if option.default is not None:
        assert flaws(f"repositories: [{{{option.key}: {option.default}}}]") == []


@pytest.mark.parametrize(
    "line",
    [
        *("ref: 1.10", "ref: 0644", "ref: true", "name: 1", "heal-period: 0", "period: 1m30s", "cookie-file: true"),
        *("git-config: a.b:1", "git-config: [a.b:1]", "ssh-key-file: [/a]", "submodules: off", "jitter: 0.5"),
        *("credential: {url: https://h, username: u, password: p}", "credential: '{}'", "webhook-url: HTTPS://h"),
    ],
)
def test_valid(line: str) -> None:
    """What is read is valid."""
    assert flaws(f"repositories: [{{{line}}}]") == []


@pytest.mark.parametrize(
    "line",
    [
        *("perriod: 3s", "period: 3", "period: 3 s", "period: s", "depth: x", "one-time: yes", "submodules: none"),
        *("name: .x", "name: a/b", "password: x", "http-bind: off", "credential: {url: x}", "ref: [a]", "branch: x"),
    ],
)
def test_invalid(line: str) -> None:
    """What is a mistake is seen in the editor already."""
    assert len(flaws(f"repositories: [{{{line}}}]")) == 1


def _reads(kind: Kind, written: str) -> bool:
    try:
        kind.parse(written)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", PATTERNS, ids=lambda kind: kind.placeholder)
@given(data=st.data())
def test_no_pattern_refuses_what_is_read(kind: Kind, data: st.DataObject) -> None:
    """A schema that is stricter than the reader would keep people from what works."""
    examples = ["30s", "1m", "-5", "+7", "0", "site", "a.b-c_1", ":80", "h:1", "[::1]:9", "off", "https://h/x", "=3"]
    written = data.draw(st.sampled_from(examples) | st.text("0159.+-shmµnu:[]a_/", max_size=8))
    if _reads(kind, written) and not written.startswith("="):
        assert re.search(PATTERNS[kind] or "", written)
