"""The parts of sources that need no server: files, settings, the command for ssh, the App's own token."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gitsync.base import redact
from gitsync.base.errors import ConfigError, CredentialError
from gitsync.base.redact import Secret, forget, scrub
from gitsync.config import Credential, load
from gitsync.credentials import build
from gitsync.credentials.base import Credentials, RecentSecrets, read_lines, read_secret, write_private
from gitsync.credentials.github_app import App
from gitsync.credentials.login import HelperFile, Login
from gitsync.credentials.ssh import Ssh, SshFiles
from tests.support.web import FakeGithub

Build = Callable[..., Credentials]
NO_USER = 1_000_650_000


@pytest.fixture
def make(tmp_path: Path) -> Build:
    """Return a function that builds the sources for flags."""

    def made(url: str, *arguments: str, environ: dict[str, str] | None = None) -> Credentials:
        repo = load(["--repo", url, "--root", str(tmp_path), *arguments], environ or {}).repos[0]
        return build(repo, directory=tmp_path / "private")

    return made


def soon() -> float:
    """Return a deadline."""
    return time.monotonic() + 30


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"word\n", "word"), (b"word\r\n", "word"), (b"word", "word"), (b"word\n\n", "word"), (b" word \n", " word ")],
)
def test_line_breaks_around_are_no_part_of_a_secret(tmp_path: Path, content: bytes, secret: str) -> None:
    """Editors end a file with line breaks, and only they are taken off."""
    (tmp_path / "file").write_bytes(content)
    assert read_secret(tmp_path / "file", option="--password-file") == secret


def _fifo(path: Path) -> None:
    os.mkfifo(path)


UNUSABLE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: None, "No such file"),
    "empty": (lambda path: path.write_text(""), "it is empty"),
    "blank": (lambda path: path.write_text("\n"), "it is empty"),
    "a directory": (lambda path: path.mkdir(), "directory|regular"),
    "a pipe": (_fifo, "no regular file"),
    "no text": (lambda path: path.write_bytes(b"\xff\xff"), "no text"),
    "two lines": (lambda path: path.write_text("one\ntwo\n"), "more than one line"),
    "huge": (lambda path: path.write_bytes(b"x" * 2_000_000), "larger than"),
}


@pytest.mark.parametrize(("spoil", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_file_is_named_with_its_option(tmp_path: Path, spoil: Callable[[Path], Any], message: str) -> None:
    """The error says which option and path it is about, and reading waits for nothing."""
    path = tmp_path / "file"
    spoil(path)
    with pytest.raises(CredentialError, match=message) as caught:
        read_secret(path, option="--password-file")
    assert str(caught.value).startswith(f"--password-file={path}: ")
    assert caught.value.reason == "credential"
    assert caught.value.hint


def test_lines_end_as_programs_want_them(tmp_path: Path) -> None:
    """ssh refuses a key with carriage returns, or without a last line break."""
    (tmp_path / "key").write_bytes(b"a\r\nb")
    assert read_lines(tmp_path / "key", option="--ssh-key-file") == "a\nb\n"


def test_private_file_is_ours_alone(tmp_path: Path) -> None:
    """No umask opens it, not even for a moment."""
    before = os.umask(0)
    try:
        write_private(tmp_path / "file", "secret")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_login_is_written_once_per_value(tmp_path: Path) -> None:
    """The generation tells whether asking again has brought anything new."""
    file = tmp_path / "password"
    file.write_text("one\n")
    credential = Credential(url="https://host.test", username="ann", password_file=file)
    login = Login(credential, path=tmp_path / "given", urls=("https://host.test",))
    login.refresh(deadline=soon())
    assert (tmp_path / "given").read_text() == "username=ann\npassword=one\n"
    login.refresh(deadline=soon())
    assert login.generation == 1
    file.write_text("two\n")
    login.refresh(deadline=soon())
    assert login.generation == 2


def test_login_of_several_lines_is_refused(tmp_path: Path) -> None:
    """The protocol of credential helpers has lines, so a line break could smuggle something in."""
    given = HelperFile(tmp_path / "given", urls=())
    with pytest.raises(CredentialError, match="one line"):
        given.give("ann", Secret("a\nhost=evil"), origin="--password-file=x")
    assert not (tmp_path / "given").exists()


def test_renewal_needs_something_new(make: Build, tmp_path: Path) -> None:
    """A refused login is tried again only if there is another one now."""
    file = tmp_path / "password"
    file.write_text("one")
    credentials = make("https://host.test/a.git", "--username=ann", f"--password-file={file}")
    credentials.refresh(deadline=soon())
    assert not credentials.renew(deadline=soon())
    file.write_text("two")
    assert credentials.renew(deadline=soon())


def test_helpers_for_longer_urls_come_first(make: Build) -> None:
    """git takes the first answer."""
    one = '{"url":"https://host.test","username":"a","password":"word-a"}'
    two = '{"url":"https://host.test/group/","username":"b","password":"word-b"}'
    credentials = make("https://host.test/x.git", "--credential", f"[{one},{two}]", "--username=c", environ=PASSWORD)
    keys = [setting.key for setting in credentials.settings() if not setting.key.startswith("include")]
    assert keys == [
        "credential.helper",
        "credential.https://host.test/group.git.helper",
        "credential.https://host.test/group.helper",
        "credential.https://host.test/x.git.helper",
        "credential.https://host.test.helper",
        "credential.https://host.test.helper",
    ]


PASSWORD = {"GITSYNC_PASSWORD": "word-c"}


def test_nothing_is_given_where_nothing_was_asked_for(make: Build, tmp_path: Path) -> None:
    """Without a login git has no helper at all, and nothing is written."""
    credentials = make("https://host.test/x.git")
    credentials.refresh(deadline=soon())
    keys = {setting.key for setting in credentials.settings() if not setting.key.startswith("include")}
    assert keys == {"credential.helper"}
    assert list((tmp_path / "private").iterdir()) == []


@pytest.mark.parametrize("url", ["host.test", "ssh://host.test", "https://u@host.test", "https://"])
def test_credential_needs_a_url_of_http(make: Build, url: str) -> None:
    """What could never match is said at the start."""
    with pytest.raises(ConfigError, match="http"):
        make("https://host.test/x", "--credential", f'{{"url":"{url}","username":"a","password":"bbbb"}}')


def test_old_values_of_a_source_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that changes with each pass does not make the list of known secrets grow for ever."""
    monkeypatch.setattr(redact, "_known", frozenset())
    secrets = RecentSecrets()
    kept = Secret("word-0000")
    for number in range(100):
        secrets.wrap(f"word-{number:04}")
    assert scrub("word-0099 word-0096 word-0050") == "*** *** word-0050"
    assert scrub("word-0000") == "***", "somebody else keeps it"
    forget(kept)
    assert scrub("word-0000") == "word-0000"


