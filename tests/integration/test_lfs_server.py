"""What is asked of which server for contents, with which login, and what happens when they do not come."""

import base64
import json
import shlex
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from gitsync.telling.events import Failure
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.git_http import GitHttpServer
from tests.support.lfs import LfsContents, keep, needs_lfs, oid_of, pointer_to
from tests.support.origin import Origin
from tests.support.sshd import SshServer, make_key
from tests.support.web import Asked, Reply, WebServer

pytestmark = needs_lfs
SECRET = "aVerySecretWord-4711"
BEFORE, AFTER = {"a.bin": b"before"}, {"a.bin": b"after"}


@pytest.fixture
def lfs(git_http: GitHttpServer) -> LfsContents:
    """The contents of the server."""
    git_http.lfs = LfsContents()
    return git_http.lfs


@pytest.fixture
def bench(make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, lfs: LfsContents) -> Workbench:
    """A repository that is published with its contents."""
    lfs.commit(origin, BEFORE)
    made = make_workbench(git_http.url_of(origin.path), lfs="true")
    assert made.run().failure is None
    return made


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    """A file with the password."""
    file = tmp_path / "password"
    file.write_text(SECRET)
    return file


def assert_fails(bench: Workbench, reason: str, *words: str, shown: dict[str, bytes] = BEFORE) -> Failure:
    """A pass fails for this reason, and what was published stays."""
    failure = bench.run().failure
    assert failure
    assert failure.reason == reason, failure
    assert all(word in failure.message for word in words), failure.message
    assert failure.hint
    for path, content in shown.items():
        assert (bench.repo.link / path).read_bytes() == content
    return failure


def test_content_is_missing(bench: Workbench, origin: Origin, lfs: LfsContents) -> None:
    """It is said which; once the server has it, it is published."""
    lfs.commit(origin, AFTER)
    kept = lfs.contents.pop(oid_of(b"after"))
    for _ in range(2):
        assert_fails(bench, "lfs", oid_of(b"after"), "it is not here")
    lfs.contents[oid_of(b"after")] = kept
    assert bench.run().failure is None
    assert (bench.repo.link / "a.bin").read_bytes() == b"after"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [(b"other", "lfs"), (b"aft", "lfs"), (b"x" * 1_000_000, "too_large")],
    ids=["other", "cut", "long"],
)
def test_content_is_another(bench: Workbench, origin: Origin, lfs: LfsContents, sent: bytes, reason: str) -> None:
    """What is not of its hash is not published, and what is longer than it should be does not come to its end."""
    lfs.commit(origin, AFTER)
    lfs.contents[oid_of(b"after")] = sent
    assert_fails(bench, reason)
    sizes = [path.stat().st_size for path in (bench.repo.root / ".gitsync").rglob("lfs/**/*") if path.is_file()]
    assert max(sizes) <= 65536


def test_server_without_lfs(bench: Workbench, origin: Origin, lfs: LfsContents, git_http: GitHttpServer) -> None:
    """A git server that knows nothing of it is told of as such."""
    lfs.commit(origin, AFTER)
    git_http.lfs = None
    assert_fails(bench, "lfs", "not found")


@pytest.mark.parametrize(("status", "reason"), [(500, "remote_error"), (429, "rate_limited")])
def test_server_fails(
    bench: Workbench, origin: Origin, lfs: LfsContents, monkeypatch: pytest.MonkeyPatch, status: int, reason: str
) -> None:
    """Its trouble has the reason that it has elsewhere."""
    lfs.commit(origin, AFTER)
    monkeypatch.setattr(lfs, "answer", lambda *_: Reply(status, b"{}"))
    assert_fails(bench, reason)


def test_login(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, lfs: LfsContents, password_file: Path
) -> None:
    """The login of the repository is that of its contents."""
    git_http.credentials = f"ada:{SECRET}"
    lfs.commit(origin, BEFORE)
    bench = make_workbench(git_http.url_of(origin.path), lfs="true", username="ada", password_file=password_file)
    assert bench.run().failure is None
    assert (bench.repo.link / "a.bin").read_bytes() == b"before"


