"""Runs git, through GitPython's command layer, for one repository.

Every command has a deadline, runs in a process group of its own that is ended whole, sees only an environment and a
configuration of ours, and fails with a scrubbed error that has a stable reason. `run` is called by the worker's thread;
`cancel` and `kill` by the main thread; `interrupt` by any.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitError, GitTimeout
from gitsync.base.log import COMMANDS, OUTPUT, get_logger
from gitsync.base.redact import scrub
from gitsync.config import TRANSPORTS, RepoConfig, transport
from gitsync.programs.filesize import limit_files
from gitsync.programs.gitdir import GitDirectories
from gitsync.programs.gitfailure import Work, failure, was_killed
from gitsync.programs.masters import Masters
from gitsync.programs.planted import clear_metadata, clear_pipes
from gitsync.programs.process import LARGEST, CancelledError, Children, Ended, MadeWayError, Process, Sinks

_SHOWN: Final = 65536
# Commands that do nothing without the remote.
_REMOTE: Final = ("ls-remote", "fetch")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which repository a command works on: a store of ours, a tree with its metadata in one, or any git directory.

    `remote` is the URL that it is called by in messages, if not by the main one, `largest` how many bytes a file may
    have that is written there, None if any number.
    """

    store: Path | None = None
    git_dir: Path | None = None
    work_tree: Path | None = None
    index: Path | None = None
    remote: str | None = None
    largest: int | None = None

    def environment(self, common: Path | None) -> dict[str, str]:
        """Return the variables that point git there; `common` is the private git directory of the store."""
        found = {
            "GIT_DIR": self.git_dir or common,
            "GIT_COMMON_DIR": common if self.git_dir else None,
            "GIT_WORK_TREE": self.work_tree,
            "GIT_INDEX_FILE": self.index,
        }
        return {name: str(path) for name, path in found.items() if path is not None}


@dataclass(frozen=True)
class Output:
    """What a command printed, and the status that it ended with; names of files are in `raw` as they are."""

    raw: bytes
    stderr: str
    status: int

    @property
    def records(self) -> list[str]:
        """What a command printed with `-z`; file names may be no valid text, and go back to the system as they were."""
        return [os.fsdecode(record) for record in self.raw.split(b"\0") if record]

    @property
    def stdout(self) -> str:
        """The output as text, whatever its bytes are."""
        return self.raw.decode(errors="replace")


class Logins(Protocol):
    """What git needs to know of logins."""

    def environment(self) -> Mapping[str, str]:
        """Return the variables for the next command."""

    @property
    def generation(self) -> int:
        """A number that grows whenever a login has changed."""

    def take_login(self, url: str) -> str:
        """Return a URL without its login, which git is given in another way."""


