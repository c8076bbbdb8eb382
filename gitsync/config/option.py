"""How an option is declared: once, as the metadata of the configuration field that it fills.

Flags, environment names, help, manual and option reference all come from here.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

from gitsync.config.values import Kind

_METADATA = "option"


@dataclass(frozen=True, kw_only=True)
class Older:
    """An older spelling of an option, which may take its value in another form."""

    flag: str | None = None
    env: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option. `default` is text in the notation that users write; None means that there is none."""

    name: str
    kind: Kind
    help: str
    default: str | None = None
    env: tuple[str, ...] = ()
    env_kind: Kind | None = None
    short: str | None = None
    older: tuple[Older, ...] = ()
    required: bool = False
    repeatable: bool = False
    env_only: bool = False
    secret: bool = False
    without: str = "-"

    @property
    def flag(self) -> str:
        """The flag, such as `--sync-timeout`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment names, the preferred one first."""
        return (f"GITSYNC_{self.name.upper()}", *self.env)


def option(kind: Kind, text: str, **details: Any) -> Any:
    """Declare a configuration field as an option; see `Option` for the details."""
    return dataclasses.field(metadata={_METADATA: {"kind": kind, "help": text, **details}})


@functools.cache
def options_of(model: type[Any]) -> tuple[Option, ...]:
    """Return the options that a configuration class declares, in order."""
    return tuple(
        Option(name=field.name, **field.metadata[_METADATA])
        for field in dataclasses.fields(model)
        if _METADATA in field.metadata
    )
