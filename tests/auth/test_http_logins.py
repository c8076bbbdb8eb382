"""Promise: every way to log in over http works, is asked again before each pass, and keeps its secrets.

Each daemon of these tests is searched for its secrets when the test is over: log, pages, volume, children.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.auth.conftest import SECRET, StartSecret
from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.git import run_git
from tests.support.git_http import GitHttpServer
from tests.support.origin import Gitlink, Origin
from tests.support.stall import SilentServer
from tests.support.web import Askpass, server_context

OTHER = "anotherSecretWord-0815"


@pytest.fixture
def guarded(git_http: GitHttpServer) -> GitHttpServer:
    """A server that lets in ann with the secret."""
    git_http.credentials = f"ann:{SECRET}"
    return git_http


@pytest.fixture
def askpass() -> Iterator[Askpass]:
    """A server that knows the login."""
    with Askpass("ann", SECRET) as server:
        yield server


@pytest.fixture
def tls_server(origin: Origin, authority: trustme.CA) -> Iterator[GitHttpServer]:
    """A server for the directory of `origin`, with a certificate of an authority of its own."""
    with GitHttpServer(origin.path.parent, tls=server_context(authority)) as server:
        yield server


def sync_fails(daemon: DaemonProcess, reason: str) -> str:
    """Start a pass, which has to fail for this reason; return the message."""
    event = daemon.sync_by_signal()
    assert event["outcome"] == "failed"
    assert event["reason"] == reason
    return str(event["message"])


def follows(daemon: DaemonProcess, origin: Origin, content: str) -> None:
    """Commit something; the next pass has to publish it."""
    daemon.sync_to(origin.commit({"index.html": content}))


def test_netrc(start_secret: StartSecret, guarded: GitHttpServer, origin: Origin, tmp_path: Path) -> None:
    """Given a login in the home's .netrc, when passes run, then it is used; one that is replaced counts at once."""
    netrc = tmp_path / "netrc-home" / ".netrc"
    netrc.parent.mkdir()
    netrc.write_text(f"machine 127.0.0.1 login ann password {OTHER}\n")
    environment = {"HOME": str(netrc.parent)}
    daemon = start_secret(guarded.url_of(origin.path), secrets=[SECRET, OTHER], environment=environment)
    assert daemon.wait_event("sync_finished")["reason"] == "auth"
    netrc.write_text(f"machine 127.0.0.1 login ann password {SECRET}\n")
    follows(daemon, origin, "second\n")


def test_missing_files_of_ssh(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path) -> None:
    """Given files of ssh that are not there, when the repository is behind http, then they are only warned of, once."""
    files = ["--ssh-key-file=/no/key", "--ssh-known-hosts-file=/no/hosts"]
    daemon = start_daemon(git_http.url_of(origin.path), root, "-v1", *files, period="100ms")
    daemon.wait_events("sync_finished", count=3, outcome="unchanged")
    told = [event["message"] for event in daemon.logs("ssh_file_unusable")]
    assert [message.partition(":")[0] for message in told] == files


@pytest.mark.parametrize(
    "environment",
    [
        {"GIT_SSL_NO_VERIFY": "true"},
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.sslVerify", "GIT_CONFIG_VALUE_0": "false"},
    ],
    ids=["variable", "setting"],
)
def test_variables_of_git(
    start_secret: StartSecret, tls_server: GitHttpServer, origin: Origin, environment: dict[str, str]
) -> None:
    """Given variables of git that say what to trust, when a pass runs, then git trusts it."""
    daemon = start_secret(tls_server.url_of(origin.path), secrets=[], environment=environment)
    daemon.wait_ready()
    assert not daemon.logs("config_warning")


