"""The volume while it is of no use: full, read-only, closed, or with something in the way.

A daemon runs all the while. As long as it lasts what is published stays, and log, status and metrics say what is wrong;
when it is over the daemon goes on by itself, and nothing is left of it.
"""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conftest import StartDaemon
from tests.faults.catalogue import fault
from tests.faults.endurance import Endurance
from tests.faults.invariants import Watch
from tests.faults.preload import Action, Board, Strike
from tests.support.origin import Origin
from tests.support.unprivileged import bound_by_modes
from tests.support.volumes import closed, crowded, filled, mounted, read_only

FORMS = ("symlink", "exchange", "inplace")
ROOMY = "size=8m,nr_inodes=400"


class Begin(Protocol):
    """The `begin` fixture's function."""

    def __call__(self, *, link: str = "site", wait: bool = True) -> AbstractContextManager[Endurance]:
        """Have a daemon while the block runs; `wait` until it has published."""


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """How it is published."""
    return str(request.param)


@pytest.fixture
def begin(start_daemon: StartDaemon, origin: Origin, root: Path, form: str) -> Iterator[Begin]:
    """Return a function that has a daemon, which the modes of files bind, on a watched root."""
    with bound_by_modes() as inside:

        @contextmanager
        def begun(*, link: str = "site", wait: bool = True) -> Iterator[Endurance]:
            flags: dict[str, Any] = {"period": "100ms", "max_backoff": "100ms", "stale_worktree_timeout": "0s"}
            with Watch(origin, root / link, root, form=form) as watch:
                starting = inside.submit(lambda: start_daemon(origin.url, root, publish=form, link=link, **flags))
                daemon = watch.follow(starting.result())
                if wait:
                    daemon.wait_ready()
                yield Endurance(daemon, origin, watch)

        yield begun


@fault(
    area="disk",
    what="others fill the volume",
    then="what is published stays, and `no_space` is told; the update is there when there is room again",
)
def test_full(begin: Begin, root: Path) -> None:
    """Given a volume that others fill, when there is a push, then it is told, and done when they have made room."""
    with mounted(root, "size=8m"), begin() as story:
        for _ in range(2):
            story.endure(filled(root), "no_space")


@fault(area="disk", what="the volume has no inodes left", then="the same as on a full volume")
def test_no_inodes(begin: Begin, root: Path) -> None:
    """Given a volume without a free inode, when there is a push, then the same."""
    with mounted(root, ROOMY), begin() as story:
        story.endure(crowded(root), "no_space")


@fault(
    area="disk",
    what="the volume becomes read-only, as after an error of the disk",
    then="what is published stays, and `permission` is told; the update is there when the volume takes it",
)
def test_read_only(begin: Begin, root: Path) -> None:
    """Given a volume that becomes read-only, when there is a push, then the same."""
    with mounted(root, "size=8m"), begin() as story:
        story.endure(read_only(root), "permission")


@fault(
    area="disk",
    what="the disk answers fsync(2) with an error: always, or for the list of where history ends, or for the "
    "records of files in place",
    then="what is published stays, and `filesystem` is told; the update is there when the disk is well",
)
@pytest.mark.parametrize("place", ["", ".gitsync/*/shallow", ".gitsync/inplace-*"])
def test_no_fsync(start_daemon: StartDaemon, board: Board, origin: Origin, root: Path, form: str, place: str) -> None:
    """Given a disk that forces nothing to itself, when there is a push, then it is told, and done when it does."""
    if "inplace" in place and form != "inplace":
        return  # nobody else keeps records

    @contextmanager
    def failing() -> Iterator[None]:
        strike = Strike(Action.FAIL_FROM_NOW_ON, errno.EIO)
        board.arm(-1 if place else 1, strike, place=place, call="f*sync")
        yield
        board.disarm()
        assert board.struck

    flags: dict[str, Any] = {"period": "100ms", "max_backoff": "100ms", "stale_worktree_timeout": "0s", "link": "site"}
    with Watch(origin, root / "site", root, form=form) as watch:
        daemon = watch.follow(start_daemon(origin.url, root, publish=form, environment=board.environment, **flags))
        daemon.wait_ready()
        Endurance(daemon, origin, watch).endure(failing(), "filesystem")


