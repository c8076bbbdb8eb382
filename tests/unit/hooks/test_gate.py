"""The gate's memory: what it has refused is refused again without a run, until its time has passed."""

from pathlib import Path
from typing import cast

import pytest

from gitsync.base.errors import GitTimeout, HookError, PublishVetoed
from gitsync.hooks.command import Command
from gitsync.hooks.gate import Gate
from gitsync.hooks.runner import Pace
from gitsync.telling.events import BeforePublish, BeforeStage
from gitsync.telling.metrics import Metrics
from tests.unit.examples import NAME, commit


class FakeCommand:
    """A command that fails as long as it is told to."""

    name = "pre-publish-exechook"

    def __init__(self) -> None:
        self.fails = True
        self.ran: list[str] = []

    def run(self, commit: str, tree: Path, *, deadline: float) -> str:
        """Run."""
        self.ran.append(commit)
        if self.fails:
            raise HookError("pre-publish-exechook: exit status 1: no", reason="hook")
        return "yes"


@pytest.fixture
def command() -> FakeCommand:
    """A command that fails."""
    return FakeCommand()


def gate(command: FakeCommand, *, first: float = 100.0) -> Gate:
    """Return a gate with this command."""
    return Gate(cast(Command, command), Pace(first=first, most=300.0), repo=NAME, metrics=Metrics())


def staged(name: str, changed: list[str] | None = None) -> BeforePublish:
    """Return the event of a staged tree."""
    return BeforePublish(repo=NAME, commit=commit(hash=name), tree=Path("/tree"), changed=lambda: changed or [])


def found(name: str) -> BeforeStage:
    """Return the event of a commit that is about to be staged."""
    return BeforeStage(repo=NAME, hash=name)


def test_unknown_commit_is_staged(command: FakeCommand) -> None:
    """Before the first run there is nothing to refuse."""
    gate(command).notify(found("a"))
    assert command.ran == []


def test_refused_commit_is_not_staged_again(command: FakeCommand) -> None:
    """After a failure the same commit is refused with the same reason, and without a run."""
    made = gate(command)
    with pytest.raises(PublishVetoed, match="exit status 1: no") as first:
        made.notify(staged("a"))
    for event in (found("a"), staged("a")):
        with pytest.raises(PublishVetoed, match="exit status 1: no") as again:
            made.notify(event)
        assert again.value.reason == first.value.reason == "gate"
        assert again.value.hint
        assert again.value.retry_in is not None
        assert 90 < again.value.retry_in <= 100
    assert command.ran == ["a"]


def test_other_commit_is_tried_at_once_and_the_first_not_forgotten(command: FakeCommand) -> None:
    """What was refused does not concern another commit, and is remembered while that one is refused as well."""
    made = gate(command)
    for name in ("a", "b"):
        with pytest.raises(PublishVetoed):
            made.notify(staged(name))
    with pytest.raises(PublishVetoed):
        made.notify(found("a"))
    command.fails = False
    made.notify(found("c"))
    made.notify(staged("c"))
    assert command.ran == ["a", "b", "c"]


def test_backoff_grows_and_success_forgets(command: FakeCommand) -> None:
    """Each refusal in a row doubles the time; after a success it starts anew."""
    made = gate(command, first=0.0)
    for _ in range(2):
        with pytest.raises(PublishVetoed):
            made.notify(staged("a"))
    command.fails = False
    made.notify(staged("a"))
    made.notify(found("a"))
    assert command.ran == ["a", "a", "a"]


def test_changed_files_are_named(command: FakeCommand) -> None:
    """A run that succeeds and changes files of the commit is refused, and remembered."""
    command.fails = False
    made = gate(command)
    with pytest.raises(PublishVetoed, match=r"1, 2, 3, 4, 5, …") as raised:
        made.notify(staged("a", changed=list("1234567")))
    assert raised.value.reason == "gate_changed_files"
    with pytest.raises(PublishVetoed, match="has changed files"):
        made.notify(found("a"))


def test_tree_that_cannot_be_compared_is_refused(command: FakeCommand) -> None:
    """An error in the comparison does not let the tree pass, and is not held against the commit."""
    command.fails = False
    made = gate(command)

    def changed() -> list[str]:
        raise GitTimeout("git update-index: not done")

    with pytest.raises(PublishVetoed) as raised:
        made.notify(BeforePublish(repo=NAME, commit=commit(hash="a"), tree=Path("/tree"), changed=changed))
    assert raised.value.reason == "timeout"
    made.notify(found("a"))
