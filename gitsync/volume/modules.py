"""What a commit says of its submodules: where they are, at which commit, and which of them git would populate.

Of `.gitmodules`, which is read from the commit itself where sparse patterns leave it out of the files, only path, url
and update count, by git's own rules (https://git-scm.com/docs/gitmodules), and nothing of it becomes a configuration or
an option of git. Called by the worker's thread.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gitsync.base import nolinks
from gitsync.base.errors import CheckoutError
from gitsync.config import GitSetting, parse_repo, transport
from gitsync.programs.gitcmd import Git
from gitsync.programs.process import Records, Sinks
from gitsync.volume.tree import Tree

# A commit with more submodules is made to fill the volume.
MOST: Final = 1000
_GITLINK: Final = "160000"
# A command, as `!make`, is refused in .gitmodules.
_UPDATES: Final = {"checkout", "merge", "none", "rebase"}
# Names on a command line, of which there may be 2 MiB.
_PORTION: Final = 250
_FATAL: Final = 128
_LONGEST_URL: Final = 4096


@dataclass(frozen=True, kw_only=True)
class Link:
    """A submodule as the parent's commit names it. Without a URL, which may hold a login, it stays empty."""

    path: str
    hash: str
    url: str | None = None


class Modules:
    """Reads what the commits of one repository, and of its submodules, say of theirs."""

    def __init__(self, git: Git, settings: Iterable[GitSetting]) -> None:
        self._git = git
        self._settings: dict[tuple[str, str], str] = {}
        for setting in settings:
            section, name, variable = setting.parts
            if section.lower() == "submodule" and name is not None:
                self._settings[name, variable.lower()] = setting.value

    def places(self, tree: Tree, commit: str, *, deadline: float) -> dict[str, str]:
        """Return the commits of all submodules by path, also of those that stay empty; raise `GitError`."""
        links = Records(b"\0", most=MOST, wanted=f"{_GITLINK} ".encode())
        listing = ["ls-tree", "-r", "-d", "-z", commit]
        listed = self._git.run(listing, deadline=deadline, place=tree.place, sinks=Sinks(output=links)).records
        check_count(links.count)
        entries = (entry.partition("\t") for entry in listed)
        return {path: words.split()[2] for words, _, path in entries}

    def links(self, tree: Tree, url: str, *, deadline: float) -> list[Link]:
        """Return the submodules of a tree that has its commit; raise `GitError`, or `CheckoutError` where git refuses.

        `url` is that of the tree's own remote.
        """
        places = self.places(tree, "HEAD", deadline=deadline)
        # Git reads the file where it is there, and refuses one that it cannot read, for whatever submodules.
        named = places or nolinks.read(tree.path / ".gitmodules") is not None
        written = self._read(tree, deadline=deadline) if named else {}
        declared = self._declared(written) if places else {}
        links = []
        for path, commit in places.items():
            module = declared.get(path)
            if module and self._is_active(module):
                if not module.url:
                    raise refused(f"the submodule {module.name!r} has no URL")
                # That of one that is not wanted may be anything.
                resolved = resolve_url(module.url, url) if module.update != "none" else None
            else:
                resolved = None
            links.append(Link(path=path, hash=commit, url=resolved))
        return links

    def excluded(self, tree: Tree, paths: Iterable[str], *, deadline: float) -> set[str]:
        """Return those of the submodules that the sparse patterns leave out; raise `GitError`."""
        found, rest = set(), list(paths)
        while rest:
            portion, rest = rest[:_PORTION], rest[_PORTION:]
            arguments = ["--literal-pathspecs", "ls-files", "-t", "-z", "--", *portion]
            listed = self._git.run(arguments, deadline=deadline, place=tree.place).records
            found |= {entry.removeprefix("S ") for entry in listed if entry.startswith("S ")}
        return found

    def _is_active(self, module: "_Module") -> bool:
        return self._settings.get((module.name, "active"), "true").lower() not in {"false", "no", "off", "0", ""}

    def _read(self, tree: Tree, *, deadline: float) -> dict[str, dict[str, str]]:
        """Return what `.gitmodules` of a tree's commit says, by name; the last word counts, as with git."""
        file = tree.path / ".gitmodules"
        # As git does. From a blob it reads no further than to a byte 255, so only where there is no file.
        source = ["--file", str(file)] if nolinks.read(file) is not None else ["--blob", "HEAD:.gitmodules"]
        output = self._git.run(
            ["config", "--null", *source, "--get-regexp", r"^submodule\..*\.(path|url|update)$"],
            deadline=deadline,
            place=tree.place,
            accept=lambda status: status in {0, 1, _FATAL},
        )
        if output.status == _FATAL or "bad config" in output.stderr:
            raise refused(f".gitmodules cannot be read: {output.stderr.strip()}")
        values: dict[str, dict[str, str]] = {}
        for record in output.records:
            key, _, value = record.partition("\n")
            name, _, variable = key.removeprefix("submodule.").rpartition(".")
            if _is_name(name) and not (value.startswith("-") and variable != "update"):
                values.setdefault(name, {})[variable] = value
        return values

    def _declared(self, values: Mapping[str, Mapping[str, str]]) -> dict[str, "_Module"]:
        """Return the submodules by path, as the options let them be."""
        for name, found in values.items():
            if found.get("update", "checkout") not in _UPDATES:
                raise refused(f"the submodule {name!r} has an update that is not allowed: {found['update']!r}")
        modules = [self._module(name, found) for name, found in values.items() if "path" in found]
        return {values[module.name]["path"]: module for module in modules}

    def _module(self, name: str, found: Mapping[str, str]) -> "_Module":
        url, update = (self._settings.get((name, variable), found.get(variable)) for variable in ("url", "update"))
        return _Module(name=name, url=url, update=update)


