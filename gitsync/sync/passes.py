"""One pass: the ordered steps from asking the remote to the link. Runs on the worker's thread.

keep what is published in place → credentials → probe → unchanged? stop → fetch → stage a tree → gate → publish → tidy.
Whatever fails, what is published stays as it is. A login that is refused is renewed and tried once more.
"""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from gitsync.base.errors import (
    CheckoutError,
    CredentialError,
    GitCancelled,
    GitSyncError,
    PublishError,
    PublishVetoed,
    from_os_error,
)
from gitsync.base.files import read_small
from gitsync.base.log import get_logger
from gitsync.config import RepoConfig, is_full_hash
from gitsync.credentials import Credentials
from gitsync.programs.gitcmd import Git
from gitsync.sync.chores import Chores
from gitsync.telling.events import (
    BeforePublish,
    BeforeStage,
    Commit,
    Failure,
    Fetched,
    Observers,
    Outcome,
    Published,
    SyncResult,
)
from gitsync.volume.link import Publisher
from gitsync.volume.mirror import Mirror, Target, is_damage
from gitsync.volume.takeover import Takeover
from gitsync.volume.tree import Recipe, Tree
from gitsync.volume.trees import Trees


@dataclass(frozen=True)
class Workshop:
    """The parts that a pass works with."""

    git: Git
    mirror: Mirror
    trees: Trees
    publisher: Publisher
    observers: Observers
    credentials: Credentials = field(default_factory=Credentials)