def test_password_of_the_environment(start_secret: StartSecret, guarded: GitHttpServer, origin: Origin) -> None:
    """Given a password in the environment, when it is right, then passes work, and when not, the reason is auth."""
    environment = {"GITSYNC_PASSWORD": SECRET}
    daemon = start_secret(guarded.url_of(origin.path), secrets=[SECRET], environment=environment, username="ann")
    daemon.wait_ready()
    follows(daemon, origin, "second\n")
    guarded.credentials = "ann:changed"
    guarded.requests.clear()
    sync_fails(daemon, "auth")
    # The server is not asked again with what it has just refused.
    assert len([request for request in guarded.requests if request.login]) == 1


def test_password_file_is_read_again(
    start_secret: StartSecret, guarded: GitHttpServer, origin: Origin, tmp_path: Path
) -> None:
    """Given a password file, when its content is wrong, empty, gone, and right again, then the passes say so."""
    file = tmp_path / "password"
    file.write_text(f"{OTHER}\r\n")
    url = guarded.url_of(origin.path)
    daemon = start_secret(url, secrets=[SECRET, OTHER], username="ann", password_file=file)
    daemon.wait_event("sync_finished", reason="auth")
    file.write_text(f"{SECRET}\n")
    daemon.sync_to(origin.head)
    file.write_text("")
    assert sync_fails(daemon, "credential") == f"--password-file={file}: it is empty"
    file.unlink()
    assert sync_fails(daemon, "credential").startswith(f"--password-file={file}: No such file")
    guarded.credentials = f"ann:{OTHER}"
    file.write_text(OTHER)
    follows(daemon, origin, "second\n")


def test_login_in_the_url(start_secret: StartSecret, guarded: GitHttpServer, origin: Origin) -> None:
    """Given user and password in the URL, when passes run, then they work and nobody sees it."""
    url = guarded.url_of(origin.path).replace("://", f"://ann:{SECRET}@")
    daemon = start_secret(url, secrets=[SECRET], environment={"GITSYNC_REPO": url})
    daemon.wait_ready()
    guarded.credentials = f"ann:{OTHER}"
    sync_fails(daemon, "auth")


