"""--symlinks=deny-escaping: no link of a commit, nor of its submodules, leads out of what is published."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.base.redact import Secret, forget
from gitsync.telling.events import Failure
from gitsync.volume import symlinks
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.integration.test_limits import fetched
from tests.integration.test_submodules import link
from tests.support.git import git, run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Origin, Symlink
from tests.support.tree import assert_published, assert_tree

DENY = {"symlinks": "deny-escaping"}


def refused(bench: Workbench) -> Failure:
    """Run a pass that finds a link that leads out; return what it says."""
    result = bench.run()
    assert result.failure
    assert result.failure.reason == "link_escapes", result.failure
    assert result.failure.retry_in
    assert result.failure.retry_in > 3000
    return result.failure


def commit_entries(origin: Origin, *entries: tuple[str, str, str]) -> str:
    """Commit a tree of entries (mode, hash, name) as they are, in whatever order; return the commit."""
    raw = b"".join(b"%s %s\0" % (mode.encode(), name.encode()) + bytes.fromhex(hash_) for mode, hash_, name in entries)
    tree = run_git(origin.path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw).decode().strip()
    return origin.rewind(git(origin.path, "commit-tree", "-p", "HEAD", "-m", "Odd", tree))


def blob(origin: Origin, content: bytes) -> str:
    """Write a blob; return its hash."""
    return run_git(origin.path, "hash-object", "-w", "--stdin", stdin=content).decode().strip()


# Files of a commit, and what is told of the link that is the reason.
OUT: dict[str, tuple[dict[str, Content], tuple[str, ...]]] = {
    "absolute": ({"a": Symlink("/etc/passwd")}, ("'a'", "'/etc/passwd'")),
    "above": ({"d/a": Symlink("../../x")}, ("'d/a'", "'../../x'")),
    "by another": ({"d/a": Symlink("b/../.."), "d/b": Symlink(".")}, ("'d/a'", "'b/../..'")),
    "no valid text": ({"a\udcff\x1b[2J\nb": Symlink(b"/\xfe\xc2\x9b1m")}, (r"'a\udcff\x1b[2J\nb'", r"'/\udcfe\x9b1m'")),
    "long": ({"a": Symlink("x/" * 600 + "../" * 601)}, ("'x/x/", "…'")),
    "longer than any": ({"a": Symlink("/etc\0" + "x" * 5000)}, ("'a'", "5,005 bytes")),
    "with an end of its own": ({"a": Symlink("../../etc\0/../" + "x" * 50)}, ("'a'", "'../../etc'")),
}


@pytest.mark.parametrize("standby", [False, True], ids=["fresh", "standby"])
def test_link_that_leads_out(make_workbench: MakeWorkbench, origin: Origin, standby: bool) -> None:
    """Nothing of the commit is written, what was published stays, and it is left alone until there is another."""
    bench = make_workbench(origin.url, **DENY)
    assert bench.run().outcome == "updated"
    if standby:
        origin.commit({"a": "2"})
        assert bench.run().outcome == "updated"
        origin.commit({"a": None})
        assert bench.run().outcome == "updated"
    good, trees = origin.head, sorted((bench.repo.root / ".worktrees").iterdir())
    for files, told in OUT.values():
        before = fetched(bench)
        origin.force_push({**files, "new": "x"}, onto=good)
        failure = refused(bench)
        assert all(words in failure.message for words in told), failure.message
        assert failure.message.isprintable()
        assert len(failure.message) < 1000
        assert "--symlinks" in (failure.hint or "")
        assert refused(bench).message == failure.message
        assert fetched(bench) == before + 1
        assert assert_published(origin.path, bench.repo.link) == good
        assert sorted((bench.repo.root / ".worktrees").iterdir()) == trees
    origin.force_push({"new": "y"}, onto=good)
    assert bench.run().outcome == "updated"
    assert_published(origin.path, bench.repo.link)


def test_links_that_stay(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Those within are published, whatever they are; and all are where nothing else is asked for."""
    origin.commit(
        {
            "d/e/up": Symlink("../../index.html"),
            "chain": Symlink("d/e/up"),
            "loop": Symlink("loop"),
            "round": Symlink("trip"),
            "trip": Symlink("round"),
            "gone": Symlink("no/where/../x"),
            "git": Symlink(".git"),
            "bytes": Symlink(b"\xff"),
            "cut": Symlink("d\0/../../../etc"),
        }
    )
    bench = make_workbench(origin.url, **DENY)
    assert bench.run().outcome == "updated"
    assert os.readlink(os.fsencode(bench.repo.link / "bytes")) == b"\xff"
    assert (bench.repo.link / "chain").read_text() == "first\n"
    bench.close()
    origin.commit({"out": Symlink("/etc/passwd")})
    free = make_workbench(origin.url)
    assert free.run().outcome == "updated"
    assert os.readlink(free.repo.link / "out") == "/etc/passwd"


