"""The servers, in a process of their own, so that their work is not on the measurement's clock."""

import multiprocessing
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

import trustme

from tests.support.git_http import GitHttpServer
from tests.support.sshd import SshServer, find_sshd, make_key
from tests.support.web import server_context

# Where Debian, Fedora and the BSDs have the authorities of the system.
_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


@dataclass(frozen=True)
class Seen:
    """What a server has seen so far; of a request the bytes of its answer, without HTTP's own."""

    connections: int
    requests: int
    handshakes: int
    sent: int

    def since(self, earlier: Self) -> "Seen":
        """Return what came after an earlier look."""
        return Seen(*(now - then for now, then in zip(astuple(self), astuple(earlier), strict=True)))


class Server:
    """Serves every bare repository below a directory, over http, https, and ssh where there is an sshd.

    What clients need lies in another one: the authority of our certificate, alone and as a `bundle` with those of the
    system, a key, and the known hosts.
    """

    def __init__(self, directory: Path, *, private: Path) -> None:
        self.authority, self.bundle = private / "authority.pem", private / "bundle.pem"
        self.key, self.known_hosts = private / "key", private / "known_hosts"
        private.mkdir(parents=True)
        # Not forked: the threads of the measurement must not be copied half way through something.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(directory, private, theirs), daemon=True)
        self._process.start()
        # By transport; no ssh where there is no sshd.
        self.urls: dict[str, str] = self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join()

    def seen(self, transport: str) -> Seen:
        """Return what the server of a transport has seen; nothing for files."""
        self._pipe.send(transport)
        found: Seen = self._pipe.recv()
        return found


def _serve(directory: Path, private: Path, pipe: Connection) -> None:
    authority = trustme.CA()
    system = next((path for path in map(Path, _SYSTEM) if path.is_file()), None)
    ours = authority.cert_pem.bytes()
    (private / "authority.pem").write_bytes(ours)
    (private / "bundle.pem").write_bytes((system.read_bytes() if system else b"") + b"\n" + ours)
    with ExitStack() as stack:
        web = {
            "http": stack.enter_context(GitHttpServer(directory)),
            "https": stack.enter_context(GitHttpServer(directory, tls=server_context(authority))),
        }
        urls = {transport: server.url for transport, server in web.items()}
        ssh = stack.enter_context(SshServer(private / "sshd")) if find_sshd() else None
        if ssh:
            ssh.authorize(make_key(private / "key"))
            (private / "known_hosts").write_text(ssh.known_hosts)
            urls["ssh"] = ssh.url_of(directory)
        pipe.send(urls)
        while True:
            try:
                transport = pipe.recv()
            except EOFError:
                return
            pipe.send(_seen_by_ssh(ssh) if transport == "ssh" and ssh else _seen_by(web.get(transport)))


def _seen_by(server: GitHttpServer | None) -> Seen:
    if server is None:
        return Seen(0, 0, 0, 0)
    requests = list(server.requests)
    return Seen(server.connections, len(requests), server.handshakes, sum(request.sent for request in requests))


def _seen_by_ssh(server: SshServer) -> Seen:
    return Seen(server.accepted, len(server.protocols), server.accepted, 0)