def ssh(tmp_path: Path, *keys: Path, known_hosts: Path | None = None, verify: bool = True, uid: int = 0) -> Ssh:
    """Return a refreshed source."""
    files = SshFiles(keys, known_hosts, verify, needed=True)
    source = Ssh(files, directory=tmp_path, uid=uid)
    source.refresh(deadline=soon())
    return source


def test_ssh_gets_private_copies_in_order(tmp_path: Path) -> None:
    """Keys that a group may read are what ssh refuses."""
    keys = [tmp_path / "b", tmp_path / "a"]
    for key in keys:
        key.write_text(f"key {key.name}")
        key.chmod(0o440)
    command = ssh(tmp_path, *keys, verify=False).environment()["GIT_SSH_COMMAND"]
    copies = [tmp_path / "ssh-key-0", tmp_path / "ssh-key-1"]
    assert [copy.read_text() for copy in copies] == ["key b\n", "key a\n"]
    assert [copy.stat().st_mode & 0o777 for copy in copies] == [0o600, 0o600]
    assert command.index(str(copies[0])) < command.index(str(copies[1]))
    assert "IdentitiesOnly=yes" in command
    assert "BatchMode=yes" in command
    assert "StrictHostKeyChecking=no" in command


def test_ssh_keys_that_were_asked_for_have_to_be_there(tmp_path: Path) -> None:
    """A missing key is named."""
    with pytest.raises(CredentialError, match=f"--ssh-key-file={tmp_path}/none"):
        ssh(tmp_path, tmp_path / "none")
    key = tmp_path / "key"
    key.write_text("key")
    with pytest.raises(CredentialError, match=f"--ssh-known-hosts-file={tmp_path}/none"):
        ssh(tmp_path, key, known_hosts=tmp_path / "none")


def test_hosts_are_verified_unless_told_otherwise(tmp_path: Path) -> None:
    """Nothing turns verification off by itself."""
    hosts = tmp_path / "hosts"
    hosts.write_text("host.test ssh-ed25519 AAAA")
    command = ssh(tmp_path, known_hosts=hosts).environment()["GIT_SSH_COMMAND"]
    assert "StrictHostKeyChecking=yes" in command
    assert f'UserKnownHostsFile="{tmp_path}/known_hosts"' in command
    assert "LD_PRELOAD" not in command


def test_jwt_is_signed_for_less_than_ten_minutes() -> None:
    """GitHub accepts the App's own token: signature, issuer and times."""
    with FakeGithub(issuer="x", installation=1) as github:
        key = github.private_key()
    now = time.time()
    app = App("Iv1.abc", 1, Secret(key.replace("\n", "\\n")), None, "https://x")
    claims = jwt.decode(app.sign(app.read_key(), now=now), options={"verify_signature": False})
    assert claims == {"iss": "Iv1.abc", "iat": int(now) - 60, "exp": int(now) + 540}


@pytest.mark.parametrize(
    "key", ["nonsense", "-----BEGIN RSA PRIVATE KEY-----\nbm9uc2Vuc2U=\n-----END RSA PRIVATE KEY-----"]
)
def test_unusable_key_is_named_and_not_shown(tmp_path: Path, key: str) -> None:
    """The error says where the key is from, and nothing of what is in it."""
    app = App("1", 1, None, tmp_path / "key.pem", "https://x")
    with pytest.raises(CredentialError, match="--github-app-private-key-file=") as caught:
        app.sign(key, now=time.time())
    assert "bm9uc2Vuc2U" not in str(caught.value)
    assert rsa  # the kind of key that is wanted
