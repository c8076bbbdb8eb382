"""The checks of the way to a server that has TLS, ssh or a proxy: what is wrong is told at the step where it is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from gitsync.checks.check import Result, Subject
from gitsync.checks.running import run
from gitsync.checks.table import CHECKS
from gitsync.config import load
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.sshd import SshServer, make_key
from tests.support.web import server_context

Look = Callable[..., dict[str, Result]]


@pytest.fixture
def look(root: Path) -> Iterator[Look]:
    """A function that makes the checks from git's version on for a URL, with these arguments."""
    wanted = [check for check in CHECKS if check.name in {"tmp", "git", "login", "dns", "tcp", "tls", "access", "ref"}]
    clock = [check for check in CHECKS if check.name == "clock"]
    with ExitStack() as stack:

        def made(repo: str, *arguments: str) -> dict[str, Result]:
            config = load([f"--repo={repo}", f"--root={root}", *arguments], {})
            subject = Subject(config, config.repos[0])
            stack.callback(subject.close)
            return {result.name: result for result in run([*wanted, *clock], subject)}

        yield made


def failed(results: dict[str, Result]) -> set[str]:
    """Return the names of the checks that have failed."""
    return {name for name, result in results.items() if result.outcome == "failed"}


def test_certificates(look: Look, origin: Origin, authority: trustme.CA, tmp_path: Path) -> None:
    """An authority that is not trusted is told of with --ca-file, which then helps."""
    with GitHttpServer(origin.path.parent, tls=server_context(authority)) as server:
        results = look(server.url_of(origin.path))
        assert failed(results) == {"tls"}
        assert "certificate verify failed" in results["tls"].message
        assert "--ca-file" in (results["tls"].cure or "")
        assert results["access"].message == "not tried, as 'tls' has failed"
        assert results["clock"].outcome == "skipped"
        results = look(server.url_of(origin.path), f"--ca-file={tmp_path / 'ca.pem'}")
        assert not failed(results)
        assert results["ref"].message.endswith(origin.head)


def test_certificates_that_git_does_not_look_at(look: Look, origin: Origin, authority: trustme.CA) -> None:
    """Where a setting of git's says whom to trust only git is asked."""
    with GitHttpServer(origin.path.parent, tls=server_context(authority)) as server:
        results = look(server.url_of(origin.path), "--git-config=http.sslVerify:false")
    assert not failed(results)
    assert "http.sslVerify" in results["tls"].message


def test_proxy(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a proxy it is what is looked for; its login is not shown."""
    monkeypatch.setenv("http_proxy", "http://ada:pr0xy-secret@127.0.0.1:1")
    results = look("http://git.test/site.git")
    assert failed(results) == {"tcp"}
    assert results["dns"].message == "the proxy http://127.0.0.1:1, 127.0.0.1: 127.0.0.1"
    assert "Connection refused" in results["tcp"].message
    assert "pr0xy-secret" not in str(results)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:port")
    assert "the URL of the proxy is not valid" in look("http://git.test/site.git")["dns"].message


def test_ssh(look: Look, sshd: SshServer, origin: Origin, tmp_path: Path) -> None:
    """Over ssh the key and the host key are looked at by asking; no connection stays."""
    key, hosts = tmp_path / "key", tmp_path / "hosts"
    sshd.authorize(make_key(key))
    key.chmod(0o444)
    hosts.write_text("")
    given = [f"--ssh-key-file={key}", f"--ssh-known-hosts-file={hosts}"]
    results = look(sshd.url_of(origin.path), *given)
    assert failed(results) == {"login"}
    hosts.write_text("another.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJKS2yOgoAgLkdxZqsMKSZFFCFm0KCQMLnrLNIHgYqA\n")
    results = look(sshd.url_of(origin.path), *given)
    assert failed(results) == {"access"}
    assert results["access"].message.startswith("host_key: ")
    hosts.write_text(sshd.known_hosts)
    results = look(sshd.url_of(origin.path), *given)
    assert not failed(results)
    assert results["tcp"].message == f"the server 127.0.0.1:{sshd.port} takes connections"
    assert results["login"].message == f"keys: {key}"


def test_name_that_there_is_not(look: Look) -> None:
    """A name that cannot be resolved is told of before git is asked."""
    results = look("https://git.invalid/site.git")
    assert failed(results) == {"dns"}
    assert results["dns"].message.startswith("dns: the server git.invalid: ")
    assert results["access"].outcome == "skipped"
