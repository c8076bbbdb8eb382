"""What a commit must not be, to be published."""

from dataclasses import dataclass

from gitsync.config.option import option
from gitsync.config.sizes import SIZE
from gitsync.config.values import INT, choice


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is too much to be fetched, or to be published; without a limit, or with 0, nothing is."""

    max_size: int | None = option(
        SIZE,
        "Refuse a commit whose files, with those of its submodules, have more bytes than this together, such as "
        "`500Mi` or `2G`; 0 means no limit. They are counted before the first of them is written.",
        without="no limit",
    )
    max_files: int | None = option(
        INT,
        "Refuse a commit that has more files than this, with those of its submodules; 0 means no limit.",
        without="no limit",
    )
    max_fetch: int | None = option(
        SIZE,
        "End a fetch, from the repository or from that of a submodule, that brings more bytes than this, at least "
        "64Ki; 0 means no limit.",
        without="no limit",
    )
    symlinks: str = option(
        choice("allow", "deny-escaping"),
        "What becomes of a commit with a symbolic link, of its own or of a submodule, that leads out of what is "
        "published: allow publishes it, deny-escaping refuses it, so that nobody who can commit has consumers follow a "
        "link to other files of their containers.",
        default="allow",
    )
