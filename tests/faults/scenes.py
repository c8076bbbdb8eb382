"""What gitsync is about to do when a fault strikes: a root and a remote, made so again and again.

Most scenes go on with what the last one has left, as a volume does that lives for long.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from tests.conftest import StartDaemon
from tests.faults.invariants import Watch
from tests.faults.remains import Bounds
from tests.support.daemon import DaemonProcess
from tests.support.git import git, run_git
from tests.support.git_sync import TREES, write_root
from tests.support.origin import Content, Gitlink, Origin, noise

_PACKS = 22
# Places below a root that an update changes, in their order; {new} is the commit that it leads to.
_UPDATE = (
    *(".gitsync/lock", ".gitsync/*/shallow", ".gitsync/*/refs/gitsync/head", ".gitsync/*/gitsync-options"),
    *(".gitsync/*/worktrees/*/gitsync-index", ".gitsync/*/worktrees/*/HEAD", ".gitsync/*/worktrees/*/gitdir"),
    *(".gitsync/*/worktrees/*/gitsync-place", ".worktrees/{new}", ".site.git.*", "site.git"),
)
# After it, the tree that the link has left; and what else a new tree, and a new store, consist of.
_LEFT = (".gitsync/*/worktrees/*/gitsync-left",)
_TREE = (
    *(".worktrees/.tree-*", ".worktrees/.tree-*/.git", ".gitsync/*/worktrees/*/commondir"),
    ".gitsync/*/worktrees/*/gitsync-recipe",
)
_STORE = (".gitsync/*/objects", ".gitsync/*/config", ".gitsync/*/HEAD")
_GONE = (".worktrees/.gone-*",)


@dataclass
class Scene:
    """An update: another commit is there, and a standby to make a tree of it. `new` is what has to be published."""

    origin: Origin
    root: Path
    start_daemon: StartDaemon
    make_origin: Callable[..., Origin]
    number: int = 0
    new: str = ""
    options: ClassVar[Mapping[str, str]] = {}
    form: ClassVar[str] = "symlink"
    # Whether what is published is broken at first.
    damaged: ClassVar[bool] = False
    # Whether it is over with the first pass and its chores.
    at_once: ClassVar[bool] = True
    bounds: ClassVar[Bounds] = Bounds()
    # Patterns of the places that it changes, and that have a meaning.
    places: ClassVar[Sequence[str]] = (*_UPDATE, *_LEFT)
    submodules: dict[str, Origin] = field(default_factory=dict)

    @property
    def link(self) -> Path:
        """Where it is published."""
        return self.root / "site.git"

    def prepare(self) -> None:
        """Make everything so that the next start begins with what the scene is about."""
        if not self.root.exists():
            self.run_once()
            self.commit()
            self.run_once()
        self.commit()

    def commit(self) -> None:
        """Make another commit: files are changed, added and removed."""
        self.number += 1
        files: dict[str, Content] = {
            "index.html": f"{self.number}\n",
            "docs/guide.txt": f"read me {self.number}\n",
            f"docs/only-in/{self.number}/a": "a\n",
            f"docs/only-in/{self.number - 1}/a": None,
        }
        self.new = self.origin.commit(files)

    def run(self, **options: object) -> DaemonProcess:
        """Start gitsync."""
        given = {"period": "1h", "stale_worktree_timeout": "0s", "max_backoff": "100ms", **self.options, **options}
        environment = given.pop("environment", None)
        assert environment is None or isinstance(environment, dict)
        return self.start_daemon(self.origin.url, self.root, environment=environment, **given)

    def run_once(self, **options: object) -> None:
        """Publish the commit that is there now."""
        assert self.run(one_time=True, **options).wait_exit() == 0

    def watch(self, *, spare: bool = False) -> Watch:
        """Return the checker for it; `spare` lets a store be tried in the place of another, and be left again."""
        bounds = Bounds(trees=3, stores=2 * self.bounds.stores) if spare else self.bounds
        watch = Watch(
            self.origin,
            self.link,
            self.root,
            form=self.form,
            subpath=self.options.get("subpath", ""),
            submodules=self.submodules,
            bounds=bounds,
        )
        if self.damaged:
            watch.excuse()
        return watch

    def store(self) -> Path:
        """Return the store of the remote."""
        (found,) = (path for path in (self.root / ".gitsync").iterdir() if (path / "objects").is_dir())
        return found


class First(Scene):
    """The first publication, in a root that is not there yet."""

    places: ClassVar[Sequence[str]] = (*_UPDATE, *_TREE, *_STORE, ".gitsync")

    def prepare(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.commit()


class WithoutStandby(Scene):
    """An update for which a tree is checked out."""

    places: ClassVar[Sequence[str]] = (*_UPDATE, *_TREE)

    def prepare(self) -> None:
        """Go back to a root that has one tree."""
        template = self.root.with_name("template")
        if not template.exists():
            self.run_once()
            self.root.rename(template)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(template, self.root, symlinks=True)
        self.commit()


class _Damaged(Scene):
    """Something is broken, and there is no other commit."""

    damaged = True

    def prepare(self) -> None:
        """Break it."""
        if not self.root.exists():
            super().prepare()
            self.run_once()
        self.damage()

    def damage(self) -> None:
        """Do that."""
        raise NotImplementedError


class DamagedFile(_Damaged):
    """A consumer has written into a published file."""

    at_once: ClassVar[bool] = False
    places: ClassVar[Sequence[str]] = (".gitsync/*/worktrees/*/gitsync-index", ".site.git.*", "site.git")

    def damage(self) -> None:
        """Write."""
        (self.link / "index.html").write_text("damaged by a consumer\n")


class MissingLink(_Damaged):
    """The link is gone."""

    places: ClassVar[Sequence[str]] = (".site.git.*", "site.git")

    def damage(self) -> None:
        """Remove it."""
        self.link.unlink()


class MissingTree(_Damaged):
    """The tree behind the link is gone."""

    places: ClassVar[Sequence[str]] = (
        ".gitsync/*/worktrees/*/gitsync-place",
        ".worktrees/*",
        ".site.git.*",
        "site.git",
    )

    def damage(self) -> None:
        """Remove it."""
        shutil.rmtree(self.link.resolve())


class DamagedStore(Scene):
    """An update whose store has nothing but empty objects."""

    places: ClassVar[Sequence[str]] = (*_UPDATE, *_TREE, *_STORE, *_GONE)

    def prepare(self) -> None:
        """Empty them."""
        super().prepare()
        for path in (self.store() / "objects").rglob("*"):
            if path.is_file():
                path.chmod(0o644)
                path.write_bytes(b"")


class Garbage(Scene):
    """An update after which garbage is collected."""

    places: ClassVar[Sequence[str]] = (
        *(".gitsync/*/packed-refs*", ".gitsync/*/objects/pack/tmp_pack_*"),
        *(".gitsync/*/objects/pack/pack-*", ".gitsync/*/gitsync-size"),
    )

    def prepare(self) -> None:
        """Put more packs into the store than there may be."""
        super().prepare()
        place, packs = self.root.with_name("packs"), self.root.with_name("packs.git")
        if not place.exists():
            place.mkdir()
            run_git(None, "init", "--quiet", "--bare", str(packs))
            for seed in range(_PACKS):
                name = run_git(packs, "hash-object", "-w", "--stdin", stdin=noise(2000, seed=seed)).decode()
                run_git(packs, "pack-objects", "--quiet", str(place / "pack"), stdin=name.encode())
        for path in place.iterdir():
            shutil.copy(path, self.store() / "objects" / "pack" / path.name)


class GarbageOfHistory(Garbage):
    """The same for a store with all of its history, whose packs are joined."""

    options: ClassVar[Mapping[str, str]] = {"depth": "0"}
    places: ClassVar[Sequence[str]] = (".gitsync/*/objects/pack/tmp_pack_*", ".gitsync/*/objects/pack/pack-*")


class OldTrees(Scene):
    """Directories that have to be removed: put aside, and of nobody."""

    places: ClassVar[Sequence[str]] = _GONE

    def prepare(self) -> None:
        """Make them."""
        super().prepare()
        for name in (".gone-0123456789ab", ".tree-0123456789ab"):
            (self.root / ".worktrees" / name / "a" / "b").mkdir(parents=True)
            (self.root / ".worktrees" / name / "a" / "file").write_text("old\n")


class Submodule(Scene):
    """An update that has another commit of a submodule."""

    bounds: ClassVar[Bounds] = Bounds(stores=2)
    places: ClassVar[Sequence[str]] = (
        *(".worktrees/.tree-*/lib", ".gitsync/*/worktrees/sub-*", ".gitsync/*/worktrees/sub-*/gitsync-index"),
        *(".worktrees/.tree-*/lib/.git", ".gitsync/*/gitsync-nested", ".gitsync/*/gitsync-bare", ".worktrees/{new}"),
    )

    def commit(self) -> None:
        """Commit to both."""
        if not self.submodules:
            self.submodules["lib"] = self.make_origin("library.git")
        library = self.submodules["lib"]
        library.commit({"lib.txt": f"{self.number}\n", f"deep/{self.number}": "x\n"})
        module = '[submodule "lib"]\n\tpath = lib\n\turl = ../library.git\n'
        self.origin.commit({"lib": Gitlink(library.head), ".gitmodules": module})
        super().commit()


class Takeover(Scene):
    """A root that git-sync has written."""

    places: ClassVar[Sequence[str]] = (*_UPDATE, *_TREE, *_STORE, *_GONE)
    version: ClassVar[str] = "v4"

    def prepare(self) -> None:
        """Write it."""
        shutil.rmtree(self.root, ignore_errors=True)
        write_root(self.root, self.origin, TREES[self.version])
        self.commit()


class Exchange(Scene):
    """An update of a directory in the link's place."""

    options: ClassVar[Mapping[str, str]] = {"publish": "exchange"}
    form: ClassVar[str] = "exchange"
    places: ClassVar[Sequence[str]] = (
        *(".worktrees/.trial-*", ".gitsync/*/gitsync-place", ".worktrees/{new}", ".worktrees/{new}/.git"),
        *(".gitsync/exchanged", "site.git", *_LEFT),
    )


