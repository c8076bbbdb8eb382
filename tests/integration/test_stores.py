"""The store: what the remote has, what is fetched, and what survives a violent end."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base.errors import RefNotFound
from gitsync.volume.store import PRIVATE_REF
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.git import git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin


@pytest.fixture
def named(origin: Origin) -> dict[str, str]:
    """An origin with one commit for each kind of name; return name → commit."""
    commits = {"main": origin.head}
    commits["feature"] = origin.commit({"a": "feature"}, branch="feature")
    commits["light"] = origin.tag("light", at=origin.commit({"a": "light"}, branch="x"))
    commits["release"] = origin.commit({"a": "release"}, branch="y")
    origin.annotated_tag("release", at=commits["release"])
    commits["both-branch"] = origin.commit({"a": "branch"}, branch="both")
    commits["both-tag"] = origin.tag("both", at=commits["light"])
    return commits


@pytest.mark.parametrize(
    ("ref", "commit", "full"),
    [
        ("HEAD", "main", "refs/heads/main"),
        ("feature", "feature", "refs/heads/feature"),
        ("refs/heads/feature", "feature", "refs/heads/feature"),
        ("heads/feature", "feature", "refs/heads/feature"),
        ("light", "light", "refs/tags/light"),
        ("release", "release", "refs/tags/release"),
        ("refs/tags/release", "release", "refs/tags/release"),
        ("both", "both-tag", "refs/tags/both"),
        ("refs/heads/both", "both-branch", "refs/heads/both"),
    ],
)
def test_ref_resolves_as_git_does(
    make_workbench: MakeWorkbench, origin: Origin, named: dict[str, str], ref: str, commit: str, full: str
) -> None:
    """Full names come first, then tags, then branches; annotated tags are peeled; what is fetched is that commit."""
    bench = make_workbench(origin.url, ref=ref)
    target = bench.remote.probe(deadline=soon())
    assert (target.hash, target.ref) == (named[commit], full)
    bench.lock.take(deadline=soon())
    assert bench.stores.fetch(target, deadline=soon()).hash == named[commit]


@pytest.mark.parametrize("ref", ["nothing", "refs/heads/nothing", "eature", "feature/x"])
def test_unknown_ref_is_missing(make_workbench: MakeWorkbench, origin: Origin, named: dict[str, str], ref: str) -> None:
    """A part of a name is no name."""
    with pytest.raises(RefNotFound) as caught:
        make_workbench(origin.url, ref=ref).remote.probe(deadline=soon())
    assert caught.value.reason == "ref_missing"
    assert ref in str(caught.value)


def pull_requests(origin: Origin, count: int) -> None:
    """Give the origin refs as forges keep them for pull requests."""
    lines = "".join(f"create refs/pull/{number}/head {origin.head}\n" for number in range(count))
    run_git(origin.path, "update-ref", "--stdin", stdin=lines.encode())


@pytest.mark.parametrize("probe", ["git", "auto"])
def test_pull_requests_are_not_listed(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer, probe: str
) -> None:
    """Who follows a branch or a tag is not sent all refs of other kinds with each poll."""
    bench = make_workbench(git_http.url_of(origin.path), ref="main", probe=probe)
    bench.remote.probe(deadline=soon())
    sent = sum(request.sent for request in git_http.requests)
    pull_requests(origin, 500)
    bench.remote.probe(deadline=soon())
    assert sum(request.sent for request in git_http.requests) <= 2 * sent


def test_pull_request_is_found(make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer) -> None:
    """A ref of another kind is looked for among all; once it is known that it is one, with one command again."""
    pull_requests(origin, 3)
    bench = make_workbench(git_http.url_of(origin.path), ref="pull/2/head", probe="git")
    counts = []
    for _ in range(3):
        before = len(git_http.requests)
        target = bench.remote.probe(deadline=soon())
        counts.append(len(git_http.requests) - before)
        assert (target.hash, target.ref) == (origin.head, "refs/pull/2/head")
    assert counts[0] == 2 * counts[1] == 2 * counts[2]


def test_empty_repository_says_so(make_workbench: MakeWorkbench, make_origin: Callable[..., Origin]) -> None:
    """The hint is in the message."""
    with pytest.raises(RefNotFound, match="may be empty"):
        make_workbench(make_origin("empty.git").url).remote.probe(deadline=soon())


def test_pinned_hash_needs_no_remote(make_workbench: MakeWorkbench) -> None:
    """A full hash is what it is."""
    target = make_workbench("http://127.0.0.1:1/a", ref="a" * 40).remote.probe(deadline=soon())
    assert target.pinned
    assert target.hash == "a" * 40


def test_unknown_hash_is_missing(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """It is looked for in the history of all refs, and has its reason if it is not there."""
    bench = make_workbench(origin.url, ref="b" * 40)
    bench.lock.take(deadline=soon())
    with pytest.raises(RefNotFound) as caught:
        bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    assert caught.value.reason == "ref_missing"


def test_tag_of_a_file_cannot_be_published(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A ref that leads to no commit is refused with a hint."""
    blob = git(origin.path, "rev-parse", "HEAD:index.html")
    run_git(origin.path, "tag", "file", blob)
    bench = make_workbench(origin.url, ref="file")
    bench.lock.take(deadline=soon())
    with pytest.raises(RefNotFound) as caught:
        bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    assert "commits" in (caught.value.hint or "")


@pytest.mark.parametrize(("depth", "count"), [(1, 1), (2, 2), (0, 3)])
def test_depth_is_what_was_asked_for(make_workbench: MakeWorkbench, origin: Origin, depth: int, count: int) -> None:
    """0 means all of the history."""
    origin.commit({"a": "2"})
    origin.commit({"a": "3"})
    bench = make_workbench(origin.url, depth=depth)
    bench.lock.take(deadline=soon())
    bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    assert int(git(bench.stores.current.path, "rev-list", "--count", PRIVATE_REF)) == count


