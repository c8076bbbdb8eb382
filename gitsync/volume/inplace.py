"""The content itself in a directory that stays the same one, for mounts of a `subPath` and others of one inode.

The update is not one step: a reader that opens two files may get an old and a new one. So a marker in the directory
says that it is whole, and of which commit; it is gone while files get their names. Files that stay the same are left
alone, and files of others too.

In a directory of ours on the volume it is noted what we have placed, and, before anything changes, what an update is
about to place (`inplace_record`): the next start goes on from there. Called by the worker's thread; what only reads is
called by others as well.
"""

import contextlib
import hashlib
import json
import math
import os
import secrets
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import PublishError, PublishVetoed, from_os_error
from gitsync.base.files import TEMPORARY_SUFFIX, past_time
from gitsync.base.log import get_logger
from gitsync.config import STORE_DIRECTORY, TREES_DIRECTORY, is_full_hash
from gitsync.volume.inplace_moves import Moves, sweep
from gitsync.volume.inplace_plan import Planner
from gitsync.volume.inplace_record import DIRECTORY, Heading, Known, Record
from gitsync.volume.linkplace import LinkPlace
from gitsync.volume.tree import AGAIN, Tree

MARKER: Final = ".gitsync-complete"
# So many files are named in a message.
_NAMED: Final = 5


