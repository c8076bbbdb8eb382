"""A real repository on disk that plays the remote: bare, changed by plumbing (one process a commit), deterministic."""

import random
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.git import EPOCH, git, run_git


@dataclass(frozen=True)
class Executable:
    """A file with the x bit."""

    content: str | bytes


@dataclass(frozen=True)
class Symlink:
    """A symbolic link."""

    target: str | bytes


@dataclass(frozen=True)
class Gitlink:
    """A submodule at a commit."""

    commit: str


_HASH = "--format=%(objectname)"
Content = str | bytes | Executable | Symlink | Gitlink | None  # None deletes the path


def noise(size: int, *, seed: int = 4711) -> bytes:
    """Return bytes that cannot be compressed, the same in every run."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - content, no secret


class Origin:
    """A bare repository with one default branch; every change returns the full hash that it made."""

    def __init__(self, path: Path, *, default_branch: str = "main") -> None:
        self.path = path
        self.default_branch = default_branch
        self.next_date = EPOCH
        # Without the examples of hooks.
        run_git(None, "init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", str(path))

    @classmethod
    def mirror_of(cls, source: Path, path: Path) -> "Origin":
        """Return an origin that starts with the whole history of a repository or bundle."""
        run_git(None, "clone", "--quiet", "--bare", str(source), str(path))
        return cls._there(path, git(path, "symbolic-ref", "--short", "HEAD"), EPOCH)

    @classmethod
    def _there(cls, path: Path, default_branch: str, next_date: int) -> "Origin":
        origin = cls.__new__(cls)
        origin.path = path
        origin.default_branch = default_branch
        origin.next_date = next_date
        return origin

    def copy(self, path: Path) -> "Origin":
        """Return another one with all that this one has, without a process."""
        shutil.copytree(self.path, path, symlinks=True)
        return self._there(path, self.default_branch, self.next_date)

    @property
    def url(self) -> str:
        """The file:// URL."""
        return self.path.absolute().as_uri()

    @property
    def head(self) -> str:
        """The commit at the tip of the default branch."""
        return self._head() or self.resolve(f"refs/heads/{self.default_branch}")

    def resolve(self, revision: str) -> str:
        """Return the commit that a revision means."""
        return git(self.path, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")

    def commit(
        self,
        files: Mapping[str, Content],
        *,
        message: str = "A change",
        branch: str | None = None,
        parent: str | None = None,
        replace: bool = False,
    ) -> str:
        """Commit changed files to a branch (None as content deletes); `parent` rewrites the branch from there.

        With `replace`, the commit holds nothing but these files.
        """
        ref = f"refs/heads/{branch or self.default_branch}"
        parent = parent or self._tip(ref) or (self._tip("HEAD") if branch else None)
        stamp = f"{self._date()} +0000"
        lines = [
            f"commit {ref}\nmark :1\n".encode(),
            f"author Ada Author <ada@example.com> {stamp}\n".encode(),
            f"committer Carl Committer <carl@example.com> {stamp}\n".encode(),
            _data(message.encode()),
            f"from {parent}\n".encode() if parent else b"",
            b"deleteall\n" if replace else b"",
            *(_change(path, content) for path, content in files.items()),
            b"\nget-mark :1\ndone\n",
        ]
        output = run_git(self.path, "fast-import", "--quiet", "--done", "--force", stdin=b"".join(lines))
        return output.decode().strip()

    def tag(self, name: str, *, at: str | None = None) -> str:
        """Create or move a light tag; return the commit."""
        return self.set_ref(f"refs/tags/{name}", at or self.head)

    def annotated_tag(self, name: str, *, at: str | None = None, message: str = "A release") -> str:
        """Create or move an annotated tag; return the tag object's hash, which is not the commit's."""
        arguments = ("tag", "--force", "--annotate", f"--message={message}", name, at or self.head)
        run_git(self.path, *arguments, date=self._date())
        return git(self.path, "rev-parse", f"refs/tags/{name}")

    def many_tags(self, names: Iterable[str]) -> None:
        """Create many light tags at the tip at once, in the file of git-pack-refs(1)."""
        packed, head = self.path / "packed-refs", self.head
        before = packed.read_text().splitlines(keepends=True) if packed.exists() else []
        # Its first line would say that it is sorted.
        lines = [line for line in before if not line.startswith("#")]
        packed.write_text("".join([*lines, *(f"{head} refs/tags/{name}\n" for name in names)]))

    def branch(self, name: str, *, at: str | None = None) -> str:
        """Create or move a branch; return the commit."""
        return self.set_ref(f"refs/heads/{name}", at or self.head)

    def rewind(self, commit: str, *, branch: str | None = None) -> str:
        """Force a branch to another commit, as a force-push does; return the commit."""
        return self.set_ref(f"refs/heads/{branch or self.default_branch}", commit)

    def force_push(self, files: Mapping[str, Content], *, onto: str, message: str = "Rewritten") -> str:
        """Replace the default branch by a new commit on top of `onto`."""
        return self.commit(files, message=message, parent=onto)

    def set_ref(self, ref: str, commit: str) -> str:
        """Point a full ref name at a commit; return the commit."""
        run_git(self.path, "update-ref", ref, commit)
        return commit

    def delete_ref(self, ref: str) -> None:
        """Delete a full ref name."""
        run_git(self.path, "update-ref", "-d", ref)

    def rename_default_branch(self, name: str) -> None:
        """Rename the default branch; HEAD follows."""
        run_git(self.path, "branch", "-m", self.default_branch, name)
        run_git(self.path, "symbolic-ref", "HEAD", f"refs/heads/{name}")
        self.default_branch = name

    def set_default_branch(self, name: str) -> None:
        """Point HEAD at another branch that exists."""
        run_git(self.path, "symbolic-ref", "HEAD", f"refs/heads/{name}")
        self.default_branch = name

    def _date(self) -> int:
        self.next_date += 60
        return self.next_date - 60

    def _tip(self, ref: str) -> str | None:
        if ref == "HEAD":
            return self._head()
        # Where git has it as a file, no process is needed: tests ask for this more often than for anything else.
        file = self.path / ref
        return file.read_text().strip() if file.is_file() else git(self.path, "for-each-ref", _HASH, ref) or None

    def _head(self) -> str | None:
        return self._tip(f"refs/heads/{self.default_branch}")


def _change(path: str, content: Content) -> bytes:
    """Return one file's line for fast-import."""
    quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if content is None:
        return f"D {quoted}\n".encode("utf-8", "surrogateescape")
    if isinstance(content, Gitlink):
        return f"M 160000 {content.commit} {quoted}\n".encode("utf-8", "surrogateescape")
    mode = "100644"
    if isinstance(content, Executable):
        mode, content = "100755", content.content
    elif isinstance(content, Symlink):
        mode, content = "120000", content.target
    raw = content.encode() if isinstance(content, str) else content
    return f"M {mode} inline {quoted}\n".encode("utf-8", "surrogateescape") + _data(raw)


def _data(raw: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(raw), raw)
