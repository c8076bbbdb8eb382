"""The page from symptom to cure: what it quotes is what is told when that happens, with the real programs."""

import errno
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from gitsync.base.errors import HINTS, RefNotFound
from gitsync.programs.gitcmd import Output
from gitsync.telling.events import Failure
from gitsync.volume import linkplace
from gitsync.volume.mounts import MountedTrees, Mounts
from tests.conftest import StartDaemon
from tests.integration.conftest import MakeWorkbench, soon
from tests.integration.test_sick_volume import sick
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin
from tests.support.sshd import SshServer, make_key
from tests.support.web import server_context
from tests.unit.volume.test_mounts import ROOT, processes

PAGE = Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md"
SOMEBODY = 1_000_650_000
OTHER_KEY = "another.test ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFJKS2yOgoAgLkdxZqsMKSZFFCFm0KCQMLnrLNIHgYqA\n"


def section(title: str) -> str:
    """Return a section of the page."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^###? |\Z)", PAGE.read_text(), re.M | re.S)
    assert found, title
    return found[1]


def quoted(title: str) -> tuple[str, list[str]]:
    """Return the message that a section quotes, as a pattern, and the hints below it."""
    block = re.search(r"^```\n(.*?)^```", section(title), re.M | re.S)
    assert block, title
    message, *hints = block[1].splitlines()
    return re.escape(message).replace("…", ".*"), [hint.removeprefix("-> ") for hint in hints]


def check(title: str, failure: Failure | None) -> None:
    """Fail unless the section quotes this failure, with its hint."""
    message, hints = quoted(title)
    assert failure
    assert re.fullmatch(message, f"{failure.reason}: {failure.message}"), failure.message
    assert failure.hint in hints


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[SshServer]:
    """An ssh server for git that lets in one key, which lies in `key` below tmp_path."""
    with SshServer(tmp_path / "sshd") as server:
        server.authorize(make_key(tmp_path / "key"))
        (tmp_path / "hosts").write_text(server.known_hosts)
        yield server


def test_ssh_key(make_workbench: MakeWorkbench, sshd: SshServer, origin: Origin, tmp_path: Path) -> None:
    """A key that the server does not know; with one that it knows the pass works, whatever its mode is."""
    options = {"ssh_known_hosts_file": tmp_path / "hosts"}
    make_key(tmp_path / "other")
    bench = make_workbench(sshd.url_of(origin.path), ssh_key_file=tmp_path / "other", **options)
    check("The server refuses the ssh key", bench.run().failure)
    bench.close()
    (tmp_path / "key").chmod(0o444)
    assert make_workbench(sshd.url_of(origin.path), ssh_key_file=tmp_path / "key", **options).run().failure is None


def test_unreadable_key(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that this user may not read."""
    make_key(tmp_path / "key")
    bench = make_workbench(f"ssh://git@127.0.0.1:1{origin.path}", ssh_key_file=tmp_path / "key")
    with sick(tmp_path / "key", errno.EACCES):
        check("The ssh key, or another file, cannot be read", bench.run().failure)


def test_host_key(make_workbench: MakeWorkbench, sshd: SshServer, origin: Origin, tmp_path: Path) -> None:
    """A server that is not among the known ones."""
    (tmp_path / "hosts").write_text(OTHER_KEY)
    options = {"ssh_known_hosts_file": tmp_path / "hosts", "ssh_key_file": tmp_path / "key"}
    bench = make_workbench(sshd.url_of(origin.path), **options)
    check("The host key is not known", bench.run().failure)
    (tmp_path / "hosts").write_text(sshd.known_hosts)
    assert bench.run().failure is None
    sshd.new_host_key()
    bench.git.masters.drop(why="the server was set up again")
    origin.commit({"a": "2"})
    failure = bench.run().failure
    assert failure
    assert failure.hint in quoted("The host key is not known")[1]
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in failure.message
    assert "`REMOTE HOST IDENTIFICATION HAS CHANGED`" in section("The host key is not known")


