"""Files of ours on the volume, damaged one at a time: the store, the metadata of trees, the lock, records and marks.

What is published stays. With the remote up the next passes publish its newest commit, and all is as before; with the
remote down each pass says why it fails, and the same follows when it is back.
"""

import hashlib
import itertools
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitsync.base import swap
from gitsync.volume.inplace import MARKER
from tests.faults.catalogue import fault
from tests.faults.figures import RecordProperty
from tests.faults.reading import Sight
from tests.faults.remains import Bounds, remains
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.commits import Commits
from tests.support.git import run_git
from tests.support.lfs import ATTRIBUTES, keep, needs_lfs
from tests.support.origin import Content, Gitlink, Origin, noise

FORMS = ("symlink", "exchange", "inplace")
# A link to a tree that has files of LFS, and a submodule.
PARTS = "parts"
KINDS = ("emptied", "truncated", "flipped", "a link", "a directory", "removed", "nonsense")
# What others could write there.
NONSENSE = ("\u00b2", "9" * 5000, "[" * 100_000, '{"a": 1}', "null")
# Cases of each combination that are tried where there is no time for all; with submodules and LFS there never is.
SAMPLE = 5
LARGE_SAMPLE = 60
# Without its mark a directory is not ours, and a directory in the place of the marker is not either: what is not ours
# stays (tests/integration/test_exchange.py, tests/unit/volume/test_inplace_others.py).
FOREIGN = {(".gitsync/exchanged/standing", "removed"), (f"site/{MARKER}", "a directory")}
# So many passes may be needed at most.
PASSES = 4


def damage(path: Path, kind: str) -> None:
    """Damage a file, and not another name that it has."""
    content = path.read_bytes()
    path.unlink()
    middle = len(content) // 2
    if kind == "emptied":
        path.touch()
    elif kind == "truncated":
        path.write_bytes(content[:middle])
    elif kind == "flipped":
        path.write_bytes(content[:middle] + bytes([(content or b"x")[middle] ^ 0x41]) + content[middle + 1 :])
    elif kind == "nonsense":
        path.write_text(NONSENSE[len(content) % len(NONSENSE)])
    elif kind == "a link":
        path.symlink_to("/dev/null")
    elif kind == "a directory":
        path.mkdir()
        if path.name != ".git":
            (path / "x").write_text("x")


