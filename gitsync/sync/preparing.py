"""The first steps of a pass: the lock, what killed commands have left, the recipe, the login."""

from dataclasses import replace

from gitsync.base.errors import CheckoutError, CredentialError
from gitsync.base.written import decode, lines
from gitsync.config import RepoConfig, is_full_hash
from gitsync.sync.keeping import is_in_place
from gitsync.sync.memory import Known
from gitsync.sync.parts import Parts
from gitsync.volume.recipe import Recipe


class Preparing:
    """The steps before anything is looked at."""

    def __init__(self, repo: RepoConfig, parts: Parts) -> None:
        self._repo = repo
        self._parts = parts

    def lock(self, known: Known) -> Known:
        """Make sure that we are the only writer; raise `StoreLocked` at the deadline."""
        self._parts.lock.take(deadline=known.deadline)
        return known

    def sweep(self, known: Known) -> Known:
        """Remove what an end half way has left; raise `PublishError` if the link's place is taken."""
        if not known.memory.sweep_due:
            return known
        self._parts.publisher.check()
        self._parts.stores.sweep()
        self._parts.publisher.sweep()
        return replace(known, memory=replace(known.memory, sweep_due=False))

    def read_recipe(self, known: Known) -> Known:
        """Read the sparse-checkout patterns again; raise `CheckoutError`."""
        return replace(known, memory=replace(known.memory, recipe=_read_recipe(self._repo)))

    def log_in(self, known: Known) -> Known:
        """Bring the login up to date; what is missing is kept for later, when nothing can be done without it."""
        memory, pinned = known.memory, is_full_hash(self._repo.ref)
        # A pinned commit that is in place needs no remote, so no login either.
        if pinned and memory.is_published(self._repo.ref) and is_in_place(memory, self._parts):
            return known
        try:
            self._parts.credentials.refresh(deadline=known.deadline)
        except CredentialError as error:
            return replace(known, missing=error)
        return known


def _read_recipe(repo: RepoConfig) -> Recipe:
    if repo.content.sparse_checkout_file is None:
        return Recipe.of(repo)
    try:
        patterns = lines(decode(repo.content.sparse_checkout_file.read_bytes()))
        return Recipe.of(repo, sparse=patterns)
    except (OSError, ValueError) as error:
        message = f"--sparse-checkout-file={repo.content.sparse_checkout_file}: {error}"
        raise CheckoutError(message, reason="sparse_file") from error
