"""The same work done by plain git: the commands that somebody would type who keeps a tree up to date by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.meters import Peak, Spent, spend
from tests.support.git import git_environment

NAME = "git"


@dataclass(frozen=True)
class PlainGit:
    """A repository and a tree in a directory, of a remote that may have submodules.

    `environment` are the variables that it is reached with.
    """

    url: str
    directory: Path
    submodules: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def probe(self, *, trace: Path | None = None) -> Spent:
        """Ask the remote what it has."""
        return self._spend([["git", "ls-remote", "--quiet", "--symref", "--", self.url, "HEAD"]], trace=trace)

    def publish(self, *, peak: Peak | None = None) -> Spent:
        """Fetch one commit into a new repository and check it out."""
        self.directory.mkdir(parents=True)
        commands = [
            ["git", "init", "--quiet", "--bare", str(self._store)],
            self._fetch(),
            [*self._git(), "reset", "--quiet", "--hard", "refs/kept"],
            *self._update_submodules(),
        ]
        self._tree.mkdir()
        return self._spend(commands, peak=peak)

    def update(self, *, trace: Path | None = None) -> Spent:
        """Bring the tree to what the remote has now."""
        commands = [
            self._fetch(),
            [*self._git(), "reset", "--quiet", "--hard", "refs/kept"],
            *self._update_submodules(),
            [*self._git(), "clean", "--quiet", "-ffdx"],
        ]
        return self._spend(commands, trace=trace)

    def which(self) -> Spent:
        """Say which commit is checked out."""
        return self._spend([[*self._git(), "rev-parse", "--verify", "HEAD"]])

    def compare(self) -> Spent:
        """Compare the files with the commit."""
        return self._spend([[*self._git(), "status", "--porcelain", "--untracked-files=no"]])

    @property
    def _store(self) -> Path:
        return self.directory / "store.git"

    @property
    def _tree(self) -> Path:
        return self.directory / "tree"

    def _git(self) -> list[str]:
        return ["git", f"--git-dir={self._store}", f"--work-tree={self._tree}"]

    def _fetch(self) -> list[str]:
        options = ["--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        return ["git", f"--git-dir={self._store}", "fetch", *options, "--", self.url, "+main:refs/kept"]

    def _update_submodules(self) -> list[list[str]]:
        if not self.submodules:
            return []
        settings = ["-c", "protocol.file.allow=always", "-c", f"remote.origin.url={self.url}"]
        update = ["submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"]
        return [["git", "-C", str(self._tree), f"--git-dir={self._store}", "--work-tree=.", *settings, *update]]

    def _spend(
        self, commands: Sequence[Sequence[str]], *, trace: Path | None = None, peak: Peak | None = None
    ) -> Spent:
        environment = {**git_environment(), **self.environment}
        if trace:
            environment["GIT_TRACE2_EVENT"] = str(trace)
        return spend(commands, environment=environment, peak=peak)