def test_volume(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A volume that does not let us write."""
    bench = make_workbench(origin.url)
    with sick(bench.repo.root, errno.EACCES):
        check("The volume cannot be written to", bench.run().failure)


@pytest.mark.parametrize("home", [None, "/nowhere", "/proc"])
def test_home(start_daemon: StartDaemon, origin: Origin, root: Path, home: str | None) -> None:
    """Without a home, or with one that cannot be written to, all works."""
    assert "There is no message" in section("HOME is not set, or is read-only")
    start_daemon(origin.url, root, environment={"HOME": home or ""}).wait_ready()


def test_dubious_ownership(make_workbench: MakeWorkbench, origin: Origin, root: Path) -> None:
    """A repository and a volume of somebody else's are no matter to us, and to others' git with what the page says."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    for path in (origin.path, *origin.path.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)
    bench = make_workbench(origin.url)
    os.chown(root, SOMEBODY, SOMEBODY)
    assert bench.run().failure is None
    tree = bench.repo.link.resolve()
    for path in (tree, tree / ".git"):
        os.chown(path, SOMEBODY, SOMEBODY)
    told = section("Dubious ownership")
    variables = dict(re.findall(r"\{name: (\w+), value: \"?([^\"}]+)\"?\}", told))
    plain = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    command = ["git", "-C", str(bench.repo.link), "rev-parse", "HEAD"]
    refused = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    message, _ = quoted("Dubious ownership")
    assert re.match(message, refused.stderr), refused.stderr
    allowed = subprocess.run(command, env=plain | variables, capture_output=True, text=True, check=True)
    assert allowed.stdout.strip() == origin.head


def test_certificate(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path) -> None:
    """A certificate of an authority that nobody trusts, until its file is named."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with GitHttpServer(origin.path.parent, tls=server_context(authority)) as server:
        bench = make_workbench(server.url_of(origin.path))
        check("The certificate is not trusted", bench.run().failure)
        bench.close()
        assert make_workbench(server.url_of(origin.path), ca_file=tmp_path / "ca.pem").run().failure is None


def test_proxy(make_workbench: MakeWorkbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is not there; its login is not shown."""
    monkeypatch.setenv("http_proxy", "http://ada:pr0xy-secret@127.0.0.1:1")
    failure = make_workbench("http://git.test/site.git").run().failure
    message, hints = quoted("Behind a proxy")
    assert failure
    assert "pr0xy-secret" not in f"{failure.message}{failure.hint}"
    assert re.fullmatch(message + ".*", f"{failure.reason}: {failure.message}"), failure.message
    assert re.fullmatch(re.escape(hints[0]).replace("…", ".*"), failure.hint or "")


def test_proxy_that_wants_a_login(
    make_workbench: MakeWorkbench, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that lets nobody in without a login."""
    with GitHttpServer(origin.path.parent) as proxy:
        proxy.fail_with = 407
        monkeypatch.setenv("http_proxy", proxy.url)
        failure = make_workbench("http://git.test/site.git").run().failure
    assert failure
    assert (failure.reason, "407" in failure.message) == ("auth", True)
    assert "http://USER:PASSWORD@HOST:PORT" in (failure.hint or "")
    assert "`http://USER:PASSWORD@HOST:PORT`" in section("Behind a proxy")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("github.com", "GitHub takes no password"),
        ("gitlab.com", "GitLab: --username=oauth2"),
        ("gitlab.example.org", "GitLab: --username=oauth2"),
        ("bitbucket.org", "Bitbucket: --username=x-token-auth"),
        ("dev.azure.com", "Azure DevOps: "),
        ("acme.visualstudio.com", "Azure DevOps: "),
        ("git-codecommit.eu-west-1.amazonaws.com", "CodeCommit: "),
        ("git.example.org", "give a login that may read this repository"),
        ("github.com.example.org", "give a login that may read this repository"),
    ],
)
def test_token(make_workbench: MakeWorkbench, origin: Origin, host: str, name: str) -> None:
    """A login that a git host refuses: what its tokens' users are called is said."""
    with GitHttpServer(origin.path.parent, username="right", password="right") as server:
        led = f'"url.{server.url}/.insteadOf":"https://{host}/team/"'
        failure = make_workbench(f"https://{host}/team/site.git", git_config=led).run().failure
    check("The token is refused", failure)
    assert failure
    assert (failure.hint or "").startswith(name)


def test_ref(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """A ref with a slip in it."""
    origin.branch("release")
    check("There is no such ref", make_workbench(origin.url, ref="relaese").run().failure)


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("origin/main", "did you mean main?"),
        ("Main", "did you mean main?"),
        ("v1.0.O", "did you mean v1.0.0?"),
        ("zzz", "there are such as main, v1.0.0"),
        ("8a5c1b0b", "of a commit the whole hash is needed, all 40 characters"),
    ],
)
def test_other_slips(make_workbench: MakeWorkbench, origin: Origin, ref: str, told: str) -> None:
    """What else people write; where nothing is like it, some that are there are named."""
    origin.annotated_tag("v1.0.0")
    failure = make_workbench(origin.url, ref=ref).run().failure
    assert failure
    assert failure.reason == "ref_missing"
    assert told in (failure.hint or "")


def test_all_refs_are_asked_for_only_then(
    make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin
) -> None:
    """A ref that is there costs one question and no list; one that is not, another of all kinds and the list."""
    make_workbench(git_http.url_of(origin.path), ref="main").remote.probe(deadline=soon())
    # The first request is about the version of the protocol.
    assert len(git_http.requests) == 2
    with pytest.raises(RefNotFound):
        make_workbench(git_http.url_of(origin.path), ref="mian").remote.probe(deadline=soon())
    assert len(git_http.requests) == 2 + 3 * 2


def test_list_that_cannot_be_had(make_workbench: MakeWorkbench, git_http: GitHttpServer, origin: Origin) -> None:
    """What the remote has said first is told, if it fails after that."""
    bench = make_workbench(git_http.url_of(origin.path), ref="mian")
    run = bench.git.run

    def fail_for_lists(arguments: Sequence[str], **options: Any) -> Output:
        if "--refs" in arguments:
            git_http.fail_with = 503
        return run(arguments, **options)

    bench.git.run = fail_for_lists  # type: ignore[method-assign]
    failure = bench.run().failure
    assert failure
    assert (failure.reason, failure.hint) == ("ref_missing", HINTS["ref_missing"])


def test_sub_path(
    make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A container that has mounted what the link led to when it started."""
    bench = make_workbench(origin.url)
    bench.run()
    mount = ROOT + f"40 21 8:1 {bench.repo.link.resolve()} /mnt rw - ext4 /dev/sda1 rw\n"
    bench.trees.catalogue.mounted = MountedTrees("site", lambda: Mounts(processes(tmp_path, self=mount)))
    origin.commit({"a.txt": "2\n"})
    bench.run()
    title = "The link leads nowhere in the app, or the app never sees an update"
    message, hints = quoted(title)
    log = capsys.readouterr().out
    assert message in log
    assert hints[0] in log


def test_something_in_the_place_of_the_link(make_workbench: MakeWorkbench, origin: Origin, root: Path) -> None:
    """In each form, and for a mount point, whose hint is another one."""
    (root / "site.git").mkdir(parents=True)
    for form in ("symlink", "exchange"):
        bench = make_workbench(origin.url, publish=form)
        check("Something stands in the place of the link", bench.run().failure)
        bench.close()
    assert linkplace._MOUNTED in quoted("Something stands in the place of the link")[1]
