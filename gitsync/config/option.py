"""How an option is declared: once, as the metadata of the configuration field that it fills.

Flags, environment names, help, manual and option reference all come from here.
"""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitsync.config.values import Kind

_OPTION: Final = "option"
_GROUP: Final = "group"


@dataclass(frozen=True, kw_only=True)
class Older:
    """An older spelling of an option, which may take its value in another form."""

    flag: str | None = None
    env: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """What an option is called beside its own name; `env_only` says that there is no flag of that name.

    Of the variables in `env` the last one counts; those in `own_env` git-sync does not know, and they give way to all.
    """

    env: tuple[str, ...] = ()
    own_env: tuple[str, ...] = ()
    env_kind: Kind | None = None
    env_only: bool = False
    short: str | None = None
    older: tuple[Older, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option. `default` is text in the notation that users write; None means that there is none."""

    name: str
    kind: Kind
    help: str
    spelling: Spelling
    default: str | None = None
    required: bool = False
    repeatable: bool = False
    secret: bool = False
    without: str = "-"

    @property
    def key(self) -> str:
        """What it is called in a file, such as `sync-timeout`."""
        return self.name.replace("_", "-")

    @property
    def flag(self) -> str:
        """The flag, such as `--sync-timeout`."""
        return f"--{self.key}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment names, the preferred one first."""
        return (f"GITSYNC_{self.name.upper()}", *self.spelling.env, *self.spelling.own_env)


_SPELLINGS: Final = frozenset(field.name for field in dataclasses.fields(Spelling))


def option(kind: Kind, meaning: str, **details: Any) -> Any:
    """Declare a configuration field as an option; see `Option` and `Spelling` for the details."""
    return dataclasses.field(metadata={_OPTION: {"kind": kind, "help": meaning, **details}})


def group(prefix: str = "", changes: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
    """Declare a configuration field that holds a class of options, whose names get a prefix.

    `changes` are details of single options, by field, that are others here than where they are declared.
    """
    return dataclasses.field(metadata={_GROUP: (prefix, changes or {})})


@functools.cache
def options_of(model: type[Any]) -> tuple[Option, ...]:
    """Return the options that a configuration class declares, those of its groups among them, in order."""
    return tuple(_declared(model, "", {}))


def _declared(model: type[Any], prefix: str, changes: Mapping[str, Mapping[str, Any]]) -> list[Option]:
    found = []
    for field in dataclasses.fields(model):
        if _OPTION in field.metadata:
            details = {**field.metadata[_OPTION], **changes.get(field.name, {})}
            names = {name: details.pop(name) for name in _SPELLINGS & details.keys()}
            found.append(Option(name=prefix + field.name, spelling=Spelling(**names), **details))
        elif _GROUP in field.metadata:
            found += _declared(_class_of(field), *field.metadata[_GROUP])
    return found


def fill(model: type[Any], values: Mapping[str, Any], *, prefix: str = "", **others: Any) -> Any:
    """Build a configuration class, and its groups, from the values of options by their names.

    `others` are the fields that are no options, and groups that have such.
    """
    parts = dict(others)
    for field in dataclasses.fields(model):
        if _OPTION in field.metadata:
            parts[field.name] = values[prefix + field.name]
        elif _GROUP in field.metadata and field.name not in parts:
            parts[field.name] = fill(_class_of(field), values, prefix=field.metadata[_GROUP][0])
    return model(**parts)


def values_in(filled: Any, *, prefix: str = "") -> dict[str, Any]:
    """Return the values of options by their names, as `fill` has put them into a configuration class and its groups."""
    found = {}
    for field in dataclasses.fields(filled):
        if _OPTION in field.metadata:
            found[prefix + field.name] = getattr(filled, field.name)
        elif _GROUP in field.metadata:
            found |= values_in(getattr(filled, field.name), prefix=field.metadata[_GROUP][0])
    return found


def _class_of(field: "dataclasses.Field[Any]") -> type[Any]:
    kind = field.type
    assert isinstance(kind, type)  # noqa: S101 (annotations of configuration classes are no strings)
    return kind
