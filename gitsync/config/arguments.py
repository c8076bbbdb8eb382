"""The command line, split into flags and their texts. Pure functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import click

from gitsync.config.names import FLAGS, nearest

_REFUSED_FLAG: Final = "--change-permissions"
REFUSAL: Final = "it is not supported any more; use --group-write, or an exechook that changes what has to be changed"
# What a manifest may say of it that wants nothing.
ZERO: Final = re.compile(r"0+")
PRINT_FLAGS: Final = ("help", "man", "version")


@dataclass(frozen=True)
class Arguments:
    """What the command line says, before it is understood."""

    given: tuple[tuple[str, str], ...]
    prints: tuple[str, ...]
    problems: tuple[str, ...]
    broken: bool = False


def command() -> click.Command:
    """Return the click command that knows every flag."""
    params: list[click.Parameter] = []
    for count, (flag, name) in enumerate(FLAGS.items()):
        # A boolean may stand alone or, as in Go, have its value behind an equals sign.
        declared = [f"o{count}", flag]
        kind = click.UNPROCESSED
        if name.kind.alone:
            params.append(click.Option(declared, multiple=True, type=kind, is_flag=False, flag_value=name.kind.alone))
        else:
            params.append(click.Option(declared, multiple=True, type=kind))
    params.append(click.Option(["help", "-h", "-?", "--help"], is_flag=True))
    params += [click.Option([flag, f"--{flag}"], is_flag=True) for flag in PRINT_FLAGS[1:]]
    settings = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": True}
    return click.Command("gitsync", params=params, add_help_option=False, context_settings=settings)


def read_arguments(argv: Sequence[str]) -> Arguments:
    """Split the command line into flags with their texts."""
    try:
        context = command().make_context("gitsync", list(argv))
    except click.UsageError as error:
        return Arguments((), (), (f"{error.format_message()} Give it a value; see --help.",), broken=True)
    given = []
    for count, flag in enumerate(FLAGS):
        given += [(flag, str(value)) for value in context.params[f"o{count}"]]
    prints = tuple(flag for flag in PRINT_FLAGS if context.params[flag])
    return Arguments(tuple(given), prints, tuple(_unknown_arguments(context.args)))


def _unknown_arguments(rest: Sequence[str]) -> list[str]:
    problems, previous = [], ""
    for argument in rest:
        if argument.partition("=")[0] == _REFUSED_FLAG:
            if not ZERO.fullmatch(argument.partition("=")[2]):
                problems.append(f"{_REFUSED_FLAG}: {REFUSAL}")
        elif argument.startswith("-") and argument != "-":
            flag = argument.partition("=")[0]
            known = nearest(flag, FLAGS)
            problems.append(f"{flag}: there is no such option; {f'did you mean {known}?' if known else 'see --help'}")
        elif not previous.startswith("-") or "=" in previous:
            problems.append(f"{argument!r}: only options are taken; remove it")
        previous = argument
    return problems
