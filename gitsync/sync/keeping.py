"""Keeps what is published as it was left: looks whether it is in place, and compares its files with their commit."""

import contextlib
import time
from dataclasses import replace
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitCancelled, GitSyncError
from gitsync.base.log import Logger
from gitsync.config import RepoConfig
from gitsync.sync.memory import Known, Memory
from gitsync.sync.parts import Parts
from gitsync.telling.events import Repaired
from gitsync.volume.checkup import is_doubtful
from gitsync.volume.tree import Tree

_SHOWN_FILES: Final = 10
_WHO: Final = (
    "a hook, or a container that mounts the volume, changes or removes files of the commit, .git included: "
    "mount the volume with readOnly there, and let the hook write to other files"
)


def is_in_place(memory: Memory, parts: Parts) -> bool:
    """Say in a few system calls whether what is published is where it was left, and not known to be damaged."""
    tree = memory.tree
    return (
        tree is not None
        and not memory.suspect
        and _is_shown(memory, tree, parts)
        and tree.recipe == memory.recipe.signature
        and tree.in_place()
    )


def _is_shown(memory: Memory, tree: Tree, parts: Parts) -> bool:
    content = memory.recipe.content(tree.path)
    return parts.publisher.shows(content) and nolinks.is_directory(content)


class Keeping:
    """What is done for what is published already."""

    def __init__(self, repo: RepoConfig, parts: Parts, log: Logger) -> None:
        self._repo = repo
        self._parts = parts
        self._log = log

    def is_unseen(self, known: Known) -> bool:
        """Say whether what an earlier process has published has to be compared with its commit."""
        return known.memory.condition == "unseen" and bool(self._repo.upkeep.heal_period)

    def look_through(self, known: Known) -> Known:
        """Compare it, before anything is asked of the remote: after a power failure files may be empty.

        That takes no more than half of the time that is left.
        """
        memory = known.memory
        if is_in_place(memory, self._parts):
            memory = self._compared(memory, deadline=(time.monotonic() + known.deadline) / 2, idle=False)
        return replace(known, memory=memory if memory.suspect else replace(memory, condition="compared"))

    def look(self, known: Known) -> Known:
        """Note whether what is published is in place, or has to do as it is until another repair is due."""
        memory = known.memory
        return replace(known, kept=is_in_place(memory, self._parts) or not self.is_due(memory))

    def is_due(self, memory: Memory) -> bool:
        """Say whether damage is repaired by the next pass. A link that leads to no tree, or to another, always is."""
        tree = memory.tree
        if tree is None or not _is_shown(memory, tree, self._parts):
            return True
        return not memory.repairs.wait or tree.recipe != memory.recipe.signature

    def note_repair(self, known: Known, before: Memory) -> Known:
        """Note that damage was repaired, and tell when it comes back again and again: somebody is at it."""
        self._parts.observers.notify(Repaired(repo=self._repo.name))
        if not before.suspect and (before.tree == known.memory.tree or not known.fresh):
            # Only the link was not where it was left.
            return known
        first = self._repo.upkeep.heal_period if before.suspect else self._repo.schedule.period
        repairs = before.repairs.after_another(first)
        if repairs.count > 1:
            self._log.warning(
                "damage_returns",
                hash=known.memory.commit and known.memory.commit.hash,
                repairs=repairs.count,
                next_in=round(repairs.wait, 3),
                hint=_WHO,
            )
        return replace(known, memory=replace(known.memory, repairs=repairs))

    def heal(self, memory: Memory, *, deadline: float) -> Memory:
        """Compare the published files with their commit until the deadline (monotonic seconds), between passes.

        A pass repairs what is suspect then.
        """
        if memory.condition == "compared":
            return replace(memory, condition="fine")
        return self._compared(memory, deadline=deadline, idle=True)

    def _compared(self, memory: Memory, *, deadline: float, idle: bool) -> Memory:
        if memory.tree is None or memory.suspect or not self._parts.lock.held:
            return memory
        with contextlib.suppress(OSError):
            damaged = self._damage(memory, memory.tree, deadline, idle=idle)
            if damaged:
                path, shown = str(memory.tree.path), damaged[:_SHOWN_FILES]
                self._log.warning("damage_found", tree=path, count=len(damaged), files=shown)
            return replace(memory, condition="suspect" if damaged else "fine")
        return memory

    def _damage(self, memory: Memory, tree: Tree, deadline: float, *, idle: bool) -> list[str]:
        if not is_in_place(memory, self._parts):
            return ["."]
        try:
            damaged = self._parts.trees.catalogue.damage(tree, deadline=deadline, idle=idle)
            return damaged or self._parts.publisher.damage(memory.recipe.content(tree.path), deadline=deadline)
        except GitCancelled:
            # A pass is due, and does not have to wait for us.
            return []
        except GitSyncError as error:
            # The index is damaged too, or git was ended: staging anew finds out.
            self._log.warning("heal_failed", reason=error.reason, message=str(error))
            return ["."] if is_doubtful(error) else []
