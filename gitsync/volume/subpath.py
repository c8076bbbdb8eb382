"""Whether a commit has the directory that is to be published, and what it has instead.

What git calls a directory in a commit is one on the volume, too: no part of the way to it is a link. Called by the
worker's thread.
"""

from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError
from gitsync.base.printable import printable_name
from gitsync.programs.gitcmd import Git, Place
from gitsync.programs.process import Records, Sinks
from gitsync.remote.likely import nearest

_DIRECTORY: Final = "040000"
_KINDS: Final = {"120000": "a symbolic link", "160000": "a submodule"}
# So many names are looked at for those that may have been meant, and so many are told.
_MOST: Final = 1000
_TOLD: Final = 3


def check_subpath(subpath: str, commit: str, git: Git, store: Place, *, deadline: float) -> None:
    """Raise `CheckoutError` if a commit has no such directory; `GitError` if git cannot tell."""

    def listed(*arguments: str) -> dict[str, str]:
        """Return what there is: path -> mode."""
        records = Records(b"\0", most=_MOST)
        command = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree", *arguments]
        found = git.run(command, deadline=deadline, place=store, sinks=Sinks(output=records)).records
        return {path: words.split()[0] for words, _, path in (entry.partition("\t") for entry in found)}

    if listed(commit, subpath).get(subpath) == _DIRECTORY:
        return
    path = PurePosixPath(subpath)
    for place in (*reversed(path.parents[:-1]), path):
        mode = listed(commit, str(place)).get(str(place))
        if mode != _DIRECTORY:
            above = "" if place.parent == PurePosixPath() else f":{place.parent}"
            near = nearest(place.name, listed("-d", f"{commit}{above}"), most=_TOLD)
            names = [str(place.parent / name) for name in near]
            raise _lacking(subpath, commit, (str(place), mode), names)


def check_content(subpath: str, commit: str, content: Path) -> None:
    """Raise `CheckoutError` if the directory has come to nothing: git makes none without a file."""
    if not nolinks.is_directory(content):
        message = f"the commit {commit} has no files in {printable_name(subpath)!r}"
        raise CheckoutError(message, reason="no_subpath")


def _lacking(subpath: str, commit: str, met: tuple[str, str | None], near: list[str]) -> CheckoutError:
    """Return the error; `met` is where the way ends, and the mode of what is there."""
    place, mode = met
    there = f"{_KINDS.get(mode, 'a file')} at {place!r}" if mode else f"nothing at {place!r}"
    names = ", ".join(printable_name(name) for name in near)
    return CheckoutError(
        f"the commit {commit} has {there}, so no directory {subpath!r} can be published",
        reason="no_subpath",
        hint=f"check --subpath; what is most like it is {names}" if near else None,
    )
