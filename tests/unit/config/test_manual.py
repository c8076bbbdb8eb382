"""The texts that are derived from the options."""

import re

import pytest

from gitsync.config import manual
from gitsync.config.model import GROUPS, all_options
from gitsync.config.option import Option

OPTIONS = pytest.mark.parametrize("option", all_options(), ids=lambda option: str(option.name))
HELP, MAN, MARKDOWN = manual.help_text(), manual.man_text(), manual.markdown()
ROWS = [line for line in MARKDOWN.splitlines() if line.startswith("| ") and not line.startswith("| option")]


def _heads(text: str) -> list[str]:
    """Return the lines that introduce an option: its spellings and variables."""
    return [line.strip() for line in text.splitlines() if re.match(r" +(-.*, )?(--[a-z-]+=.*, )?\$GITSYNC_", line)]


def _row(option: Option) -> list[str]:
    """Return the cells of the option's only row."""
    (row,) = (row for row in ROWS if f"`{option.variables[0]}`" in row)
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


@OPTIONS
def test_in_help(option: Option) -> None:
    """Every option has one entry in --help, with its default."""
    (head,) = (head for head in _heads(HELP) if head.endswith(f"${option.variables[0]}"))
    assert (f"{option.flag}=" in head) is not option.spelling.env_only
    assert len(_heads(HELP)) == len(all_options())


@OPTIONS
def test_in_man(option: Option) -> None:
    """Every option has one entry in --man, with all of its names."""
    entries = [head for head in _heads(MAN) if f"${option.variables[0]}" in re.split(", ?", head)]
    assert len(entries) == 1
    assert all(re.search(rf"\${name}\b", MAN) for name in option.variables)
    assert len(_heads(MAN)) == len(all_options())


@OPTIONS
def test_in_markdown(option: Option) -> None:
    """Every option has one row in the reference, with all of its names, its default and its meaning."""
    flags, variables, default, meaning = _row(option)
    assert (f"{option.flag}=" in flags) is not option.spelling.env_only
    older = [name for old in option.spelling.older for name in (old.flag, old.env) if name]
    assert all(f"`{name}`" in flags + variables for name in [*option.variables, *older])
    assert default == (option.default or ("required" if option.required else option.without))
    assert meaning.replace("\\|", "|") == option.help
    assert len(ROWS) == len(all_options())


def test_older_names() -> None:
    """The older names stand in --man and not in --help."""
    older = [name for option in all_options() for old in option.spelling.older for name in (old.flag, old.env) if name]
    assert {"--wait", "--dest", "--timeout", "--branch", "--rev", "GIT_SYNC_BRANCH"} <= set(older)
    words = set(re.findall(r"[\w-]+", MAN))
    assert set(older) <= words
    assert not set(older) & set(re.findall(r"[\w-]+", HELP))


def test_cells() -> None:
    """A pipe in a cell is escaped, so that every row has its four cells."""
    assert all(len(re.split(r"(?<!\\)\|", row)) == 6 for row in ROWS)
    assert any("auto\\|json\\|console" in row for row in ROWS)


def test_groups() -> None:
    """The groups are headings in each of the texts."""
    for title, _ in GROUPS:
        assert f"\n{title}:\n" in HELP
        assert f"\n  {title}\n" in MAN
        assert f"\n## {title}\n" in MARKDOWN


@pytest.mark.parametrize("text", [HELP, MAN], ids=["help", "man"])
def test_form(text: str) -> None:
    """The texts end in one line break, have no trailing blanks, and fit a terminal of 120 columns."""
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert all(len(line) <= 120 and line == line.rstrip() for line in text.splitlines())


def test_secret_option() -> None:
    """Secrets are environment variables only, because others can see a process's arguments."""
    only = [option.name for option in all_options() if option.spelling.env_only]
    assert only == ["password", "github_app_private_key", "receiver_secret"]
    assert all(option.secret for option in all_options() if option.spelling.env_only)
    assert "--receiver-secret=" not in HELP + MAN + MARKDOWN


@pytest.mark.parametrize("flag", ["--help", "--man", "--version"])
def test_print_flags(flag: str) -> None:
    """The flags that print something are in --help and --man too."""
    assert all(f"{flag}  " in text for text in (HELP, MAN))
