"""Git settings given as an option, and git configuration files written from settings.

The option's notation is git-sync's: `section.var:value,"section.sub.var":"quoted \\n value"`. The file's notation is
that of git-config(1), "Syntax". Pure functions.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

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


def parse_settings(text: str) -> tuple[GitSetting, ...]:
    """Return the settings of a comma-separated list; raise `ValueError` that says what is wrong with it."""
    settings: list[GitSetting] = []
    position = 0
    while position < len(text):
        key, position = _token(text, position, end=":")
        if position >= len(text):
            raise ValueError(f"write KEY:VALUE; setting number {len(settings) + 1} has no value")
        value, position = _token(text, position + 1, end=",")
        setting = GitSetting(key.strip(), value)
        _check(setting)
        settings.append(setting)
        position += 1
    return tuple(settings)


def _token(text: str, position: int, *, end: str) -> tuple[str, int]:
    """Read a bare or quoted word up to `end`; return it and the position of `end`, or of the end of the text."""
    while position < len(text) and text[position] == " ":
        position += 1
    if position < len(text) and text[position] in "\"'":
        quote = text[position]
        word, position = _quoted(text, position + 1, quote)
        while position < len(text) and text[position] == " ":
            position += 1
        if position < len(text) and text[position] != end:
            raise ValueError(f"expected {end!r} after the closing {quote}")
        return word, position
    word = ""
    while position < len(text) and text[position] != end:
        if text[position] == "\\":
            character, position = _escape(text, position)
            word += character
            continue
        word += text[position]
        position += 1
    return word.rstrip(" "), position


def _quoted(text: str, position: int, quote: str) -> tuple[str, int]:
    word = ""
    while position < len(text):
        if text[position] == quote:
            return word, position + 1
        if text[position] == "\\":
            character, position = _escape(text, position)
            word += character
            continue
        word += text[position]
        position += 1
    raise ValueError(f"the quote {quote} is not closed")


def _escape(text: str, position: int) -> tuple[str, int]:
    following = text[position + 1 : position + 2]
    # Outside of quotes the separators can be escaped as well.
    if following in {",", ":"}:
        return following, position + 2
    if following not in _ESCAPES:
        raise ValueError(f"unknown escape \\{following}; known are \\n \\t \\\\ \\\" \\' \\, \\:")
    return _ESCAPES[following], position + 2


def _check(setting: GitSetting) -> None:
    section, subsection, variable = setting.parts
    if not _SECTION.fullmatch(section) or not _VARIABLE.fullmatch(variable):
        raise ValueError(f"{setting.key!r} is no git setting; write section.variable or section.name.variable")
    if "\0" in setting.value or (subsection and re.search(r"[\n\0]", subsection)):
        raise ValueError(f"{setting.key!r} holds a character that git cannot store")


def render(settings: Iterable[GitSetting]) -> str:
    """Return the text of a configuration file that gives these settings, in this order."""
    lines = []
    for setting in settings:
        section, subsection, variable = setting.parts
        name = f' "{_escaped(subsection)}"' if subsection is not None else ""
        value = _escaped(setting.value).replace("\n", "\\n").replace("\t", "\\t")
        lines.append(f'[{section}{name}]\n\t{variable} = "{value}"\n')
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
