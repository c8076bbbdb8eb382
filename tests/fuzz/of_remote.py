"""What servers send, and what git, ssh-keygen and gpg print."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from gitsync.base.errors import CredentialError, GitSyncError, classify
from gitsync.base.log import get_logger
from gitsync.base.printable import printable, printable_name
from gitsync.base.redact import Secret, forget, scrub, scrub_value
from gitsync.base.retryafter import seconds_until
from gitsync.base.written import entries
from gitsync.credentials import askpass, github_app
from gitsync.programs.gitcmd import Git, Output
from gitsync.programs.gitfailure import failure
from gitsync.programs.gitversion import ask_version
from gitsync.programs.signatures import _of_gpg, _of_ssh
from gitsync.remote.choice import Choice
from gitsync.remote.likely import nearest, shown
from gitsync.remote.listing import lines_of
from gitsync.remote.lsrefs import answer
from gitsync.remote.progress import Overheard
from tests.fuzz.target import Target, halves, text_of
from tests.unit.examples import repo_config

_SECRET: Final = "correct-horse-battery"
_CHOICES: Final = tuple(
    Choice(repo_config(*options).followed)
    for options in (("--ref-pattern=v*",), ("--ref-semver=>=1 <3",), ("--ref-pattern=refs/heads/*-[0-9]*",))
)


def refs(data: bytes, scratch: Path) -> None:
    """Read the answer to the cheap question."""
    for value, name in answer(data):
        assert "\n" not in value + name


def listing(data: bytes, scratch: Path) -> None:
    """Read what `git ls-remote` prints, and choose of it."""
    names = [name for _, name in lines_of(data)]
    for choice in _CHOICES:
        look = choice.look()
        look.take_block(data)
        look.found()
    assert "\n" not in shown(nearest("refs/heads/main", names, most=3))


def progress(data: bytes, scratch: Path) -> None:
    """Listen to a fetch; what is told are numbers and one of a few words."""
    told: list[Any] = []
    overheard = Overheard(told.append, get_logger(repo="x"))
    for part in halves(data):
        overheard.add(part)
    assert all(each.objects >= 0 and each.phase.isprintable() for each in told)
    assert overheard.kept()[-100:] == data[-100:]


def words(data: bytes, scratch: Path) -> None:
    """Make an error of what git prints, and take secrets out."""
    text = text_of(data)
    assert classify(text)
    told = str(failure("git fetch (x)", text, 128, url="https://h/x.git", store=None, on_files=True))
    assert len(told) < 1000
    assert printable(printable(text)) == printable(text)
    assert printable_name(text).isprintable()
    secret = Secret(_SECRET)
    try:
        at = len(text) // 2
        assert _SECRET not in scrub(f"{text[:at]}{_SECRET}{text[at:]}")
        assert _SECRET not in str(scrub_value({"a": [f"{text}{_SECRET}"]}))
        assert "p4ss-4711" not in scrub(f"{text} https://user:p4ss-4711@host/ {text}")
    finally:
        forget(secret)


def version(data: bytes, scratch: Path) -> None:
    """Read what git says of its version."""
    git = SimpleNamespace(run=lambda *arguments, **options: Output(data, "", 0))
    assert ask_version(cast(Git, git))


def signature(data: bytes, scratch: Path) -> None:
    """Read what programs say of a signature; nobody signs with a line of a text."""
    told = list(entries(text_of(data)))
    for found in (_of_gpg(told), _of_ssh(told)):
        assert str(found)


def token(data: bytes, scratch: Path) -> None:
    """Read the answers of those who give logins."""
    askpass._parse(data)
    github_app._message(data)
    found, _ = github_app._parse(data, "host", now=1_700_000_000.0)
    assert found


def wait(data: bytes, scratch: Path) -> None:
    """Read for how long a server wants to be left alone."""
    written, _, date = text_of(data).partition("\n")
    found = seconds_until(written, date=date)
    assert found is None or 0 <= found < float("inf")


TARGETS: Final = (
    Target("ls-refs", refs, (ValueError,)),
    Target("ls-remote", listing),
    Target("progress", progress),
    Target("words-of-git", words),
    Target("git-version", version, (GitSyncError,)),
    Target("signature", signature),
    Target("login-answer", token, (CredentialError,)),
    Target("retry-after", wait),
)