class InPlacePublisher:
    """Publishes by copies in one directory; a `Publisher`. `work` is the directory that our own ones lie in."""

    reuses = True

    def __init__(self, link: Path, work: Path) -> None:
        self._link = link
        self._work = work
        self._marker = link / MARKER
        self._place = LinkPlace(link, work)
        digest = hashlib.sha256(os.fsencode(os.path.relpath(link, work))).hexdigest()[:12]
        self._record = Record(work / STORE_DIRECTORY / f"inplace-{digest}")
        self._log = get_logger(link=str(link))

    def check(self) -> None:
        """Raise `PublishError` if what stands there is neither a directory nor a link that we have published by."""
        found = nolinks.status(self._link)
        if found is None or stat.S_ISDIR(found.st_mode) or self._other_form():
            return
        raise PublishError(
            f"{self._link} is no directory",
            reason="link_blocked",
            hint="move it away, or choose another path with --link",
        )

    def current(self) -> Path | None:
        """Return the tree that the directory has the files of, or is being brought to; raise `OSError`.

        Where the form was another one before, that is what consumers see. Where nothing is noted any more, the marker
        says which tree it is.
        """
        placed = self._record.placed
        if placed and self._is_shown(placed):
            return self._work / placed.tree
        heading = self._record.begun or placed
        return self._other_form() or (self._work / heading.tree if heading else self._marked())

    def shows(self, path: Path) -> bool:
        """Say whether the directory is whole, and has the files of this one; raise `OSError` if it cannot be told."""
        placed = self._record.placed
        return placed is not None and self._work / placed.content == path and self._is_shown(placed)

    def published_at(self) -> float | None:
        """Return when the last update has ended, as Unix time."""
        with contextlib.suppress(OSError):
            found = nolinks.status(self._marker)
            return past_time(found) if found else None
        return None

    def leads_to_tree(self) -> bool:
        """Say whether the directory is whole; raise `OSError` if that cannot be told."""
        placed = self._record.placed
        return placed is not None and self._is_shown(placed)

    def publish(self, tree: Tree, content: Path, *, deadline: float = math.inf) -> Tree:
        """Bring the directory to what is in `content`, which is of the tree, until the deadline (monotonic seconds).

        Raises `PublishError` or `PublishVetoed`; nothing has changed then for consumers, unless a file could not get
        its name: the next call begins with that.
        """
        try:
            self.check()
            self._check_marker(content)
            tick = self._ticking(deadline)
            return self._replace(tree, content, tick) if self._other_form() else self._update(tree, content, tick)
        except OSError as error:
            told = from_os_error(error, doing=f"bringing {self._link} up to date")
            raise PublishError(str(told), reason=told.reason) from error

    def sweep(self) -> None:
        """Remove what an update that was ended has left of its copies; what has its name stays, and is noted."""
        for owner in self._owners():
            nolinks.remove(self._beside(owner))
        nolinks.sweep_temporaries(self._marker)
        if self._record.begun is None:
            return
        known = self._record.known()
        sweep(self._link, known)
        for path in sorted(known.begun.keys() - known.placed.keys(), reverse=True):
            if any(row.kind == DIRECTORY for row in known.begun[path]):
                nolinks.remove_empty(self._link / path)
        if self.leads_to_tree():
            # Nothing has got its name yet.
            self._record.forget_begun()

    def damage(self, content: Path, *, deadline: float) -> list[str]:
        """Return which files are not there as in `content`; raise `OSError`, or `PublishError` at the deadline."""
        known = self._record.known()
        with contextlib.suppress(OSError):
            if known.whole and known.are_as_left(self._link):
                return []
        plan = Planner(content, self._link, known, self._ticking(deadline)).make()
        heading, placed = self._record.placed, {**known.placed, **plan.kept}
        if heading and not plan.differing and (placed != known.placed or not known.whole):
            # Others have changed an owner, or a time, or our record: so that the files need not be read again.
            self._record.finish(heading, placed)
        return plan.differing

    def _update(self, tree: Tree, content: Path, tick: Callable[[], None]) -> Tree:
        known = self._known(content.relative_to(tree.path), tick)
        plan = Planner(content, self._link, known, tick).make()
        if plan.foreign:
            raise self._refusal(plan.foreign)
        heading, moves = self._heading(tree, content), Moves(content, self._link, plan, tick)
        if plan.planned or plan.deletions:
            self._record.begin(heading, plan.planned, known)
            try:
                moves.prepare()
            except BaseException:
                self.sweep()
                raise
            nolinks.unlink(self._marker)
            moves.carry_out(known)
        self._finish(heading, moves)
        return tree

    def _known(self, within: Path, tick: Callable[[], None]) -> Known:
        """Return what may be ours; where that is not known any more, what is as in the tree that was published.

        Of that, as of any, what is `within` is the content.
        """
        known, heading = self._record.known(), self._record.placed
        published = self._work / heading.tree if heading else self._marked()
        if known.whole or published is None or not nolinks.is_directory(published / within):
            return known
        self._log.warning("record_damaged", hint="what is as in the commit that was published counts as ours")
        kept = Planner(published / within, self._link, known, tick).make().kept
        return Known({**known.placed, **kept}, known.begun)

    def _marked(self) -> Path | None:
        """Return the tree of the commit that the marker names, None if there is none."""
        named, trees = _told(nolinks.read(self._marker)).get("commit"), self._work / TREES_DIRECTORY
        if not isinstance(named, str) or not is_full_hash(named):
            return None
        places = (trees / named, *(path / named for path in nolinks.entries(trees) if path.name.startswith(AGAIN)))
        return next((path for path in places if nolinks.is_directory(path)), None)

    def _replace(self, tree: Tree, content: Path, tick: Callable[[], None]) -> Tree:
        """Have a whole directory stand where a link, or another directory, of ours is."""
        leaving = self._place.leaving()
        after = leaving if leaving and tree.path == self._link else tree
        heading = self._heading(after, after.path / content.relative_to(tree.path))
        # Without it nobody would know what is meant between two steps.
        self._record.begin(heading, {}, Known())
        target = self._beside(heading.owner)
        moves = Moves(content, target, Planner(content, target, Known(), tick).make(), tick)
        try:
            moves.prepare()
            moves.carry_out(Known())
            self._stand_in(target, leaving)
        except BaseException:
            nolinks.remove(target)
            raise
        self._finish(heading, moves)
        return after

    def _stand_in(self, target: Path, leaving: Tree | None) -> None:
        try:
            self._place.replace(target, leaving)
        except OSError:
            if leaving:
                raise
            # Some file systems cannot let the two change places: then there is a moment with nothing.
            nolinks.unlink(self._link)
            nolinks.rename(target, self._link)

    def _finish(self, heading: Heading, moves: Moves) -> None:
        nolinks.make_directory(self._link)
        self._record.finish(heading, moves.placed)
        nolinks.write(self._marker, heading.marker, clear=False)
        if moves.left:
            hint = "somebody else has changed them, so they stay; remove them by hand"
            self._log.warning("files_left", count=len(moves.left), files=moves.left[:_NAMED], hint=hint)

    def _other_form(self) -> Path | None:
        """Return where a link of ours, or a directory, of another form leads to that stands here, None without."""
        found = self._place.current()
        return found if found and (found == self._link or found.is_relative_to(self._work / TREES_DIRECTORY)) else None

    def _beside(self, owner: str) -> Path:
        return self._link.with_name(f".{self._link.name}.{owner}{TEMPORARY_SUFFIX}")

    def _is_shown(self, heading: Heading) -> bool:
        return nolinks.exists(self._marker) and nolinks.read(self._marker) == heading.marker

    def _heading(self, tree: Tree, content: Path) -> Heading:
        owner = next(iter(self._owners()), None) or secrets.token_hex(6)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        marker = json.dumps({"commit": tree.hash, "published_at": at, "owner": owner})
        places = [os.path.relpath(path, self._work) for path in (tree.path, content)]
        return Heading(tree=places[0], content=places[1], marker=f"{marker}\n", owner=owner)

    def _owners(self) -> list[str]:
        return [heading.owner for heading in (self._record.placed, self._record.begun) if heading]

    def _check_marker(self, content: Path) -> None:
        """Raise `PublishVetoed` if the marker's name is the commit's, or what bears it is of somebody else."""
        if nolinks.exists(content / MARKER):
            raise PublishVetoed(
                f"the commit has a file {MARKER}, which is what tells in {self._link} that it is whole",
                reason="place_taken",
                hint="give it another name in the repository, or choose another --publish",
            )
        if nolinks.is_directory(self._marker):
            hint = "move it away: gitsync writes a file of this name when the directory is whole"
            raise PublishVetoed(f"not ours: the directory {self._marker}", reason="place_taken", hint=hint)
        owner, ours = _owner(nolinks.read(self._marker)), self._owners()
        if owner and ours and owner not in ours:
            raise PublishVetoed(
                f"another gitsync has published into {self._link}: its {MARKER} is not ours",
                reason="place_taken",
                hint="give each a directory of its own with --link, or remove that file if there is no other",
            )

    def _refusal(self, foreign: list[str]) -> PublishVetoed:
        named = ", ".join(str(self._link / path) for path in foreign[:_NAMED])
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        return PublishVetoed(f"not ours, and in the place of what the commit has: {named}{more}", reason="place_taken")

    def _ticking(self, deadline: float) -> Callable[[], None]:
        def tick() -> None:
            if time.monotonic() >= deadline:
                hint = "raise --sync-timeout: there are many files, or the volume is slow"
                raise PublishError(f"{self._link}: the pass is over before all is copied", reason="timeout", hint=hint)

        return tick


def _owner(marker: str | None) -> str | None:
    """Return who has written a marker, None if that is not told."""
    owner = _told(marker).get("owner")
    return owner if isinstance(owner, str) else None


def _told(marker: str | None) -> dict[str, object]:
    """Return what a marker says, which others may have written."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(marker or "null")
        return found if isinstance(found, dict) else {}
    return {}
