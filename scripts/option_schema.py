"""JSON Schema of what may be written for an option, from its declaration."""

from typing import Any, Final

from gitsync.config.option import Option

# What is not written as a text.
TYPES: Final = {"BOOL": "boolean", "BOOL|PATH": ["boolean", "string"], "INT": "integer", "FRACTION": "number"}


def property_of(option: Option) -> dict[str, Any]:
    """Return the schema of an option's value."""
    if option.kind.choices:
        return {"description": option.help, "enum": list(option.kind.choices)}
    found = {"description": option.help, "type": TYPES.get(option.kind.placeholder, "string")}
    return {**found, "pattern": option.kind.pattern} if option.kind.pattern and found["type"] == "string" else found
