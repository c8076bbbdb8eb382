"""What servers send, and what git, ssh-keygen and gpg print."""

import contextlib
import io
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from gitsync.base.errors import CheckoutError, CredentialError, FetchError, GitSyncError, classify
from gitsync.base.fetchurl import Answer, Cancellation, fetch
from gitsync.base.kept import KeptConnection
from gitsync.base.log import get_logger
from gitsync.base.printable import printable, printable_name
from gitsync.base.redact import Secret, forget, scrub, scrub_value
from gitsync.base.retryafter import seconds_until
from gitsync.base.written import entries
from gitsync.checks.check import NotNeededError
from gitsync.checks.network import compared
from gitsync.commands.status import read
from gitsync.commands.words import report
from gitsync.credentials import askpass, github_app
from gitsync.programs.gitcmd import Git, Output
from gitsync.programs.gitfailure import failure
from gitsync.programs.gitversion import ask_version
from gitsync.programs.lfs import ask_lfs_version
from gitsync.programs.signatures import _of_gpg, _of_ssh
from gitsync.remote.choice import Choice
from gitsync.remote.likely import nearest, shown
from gitsync.remote.listing import lines_of
from gitsync.remote.lsrefs import answer
from gitsync.remote.progress import Overheard
from gitsync.volume.modules import Modules
from gitsync.volume.tree import Tree
from tests.fuzz.target import Target, halves, text_of
from tests.support.stall import CHUNK, TcpServer
from tests.unit.examples import repo_config

# Seconds.
_PATIENCE: Final = 5.0
_SECRET: Final = "correct-horse-battery"
_LINK: Final = b"160000 commit %s\tlib\0" % (b"a" * 40)
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
    told = str(failure("git fetch (x)", text, 128, url="https://h/x.git", store=None, at="files"))
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


def modules(data: bytes, scratch: Path) -> None:
    """Read what git says of `.gitmodules`; no URL of it is an option, or a local path, and no place is elsewhere."""

    def run(command: Sequence[str], **options: object) -> Output:
        return Output(_LINK if command[0] == "ls-tree" else data, "", 0)

    tree = Tree(path=scratch, metadata=scratch / "metadata")
    (scratch / ".gitmodules").touch()
    (link,) = Modules(cast(Git, SimpleNamespace(run=run)), ()).links(tree, "https://h/x.git", deadline=0.0)
    assert link.path == "lib"
    assert link.url is None or not link.url.startswith(("-", "/", "file:"))


def version(data: bytes, scratch: Path) -> None:
    """Read what git says of its version."""
    git = cast(Git, SimpleNamespace(run=lambda *arguments, **options: Output(data, "", 0)))
    with contextlib.suppress(GitSyncError):
        assert ask_lfs_version(git)
    assert ask_version(git)


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


def clock(data: bytes, scratch: Path) -> None:
    """Compare the time that a server tells with ours."""
    assert compared(text_of(data), 1_790_000_000.0).message


def status(data: bytes, scratch: Path) -> None:
    """Read what another gitsync, or whoever answers in its place, says of itself."""
    assert read(Answer(200, data), now=1_790_000_000.0) is None or b"repos" in data
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        report(Answer(200, data), {200: 0}, line=lambda told: str(told["repo"]))


class _Speaker(TcpServer):
    """Says one thing to everybody, and hangs up."""

    def __init__(self, said: bytes) -> None:
        super().__init__()
        self._said = said

    def serve(self, connection: socket.socket) -> None:
        """Hear the question, and say it."""
        connection.recv(CHUNK)
        connection.sendall(self._said)


def http(data: bytes, scratch: Path) -> None:
    """Ask a server that says anything at all, once, and over a connection that is kept."""
    with _Speaker(data) as server:
        kept = KeptConnection(f"{server.url}/x", None, Cancellation())
        try:
            for ask in (partial(fetch, f"{server.url}/x"), partial(kept.post, headers={}, body=b"x")):
                with contextlib.suppress(FetchError):
                    assert 0 <= ask(timeout=_PATIENCE).status < 1000
        finally:
            kept.close()


TARGETS: Final = (
    Target("ls-refs", refs, (ValueError,)),
    Target("ls-remote", listing),
    Target("progress", progress),
    Target("words-of-git", words),
    Target("gitmodules", modules, (CheckoutError,)),
    Target("git-version", version, (GitSyncError,)),
    Target("signature", signature),
    Target("login-answer", token, (CredentialError,)),
    Target("retry-after", wait),
    Target("clock", clock, (NotNeededError,)),
    Target("status", status),
    Target("http-answer", http),
)
