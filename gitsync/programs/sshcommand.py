"""Whether a command for ssh is one whose connection can be shared. A pure function."""

import getopt
import re
import shlex
from pathlib import PurePath
from typing import Final

# What ssh takes (https://man.openbsd.org/ssh), and of it what says only how the server is reached.
_TAKEN: Final = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"
_HARMLESS: Final = frozenset("46abcikmlopqvxACBFIJKTXYy")
# Settings for one who uses the connection alone.
_HARMFUL: Final = re.compile(
    r"control\w*|remotecommand|sessiontype|(permit)?localcommand|(local|remote|dynamic)forward|forkafter\w*|tunnel\w*",
    re.IGNORECASE,
)
_VARIABLE: Final = re.compile(r"\w+=.*", re.DOTALL)
_IN_QUOTES: Final = re.compile(r"'[^']*'")
_OF_THE_SHELL: Final = re.compile(r"[$`;&|<>(){}*?\[\n]")


def sharing_obstacle(command: str) -> str | None:
    """Return why the connection of a command, as it is written for the shell, is not shared; None if it may be."""
    try:
        if _OF_THE_SHELL.search(_IN_QUOTES.sub("", command)):
            return "the command for ssh is a script"
        words = shlex.split(command)
        while words and _VARIABLE.fullmatch(words[0]):
            del words[0]
        if not words or PurePath(words[0]).name != "ssh":
            return "the command for ssh is another program"
        options, rest = getopt.getopt(words[1:], _TAKEN)
    except (ValueError, getopt.GetoptError):
        return "the command for ssh cannot be read"
    if rest or any(name[1] not in _HARMLESS for name, _ in options):
        return "the command for ssh has other options than those that say how to reach a server"
    settings = [re.split(r"[=\s]", value.strip(), maxsplit=1)[0] for name, value in options if name == "-o"]
    if harmful := next(filter(_HARMFUL.fullmatch, settings), None):
        return f"the command for ssh sets {harmful}"
    return None
