"""What the remote is asked in this process comes to the same as what git is asked, whatever the server does.

Each case is a story of a server that is told twice, to a process that asks by git alone and to one that may ask by
itself; both have to publish the same commits, with the same outcomes and reasons.
"""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from gitsync.base.log import get_logger
from gitsync.remote import prober
from gitsync.remote.named import Named
from tests.integration.conftest import MakeWorkbench, soon
from tests.support.git import git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.web import server_context
from tests.unit.examples import repo_config

USER, PASSWORD = "reader", "s3cret-of-the-reader"


@dataclass
class World:
    """A repository, the server that it lies on, and what the program is given."""

    origin: Origin
    server: GitHttpServer
    directory: Path
    secret: Path
    pushes: int = 0

    def __post_init__(self) -> None:
        self.secret.write_text(PASSWORD)


Step = Callable[[World], object]


@pytest.fixture
def authority() -> trustme.CA:
    """Who vouches for the server."""
    return trustme.CA()


@pytest.fixture
def world(request: pytest.FixtureRequest, origin: Origin, tmp_path: Path, authority: trustme.CA) -> Iterator[World]:
    """A server for the repository, over http or https."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = server_context(authority) if request.param == "https" else None
    with GitHttpServer(origin.path.parent, tls=context) as server:
        yield World(origin, server, tmp_path, tmp_path / "password")


def nothing(world: World) -> None:
    """Leave everything as it is."""


def push(world: World) -> None:
    """Push a commit."""
    world.pushes += 1
    world.origin.commit({"n": str(world.pushes)})


def back_and_forth(world: World) -> None:
    """Move the branch, and move it back."""
    head = world.origin.head
    push(world)
    world.origin.rewind(head)


def other_default(world: World) -> None:
    """Have HEAD name another branch, at another commit."""
    world.origin.commit({"n": "other"}, branch="other")
    world.origin.set_default_branch("other")


def same_default(world: World) -> None:
    """Have HEAD name another branch, at the same commit."""
    world.origin.branch("twin")
    world.origin.set_default_branch("twin")


def fail_with(status: int, *, redirect_to: str = "") -> Step:
    """Return what has the server answer with a status."""

    def fail(world: World) -> None:
        world.server.fail_with, world.server.redirect_to = (None if redirect_to else status), redirect_to

    return fail


def recover(world: World) -> None:
    """Have the server answer as it should."""
    world.server.fail_with, world.server.redirect_to, world.server.rewrite = None, "", None


def rewrite(change: Callable[[str, bytes], tuple[str, bytes]]) -> Step:
    """Return what changes the answers about refs, by the type of their content and their bytes."""

    def begin(world: World) -> None:
        world.server.rewrite = change

    return begin


def rotate(world: World) -> None:
    """Have the server want another password, which the file has as well."""
    world.server.credentials = f"{USER}:another-password"
    world.secret.write_text("another-password")


def revoke(world: World) -> None:
    """Have the server want a password that nobody has."""
    world.server.credentials = f"{USER}:unknown"


def close_each(world: World) -> None:
    """Have the server close the connection after each answer."""
    world.server.closes = True


def drop(world: World) -> None:
    """Close all connections, as a server or a proxy does with those that are idle."""
    world.server.drop_connections()


def old_protocol(world: World) -> None:
    """Have the server speak the first versions of the protocol only."""
    world.server.environment = {"GIT_PROTOCOL": "version=0"}


def delete(world: World) -> None:
    """Delete the branch."""
    world.origin.delete_ref("refs/heads/main")


def tag_of_the_same_name(world: World) -> None:
    """Have a tag take precedence over the branch."""
    commit = world.origin.commit({"n": "tagged"}, branch="elsewhere")
    world.origin.tag("main", at=commit)


def tags(*names: str) -> Step:
    """Return what tags a new commit with each of these names."""

    def tag(world: World) -> None:
        for name in names:
            push(world)
            world.origin.annotated_tag(name)

    return tag


def untag(name: str) -> Step:
    """Return what deletes a tag."""
    return lambda world: world.origin.delete_ref(f"refs/tags/{name}")


def moved_tag(world: World) -> None:
    """Move the newest tag."""
    push(world)
    world.origin.annotated_tag("v1.10")


def many_tags(world: World) -> None:
    """Push so many tags that their list is too large for a request of ours."""
    world.origin.many_tags(f"v0.{number}" for number in range(19_000))


STORIES: dict[str, tuple[dict[str, str], list[Step]]] = {
    "nothing new": ({}, [nothing, nothing]),
    "a push": ({}, [nothing, push, nothing]),
    "there and back": ({}, [nothing, back_and_forth, nothing]),
    "default branch is another": ({}, [nothing, other_default, nothing]),
    "default branch has another name": ({}, [nothing, same_default, nothing]),
    "branch": ({"ref": "main"}, [nothing, push, nothing]),
    "tag comes before the branch": ({"ref": "main"}, [nothing, tag_of_the_same_name, nothing]),
    "branch is gone": ({"ref": "main"}, [nothing, delete, nothing]),
    "longer name": ({"ref": "main"}, [lambda world: world.origin.branch("main-2"), nothing, push]),
    "annotated tag": ({"ref": "v1"}, [lambda world: world.origin.annotated_tag("v1"), nothing, push, nothing]),
    "pull request": (
        {"ref": "refs/pull/1/head"},
        [lambda world: world.origin.set_ref("refs/pull/1/head", world.origin.head), nothing],
    ),
    **{str(status): ({}, [nothing, fail_with(status), push, recover]) for status in (403, 404, 429, 500, 503)},
    "redirect": ({}, [nothing, fail_with(302, redirect_to="http://127.0.0.1:9"), recover]),
    "truncated": ({}, [nothing, rewrite(lambda kind, body: (kind, body[:-5])), push, recover]),
    "page": ({}, [nothing, rewrite(lambda kind, body: ("text/html", b"<html>login</html>")), recover]),
    "page of the right type": ({}, [nothing, rewrite(lambda kind, body: (kind, b"<html>login</html>")), recover]),
    "right answer of another type": ({}, [nothing, rewrite(lambda kind, body: ("text/plain", body)), recover]),
    "too large": ({}, [nothing, rewrite(lambda kind, body: (kind, body + b"0" * 3_000_000)), recover]),
    "password": ({"username": USER}, [nothing, push, rotate, nothing, revoke, nothing]),
    "newer tag": ({"ref_pattern": "v*"}, [tags("v1.9"), nothing, tags("v1.10"), nothing, tags("v1.8"), nothing]),
    "newest tag is gone": ({"ref_pattern": "v*"}, [tags("v1.9", "v1.10"), nothing, untag("v1.10"), nothing]),
    "newest tag is moved": ({"ref_pattern": "v*"}, [tags("v1.9", "v1.10"), nothing, moved_tag, nothing]),
    "no tag is left": ({"ref_pattern": "v*"}, [tags("v1.9"), nothing, untag("v1.9"), nothing, tags("v1.8")]),
    "tag before branches": (
        {"ref_pattern": "v*"},
        [lambda world: world.origin.branch("v2"), nothing, tags("v1.9"), push, untag("v1.9"), nothing],
    ),
    "branches": (
        {"ref_pattern": "release/*"},
        [
            lambda world: world.origin.branch("release/9"),
            nothing,
            lambda world: world.origin.branch("release/10"),
            push,
        ],
    ),
    "range": (
        {"ref_semver": "^1.2"},
        [tags("v1.2.0", "v2.0.0"), nothing, tags("v1.3.0-rc.1"), tags("v1.3.0"), nothing],
    ),
    "list is too large": ({"ref_pattern": "v*"}, [tags("v1.9"), nothing, many_tags, nothing, tags("v1.10"), nothing]),
    "pattern over the first protocol": ({"ref_pattern": "v*"}, [old_protocol, nothing, tags("v1.9"), nothing, nothing]),
    "broken list": (
        {"ref_pattern": "v*"},
        [tags("v1.9"), rewrite(lambda kind, body: (kind, body[:-5])), tags("v1.10"), recover],
    ),
    "closes each": ({}, [close_each, nothing, push, nothing]),
    "closes idle ones": ({}, [nothing, drop, nothing, drop, push]),
    "first protocol": ({}, [old_protocol, nothing, nothing, nothing, nothing, push, nothing]),
}

# Those in which it may matter how the connection is kept.
OVER_TLS = (
    *("a push", "password", "newer tag", "redirect", "truncated", "too large"),
    *("closes each", "closes idle ones", "first protocol"),
)


def tell(make: MakeWorkbench, world: World, mode: str, options: dict[str, str], story: list[Step]) -> list[Any]:
    """Tell a story, and return what it has led to step by step."""
    if "username" in options:
        world.server.credentials = f"{USER}:{PASSWORD}"
        options = {**options, "password_file": str(world.secret)}
    if world.server.tls:
        options = {**options, "ca_file": str(world.directory / "ca.pem")}
    story[0](world)
    bench = make(
        world.server.url_of(world.origin.path),
        probe="auto" if mode == "told" else mode,
        root=world.directory / mode,
        **options,
    )
    led = []
    for step in [nothing, *story[1:], nothing]:
        step(world)
        result = bench.sync.run(deadline=soon(), told=mode == "told" and step is not nothing)
        reason = result.failure and result.failure.reason
        # Their times make commits of the same files others.
        tree = result.commit and git(world.origin.path, "rev-parse", f"{result.commit.hash}^{{tree}}")
        led.append((result.outcome, reason, result.ref, tree))
    bench.close()
    return led


@contextmanager
def twin(world: World, name: str) -> Iterator[World]:
    """Yield the same repository on a server of its own."""
    directory = world.origin.path.parent
    origin = Origin.mirror_of(world.origin.path, directory / f"{name}.git")
    with GitHttpServer(directory, tls=world.server.tls) as server:
        yield World(origin, server, world.directory, world.directory / f"{name}-password")


CASES = [("http", name) for name in STORIES] + [("https", name) for name in OVER_TLS]


@pytest.mark.parametrize(("world", "name"), CASES, ids=["-".join(case) for case in CASES], indirect=["world"])
def test_same_as_git(make_workbench: MakeWorkbench, world: World, name: str) -> None:
    """Whatever happens, what is published and told is the same whoever has asked, and if nobody has but a fetch."""
    options, story = STORIES[name]

    def elsewhere(mode: str) -> list[Any]:
        with twin(world, f"twin-{mode}") as other:
            return tell(make_workbench, other, mode, options, story)

    by_git = elsewhere("git")
    if not world.server.tls:
        untold = elsewhere("told")
        if {other_default, same_default, tag_of_the_same_name} & {*story}:
            # A fetch does not tell that the ref is another one now; the next question does.
            assert untold[-1][1:] == by_git[-1][1:]
        else:
            assert untold == by_git
    assert tell(make_workbench, world, "auto", options, story) == by_git


class NoLogin:
    """How a remote is reached that lets everybody in."""

    generation = 0

    def login_for(self, url: str) -> None:
        """Return none."""


@pytest.mark.parametrize(
    ("world", "place", "handshakes"), [("https", "dir", 1), ("https", "file", 2)], indirect=["world"]
)
def test_authorities_are_looked_for_before_all_are_read(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, handshakes: int
) -> None:
    """In the system's directory, where they go by their hashes; one that is in its file alone counts as well."""
    for name in ("dir", "file"):
        (tmp_path / name).mkdir()
    (tmp_path / "ca.pem").rename(tmp_path / place / "ca.pem")
    subprocess.run(["openssl", "rehash", tmp_path / "dir"], check=True)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "dir"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "file" / "ca.pem"))
    asking = prober.Prober(repo_config(f"--repo={world.server.url_of(world.origin.path)}"), NoLogin())
    for _ in range(3):
        assert asking.ask(Named("HEAD", get_logger()), known=world.origin.head, deadline=soon()) is not None
    asking.close()
    assert world.server.connections == handshakes
