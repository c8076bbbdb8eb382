"""Submodules that mean harm: URLs, names and paths that git, or a shell, could take for something else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.figures import RecordProperty
from tests.hostile.bout import QUICK, bout
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Gitlink, Origin, Symlink
from tests.support.tree import assert_published


@pytest.fixture
def library(make_origin: Callable[..., Origin]) -> Origin:
    """A repository that others have as submodule, with a hook in it."""
    made = make_origin("library.git")
    made.commit({"lib.txt": "one\n", "hooks/post-checkout": "x"})
    return made


def modules(url: str, *, name: str = "lib", path: str = "lib", more: str = "") -> str:
    """Return an entry of `.gitmodules`; what is given is quoted as git quotes it."""
    quoted = [part.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for part in (name, path, url)]
    return '[submodule "{}"]\n\tpath = "{}"\n\turl = "{}"\n'.format(*quoted) + more


# URLs that nothing may be made of.
URLS = (
    "ext::sh -c touch% {canary}",
    "fd::17/x",
    "file://{library}",
    "{library}",
    "--upload-pack=touch {canary}",
    "-oProxyCommand=touch {canary}",
    "ssh://-oProxyCommand=touch {canary}/x",
    "-:x",
    "http://h/%0ahost=other\nx",
    "../../../../../../../../x",
    "http://u:p@h/\x1b[2J",
    "https://[x/y",
    "https://\u2100.test/x",
    "",
)


@fault(
    area="hostile",
    what="submodules have URLs of local files, of commands, of options, with line breaks, or that are none",
    then="refused; nothing of it runs or is read, and what is published stays",
)
def test_urls(
    start_daemon: StartDaemon,
    git_http: GitHttpServer,
    origin: Origin,
    library: Origin,
    root: Path,
    record_property: RecordProperty,
) -> None:
    """Given a repository over http, when each of these comes as a submodule's URL, then it is refused."""
    canary = root.with_name("canary")
    record_property("faults", len(URLS))
    with bout(start_daemon, git_http.url_of(origin.path), origin, root, sync_timeout="20s") as made:
        for url in URLS:
            mark = made.daemon.mark()
            text = modules(url.format(canary=canary, library=library.path))
            origin.commit({".gitmodules": text, "lib": Gitlink(library.head)})
            line = made.daemon.wait_event("sync_finished", since=mark, outcome="failed")
            assert line["reason"] in {"submodule", "transport", "connect", "dns"}, (url, line)
            made.watch.check(made.good)
            made.turn_back()
        made.publishes(origin.commit({"new": "x"}))
    assert not canary.exists()


# Names and paths, and whether there is a submodule then.
PLACES: dict[str, tuple[str, str, bool]] = {
    "name that leads up": ("../../hooks", "lib", False),
    "name of an option": ("--template=x", "lib", True),
    "name with a line break": ('a"]\n[core]\n\tsshCommand = touch canary', "lib", True),
    "path that ends with a carriage return": ("lib", "lib\r", True),
    "path of an option": ("lib", "--upload-pack=x", False),
    "path with a line break": ("lib", "a\nb\x1b[2J", True),
    "path of other bytes": ("lib", "\udcff", True),
}


@fault(
    area="hostile",
    what="submodules have names and paths that lead up, look like options, or end with a carriage return",
    then="published where the commit has them, or empty; no name becomes a path, a setting or an option",
)
def test_names_and_paths(
    start_daemon: StartDaemon, origin: Origin, library: Origin, root: Path, record_property: RecordProperty
) -> None:
    """Given a repository, when each of these comes, then the commit is published with it, or without its files."""
    link, good = root / "site.git", origin.head
    daemon = start_daemon(origin.url, root, **QUICK)
    record_property("faults", len(PLACES))
    for name, path, populated in PLACES.values():
        text = modules("../library.git", name=name, path=path)
        files: dict[str, Content] = {".gitmodules": os.fsencode(text), path: Gitlink(library.head)}
        daemon.wait_published(origin.force_push(files, onto=good))
        assert (link / path / "lib.txt").exists() == populated, path
    daemon.wait_published(origin.force_push({"new": "x"}, onto=good))
    assert_published(origin.path, link)
    assert daemon.terminate() == 0


@fault(
    area="hostile",
    what="a submodule comes to lie where a link of the commit before has led",
    then="published without the link, and nothing is written where it has led",
)
def test_submodule_behind_a_link(
    start_daemon: StartDaemon, origin: Origin, library: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a link to a directory of others, when a submodule is said to lie in it, then nothing is written there."""
    outside = tmp_path / "outside"
    outside.mkdir()
    text, good = modules("../library.git", path="d/lib"), origin.head
    link, elsewhere = root / "site.git", Symlink(str(outside))
    daemon = start_daemon(origin.url, root, **QUICK)
    for number in range(2):
        daemon.wait_published(origin.force_push({"d": elsewhere, ".gitmodules": text, "x": f"{number}"}, onto=good))
        # What git takes for a directory of the commit is one, and the link goes.
        files: dict[str, Content] = {"d/lib": Gitlink(library.head), ".gitmodules": text, "x": f"{number}"}
        daemon.wait_published(origin.force_push(files, onto=good))
        assert (link / "d/lib/lib.txt").exists()
    daemon.wait_published(origin.force_push({"d": elsewhere}, onto=good))
    assert_published(origin.path, link)
    assert list(outside.iterdir()) == []
    assert daemon.terminate() == 0
