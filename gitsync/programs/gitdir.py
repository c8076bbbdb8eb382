"""The git directories that our git works with. They lie outside of the volume, and only data is linked into them.

Who may write to the volume could otherwise say which programs run beside our logins: by a configuration, a hook, or a
tree's metadata that leads to another store. So configuration, hooks and attributes are ours, and what git finds through
the links (objects, refs, trees' metadata) names no program. https://git-scm.com/docs/gitrepository-layout, and
`GIT_COMMON_DIR` in https://git-scm.com/docs/git. Called by the worker's thread.
"""

import re
import stat
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitError
from gitsync.config import GitSetting, render

# What is linked: git follows each of them, and `shallow` and `packed-refs` need not be there.
_DIRECTORIES: Final = ("objects", "refs", "worktrees")
_FILES: Final = ("packed-refs", "shallow")
# Where git writes below them.
_WRITTEN: Final = ("objects/pack", "objects/info", "refs/heads", "refs/gitsync")
# What may be believed of a configuration on the volume: none of it names a program, or a place.
_BELIEVED: Final = (
    "core.repositoryFormatVersion",
    "core.fileMode",
    "core.sharedRepository",
    "extensions.objectFormat",
    "extensions.partialClone",
    "remote.origin.promisor",
    "remote.origin.partialCloneFilter",
)
_SETTING: Final = re.compile(r'\s(\w{1,30}) = "?([A-Za-z0-9:=+._-]{1,100})"?\n')


class GitDirectories:
    """The private git directories of one repository's stores."""

    def __init__(self, home: Path) -> None:
        self._home = home / "stores"

    def configure(self, store: Path, configuration: str) -> None:
        """Give a store its configuration, in the form of git's own file; raise `OSError`."""
        directory = self._home / store.name
        directory.mkdir(parents=True, exist_ok=True)
        nolinks.write(directory / "config", configuration)

    def enter(self, store: Path, url: str) -> Path:
        """Return the git directory for a command on a store; raise `GitError` if the store leads elsewhere.

        A store that an earlier process has made is configured in the way that it was, for the remote at `url`.
        """
        _check(store)
        directory = self._home / store.name
        if not (directory / "config").exists():
            self.configure(store, _believed(store, url))
        if not (directory / "HEAD").exists():
            for name in (*_DIRECTORIES, *_FILES):
                (directory / name).symlink_to(store / name)
            (directory / "HEAD").write_text("ref: refs/heads/none\n")
        return directory

    def leave(self, store: Path) -> None:
        """Bring the store in line with what a command has done to its links; raise `OSError`."""
        directory = self._home / store.name
        for name in _FILES:
            # Git has removed it: a store that is not shallow any more has no such file.
            if not (directory / name).is_symlink():
                nolinks.remove(store / name)
                (directory / name).symlink_to(store / name)


def check_metadata(metadata: Path) -> None:
    """Raise `GitError` if the metadata of a tree, or what git writes in it, is a link to somewhere else."""
    for path in (metadata.parent, metadata, metadata / "gitsync-index", metadata / "info"):
        _refuse_link(path)


def _check(store: Path) -> None:
    for name in ("", *_DIRECTORIES, *_WRITTEN, *_FILES):
        _refuse_link(store / name)
    for path in nolinks.entries(store / "objects"):
        _refuse_link(path)
    for name in ("alternates", "http-alternates"):
        # A store of ours borrows no objects.
        nolinks.unlink(store / "objects" / "info" / name)


def _refuse_link(path: Path) -> None:
    found = nolinks.status(path)
    if found and stat.S_ISLNK(found.st_mode):
        message = f"{path} has become a link"
        raise GitError(message, reason="corrupt", hint="who else writes to the volume? Only our process may")


def _believed(store: Path, url: str) -> str:
    """Return the configuration of a store that is there already."""
    written = dict(_SETTING.findall(nolinks.read(store / "config") or ""))
    settings = [GitSetting("core.bare", "true"), GitSetting("remote.origin.url", url)]
    for key in _BELIEVED:
        value = written.get(key.rpartition(".")[2])
        if value:
            settings.append(GitSetting(key, value))
    return render(settings)
