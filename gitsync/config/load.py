"""Reads arguments and environment into a `Config`, or says everything that is wrong with them at once.

`load` is a pure function of its two parameters and touches no file.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from gitsync.base.errors import ConfigError
from gitsync.base.redact import MASK, scrub
from gitsync.base.written import unwrapped
from gitsync.config import environment, rules
from gitsync.config.hooks import HooksConfig
from gitsync.config.login import AuthConfig
from gitsync.config.model import Config, HttpConfig, ReceiverConfig, all_options
from gitsync.config.names import FLAGS, VARIABLES, Given, Name, choose, nearest, unknown_variables
from gitsync.config.option import Option, fill
from gitsync.config.repo import GitConfig, Placement, RepoConfig, Schedule
from gitsync.config.urls import split_login
from gitsync.config.values import SECRETS

_REFUSED_FLAG: Final = "--change-permissions"
_REFUSED_VARIABLE: Final = "GIT_SYNC_PERMISSIONS"
_REFUSAL: Final = "it is not supported any more; use --group-write, or an exechook that changes what has to be changed"
# What a manifest may say of it that wants nothing.
_ZERO: Final = re.compile(r"0+")
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
            if not _ZERO.fullmatch(argument.partition("=")[2]):
                problems.append(f"{_REFUSED_FLAG}: {_REFUSAL}")
        elif argument.startswith("-") and argument != "-":
            flag = argument.partition("=")[0]
            known = nearest(flag, FLAGS)
            problems.append(f"{flag}: there is no such option; {f'did you mean {known}?' if known else 'see --help'}")
        elif not previous.startswith("-") or "=" in previous:
            problems.append(f"{argument!r}: only options are taken; remove it")
        previous = argument
    return problems


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Config:
    """Return the configuration; raise `ConfigError` with every problem, each naming option, value and remedy."""
    arguments = read_arguments(argv)
    problems = [*arguments.problems, *_refused_variable(environ)]
    warnings = [*unknown_variables(environ), *environment.dropped_variables(environ)]
    if arguments.broken:
        # What was given cannot be told from what is missing.
        raise ConfigError([scrub(problem) for problem in problems])
    spelled = [*((FLAGS[flag], unwrapped(written)) for flag, written in arguments.given), *_variables(environ)]
    given = _parse(spelled, problems, warnings)
    values: dict[str, Any] = {}
    shown: dict[str, str] = {}
    for option in all_options():
        chosen = choose(option, given, warnings)
        values[option.name] = _value(option, chosen)
        if chosen:
            written = ",".join(one.written for one in chosen)
            shown[option.name] = MASK if option.secret else scrub(written.removeprefix("="))
    if values["http_bind"] and "http_bind" not in shown:
        # In a pod it may be meant by probes, which another container that has the port would answer.
        probed = bool(environ.get(environment.IN_A_POD)) and not values["one_time"]
        values["http_bind"] = replace(values["http_bind"], required=probed)
    values["git_config_add"] += environment.settings_of(environ, warnings)
    problems += _missing({name.option for name, _ in spelled})
    problems += rules.check(values)
    if values["strict"]:
        problems += warnings
    if problems:
        raise ConfigError([scrub(problem) for problem in problems])
    told = tuple(scrub(warning) for warning in warnings)
    return _build(rules.resolve(values), environ, shown=shown, warnings=told)


def load_receiver(environ: Mapping[str, str]) -> tuple[HttpConfig, ReceiverConfig]:
    """Return where the process that has these variables serves, and its secrets; raise `ConfigError`.

    For other processes beside it, which do not know its arguments.
    """
    prefixes = {HttpConfig: "http_", ReceiverConfig: "receiver_"}
    values = _of_variables(environ, lambda name: name.startswith((*prefixes.values(), "peers")))
    http, receiver = (fill(model, values, prefix=prefix) for model, prefix in prefixes.items())
    return http, receiver


def load_followed(environ: Mapping[str, str]) -> tuple[str | None, str]:
    """Return the repository (without a login; None if there is none) and the ref that the process follows which has
    these variables; raise `ConfigError`. For other processes, as `load_receiver` is.
    """
    values = _of_variables(environ, lambda name: name in {"repo", "ref"})
    return values["repo"] and split_login(values["repo"])[0], values["ref"]


def load_termination_log(argv: Sequence[str], environ: Mapping[str, str]) -> Path | None:
    """Return what is given as --termination-log, if anything that can be used, whatever else is wrong."""
    (option,) = (option for option in all_options() if option.name == "termination_log")
    flags = [(FLAGS[flag], unwrapped(written)) for flag, written in read_arguments(argv).given]
    spelled = [(name, written) for name, written in (*flags, *_variables(environ)) if name.option == option]
    found: Path | None = _value(option, choose(option, _parse(spelled, [], []), []))
    return found


def _of_variables(environ: Mapping[str, str], asked: Callable[[str], bool]) -> dict[str, Any]:
    """Return the values of some options as variables say; raise `ConfigError`."""
    problems: list[str] = []
    options = [option for option in all_options() if asked(option.name)]
    given = _parse([(name, written) for name, written in _variables(environ) if name.option in options], problems, [])
    if problems:
        raise ConfigError([scrub(problem) for problem in problems])
    return {option.name: _value(option, choose(option, given, [])) for option in options}


def _variables(environ: Mapping[str, str]) -> list[tuple[Name, str]]:
    """Return what stands in variables; an empty one counts as unset, as a manifest cannot always leave one out.

    It does not where somebody wants to let others in by it, and would not see that nobody gets in.
    """
    found = ((name, unwrapped(environ[variable])) for variable, name in VARIABLES.items() if variable in environ)
    return [(name, written) for name, written in found if written or name.kind is SECRETS]


def _missing(tried: set[Option]) -> list[str]:
    """Return what is required and was not even tried to be given."""
    return [
        f"{option.flag}: it must be given; use the option or the environment variable {option.variables[0]}"
        for option in all_options()
        if option.required and option not in tried
    ]


def _refused_variable(environ: Mapping[str, str]) -> list[str]:
    given = environ.get(_REFUSED_VARIABLE)
    return [f"{_REFUSED_VARIABLE}: {_REFUSAL}"] if given and not _ZERO.fullmatch(given) else []


def _parse(spelled: Sequence[tuple[Name, str]], problems: list[str], warnings: list[str]) -> list[Given]:
    """Read what is written; what git-sync passes over may be in any form."""
    given = []
    for name, written in spelled:
        if not written and name.may_be_empty:
            continue
        try:
            if not written:
                raise ValueError("it is empty; give it a value, or leave it out")
            given.append(Given(name, written, name.kind.parse(written)))
        except ValueError as error:
            # A line break in the middle may hide a password from what removes passwords.
            shown = f"={written}" if not (name.option.secret or name.kind.hidden or not written.isprintable()) else ""
            told = warnings if name.guessed and not name.option.required else problems
            told.append(f"{name.spelling}{shown}: {error}")
    return given


def _value(option: Option, chosen: Sequence[Given]) -> Any:
    if option.repeatable:
        return tuple(setting for one in chosen for setting in one.value)
    if chosen:
        return chosen[0].value
    return option.kind.parse(option.default) if option.default is not None else None


def _build(values: dict[str, Any], environ: Mapping[str, str], **told: Any) -> Config:
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    repo = fill(
        RepoConfig,
        values,
        placement=fill(Placement, values, work=values["work"]),
        schedule=fill(Schedule, values),
        git=fill(GitConfig, values, home=home),
        auth=fill(AuthConfig, values, of_urls=values["of_urls"]),
        hooks=fill(HooksConfig, values, environment=environment.for_hooks(environ, values["hook_env"])),
    )
    config: Config = fill(Config, values, repos=(repo,), **told)
    return config
