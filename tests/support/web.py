"""A small HTTP server whose answers a test decides, and servers made of it: askpass, and a part of GitHub's API."""

import json
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import jwt
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.serving import Handler, Server, Serving


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What to answer; an answer in parts has no length, and ends with them, or when nobody listens any more."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    parts: Iterable[bytes] | None = None


class WebServer(Serving):
    """Answers every request with what `reply` returns for it, on a free port of the loopback, or at `place`."""

    def __init__(
        self,
        reply: Callable[[Asked], Reply] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        place: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.reply: Callable[[Asked], Reply] = reply or (lambda asked: Reply())
        self.asked: list[Asked] = []
        self._scheme = "https" if tls else "http"
        server = _Server(place, type("Handler", (_Handler,), {"owner": self}))
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        super().__init__(server)

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"{self._scheme}://127.0.0.1:{self.port}"


class _Server(Server):
    daemon_threads = True
    block_on_close = False


class _Handler(Handler):
    owner: WebServer

    def _answer(self) -> None:
        asked = Asked(self.command, self.path, dict(self.headers), b"".join(self.body()))
        self.owner.asked.append(asked)
        reply = self.owner.reply(asked)
        length = {"Content-Length": str(len(reply.body))} if reply.parts is None else {}
        self.send_response(reply.status)
        for name, value in {**length, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
        for part in reply.parts or ():
            if self.owner.closing.is_set():
                return
            self.wfile.write(part)

    do_GET = do_POST = do_PUT = _answer


class Askpass(WebServer):
    """A server for --askpass-url whose login, status and delay can be changed."""

    def __init__(self, username: str, password: str, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._login, tls=tls)
        self.username = username
        self.password = password
        self.statuses: list[int] = []
        self.delay = 0.0

    def _login(self, asked: Asked) -> Reply:
        if self.delay:
            self.closing.wait(self.delay)
        status = self.statuses.pop(0) if self.statuses else 200
        return Reply(status, f"username={self.username}\npassword={self.password}\n".encode())


class FakeGithub(WebServer):
    """Mints installation tokens for whoever proves to be the App; every part of the proof is checked."""

    def __init__(self, *, issuer: str, installation: int, prefix: str = "", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._mint, tls=tls)
        self._issuer = issuer
        self._path = f"{prefix}/app/installations/{installation}/access_tokens"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.life = 3600.0
        self.tokens: list[str] = []
        self.minted: Callable[[str], None] = lambda token: None
        self.problems: list[str] = []

    def private_key(self) -> str:
        """Return the App's private key as GitHub hands it out."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()

    def replace_key(self) -> None:
        """Make another key the only valid one."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _mint(self, asked: Asked) -> Reply:
        try:
            self._check(asked)
        except (AssertionError, jwt.PyJWTError) as error:
            self.problems.append(f"{type(error).__name__}: {error}")
            return Reply(401, json.dumps({"message": "A JSON web token could not be decoded"}).encode())
        token = f"ghs_{len(self.tokens):03d}TheSecretOfTheInstallation"
        self.tokens.append(token)
        self.minted(token)
        expires = datetime.fromtimestamp(time.time() + self.life, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Reply(201, json.dumps({"token": token, "expires_at": expires}).encode())

    def _check(self, asked: Asked) -> None:
        assert (asked.method, asked.path) == ("POST", self._path), f"{asked.method} {asked.path}"
        assert asked.headers.get("Accept") == "application/vnd.github+json"
        kind, _, token = asked.headers.get("Authorization", "").partition(" ")
        assert kind == "Bearer"
        # The library checks the signature, and that now lies between iat and exp.
        claims = jwt.decode(
            token,
            self._key.public_key(),
            algorithms=["RS256"],
            issuer=self._issuer,
            options={"require": ["iat", "exp", "iss"]},
        )
        assert claims["exp"] - claims["iat"] <= 600
        assert claims["exp"] <= time.time() + 600


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """Return a server's TLS context with a certificate of this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context