def test_login_is_there_for_what_a_partial_clone_lacks(
    start_secret: StartSecret, guarded: GitHttpServer, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a pinned commit in a partial clone, when other files are wanted after a restart, then they are fetched."""
    for name in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        run_git(origin.path, "config", name, "true")
    patterns = tmp_path / "patterns"
    patterns.write_text("/index.html\n")
    options = {"ref": origin.head, "filter": "blob:none", "sparse_checkout_file": patterns, "username": "ann"}
    for wanted in ("index.html", "docs/guide.txt"):
        patterns.write_text(f"/{wanted}\n")
        daemon = start_secret(
            guarded.url_of(origin.path), secrets=[SECRET], environment={"GITSYNC_PASSWORD": SECRET}, **options
        )
        daemon.until((root / "site.git" / wanted).is_file)
        assert daemon.terminate() == 0


def test_submodule_of_another_server_has_a_login_of_its_own(
    start_secret: StartSecret, guarded: GitHttpServer, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given a submodule on a server with another login, when that is a --credential, then both are published."""
    library = Origin(tmp_path / "elsewhere" / "library.git")
    commit = library.commit({"lib.txt": "library\n"})
    with GitHttpServer(library.path.parent, username="lib", password=OTHER) as server:
        url = server.url_of(library.path)
        modules = f'[submodule "lib"]\n\tpath = lib\n\turl = {url}\n'
        origin.commit({".gitmodules": modules, "lib": Gitlink(commit)})
        credential = json.dumps({"url": server.url, "username": "lib", "password": OTHER})
        daemon = start_secret(
            guarded.url_of(origin.path),
            secrets=[SECRET, OTHER],
            environment={"GITSYNC_PASSWORD": SECRET, "GITSYNC_CREDENTIAL": credential},
            username="ann",
        )
        daemon.wait_ready()
        assert (root / "site.git" / "lib" / "lib.txt").read_text() == "library\n"
        assert server.requests, "the submodule came from its own server"


def test_token_as_user_in_the_url(start_secret: StartSecret, guarded: GitHttpServer, origin: Origin) -> None:
    """Given a token in the place of the user, when passes run, then it opens the server and nobody sees it."""
    guarded.credentials = f"{SECRET}:"
    url = guarded.url_of(origin.path).replace("://", f"://{SECRET}@")
    start_secret(url, secrets=[SECRET], environment={"GITSYNC_REPO": url}).wait_ready()


def test_credential_of_the_longest_url(start_secret: StartSecret, guarded: GitHttpServer, origin: Origin) -> None:
    """Given logins for several URLs, when a repository is below more than one, then the longest one counts."""
    logins = [
        {"url": guarded.url, "username": "ann", "password": OTHER},
        {"url": guarded.url_of(origin.path).removesuffix(".git"), "username": "ann", "password": SECRET},
        {"url": f"{guarded.url}/other", "username": "ann", "password": OTHER},
    ]
    environment = {"GITSYNC_CREDENTIAL": json.dumps(logins)}
    daemon = start_secret(guarded.url_of(origin.path), secrets=[SECRET, OTHER], environment=environment)
    daemon.wait_ready()
    assert len({request.login for request in guarded.requests}) == 2, "with the login, or with none yet"


def test_credential_with_a_file_for_a_server(
    start_secret: StartSecret, guarded: GitHttpServer, origin: Origin, tmp_path: Path
) -> None:
    """Given a login with a file for a whole server, when the file changes, then the next pass has it."""
    file = tmp_path / "password"
    file.write_text(SECRET)
    login = json.dumps({"url": guarded.url, "username": "ann", "password-file": str(file)})
    daemon = start_secret(guarded.url_of(origin.path), secrets=[SECRET, OTHER], credential=login)
    daemon.wait_ready()
    guarded.credentials = f"ann:{OTHER}"
    file.write_text(f"{OTHER}\n")
    follows(daemon, origin, "second\n")
    file.unlink()
    assert f"--credential ({guarded.url}): password-file={file}" in sync_fails(daemon, "credential")


def test_askpass(start_secret: StartSecret, guarded: GitHttpServer, askpass: Askpass, origin: Origin) -> None:
    """Given an askpass URL, when its login changes, fails and comes back, then each pass has what it answers."""
    daemon = start_secret(
        guarded.url_of(origin.path), secrets=[SECRET, OTHER], askpass_url=f"{askpass.url}/git_askpass"
    )
    daemon.wait_ready()
    assert len(askpass.asked) == 1
    guarded.credentials = f"bob:{OTHER}"
    askpass.username, askpass.password = "bob", OTHER
    follows(daemon, origin, "second\n")
    askpass.statuses = [500]
    message = sync_fails(daemon, "credential")
    assert message == f"--askpass-url={askpass.url}/git_askpass: it answered with the status 500, not with 200"
    follows(daemon, origin, "third\n")
    metrics = daemon.metrics()
    assert metrics['git_sync_askpass_calls{status="success"}'] == 3
    assert metrics['git_sync_askpass_calls{status="error"}'] == 1


def test_askpass_that_is_wrong_once(
    start_secret: StartSecret, guarded: GitHttpServer, askpass: Askpass, origin: Origin
) -> None:
    """Given a login that was just replaced, when the server refuses the old one, then the same pass asks again."""
    askpass.password = OTHER
    right = iter([SECRET])
    guarded_reply = askpass.reply

    def reply(asked: object) -> object:
        answer = guarded_reply(asked)  # type: ignore[arg-type]
        askpass.password = next(right, SECRET)
        return answer

    askpass.reply = reply  # type: ignore[assignment]
    daemon = start_secret(guarded.url_of(origin.path), secrets=[SECRET, OTHER], askpass_url=askpass.url)
    daemon.wait_ready()
    assert len(askpass.asked) == 2
    assert not daemon.logs("sync_finished", outcome="failed")
    assert daemon.logs("credentials_renewed")


def test_askpass_that_stays_wrong(
    start_secret: StartSecret, guarded: GitHttpServer, askpass: Askpass, origin: Origin
) -> None:
    """Given a wrong login, when a pass fails, then the server has seen that login once, so no account is locked."""
    askpass.password = OTHER
    daemon = start_secret(guarded.url_of(origin.path), secrets=[OTHER], askpass_url=askpass.url)
    daemon.wait_event("sync_finished", reason="auth")
    assert len([request for request in guarded.requests if request.login]) == 1


def test_askpass_that_is_late_or_silent(
    start_secret: StartSecret,
    guarded: GitHttpServer,
    askpass: Askpass,
    silent_server: SilentServer,
    origin: Origin,
) -> None:
    """Given an askpass server that takes its time, when it answers within the pass, then it is waited for, and one
    that never answers costs the pass, holds up nothing at the end, and is named."""
    askpass.delay = 1.0
    url = guarded.url_of(origin.path)
    daemon = start_secret(url, secrets=[SECRET], askpass_url=askpass.url, sync_timeout="20s")
    daemon.wait_ready()
    assert daemon.terminate() == 0
    late = start_secret(url, secrets=[SECRET], askpass_url=silent_server.url, sync_timeout="5s")
    event = late.wait_event("sync_finished", reason="credential")
    assert "no answer within" in event["message"]
    assert late.terminate() == 0


def test_end_of_the_process_waits_for_no_askpass(
    start_secret: StartSecret, guarded: GitHttpServer, silent_server: SilentServer, origin: Origin
) -> None:
    """Given an askpass server that is silent, when the process is told to end, then it ends in order at once."""
    url = guarded.url_of(origin.path)
    daemon = start_secret(url, secrets=[], askpass_url=silent_server.url, sync_timeout="1h", shutdown_timeout="1h")
    daemon.until(lambda: silent_server.accepted > 0)
    assert daemon.terminate() == 0
    assert not daemon.logs("thread_left")


def test_cookies(start_secret: StartSecret, git_http: GitHttpServer, origin: Origin, tmp_path: Path) -> None:
    """Given a cookie file, when the server wants cookies, then it gets those of the file as it is now."""
    git_http.cookie = f"session={SECRET}"
    file = tmp_path / "cookies"
    line = "127.0.0.1\tFALSE\t/\tFALSE\t2145916800\tsession\t"
    file.write_text(f"# Netscape HTTP Cookie File\n{line}{SECRET}\n")
    daemon = start_secret(git_http.url_of(origin.path), secrets=[SECRET, OTHER], cookie_file=file)
    daemon.wait_ready()
    git_http.cookie = f"session={OTHER}"
    sync_fails(daemon, "auth")
    file.write_text(f"# Netscape HTTP Cookie File\n{line}{OTHER}")
    follows(daemon, origin, "second\n")
    assert file.read_text().endswith(OTHER), "the file is not written to"
    file.write_text("")
    assert sync_fails(daemon, "credential") == f"--cookie-file={file}: it is empty"


def test_authority_of_our_own(
    start_secret: StartSecret, tls_server: GitHttpServer, authority: trustme.CA, origin: Origin, tmp_path: Path
) -> None:
    """Given an authority of our own, when its certificate is in --ca-file, then git and askpass trust it, and when
    the file is replaced, the next pass has the new one."""
    tls_server.credentials = f"ann:{SECRET}"
    url = tls_server.url_of(origin.path)
    with Askpass("ann", SECRET, tls=server_context(authority)) as askpass:
        untrusting = start_secret(url, secrets=[SECRET])
        untrusting.wait_event("sync_finished", reason="tls")
        untrusting.terminate()
        file = tmp_path / "authorities"
        file.write_bytes(trustme.CA().cert_pem.bytes())
        daemon = start_secret(url, secrets=[SECRET], ca_file=file, askpass_url=askpass.url)
        daemon.wait_event("sync_finished", reason="credential")
        file.write_bytes(file.read_bytes() + authority.cert_pem.bytes())
        daemon.sync_to(origin.head)
        file.write_text("nothing of the kind\n")
        assert sync_fails(daemon, "credential") == f"--ca-file={file}: it holds no certificate in PEM form"


def test_ca_file_adds_to_the_systems(
    start_secret: StartSecret, tls_server: GitHttpServer, authority: trustme.CA, origin: Origin, tmp_path: Path
) -> None:
    """Given git's own variable for authorities and --ca-file, when a pass runs, then both are trusted."""
    system = tmp_path / "system.pem"
    system.write_bytes(authority.cert_pem.bytes())
    another = tmp_path / "another.pem"
    another.write_bytes(trustme.CA().cert_pem.bytes())
    environment = {"GIT_SSL_CAINFO": str(system)}
    start_secret(tls_server.url_of(origin.path), secrets=[], environment=environment, ca_file=another).wait_ready()


def test_redirect_takes_no_login_along(start_secret: StartSecret, guarded: GitHttpServer, origin: Origin) -> None:
    """Given a server that redirects to another, when git follows, then the other one never sees the login."""
    with GitHttpServer(origin.path.parent, username="ann", password=SECRET) as other:
        guarded.redirect_to = other.url
        environment = {"GITSYNC_PASSWORD": SECRET}
        daemon = start_secret(guarded.url_of(origin.path), secrets=[SECRET], environment=environment, username="ann")
        daemon.wait_event("sync_finished", reason="auth")
        assert other.requests
        assert not [request for request in other.requests if request.login]


def test_too_many_requests_is_no_matter_of_logins(
    start_secret: StartSecret, guarded: GitHttpServer, askpass: Askpass, origin: Origin
) -> None:
    """Given a server that wants to be left alone for a while, when a pass fails, then nothing is asked twice."""
    guarded.fail_with, guarded.retry_after = 429, "1"
    daemon = start_secret(guarded.url_of(origin.path), secrets=[SECRET], askpass_url=askpass.url)
    daemon.wait_event("sync_finished", reason="rate_limited")
    assert len(askpass.asked) == 1
    guarded.fail_with = None
    daemon.sync_to(origin.head)


def test_proxy_of_the_environment_is_used_by_git(
    start_secret: StartSecret, guarded: GitHttpServer, origin: Origin
) -> None:
    """Given a proxy in the environment, when a pass runs, then git asks it, and its password is not shown."""
    environment = {"http_proxy": guarded.url}
    # The server takes the proxy's requests as its own, which is proof enough that they reach it.
    guarded.credentials = ""
    guarded.redirect_to = ""
    daemon = start_secret("http://host.invalid/site.git", secrets=[], environment=environment)
    daemon.wait_ready()
    assert guarded.requests


def test_git_itself_takes_the_longest_url(guarded: GitHttpServer, tmp_path: Path) -> None:
    """The order of helpers in the configuration is what git goes by, also with a path below."""
    config = tmp_path / "config"
    config.write_text(
        '[credential]\n\thelper = ""\n'
        '[credential "https://host.test/a/b"]\n\thelper = "!f() { echo username=long; echo password=x; }; f"\n'
        '[credential "https://host.test"]\n\thelper = "!f() { echo username=short; echo password=x; }; f"\n'
    )
    environment = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}
    for path, user in (("a/b", "long"), ("a/b/c.git", "long"), ("a/bc", "short"), ("x", "short")):
        asked = f"protocol=https\nhost=host.test\npath={path}\n\n".encode()
        result = subprocess.run(
            ["git", "credential", "fill"], input=asked, capture_output=True, check=True, env=environment
        )
        assert f"username={user}\n".encode() in result.stdout, path
