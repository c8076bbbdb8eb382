"""What is watched: the files that a pass reads, and a repository on this machine."""

from pathlib import Path

import pytest

from gitsync.triggers.watch import Watcher
from gitsync.triggers.watched import local_path, watched_files, watched_of
from tests.unit.examples import repo_config


@pytest.mark.parametrize(
    ("repo", "path"),
    [
        ("/srv/site.git", Path("/srv/site.git")),
        ("file:///srv/my%20site.git", Path("/srv/my site.git")),
        ("FILE:///srv/site.git", Path("/srv/site.git")),
        ("https://host/site.git", None),
        ("git@host:site.git", None),
    ],
)
def test_local_path(repo: str, path: Path | None) -> None:
    """A path and a file URL are on this machine, all else is not."""
    assert local_path(repo) == path


def test_files() -> None:
    """Every file that an option names is watched once."""
    repo = repo_config(
        "--username=user",
        "--password-file=/secret/password",
        '--credential={"url":"https://other.test","username":"u","password-file":"/secret/other"}',
        "--cookie-file=/secret/cookies",
        "--ssh-key-file=/secret/one",
        "--ssh-key-file=/secret/two",
        "--ssh-known-hosts-file=/secret/known_hosts",
        "--ca-file=/secret/ca.pem",
        "--sparse-checkout-file=/config/sparse",
    )
    names = ["password", "other", "cookies", "one", "two", "known_hosts", "ca.pem"]
    assert watched_files(repo) == (*(Path("/secret", name) for name in names), Path("/config/sparse"))


def test_nothing_to_watch() -> None:
    """A remote repository without files needs no watcher."""
    watcher = Watcher()
    watcher.add(watched_of(repo_config(), lambda: None))
    assert not watcher.needed
    watcher = Watcher()
    watcher.add(watched_of(repo_config("--ca-file=/no/such/file"), lambda: None))
    assert watcher.needed


def test_watched_no_longer() -> None:
    """What is removed needs nobody who watches it."""
    watcher = Watcher()
    watcher.add(watched := watched_of(repo_config("--ca-file=/no/such/file"), lambda: None))
    watcher.remove(watched)
    assert not watcher.needed