def test_depth_can_change_in_both_directions(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A store that was shallow becomes complete, and goes on as a shallow one."""
    origin.commit({"a": "2"})
    for depth, number in ((1, 3), (0, 4), (1, 5)):
        origin.commit({"a": str(number)})
        bench = make_workbench(origin.url, depth=depth)
        bench.lock.take(deadline=soon())
        commit = bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
        assert commit.hash == origin.head
        if depth == 0:
            assert int(git(bench.stores.current.path, "rev-list", "--count", PRIVATE_REF)) == number
        bench.close()


def test_second_fetch_transfers_the_difference(
    make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer
) -> None:
    """The commit that is kept under the private ref lets the server send one line's worth."""
    origin.commit({f"file-{number}": os.urandom(2000).hex() for number in range(100)})
    bench = make_workbench(f"{git_http.url}/site.git")
    bench.lock.take(deadline=soon())
    bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    first = sum(request.sent for request in git_http.requests)
    git_http.requests.clear()
    origin.commit({"file-1": "changed"})
    bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    assert sum(request.sent for request in git_http.requests) < first / 10


def test_sha256_repository_is_fetched(make_workbench: MakeWorkbench, tmp_path: Path) -> None:
    """The object format follows the remote's."""
    path = tmp_path / "sha256"
    run_git(None, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", str(path))
    run_git(path, "commit", "--quiet", "--allow-empty", "--message=First")
    bench = make_workbench(str(path))
    bench.lock.take(deadline=soon())
    commit = bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    assert commit.hash == git(path, "rev-parse", "HEAD")
    assert len(commit.hash) == 64


def test_commit_carries_its_dates(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Author date and commit time are the commit's own."""
    bench = make_workbench(origin.url)
    bench.lock.take(deadline=soon())
    fetched = bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    commit = bench.stores.current.lookup(fetched.hash, deadline=soon())
    assert commit
    assert commit.author_date == git(origin.path, "log", "-1", "--format=%aI", commit.hash)
    assert commit.commit_time == float(git(origin.path, "log", "-1", "--format=%ct", commit.hash))


def test_commit_carries_its_words(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Author and message are those of the commit, on one line, cut, and without what a terminal acts upon."""
    bench = make_workbench(origin.url)
    bench.lock.take(deadline=soon())
    words = "Second\x1b[31m of\u2028 https://u:pw12@host\x0b\nmore of it\n\nand a body\n"
    hash_ = origin.commit({"index.html": "second\n"}, message=words)
    commit = bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    found = bench.stores.current.lookup(commit.hash, deadline=soon())
    assert found
    assert (found.hash, found.author) == (hash_, git(origin.path, "log", "-1", "--format=%an"))
    assert found.subject == "Second\\x1b[31m of\\u2028 https://***@host\\x0b more of it"


def test_commit_with_a_message_of_any_length(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """What somebody writes into a commit keeps nobody from having it."""
    bench = make_workbench(origin.url)
    bench.lock.take(deadline=soon())
    origin.commit({"index.html": "second\n"}, message="word " * 4_000_000)
    commit = bench.stores.fetch(bench.remote.probe(deadline=soon()), deadline=soon())
    found = bench.stores.current.lookup(commit.hash, deadline=soon())
    assert found
    assert found.author_date
    assert found.subject
    assert found.subject.startswith("word word")
    assert len(found.subject) == 256


LEFTOVERS = (
    *("shallow.lock", "config.lock", "packed-refs.lock", "HEAD.lock", "gc.pid", "packed-refs.new"),
    *("refs/gitsync/head.lock", "objects/pack/tmp_pack_x", "objects/pack/pack-1.keep", "objects/12/tmp_obj_x"),
)


def test_leftovers_of_killed_commands_are_swept(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """No lock file of a dead process stops a fetch, or costs the store."""
    bench = make_workbench(origin.url)
    bench.run()
    planted = [bench.stores.current.path / name for name in LEFTOVERS]
    for path in planted:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    bench.close()
    again = make_workbench(origin.url)
    commit = origin.commit({"a": "new"})
    assert again.run().failure is None
    assert again.published() == commit
    assert not [path for path in planted if path.exists()]
    assert again.stores.current.path == bench.stores.current.path


def test_tampered_configuration_is_put_right(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path) -> None:
    """Who can write to the volume cannot make us run his programs."""
    bench = make_workbench(origin.url)
    bench.run()
    proof = tmp_path / "proof"
    run_git(bench.stores.current.path, "config", "filter.evil.smudge", f"touch {proof}")
    hook = bench.stores.current.path / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {proof}\n")
    hook.chmod(0o755)
    origin.commit({"a": "new", ".gitattributes": "* filter=evil\n"})
    assert bench.run().failure is None
    assert not proof.exists()


def test_repository_and_root_of_somebody_else(make_workbench: MakeWorkbench, origin: Origin, root: Path) -> None:
    """git's check of ownership never bites: not at a local repository, not at a volume that belongs to another user."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    for path in [origin.path, *origin.path.rglob("*")]:
        os.chown(path, 12345, 12345)
    root.mkdir()
    os.chown(root, 54321, 54321)
    bench = make_workbench(origin.url)
    assert bench.run().failure is None
    for path in bench.repo.root.rglob("*"):
        os.chown(path, 54321, 54321, follow_symlinks=False)
    commit = origin.commit({"a": "new"})
    assert bench.run().failure is None
    assert bench.published() == commit
