"""The git directories that our git works with. They lie outside of the volume, and only data is linked into them.

Who may write to the volume could otherwise say which programs run beside our logins: by a configuration, a hook, or a
tree's metadata that leads to another store. So configuration, hooks and attributes are ours, and what git finds through
the links (objects, refs, trees' metadata) names no program. https://git-scm.com/docs/gitrepository-layout, and
`GIT_COMMON_DIR` in https://git-scm.com/docs/git. Called by the worker's thread.
"""

import re
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.config import GitSetting, render
from gitsync.programs.planted import Looks, clear_store

# What is linked: git follows each of them, and `shallow` and `packed-refs` need not be there.
_DIRECTORIES: Final = ("objects", "refs", "worktrees")
_FILES: Final = ("packed-refs", "shallow")
# What is believed of a configuration on the volume, if it has one of the values that we give it: no program, no place.
_BELIEVED: Final = {
    "core.repositoryFormatVersion": ("0", "1"),
    "core.fileMode": ("true", "false"),
    "core.sharedRepository": ("group", "umask"),
    "extensions.objectFormat": ("sha256",),
    "extensions.partialClone": ("origin",),
    "remote.origin.promisor": ("true", "false"),
}
_FILTER: Final = "remote.origin.partialCloneFilter"
_SETTING: Final = re.compile(r'\s(\w{1,30}) = "?([A-Za-z0-9:=+._-]{1,100})"?\n')


class GitDirectories:
    """The private git directories of one repository's stores."""

    def __init__(self, home: Path) -> None:
        self._home = home / "stores"
        self._looks: dict[Path, Looks] = {}

    def configure(self, store: Path, configuration: str) -> None:
        """Give a store its configuration, in the form of git's own file; raise `OSError`."""
        directory = self._home / store.name
        directory.mkdir(parents=True, exist_ok=True)
        nolinks.write(directory / "config", configuration)

    def enter(self, store: Path, url: str) -> Path:
        """Return the git directory for a command on a store; what leads elsewhere in it is removed. Raises `OSError`.

        A store that an earlier process has made is configured in the way that it was, for the remote at `url`.
        """
        clear_store(store, self._looks.setdefault(store, Looks()))
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


def _believed(store: Path, url: str) -> str:
    """Return the configuration of a store that is there already."""
    written = dict(_SETTING.findall(nolinks.read(store / "config") or ""))
    settings = [GitSetting("core.bare", "true"), GitSetting("remote.origin.url", url)]
    for key in (*_BELIEVED, _FILTER):
        value = written.get(key.rpartition(".")[2])
        if value and value in _BELIEVED.get(key, (value,)):
            settings.append(GitSetting(key, value))
    return render(settings)