class SyncPass:
    """Runs passes for one repository, and remembers between them what it has published."""

    def __init__(self, repo: RepoConfig, workshop: Workshop) -> None:
        self._repo = repo
        self._mirror = workshop.mirror
        self._trees = workshop.trees
        self._takeover = Takeover(repo)
        self._publisher = workshop.publisher
        self._observers = workshop.observers
        self._credentials = workshop.credentials
        self._log = get_logger(repo=repo.name)
        self._phases: dict[str, float] = {}
        self._commit: Commit | None = None
        self._tree: Tree | None = None
        self._recipe = Recipe(submodules=repo.submodules)
        self._ref = repo.ref
        self._announced = False
        self._sweep_due = True
        self._suspect = False
        self._chores = Chores(
            repo,
            git=workshop.git,
            mirror=workshop.mirror,
            trees=workshop.trees,
            observers=workshop.observers,
        )

    @property
    def published(self) -> Commit | None:
        """The commit that the link leads to, as far as we know."""
        return self._commit

    def adopt(self) -> bool:
        """Take over what an earlier process of this repository has published; say whether there is such a tree."""
        target = self._publisher.current()
        for store in self._mirror.store.generations():
            self._tree = self._trees.find(target, store) if target else None
            if self._tree:
                self._commit = Commit(hash=self._tree.hash)
                return True
        return False

    def run(self, *, deadline: float) -> SyncResult:
        """Run one pass and return what came of it; `deadline` is on the monotonic clock. It raises nothing."""
        started = time.monotonic()
        outcome: Outcome = "failed"
        failure = None
        try:
            outcome = self._steps(deadline)
        except Exception as error:
            failure = self._failure(error)
        # A comparison since the last pass is among them.
        phases, self._phases = self._phases, {}
        return SyncResult(
            outcome=outcome,
            duration=time.monotonic() - started,
            finished_at=time.time(),
            commit=self._commit,
            ref=self._ref,
            failure=failure,
            phases=phases,
        )

    def heal(self, *, deadline: float) -> bool:
        """Compare the published files with their commit; return whether the next pass has something to repair."""
        if self._tree is None or self._suspect or not self._mirror.locked:
            return self._suspect
        with contextlib.suppress(OSError), self._phase("heal"):
            try:
                damaged = ["."]
                if self._in_place():
                    damaged = self._trees.damage(self._tree, deadline=deadline, idle=True)
            except GitCancelled:
                # A pass is due, and does not have to wait for us.
                damaged = []
            except GitSyncError as error:
                # The index is damaged too, or git was ended: staging anew finds out.
                self._log.warning("heal_failed", reason=error.reason, message=str(error))
                damaged = ["."] if is_damage(error) else []
            if damaged:
                self._log.warning("damage_found", tree=str(self._tree.path), count=len(damaged), files=damaged[:10])
            self._suspect = bool(damaged)
        return self._suspect

    def tidy(self) -> None:
        """Retire and remove the trees that nobody needs any more; failures are logged."""
        if not self._mirror.locked:
            # They are another process's.
            return
        try:
            self._mirror.check_directories()
            linked = self._publisher.current()
            self._trees.tidy(linked, self._mirror.stores(), self._mirror.store.path)
            if self._announced:
                self._takeover.sweep(linked, self._trees.discard)
        except (OSError, PublishError) as error:
            self._log.warning("tidy_failed", message=str(error))

    @property
    def chore_at(self) -> float:
        """When `chore` should be called although there is nothing to do for it now, monotonic."""
        return self._chores.due_at if self._mirror.locked else math.inf

    @property
    def longest_chore(self) -> float:
        """How many seconds `chore` may take."""
        return self._chores.longest

    def chore(self, *, deadline: float) -> bool:
        """Do one thing that need not be done in a pass, if there is any; return whether it is worth to call again.

        It makes way for a pass, which is due at the deadline at the latest, unless it has made way too often.
        """
        if not self._mirror.locked:
            return False
        done = False
        try:
            done = self._chores.do_next(deadline=deadline)
        except OSError as error:
            self._log.warning("chore_failed", message=str(error))
        # What is ended half way may leave something behind.
        self._sweep_due = self._sweep_due or self._chores.made_way > 0
        return done

    def _steps(self, deadline: float) -> Outcome:
        self._mirror.lock(deadline=deadline)
        self._sweep()
        self._recipe = _read_recipe(self._repo)
        missing = self._refresh_credentials(deadline)
        try:
            outcome = self._keep_and_follow(deadline, missing)
        except GitSyncError as error:
            if error.reason != "auth" or not self._renew_credentials(deadline):
                raise
            self._log.info("credentials_renewed", message=str(error))
            outcome = self._keep_and_follow(deadline, None)
        # What need not be done before publication.
        if outcome != "unchanged" or self._trees.untidy:
            with self._phase("tidy"):
                self.tidy()
        self._sweep_due = False
        return outcome

    def _keep_and_follow(self, deadline: float, missing: CredentialError | None) -> Outcome:
        # What is published can mostly be put right without the remote, so a login that cannot be had comes second.
        outcome: Outcome = "unchanged"
        kept = self._in_place()
        if self._commit and not kept:
            outcome = self._repair(self._commit, deadline)
        if missing:
            raise missing
        return self._follow(outcome, deadline, kept=kept or outcome == "repaired")

    def _refresh_credentials(self, deadline: float) -> CredentialError | None:
        """Bring the login up to date; return what went wrong."""
        # A pinned commit that is in place needs no remote, so no login either.
        if is_full_hash(self._repo.ref) and self._commit and self._commit.hash == self._repo.ref and self._in_place():
            return None
        with self._phase("credentials"):
            try:
                self._credentials.refresh(deadline=deadline)
            except CredentialError as error:
                return error
        return None

    def _renew_credentials(self, deadline: float) -> bool:
        """Say whether the server, which has refused the login, may let us in with another one that there is now."""
        with self._phase("credentials"):
            return self._credentials.renew(deadline=deadline)

    def _follow(self, outcome: Outcome, deadline: float, *, kept: bool) -> Outcome:
        """Publish what the remote has, if it is something else, or if what was published could not be `kept`."""
        with self._phase("probe"):
            target = self._mirror.probe(deadline=deadline)
        self._ref = target.ref
        # What fails from here on may leave something behind.
        self._sweep_due = True
        if not kept or self._commit is None or target.hash != self._commit.hash:
            self._update(target, deadline)
            outcome = "updated"
        elif not self._announced:
            # Only now it is known what the ref is called in full, also if the tree had to be put right first.
            self._announce(fresh=False, deadline=deadline)
        return outcome

    def _sweep(self) -> None:
        if self._sweep_due:
            self._publisher.check()
            self._mirror.sweep()
            self._publisher.sweep()
            self._sweep_due = False

    def _in_place(self) -> bool:
        return (
            self._tree is not None
            and not self._suspect
            and self._publisher.current() == self._tree.path
            and self._tree.recipe == self._recipe.signature
            and self._tree.in_place()
        )

    def _repair(self, published: Commit, deadline: float) -> Outcome:
        """Put what is published in place again, from the store alone: somebody has moved or damaged it."""
        self._sweep_due = True
        try:
            self._observers.notify(BeforeStage(repo=self._repo.name, hash=published.hash))
            commit = self._mirror.store.lookup(published.hash, deadline=deadline)
            if commit is None:
                return "unchanged"
            self._publish(commit, deadline)
            if self._announced:
                self._announce(fresh=True, deadline=deadline)
        except GitSyncError as error:
            # One that is refused must not keep us from asking for another.
            if not is_damage(error) and not isinstance(error, PublishVetoed):
                raise
            return "unchanged"
        self.tidy()
        return "repaired"

    def _update(self, target: Target, deadline: float) -> None:
        if self._trees.untidy:
            # There may be a standby by now.
            self.tidy()
        self._observers.notify(BeforeStage(repo=self._repo.name, hash=target.hash))
        try:
            self._publish(self._fetch(target, deadline), deadline)
        except GitSyncError as error:
            if not is_damage(error):
                raise
            self._log.warning("store_damaged", message=str(error))
            self._mirror.store.renew()
            self.tidy()
            self._publish(self._fetch(target, deadline), deadline)
        self._announce(fresh=True, deadline=deadline)

    def _fetch(self, target: Target, deadline: float) -> Commit:
        with self._phase("fetch"):
            commit = self._mirror.store.lookup(target.hash, deadline=deadline) if target.pinned else None
            if commit is None:
                commit = self._mirror.fetch(target, deadline=deadline)
                self._observers.notify(Fetched(repo=self._repo.name))
        return commit

    def _publish(self, commit: Commit, deadline: float) -> None:
        with self._phase("stage"):
            store = self._mirror.store
            tree = self._trees.published_as(commit.hash, self._recipe, store.path, deadline=deadline)
            staged = tree is None
            tree = tree or self._trees.stage(commit.hash, self._recipe, store, deadline=deadline)
        with self._phase("gate"):
            # One that has been published already stays as it is.
            if staged:
                self._ask(commit, tree, deadline)
        with self._phase("publish"):
            if time.monotonic() >= deadline:
                raise PublishError("the tree is staged, but the pass is over", reason="timeout")
            tree = self._trees.publish_name(tree, commit.hash) if staged else tree
            self._publisher.publish(tree.path)
        self._tree, self._commit, self._suspect = tree, commit, False
        if "filter=lfs" in (read_small(tree.path / ".gitattributes") or ""):
            # Filters of a repository never run, and those of LFS are no exception.
            self._log.warning("lfs_pointers", hint="the files that are kept in LFS are published as pointers")

    def _ask(self, commit: Commit, tree: Tree, deadline: float) -> None:
        self._observers.notify(
            BeforePublish(
                repo=self._repo.name,
                commit=commit,
                tree=tree.path,
                deadline=deadline,
                changed=lambda: self._trees.damage(tree, deadline=deadline),
            )
        )

    def _announce(self, *, fresh: bool, deadline: float) -> None:
        assert self._commit and self._tree  # noqa: S101,PT018 (there is something published)
        if self._commit.commit_time is None:
            self._commit = self._mirror.store.lookup(self._commit.hash, deadline=deadline) or self._commit
        event = Published(
            repo=self._repo.name,
            commit=self._commit,
            ref=self._ref,
            tree=self._tree.path,
            published_at=self._publisher.published_at() or time.time(),
            fresh=fresh,
        )
        self._announced = True
        self._chores.published(self._tree, self._recipe)
        self._observers.notify(event)

    def _failure(self, error: Exception) -> Failure:
        if isinstance(error, OSError):
            error = from_os_error(error, doing="working on the volume")
        if not isinstance(error, GitSyncError):
            self._log.error("internal_error", exc_info=error)
            return Failure(reason="internal", message=f"{type(error).__name__}: {error}", hint="please report it")
        if error.reason == "no_space" and self._mirror.locked:
            self._make_room()
        retry_in = error.retry_in if isinstance(error, PublishVetoed) else None
        return Failure(reason=error.reason, message=str(error), hint=error.hint, retry_in=retry_in)

    def _make_room(self) -> None:
        """Remove all that is not published, so that a smaller commit has a chance on a full volume."""
        with contextlib.suppress(GitSyncError, OSError):
            self._trees.drop_private(self._mirror.stores())
            self._mirror.sweep()
            self._mirror.prune(deadline=time.monotonic() + self._repo.schedule.sync_timeout)

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self._phases[name] = self._phases.get(name, 0.0) + time.monotonic() - started


def _read_recipe(repo: RepoConfig) -> Recipe:
    if repo.sparse_checkout_file is None:
        return Recipe(submodules=repo.submodules)
    try:
        return Recipe(submodules=repo.submodules, sparse=repo.sparse_checkout_file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        message = f"--sparse-checkout-file={repo.sparse_checkout_file}: {error}"
        raise CheckoutError(message, reason="sparse_file") from error
