"""Which submodules are populated, and how: as git does it, whatever `.gitmodules` and the options say."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gitsync.base.errors import GitTimeout
from gitsync.programs.gitcmd import Output, Place
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.clones import clone, contents, differences
from tests.support.origin import Content, Gitlink, Origin

MakeOrigin = Callable[..., Origin]


@pytest.fixture
def library(make_origin: MakeOrigin) -> Origin:
    """A repository that others have as submodule."""
    made = make_origin("library.git")
    made.commit({"lib.txt": "one\n"})
    return made


def entry(name: str, *, path: str | None = None, url: str | None = "../library.git", more: str = "") -> str:
    """Return an entry of `.gitmodules`."""
    lines = [f'[submodule "{name}"]', f"path = {path or name}", *([f"url = {url}"] if url else []), more]
    return "\n".join(lines) + "\n"


def publish(bench: Workbench) -> Path:
    """Run a pass that succeeds, and return the tree."""
    result = bench.run()
    assert result.failure is None, result.failure
    return bench.repo.link.resolve()


POPULATED: dict[str, tuple[str, bool]] = {
    "update = none": (entry("lib", url="../nowhere.git", more="update = none"), False),
    "update = rebase": (entry("lib", more="update = rebase"), True),
    "active = false": (entry("lib", more="active = false"), True),
    "name that leads up": (entry("../lib", path="lib"), False),
    "no entry": (entry("other"), False),
    "path with a slash at its end": (entry("lib", path="lib/"), False),
    "two entries": (entry("first", path="lib", url="../nowhere.git") + entry("second", path="lib"), True),
    "two URLs": (entry("lib", url="../nowhere.git") + '[submodule "lib"]\nurl = ../library.git\n', True),
    "line ends of Windows": (entry("lib").replace("\n", "\r\n"), True),
}


@pytest.mark.parametrize(("modules", "populated"), POPULATED.values(), ids=POPULATED.keys())
def test_entry(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path, modules: str, populated: bool
) -> None:
    """The tree is that of a clone."""
    origin.commit({".gitmodules": modules, "lib": Gitlink(library.head)})
    bench = make_workbench(origin.url)
    tree = publish(bench)
    assert (tree / "lib" / "lib.txt").exists() == populated
    expected = clone(origin.path, tmp_path)
    assert expected
    assert differences(expected, contents(tree)) == []
    assert not bench.sync.heal(deadline=soon())


@pytest.mark.parametrize("mode", ["recursive", "off"])
def test_unreadable_file_without_a_submodule(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, mode: str
) -> None:
    """A clone that wants submodules fails on it though there is none, and so do we; one that wants none does not."""
    origin.commit({".gitmodules": '[submodule "lib"]\n= x [\n'})
    assert clone(origin.path, tmp_path) is None
    failure = make_workbench(origin.url, submodules=mode).run().failure
    assert (failure and failure.reason) == ("submodule" if mode == "recursive" else None)


SETTINGS = {
    "submodule.lib.update:none": False,
    "submodule.lib.active:false": False,
    "submodule.lib.url:{library}": True,
    "submodule.other.update:none": None,
}


@pytest.mark.parametrize(("setting", "populated"), SETTINGS.items())
def test_setting(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, setting: str, populated: bool | None
) -> None:
    """What the options say of a submodule goes before what the repository says; None where nothing can be had."""
    origin.commit({".gitmodules": entry("lib", url="../nowhere.git"), "lib": Gitlink(library.head)})
    value = setting.format(library=library.url)
    key, _, value = value.partition(":")
    bench = make_workbench(origin.url, git_config=f'{key}:"{value}"')
    if populated is None:
        assert bench.run().failure
    else:
        assert (publish(bench) / "lib" / "lib.txt").exists() == populated


def test_name_of_any_bytes(make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path) -> None:
    """Also with the byte that ends a file for some."""
    name = b"\xff \t'\xe9".decode("utf-8", "surrogateescape")
    modules = entry("lib", path=f'"{name}"').replace("\t", "\\t").encode("utf-8", "surrogateescape")
    bench = make_workbench(origin.url)
    for number in range(4):
        files: dict[str, Content] = {".gitmodules": modules, name: Gitlink(library.head), "n": str(number)}
        origin.commit(files)
        assert differences(clone(origin.path, tmp_path) or {}, contents(publish(bench))) == []
        assert not bench.sync.heal(deadline=soon())


def test_submodule_and_directory_take_turns(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path
) -> None:
    """Neither leaves anything to the other, also where a consumer has removed what tells them apart."""
    bench = make_workbench(origin.url)
    for number in range(8):
        if number % 3:
            origin.commit({".gitmodules": None, "lib": None, "lib/a.txt": "a\n"} if number % 3 == 2 else {"n": "x"})
        else:
            origin.commit({".gitmodules": entry("lib"), "lib/a.txt": None, "lib": Gitlink(library.head)})
        tree = publish(bench)
        assert differences(clone(origin.path, tmp_path) or {}, contents(tree)) == []
        (tree / "lib" / ".git").unlink(missing_ok=True)


PATTERNS = {
    "/app/*.txt\n/app/lib\n": {"app/lib"},
    "/*\n!/big\n": {"app/lib"},
    "/big\n": {"big"},
    "/*\n": {"app/lib", "big"},
}


@pytest.mark.parametrize(("patterns", "populated"), PATTERNS.items())
def test_sparse_patterns(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path, patterns: str, populated: set[str]
) -> None:
    """Those that the patterns leave out are not there, those within are, whether or not `.gitmodules` is."""
    modules = entry("lib", path="app/lib") + entry("big")
    (tmp_path / "patterns").write_text(patterns)
    bench = make_workbench(origin.url, sparse_checkout_file=tmp_path / "patterns")
    for number in range(4):
        files: dict[str, Content] = {path: Gitlink(library.head) for path in ("app/lib", "big")}
        origin.commit({**files, ".gitmodules": modules, "app/a.txt": str(number)})
        tree = publish(bench)
        assert {path for path in ("app/lib", "big") if (tree / path / "lib.txt").exists()} == populated
        assert not bench.sync.heal(deadline=soon())


def test_modules_that_are_off_are_empty(make_workbench: MakeWorkbench, origin: Origin, library: Origin) -> None:
    """Whatever a consumer has put into their directories."""
    bench = make_workbench(origin.url, submodules="off")
    for number in range(4):
        origin.commit({".gitmodules": entry("lib"), "lib": Gitlink(library.head), "n": str(number)})
        tree = publish(bench)
        assert list((tree / "lib").iterdir()) == []
        (tree / "lib" / "junk").write_text("x")


@pytest.mark.parametrize("submodules", ["recursive", "off"])
def test_link_in_the_place_of_a_submodule_goes_with_it(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path, submodules: str
) -> None:
    """What a consumer has put there is nothing that git would look at."""
    bench = make_workbench(origin.url, submodules=submodules)
    origin.commit({".gitmodules": entry("lib"), "lib": Gitlink(library.head)})
    for _ in range(2):
        (publish(bench) / "lib").rename(tmp_path / f"moved-{bench.published()}")
        (bench.repo.link / "lib").symlink_to(tmp_path)
        origin.commit({"n": bench.published()})
    for number in range(3):
        origin.commit({".gitmodules": None, "lib": None, "n": str(number)})
        assert differences(clone(origin.path, tmp_path) or {}, contents(publish(bench))) == []


def test_check_out_goes_on_where_it_was_ended(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A submodule that was finished in time is not written again when the next one is tried again."""
    modules = entry("first", url="../library.git") + entry("second", url="../library.git")
    origin.commit({".gitmodules": modules, "first": Gitlink(library.head), "second": Gitlink(library.head)})
    bench = make_workbench(origin.url)
    run = bench.git.run

    def ended(arguments: Sequence[str], *, place: Place | None = None, **options: Any) -> Output:
        if "reset" in arguments and place and place.work_tree and place.work_tree.name == "second":
            raise GitTimeout("too late")
        return run(arguments, place=place, **options)

    with monkeypatch.context() as patched:
        patched.setattr(bench.git, "run", ended)
        result = bench.run()
    assert result.failure
    assert result.failure.reason == "timeout"
    (first,) = bench.repo.root.glob(".worktrees/.tree-*/first/lib.txt")
    before = first.stat()
    after = (publish(bench) / "first" / "lib.txt").stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_damaged_standby_is_dropped_after_a_submodule_has_failed(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin
) -> None:
    """What was wrong with the last try is not what is wrong with this one."""
    bench = make_workbench(origin.url)
    for number in range(2):
        origin.commit({"n": str(number)})
        publish(bench)
    origin.commit({".gitmodules": entry("lib", url="../nowhere.git"), "lib": Gitlink(library.head)})
    assert bench.run().failure
    for index in bench.stores.current.path.glob("worktrees/*/gitsync-index"):
        index.write_bytes(b"garbage")
    origin.commit({".gitmodules": entry("lib")})
    assert (publish(bench) / "lib" / "lib.txt").exists()


def test_what_others_put_where_a_submodule_stays_empty_goes(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path
) -> None:
    """A commit may have a submodule that no .gitmodules tells of: a clone has an empty directory there."""
    bench = make_workbench(origin.url, stale_worktree_timeout="0s")
    origin.commit({"lib": Gitlink(library.head)})
    for number in range(4):
        origin.commit({"n": str(number)})
        tree = publish(bench)
        assert differences(clone(origin.path, tmp_path) or {}, contents(tree)) == []
        (tree / "lib" / "left").write_text("x")


def test_attributes_that_others_put_where_a_submodule_was(
    make_workbench: MakeWorkbench, origin: Origin, library: Origin, tmp_path: Path
) -> None:
    """They count for nothing that a later commit has there."""
    bench = make_workbench(origin.url, stale_worktree_timeout="0s")
    for number in range(3):
        origin.commit({"lib": Gitlink(library.head), "n": str(number)}, replace=True)
        (publish(bench) / "lib" / ".gitattributes").write_text("* text eol=crlf\n")
    # It is made of a tree that the link has left.
    origin.commit({"lib/a": "one\n"}, replace=True)
    assert differences(clone(origin.path, tmp_path) or {}, contents(publish(bench))) == []
