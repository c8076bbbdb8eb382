"""Repositories on as many servers, each with another login, another kind of ref and another form of publication.

Their commits are numbered, and every file holds the number of its commit many times over, so that a consumer sees
whether what it reads is whole.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

import trustme

from tests.support.git_daemon import GitDaemon
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Gitlink, Origin
from tests.support.reader import EACH, numbered_files
from tests.support.sshd import SshServer, make_key
from tests.support.stall import SilentServer
from tests.support.tree import assert_exchanged, tree_differences
from tests.support.web import FakeGithub, server_context

FILES: Final = 5
LINES: Final = 800
SILENT: Final = "silent"
_APP: Final = 4711


def content_of(number: int, below: str = "") -> dict[str, Content]:
    """Return the files of commit `number`, below a directory."""
    return {f"{below}{path}": content * LINES for path, content in numbered_files(number, FILES).items()}


@dataclass(kw_only=True)
class Followed:
    """A repository: its entry in the file of --config, and how what is followed gets to another commit."""

    name: str
    origin: Origin
    entry: Mapping[str, object]
    commit: Callable[[int], str]
    shown: str = ""

    def push(self, number: int) -> None:
        """Have another commit followed; what is pinned has to stay."""
        made = self.commit(number)
        self.shown = self.shown if self.entry.get("ref") == self.shown else made

    @property
    def form(self) -> object:
        """In which form it is published."""
        return self.entry.get("publish", "symlink")

    def place(self, root: Path) -> str:
        """Return where a consumer finds it, as `Readers` wants to know."""
        return f"{EACH if self.form == 'inplace' else ''}{root / self.name}"

    def check(self, root: Path) -> None:
        """Fail unless what is published is the commit that is followed, and nothing else."""
        place = root / self.name
        if self.form == "inplace":
            differences = tree_differences(self.origin.path, place, self.shown)
            assert [told for told in differences if ".gitsync-complete" not in told] == []
        elif self.form == "exchange":
            assert assert_exchanged(self.origin.path, place) == self.shown
        else:
            assert self.shown in str(place.readlink())
            below = f":{self.entry['subpath']}" if "subpath" in self.entry else ""
            differences = tree_differences(self.origin.path, place, f"{self.shown}{below}")
            assert [told for told in differences if "part-0/" not in told or self.name != "shop"] == []


def entries(followed: list[Followed], *more: str) -> str:
    """Return the entries of these, and lines of others."""
    return "".join(f"- {json.dumps({**one.entry, 'period': '1s'})}\n" for one in followed) + "".join(
        f"- {line}\n" for line in more
    )


@dataclass
class Login:
    """A password in a file, as a Secret has it."""

    user: str
    password: str
    file: Path = field(init=False)

    def written(self, directory: Path) -> Self:
        """Write the file."""
        self.file = directory / f"password-of-{self.user}"
        self.file.write_text(f"{self.password}\n")
        return self


class Many(ExitStack):
    """The servers, which run while the `with` block does, and what is followed on each."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        directory.mkdir()
        self._authority = trustme.CA()
        self.ca_file = directory / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))
        self.https: dict[str, GitHttpServer] = {}
        self.ssh: dict[str, SshServer] = {}
        self.keys: dict[str, str] = {}
        self.secrets: list[str] = []
        self.silent = self.enter_context(SilentServer())
        self.github = FakeGithub(issuer="Iv23abc", installation=_APP)
        # In the order in which they are written.
        self.followed = {one.name: one for one in self._made()}

    @property
    def dead(self) -> str:
        """The entry of one whose server never answers."""
        return json.dumps({"repo": f"{self.silent.url}/{SILENT}.git", "link": SILENT, "sync-timeout": "10m"})

    def extra(self) -> Followed:
        """Return one more, beside those that are followed from the start."""
        return self._branch("extra", self._origin("extra"), {})

    def later_handbook(self) -> Followed:
        """Return the handbook with another entry: another branch is followed, which begins where the first one is."""
        handbook = self.followed["handbook"]
        handbook.origin.branch("later", at=handbook.shown)

        def commit(number: int) -> str:
            return handbook.origin.commit(content_of(number), branch="later")

        return replace(handbook, entry={**handbook.entry, "ref": "later"}, commit=commit)

    # --- one for each kind ---

    def _made(self) -> Iterator[Followed]:
        yield self._branch("site", self._origin("site"), {})
        yield self._pattern("guide")
        yield self._handbook()
        yield self._shop()
        yield self._over_ssh("rules", publish="inplace")
        yield self._over_ssh("tools", publish="exchange")
        yield self._app()
        yield self._pinned()
        yield self._pull_request()

    def _origin(self, name: str) -> Origin:
        (self._directory / name).mkdir()
        return Origin(self._directory / name / f"{name}.git")

    def _http(self, name: str, *, login: Login | None = None, tls: bool = True) -> GitHttpServer:
        """Start a server of its own for a repository."""
        server = GitHttpServer(self._directory / name, tls=server_context(self._authority) if tls else None)
        if login:
            server.credentials = f"{login.user}:{login.password}"
            self.secrets.append(login.password)
        self.https[name] = self.enter_context(server)
        return server

    def _branch(self, name: str, origin: Origin, entry: Mapping[str, object]) -> Followed:
        """Follow the default branch, over no network unless `repo` says so."""

        def commit(number: int) -> str:
            return origin.commit(content_of(number))

        made = commit(0)
        whole = {"repo": origin.url, "link": name, **entry}
        return Followed(name=name, origin=origin, entry=whole, commit=commit, shown=made)

    def _pattern(self, name: str) -> Followed:
        """Follow the newest tag of a pattern, of anybody's server."""
        origin = self._origin(name)

        def commit(number: int) -> str:
            return origin.tag(f"v1.{number + 8}", at=origin.commit(content_of(number)))

        made = commit(0)
        entry = {"repo": self._http(name, tls=False).url_of(origin.path), "link": name, "ref-pattern": "v*"}
        return Followed(name=name, origin=origin, entry=entry, commit=commit, shown=made)

    def _handbook(self) -> Followed:
        """Follow a branch, with a password of a file, and publish a directory."""
        login = Login("ada", "Handbook-pass-0815").written(self._directory)
        origin = self._origin("handbook")
        origin.commit({"README": "nothing to see\n"})

        def commit(number: int) -> str:
            return origin.commit(content_of(number), branch="next")

        made = commit(0)
        entry = {
            "repo": self._http("handbook", login=login, tls=False).url_of(origin.path),
            "link": "handbook",
            "ref": "next",
            "publish": "exchange",
            "username": login.user,
            "password-file": str(login.file),
        }
        return Followed(name="handbook", origin=origin, entry=entry, commit=commit, shown=made)

    def _shop(self) -> Followed:
        """Follow a tag that moves, with a token for its server, and another one for that of its submodule."""
        tokens = [Login(user, f"tok-{user}-4711").written(self._directory) for user in ("shop", "parts")]
        origin, parts = self._origin("shop"), self._origin("parts")
        servers = [self._http(login.user, login=login) for login in tokens]
        url = servers[1].url_of(parts.path)
        origin.commit({".gitmodules": f'[submodule "part-0"]\n\tpath = part-0\n\turl = {url}\n'})

        def commit(number: int) -> str:
            files = content_of(number)
            inner = {path.removeprefix("part-0/"): files.pop(path) for path in [*files] if path.startswith("part-0/")}
            files["part-0"] = Gitlink(parts.commit(inner))
            return origin.tag("stable", at=origin.commit(files))

        made = commit(0)
        credential = [
            {"url": server.url, "username": login.user, "password-file": str(login.file)}
            for server, login in zip(servers, tokens, strict=True)
        ]
        entry = {
            "repo": servers[0].url_of(origin.path),
            "link": "shop",
            "ref": "stable",
            "credential": credential,
            "ca-file": str(self.ca_file),
        }
        return Followed(name="shop", origin=origin, entry=entry, commit=commit, shown=made)

    def _over_ssh(self, name: str, **entry: object) -> Followed:
        """Follow the default branch over ssh, with a key of its own."""
        server = self.ssh[name] = self.enter_context(SshServer(self._directory / f"sshd-{name}"))
        key, known = self._directory / f"key-{name}", self._directory / f"hosts-{name}"
        self.keys[name] = make_key(key)
        server.authorize(self.keys[name])
        known.write_text(server.known_hosts)
        self.secrets.append(key.read_text().splitlines()[3])
        origin = self._origin(name)
        entry |= {"repo": server.url_of(origin.path), "ssh-key-file": [str(key)], "ssh-known-hosts-file": str(known)}
        return self._branch(name, origin, entry)

    def _app(self) -> Followed:
        """Follow the newest version of a range, as a GitHub App."""
        origin, server = self._origin("app"), self._http("app")
        origin.tag("2.0.0", at=origin.commit({"part-0/file-0.txt": "too new\n"}))

        def commit(number: int) -> str:
            return origin.tag(f"1.{number}.0", at=origin.commit(content_of(number)))

        made = commit(0)
        server.credentials = "nobody:yet"
        self.github.minted = lambda token: setattr(server, "credentials", f"x-access-token:{token}")
        self.enter_context(self.github)
        key = self._directory / "app.pem"
        key.write_text(self.github.private_key())
        self.secrets += [key.read_text().splitlines()[5], "TheSecretOfTheInstallation"]
        entry = {
            "repo": server.url_of(origin.path),
            "link": "app",
            "ref-semver": ">=1 <2",
            "ca-file": str(self.ca_file),
            "github-app-client-id": "Iv23abc",
            "github-app-installation-id": str(_APP),
            "github-app-private-key-file": str(key),
            "github-base-url": self.github.url,
        }
        return Followed(name="app", origin=origin, entry=entry, commit=commit, shown=made)

    def _pinned(self) -> Followed:
        """Follow a commit, over git's own protocol."""
        origin = self._origin("pinned")
        server = self.enter_context(GitDaemon(self._directory / "pinned"))
        found = self._branch("pinned", origin, {"repo": server.url_of(origin.path)})
        return replace(found, entry={**found.entry, "ref": found.shown})

    def _pull_request(self) -> Followed:
        """Follow a full ref, and publish one directory of it."""
        origin, server = self._origin("preview"), self._http("preview")

        def commit(number: int) -> str:
            made = origin.commit({**content_of(number, "docs/"), "other": f"{number}\n"})
            return origin.set_ref("refs/pull/7/head", made)

        made = commit(0)
        entry = {"repo": server.url_of(origin.path), "link": "preview", "ref": "refs/pull/7/head", "subpath": "docs"}
        entry["ca-file"] = str(self.ca_file)
        return Followed(name="preview", origin=origin, entry=entry, commit=commit, shown=made)

    # --- afterwards ---

    def check_logins(self) -> None:
        """Fail if a server has seen a login that is not its own, or has not seen its own."""
        for name, server in self.https.items():
            seen = {request.login for request in server.requests} - {""}
            assert seen == ({server.wanted_credentials()} - {""}), name
        assert {asked.path for asked in self.github.asked} == {f"/app/installations/{_APP}/access_tokens"}
        for name, ssh in self.ssh.items():
            assert set(re.findall(r"SHA256:[\w+/]+", ssh.log)) == {_fingerprint(self.keys[name])}, name
        assert b"authorization" not in self.silent.heard.lower()


def _fingerprint(public_key: str) -> str:
    """Return what an ssh server calls a key in its log."""
    digest = hashlib.sha256(base64.b64decode(public_key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