class InPlace(Scene):
    """An update of a directory that stays the same one."""

    options: ClassVar[Mapping[str, str]] = {"publish": "inplace"}
    form: ClassVar[str] = "inplace"
    places: ClassVar[Sequence[str]] = (
        *(".worktrees/{new}", ".gitsync/inplace-*/journal", "site.git/*.gitsync-tmp", "site.git/.gitsync-complete"),
        *("site.git/index.html", ".gitsync/inplace-*/placed", *_LEFT),
    )


class Subpath(Scene):
    """An update of one directory of the repository."""

    options: ClassVar[Mapping[str, str]] = {"subpath": "docs"}

    def prepare(self) -> None:
        """Let the server leave out what is not needed."""
        git(self.origin.path, "config", "uploadpack.allowFilter", "true")
        super().prepare()


SCENES: Mapping[str, type[Scene]] = {
    "first": First,
    "update": Scene,
    "without-standby": WithoutStandby,
    "damaged-file": DamagedFile,
    "missing-link": MissingLink,
    "missing-tree": MissingTree,
    "damaged-store": DamagedStore,
    "garbage": Garbage,
    "garbage-of-history": GarbageOfHistory,
    "old-trees": OldTrees,
    "submodule": Submodule,
    "takeover": Takeover,
    "exchange": Exchange,
    "inplace": InPlace,
    "subpath": Subpath,
}
