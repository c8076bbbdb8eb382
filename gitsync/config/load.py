"""Reads arguments, environment and the file that they name into a `Config`, or says at once all that is wrong.

No function here touches another file, and none keeps anything, so each can be called again when the file has changed.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gitsync.base.errors import ConfigError
from gitsync.base.files import read_whole
from gitsync.base.written import decode, unwrapped
from gitsync.config import environment, rules
from gitsync.config.arguments import REFUSAL, ZERO, read_arguments
from gitsync.config.followed import RefConfig
from gitsync.config.model import Config, HttpConfig, ReceiverConfig, all_options, repo_options
from gitsync.config.names import FLAGS, VARIABLES, Given, Spelled, choose, unknown_variables
from gitsync.config.option import Option, fill
from gitsync.config.reading import Reading, refused, value_of
from gitsync.config.urls import split_login
from gitsync.config.values import SECRETS

if TYPE_CHECKING:
    from gitsync.config.file import Content

_REFUSED_VARIABLE: Final = "GIT_SYNC_PERMISSIONS"
_FILE: Final = "config"
# Bytes; ten thousand repositories are described in less.
_LARGEST: Final = 1024 * 1024


def load(argv: Sequence[str], environ: Mapping[str, str], *, text: str | None = None) -> Config:
    """Return the configuration; raise `ConfigError` with every problem, each naming option, value and remedy.

    `text` is what the file of --config holds; without it the file is read.
    """
    arguments = read_arguments(argv)
    problems = [*arguments.problems, *_refused_variable(environ)]
    warnings = [*unknown_variables(environ), *environment.dropped_variables(environ)]
    if arguments.broken:
        # What was given cannot be told from what is missing.
        raise refused(problems)
    reading = Reading(environ, problems=problems, warnings=warnings)
    spelled = [*_flags(argv), *_variables(environ)]
    given = reading.parse(spelled)
    file = _file(given)
    if file is None:
        return _of_one(reading, spelled, given)
    # Only who has such a file pays for what reads it.
    from gitsync.config.several import of_file

    return of_file(reading, _content(file, text, reading.problems), spelled, given)


def _of_one(reading: Reading, spelled: Sequence[Spelled], given: Sequence[Given]) -> Config:
    """Return the configuration of the one repository that flags and variables describe."""
    values = reading.values(all_options(), given)
    values["git_config_add"] += environment.settings_of(reading.environ, reading.warnings)
    tried = {name.option for name, _ in spelled}
    reading.problems += [
        f"{option.flag}: it must be given; use the option or the environment variable {option.variables[0]}"
        for option in repo_options()
        if option.required and option not in tried
    ]
    reading.problems += rules.check(values)
    reading.check(strict=values["strict"])
    return reading.config([rules.resolve(values)])


def _content(file: Path, text: str | None, problems: Sequence[str] = ()) -> "Content":
    """Return what a file holds; raise `ConfigError` for one that cannot be read, which tells of `problems` as well."""
    from gitsync.config.file import read

    try:
        written = decode(read_whole(file, largest=_LARGEST)) if text is None else text
    except OSError as error:
        told = f"{error.strerror}; name a file that this user may read"
    except UnicodeError:
        told = "it holds no text; write it in UTF-8"
    except ValueError as error:
        told = f"{error}; name a file in YAML"
    else:
        return read(written, called=str(file))
    raise refused([*problems, f"--config={file}: {told}"])


def _file(given: Sequence[Given]) -> Path | None:
    """Return the file that is given, if any."""
    option = _option(_FILE)
    found: Path | None = value_of(option, choose(option, given, []))
    return found


def load_receiver(environ: Mapping[str, str]) -> tuple[HttpConfig, ReceiverConfig]:
    """Return where the process that has these variables serves, and its secrets; raise `ConfigError`.

    For other processes beside it, which do not know its arguments.
    """
    prefixes = {HttpConfig: "http_", ReceiverConfig: "receiver_"}
    values = _of_variables(environ, lambda name: name.startswith((*prefixes.values(), "peers")))
    http, receiver = (fill(model, values, prefix=prefix) for model, prefix in prefixes.items())
    return http, receiver


def load_followed(environ: Mapping[str, str]) -> tuple[str | None, RefConfig]:
    """Return the repository (without a login; None if there is none) and the ref that the process follows which has
    these variables, of several the first; raise `ConfigError`. For other processes, as `load_receiver` is.
    """
    values = _of_variables(environ, lambda name: name in {"repo", "ref", "ref_pattern", "ref_semver"})
    return values["repo"] and split_login(values["repo"])[0], fill(RefConfig, values)


def load_termination_log(argv: Sequence[str], environ: Mapping[str, str]) -> Path | None:
    """Return what is given as --termination-log, if anything that can be used, whatever else is wrong."""
    spelled = [*_flags(argv), *_variables(environ)]
    with contextlib.suppress(ConfigError):
        spelled = _with_file(spelled)
    option = _option("termination_log")
    given = Reading(environ).parse(one for one in spelled if one[0].option is option)
    found: Path | None = value_of(option, choose(option, given, []))
    return found


def _of_variables(environ: Mapping[str, str], asked: Callable[[str], bool]) -> dict[str, Any]:
    """Return the values of some options as variables, and the file that one of them names, say; raise `ConfigError`."""
    reading = Reading(environ)
    options = [option for option in all_options() if asked(option.name)]
    given = reading.parse(one for one in _with_file(_variables(environ)) if one[0].option in options)
    if reading.problems:
        raise refused(reading.problems)
    return reading.values(options, given)


def _with_file(spelled: Sequence[Spelled]) -> list[Spelled]:
    """Add what the file that is named among these says of the process, and of its first repository.

    What is wrong in it is for the process itself to tell of; raises `ConfigError` if nothing of it can be read.
    """
    option = _option(_FILE)
    file = _file(Reading({}).parse(one for one in spelled if one[0].option is option))
    if file is None:
        return list(spelled)
    content = _content(file, None)
    if content.problems and not (content.process or content.entries):
        raise refused(content.problems)
    return [*spelled, *content.process, *(content.entries[0].spelled if content.entries else ())]


def _option(name: str) -> Option:
    return next(option for option in all_options() if option.name == name)


def _flags(argv: Sequence[str]) -> list[Spelled]:
    """Return what stands in flags."""
    return [(FLAGS[flag], unwrapped(written)) for flag, written in read_arguments(argv).given]


def _variables(environ: Mapping[str, str]) -> list[Spelled]:
    """Return what stands in variables; an empty one counts as unset, as a manifest cannot always leave one out.

    It does not where somebody wants to let others in by it, and would not see that nobody gets in.
    """
    found = ((name, unwrapped(environ[variable])) for variable, name in VARIABLES.items() if variable in environ)
    return [(name, written) for name, written in found if written or name.kind is SECRETS]


def _refused_variable(environ: Mapping[str, str]) -> list[str]:
    given = environ.get(_REFUSED_VARIABLE)
    return [f"{_REFUSED_VARIABLE}: {REFUSAL}"] if given and not ZERO.fullmatch(given) else []
