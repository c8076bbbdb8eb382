"""Git settings given as an option, and git configuration files written from settings.

The option's notation is git-sync's: `section.var:value,"section.sub.var":"quoted \\n value"`. The file's notation is
that of git-config(1), "Syntax". Pure functions.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gitsync.config.urls import parse_repo, split_login
from gitsync.config.values import Credential

_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_SECTION = re.compile(r"[A-Za-z0-9.-]+")
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


@dataclass(frozen=True)
class GitSetting:
    """One line of git configuration, such as `http.sslVerify` = `true`."""

    key: str
    value: str

    @property
    def parts(self) -> tuple[str, str | None, str]:
        """Return section, subsection (None without one) and variable."""
        section, _, rest = self.key.partition(".")
        subsection, dot, variable = rest.rpartition(".")
        return section, subsection if dot else None, variable


def parse_settings(written: str) -> tuple[GitSetting, ...]:
    """Return the settings of a comma-separated list; raise `ValueError` that says what is wrong with it."""
    settings: list[GitSetting] = []
    position = 0
    while position < len(written):
        key, position = _token(written, position, end=":")
        if position >= len(written):
            raise ValueError(f"write KEY:VALUE; setting number {len(settings) + 1} has no value")
        value, position = _token(written, position + 1, end=",")
        settings.append(checked(GitSetting(key.strip(), value)))
        position += 1
    return tuple(settings)


def without_logins(settings: Iterable[GitSetting]) -> tuple[tuple[GitSetting, ...], tuple[Credential, ...]]:
    """Take the logins out of the URLs that others are rewritten to: git would hand them on as an argument.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-urlltbasegtinsteadOf
    """
    plain, logins = [], []
    for setting in settings:
        if base := _base(setting):
            url, login = split_login(base)
            logins += [login] if login else []
            setting = GitSetting(setting.key.replace(base, url, 1), setting.value)
        plain.append(setting)
    return tuple(plain), tuple(logins)


def _base(setting: GitSetting) -> str | None:
    """Return the URL that others are rewritten to, if it may hold a login."""
    section, subsection, _ = setting.parts
    return subsection if section.lower() == "url" and subsection and "@" in subsection else None


def _token(written: str, position: int, *, end: str) -> tuple[str, int]:
    """Read a bare or quoted word up to `end`; return it and the position of `end`, or of the end of it all."""
    while position < len(written) and written[position] == " ":
        position += 1
    if position < len(written) and written[position] in "\"'":
        quote = written[position]
        word, position = _word(written, position + 1, end=quote)
        if position == len(written):
            raise ValueError(f"the quote {quote} is not closed")
        position += 1
        while position < len(written) and written[position] == " ":
            position += 1
        if position < len(written) and written[position] != end:
            raise ValueError(f"expected {end!r} after the closing {quote}")
        return word, position
    word, position = _word(written, position, end=end)
    return word.rstrip(" "), position


def _word(written: str, position: int, *, end: str) -> tuple[str, int]:
    """Read up to `end`, or to the end of it all; return the word without escapes, and the position."""
    word = ""
    while position < len(written) and written[position] != end:
        if written[position] == "\\":
            character, position = _escape(written, position)
        else:
            character, position = written[position], position + 1
        word += character
    return word, position


def _escape(written: str, position: int) -> tuple[str, int]:
    following = written[position + 1 : position + 2]
    # Outside of quotes the separators can be escaped as well.
    if following in {",", ":"}:
        return following, position + 2
    if following not in _ESCAPES:
        raise ValueError(f"unknown escape \\{following}; known are \\n \\t \\\\ \\\" \\' \\, \\:")
    return _ESCAPES[following], position + 2


def checked(setting: GitSetting) -> GitSetting:
    """Return a setting that git can store; raise `ValueError` that says what is wrong with another."""
    section, subsection, variable = setting.parts
    if not _SECTION.fullmatch(section) or not _VARIABLE.fullmatch(variable):
        raise ValueError(f"{setting.key!r} is no git setting; write section.variable or section.name.variable")
    if "\0" in setting.value or (subsection and re.search(r"[\n\0]", subsection)):
        raise ValueError(f"{setting.key!r} holds a character that git cannot store")
    if base := _base(setting):
        parse_repo(base)
    return setting


def render(settings: Iterable[GitSetting]) -> str:
    """Return the lines of a configuration file that gives these settings, in this order."""
    lines = []
    for setting in settings:
        section, subsection, variable = setting.parts
        name = f' "{_escaped(subsection)}"' if subsection is not None else ""
        value = _escaped(setting.value).replace("\n", "\\n").replace("\t", "\\t")
        lines.append(f'[{section}{name}]\n\t{variable} = "{value}"\n')
    return "".join(lines)


def _escaped(written: str) -> str:
    return written.replace("\\", "\\\\").replace('"', '\\"')