class Git:
    """The git of one repository."""

    def __init__(
        self,
        repo: RepoConfig,
        *,
        home: Path,
        configuration: Path,
        credentials: Logins,
    ) -> None:
        """Run with a private home and configuration, and log in with `credentials`."""
        self._program = repo.git.git
        self._url = repo.repo
        self.home = home
        self._environment = _environment(repo, home=home, configuration=configuration)
        self._credentials = credentials
        self._log = get_logger(repo=repo.name)
        self.directories = GitDirectories(home)
        # Other programs that work on the volume run among them, and end with them.
        self.children = Children()
        self.masters = Masters(repo, home / "s")
        self.inherited: tuple[int, ...] = ()

    def run(
        self,
        arguments: Sequence[str],
        *,
        deadline: float,
        place: Place | None = None,
        accept: Callable[[int], bool] = lambda status: status == 0,
        sinks: Sinks | None = None,
        idle: bool = False,
    ) -> Output:
        """Run `git ARGUMENTS` until the deadline (monotonic seconds) and return its output.

        An output that grows with the repository needs a sink that keeps what matters of it; without one it is
        limited: no command of ours prints more, and a server, or a commit, that makes git do so is refused. `idle`
        gives it a low priority, and lets `interrupt` end it. Raises `GitError`, also for a status not accepted.
        """
        started = time.monotonic()
        command = next(word for word in arguments if not word.startswith("-") and "=" not in word)
        url = place.remote if place and place.remote else self._url
        tried = f"git {command} ({scrub(url)})"
        if command in _REMOTE:
            deadline = self._connect(url, command, deadline)
        with _naming(place):
            ended = self._wait(arguments, place, tried, deadline=deadline, sinks=sinks or Sinks(), idle=idle)
            output = Output(ended.stdout, ended.stderr.decode(errors="replace"), ended.status)
            self._log_command(arguments, output, time.monotonic() - started)
            if was_killed(output.status) or not accept(output.status):
                self._raise_if_cancelled(tried)
                store, files = (place.store, place.work_tree) if place else (None, None)
                at: Work = "remote" if command in _REMOTE else "files" if files else "objects"
                raise failure(tried, output.stderr, output.status, url=url, store=store, at=at)
        if command in _REMOTE:
            self.masters.reached(url)
        return output

    def _connect(self, url: str, command: str, deadline: float) -> float:
        """Have a kept connection of ssh ready, where there should be one; return the deadline for the command."""
        logins = self._credentials
        kept = self.masters.prepare(url, logins.environment(), generation=logins.generation, deadline=deadline)
        # If a question hangs there is time to put it once more, over another connection. A fetch may need all of it.
        return (time.monotonic() + deadline) / 2 if kept and command == "ls-remote" else deadline

    def _wait(
        self, arguments: Sequence[str], place: Place | None, tried: str, *, deadline: float, sinks: Sinks, idle: bool
    ) -> Ended:
        """Run a command to its end; `tried` is what it is called in errors."""
        variables = self._enter(place) if place else {}
        try:
            with self._failures_of(tried, place.work_tree if place else None):
                return self.children.run(
                    lambda: self._start(arguments, variables, tried, place.largest if place else None),
                    deadline=deadline,
                    sinks=sinks,
                    idle=idle,
                )
        finally:
            if place and place.store:
                self.directories.leave(place.store)

    @contextlib.contextmanager
    def _failures_of(self, tried: str, files: Path | None) -> Iterator[None]:
        """Turn what ends a child early, at work on some files, into a `GitError`."""
        started = time.monotonic()
        try:
            yield
        except CancelledError:
            raise _cancelled(tried) from None
        except MadeWayError:
            raise GitCancelled(f"{tried}: ended, as a pass is due") from None
        except TimeoutError:
            self._raise_if_cancelled(tried)
            clear_pipes(files)
            raise GitTimeout(f"{tried}: not done after {time.monotonic() - started:.1f}s") from None
        except OverflowError:
            reason = "remote_error" if tried.split()[1] in _REMOTE else "bad_commit"
            raise GitError(f"{tried}: the answer is larger than {LARGEST} bytes", reason=reason) from None

    def take_login(self, url: str) -> str:
        """Return a URL without its login: everybody could read it in the arguments of a command."""
        return self._credentials.take_login(url)

    def cancel(self) -> None:
        """End what runs, politely, and refuse to start more. Called by the main thread at shutdown."""
        self.children.cancel()
        self.masters.cancel()

    def kill(self) -> None:
        """End what still runs, at once."""
        self.children.kill()
        self.masters.cancel()

    def interrupt(self) -> None:
        """End what runs at low priority: a pass is due. Called by whoever starts one."""
        self.children.interrupt()

    def _enter(self, place: Place) -> dict[str, str]:
        """Make sure that a place is as we left it, and return the variables that point git there."""
        if place.store is None:
            return place.environment(None)
        if place.git_dir:
            clear_metadata(place.git_dir)
        if place.work_tree and not nolinks.is_directory(place.work_tree):
            raise GitError(f"{place.work_tree} is no directory, or is reached through a link", reason="corrupt")
        return place.environment(self.directories.enter(place.store, place.remote or self._url))

    def _raise_if_cancelled(self, tried: str) -> None:
        if self.children.cancelled:
            raise _cancelled(tried)

    def _start(
        self, arguments: Sequence[str], variables: Mapping[str, str], tried: str, largest: int | None
    ) -> Process:
        # Here, because the import takes long, and a process that has something published already is to serve before it.
        from git.cmd import Git as CommandLayer
        from git.exc import GitCommandNotFound

        environment = {**self._environment, **self.masters.lead(self._credentials.environment()), **variables}
        try:
            wrapper = CommandLayer(str(self.home)).execute(
                [self._program, *arguments],
                as_process=True,
                env=environment,
                start_new_session=True,
                pass_fds=self.inherited,
                # What waits for input begins when that is closed, or written.
                istream=subprocess.PIPE,
                restore_signals=not largest,
            )
        except GitCommandNotFound:
            message = f"{tried}: the program {self._program!r} was not found"
            raise GitError(message, reason="git_missing") from None
        except OSError as error:
            raise GitError(f"{tried}: {error.strerror}: {self._program!r}", reason="git_missing") from None
        process: Process = wrapper.proc  # type: ignore[assignment]
        # From here on the process is ours to end; the wrapper would end git alone, without its helpers.
        wrapper.proc = None
        if largest:
            limit_files(process, largest, tried)
        return process

    def _log_command(self, arguments: Sequence[str], output: Output, seconds: float) -> None:
        command = " ".join([self._program, *arguments])
        self._log.info("git_command", v=COMMANDS, command=command, status=output.status, duration=round(seconds, 4))
        if output.stdout or output.stderr:
            # What is secret has to go while it is whole.
            stdout, stderr = scrub(output.stdout)[:_SHOWN], scrub(output.stderr)[:_SHOWN]
            self._log.info("git_output", v=OUTPUT, stdout=stdout, stderr=stderr)


def _environment(repo: RepoConfig, *, home: Path, configuration: Path) -> dict[str, str]:
    """Return what is added to the inherited variables, which `__main__` has cut down to an allow-list."""
    local = ["file"] if transport(repo.repo) == "file" else []
    return {
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": ":".join([*TRANSPORTS, *local]),
        "GIT_CEILING_DIRECTORIES": str(home.parent),
        "GIT_OPTIONAL_LOCKS": "0",
        # What a commit holds is not what somebody else says instead of it.
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


@contextlib.contextmanager
def _naming(place: Place | None) -> Iterator[None]:
    """Have errors name the store, and the tree, that git was at work on."""
    try:
        yield
    except GitError as error:
        if place:
            error.store, error.metadata = place.store, place.git_dir
        raise


def _cancelled(tried: str) -> GitCancelled:
    return GitCancelled(f"{tried}: ended, as work on its repository is to end")
