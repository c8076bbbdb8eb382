"""The texts that are derived from the options: `--help`, `--man` and the Markdown reference. Pure functions."""

import textwrap

from gitsync.config.model import DEFAULT_PORT, GROUPS
from gitsync.config.option import Option, options_of

_WIDTH = 100

_INTRODUCTION = """\
gitsync keeps a copy of a git repository in a directory, for example on a volume that the containers of a pod
share. It follows the repository and publishes every revision at once, by replacing one symbolic link: whoever reads
through the link sees one complete revision, never half an update.

Setting --repo and --root is enough; in the image --root is /git, so that the environment variable GIT_REPO alone
will do.

Every option can be given as a flag or as an environment variable; the flag wins. Of two names of one option with
different values the older one counts, as in git-sync. That, and variables that are not known, is told in the log;
with --strict it stops the start. Durations are written as 250ms, 10s or 1m30s; booleans as true or false.

Several repositories are described in a file that --config names: the options of the group Process stand at its top,
all others in `defaults:` or in an entry of `repositories:`, under their names without dashes.
"""

_COMMANDS = (
    (
        "gitsync check [--json] [OPTION]...",
        "tries all that a gitsync with these options and variables needs, and says what to do about what fails",
    ),
    (
        "gitsync receiver-check PROVIDER [URL] [OPTION]...",
        "sends a running gitsync an event as PROVIDER would (github, gitlab and others), and explains the answer",
    ),
    ("gitsync trigger [URL] [OPTION]...", "has a running gitsync look at the remote now; can wait for the outcome"),
    ("gitsync pause [URL] [OPTION]...", "has it publish nothing for a while; what is published stays"),
    ("gitsync resume [URL] [OPTION]...", "has it go on"),
    ("gitsync status [URL] [--json]", "says what a running gitsync serves, and how it is; ends with 0 if it is ready"),
)
_OF_COMMANDS = """\
All but check ask a gitsync that runs: the one at URL or, without it, the one in this container, whose variables they
read (GITSYNC_RECEIVER_SECRET_FILE and others). `gitsync COMMAND --help` has the rest.
"""

_FILES = """\
ROOT/LINK                 symbolic link to what is published; the last part of its target is the full commit hash
ROOT/.worktrees/HASH/     published trees
ROOT/.gitsync/            the store: objects, locks and worktree metadata
ROOT/.repositories/NAME/  with --config the place of both, for each repository
"""

_HTTP = f"""\
/          503 until something is published, then 200
/healthz   200 while the worker does what it said it would, in time
/readyz    200 while the link leads to a complete tree
/metrics   Prometheus
/status    JSON: what is published, the last error with a hint, the next pass
/webhook   POST starts a pass; needs a secret
/sync      the same, by hand: with ?wait=30s the answer is the outcome
/pause     POST keeps what is published as it is, until POST /resume

The port is {DEFAULT_PORT} unless --http-bind says something else.
"""

_EXIT = """\
0   done: --one-time succeeded, or SIGTERM or SIGINT ended the process in order
1   the configuration cannot be used, or the limit of failures was reached
"""


_OTHER = ("-h, -?, --help  a summary of the options", "--man  the manual", "--version  the version")


def help_text() -> str:
    """Return what `--help` prints."""
    lines = ["Usage: gitsync --repo URL --root DIRECTORY [OPTION]...", "       gitsync --config FILE [OPTION]...", ""]
    lines.append("Publishes git repositories in a directory, and keeps them up to date.")
    lines += ["", "Commands:", *_commands(indent=2)]
    for title, model in GROUPS:
        lines += ["", f"{title}:"]
        for option in options_of(model):
            lines += _entry(option, indent=2, full=False)
    lines += ["", "Other:", *(f"  {line}" for line in _OTHER)]
    return "\n".join(lines) + "\n"


def man_text() -> str:
    """Return what `--man` prints."""
    lines = ["GITSYNC", "", *_indented(_INTRODUCTION), "", "OPTIONS"]
    for title, model in GROUPS:
        lines += ["", f"  {title}"]
        for option in options_of(model):
            lines += ["", *_entry(option, indent=4, full=True)]
    lines += ["", "  Other", "", *(f"    {line}" for line in _OTHER)]
    lines += ["", "COMMANDS", "", *_commands(indent=2), "", *_indented(_OF_COMMANDS)]
    for title, paragraphs in (("FILES", _FILES), ("HTTP", _HTTP), ("EXIT STATUS", _EXIT)):
        lines += ["", title, "", *_indented(paragraphs)]
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """Return the option reference of the documentation."""
    lines = [
        "# Options",
        "",
        "<!-- Written by scripts/docs from the declarations in gitsync/config; do not edit. -->",
        "",
    ]
    lines.append(_INTRODUCTION.partition("\n\n")[2].rstrip())
    for title, model in GROUPS:
        lines += ["", f"## {title}", "", "| option | environment | default | meaning |", "|---|---|---|---|"]
        lines += [_row(option) for option in options_of(model)]
    return "\n".join(lines) + "\n"


def _commands(*, indent: int) -> list[str]:
    return [line for usage, meaning in _COMMANDS for line in (f"{' ' * indent}{usage}", f"{' ' * indent}    {meaning}")]


def _indented(paragraphs: str) -> list[str]:
    return [f"  {line}".rstrip() for line in paragraphs.splitlines()]


def _spellings(option: Option) -> str:
    names = (
        []
        if option.spelling.env_only
        else [*([option.spelling.short] if option.spelling.short else []), f"{option.flag}={option.kind.placeholder}"]
    )
    return ", ".join(names)


def _default(option: Option) -> str:
    return option.default if option.default is not None else "required" if option.required else option.without


def _entry(option: Option, *, indent: int, full: bool) -> list[str]:
    margin = " " * indent
    head = ", ".join(part for part in (_spellings(option), f"${option.variables[0]}") if part)
    meaning = f"{option.help} Default: {_default(option)}." if _default(option) != "-" else option.help
    others = [f"${name}" for name in option.variables[1:]]
    others += [name for old in option.spelling.older for name in (old.flag, old.env and f"${old.env}") if name]
    if full and others:
        meaning += f" Other names: {', '.join(others)}."
    deeper = margin + "    "
    wrapped = textwrap.wrap(meaning, _WIDTH, initial_indent=deeper, subsequent_indent=deeper, break_on_hyphens=False)
    return [margin + head, *wrapped]


def _row(option: Option) -> str:
    flags = [_spellings(option)] if _spellings(option) else []
    flags += [old.flag for old in option.spelling.older if old.flag]
    variables = [*option.variables, *(old.env for old in option.spelling.older if old.env)]
    cells = [_code(flags), _code(variables), _default(option), option.help]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(words: list[str]) -> str:
    return "<br>".join(f"`{word}`" for word in words) or "-"
