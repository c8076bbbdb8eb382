"""The door for names and texts that others have chosen: a remote's refs, a server's words, a repository's file names.

What a terminal would act upon, and what does not show or turns a line around, is written as an escape of Python's. Pure
functions.
"""

from typing import Final

_LONGEST_NAME: Final = 255
_LAYOUT: Final = "\n\t"


def printable(text: str) -> str:
    """Return a text with line breaks and tabs as they are, and every other unprintable character escaped."""
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_name(name: str) -> str:
    """Return a name on one line, fit to be a label: escaped, and cut off where it is too long for one."""
    shown = printable(name[:_LONGEST_NAME]).replace("\n", "\\n").replace("\t", "\\t")
    return shown if len(name) <= _LONGEST_NAME else f"{shown}…"


def _shown(character: str) -> str:
    if character in _LAYOUT or character.isprintable():
        return character
    return character.encode("unicode_escape").decode()
