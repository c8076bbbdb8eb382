"""Promise: a login in a URL, whichever it is, opens the server and is seen by nobody.

Each daemon of these tests is searched for its secrets when the test is over: log, pages, volume, children.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.auth.conftest import SECRET, StartSecret
from tests.conftest import StartDaemon
from tests.support.git_http import GitHttpServer
from tests.support.origin import Gitlink, Origin
from tests.support.processes import Sampler

OTHER = "anotherSecretWord-0815"


@pytest.fixture
def guarded(git_http: GitHttpServer) -> GitHttpServer:
    """A server that lets in ann with the secret."""
    git_http.credentials = f"ann:{SECRET}"
    return git_http


@pytest.fixture
def library(tmp_path: Path) -> Origin:
    """A repository of another server."""
    made = Origin(tmp_path / "elsewhere" / "library.git")
    made.commit({"lib.txt": "library\n"})
    return made


@pytest.fixture
def elsewhere(library: Origin) -> Iterator[GitHttpServer]:
    """That other server, which has another login."""
    with GitHttpServer(library.path.parent, username="lib", password=OTHER) as server:
        yield server


def _escaped(word: str) -> str:
    """Write a word as a URL may hold it, so that it is not found where the URL itself is published."""
    return "".join(f"%{byte:02x}" for byte in word.encode())


def _link(origin: Origin, url: str, commit: str) -> None:
    """Give the repository a submodule."""
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n'
    origin.commit({".gitmodules": modules, "lib": Gitlink(commit)})


def test_login_in_the_url_of_a_submodule(
    start_secret: StartSecret, elsewhere: GitHttpServer, library: Origin, origin: Origin, root: Path
) -> None:
    """Given a submodule whose URL holds its login, when it moves on, then it is published each time."""
    url = elsewhere.url_of(library.path).replace("://", f"://lib:{_escaped(OTHER)}@")
    _link(origin, url, library.head)
    daemon = start_secret(origin.url, secrets=[OTHER])
    daemon.wait_ready()
    published = root / "site.git" / "lib" / "lib.txt"
    assert published.read_text() == "library\n"
    _link(origin, url, library.commit({"lib.txt": "new\n"}))
    daemon.sync_to(origin.head)
    assert published.read_text() == "new\n"


def test_submodule_beside_one_that_has_a_login(
    start_secret: StartSecret, elsewhere: GitHttpServer, library: Origin, origin: Origin, root: Path
) -> None:
    """Given a submodule of a submodule, with a relative URL, when it is fetched, then with its parent's login."""
    inner = Origin(library.path.with_name("inner.git"))
    _link(library, "../inner.git", inner.commit({"inner.txt": "inner\n"}))
    _link(origin, elsewhere.url_of(library.path).replace("://", f"://lib:{_escaped(OTHER)}@"), library.head)
    start_secret(origin.url, secrets=[OTHER]).wait_ready()
    assert (root / "site.git" / "lib" / "lib" / "inner.txt").read_text() == "inner\n"


@pytest.mark.parametrize("option", ["git_config", "git_config_add"])
def test_login_in_a_url_that_others_are_rewritten_to(
    start_secret: StartSecret, guarded: GitHttpServer, origin: Origin, option: str
) -> None:
    """Given url.<base>.insteadOf with a login in the base, when passes run, then they go there with the login."""
    base = guarded.url.replace("://", f"://ann:{SECRET}@")
    setting = f'"url.{base}/.insteadOf":"http://git.example.test/"'
    environment = {f"GITSYNC_{option.upper()}": setting}
    url = f"http://git.example.test/{origin.path.name}"
    start_secret(url, secrets=[SECRET], environment=environment).wait_ready()


@pytest.mark.parametrize("way", ["a credential", "one of two credentials", "a file"])
def test_user_in_the_url_has_a_password_elsewhere(
    start_secret: StartSecret, guarded: GitHttpServer, origin: Origin, tmp_path: Path, way: str
) -> None:
    """Given a user without a password in the URL, when passes run, then the password is the one of that user."""
    url = guarded.url_of(origin.path).replace("://", "://ann@")
    logins = [
        {"url": guarded.url, "username": name, "password": word} for name, word in (("bob", OTHER), ("ann", SECRET))
    ]
    file = tmp_path / "password"
    file.write_text(SECRET)
    environment = {
        "a credential": {"GITSYNC_CREDENTIAL": json.dumps(logins[1:])},
        "one of two credentials": {"GITSYNC_CREDENTIAL": json.dumps(logins)},
        "a file": {"GITSYNC_PASSWORD_FILE": str(file)},
    }[way]
    start_secret(url, secrets=[SECRET, OTHER], environment=environment).wait_ready()


def test_user_in_the_url_of_a_submodule_has_a_password_elsewhere(
    start_secret: StartSecret, elsewhere: GitHttpServer, library: Origin, origin: Origin
) -> None:
    """Given a submodule's URL with a user alone, when it is fetched, then with the --credential of its server."""
    _link(origin, elsewhere.url_of(library.path).replace("://", "://lib@"), library.head)
    credential = json.dumps({"url": elsewhere.url, "username": "lib", "password": OTHER})
    start_secret(origin.url, secrets=[OTHER], environment={"GITSYNC_CREDENTIAL": credential}).wait_ready()


def test_submodule_whose_login_is_not_written_as_one_is_refused(
    start_daemon: StartDaemon, origin: Origin, root: Path
) -> None:
    """Given a raw slash in the password of a submodule's URL, when a pass fails, then no log and no child shows it."""
    _link(origin, f"https://lib:ab/{SECRET}@127.0.0.1:1/lib.git", "1" * 40)
    daemon = start_daemon(origin.url, root, "-v9", period="1h")
    with Sampler(daemon.descendants) as sampler:
        event = daemon.wait_event("sync_finished")
    assert event["reason"] == "submodule"
    assert "%2F" in event["message"]
    assert SECRET not in daemon.log_text()
    assert not [seen for seen in sampler.seen if SECRET in seen[1]]


@pytest.mark.parametrize(
    ("option", "url"),
    [
        ("repo", f"https://u:ab/{SECRET}@127.0.0.1:1/x.git"),
        ("repo", f"https:/u:{SECRET}@127.0.0.1:1/x.git"),
        ("repo", f"'https://u:{SECRET}@127.0.0.1:1/x.git'"),
        ("repo", f"u:{SECRET}@127.0.0.1/x.git"),
        ("askpass_url", f"http://u:ab/{SECRET}@127.0.0.1:1/a"),
        ("webhook_url", f"http://u:ab/{SECRET}@127.0.0.1:1/a"),
        ("git_config", f'"url.https://u:ab/{SECRET}@127.0.0.1:1/.insteadOf":"x:"'),
    ],
)
def test_login_that_is_not_written_as_one_ends_the_start(
    start_daemon: StartDaemon, origin: Origin, root: Path, option: str, url: str
) -> None:
    """Given a URL in which nothing tells where the login ends, when started, then the end tells why, and not what."""
    repo = url if option == "repo" else origin.url
    options: dict[str, Any] = {} if option == "repo" else {option: url}
    daemon = start_daemon(repo, root, **options)
    assert daemon.wait_exit() == 1
    assert f"--{option.replace('_', '-')}: " in daemon.log_text()
    assert SECRET not in daemon.log_text()
