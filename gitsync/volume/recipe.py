"""What besides the commit decides about the files of a tree. Values, for any thread."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from gitsync.config import GitSetting, RepoConfig

# Sections of git's configuration that decide about the bytes of files (core.autocrlf), or which there are.
_DECIDING: Final = {"core", "filter", "submodule"}
# Words in the signature of such recipes.
_HIDDEN: Final = "hidden"
_DATED: Final = "dated"
_CONFINED: Final = "confined"
_FILLED: Final = "lfs"
# What has a meaning in a pattern. https://git-scm.com/docs/gitignore#_pattern_format
_GLOB: Final = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The submodules' mode, the sparse-checkout patterns or the only directory that is published, and settings.

    `hidden` says that consumers are to find no `.git`, `dated` that files have the time of the commit, `confined` that
    no link leads out, `lfs` that files which are kept in LFS have their content.
    """

    submodules: str
    sparse: str | None = None
    subpath: str | None = None
    settings: tuple[GitSetting, ...] = ()
    hidden: bool = False
    dated: bool = False
    confined: bool = False
    lfs: bool = False

    @classmethod
    def of(cls, repo: RepoConfig, *, sparse: str | None = None) -> "Recipe":
        """Return the recipe that the options of a repository give."""
        content, settings = repo.content, (*repo.git.git_config, *repo.git.git_config_add)
        deciding = tuple(setting for setting in settings if setting.parts[0].lower() in _DECIDING)
        return cls(
            submodules=content.submodules,
            sparse=sparse,
            subpath=content.subpath,
            settings=deciding,
            hidden=content.git_dir == "hide",
            dated=content.mtime == "commit",
            confined=content.limits.symlinks == "deny-escaping",
            lfs=repo.git.lfs,
        )

    @property
    def signature(self) -> str:
        """A short text that is equal for equal recipes."""
        files = _digest(self.sparse) if self.sparse is not None else "all"
        files = f"in-{_digest(self.subpath)}" if self.subpath else files
        settings = [_digest("\n".join(f"{one.key}={one.value}" for one in self.settings))] if self.settings else []
        forms = [(_HIDDEN, self.hidden), (_DATED, self.dated), (_CONFINED, self.confined), (_FILLED, self.lfs)]
        return " ".join([self.submodules, files, *settings, *(word for word, counts in forms if counts)])

    @property
    def partial(self) -> bool:
        """Whether files of the commit are left out."""
        return self.sparse is not None or self.subpath is not None

    @property
    def patterns(self) -> str:
        """The sparse-checkout patterns that leave them out."""
        return f"/{self._escaped}/\n" if self.subpath else self.sparse or ""

    @property
    def attributes(self) -> list[str]:
        """The pathspecs of the files of attributes that count. https://git-scm.com/docs/gitglossary#def_pathspec"""
        within = f"{self._escaped}/" if self.subpath else ""
        return [*(f":(literal){path}" for path in self._attributes_above), f":(glob){within}**/.gitattributes"]

    @property
    def needed(self) -> list[str]:
        """The paths that decide about the files, with these themselves; none mean all that there are."""
        return [self.subpath, ".gitmodules", *self._attributes_above] if self.subpath else []

    @property
    def _attributes_above(self) -> list[str]:
        """Those that count, and are not in the directory that is published."""
        return [str(above / ".gitattributes") for above in PurePosixPath(self.subpath or "").parents]

    @property
    def _escaped(self) -> str:
        return _GLOB.sub(r"\\\g<0>", self.subpath or "")

    def content(self, tree: Path) -> Path:
        """Return the directory of a tree that consumers see."""
        return tree / self.subpath if self.subpath else tree

    def within(self, commit: str) -> str:
        """Return what git calls that directory in a commit."""
        return f"{commit}:{self.subpath}" if self.subpath else commit


def is_hidden(signature: str | None) -> bool:
    """Say whether a signature is that of a recipe without `.git`."""
    return _HIDDEN in (signature or "").split(" ")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
