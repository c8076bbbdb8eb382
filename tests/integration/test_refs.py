"""Which ref is followed: one of several by its version, refs of any kind, and what is said of a step back."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gitsync.programs.gitcmd import Output
from gitsync.telling.events import Fetched, Probed, SyncResult
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.git import EPOCH, git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin


def release(origin: Origin, name: str, **options: Any) -> str:
    """Push a commit with a tag of its own; return the commit."""
    commit = origin.commit({"version": name}, **options)
    origin.annotated_tag(name, at=commit)
    return commit


def count_commands(bench: Workbench) -> list[Sequence[str]]:
    """Return a list that grows with each command of git."""
    run, commands = bench.git.run, []

    def counted(arguments: Sequence[str], **options: Any) -> Output:
        commands.append(arguments)
        return run(arguments, **options)

    bench.git.run = counted  # type: ignore[method-assign]
    return commands


def outcome(result: SyncResult) -> tuple[str, str | None, str | None, str | None]:
    """Return what a pass came to: outcome, commit, ref, and how that relates to what was before."""
    assert result.failure is None, result.failure
    return result.outcome, result.commit.hash if result.commit else None, result.ref, result.moved


@pytest.fixture(params=["file", "http"])
def url(request: pytest.FixtureRequest, origin: Origin, git_http: GitHttpServer) -> str:
    """The address of the origin, by either way."""
    return origin.url if request.param == "file" else git_http.url_of(origin.path)


def test_newest_version_is_followed(
    make_workbench: MakeWorkbench, origin: Origin, url: str, logged: io.StringIO
) -> None:
    """A newer one is published, another one is not; if the newest is deleted the next best is, and that is said."""
    first = release(origin, "v1.9.0")
    bench = make_workbench(url, ref_pattern="v*")
    assert outcome(bench.run()) == ("updated", first, "refs/tags/v1.9.0", None)
    second = release(origin, "v1.10.0")
    assert outcome(bench.run()) == ("updated", second, "refs/tags/v1.10.0", None)
    release(origin, "v1.9.1", parent=first)
    origin.commit({"more": "on the branch"})
    assert outcome(bench.run()) == ("unchanged", second, "refs/tags/v1.10.0", None)
    origin.delete_ref("refs/tags/v1.10.0")
    result = bench.run()
    assert (result.outcome, result.ref, result.moved) == ("updated", "refs/tags/v1.9.1", "back")
    told = [line for line in logged.getvalue().splitlines() if "ref_moved_back" in line]
    assert len(told) == 1
    assert all(word in told[0] for word in (second, bench.published(), "refs/tags/v1.10.0", "refs/tags/v1.9.1"))


def test_range(make_workbench: MakeWorkbench, origin: Origin, url: str) -> None:
    """What is out of the range, or comes before a release, is passed over."""
    first = release(origin, "1.4.2")
    for other in ("v2.0.0", "v1.5.0-rc.1", "latest", "v0.9"):
        release(origin, other)
    bench = make_workbench(url, ref_semver="^1.2")
    assert outcome(bench.run()) == ("updated", first, "refs/tags/1.4.2", None)
    last = release(origin, "v1.5")
    assert outcome(bench.run()) == ("updated", last, "refs/tags/v1.5", None)


def test_range_of_what_a_pattern_matches(make_workbench: MakeWorkbench, origin: Origin, url: str) -> None:
    """As charts of several apps are tagged in one repository."""
    release(origin, "other-1.9.0")
    wanted = release(origin, "chart-1.8.0")
    release(origin, "chart-2.0.0")
    bench = make_workbench(url, ref_pattern="chart-*", ref_semver="1.x")
    assert outcome(bench.run()) == ("updated", wanted, "refs/tags/chart-1.8.0", None)


def test_branches(make_workbench: MakeWorkbench, origin: Origin, url: str) -> None:
    """The newest is followed as it moves; of a branch that moves and is no newer nothing is seen."""
    origin.commit({"n": "1"}, branch="release/1.9")
    origin.commit({"n": "2"}, branch="release/1.10")
    bench = make_workbench(url, ref_pattern="release/*")
    assert bench.run().ref == "refs/heads/release/1.10"
    origin.commit({"n": "3"}, branch="release/1.9")
    assert bench.run().outcome == "unchanged"
    moved = origin.commit({"n": "4"}, branch="release/1.10")
    assert outcome(bench.run()) == ("updated", moved, "refs/heads/release/1.10", None)


def test_another_version_of_the_same_commit(make_workbench: MakeWorkbench, origin: Origin, url: str) -> None:
    """Nothing is published for it, and it is shown; a step back is said here, too."""
    commit = release(origin, "v1.0")
    bench = make_workbench(url, ref_pattern="v*")
    bench.run()
    origin.tag("v1.1", at=commit)
    assert outcome(bench.run()) == ("unchanged", commit, "refs/tags/v1.1", None)
    origin.delete_ref("refs/tags/v1.1")
    assert outcome(bench.run()) == ("unchanged", commit, "refs/tags/v1.0", "back")
    assert outcome(bench.run()) == ("unchanged", commit, "refs/tags/v1.0", None)


def test_nothing_matches_any_more(make_workbench: MakeWorkbench, origin: Origin, url: str) -> None:
    """What is published stays, and it is said what was looked for, among how many."""
    commit = release(origin, "v1.0")
    origin.tag("w1.0")
    bench = make_workbench(url, ref_pattern="v*")
    bench.run()
    origin.delete_ref("refs/tags/v1.0")
    failure = bench.run().failure
    assert failure
    assert failure.reason == "ref_missing"
    assert "none of the 2 tags and branches of the remote is in 'v*'" in failure.message
    assert failure.hint == "check --ref-pattern: there are such as w1.0, main"
    assert bench.published() == commit
    origin.tag("v0.9")
    assert bench.run().ref == "refs/tags/v0.9"


def test_who_is_told_asks(make_workbench: MakeWorkbench, origin: Origin, url: str) -> None:
    """A webhook is about a new tag, which a fetch of the last one would not show."""
    release(origin, "v1.0")
    bench = make_workbench(url, ref_pattern="v*")
    bench.run()
    commit = release(origin, "v1.1")
    assert outcome(bench.sync.run(deadline=soon(), told=True)) == ("updated", commit, "refs/tags/v1.1", None)


def asked(bench: Workbench) -> list[tuple[str, str]]:
    """Return who has asked the remote, and what came of it."""
    return [(event.via, event.outcome) for event in bench.recorder.events if isinstance(event, Probed)]


def test_idle_polls_over_http(make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer) -> None:
    """They are a request each while the newest is the same one, whatever else there is."""
    release(origin, "v1.0")
    bench = make_workbench(git_http.url_of(origin.path), ref_pattern="v*")
    bench.run()
    bench.run()
    release(origin, "v0.9")
    bench.run()
    assert asked(bench) == [("git", "changed"), ("http", "unchanged"), ("http", "unchanged")]
    release(origin, "v1.1")
    bench.run()
    origin.annotated_tag("v1.1", at=origin.resolve("v1.0"))
    bench.run()
    assert asked(bench)[3:] == [("http", "unsure"), ("git", "changed")] * 2


def test_very_many_tags(make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer) -> None:
    """What is too much for a request of ours is git's to ask for, in one command, whose answer is not kept."""
    origin.many_tags(f"v{number // 100}.{number % 100}.0" for number in range(18_000))
    bench = make_workbench(git_http.url_of(origin.path), ref_semver="<180")
    commands = count_commands(bench)
    assert bench.run().ref == "refs/tags/v179.99.0"
    assert bench.run().outcome == "unchanged"
    assert asked(bench) == [("git", "changed"), ("http", "unsure"), ("git", "unchanged")]
    assert sum(command[0] == "ls-remote" for command in commands) == 2
    release(origin, "v179.100.0")
    assert bench.run().ref == "refs/tags/v179.100.0"


