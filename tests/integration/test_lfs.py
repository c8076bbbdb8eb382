"""With --lfs every published tree has the content of files that are kept in LFS, whatever becomes of the server."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitsync.volume.large import LargeFiles
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.eventually import eventually
from tests.support.git import git_environment
from tests.support.git_http import GitHttpServer
from tests.support.lfs import ATTRIBUTES, LfsContents, needs_lfs, oid_of, pointer_to
from tests.support.origin import Executable, Gitlink, Origin, noise

pytestmark = needs_lfs
FILES = {"a.bin": noise(200_000), "data/b.bin": b"small", "bin/run.bin": b"#!/bin/sh\n"}


@pytest.fixture
def lfs(git_http: GitHttpServer) -> LfsContents:
    """The contents of the server."""
    git_http.lfs = LfsContents()
    return git_http.lfs


@pytest.fixture
def make_bench(make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin) -> Callable[..., Workbench]:
    """A function that builds the parts for the repository behind the server."""

    def make(**options: object) -> Workbench:
        flags = {"lfs": "true", "heal_period": "1s", **options}
        return make_workbench(git_http.url_of(origin.path), **flags)

    return make


def assert_shown(bench: Workbench, files: dict[str, bytes], *, below: str = "") -> None:
    """Consumers see these contents, and a comparison finds nothing amiss."""
    top = bench.repo.link.resolve() / below
    assert {path: (top / path).read_bytes() for path in files} == files
    assert not bench.sync.heal(deadline=soon())


def objects_of(bench: Workbench) -> set[str]:
    """Return the contents that the stores have, by their hashes."""
    return {path.name for path in (bench.repo.root / ".gitsync").glob("*/lfs/objects/*/*/*")}


@pytest.mark.parametrize("form", ["symlink", "exchange", "inplace"])
def test_publication_and_updates(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin, git_http: GitHttpServer, form: str
) -> None:
    """Content is there from the first publication on, in each form; what stays the same is not fetched again."""
    lfs.commit(origin, FILES)
    bench = make_bench(publish=form)
    assert bench.run().failure is None
    assert_shown(bench, FILES)
    assert (bench.repo.link / "bin/run.bin").stat().st_mode & 0o100
    files = dict(FILES)
    for number in range(4):
        bench.do_chores()
        files["data/b.bin"] = f"{number}".encode()
        lfs.commit(origin, {"data/b.bin": files["data/b.bin"]}, **{"index.html": f"{number}"})
        before = len(git_http.lfs_requests)
        assert bench.run().failure is None
        # A question, and a content.
        assert len(git_http.lfs_requests) == before + 2
        assert_shown(bench, files)
    origin.commit({"index.html": "last"})
    before = len(git_http.lfs_requests)
    assert bench.run().outcome == "updated"
    assert bench.run().outcome == "unchanged"
    assert len(git_http.lfs_requests) == before
    assert_shown(bench, files)


def test_what_was_pushed_with_git_lfs(
    make_bench: Callable[..., Workbench], lfs: LfsContents, git_http: GitHttpServer, origin: Origin, tmp_path: Path
) -> None:
    """What its own client has made and sent is what is published."""
    clone = tmp_path / "clone"

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=clone, env=git_environment(), check=True)

    origin.commit({"n": "1"})
    clone.mkdir()
    git("clone", "--quiet", origin.url, ".")
    git("lfs", "install", "--local", "--skip-repo")
    git("lfs", "track", "*.bin")
    (clone / "a b.bin").write_bytes(FILES["a.bin"])
    (clone / "empty.bin").write_bytes(b"")
    git("add", ".")
    git("commit", "--quiet", "--message=large")
    git("-c", f"lfs.url={git_http.url_of(origin.path)}/info/lfs", "lfs", "push", "--all", "origin")
    git("push", "--quiet", "origin", "HEAD:main")
    assert lfs.contents == {oid_of(FILES["a.bin"]): FILES["a.bin"]}
    bench = make_bench()
    assert bench.run().failure is None
    assert_shown(bench, {"a b.bin": FILES["a.bin"], "empty.bin": b""})


@pytest.mark.parametrize("filtering", [{}, {"filter": "blob:none"}, {"depth": "0"}], ids=str)
def test_part_of_a_repository(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin, filtering: dict[str, str]
) -> None:
    """Only what is published is fetched, and attributes above it count; the server need not have the rest."""
    lfs.commit(origin, {"in/a.bin": b"in", "out/b.bin": b"out"})
    del lfs.contents[oid_of(b"out")]
    bench = make_bench(subpath="in", **filtering)
    assert bench.run().failure is None
    assert_shown(bench, {"a.bin": b"in"})
    assert objects_of(bench) == {oid_of(b"in")}


def test_sparse_patterns(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin, tmp_path: Path
) -> None:
    """What they leave out is not fetched; when they change, what they no longer leave out is."""
    lfs.commit(origin, {"in/a.bin": b"in", "out/b.bin": b"out"})
    patterns = tmp_path / "patterns"
    patterns.write_text("/in/\n")
    bench = make_bench(sparse_checkout_file=patterns)
    assert bench.run().failure is None
    assert objects_of(bench) == {oid_of(b"in")}
    patterns.write_text("/*\n")
    assert bench.run().failure is None
    assert_shown(bench, {"in/a.bin": b"in", "out/b.bin": b"out"})


def test_submodules(
    make_bench: Callable[..., Workbench],
    make_origin: Callable[..., Origin],
    lfs: LfsContents,
    origin: Origin,
    git_http: GitHttpServer,
) -> None:
    """Their contents are asked for at their own remotes, and stay where a submodule stays."""
    library = make_origin("library.git")
    lfs.commit(library, {"lib.bin": b"one"})
    modules = '[submodule "lib"]\n\tpath = lib\n\turl = ../library.git\n'
    lfs.commit(origin, {"a.bin": b"a"}, **{".gitmodules": modules, "lib": Gitlink(library.head)})  # type: ignore[arg-type]
    bench = make_bench()
    assert bench.run().failure is None
    assert_shown(bench, {"a.bin": b"a", "lib/lib.bin": b"one"})
    assert {request.path.split("/")[1] for request in git_http.lfs_requests} == {"site.git", "library.git"}
    for number in range(3):
        lfs.commit(library, {"lib.bin": f"{number}".encode()})
        origin.commit({"n": f"{number}", "lib": Gitlink(library.head)})
        assert bench.run().failure is None
        assert_shown(bench, {"a.bin": b"a", "lib/lib.bin": f"{number}".encode()})
        bench.do_chores()


@pytest.mark.parametrize("form", ["symlink", "inplace"])
def test_damage_is_repaired_without_the_server(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin, git_http: GitHttpServer, form: str
) -> None:
    """A file that was changed, brought back to its pointer, or removed is put right from the store alone."""
    lfs.commit(origin, FILES)
    bench = make_bench(publish=form)
    for content in (b"x" * 200_000, pointer_to(FILES["a.bin"]).encode(), None):
        git_http.fail_with = None
        # Damage of one commit that comes back is not repaired at once.
        origin.commit({"n": str(content)[:9]})
        assert bench.run().failure is None
        git_http.fail_with = 500
        file = bench.repo.link.resolve() / "a.bin"
        file.unlink()
        if content is not None:
            file.write_bytes(content)
        assert bench.sync.heal(deadline=soon())
        bench.run()
        assert_shown(bench, FILES)


def test_damaged_content(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin, git_http: GitHttpServer
) -> None:
    """Content on the volume that is not what its hash says is fetched anew, and never published."""
    lfs.commit(origin, FILES)
    bench = make_bench()
    bench.run()
    for path in (bench.repo.root / ".gitsync").glob("*/lfs/objects/*/*/*"):
        path.chmod(0o644)
        path.write_bytes(b"x" * path.stat().st_size)
    file = bench.repo.link.resolve() / "a.bin"
    file.write_bytes(b"damaged")
    assert bench.sync.heal(deadline=soon())
    before = len(git_http.lfs_requests)
    assert bench.run().failure is None
    assert_shown(bench, FILES)
    assert len(git_http.lfs_requests) > before


def test_restart_without_the_server(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin, git_http: GitHttpServer
) -> None:
    """What an earlier process has published needs no server to be found right."""
    lfs.commit(origin, FILES)
    first = make_bench()
    first.run()
    first.close()
    git_http.fail_with = 500
    bench = make_bench()
    assert bench.sync.adopt()
    bench.run()
    assert_shown(bench, FILES)


def test_contents_go_with_their_trees(make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin) -> None:
    """What no tree needs any more goes between passes; what a failed fetch has left as well."""
    bench = make_bench()
    for number in range(6):
        lfs.commit(origin, {"a.bin": f"{number}".encode(), "same.bin": b"same"})
        assert bench.run().failure is None
        bench.do_chores()
    kept = objects_of(bench)
    assert {oid_of(b"5"), oid_of(b"same")} <= kept
    assert len(kept) <= 3
    for directory in (bench.repo.root / ".gitsync").glob("*/lfs"):
        assert [path.name for path in directory.iterdir()] == ["objects"]


def test_turned_on_and_off(make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin) -> None:
    """A start with another --lfs publishes the same commit anew, and contents that nobody needs go."""
    lfs.commit(origin, FILES)
    for wanted in ("false", "true", "false"):
        bench = make_bench(lfs=wanted)
        bench.sync.adopt()
        assert bench.run().failure is None
        bench.do_chores()
        shown = FILES if wanted == "true" else {path: pointer_to(content).encode() for path, content in FILES.items()}
        assert_shown(bench, shown)
        bench.close()
    bench = make_bench(lfs="false")
    origin.commit({"n": "1"})
    bench.run()
    bench.do_chores()
    assert not [*(bench.repo.root / ".gitsync").glob("*/lfs")]


@pytest.mark.parametrize(("options", "prunable"), [({}, 1), ({"git_gc": "off"}, 0), ({"lfs": "false"}, 0)], ids=str)
def test_trees_are_asked_what_they_need_where_there_are_contents(
    make_bench: Callable[..., Workbench],
    lfs: LfsContents,
    origin: Origin,
    options: dict[str, str],
    prunable: int,
) -> None:
    """Where there are none, or none may go, no tree is looked at for that."""
    lfs.commit(origin, FILES)
    bench = make_bench(**options)
    assert bench.run().failure is None
    assert len(bench.stores.prunable) == prunable


def test_times_of_the_commit(make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin) -> None:
    """With --mtime=commit the contents have its time as well."""
    lfs.commit(origin, FILES)
    bench = make_bench(mtime="commit")
    bench.run()
    top = bench.repo.link.resolve()
    assert len({(top / path).stat().st_mtime for path in (*FILES, "index.html")}) == 1
    assert_shown(bench, FILES)


def test_what_only_looks_like_it(make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin) -> None:
    """A pointer that attributes do not name stays one; so do files that they name, and that are none."""
    text = pointer_to(b"nowhere")
    others = {"pointer.txt": text, "raw.bin": noise(5000).decode("latin-1"), "ext.bin": f"{text}ext-0-x sha256:0\n"}
    lfs.commit(origin, FILES, **others)
    bench = make_bench()
    assert bench.run().failure is None
    assert_shown(bench, {**FILES, **{path: content.encode() for path, content in others.items()}})


def test_files_that_git_reads(make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin) -> None:
    """What is said of files is what the commit says, and not what a pointer to that would."""
    attributes = {"data/.gitattributes": lfs.add(b"*.txt ident\n"), "data/.gitignore": lfs.add(b"*\n")}
    lfs.commit(origin, FILES, **{"data/x.txt": "$Id$\n", **attributes})
    origin.commit({".gitattributes": f"{ATTRIBUTES}.gitattributes filter=lfs\n.gitignore filter=lfs\n"})
    bench = make_bench()
    assert bench.run().failure is None
    assert_shown(
        bench, {**FILES, "data/x.txt": b"$Id$\n", **{path: text.encode() for path, text in attributes.items()}}
    )


def test_an_end_half_way(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an end between two files the next try has all of them, and so has the tree that was begun."""
    lfs.commit(origin, FILES)
    bench = make_bench()
    bench.run()
    changed = {path: content + b"2" for path, content in FILES.items()}
    lfs.commit(origin, changed)
    whole, done = LargeFiles._replace, [0]

    def end(large: LargeFiles, file: object, *, deadline: float) -> bool:
        done[0] += 1
        if done[0] == 2:
            raise KeyboardInterrupt
        return whole(large, file, deadline=deadline)  # type: ignore[arg-type]

    monkeypatch.setattr(LargeFiles, "_replace", end)
    with pytest.raises(KeyboardInterrupt):
        bench.run()
    assert_shown(bench, FILES)
    bench.close()
    monkeypatch.undo()
    bench = make_bench()
    bench.sync.adopt()
    assert bench.run().failure is None
    assert_shown(bench, changed)