@dataclass
class Volume:
    """A root on which some commits were published, made anew for each case; the remote may be away."""

    make: MakeWorkbench
    origin: Origin
    root: Path
    form: str
    library: Origin | None = None

    def __post_init__(self) -> None:
        self.link = self.root / "site"
        modules = {"lib": self.library.path} if self.library else {}
        self.sight = Sight(self.link, Commits([self.origin.path], submodules=modules), form=self.form)
        self._options = {"lfs": "true"} if self.library else {}
        self._remote = self.root.with_name("remote")
        self._template = self.root.with_name("template")
        self._commits = [self._commit(number) for number in range(5)]

    @property
    def of_library(self) -> Sequence[str]:
        """Words in the names of what is the submodule's: its store, the metadata of its trees, its `.git`."""
        store = hashlib.sha256(f"file://{self._remote}/library.git".encode()).hexdigest()[:12]
        return store, "sub-", "/lib/"

    def _commit(self, number: int) -> str:
        files: dict[str, Content] = {"index.html": f"{number}\n", f"docs/{number}": noise(5000, seed=number)}
        if self.library:
            self.library.commit({"code": f"{number}\n", "deep/code": noise(500, seed=number)})
            modules = '[submodule "lib"]\n\tpath = lib\n\turl = ../library.git\n'
            files |= {".gitmodules": modules, "lib": Gitlink(self.library.head), ".gitattributes": ATTRIBUTES}
            files["large.bin"] = keep(self.origin.path, noise(3000, seed=number))
        return self.origin.commit(files)

    def begin(self) -> Workbench:
        """Have a process begin its work."""
        url = f"file://{self._remote}/site.git"
        bench = self.make(url, publish=self.form, link="site", **self._options)
        bench.sync.adopt()
        return bench

    def restore(self) -> None:
        """Have the volume be as it was before it was damaged, and the remote on the commit that is published there."""
        self._remote.unlink(missing_ok=True)
        self._remote.symlink_to(self.origin.path.parent)
        if self.root.exists():
            shutil.rmtree(self.root)
        # What stands at the link's place is known by its inode.
        if self.form == "exchange" or not self._template.exists():
            self._build()
            if self.form != "exchange":
                subprocess.run(["cp", "-a", str(self.root), str(self._template)], check=True)
        else:
            subprocess.run(["cp", "-a", str(self._template), str(self.root)], check=True)

    def _build(self) -> None:
        bench = self.begin()
        for commit in self._commits[:3]:
            self.origin.rewind(commit)
            assert bench.run().failure is None
            bench.do_chores()
            # Packs, loose objects, refs in a list and refs in files.
            store = bench.stores.current.path
            if commit != self._commits[2]:
                run_git(store, "repack", "-d", "-q")
                run_git(store, "pack-refs", "--all")
        bench.close()

    def push(self, number: int) -> str:
        """Have the remote follow another commit."""
        return self.origin.rewind(self._commits[number])

    @contextmanager
    def down(self) -> Iterator[None]:
        """Have no remote while the block runs."""
        target = os.readlink(self._remote)
        self._remote.unlink()
        yield
        self._remote.symlink_to(target)

    def files(self) -> dict[str, Path]:
        """Return all files of ours, by names that are the same for each volume."""
        places = [self.root / ".gitsync", *(self.root / ".worktrees").glob("*"), self.link]
        found = [path for place in places for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
        ours = [path for path in found if ".gitsync" in path.parts or path.name in {".git", MARKER}]
        private = {path.name.removeprefix(".tree-") for path in (self.root / ".worktrees").glob(".tree-*")}
        return {self._role(path, private): path for path in ours}

    def _role(self, path: Path, private: set[str]) -> str:
        name = str(path.relative_to(self.root))
        kind = "standby" if any(each in name for each in private) else "published"
        name = re.sub(r"worktrees/[0-9a-f]{12}/|\.tree-[0-9a-f]{12}", f"worktrees/{kind}/", name)
        stands = self.link.exists() and f"exchanged/{swap.identity(self.link)}@" in name
        return re.sub(r"exchanged/.*", "exchanged/standing" if stands else "exchanged/left", name)


@pytest.fixture
def volume(
    make_workbench: MakeWorkbench,
    make_origin: Callable[..., Origin],
    root: Path,
    request: pytest.FixtureRequest,
) -> Volume:
    """A volume of the form that the test is for."""
    if request.param == PARTS:
        return Volume(make_workbench, make_origin(), root, "symlink", make_origin("library.git"))
    return Volume(make_workbench, make_origin(), root, request.param)


def problem_of(volume: Volume, role: str, kind: str, *, running: bool, up: bool) -> str | None:
    """Try one damage; say what is wrong then, if anything."""
    volume.restore()
    bench = volume.begin()
    try:
        if running and bench.run().failure:
            return "it does not even begin"
        before = bench.sync.published
        assert before
        if path := volume.files().get(role):
            damage(path, kind)
        if not running:
            bench.close()
            bench = volume.begin()
        if not up:
            volume.push(3)
            with volume.down():
                if problem := _problem_while_down(volume, bench, before.hash):
                    return problem
        return _problem_after(volume, bench, before.hash)
    finally:
        bench.close()


def _problem_while_down(volume: Volume, bench: Workbench, before: str) -> str | None:
    for _ in range(2):
        failure = bench.run().failure
        if failure is None or failure.reason in {"internal", "git"} or not failure.hint:
            return f"without a remote: {failure}"
        if problem := _unlike(volume, {before}):
            return f"without a remote: {problem}"
        bench.sync.heal(deadline=soon())
    return None


def _problem_after(volume: Volume, bench: Workbench, before: str) -> str | None:
    """Push; say what is wrong when some passes have been, or the one that follows, or with what is left."""
    new = volume.push(3)
    failures = []
    for _ in range(PASSES):
        failures.append(bench.run().failure)
        if problem := _unlike(volume, {before, new}):
            return f"on the way: {problem}"
        bench.sync.heal(deadline=soon())
    if failures[-1] or (problem := _unlike(volume, {new})):
        return f"after {PASSES} passes: {failures}, {problem if not failures[-1] else ''}"
    last = volume.push(4)
    if failure := bench.run().failure:
        return f"afterwards: {failure}"
    bench.do_chores()
    bench.sync.tidy()
    bounds = Bounds(trees=2, stores=2 if volume.library else 1)
    left = remains(volume.root, published={volume.link}, bounds=bounds)
    if volume.form != "inplace":
        shown = run_git(volume.link, "rev-parse", "HEAD").decode().strip()
        left += [] if shown == last else [f"consumers' git says {shown}"]
    return _unlike(volume, {last}) or (f"in the end: {left}" if left else None)


def _unlike(volume: Volume, commits: set[str]) -> str | None:
    seen = volume.sight.look()
    return None if seen.commits & commits and not seen.problem else str(seen)


def concerns(role: str, volume: Volume) -> bool:
    """Say whether it may matter to a form that a file is damaged; what is in the store is the same for all."""
    if volume.library:
        # All else is as it is without.
        return any(word in role for word in (*volume.of_library, "nested", "bare", "pointers", "made", "/lfs/"))
    return volume.form == "symlink" or not re.match(r"\.gitsync/[0-9a-f]{12}-1/(?!worktrees)", role)


@fault(
    area="damage",
    what="any file of ours is emptied, cut off, changed by a bit, removed, written over, or becomes a link or a "
    "directory: of the stores, also of submodules, the metadata of trees, contents of LFS, the lock, records and marks",
    then="what is published stays; the next commit is there after four passes at most, and all is as before",
)
@pytest.mark.parametrize("share", ["sample", pytest.param("all", marks=pytest.mark.long)])
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("running", [True, False], ids=["running", "restarted"])
@pytest.mark.parametrize("volume", [*FORMS, pytest.param(PARTS, marks=needs_lfs)], indirect=True)
@pytest.mark.timeout(1800)
def test_any_file(volume: Volume, running: bool, up: bool, share: str, record_property: RecordProperty) -> None:
    """Given a file of ours that is damaged, while the remote is up or down, then what is published stays, and the next
    commit is published without help."""
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    volume.restore()
    cases = [case for case in itertools.product(sorted(volume.files()), KINDS) if concerns(case[0], volume)]
    # To git, nonsense in an object is what a changed bit is.
    cases = [case for case in cases if case not in FOREIGN and not ("/objects/" in case[0] and case[1] == "nonsense")]
    if share == "sample" or volume.library:
        most = SAMPLE if share == "sample" else LARGE_SAMPLE
        cases = random.Random(seed).sample(cases, min(most, len(cases)))  # noqa: S311 (no secrets)
    problems = []
    for role, kind in cases:
        problem = problem_of(volume, role, kind, running=running, up=up)
        if problem:
            problems.append(f"{role}, {kind}: {problem}")
            print(problems[-1], flush=True)
    record_property("faults", len(cases))
    assert not problems