def test_refused_login(
    bench: Workbench, origin: Origin, lfs: LfsContents, git_http: GitHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that lets git in and refuses its contents is asked twice, without a login and with one."""
    lfs.commit(origin, AFTER)
    asked = []

    def refuse(*_: object) -> Reply:
        asked.append(1)
        return Reply(401, b"{}", {"WWW-Authenticate": 'Basic realm="tests"'})

    monkeypatch.setattr(lfs, "answer", refuse)
    assert_fails(bench, "auth")
    assert len(asked) <= 2


def test_wrong_password(
    make_workbench: MakeWorkbench,
    git_http: GitHttpServer,
    origin: Origin,
    lfs: LfsContents,
    password_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """git-lfs would send the same login for ever; it is sent once, and once more after it was read again."""
    lfs.commit(origin, BEFORE)
    asked = []

    def refuse(*_: object) -> Reply:
        asked.append(1)
        return Reply(401, b"{}", {"WWW-Authenticate": 'Basic realm="tests"'})

    monkeypatch.setattr(lfs, "answer", refuse)
    bench = make_workbench(git_http.url_of(origin.path), lfs="true", username="ada", password_file=password_file)
    assert_fails(bench, "auth", shown={})
    assert len(asked) == 2
    logins = {request.login for request in git_http.lfs_requests}
    assert logins == {"", "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()}


def test_bearer_token(make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, lfs: LfsContents) -> None:
    """A header that --git-config gives for the server is sent for contents, too, and to no other server."""
    git_http.wanted_credentials = lambda: f"Bearer {SECRET}"  # type: ignore[method-assign]
    lfs.commit(origin, BEFORE)
    with WebServer(lambda asked: Reply(200, b"before")) as storage:
        lfs.elsewhere = storage.url
        setting = f'"http.{git_http.url}/.extraHeader":"Authorization: Bearer {SECRET}"'
        bench = make_workbench(git_http.url_of(origin.path), lfs="true", git_config=setting)
        assert bench.run().failure is None
        assert (bench.repo.link / "a.bin").read_bytes() == b"before"
        assert [asked.path.rpartition("/")[2] for asked in storage.asked] == [oid_of(b"before")]
        assert all(SECRET not in str(asked.headers) for asked in storage.asked)


def test_contents_elsewhere(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, lfs: LfsContents, password_file: Path
) -> None:
    """A server may keep contents at another one, which gets what that has been told to get, and not our login."""
    git_http.credentials = f"ada:{SECRET}"
    lfs.commit(origin, BEFORE)

    def reply(asked: Asked) -> Reply:
        return Reply(200, b"before") if asked.headers.get("X-Signed") == "for-this" else Reply(401)

    with WebServer(reply) as storage:
        lfs.elsewhere, lfs.header = storage.url, {"X-Signed": "for-this"}
        bench = make_workbench(git_http.url_of(origin.path), lfs="true", username="ada", password_file=password_file)
        assert bench.run().failure is None
        assert (bench.repo.link / "a.bin").read_bytes() == b"before"
        assert storage.asked
        assert all("Authorization" not in asked.headers for asked in storage.asked)


def test_server_of_the_options(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, lfs: LfsContents, password_file: Path
) -> None:
    """Another server for contents is named by an option, and its login by another."""
    with GitHttpServer(origin.path.parent, username="ada", password=SECRET) as other:
        other.lfs = lfs
        lfs.commit(origin, BEFORE)
        git_http.lfs = None
        login = {"url": f"{other.url}/contents", "username": "ada", "password-file": str(password_file)}
        bench = make_workbench(
            git_http.url_of(origin.path),
            lfs="true",
            git_config=f'lfs.url:"{other.url}/contents/info/lfs"',
            credential=json.dumps([login]),
        )
        assert bench.run().failure is None
        assert (bench.repo.link / "a.bin").read_bytes() == b"before"
        assert all(request.login == "" for request in git_http.requests)


def test_cookies(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, lfs: LfsContents, tmp_path: Path
) -> None:
    """Cookies of --cookie-file are sent for contents, too."""
    git_http.cookie = f"session={SECRET}"
    lfs.commit(origin, BEFORE)
    cookies = tmp_path / "cookies"
    cookies.write_text(f"# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t{SECRET}\n")
    bench = make_workbench(git_http.url_of(origin.path), lfs="true", cookie_file=cookies)
    assert bench.run().failure is None
    assert (bench.repo.link / "a.bin").read_bytes() == b"before"


def test_certificate_authority(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, password_file: Path
) -> None:
    """Contents come over https with the authority of --ca-file, and with no other."""
    authority = trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with GitHttpServer(origin.path.parent, username="ada", password=SECRET, tls=context) as server:
        server.lfs = LfsContents()
        server.lfs.commit(origin, BEFORE)
        bench = make_workbench(
            server.url_of(origin.path), lfs="true", username="ada", password_file=password_file, ca_file=ca_file
        )
        assert bench.run().failure is None
        assert (bench.repo.link / "a.bin").read_bytes() == b"before"


@pytest.fixture
def stranger() -> Iterator[WebServer]:
    """A server that a repository names."""
    with WebServer(lambda asked: Reply(200, b"{}")) as server:
        yield server


def test_what_a_repository_says(
    make_workbench: MakeWorkbench,
    git_http: GitHttpServer,
    origin: Origin,
    lfs: LfsContents,
    stranger: WebServer,
    password_file: Path,
) -> None:
    """It names no other server, no files to leave out, no filter and no program."""
    git_http.credentials = f"ada:{SECRET}"
    mark = password_file.with_name("mark")
    lines = [
        f"[lfs]\n\turl = {stranger.url}\n\tfetchexclude = *\n\tstandalonetransferagent = evil\n",
        f'[lfs "customtransfer.evil"]\n\tpath = touch {mark}\n',
        f'[remote "origin"]\n\tlfsurl = {stranger.url}\n',
        f'[filter "lfs"]\n\tprocess = touch {mark}\n\tsmudge = touch {mark}\n\tclean = touch {mark}\n',
    ]
    lfs.commit(origin, BEFORE, **{".lfsconfig": "".join(lines), "x.txt": "x"})
    bench = make_workbench(git_http.url_of(origin.path), lfs="true", username="ada", password_file=password_file)
    assert bench.run().failure is None
    assert (bench.repo.link / "a.bin").read_bytes() == b"before"
    assert stranger.asked == []
    assert not mark.exists()


def test_what_lies_on_the_volume(bench: Workbench, origin: Origin, lfs: LfsContents, tmp_path: Path) -> None:
    """What others have led elsewhere in the place of contents is not followed, neither to read nor to write."""
    (store,) = (bench.repo.root / ".gitsync").glob("*/lfs")
    outside = tmp_path / "outside"
    outside.mkdir()
    for number, name in enumerate(("objects", "incomplete", "")):
        place = store / name if name else store
        if place.is_dir():
            place.rename(tmp_path / f"away-{number}")
        place.symlink_to(outside)
        lfs.commit(origin, {"a.bin": f"{number}".encode()})
        assert bench.run().failure is None
        assert (bench.repo.link / "a.bin").read_bytes() == f"{number}".encode()
        assert list(outside.iterdir()) == []


def test_ssh(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin, lfs: LfsContents, tmp_path: Path
) -> None:
    """A server of ssh is asked there where its contents are, with our key, and says with which login."""
    git_http.credentials = f"token:{SECRET}"
    lfs.commit(origin, BEFORE)
    with SshServer(tmp_path / "sshd") as sshd:
        key, hosts = tmp_path / "key", tmp_path / "hosts"
        sshd.authorize(make_key(key))
        hosts.write_text(sshd.known_hosts)
        lfs.header = {"Authorization": git_http.wanted_credentials()}
        answer = json.dumps({"href": f"{git_http.url_of(origin.path)}/info/lfs", "header": lfs.header})
        sshd.answer("git-lfs-authenticate", f"printf %s {shlex.quote(answer)}")
        bench = make_workbench(sshd.url_of(origin.path), lfs="true", ssh_key_file=key, ssh_known_hosts_file=hosts)
        assert bench.run().failure is None, bench.run().failure
        assert (bench.repo.link / "a.bin").read_bytes() == b"before"
        bench.git.masters.cancel()


def test_local_repository(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Contents that lie in a repository on this machine are taken from there."""
    lfs = LfsContents()
    lfs.commit(origin, BEFORE)
    keep(origin.path, b"before")
    bench = make_workbench(origin.url, lfs="true")
    assert bench.run().failure is None
    assert (bench.repo.link / "a.bin").read_bytes() == b"before"


def test_nothing_is_left_of_it(bench: Workbench, origin: Origin, lfs: LfsContents) -> None:
    """After a failure nothing of git-lfs is in our private directory, and none of its logs on the volume."""
    origin.commit({"a.bin": pointer_to(b"nowhere")})
    assert_fails(bench, "lfs")
    assert list(bench.git.home.glob("lfs-*")) == []
    (store,) = (bench.repo.root / ".gitsync").glob("*/lfs")
    assert {path.name for path in store.iterdir()} <= {"objects", "incomplete"}
