"""Random histories of a repository and of the ones that it has as submodules, the same for the same seed.

A step changes the files of the next commit in one of the ways that have been known to leave something of the commit
before in a tree, or to look like damage that nobody did.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.git import git, run_git
from tests.support.origin import Content, Executable, Gitlink, Origin, Symlink

ATTRIBUTES: Final = (
    "* text=auto",
    "* text",
    "* -text",
    "* text=auto eol=crlf",
    "*.txt text eol=crlf",
    "*.txt eol=lf",
    "*.txt -text",
    "*.txt ident",
    "*.c ident eol=crlf",
    "*.c working-tree-encoding=UTF-16LE",
    "*.txt working-tree-encoding=ISO-8859-1",
    "*.txt working-tree-encoding=true",
    "[attr]windows text eol=crlf\n*.c windows",
    "*.c filter=lfs -text",
    "docs export-ignore",
    "",
)
CONTENTS: Final = (
    b"",
    b"one\ntwo\n",
    b"one\r\ntwo\r\n",
    b"one\r\ntwo\n",
    b"$Id$\n",
    b"$Id: of somebody else $\r\n",
    "h\u00e4\u00dflich \u20ac\n".encode(),
    b"\xff\xfeo\0n\0e\0",
    b"\0\r\n\0binary\n",
    b"no line end",
)
NAMES: Final = ("a.txt", "b.txt", "x.c", "y.c", "docs", "docs.txt", "lib", "READ me", "A.TXT", "sub")
DIRECTORIES: Final = ("", "", "docs/", "docs/deep/", "lib/", "sub/", "sub/lib/", "x.c/")
MODULES: Final = ("lib", "sub", "sub/lib", "docs", "docs/deep/er", "x.c", "od\udcffd")
LONGEST: Final = 255


class History:
    """The repository `site` and three libraries beside it, one of which has another as its own submodule."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - histories, no secrets
        self.site = Origin(directory / "site.git")
        self.libraries = [Origin(directory / f"library-{number}.git") for number in range(3)]
        for library in self.libraries[:2]:
            library.commit({"lib.txt": "one\n", "x.c": "$Id$\r\n"})
        self.libraries[2].commit(self._nested(), replace=True)
        self._files: dict[str, Content] = {"a.txt": "one\n", "docs/b.txt": "two\n"}
        # Path → library and what else .gitmodules says of it.
        self._modules: dict[str, tuple[int, str]] = {}
        self._earlier: list[tuple[dict[str, Content], dict[str, tuple[int, str]]]] = []
        self._commits: list[str] = []
        self._steps: tuple[Callable[[], None], ...] = (
            *[self._write] * 4,
            *[self._attribute] * 3,
            self._turn_mode,
            self._link,
            self._swap,
            self._remove,
            self._odd_name,
            self._long_name,
            *[self._add_module] * 2,
            self._move_module,
            self._remove_module,
            *[self._point_module] * 2,
            self._spoil_modules,
            self._advance_library,
            self._revert,
            self._nothing,
        )

    def advance(self) -> str:
        """Make the next commit of `site`, or force its branch back to an earlier one; return its hash."""
        earlier = [commit for commit in self._commits if commit != self.site.head] if self._commits else []
        if earlier and self.random.random() < 0.1:
            return self.site.rewind(self.random.choice(earlier))
        for _ in range(self.random.randint(1, 3)):
            self.random.choice(self._steps)()
        self._earlier.append((dict(self._files), dict(self._modules)))
        files = dict(self._files)
        if self._modules and ".gitmodules" not in files:
            files[".gitmodules"] = self._gitmodules()
        made = self.site.commit(files, replace=True)
        if self.random.random() < 0.03:
            made = self._misname(made)
        self._commits.append(made)
        return made

    def _gitmodules(self) -> bytes:
        entries = (
            f'[submodule "{path}"]\n\tpath = {path}\n\turl = ../library-{number}.git\n{more}'
            for path, (number, more) in self._modules.items()
        )
        return "".join(entries).encode("utf-8", "surrogateescape")

    def _put(self, path: str, content: Content) -> None:
        """Set a file; what is in its way goes."""
        for other in list(self._files):
            if other == path or other.startswith(f"{path}/") or path.startswith(f"{other}/"):
                self._drop(other)
        self._files[path] = content

    def _drop(self, path: str) -> None:
        self._files.pop(path, None)
        self._modules.pop(path, None)

    def _some_path(self) -> str:
        return self.random.choice(DIRECTORIES) + self.random.choice(NAMES)

    def _some_file(self) -> str | None:
        files = [path for path, content in self._files.items() if not isinstance(content, Gitlink)]
        return self.random.choice(files) if files else None

    def _write(self) -> None:
        self._put(self._some_path(), self.random.choice(CONTENTS))

    def _attribute(self) -> None:
        path = self.random.choice(("", "", "docs/", "lib/")) + ".gitattributes"
        lines = self.random.sample(ATTRIBUTES, k=self.random.randint(1, 2))
        if self.random.random() < 0.2:
            self._drop(path)
        else:
            self._put(path, "\n".join(lines) + "\n")

    def _turn_mode(self) -> None:
        path = self._some_file()
        content = self._files[path] if path else None
        if path and isinstance(content, Executable):
            self._files[path] = content.content
        elif path and isinstance(content, bytes | str) and not path.startswith(".git"):
            self._files[path] = Executable(content)

    def _link(self) -> None:
        target = self.random.choice(("a.txt", "docs", "../outside", "/etc/passwd", "nowhere", "."))
        self._put(self._some_path(), Symlink(target))

    def _swap(self) -> None:
        """Let a file or submodule become a directory, or a directory a file."""
        path = self.random.choice(list(self._files or {"docs": ""}))
        if "/" in path and self.random.random() < 0.5:
            self._put(path.split("/", maxsplit=1)[0], self.random.choice(CONTENTS))
        else:
            self._put(f"{path}/{self.random.choice(NAMES)}", self.random.choice(CONTENTS))

    def _remove(self) -> None:
        if self._files:
            self._drop(self.random.choice(list(self._files)))

    def _odd_name(self) -> None:
        letters = [byte for byte in range(1, 256) if byte != ord("/")]
        raw = bytes(self.random.choices(letters, k=self.random.randint(1, 12)))
        if raw not in {b".", b".."}:
            name = raw.decode("utf-8", "surrogateescape")
            self._put(self.random.choice(DIRECTORIES) + name, self.random.choice(CONTENTS))

    def _long_name(self) -> None:
        length = self.random.choice((LONGEST, LONGEST, LONGEST, LONGEST + 1))
        if self.random.random() < 0.3:
            self._put("n" * length, "long\n")

    def _misname(self, commit: str) -> str:
        """Replace a commit by one with a file that no checkout may write."""
        listed = run_git(self.site.path, "ls-tree", "-z", commit)
        blob = run_git(self.site.path, "hash-object", "-w", "--stdin", stdin=b"[core]\n").decode().strip()
        name = self.random.choice((b".git", b".GIT", b"git~1"))
        lines = listed + b"100644 blob " + blob.encode() + b"\t" + name + b"\0"
        tree = run_git(self.site.path, "mktree", "-z", stdin=lines).decode().strip()
        made = git(self.site.path, "commit-tree", "-p", commit, "-m", "Misnamed", tree)
        return self.site.rewind(made)

    def _nested(self) -> dict[str, Content]:
        number = self.random.choice((0, 1))
        entry = f'[submodule "in"]\n\tpath = in\n\turl = ../library-{number}.git\n'
        return {
            "lib.txt": self.random.choice(CONTENTS),
            ".gitattributes": self.random.choice(ATTRIBUTES[:5]) + "\n",
            ".gitmodules": entry,
            "in": Gitlink(self.libraries[number].head),
        }

    def _advance_library(self) -> None:
        number = self.random.randrange(3)
        library = self.libraries[number]
        if number == 2:
            library.commit(self._nested(), replace=True)
        else:
            library.commit(
                {"lib.txt": self.random.choice(CONTENTS), ".gitattributes": self.random.choice(ATTRIBUTES[:10]) + "\n"}
            )

    def _add_module(self) -> None:
        number = self.random.randrange(3)
        path = self.random.choice(MODULES)
        more = self.random.choice(("", "", "", "", "\tupdate = none\n", "\tupdate = rebase\n", "\tactive = false\n"))
        self._files.pop(".gitmodules", None)
        self._put(path, Gitlink(self.libraries[number].head))
        self._modules[path] = (number, more)

    def _some_module(self) -> str | None:
        return self.random.choice(list(self._modules)) if self._modules else None

    def _move_module(self) -> None:
        if path := self._some_module():
            link, module = self._files[path], self._modules[path]
            self._drop(path)
            to = self.random.choice(MODULES)
            self._put(to, link)
            self._modules[to] = module

    def _remove_module(self) -> None:
        if path := self._some_module():
            self._drop(path)
            if self.random.random() < 0.3:
                self._put(f"{path}/a.txt", "no submodule\n")

    def _point_module(self) -> None:
        """Let a submodule go on, be another library, be at a commit that nobody has, or have no entry any more."""
        if path := self._some_module():
            kind = self.random.random()
            number, more = self._modules[path]
            if kind < 0.5:
                number = self.random.randrange(3)
                self._modules[path] = (number, more)
                self._files[path] = Gitlink(self.libraries[number].head)
            elif kind < 0.55:
                self._files[path] = Gitlink("1" * 40)
            elif kind < 0.65:
                del self._modules[path]
            else:
                self._files[path] = Gitlink(self.libraries[number].head)

    def _spoil_modules(self) -> None:
        if self.random.random() < 0.5:
            self._drop(".gitmodules")
        elif self._modules:
            text = self._gitmodules().decode("utf-8", "surrogateescape")
            path = next(iter(self._modules))
            spoilt = self.random.choice(
                (
                    "[submodule",
                    f'{text}[submodule "other"]\n\tpath = {path}\n\turl = ../library-0.git\n',
                    f'[submodule "other"]\n\tpath = {path}\n\turl = ../no-such.git\n{text}',
                    f'{text}[submodule "../up"]\n\tpath = {path}\n\turl = ../library-1.git\n',
                    f'{text}[submodule "x"]\n\tpath = x\n\turl = y\n\tupdate = !touch x\n',
                    text.replace("url", "no-url"),
                    text.replace("../", "./../"),
                )
            )
            self._put(".gitmodules", spoilt.encode("utf-8", "surrogateescape"))

    def _revert(self) -> None:
        if self._earlier:
            files, modules = self.random.choice(self._earlier)
            self._files, self._modules = dict(files), dict(modules)

    def _nothing(self) -> None:
        pass
