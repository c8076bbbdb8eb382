"""Commits of somebody who can push: names, links, attributes and texts that mean harm."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.figures import RecordProperty
from tests.hostile.bout import bout
from tests.hostile.plumbing import DIRECTORY, FILE, deep, push, push_commit, push_file, tree, write
from tests.support.origin import Content, Executable, Origin, Symlink

Push = Callable[[Origin], str]
ADA = b"Ada <ada@example.com> 1700000000 +0000"
ESCAPES = b"\x1b[2J\x1b]0;title\x07\x9b31m\r\b\xff\xe2\x80\xae"


@fault(
    area="hostile",
    what="files are called with line breaks, terminal escapes, bytes that are no text, options, or what only looks "
    "like `.git`",
    then="published as they are called; the log stays one line of printable text for each event",
)
def test_names_of_any_bytes(
    start_daemon: StartDaemon, origin: Origin, root: Path, record_property: RecordProperty
) -> None:
    """Given a daemon, when each of these is pushed, then it is published."""
    names = [ESCAPES, b'a\nb\t{"event": "x"}', b"--upload-pack=touch x", b"-", b"\\", b"a\\b", b"n" * 255]
    names += [b" ", b"...", b"CON", b"*", b":(glob)**", ".g\u200cit".encode(), b"refs", b"HEAD", b"%s%n$HOME`x`"]
    with bout(start_daemon, origin.url, origin, root, verbose=6) as made:
        for name in names:
            made.publishes(push_file(origin, name))
        record_property("faults", len(names) + 1)
        made.publishes(push_file(origin, b"x", mode="106777"))


REFUSED: dict[str, Push] = {
    **{
        f"{name!r}": (lambda origin, name=name: push_file(origin, name))  # type: ignore[misc]
        for name in (
            b".git",
            b".gIt",
            b".git ",
            b".git.",
            b"GIT~1",
            b".git::$INDEX_ALLOCATION",
            b"..",
            b".",
            b"a/../../x",
        )
    },
    "absolute": lambda origin: push_file(origin, b"/" + b"x" * 20),
    "directory of git's own": lambda origin: push(
        origin, tree(origin, (DIRECTORY, tree(origin, (FILE, write(origin, "blob", b"x"), b"config")), b".GIT"))
    ),
    "deeper than a path": lambda origin: push(origin, deep(origin, 2100)),
    "deeper than the stack of git": lambda origin: push(origin, deep(origin, 5000)),
    "deeper and longer": lambda origin: push(origin, deep(origin, 40, name=b"n" * 250)),
}


@fault(
    area="hostile",
    what="files are called `.git` in any of its spellings, or `..`, or lie deeper than a path can be long, or than git "
    "can go",
    then="refused (`bad_commit`), and what is published stays; nothing is written elsewhere",
)
def test_names_that_nobody_may_have(
    start_daemon: StartDaemon, origin: Origin, root: Path, record_property: RecordProperty
) -> None:
    """Given a daemon, when each of these is pushed, then it is refused, told of once, and the next commit counts."""
    record_property("faults", len(REFUSED))
    with bout(start_daemon, origin.url, origin, root) as made:
        for make in REFUSED.values():
            mark = made.daemon.mark()
            make(origin)
            made.refuses("bad_commit", since=mark)
            made.turn_back()
        made.publishes(origin.commit({"new": "x"}))
        assert len(list((root / ".gitsync").glob("*-*"))) == 1, "no store was given up for it"


TEXTS: dict[str, Push] = {
    "message without end": lambda origin: push_commit(origin, author=ADA, message=b"m" * 17_000_000),
    "message of anything": lambda origin: push_commit(origin, author=ADA, message=b"a\0b\r\n" + ESCAPES),
    "author of anything": lambda origin: push_commit(origin, author=b"A\0" + ESCAPES + b" <a@b.c> 1 +0000"),
    "no author": lambda origin: push_commit(origin, author=b""),
    "author without end": lambda origin: push_commit(origin, author=b"A" * 1_000_000 + b" <a@b.c> 1 +0000"),
    "author that costs time": lambda origin: push_commit(origin, author=b"<" * 100_000 + b"> 1 +0000"),
    "date after all": lambda origin: push_commit(origin, author=b"A <a@b.c> 99999999999999999999999 +9999999"),
    "date before all": lambda origin: push_commit(origin, author=b"A <a@b.c> -9223372036854775808 -9999"),
    "encoding of anything": lambda origin: push_commit(
        origin, author=ADA, message=ESCAPES, headers=[b"encoding " + ESCAPES.replace(b"\r", b"") * 100]
    ),
    "signature without end": lambda origin: push_commit(origin, author=ADA, headers=[b"gpgsig " + b"x" * 3_000_000]),
}


@fault(
    area="hostile",
    what="author, date, encoding or message of a commit are garbage: NUL, escapes, megabytes, no date",
    then="published; status, page and log show printable text of bounded length",
)
def test_texts_of_any_bytes(
    start_daemon: StartDaemon, origin: Origin, root: Path, record_property: RecordProperty
) -> None:
    """Given a daemon, when each of these is pushed, then it is published, and can be shown."""
    record_property("faults", len(TEXTS))
    with bout(start_daemon, origin.url, origin, root, verbose=1) as made:
        for make in TEXTS.values():
            made.publishes(make(origin))
            for page in ("/status", "/", "/metrics"):
                status, text = made.daemon.get(page)
                assert status == 200
                assert len(text) < 200_000, page
                assert not set(text) & set("\x1b\x07\x9b\x00\u202e"), page


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that is there when a program of the repository has run."""
    return tmp_path / "canary"


