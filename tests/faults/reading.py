"""A reader of what is published: it resolves the link once, reads all that is there, and asks which commit that is."""

import contextlib
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from gitsync.base.files import TEMPORARY_SUFFIX
from gitsync.volume.inplace import MARKER
from tests.support.commits import Commits
from tests.support.tree import HASH, tree_entries


@dataclass(frozen=True)
class Seen:
    """What a look has shown: the commits that the files are of, or what is wrong; neither if nothing is there."""

    commits: frozenset[str] = frozenset()
    problem: str | None = None


@dataclass
class Sight:
    """Looks at what is published in one of the forms; any thread may.

    `kept` is for how many seconds readers are promised the tree that the link has left. What is wrong with one that was
    left counts for that long only.
    """

    link: Path
    commits: Commits
    form: str = "symlink"
    kept: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> Seen:
        """Look once."""
        with self._lock:
            return self._look_in_place() if self.form == "inplace" else self._look_behind()

    def _look_behind(self) -> Seen:
        """Look at what is replaced as a whole."""
        began, place = time.monotonic(), self._place()
        if place is None:
            return Seen()
        problem, found = None, frozenset[str]()
        try:
            descriptor = os.open(self.link.parent / place[0], os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            problem = f"{self.link} -> {place[0]}: {error.strerror}"
        else:
            try:
                found, problem = self._read(Path(f"/proc/self/fd/{descriptor}"), self._promise(place[0]))
            except OSError as error:
                problem = f"{self.link} -> {place[0]}: {error}"
            finally:
                os.close(descriptor)
        if problem and time.monotonic() - began > self.kept and self._place() != place:
            return self._look_behind()
        return Seen(found, problem)

    def _place(self) -> tuple[str, int] | None:
        """Return what the link says, or itself if it is none, and which directory that is; None if nothing is there."""
        try:
            target = os.readlink(self.link)
        except FileNotFoundError:
            return None
        except OSError:
            target = self.link.name
        try:
            return target, (self.link.parent / target).stat().st_ino
        except OSError:
            return (target, 0) if os.path.lexists(self.link) else None

    def _promise(self, target: str) -> str | None:
        """Return the commit that a link names."""
        # Version 3 of git-sync writes something before it.
        named = [part for part in target.replace("rev-", "").split("/") if HASH.fullmatch(part)]
        return named[-1] if named and self.form == "symlink" else None

    def _read(self, directory: Path, promised: str | None) -> tuple[frozenset[str], str | None]:
        entries = tree_entries(directory, list(self.commits.submodules))
        commits = self.commits.of(entries, promised=promised)
        if promised:
            commits &= {promised}
        elif self.form == "symlink":
            return frozenset(), f"{self.link} -> {os.readlink(self.link)} names no commit"
        return frozenset(commits), None if commits else f"torn: {self.commits.explain(entries, promised)}"

    def _look_in_place(self) -> Seen:
        """Look at files that are replaced one by one: each is whole, and so are all while the marker stays."""
        before = self._marker()
        if not self.link.is_dir():
            return Seen()
        try:
            entries = tree_entries(self.link)
        except OSError:
            entries = {}
        ours = {
            path: entry
            for path, entry in entries.items()
            if path != os.fsencode(MARKER) and not path.endswith(TEMPORARY_SUFFIX.encode()) and "directory" not in entry
        }
        torn = [path for path, entry in ours.items() if not self.commits.has_file(path, entry)]
        if torn:
            return Seen(problem=f"no file of any commit: {torn[:5]}")
        if before is None or self._marker() != before:
            return Seen()
        commits = self.commits.of(ours) & {before}
        return Seen(frozenset(commits), None if commits else f"torn: {self.commits.explain(ours, before)}")

    def _marker(self) -> str | None:
        with contextlib.suppress(OSError, ValueError):
            return str(json.loads((self.link / MARKER).read_text())["commit"])
        return None