def test_content_is_weighed(make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin) -> None:
    """--max-size counts contents, and --max-fetch those that are to be fetched, before any of them comes."""
    lfs.commit(origin, FILES)
    for option in ("max_size", "max_fetch"):
        bench = make_bench(**{option: "100000"})
        failure = bench.run().failure
        assert failure
        assert failure.reason == "too_large"
        assert option.replace("_", "-") in failure.message
        assert objects_of(bench) == set()
        bench.close()


def test_attributes_come_later(make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin) -> None:
    """A commit that only says that files are kept in LFS, or no longer, changes what is published."""
    origin.commit({"a.bin": lfs.add(b"content"), "run.bin": Executable(lfs.add(b"run"))})
    bench = make_bench()
    bench.run()
    assert_shown(bench, {"a.bin": pointer_to(b"content").encode()})
    for attributes, shown in (
        (ATTRIBUTES, b"content"),
        (None, pointer_to(b"content").encode()),
        (ATTRIBUTES, b"content"),
    ):
        origin.commit({".gitattributes": attributes})
        assert bench.run().failure is None
        assert_shown(bench, {"a.bin": shown})


def test_settled_trees_are_not_read_again(
    make_bench: Callable[..., Workbench], lfs: LfsContents, origin: Origin
) -> None:
    """Once a tree has settled, git knows its contents by time and size, and takes none of them for changed."""
    lfs.commit(origin, FILES)
    bench = make_bench()
    bench.run()
    eventually(lambda: bench.sync.has_chore)
    bench.do_chores()
    tree = bench.trees.catalogue.all(bench.stores.all())[0]
    changed = bench.git.run(["diff-files", "--name-only"], deadline=soon(), place=tree.place).stdout
    assert changed == ""
