"""Reads arguments and environment into a `Config`, or says everything that is wrong with them at once.

`load` is a pure function of its two parameters and touches no file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click

from gitsync.base.errors import ConfigError
from gitsync.base.redact import MASK, scrub
from gitsync.config import rules
from gitsync.config.hooks import HooksConfig
from gitsync.config.login import AuthConfig
from gitsync.config.model import Config, all_options
from gitsync.config.option import Option, fill
from gitsync.config.repo import GitConfig, RepoConfig, Schedule
from gitsync.config.values import Kind

# Kubernetes sets these for every Service of the namespace, so one that is called gitsync-something makes them ours:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_LINK = re.compile(
    r"(_SERVICE_HOST|_SERVICE_PORT(_\w{1,15})?|_PORT(_\d{1,5}_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$"
)
_PREFIX: Final = "GITSYNC_"
_REFUSED_FLAG: Final = "--change-permissions"
_REFUSED_VARIABLE: Final = "GIT_SYNC_PERMISSIONS"
_REFUSAL: Final = "it is not supported any more; use --group-write, or an exechook that changes what has to be changed"
PRINT_FLAGS: Final = ("help", "man", "version")


@dataclass(frozen=True)
class _Name:
    """One spelling of an option."""

    option: Option
    spelling: str
    kind: Kind


@dataclass(frozen=True)
class _Given:
    name: _Name
    written: str
    value: Any


@dataclass(frozen=True)
class Arguments:
    """What the command line says, before it is understood."""

    given: tuple[tuple[str, str], ...]
    prints: tuple[str, ...]
    problems: tuple[str, ...]
    broken: bool = False


def _flags(option: Option) -> dict[str, _Name]:
    names = {} if option.spelling.env_only else {option.flag: _Name(option, option.flag, option.kind)}
    if short := option.spelling.short:
        names[short] = _Name(option, short, option.kind)
    names |= {old.flag: _Name(option, old.flag, old.kind or option.kind) for old in option.spelling.older if old.flag}
    return names


def _variables(option: Option) -> dict[str, _Name]:
    names = {name: _Name(option, name, option.spelling.env_kind or option.kind) for name in option.variables}
    return names | {
        old.env: _Name(option, old.env, old.kind or option.kind) for old in option.spelling.older if old.env
    }


FLAGS: Final = {spelling: name for option in all_options() for spelling, name in _flags(option).items()}
VARIABLES: Final = {spelling: name for option in all_options() for spelling, name in _variables(option).items()}


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
            problems.append(f"{_REFUSED_FLAG}: {_REFUSAL}")
        elif argument.startswith("-") and argument != "-":
            flag = argument.partition("=")[0]
            problems.append(f"{flag}: there is no such option{_similar(flag, FLAGS)}")
        elif not previous.startswith("-") or "=" in previous:
            problems.append(f"{argument!r}: only options are taken; remove it")
        previous = argument
    return problems


def _similar(name: str, known: Mapping[str, object]) -> str:
    import difflib  # here, because only a mistake needs it

    matches = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {matches[0]}?" if matches else "; see --help"


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Config:
    """Return the configuration; raise `ConfigError` with every problem, each naming option, value and remedy."""
    arguments = read_arguments(argv)
    problems = [*arguments.problems, *_unknown_variables(environ)]
    if arguments.broken:
        # What was given cannot be told from what is missing.
        raise ConfigError([scrub(problem) for problem in problems])
    given = _parse([(FLAGS[flag], written) for flag, written in arguments.given], problems)
    # An empty variable counts as unset, as a manifest cannot always leave one out.
    variables = [(name, environ[variable]) for variable, name in VARIABLES.items() if environ.get(variable)]
    in_environment = _parse(variables, problems)
    values: dict[str, Any] = {}
    shown: dict[str, str] = {}
    for option in all_options():
        chosen = _choose(option, given, problems) or _choose(option, in_environment, problems)
        values[option.name] = _value(option, chosen)
        if chosen:
            written = ",".join(one.written for one in chosen)
            shown[option.name] = MASK if option.secret else scrub(written.removeprefix("="))
    if values["http_bind"] and "http_bind" not in shown:
        values["http_bind"] = replace(values["http_bind"], explicit=False)
    tried = {FLAGS[flag].option for flag, _ in arguments.given} | {name.option for name, _ in variables}
    problems += [
        f"{option.flag}: it must be given; use the option or the environment variable {option.variables[0]}"
        for option in all_options()
        if option.required and option not in tried
    ]
    problems += rules.check(values)
    if problems:
        raise ConfigError([scrub(problem) for problem in problems])
    inherited = {name: environ[name] for name in sorted(rules.HOOK_ENVIRONMENT & environ.keys())}
    return _build({**rules.resolve(values), "environment": inherited}, shown)


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    unknown = [name for name in environ if name.startswith(_PREFIX) and name not in VARIABLES]
    refused = [f"{_REFUSED_VARIABLE}: {_REFUSAL}"] if environ.get(_REFUSED_VARIABLE) else []
    return refused + [
        f"{name}: there is no such environment variable{_similar(name, VARIABLES)}"
        for name in sorted(unknown)
        if not _SERVICE_LINK.search(name)
    ]


def _parse(spelled: Sequence[tuple[_Name, str]], problems: list[str]) -> list[_Given]:
    given = []
    for name, written in spelled:
        try:
            if not written:
                raise ValueError("it is empty; give it a value, or leave it out")
            given.append(_Given(name, written, name.kind.parse(written)))
        except ValueError as error:
            # A line break in the middle of a URL may hide a password from what removes passwords.
            shown = f"={written}" if written.isprintable() and not name.option.secret else ""
            problems.append(f"{name.spelling}{shown}: {error}")
    return given


def _choose(option: Option, given: Sequence[_Given], problems: list[str]) -> list[_Given]:
    """Return what was given for an option: all of it for a repeatable one, else the last; names must agree."""
    chosen = rules.merge_older([one for one in given if one.name.option is option], key=lambda one: one.name.spelling)
    if not chosen or option.repeatable:
        return chosen
    by_name = {one.name.spelling: one for one in chosen}
    first, *others = by_name.values()
    for other in others:
        if other.value != first.value:
            values = "" if option.secret else f" ({first.written} and {other.written})"
            same = f"it means the same as {first.name.spelling}, but has another value{values}"
            problems.append(f"{other.name.spelling}: {same}; remove one")
    return [list(by_name.values())[-1]]


def _value(option: Option, chosen: Sequence[_Given]) -> Any:
    if option.repeatable:
        return tuple(setting for one in chosen for setting in one.value)
    if chosen:
        return chosen[0].value
    return option.kind.parse(option.default) if option.default is not None else None


def _build(values: dict[str, Any], shown: dict[str, str]) -> Config:
    repo = fill(
        RepoConfig,
        values,
        schedule=fill(Schedule, values),
        git=fill(GitConfig, values),
        auth=fill(AuthConfig, values, login=values["login"]),
        hooks=fill(HooksConfig, values, environment=values["environment"]),
    )
    config: Config = fill(Config, values, repos=(repo,), shown=shown)
    return config
