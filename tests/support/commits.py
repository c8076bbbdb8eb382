"""Which commit is a directory? Answered for all commits that some repositories have ever had, pushed over or not."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.git import git
from tests.support.lfs import pointer_to
from tests.support.tree import Entries, blob_of, commit_entries, differences

_Known = frozenset[tuple[bytes, str]]


class Commits:
    """The commits of repositories that a directory may be one of; each is read once, when it is first asked for.

    What a repository keeps in LFS has its content where that lies beside the objects. `subpath` is the directory of a
    commit that is published alone, `submodules` has their repositories by their paths. Belongs to one thread.
    """

    def __init__(
        self, repositories: Sequence[Path], *, subpath: str = "", submodules: Mapping[str, Path] | None = None
    ) -> None:
        self.submodules = dict(submodules or {})
        self._repositories = list(repositories)
        self._subpath = subpath
        self._by_files: dict[_Known, set[str]] = {}
        self._by_name: dict[str, Entries] = {}

    def of(self, entries: Entries, *, promised: str | None = None) -> set[str]:
        """Return the commits that have exactly these files; more than one may, among them one that is promised."""
        files = frozenset(entries.items())
        if files not in self._by_files or (promised and promised not in self._by_name):
            self._read_new()
        return set(self._by_files.get(files, ()))

    def has_file(self, path: bytes, entry: str) -> bool:
        """Say whether a file of any commit looks like this one."""
        if not any(entries.get(path) == entry for entries in self._by_name.values()):
            self._read_new()
        return any(entries.get(path) == entry for entries in self._by_name.values())

    def explain(self, entries: Entries, commit: str | None) -> str:
        """Say in words why files are not those of a commit, or of any if there is no such."""
        if commit in self._by_name:
            return "; ".join(differences(self._by_name[commit], entries)[:5])
        nearest = min(
            (differences(known, entries) for known in self._by_name.values()), key=len, default=["there is none"]
        )
        return f"not of a known commit ({commit}): " + "; ".join(nearest[:5])

    def _read_new(self) -> None:
        for repository in self._repositories:
            for commit in _commits(repository):
                if commit not in self._by_name:
                    self._read(repository, commit)

    def _read(self, repository: Path, commit: str) -> None:
        try:
            entries = commit_entries(
                repository, f"{commit}:{self._subpath}" if self._subpath else commit, self.submodules
            )
        except AssertionError:  # it has no such directory, or its submodule is somewhere else: nobody can publish it
            return
        contents = _contents(repository)
        for path, entry in entries.items():
            mode, _, blob = entry.partition(" ")
            entries[path] = f"{mode} {contents.get(blob, blob)}"
        self._by_name[commit] = entries
        self._by_files.setdefault(frozenset(entries.items()), set()).add(commit)


def _contents(repository: Path) -> dict[str, str]:
    """Return what git calls the contents that a repository keeps in LFS, by what it calls their pointers."""
    found = [path.read_bytes() for path in (repository / "lfs" / "objects").glob("*/*/*")]
    return {blob_of(pointer_to(content).encode()): blob_of(content) for content in found}


def _commits(repository: Path) -> Iterator[str]:
    """Yield all commits that are in a repository, whether a ref leads there or not."""
    listing = git(repository, "cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)")
    for line in listing.splitlines():
        name, kind = line.split(" ")
        if kind == "commit":
            yield name
