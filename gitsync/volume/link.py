"""The link that consumers follow: read it, and replace it in one step.

rename(2) replaces the link atomically, so it leads to one complete tree at every instant. Called by the worker's
thread; what only reads is called by others as well.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import PublishError, from_os_error
from gitsync.base.files import temporary_beside

# What the system answers where there is no link; EINVAL is for something else in its place. readlink(2)
_NO_LINK: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EINVAL, errno.ELOOP})
_CANNOT_LINK: Final = "the directory of --link has to be writable, and its file system has to have symbolic links"


class LinkPublisher:
    """Publishes by one symbolic link; a `Publisher`."""

    def __init__(self, link: Path) -> None:
        self.link = link

    def check(self) -> None:
        """Raise `PublishError` if something that is no link stands where the link has to be."""
        found = nolinks.status(self.link)
        if found and not stat.S_ISLNK(found.st_mode):
            raise PublishError(
                f"{self.link} is not a symbolic link",
                reason="link_blocked",
                hint="move it away, or choose another path with --link",
            )

    def current(self) -> Path | None:
        """Return the absolute path that the link leads to, None without a link; whether it exists is not looked at.

        Raises `OSError` where that cannot be found out.
        """
        try:
            target = os.readlink(self.link)
        except OSError as error:
            if error.errno in _NO_LINK:
                return None
            raise
        return Path(os.path.normpath(self.link.parent / target))

    def published_at(self) -> float | None:
        """Return when the link was made, as Unix time."""
        try:
            return self.link.lstat().st_mtime
        except OSError:
            return None

    def leads_to_tree(self) -> bool:
        """Say whether a consumer finds a directory behind the link, in two system calls.

        Raises `OSError` where that cannot be found out.
        """
        # Path.is_dir would take some of these errors for an answer, and not others.
        try:
            return stat.S_ISLNK(self.link.lstat().st_mode) and stat.S_ISDIR(self.link.stat().st_mode)
        except OSError as error:
            if error.errno in _NO_LINK:
                return False
            raise

    def publish(self, tree: Path) -> None:
        """Make the link lead to `tree`; raise `PublishError`, with the old link untouched."""
        self.check()
        target = os.path.relpath(tree, os.path.realpath(self.link.parent))
        temporary = temporary_beside(self.link)
        try:
            nolinks.make_directory(self.link.parent)
            nolinks.symlink(target, temporary)
            nolinks.rename(temporary, self.link)
        except OSError as error:
            told = from_os_error(error, doing=f"making the link {self.link}")
            hint = told.hint if told.reason == "no_space" else _CANNOT_LINK
            raise PublishError(str(told), reason=told.reason, hint=hint) from error
        finally:
            nolinks.unlink(temporary)

    def sweep(self) -> None:
        """Remove what a killed process left beside the link."""
        nolinks.sweep_temporaries(self.link)
