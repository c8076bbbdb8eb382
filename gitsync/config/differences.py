"""What of a configuration counts for the whole process, and is another one now. Pure functions."""

from typing import Any

from gitsync.config.model import Config, process_options
from gitsync.config.option import values_in
from gitsync.config.several import ALIKE


def differences(old: Config, new: Config) -> list[str]:
    """Return the keys of the options that count for the whole process and are not the same."""
    was, now = _values(old), _values(new)
    return [option.key for option in process_options() if was[option.name] != now[option.name]] + [
        name.replace("_", "-") for name in ALIKE if was[name] != now[name]
    ]


def _values(config: Config) -> dict[str, Any]:
    # They are the same for all repositories.
    first = config.repos[0]
    return {**values_in(first.schedule), **values_in(first.upkeep), **values_in(first.git), **values_in(config)}
