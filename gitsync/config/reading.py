"""Reads what is written for options, be it in a flag, a variable or a file, and makes the configuration of it.

Pure but for what a reading gathers: all that is wrong, or odd, to be told at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gitsync.base.errors import ConfigError
from gitsync.base.redact import MASK, scrub
from gitsync.config import environment
from gitsync.config.hooks import HooksConfig
from gitsync.config.login import AuthConfig
from gitsync.config.model import Config
from gitsync.config.names import Given, Spelled, choose
from gitsync.config.option import Option, fill
from gitsync.config.repo import GitConfig, Placement, RepoConfig, Schedule


class Reading:
    """One look at all that is given; `problems` keep the process from its start, `warnings` do not."""

    def __init__(
        self, environ: Mapping[str, str], *, problems: Iterable[str] = (), warnings: Iterable[str] = ()
    ) -> None:
        self.environ = environ
        self.problems = list(problems)
        self.warnings = list(warnings)
        self._shown: dict[str, str] = {}

    def parse(self, spelled: Iterable[Spelled]) -> list[Given]:
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
                hidden = name.option.secret or name.kind.hidden or not written.isprintable()
                told = self.warnings if name.guessed and not name.option.required else self.problems
                told.append(f"{name.spelling}{'' if hidden else f'={written}'}: {error}")
        return given

    def values(self, options: Iterable[Option], given: Sequence[Given]) -> dict[str, Any]:
        """Return the values of options by their names; what counts of what is given is shown."""
        values = {}
        for option in options:
            chosen = choose(option, given, self.warnings)
            values[option.name] = value_of(option, chosen)
            self.show(chosen)
        return values

    def show(self, given: Iterable[Given], *, of: str = "") -> None:
        """Have it shown in the log of the start what is given; `of` goes before the names of the options."""
        written: dict[Option, list[str]] = {}
        for one in given:
            written.setdefault(one.name.option, []).append(one.written)
        for option, texts in written.items():
            self._shown[of + option.name] = MASK if option.secret else scrub(",".join(texts).removeprefix("="))

    def check(self, *, strict: bool) -> None:
        """Raise `ConfigError` with every problem, if there are any; `strict` makes warnings such."""
        problems = [*self.problems, *(self.warnings if strict else ())]
        if problems:
            raise refused(problems)

    def config(self, resolved: Sequence[dict[str, Any]]) -> Config:
        """Return the configuration of these repositories; the values of each have those of the process among them."""
        process = dict(resolved[0])
        if process["http_bind"] and "http_bind" not in self._shown:
            # In a pod it may be meant by probes, which another container that has the port would answer.
            once = all(values["one_time"] for values in resolved)
            probed = bool(self.environ.get(environment.IN_A_POD)) and not once
            process["http_bind"] = replace(process["http_bind"], required=probed)
        config: Config = fill(
            Config,
            process,
            repos=tuple(_repo(values, self.environ) for values in resolved),
            shown=self._shown,
            warnings=tuple(map(scrub, self.warnings)),
        )
        return config


def refused(problems: Iterable[str]) -> ConfigError:
    """Return the error that tells of problems, each of them once."""
    return ConfigError([scrub(problem) for problem in dict.fromkeys(problems)])


def value_of(option: Option, chosen: Sequence[Given]) -> Any:
    """Return the value of an option for which this was chosen; without any it is the default."""
    if option.repeatable:
        return tuple(setting for one in chosen for setting in one.value)
    if chosen:
        return chosen[0].value
    return option.kind.parse(option.default) if option.default is not None else None


def _repo(values: dict[str, Any], environ: Mapping[str, str]) -> RepoConfig:
    home = Path(environ["HOME"]) if environ.get("HOME") else None
    made: RepoConfig = fill(
        RepoConfig,
        values,
        placement=fill(Placement, values, work=values["work"]),
        schedule=fill(Schedule, values),
        git=fill(GitConfig, values, home=home),
        auth=fill(AuthConfig, values, of_urls=values["of_urls"]),
        hooks=fill(HooksConfig, values, environment=environment.for_hooks(environ, values["hook_env"])),
    )
    return made