def test_secrets_are_not_told(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A target that somebody has made of a login is not repeated, also where it is cut off."""
    secret = Secret("correct-horse-battery")
    try:
        bench = make_workbench(origin.url, **DENY)
        origin.commit({"a": Symlink("/" + "x" * 245 + "correct-horse-battery"), "b": Symlink("https://u:p4ss@host/")})
        message = refused(bench).message
        assert "correct" not in message
        origin.commit({"a": Symlink("../https://user:p4ss@host/")})
        assert "p4ss" not in refused(bench).message
    finally:
        forget(secret)


def test_directory_of_a_repository(make_workbench: MakeWorkbench, origin: Origin, git_http: GitHttpServer) -> None:
    """With --subpath its links have to stay in it; what is beside it counts as outside, and its links do not count.

    The server leaves files out: the targets are fetched at once.
    """
    files: dict[str, Content] = {"site/a": Symlink("b/../c"), "site/c": "x", "site/d/e": Symlink("../c")}
    origin.commit({**files, "out": Symlink("/etc")})
    git(origin.path, "config", "uploadpack.allowFilter", "true")
    bench = make_workbench(git_http.url_of(origin.path), subpath="site", **DENY)
    git_http.requests.clear()
    assert bench.run().outcome == "updated"
    # The commit, the targets, and the other files.
    assert git_http.fetches == 3
    assert (bench.repo.link / "d" / "e").read_text() == "x"
    shown = os.readlink(bench.repo.link)
    origin.commit({"site/d/e": Symlink("../../index.html")})
    assert "'d/e'" in refused(bench).message
    assert os.readlink(bench.repo.link) == shown


@pytest.fixture
def library(make_origin: Callable[..., Origin]) -> Origin:
    """A repository that another one has as submodule."""
    made = make_origin("library.git")
    made.commit({"lib.txt": "one\n", "up": Symlink("../../index.html")})
    return made


def test_links_of_submodules(make_workbench: MakeWorkbench, origin: Origin, library: Origin) -> None:
    """They may lead to their parents, and no further; submodules that stay empty do not count."""
    link(origin, {"deep/lib": ("../library.git", library.head)})
    bench = make_workbench(origin.url, **DENY)
    assert bench.run().outcome == "updated"
    good, old = origin.head, library.head
    assert (bench.repo.link / "deep/lib/up").read_text() == "first\n"
    library.commit({"up": Symlink("../../../x")})
    link(origin, {"deep/lib": ("../library.git", library.head)})
    assert "'deep/lib/up'" in refused(bench).message
    assert_tree(library.path, bench.repo.link / "deep/lib", old)
    assert bench.published() == good
    link(origin, {"deep/further/lib": ("../library.git", library.head)})
    assert bench.run().outcome == "updated"
    bench.close()
    link(origin, {"lib": ("../library.git", library.head)})
    empty = make_workbench(origin.url, submodules="off", **DENY)
    assert empty.run().outcome == "updated"


def test_submodule_that_leads_a_link_of_its_parent_astray(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin
) -> None:
    """What was a directory when the parent's links were looked at is a link of the submodule."""
    bench = make_workbench(origin.url, **DENY)
    assert bench.run().outcome == "updated"
    good = origin.head
    library.commit({"up": Symlink("../..")})
    origin.commit({"a": Symlink("deep/lib/up/../..")})
    link(origin, {"deep/lib": ("../library.git", library.head)})
    assert "'a'" in refused(bench).message
    assert bench.published() == good
    origin.commit({"a": Symlink("deep/lib/up/deep")})
    assert bench.run().outcome == "updated"


def test_unchanged_submodule_is_not_read_again(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What commits hold does not change: only those that are new are looked through."""
    link(origin, {"deep/lib": ("../library.git", library.head)})
    bench = make_workbench(origin.url, **DENY)
    run, listed = bench.git.run, list[str]()

    def count(arguments: list[str], **options: object) -> object:
        if arguments[:3] == ["ls-tree", "-r", "-z"]:
            listed.append(arguments[-1])
        return run(arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.git, "run", count)
    assert bench.run().outcome == "updated"
    commit = origin.commit({"x": "y"})
    assert bench.run().outcome == "updated"
    assert [hash_ for hash_ in listed if hash_ in {commit, library.head}] == [library.head, commit]


def test_tree_with_two_entries_of_one_name(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """No git makes such a tree; which of them counts, and so where other links lead, only the checkout shows."""
    bench = make_workbench(origin.url, **DENY)
    assert bench.run().outcome == "updated"
    good = origin.head
    commit_entries(
        origin,
        ("120000", blob(origin, b"x/y"), "a"),
        ("40000", git(origin.path, "rev-parse", "HEAD:docs"), "a"),
    )
    assert "more than one entry at 'a'" in refused(bench).message
    assert assert_published(origin.path, bench.repo.link) == good


def test_bombs_are_refused(make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Billions of links are not looked through, whether they are many or long."""
    monkeypatch.setattr(symlinks, "_MOST", 100)
    bench = make_workbench(origin.url, **DENY)
    assert bench.run().outcome == "updated"
    good = origin.head
    tree = run_git(origin.path, "mktree", stdin=f"120000 blob {blob(origin, b'x')}\tx\n".encode()).decode().strip()
    for _ in range(12):
        entries = "".join(f"040000 tree {tree}\t{name}\n" for name in "ab")
        tree = run_git(origin.path, "mktree", stdin=entries.encode()).decode().strip()
    origin.rewind(git(origin.path, "commit-tree", "-p", "HEAD", "-m", "Bomb", tree))
    assert "more than 100 links" in refused(bench).message
    monkeypatch.setattr("gitsync.volume.escapes._MOST_PARTS", 1000)
    origin.force_push({f"{number}": Symlink("x/.." + "/." * number + "/x/.." * 20) for number in range(90)}, onto=good)
    assert "longer ones" in refused(bench).message
    assert bench.published() == good


def test_what_is_published_already(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A start that is asked to deny looks at it too: if its links lead out it stays, but the passes fail."""
    bad = origin.commit({"out": Symlink("/etc/passwd")})
    free = make_workbench(origin.url)
    assert free.run().outcome == "updated"
    free.close()
    strict = make_workbench(origin.url, **DENY)
    strict.sync.adopt()
    for _ in range(2):
        assert "'out'" in refused(strict).message
        assert assert_published(origin.path, strict.repo.link) == bad
    good = origin.commit({"out": None})
    assert strict.run().outcome == "updated"
    assert assert_published(origin.path, strict.repo.link) == good
    # The tree of before is there, and is not published again for a ref that turns back.
    origin.rewind(bad)
    refused(strict)
    assert strict.published() == good


@pytest.mark.parametrize("form", ["exchange", "inplace"])
def test_other_forms(make_workbench: MakeWorkbench, origin: Origin, form: str) -> None:
    """Nothing of the commit comes to the place either way."""
    bench = make_workbench(origin.url, publish=form, git_dir="hide", **DENY)
    assert bench.run().outcome == "updated"
    origin.commit({"out": Symlink("../x"), "new": "x"})
    refused(bench)
    assert not os.path.lexists(bench.repo.link / "out")
    assert not Path(bench.repo.link / "new").exists()
    origin.commit({"out": Symlink("new")})
    assert bench.run().outcome == "updated"
    assert (bench.repo.link / "out").read_text() == "x"
