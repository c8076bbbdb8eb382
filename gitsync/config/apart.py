"""What repositories have to have each for itself: names, and places on the volume. Pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gitsync.config.repo import RepoConfig
from gitsync.config.rules import REPOSITORIES_DIRECTORY

_WRITTEN: Final = ("link", "touch_file", "error_file")

# The values of a repository's options, all filled in, by its number.
Repositories = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Clash:
    """An option of the repository `index` that is in the way of the repository `other`; `relation` says how."""

    index: int
    option: str
    relation: str
    other: int
    remedy: str = "choose another path"


def values_of(repo: RepoConfig) -> dict[str, Any]:
    """Return the values of a repository that `clashes` looks at."""
    files = {"touch_file": repo.upkeep.touch_file, "error_file": repo.upkeep.error_file}
    return {"name": repo.name, "root": repo.root, "link": repo.link, **files}


def clashes(repos: Repositories) -> Iterator[Clash]:
    """Yield everything that two of them cannot both have."""
    names: dict[str, int] = {}
    for index, values in repos.items():
        other = names.setdefault(values["name"], index)
        if other != index:
            yield Clash(index, "name", "it is the name", other, "give each a `name` of its own")
    taken: dict[Path, tuple[int, str]] = {}
    for index, option, path in _places(repos, _WRITTEN):
        other, kind = taken.setdefault(path, (index, option))
        if (other, kind) != (index, option):
            yield Clash(index, option, f"it is the {_key(kind)}", other)
    yield from _inside(repos, taken)


def _inside(repos: Repositories, taken: Mapping[Path, tuple[int, str]]) -> Iterator[Clash]:
    """Yield what lies in a place of another, which is replaced as a whole, or where only we write."""
    kept: dict[Path, int] = {}
    for index, values in repos.items():
        kept.setdefault(values["root"] / REPOSITORIES_DIRECTORY, index)
    for index, option, path in _places(repos, ("root", *_WRITTEN)):
        for above in path.parents if option != "root" else (path, *path.parents):
            other, kind = taken.get(above, (index, ""))
            if other != index:
                yield Clash(index, option, f"it lies in the {_key(kind)}", other)
        ours = next((above for above in (path, *path.parents) if above in kept), None)
        # Of a link below its own root that is told with the rules for one repository.
        if ours and not (option == "link" and ours.parent == repos[index]["root"]):
            yield Clash(index, option, f"{ours} is kept for our own work, below the root", kept[ours])


def _places(repos: Repositories, options: tuple[str, ...]) -> Iterator[tuple[int, str, Path]]:
    for index, values in repos.items():
        for option in options:
            if values[option]:
                yield index, option, values[option]


def _key(option: str) -> str:
    return option.replace("_", "-")
