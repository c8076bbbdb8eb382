"""Builds what one repository is at work with, from its configuration alone, and takes it down again.

The main thread builds a unit, starts a thread for each of its bodies, and takes it down in two steps: `stop` asks
everything to end, `kill` ends what did not; `release` comes last, when the threads are gone.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gitsync.base.errors import ConfigError, from_os_error
from gitsync.config import ReceiverConfig, RepoConfig
from gitsync.config.apart import clashes, values_of
from gitsync.credentials import Credentials
from gitsync.credentials import build as build_credentials
from gitsync.hooks import Hooks
from gitsync.programs.gitcmd import Git
from gitsync.programs.gitconfig import write_configuration
from gitsync.programs.keyrings import Keyrings
from gitsync.remote.probe import Remote
from gitsync.remote.prober import Prober
from gitsync.sync.parts import Parts
from gitsync.sync.pausing import Pausing
from gitsync.sync.repository import Repository
from gitsync.sync.slots import Slots
from gitsync.sync.worker import RepoWorker, Surroundings
from gitsync.telling.events import Observers
from gitsync.telling.metrics import Metrics
from gitsync.telling.reports import FileReports
from gitsync.telling.room import Room
from gitsync.telling.status import RepoStatus, StatusBoard, Watched
from gitsync.triggers.mailbox import Mailbox, Pace
from gitsync.triggers.watched import Watched as Files
from gitsync.triggers.watched import watched_of
from gitsync.volume.forms import publisher_of
from gitsync.volume.lock import VolumeLock
from gitsync.volume.pausefile import PauseFile
from gitsync.volume.stores import Stores
from gitsync.volume.trees import Trees

if TYPE_CHECKING:
    from gitsync.receiver.door import Followed
    from gitsync.server.controlling import Controlled

# What is published counts as stale when this many periods (and the timeout of a pass) brought no confirmation.
_STALE_PERIODS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Surface:
    """What the units of all repositories share: what they tell of themselves to, and the places to work in."""

    board: StatusBoard
    metrics: Metrics
    slots: Slots


@dataclass(frozen=True, kw_only=True)
class Body:
    """What a thread does: it returns the exit code that the process may end with.

    `works` says whether the process ends after it, where it is to run once.
    """

    name: str
    run: Callable[[], int | None]
    works: bool = False


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One repository at work, with its private files in `home`. Used by the main thread."""

    repo: RepoConfig
    home: Path
    parts: Parts
    mailbox: Mailbox
    worker: RepoWorker
    hooks: Hooks
    files: Files
    pausing: Pausing

    @property
    def controlled(self) -> "Controlled":
        """What requests by hand need to know."""
        from gitsync.server.controlling import Controlled  # here, because only some processes take such

        return Controlled(repo=self.repo.name, sync=lambda: self.mailbox.post("sync"), pausing=self.pausing)

    def followed(self, board: StatusBoard) -> "Followed":
        """Return what the receiver needs to know."""
        from gitsync.receiver.door import Followed
        from gitsync.receiver.relevance import relevance
        from gitsync.remote.choice import Choice

        name, repo, followed = self.repo.name, self.repo.repo, self.repo.followed
        ref = Choice(followed) if followed.chooses else followed.ref
        return Followed(
            repo=name,
            judge=lambda delivery: relevance(delivery, repo=repo, ref=ref, resolved=board.ref_of(name)),
            wake=self._wake,
        )

    def _wake(self) -> None:
        self.mailbox.post("webhook")

    @property
    def bodies(self) -> list[Body]:
        """The bodies of the threads that it needs; the worker's, after which the rest is there, is the last one."""
        name, once = self.repo.name, self.repo.schedule.one_time
        found = [Body(name=f"{hook} {name}", run=run, works=once) for hook, run in self.hooks.bodies]
        return [*found, Body(name=f"worker {name}", run=self.worker.run, works=True)]

    def stop(self) -> None:
        """Ask everything to end: no more triggers, no more work."""
        self.parts.stop.set()
        self.worker.stop()
        self.parts.credentials.cancel()
        self.parts.remote.cancel()
        self.parts.git.cancel()
        self.hooks.cancel()

    def kill(self) -> None:
        """End what still runs, at once."""
        self.parts.git.kill()
        self.hooks.kill()

    def release(self) -> None:
        """Give the volume back, and the connection; nothing of the unit may run any more."""
        self.parts.remote.close()
        self.parts.lock.release()


def assemble(repo: RepoConfig, receiver: ReceiverConfig, *, home: Path, surface: Surface) -> Unit:
    """Build a unit, which keeps its private files in `home`; what is published on the volume counts at once.

    The repository has to be `located`. Raises `PublishError` if the place of the link is taken, or `GitSyncError` if
    what signatures are verified with is not there.
    """
    hooks = Hooks(repo, surface.metrics)
    observers = _listeners(repo, hooks, surface)
    git, credentials = equip(repo, home=home, observers=observers)
    if repo.content.verification.wanted:
        Keyrings(repo.content.verification, git.home).check()
    mailbox = _mailbox(receiver, git, surface.slots)
    parts = build_parts(repo, git, credentials=credentials, observers=observers, stop=threading.Event())
    file = PauseFile(repo.work, parts.lock)
    pausing = Pausing(repo.name, mailbox, file, board=surface.board, metrics=surface.metrics)
    pausing.adopt()
    parts = replace(parts, publishing=pausing.publishing)
    # What the volume does not let us see now is for the first pass to tell of.
    with contextlib.suppress(OSError):
        parts.publisher.check()
    repository = Repository(repo, parts)
    if repository.adopt() and repository.published:
        surface.board.adopt(repo.name, repository.published, parts.publisher.published_at())
    surroundings = Surroundings(
        mailbox=mailbox, board=surface.board, observers=observers, slots=surface.slots, interrupt=git.interrupt
    )
    return Unit(
        repo=repo,
        home=home,
        parts=parts,
        mailbox=mailbox,
        worker=RepoWorker(repo, repository, surroundings),
        hooks=hooks,
        files=watched_of(repo, lambda: mailbox.post("file")),
        pausing=pausing,
    )


