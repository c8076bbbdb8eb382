"""Lets nothing be published that is not signed by a key that counts, and says whether that holds for what is."""

from dataclasses import dataclass
from typing import Final

from gitsync.base.errors import GitError, GitSyncError, PublishVetoed
from gitsync.base.log import Logger
from gitsync.base.refusals import Refusals
from gitsync.config import RepoConfig
from gitsync.programs.gitcmd import Place
from gitsync.programs.keyrings import Keyrings
from gitsync.programs.signatures import Signature, ask_signature
from gitsync.sync.memory import Known
from gitsync.sync.parts import Parts
from gitsync.telling.events import Verified
from gitsync.volume.store import PRIVATE_REF

# Leads to the tag of what is published; the remote may have moved or removed it since.
_SIGNED_REF: Final = "refs/gitsync/signed"
# Seconds until what is published is complained of again; other keys, and another commit, come by themselves.
_RETRY: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class _Judgement:
    """What is known of a commit: `tag` leads to it and is what was verified, if it was not the commit itself."""

    commit: str
    generation: int
    tag: str | None = None
    signature: Signature | None = None
    error: GitSyncError | None = None


class Verifying:
    """The steps around a signature."""

    def __init__(self, repo: RepoConfig, parts: Parts, *, refusals: Refusals, log: Logger) -> None:
        self._name = repo.name
        self._options = repo.content.verification
        self._parts = parts
        self._refusals = refusals
        self._log = log
        self._keyrings = Keyrings(self._options, parts.git.home)
        self._judged: _Judgement | None = None
        self._told: _Judgement | None = None

    def is_on(self, known: Known) -> bool:
        """Say whether anything has to be signed."""
        return self._options.wanted

    def verify(self, known: Known) -> Known:
        """Refuse what was fetched if no signature of it counts: raise `PublishVetoed`, `GitSyncError` or `GitError`."""
        assert known.commit  # noqa: S101 (it was fetched)
        assert known.target  # noqa: S101 (the remote was asked)
        self._refresh()
        place = self._parts.stores.current.place
        judged = self._judge(known.commit.hash, place, (PRIVATE_REF,), known.deadline)
        if judged.error:
            raise self._refusals.add(known.target.hash, judged.error)
        self._judged = judged
        return known

    def look(self, known: Known) -> Known:
        """Verify what is published, from the store alone, unless that was done with the keys of now."""
        try:
            self._refresh()
            self._look(known)
        except GitSyncError as error:
            # It stands in the way of nothing else; `insist` finds it again.
            self._log.info("verification_put_off", reason=error.reason, message=str(error))
        return known

    def insist(self, known: Known) -> Known:
        """Raise `PublishVetoed` if what is published is not signed by a key that counts; it stays all the same."""
        self._refresh()
        self._look(known)
        error = self._judged and self._judged.error
        if error:
            raise PublishVetoed(str(error), reason=error.reason, hint=error.hint, retry_in=_RETRY)
        return known

    def _refresh(self) -> None:
        before = self._keyrings.generation
        self._keyrings.refresh()
        if self._keyrings.generation != before:
            self._refusals.lift("unverified")

    def _look(self, known: Known) -> None:
        commit, tree = known.memory.commit, known.memory.tree
        if commit is None or tree is None:
            return
        judged = self._judged
        if judged is None or (judged.commit, judged.generation) != (commit.hash, self._keyrings.generation):
            place = Place(store=tree.store)
            judged = self._judge(commit.hash, place, (_SIGNED_REF, PRIVATE_REF), known.deadline)
        self._judged = judged
        if judged != self._told:
            if judged.tag and judged.signature:
                command = ["update-ref", _SIGNED_REF, judged.tag]
                self._parts.git.run(command, deadline=known.deadline, place=Place(store=tree.store))
            self._tell(judged)
            self._told = judged

    def _tell(self, judged: _Judgement) -> None:
        signature, error = judged.signature, judged.error
        if signature:
            self._log.info("verified", hash=judged.commit, signer=signature.signer, key=signature.key)
        else:
            self._log.warning("published_unverified", hash=judged.commit, message=str(error))
        self._parts.observers.notify(
            Verified(
                repo=self._name,
                hash=judged.commit,
                signer=signature.signer if signature else None,
                key=signature.key if signature else None,
                problem=str(error) if error else None,
            )
        )

    def _judge(self, commit: str, place: Place, refs: tuple[str, ...], deadline: float) -> _Judgement:
        """Verify a commit, or the tag that one of the refs leads to; raise `GitError` if that cannot be done."""
        git, settings = self._parts.git, self._keyrings.settings
        generation, tag = self._keyrings.generation, None
        try:
            if self._options.verify == "commit":
                signature = ask_signature(git, "commit", commit, place, settings, deadline=deadline)
            else:
                tag = self._tag_of(commit, place, refs, deadline)
                signature = ask_signature(git, "tag", tag, place, settings, deadline=deadline)
        except GitError:
            raise
        except GitSyncError as error:
            return _Judgement(commit=commit, generation=generation, tag=tag, error=error)
        return _Judgement(commit=commit, generation=generation, tag=tag, signature=signature)

    def _tag_of(self, commit: str, place: Place, refs: tuple[str, ...], deadline: float) -> str:
        """Return the tag object that one of the refs leads to, and that leads to the commit."""
        command = ["for-each-ref", "--format=%(objecttype) %(objectname) %(*objectname)", *refs]
        for line in self._parts.git.run(command, deadline=deadline, place=place).stdout.splitlines():
            kind, _, names = line.partition(" ")
            tag, _, target = names.partition(" ")
            if kind == "tag" and target == commit:
                return tag
        message = f"no annotated tag leads to {commit}: a branch and a light tag have no signature of their own"
        raise GitSyncError(message, reason="unverified")
