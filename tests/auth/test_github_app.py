"""Promise: a GitHub App opens its repositories with tokens that are minted in time and at once when refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.auth.conftest import StartSecret
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.web import FakeGithub, server_context

INSTALLATION = 4711


@pytest.fixture
def github(git_http: GitHttpServer) -> Iterator[FakeGithub]:
    """GitHub's API below /api/v3, as Enterprise has it; the git server accepts the token that was minted last."""
    with FakeGithub(issuer="Iv23abc", installation=INSTALLATION, prefix="/api/v3") as server:
        git_http.credentials = "nobody:yet"
        server.minted = lambda token: setattr(git_http, "credentials", f"x-access-token:{token}")
        yield server


@pytest.fixture
def key_file(github: FakeGithub, tmp_path: Path) -> Path:
    """The App's private key in a file."""
    file = tmp_path / "app.pem"
    file.write_text(github.private_key())
    return file


def options(github: FakeGithub, **more: object) -> dict[str, Any]:
    """Return the options of the App."""
    return {
        "github_app_client_id": "Iv23abc",
        "github_app_installation_id": INSTALLATION,
        "github_base_url": f"{github.url}/api/v3/",
        **more,
    }


def body_of(key: str) -> str:
    """Return a line from the middle of a key, which no file of the daemon's and no log may hold."""
    return key.splitlines()[5]


def test_token_is_minted_and_kept(
    start_secret: StartSecret, git_http: GitHttpServer, github: FakeGithub, key_file: Path, origin: Origin
) -> None:
    """Given an App, when passes run, then one token is minted for all of them."""
    secrets = [body_of(github.private_key()), "TheSecretOfTheInstallation"]
    url = git_http.url_of(origin.path)
    daemon = start_secret(url, secrets=secrets, **options(github, github_app_private_key_file=key_file))
    daemon.wait_ready()
    origin.commit({"a": "2"})
    daemon.sync_to(origin.head)
    assert len(github.tokens) == 1
    assert daemon.metrics()['git_sync_refresh_github_app_token_count{status="success"}'] == 1


def test_refused_token_is_minted_anew_in_the_same_pass(
    start_secret: StartSecret, git_http: GitHttpServer, github: FakeGithub, key_file: Path, origin: Origin
) -> None:
    """Given a token that was revoked, when a pass is refused, then it mints another one and succeeds."""
    url = git_http.url_of(origin.path)
    daemon = start_secret(url, secrets=[], **options(github, github_app_private_key_file=key_file))
    daemon.wait_ready()
    git_http.credentials = "x-access-token:revoked"
    commit = origin.commit({"a": "2"})
    daemon.sync_to(origin.head)
    daemon.wait_published(commit)
    assert len(github.tokens) == 2
    assert not daemon.logs("sync_finished", outcome="failed")


def test_server_that_refuses_every_token_is_not_asked_for_ever(
    start_secret: StartSecret, git_http: GitHttpServer, github: FakeGithub, key_file: Path, origin: Origin
) -> None:
    """Given an App without a right to the repository, when a pass runs, then it fails after one more token."""
    github.minted = lambda token: None
    url = git_http.url_of(origin.path)
    daemon = start_secret(url, secrets=[], **options(github, github_app_private_key_file=key_file))
    daemon.wait_event("sync_finished", reason="auth")
    assert len(github.tokens) == 2


def test_token_is_minted_before_it_expires(
    start_secret: StartSecret, git_http: GitHttpServer, github: FakeGithub, key_file: Path, origin: Origin
) -> None:
    """Given tokens that live for two seconds, when passes go on, then each has one that is good, and none fails."""
    github.life = 2
    flags = options(github, github_app_private_key_file=key_file, period="200ms")
    daemon = start_secret(git_http.url_of(origin.path), secrets=[], **flags)
    daemon.until(lambda: len(github.tokens) >= 3)
    assert not daemon.logs("sync_finished", outcome="failed")


def test_key_of_the_environment_and_application_id(
    start_secret: StartSecret, git_http: GitHttpServer, origin: Origin
) -> None:
    """Given the key in the environment and the older kind of id, when a pass runs, then it works."""
    with FakeGithub(issuer="12345", installation=1) as github:
        github.minted = lambda token: setattr(git_http, "credentials", f"x-access-token:{token}")
        key = github.private_key()
        daemon = start_secret(
            git_http.url_of(origin.path),
            secrets=[body_of(key)],
            environment={"GITSYNC_GITHUB_APP_PRIVATE_KEY": key},
            github_app_application_id=12345,
            github_app_installation_id=1,
            github_base_url=github.url,
        )
        daemon.wait_ready()


def test_refused_app_is_told_and_a_new_key_helps(
    start_secret: StartSecret, git_http: GitHttpServer, github: FakeGithub, key_file: Path, origin: Origin
) -> None:
    """Given a key that GitHub does not know any more, when the file gets the new one, then the next pass works."""
    github.replace_key()
    url = git_http.url_of(origin.path)
    daemon = start_secret(url, secrets=[], **options(github, github_app_private_key_file=key_file))
    event = daemon.wait_event("sync_finished", reason="credential")
    assert "answered with the status 401: A JSON web token could not be decoded" in event["message"]
    assert "clock" in event["hint"]
    assert daemon.metrics()['git_sync_refresh_github_app_token_count{status="error"}'] == 1
    key_file.write_text(github.private_key())
    daemon.sync_to(origin.head)
    key_file.write_text("nonsense")
    event = daemon.sync_by_signal()
    assert event["message"] == f"--github-app-private-key-file={key_file}: this is no private RSA key in PEM form"


def test_enterprise_server_with_an_authority_of_its_own(
    start_secret: StartSecret, git_http: GitHttpServer, authority: trustme.CA, origin: Origin, tmp_path: Path
) -> None:
    """Given an Enterprise server behind TLS of the company's, when its authority is in --ca-file, then it works."""
    with FakeGithub(issuer="1", installation=1, prefix="/api/v3", tls=server_context(authority)) as github:
        github.minted = lambda token: setattr(git_http, "credentials", f"x-access-token:{token}")
        file = tmp_path / "app.pem"
        file.write_text(github.private_key())
        flags: dict[str, Any] = {
            "github_app_application_id": 1,
            "github_app_installation_id": 1,
            "github_app_private_key_file": file,
            "github_base_url": f"{github.url}/api/v3",
            "ca_file": tmp_path / "ca.pem",
        }
        start_secret(git_http.url_of(origin.path), secrets=["TheSecretOfTheInstallation"], **flags).wait_ready()


def test_library_is_not_loaded_without_an_app(start_secret: StartSecret, origin: Origin) -> None:
    """Given no App, when passes run, then its library costs no memory."""
    daemon = start_secret(origin.url, secrets=[])
    daemon.wait_ready()
    assert "cryptography" not in Path(f"/proc/{daemon.pid}/maps").read_text()
