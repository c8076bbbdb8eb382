"""Writes the JSON Schema of the file of --config; with --check it only compares."""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from option_schema import property_of

from gitsync.config.model import process_options, repo_options
from gitsync.config.option import Option
from gitsync.config.values import CREDENTIALS

SCHEMA: Final = Path(__file__).parents[1] / "docs" / "config.schema.json"
REPOSITORY: Final = {"$ref": "#/definitions/repository"}
# What an editor may take a text for.
ANY_TEXT: Final = ["string", "number", "boolean"]
LOGIN: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url", "username"],
    "properties": {name: {"type": "string"} for name in ("url", "username", "password", "password-file")},
}


def schema() -> dict[str, Any]:
    """Return the whole schema."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Repositories that gitsync follows (--config)",
        "type": "object",
        "additionalProperties": False,
        "required": ["repositories"],
        "properties": {
            "defaults": {"description": "What each repository has that says nothing else.", **REPOSITORY},
            "repositories": {"type": "array", "minItems": 1, "items": REPOSITORY},
            **properties(option for option in process_options() if option.key != "config"),
        },
        "definitions": {
            "repository": {"type": "object", "additionalProperties": False, "properties": properties(repo_options())}
        },
    }


def properties(options: Iterable[Option]) -> dict[str, Any]:
    """Return the schemas of options by their keys; what only the environment may hold is none of a file."""
    return {option.key: described(option) for option in options if not option.spelling.env_only}


def described(option: Option) -> dict[str, Any]:
    """Return the schema of an option: of a value, or of a list of such."""
    whole = property_of(option)
    told = {"description": whole.pop("description")}
    if option.default is not None:
        told["default"] = option.default if "enum" in whole or whole["type"] == "string" else json.loads(option.default)
    value = texts(option) if whole.get("type") == "string" else whole
    return {**told, "anyOf": [value, {"type": "array", "items": value}]} if option.repeatable else {**told, **value}


def texts(option: Option) -> dict[str, Any]:
    """Return the schema of a text, written in any way that stands for one."""
    if option.kind is CREDENTIALS:
        return {"anyOf": [{"type": "string"}, LOGIN]}
    if option.kind.pattern is None:
        return {"type": ANY_TEXT}
    value = {"type": "string", "pattern": option.kind.pattern}
    if re.search(option.kind.pattern, "7"):
        return {**value, "type": ["string", "integer"]}
    return {"anyOf": [value, {"const": 0}]} if re.search(option.kind.pattern, "0") else value


def main() -> int:
    """Write the file, or say that it is out of date."""
    written = json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv:
        SCHEMA.write_text(written)
    elif not SCHEMA.exists() or SCHEMA.read_text() != written:
        print(f"{SCHEMA} is out of date; run scripts/docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