@dataclass(frozen=True, kw_only=True)
class _Module:
    """An entry of `.gitmodules`, with what the options say of it."""

    name: str
    url: str | None
    update: str | None


def refused(message: str) -> CheckoutError:
    """Return the error for submodules that git would refuse as well."""
    return CheckoutError(message, reason="submodule")


def check_count(count: int) -> None:
    """Raise `CheckoutError` for more submodules than anybody needs."""
    if count > MOST:
        message = f"the commit has more than {MOST} submodules, with those of submodules"
        raise CheckoutError(message, reason="too_many_submodules")


def _is_name(name: str) -> bool:
    """Say whether git takes it for a name of a submodule; it ignores others, since names became paths."""
    return bool(name) and ".." not in re.split(r"[/\\]", name)


def resolve_url(url: str, parent: str) -> str:
    """Return a submodule's URL; one that begins with `./` or `../` is relative to that of its parent.

    https://git-scm.com/docs/git-submodule: the parent's URL counts as a directory, in the way of a path.
    """
    if not url or url.startswith("-") or not url.isprintable() or len(url) > _LONGEST_URL:
        raise refused(f"{url[:_LONGEST_URL]!r} is no URL for a submodule")
    if not re.match(r"\.\.?/", url):
        if transport(url) == "file" and transport(parent) != "file":
            raise refused(f"{url!r}: a submodule cannot be a local path")
        return _checked(url)
    base = parent.rstrip("/")
    while match := re.match(r"(\.\.?)/", url):
        url = url[match.end() :]
        if match[1] == "..":
            head, slash, _ = base.rpartition("/")
            if slash and not head.endswith("/"):
                base = head
            elif not slash and ":" in base:
                base = base.rpartition(":")[0] + ":"
            else:
                raise refused("a submodule's URL leads above that of its parent")
    return _checked(f"{base}{url}" if base.endswith(":") else f"{base}/{url}")


def _checked(url: str) -> str:
    """Return a URL that can be taken apart, and whose login, if it has one, is written as one: git would show it."""
    try:
        if "@" in url:
            parse_repo(url)
        if transport(url) != "file":
            urlsplit(url)
    except ValueError as error:
        told = error if "@" in url else f"{url!r} is none; check the host"
        raise refused(f"the URL of a submodule: {told}") from None
    return url