# What is closed, and the mode that it gets; with the forms that have no use for it.
CLOSED: dict[str, tuple[str, int, set[str]]] = {
    "root, for readers too": (".", 0o000, set()),
    "directory of the link": ("way", 0o500, {"inplace"}),
    "what is ours": (".gitsync", 0o000, set()),
    "objects": (".gitsync/*/objects", 0o500, set()),
    "refs": (".gitsync/*/refs/gitsync", 0o500, set()),
    "trees": (".worktrees", 0o500, set()),
    "published directory": ("way/site", 0o500, {"symlink", "exchange"}),
}


@fault(
    area="disk",
    what="the modes of the root, of the link's directory, of the store or of the trees let gitsync not in",
    then="what is published stays, and `permission` is told; the update is there when they do again",
)
def test_closed(begin: Begin, root: Path, form: str) -> None:
    """Given directories that are closed one after the other, when there is a push, then the same."""
    with begin(link="way/site") as story:
        for name, (place, mode, spared) in CLOSED.items():
            if form not in spared:
                print(name)
                (path,) = root.glob(place) if "*" in place else [root / place]
                story.endure(closed(path, mode), "permission")


@fault(
    area="disk",
    what="the first start finds a full, read-only or closed volume",
    then="gitsync goes on trying, and is not ready, with the reason; it is when the volume is well",
)
@pytest.mark.parametrize("trouble", ["full", "no inodes", "read-only", "closed"])
@pytest.mark.parametrize("form", ["symlink"], indirect=True)
def test_first_start(begin: Begin, root: Path, trouble: str) -> None:
    """Given a volume of no use, when first started, then it waits, says why, and publishes when it can."""
    troubles: dict[str, tuple[Callable[[], AbstractContextManager[None]], str]] = {
        "full": (lambda: filled(root), "no_space"),
        "no inodes": (lambda: crowded(root), "no_space"),
        "read-only": (lambda: read_only(root), "permission"),
        "closed": (lambda: closed(root, 0o500), "permission"),
    }
    come, reason = troubles[trouble]
    with mounted(root, ROOMY), ExitStack() as while_it_lasts:
        while_it_lasts.enter_context(come())
        with begin(wait=False) as story:
            story.daemon.wait_event("sync_finished", outcome="failed", reason=reason)
            assert story.daemon.get("/readyz")[0] == 503
            status = story.daemon.status()
            assert (status["ready"], status["hash"], status["error"]["reason"]) == (False, None, reason)
            while_it_lasts.close()
            story.wait_published(story.origin.head)


@fault(
    area="disk",
    what="others put a file or a directory in the place of the link, or of the directory",
    then="theirs stays, and `link_blocked` is told; when they take it away what is published is back, with the update",
)
@pytest.mark.parametrize("kind", ["directory", "file"])
def test_link_taken(begin: Begin, form: str, kind: str) -> None:
    """Given a running daemon whose link's place others have taken, then theirs stays, until they take it away."""
    if form == "inplace" and kind == "directory":
        return  # a directory is what it publishes into
    with begin() as story:
        link = story.watch.link
        link.rename(link.with_name("kept"))
        precious = link if kind == "file" else link / "precious"
        precious.parent.mkdir(exist_ok=True)
        precious.write_text("precious\n")
        mark, new = story.daemon.mark(), story.push()
        story.daemon.wait_events("sync_finished", count=2, since=mark, outcome="failed", reason="link_blocked")
        assert story.daemon.status()["error"]["reason"] == "link_blocked"
        assert precious.read_text() == "precious\n"
        shutil.rmtree(link) if kind == "directory" else link.unlink()
        story.watch.wait_published(new, story.daemon)
        # Readers have seen what was put there.
        story.watch.problems.clear()
        story.wait_published(new)