def test_hostile_tags(make_workbench: MakeWorkbench, origin: Origin, url: str) -> None:
    """Names that are no text, or could not be shown, do not count, and nothing of them gets in the way."""
    commit = release(origin, "v1.0")
    for name in (b"v9\xff", b"v9\xe2\x80\xae", b"v9\x80.1", b"v9" + b"1" * 240):
        line = b"create refs/tags/" + name + b" " + origin.head.encode() + b"\n"
        run_git(origin.path, "update-ref", "--stdin", stdin=line)
    origin.delete_ref(f"refs/tags/v9{'1' * 240}")
    bench = make_workbench(url, ref_pattern="v*")
    for expected in ("updated", "unchanged"):
        assert outcome(bench.run()) == (expected, commit, "refs/tags/v1.0", None)


def test_tag_that_leads_to_no_commit(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """The newest is what is followed; if it cannot be published that is said, and what is published stays."""
    commit = release(origin, "v1.0")
    bench = make_workbench(origin.url, ref_pattern="v*")
    bench.run()
    run_git(origin.path, "tag", "v2.0", git(origin.path, "rev-parse", "HEAD:index.html"))
    failure = bench.run().failure
    assert failure
    assert failure.reason == "ref_missing"
    assert bench.published() == commit


KINDS = [
    *("refs/pull/12/head", "refs/pull/12/merge", "refs/merge-requests/7/head", "refs/notes/commits"),
    *("refs/changes/34/1234/5", "pull/12/head", "refs/heads/-x"),
]


@pytest.mark.parametrize("ref", KINDS)
def test_refs_of_any_kind(make_workbench: MakeWorkbench, origin: Origin, url: str, ref: str) -> None:
    """What forges keep beside branches and tags is followed by its full name."""
    full = ref if ref.startswith("refs/") else f"refs/{ref}"
    first = origin.set_ref(full, origin.commit({"n": "1"}))
    bench = make_workbench(url, ref=ref)
    assert outcome(bench.run()) == ("updated", first, full, None)
    assert bench.run().outcome == "unchanged"
    second = origin.set_ref(full, origin.commit({"n": "2"}))
    assert outcome(bench.run()) == ("updated", second, full, None)
    assert bench.published() == second


@pytest.mark.parametrize("short", [7, 12, 39])
def test_abbreviated_hash(make_workbench: MakeWorkbench, origin: Origin, short: int) -> None:
    """It is refused, with what to write; in either case of letters."""
    for ref in (origin.head[:short], origin.head[:short].upper()):
        bench = make_workbench(origin.url, ref=ref)
        failure = bench.run().failure
        bench.close()
        assert failure
        assert failure.reason == "ref_missing"
        assert "all 40 characters" in (failure.hint or "")


def rewind(origin: Origin, first: str) -> str:
    """Have the branch go back."""
    return origin.rewind(first)


def rewrite(origin: Origin, first: str) -> str:
    """Have the branch become another one."""
    return origin.force_push({"n": "another"}, onto=first)


def forward(origin: Origin, first: str) -> str:
    """Push a commit."""
    return origin.commit({"n": "next"})


def of_the_past(origin: Origin, first: str) -> str:
    """Push a commit that was made on a machine whose clock is wrong."""
    tree = git(origin.path, "rev-parse", f"{first}^{{tree}}")
    commit = run_git(origin.path, "commit-tree", "-p", origin.head, "-m", "x", tree, date=EPOCH - 86400)
    return origin.rewind(commit.decode().strip())


def of_another_past(origin: Origin, first: str) -> str:
    """Have the branch become another one, whose commit is older."""
    tree = git(origin.path, "rev-parse", f"{first}^{{tree}}")
    commit = run_git(origin.path, "commit-tree", "-m", "x", tree, date=EPOCH - 86400)
    return origin.rewind(commit.decode().strip())


@pytest.mark.parametrize(
    ("move", "depth", "expected"),
    [
        (forward, 0, (None, 0)),
        (rewind, 0, ("back", 1)),
        (rewrite, 0, ("rewritten", 2)),
        (of_another_past, 0, ("rewritten", 2)),
        (of_the_past, 0, (None, 2)),
        # Without the history the date is all there is.
        (forward, 1, (None, 0)),
        (rewind, 1, ("back", 0)),
        (rewrite, 1, (None, 0)),
        (of_another_past, 1, ("back", 0)),
    ],
)
def test_what_is_said_of_a_move(
    make_workbench: MakeWorkbench,
    origin: Origin,
    logged: io.StringIO,
    move: Callable[[Origin, str], str],
    depth: int,
    expected: tuple[str | None, int],
) -> None:
    """All of them are followed; those that do not go forward are said as far as they are known, and cost little."""
    moved, commands = expected
    first = origin.commit({"n": "first"})
    origin.commit({"n": "second"})
    bench = make_workbench(origin.url, ref="main", depth=depth)
    assert bench.run().moved is None
    run = count_commands(bench)
    commit = move(origin, first)
    assert outcome(bench.run()) == ("updated", commit, "refs/heads/main", moved)
    assert sum(command[0] == "merge-base" for command in run) == commands
    assert sum(isinstance(event, Fetched) for event in bench.recorder.events) == 2
    events = {"back": "ref_moved_back", "rewritten": "history_rewritten"}
    assert [name for name in events.values() if name in logged.getvalue()] == ([events[moved]] if moved else [])


def test_what_was_refused_in_between(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What counts is what was published, whatever was fetched since."""
    first = origin.commit({"n": "first"})
    origin.commit({"n": "second"})
    bench = make_workbench(origin.url, ref="main", depth=0)
    bench.run()
    rewrite(origin, first)
    bench.stores.current.fetch("refs/heads/main", sha256=False, deadline=soon())
    origin.commit({"n": "third"})
    assert bench.run().moved == "rewritten"
