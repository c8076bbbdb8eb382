"""Whatever becomes of the refs, the history and the address of a repository, one whole commit of it is published."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.invariants import Watch
from tests.faults.remains import Bounds
from tests.support.git import git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Gitlink, Origin
from tests.support.tree import assert_published

FAST: dict[str, Any] = {"period": "200ms", "max_backoff": "400ms", "stale_worktree_timeout": "0s"}
MAIN = "refs/heads/main"
# What is done to the origin: the commit that is to be published then, or the reason of the failure.
Chapter = Callable[[Origin], str]


def push(origin: Origin, branch: str | None = None) -> str:
    """Push a commit that differs from all before."""
    count = git(origin.path, "rev-list", "--all", "--count")
    return origin.commit({"index.html": f"{count}\n", f"page-{count}.html": "new\n"}, branch=branch)


def on(branch: str) -> Chapter:
    """Return what pushes to a branch."""
    return lambda origin: push(origin, branch)


def rewind(origin: Origin) -> str:
    """Force the default branch one commit back."""
    return origin.rewind(git(origin.path, "rev-parse", f"{origin.default_branch}^"))


def rewrite(origin: Origin) -> str:
    """Replace the last commit by another one."""
    return origin.force_push({"index.html": "rewritten\n"}, onto=git(origin.path, "rev-parse", "HEAD^"))


def orphan(origin: Origin) -> str:
    """Begin the default branch anew: a commit of the same files without any history."""
    commit = git(origin.path, "commit-tree", "HEAD^{tree}", "-m", "All in one")
    return origin.rewind(commit)


def unrelated(origin: Origin) -> str:
    """Replace the default branch by a history of other files, and forget the one before."""
    tree = run_git(origin.path, "mktree", stdin=b"").decode().strip()
    commit = git(origin.path, "commit-tree", tree, "-m", "Nothing")
    origin.rewind(commit)
    head = push(origin)
    run_git(origin.path, "gc", "--quiet", "--prune=now")
    return head


def delete(ref: str, then: str = "ref_missing") -> Chapter:
    """Return what deletes a ref; `then` is what is expected of it, or the ref that counts now."""

    def chapter(origin: Origin) -> str:
        run_git(origin.path, "update-ref", "-d", ref)
        return origin.resolve(then) if then.startswith("refs/") else then

    return chapter


def point(ref: str, *, at: str = MAIN) -> Chapter:
    """Return what points a ref at a commit."""
    return lambda origin: origin.set_ref(ref, origin.resolve(at))


def annotate(name: str, *, at: str = MAIN) -> Chapter:
    """Return what makes or moves an annotated tag."""

    def chapter(origin: Origin) -> str:
        origin.annotated_tag(name, at=origin.resolve(at))
        return origin.resolve(at)

    return chapter


def tag_a_tag(origin: Origin) -> str:
    """Make the tag one of the tag that it was."""
    origin.annotated_tag("v1", at=git(origin.path, "rev-parse", "refs/tags/v1"))
    return origin.resolve("refs/tags/v1")


def push_and(then: Chapter) -> Chapter:
    """Return what pushes to the default branch before something else."""

    def chapter(origin: Origin) -> str:
        push(origin)
        return then(origin)

    return chapter


def rename(name: str) -> Chapter:
    """Return what renames the default branch."""

    def chapter(origin: Origin) -> str:
        origin.rename_default_branch(name)
        return origin.head

    return chapter


def default(name: str, then: str = "") -> Chapter:
    """Return what makes another branch the default one, which may not be there."""

    def chapter(origin: Origin) -> str:
        origin.set_default_branch(name)
        return then or origin.head

    return chapter


FEAT, SUB, TAG, BOTH = "refs/heads/feat", "refs/heads/feat/sub", "refs/tags/v1", "refs/heads/both"
STORIES: dict[str, tuple[dict[str, Any], list[Chapter]]] = {
    "force-push": ({}, [push, push, rewind, rewrite, push]),
    "history rewritten, depth 1": ({"depth": "1"}, [push, rewrite, orphan, unrelated, push]),
    "history rewritten, all of it": ({"depth": "0"}, [push, rewrite, orphan, unrelated, push]),
    "ref deleted and back": ({"ref": "feat"}, [on("feat"), delete(FEAT), point(FEAT), on("feat")]),
    "branch and tag of one name": (
        {"ref": "both"},
        [on("both"), point("refs/tags/both"), delete("refs/tags/both", BOTH), on("both")],
    ),
    "default branch renamed": ({}, [push, rename("trunk"), push, rename("main"), push]),
    "default branch gone": ({}, [push, default("gone", "ref_missing"), default("main"), push]),
    "branch becomes a directory": (
        {"ref": "feat"},
        [on("feat"), delete(FEAT), lambda origin: point(SUB)(origin) and "ref_missing", delete(SUB), on("feat")],
    ),
    "directory becomes a branch": (
        {"ref": "feat/sub"},
        [
            on("feat/sub"),
            delete(SUB),
            lambda origin: point(FEAT)(origin) and "ref_missing",
            delete(FEAT),
            on("feat/sub"),
        ],
    ),
    "tag moves": ({"ref": "v1"}, [point(TAG), push_and(point(TAG)), point(TAG, at="main^"), delete(TAG), point(TAG)]),
    "annotated tag moves": (
        {"ref": "v1"},
        [annotate("v1"), push_and(annotate("v1")), tag_a_tag, annotate("v1", at="main^"), point(TAG)],
    ),
}


@fault(
    area="remote",
    what="force-pushes, rewritten and orphaned histories; refs move, go, return, are renamed, or make way for others",
    then="what the ref leads to now is published; while it leads nowhere what is published stays, with `ref_missing`",
)
@pytest.mark.parametrize(("options", "story"), STORIES.values(), ids=STORIES)
def test_refs(
    start_daemon: StartDaemon,
    git_http: GitHttpServer,
    origin: Origin,
    root: Path,
    options: dict[str, Any],
    story: list[Chapter],
) -> None:
    """Given a ref, whatever becomes of it, the commit that it leads to is published, or the last one stays."""
    origin.commit({"more.txt": "so that there is a commit before\n"})
    link, last = root / "site.git", story[0](origin)
    with Watch(origin, link, root) as watch:
        daemon = watch.follow(start_daemon(git_http.url_of(origin.path), root, **FAST, **options))
        daemon.wait_published(last)
        for chapter in story[1:]:
            mark, expected = daemon.mark(), chapter(origin)
            if expected == "ref_missing":
                daemon.wait_event("sync_finished", since=mark, outcome="failed", reason=expected)
                watch.check(last)
                assert daemon.get("/readyz")[0] == 200
                continue
            last = expected
            daemon.wait_published(last)
        daemon.until(lambda: not daemon.metrics()["gitsync_consecutive_failures"])
        watch.check(last)


@fault(
    area="remote",
    what="the repository is empty, gets its first push, and is made anew, empty, at the same URL",
    then="not ready until the first push; from then on what is published stays until there is another",
)
def test_empty(
    start_daemon: StartDaemon, git_http: GitHttpServer, make_origin: Callable[..., Origin], root: Path, tmp_path: Path
) -> None:
    """Given an empty repository, its first push is published, and survives that the repository is made anew."""
    empty = make_origin("empty.git")
    daemon = start_daemon(git_http.url_of(empty.path), root, **FAST)
    assert daemon.wait_event("sync_finished", outcome="failed")["reason"] == "ref_missing"
    assert daemon.get("/readyz")[0] == 503
    first = empty.commit({"index.html": "first\n"})
    daemon.wait_published(first)
    kept = Origin.mirror_of(empty.path, tmp_path / "kept.git")
    with Watch([kept, empty], root / "empty.git", root) as watch:
        watch.follow(daemon)
        mark = daemon.mark()
        shutil.rmtree(empty.path)
        daemon.wait_event("sync_finished", since=mark, outcome="failed", reason="not_found")
        mark, again = daemon.mark(), make_origin("empty.git")
        daemon.wait_event("sync_finished", since=mark, outcome="failed", reason="ref_missing")
        watch.check(first)
        daemon.wait_published(again.commit({"other.html": "begun anew\n"}))


@fault(
    area="remote",
    what="a submodule gets another URL, and its server is gone and comes back",
    then="what is published stays whole while a part cannot be had, and the commit with all of its parts follows",
)
def test_submodule(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, make_origin: Callable[..., Origin], root: Path
) -> None:
    """Given a submodule whose URL changes and whose server is away, only whole commits are published."""
    library, moved = make_origin("library.git"), make_origin("moved.git")
    parts = [library.commit({"code": f"{number}\n"}) for number in range(3)]
    run_git(moved.path, "fetch", "--quiet", str(library.path), "+refs/heads/*:refs/heads/*")

    def use(url: str, part: str) -> str:
        modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n'
        return origin.commit({".gitmodules": modules, "lib": Gitlink(part)})

    first = use("../library.git", parts[0])
    link = root / "site.git"
    with Watch(origin, link, root, submodules={"lib": library}, bounds=Bounds(stores=3)) as watch:
        daemon = watch.follow(start_daemon(git_http.url_of(origin.path), root, **FAST))
        daemon.wait_published(first)
        second = use("../moved.git", parts[1])
        daemon.wait_published(second)
        away = moved.path.rename(moved.path.with_name("away.git"))
        mark, third = daemon.mark(), use("../moved.git", parts[2])
        # What the store has already needs no server; what it has not is missed.
        new = library.commit({"code": "new\n"})
        fourth = use("../moved.git", new)
        failure = daemon.wait_event("sync_finished", since=mark, outcome="failed")
        assert failure["reason"] == "not_found"
        assert "submodule" in failure["hint"]
        assert "moved.git" in failure["message"]
        watch.check()
        away.rename(moved.path)
        run_git(moved.path, "fetch", "--quiet", str(library.path), "+refs/heads/*:refs/heads/*")
        daemon.wait_published(fourth)
        assert third != fourth
        assert (link / "lib" / "code").read_text() == "new\n"


@fault(
    area="damage",
    what="the tree of a pinned commit is deleted, while the server is gone",
    then="it is published again, from the store alone",
)
def test_pinned(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path) -> None:
    """Given a pinned commit whose branch and server are gone, when its tree is deleted, then it is back."""
    pinned, link = origin.head, root / "site.git"
    origin.rewind(origin.force_push({"index.html": "another\n"}, onto=pinned))
    daemon = start_daemon(git_http.url_of(origin.path), root, ref=pinned, **FAST)
    daemon.wait_published(pinned)
    git_http.fail_with = 503
    for _ in range(2):
        tree = link.resolve()
        shutil.rmtree(tree)
        daemon.until(lambda: link.exists() and (link / "index.html").exists())
        daemon.until(lambda: assert_published(origin.path, link) == pinned)
    assert daemon.status()["error"] is None


@fault(
    area="configuration",
    what="another URL is given on the same volume, whose server is down at first",
    then="the old tree stays until the other repository is whole, and is not called ready",
)
def test_other_url(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, make_origin: Callable[..., Origin], root: Path
) -> None:
    """Given a volume of one repository, when another URL is given, then its tree takes the link when it is whole."""
    other, link = make_origin("other.git"), root / "current"
    new = other.commit({"other.html": "other\n"})
    with Watch([origin, other], link, root, bounds=Bounds(stores=2)) as watch:
        first = start_daemon(git_http.url_of(origin.path), root, link="current", **FAST)
        first.wait_published(origin.head)
        assert first.terminate() == 0
        git_http.fail_with = 503
        second = watch.follow(start_daemon(git_http.url_of(other.path), root, link="current", **FAST))
        second.wait_events("sync_finished", count=2, outcome="failed", reason="remote_error")
        watch.check(origin.head)
        assert second.get("/readyz")[0] == 503
        git_http.fail_with = None
        second.wait_published(new)
        second.until(lambda: second.get("/readyz")[0] == 200)
        # Back again, what is there of the first one is used.
    third = start_daemon(git_http.url_of(origin.path), root, link="current", **FAST)
    third.wait_published(origin.head)


@fault(
    area="remote",
    what="the remote has very many refs",
    then="a branch and a tag among them are followed as ever",
)
@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("ref", ["HEAD", "live"])
def test_many_refs(
    start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, count: int, ref: str
) -> None:
    """Given very many refs, what is followed is found among them, and its next commit."""
    origin.many_tags(f"release-{number:06d}" for number in range(count))
    origin.branch("live")
    with Watch(origin, root / "site.git", root) as watch:
        daemon = watch.follow(start_daemon(git_http.url_of(origin.path), root, ref=ref, **FAST))
        for _ in range(2):
            commit = push(origin)
            origin.branch("live", at=commit)
            daemon.wait_published(commit)
        assert not daemon.logs("sync_finished", outcome="failed")


@fault(
    area="content",
    what="a commit has 1,000,000 files",
    then="it is published whole, and so is the next commit",
)
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_files(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path) -> None:
    """Given a commit of 1,000,000 files, it is published whole, and so is the next one."""
    patience = 1500.0
    first = origin.commit({f"{number % 1024}/{number // 1024}.txt": f"{number}\n" for number in range(1_000_000)})
    daemon = start_daemon(git_http.url_of(origin.path), root, period="1s", sync_timeout=f"{patience}s")
    daemon.wait_published(first, timeout=patience)
    daemon.wait_published(origin.commit({"7/7.txt": "changed\n", "new.txt": "new\n"}), timeout=patience)
    assert_published(origin.path, root / "site.git")
    assert not daemon.logs("sync_finished", outcome="failed")
    daemon.kill_tree()
    # Else it would be kept for some runs to come.
    shutil.rmtree(root)
