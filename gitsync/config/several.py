"""Several repositories, of a file, beside what flags and variables say of the process. Pure functions.

Imported only where there is such a file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gitsync.config import rules
from gitsync.config.apart import clashes
from gitsync.config.file import Content, Entry
from gitsync.config.model import Config, process_options, repo_options
from gitsync.config.names import Given, Spelled, choose
from gitsync.config.reading import Reading, value_of
from gitsync.config.values import NAME

# The image sets it, so it is the root of all that have none of their own.
_ROOT: Final = "root"
# What the process does as a whole: its end, the rights of what it writes, its git.
ALIKE: Final = ("one_time", "group_write", "git")
# git's own notation for what --git-config-add is.
_SETTINGS: Final = "GIT_CONFIG_COUNT"

Values = dict[str, Any]


@dataclass(frozen=True)
class _Repository:
    """One of them: where it is described, what is given there, and what that makes."""

    entry: Entry
    given: tuple[Given, ...]
    values: Values


def of_file(reading: Reading, content: Content, spelled: Sequence[Spelled], given: Sequence[Given]) -> Config:
    """Return the configuration of a file; raise `ConfigError` with every problem.

    `spelled` and `given` are what flags and variables say.
    """
    reading.problems += [*content.problems, *_misplaced(spelled, reading.environ)]
    process = _process(reading, content, given)
    root = choose(next(option for option in repo_options() if option.name == _ROOT), given, reading.warnings)
    repos = [_repository(reading, content, entry, process=process, root=root) for entry in content.entries]
    # What has no place by now is told of already.
    resolved = {
        index: _resolved(one.values)
        for index, one in enumerate(repos)
        if one.values["root"] and (one.values["repo"] or one.values["link"])
    }
    reading.problems += [*_unlike(repos), *_unnameable(repos, resolved), *_too_close(repos, resolved)]
    reading.check(strict=process["strict"])
    for index, one in enumerate(repos):
        reading.show(one.given, of=f"{resolved[index]['name']}.")
    return reading.config(list(resolved.values()))


def _misplaced(spelled: Sequence[Spelled], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what stands in flags and variables and belongs into the file."""
    told = "with --config it is not read; write `{}` into the entry of its repository, or into defaults"
    own = {option.name for option in repo_options()} - {_ROOT}
    for name, _ in spelled:
        if name.option.name in own:
            key = f"{name.option.key}-file" if name.option.spelling.env_only else name.option.key
            yield f"{name.spelling}: {told.format(key)}"
    if environ.get(_SETTINGS):
        yield f"{_SETTINGS}: {told.format('git-config-add')}"


def _process(reading: Reading, content: Content, given: Sequence[Given]) -> Values:
    """Return the values of the process; what is given in both ways has to be the same."""
    written = reading.parse(content.process)
    counting = list(given)
    for one in written:
        chosen = choose(one.name.option, given, [])
        counting += [] if chosen else [one]
        if chosen and chosen[0].tells_other_than(one):
            told = f"{_shown(chosen[0])} says something else; remove one of them"
            reading.problems.append(f"{_shown(one)}: {told}")
    return reading.values(process_options(), counting)


def _shown(given: Given) -> str:
    return given.name.spelling if given.name.option.secret else f"{given.name.spelling}={given.written}"


def _repository(
    reading: Reading, content: Content, entry: Entry, *, process: Values, root: Sequence[Given]
) -> _Repository:
    tried = {name.option.name for name, _ in entry.spelled}
    given = (*reading.parse(entry.spelled), *(root if _ROOT not in tried else ()))
    own = {option.name: value_of(option, choose(option, given, reading.warnings)) for option in repo_options()}
    reading.problems += [
        f"{entry.at(option.name)}: it must be given, here or in defaults"
        for option in repo_options()
        if option.required and own[option.name] is None and option.name not in tried
    ]
    values = {**process, **own}
    reading.problems += [content.told(problem, entry) for problem in rules.check(values)]
    return _Repository(entry, given, values)


def _resolved(values: Values) -> Values:
    """Return the values with all that follows from them; our work on each of them has a directory of its own."""
    # Without a repository the name and the places are there all the same, to be looked at.
    found = rules.resolve({**values, "repo": values["repo"] or "."})
    return {**found, "work": found["root"] / rules.REPOSITORIES_DIRECTORY / found["name"]}


def _unlike(repos: Sequence[_Repository]) -> Iterator[str]:
    """Yield where one differs from the first in what it cannot have for itself."""
    for option in ALIKE:
        if other := next((one for one in repos if one.values[option] != repos[0].values[option]), None):
            first = repos[0].entry.at(option)
            yield f"{other.entry.at(option)}: it has to be as at {first}; write it into defaults, for all of them"


def _unnameable(repos: Sequence[_Repository], resolved: Mapping[int, Values]) -> Iterator[str]:
    """Yield where a link cannot give its name to a directory."""
    for index, values in resolved.items():
        try:
            NAME.parse(values["name"])
        except ValueError as error:
            yield f"{repos[index].entry.at('name')}={values['name']}: {error}"


def _too_close(repos: Sequence[_Repository], resolved: Mapping[int, Values]) -> Iterator[str]:
    for clash in clashes(resolved):
        place, value = repos[clash.index].entry.at(clash.option), resolved[clash.index][clash.option]
        yield f"{place}={value}: {clash.relation} of the entry at {repos[clash.other].entry.place}; {clash.remedy}"
