"""Paths within a repository."""

from typing import Final

from gitsync.config.values import Kind, parse_text


def parse_subpath(written: str) -> str:
    """Return the path of a directory in a repository, in the form that git writes it; raise `ValueError`."""
    if parse_text(written).startswith("/"):
        raise ValueError("use a path within the repository, without a slash at its beginning")
    parts = [part for part in written.split("/") if part not in {"", "."}]
    if not parts:
        raise ValueError("name a directory, or leave it out for all of the repository")
    if any(part == ".." or part.lower() == ".git" for part in parts) or parts[0].startswith("-"):
        raise ValueError("use a path without `..` and `.git`, that does not begin with a dash")
    return "/".join(parts)


SUBPATH: Final = Kind("DIR", parse_subpath)