def _mailbox(receiver: ReceiverConfig, git: Git, slots: Slots) -> Mailbox:
    pace = Pace(spacing=receiver.spacing, jitter=receiver.jitter)

    def make_way() -> None:
        git.interrupt()
        slots.wake()

    return Mailbox(make_way, paces={"webhook": pace, "peer": pace})


def equip(repo: RepoConfig, *, home: Path, observers: Observers) -> tuple[Git, Credentials]:
    """Make the private directory `home`, and return git with its logins, which lie there; nothing is asked for yet."""
    home.mkdir(mode=0o700)
    if repo.git.home:
        # curl looks for logins there; whether there is such a file shows when it does.
        (home / ".netrc").symlink_to(repo.git.home.absolute() / ".netrc")
    configuration = home / "gitconfig"
    credentials = build_credentials(repo, directory=home / "credentials", observers=observers)
    write_configuration(configuration, repo, extra=credentials.settings())
    return Git(repo, home=home, configuration=configuration, credentials=credentials), credentials


def build_parts(
    repo: RepoConfig, git: Git, *, credentials: Credentials, observers: Observers, stop: threading.Event
) -> Parts:
    """Build what the worker's thread calls; `stop` ends whatever it waits for."""
    stores = Stores(repo, git, observers)
    return Parts(
        git=git,
        lock=VolumeLock(repo, git, stop=stop, observers=observers),
        remote=Remote(repo, git, Prober(repo, credentials), observers),
        stores=stores,
        trees=Trees(repo, git, stores, observers),
        publisher=publisher_of(repo.content.publish, repo.link, repo.work),
        observers=observers,
        credentials=credentials,
        stop=stop,
    )


def _listeners(repo: RepoConfig, hooks: Hooks, surface: Surface) -> Observers:
    room = Room(repo.work, surface.metrics)
    return Observers([surface.board, surface.metrics, FileReports(repo), room, *hooks.observers])


def located_apart(repos: Sequence[RepoConfig]) -> list[RepoConfig]:
    """Return all of them as `located` does; raise `ConfigError` where links lead two of them to one place."""
    found = [located(repo) for repo in repos]
    problems = [
        f"{found[clash.index].name}: {clash.option.replace('_', '-')}: {clash.relation} of {found[clash.other].name}, "
        f"where links on the way lead; {clash.remedy}"
        for clash in clashes({index: values_of(repo) for index, repo in enumerate(found)})
    ]
    if problems:
        raise ConfigError(problems)
    return found


def located(repo: RepoConfig) -> RepoConfig:
    """Create the root, and return the configuration with the real paths of all that is written; raise `GitSyncError`.

    From then on no link is followed any more, as others may write to the volume.
    """
    try:
        repo.root.mkdir(parents=True, exist_ok=True)
        if not repo.link.is_relative_to(repo.root):
            repo.link.parent.mkdir(parents=True, exist_ok=True)
        upkeep, placement = repo.upkeep, repo.placement
        root, link, work = (_real_place(path, root=repo.root) for path in (repo.root, repo.link, repo.work))
        placement = replace(placement, root=root, link=link, work=work)
        touch_file = upkeep.touch_file and _real_place(upkeep.touch_file, root=repo.root)
        error_file = upkeep.error_file and _real_place(upkeep.error_file, root=repo.root)
        upkeep = replace(upkeep, touch_file=touch_file, error_file=error_file)
        return replace(repo, placement=placement, upkeep=upkeep)
    except OSError as error:
        raise from_os_error(error, doing=f"preparing --root={repo.root}") from error


def _real_place(path: Path, *, root: Path) -> Path:
    """Return where a file is, if what it is called leads through links; it may itself be one.

    A link on the volume does not count: another container may have made it.
    """
    if path.is_relative_to(root):
        return root.resolve() / path.relative_to(root)
    return path.parent.resolve() / path.name


def first_status(repo: RepoConfig) -> RepoStatus:
    """Return what there is to tell of a repository before its first pass."""
    schedule = repo.schedule
    stale_after = _STALE_PERIODS * schedule.period + schedule.sync_timeout
    return RepoStatus(
        watched=Watched(
            repo=repo.name,
            url=repo.repo,
            ref=repo.ref,
            link=str(repo.link),
            publish=repo.content.publish,
            work=str(repo.work),
            stale_after=stale_after,
            verified=repo.content.verification.wanted,
        ),
        act_by=time.monotonic() + schedule.sync_timeout,
    )
