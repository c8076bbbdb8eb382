"""What besides the commit decides about the files of a tree. Values, for any thread."""

import hashlib
from dataclasses import dataclass
from typing import Final

from gitsync.config import GitSetting, RepoConfig

# Sections of git's configuration that decide about the bytes of files (core.autocrlf), or which there are.
_DECIDING: Final = {"core", "filter", "submodule"}
# Words in the signature of such recipes.
_HIDDEN: Final = "hidden"
_DATED: Final = "dated"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The submodules' mode, the sparse-checkout patterns, and settings.

    `hidden` says that consumers are to find no `.git`, `dated` that files have the time of the commit.
    """

    submodules: str
    sparse: str | None = None
    settings: tuple[GitSetting, ...] = ()
    hidden: bool = False
    dated: bool = False

    @classmethod
    def of(cls, repo: RepoConfig, *, sparse: str | None = None) -> "Recipe":
        """Return the recipe that the options of a repository give."""
        content, settings = repo.content, (*repo.git.git_config, *repo.git.git_config_add)
        deciding = tuple(setting for setting in settings if setting.parts[0].lower() in _DECIDING)
        return cls(
            submodules=content.submodules,
            sparse=sparse,
            settings=deciding,
            hidden=content.git_dir == "hide",
            dated=content.mtime == "commit",
        )

    @property
    def signature(self) -> str:
        """A short text that is equal for equal recipes."""
        files = _digest(self.sparse) if self.sparse is not None else "all"
        settings = [_digest("\n".join(f"{one.key}={one.value}" for one in self.settings))] if self.settings else []
        forms = [*([_HIDDEN] if self.hidden else []), *([_DATED] if self.dated else [])]
        return " ".join([self.submodules, files, *settings, *forms])


def is_hidden(signature: str | None) -> bool:
    """Say whether a signature is that of a recipe without `.git`."""
    return _HIDDEN in (signature or "").split(" ")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