@fault(
    area="hostile",
    what="a repository brings hooks, filters, drivers, a configuration, and looks like a bare repository",
    then="published as files; none of it runs",
)
def test_programs_of_a_repository(start_daemon: StartDaemon, origin: Origin, root: Path, canary: Path) -> None:
    """Given a daemon, when all of these are pushed and changed, then no program of the repository has run."""
    run = Executable(f"#!/bin/sh\ntouch {canary}\n")
    programs = ("core.fsmonitor", "core.sshCommand", "core.pager", "diff.external", "core.hooksPath")
    drivers = (
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "diff.evil.textconv",
        "merge.evil.driver",
    )
    config = "".join(f"[{name.rpartition('.')[0]}]\n{name.rpartition('.')[2]} = touch {canary}\n" for name in programs)
    config += "".join(
        f'[{section} "{name}"]\n{variable} = touch {canary}\n'
        for section, name, variable in (each.split(".") for each in drivers)
    )
    hooks: dict[str, Content] = {
        f"{place}/{name}": run
        for place in ("hooks", ".githooks", ".husky")
        for name in ("post-checkout", "post-merge", "pre-commit", "reference-transaction", "fsmonitor-watchman")
    }
    files: dict[str, Content] = {
        **hooks,
        **{
            "HEAD": "ref: refs/heads/main\n",
            "config": config,
            ".gitconfig": config,
            "refs/heads/x": "",
            "objects/x": "",
        },
        **{".gitattributes": "* filter=evil diff=evil merge=evil ident\n", ".envrc": f"touch {canary}\n"},
        **{".lfsconfig": f"[lfs]\nurl = ext::touch {canary}\n", ".gitmodules": config},
    }
    with bout(start_daemon, origin.url, origin, root, git_gc="always", heal_period="100ms") as made:
        for number in range(3):
            made.publishes(origin.commit({**files, "index.html": f"{number}\n"}))
    assert not canary.exists()


ATTRIBUTES = {
    "long lines": "a" * 100_000 + " text\n" + "*" + " x" * 100_000 + "\n",
    "many macros": "".join(f"[attr]m{number} m{number + 1} x{number}\n" for number in range(20_000)) + "* m0\n",
    "macros of macros": "".join(
        f"[attr]m{number} {' '.join(f'm{other}' for other in range(number + 1, number + 60))}\n"
        for number in range(1000)
    )
    + "* m0\n",
    "costly patterns": "*a*a*a*a*a*a*a*a*a*a*a*a*a*b text\n" * 1000,
    "no encoding": "odd.txt working-tree-encoding=UTF-7\n",
    "everything at once": "* text eol=crlf ident filter=lfs export-subst export-ignore binary\n",
}


@fault(
    area="hostile",
    what="`.gitattributes` and `.gitignore` are bombs (long lines, macros of macros, costly patterns), or links to "
    "`/dev/zero`",
    then="published as git understands them; no pass takes long, and none fails",
)
def test_attributes_that_cost(
    start_daemon: StartDaemon, origin: Origin, root: Path, record_property: RecordProperty
) -> None:
    """Given a daemon, when each of these is pushed, then it is published, and its files are right for good."""
    with bout(start_daemon, origin.url, origin, root, heal_period="200ms", sync_timeout="30s") as made:
        record_property("faults", len(ATTRIBUTES))
        for number, text in enumerate(ATTRIBUTES.values()):
            commit = origin.commit({".gitattributes": text, ".gitignore": text, "a" * 200: f"{number}\n"})
            made.daemon.wait_published(commit)
        zero = Symlink("/dev/zero")
        made.publishes(
            origin.commit(dict.fromkeys((".gitattributes", ".gitignore", ".mailmap", "d/.gitattributes"), zero))
        )
        assert not made.daemon.logs("sync_finished", outcome="failed")


@fault(
    area="hostile",
    what="links lead out of the repository, and later commits have files where the links were",
    then="links are published as they are, and nothing is written, read or removed where they lead; see `--symlinks`",
)
def test_links_to_elsewhere(start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given links to a directory of others, when files come in their place and go, then that directory stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("precious\n")
    link = Symlink(str(outside))
    steps: list[dict[str, Content]] = [
        {"d": link, "loop": Symlink("loop"), "up": Symlink("../../../../../etc"), ".gitmodules.d": link},
        {"d": None, "d/file": "ours\n", "d/deep/file": "ours\n"},
        {"d/file": None, "d/deep/file": None, "d": link},
        {"d": None, "d/file": link},
        {"d/file": None, "d": "a file\n", "loop": None, "up": None},
    ]
    with bout(start_daemon, origin.url, origin, root, heal_period="100ms") as made:
        for number, step in enumerate(steps):
            made.publishes(origin.commit({**step, "step": f"{number}"}))
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"file": "precious\n"}
