"""Requests of ours: one deadline, no redirect to strangers, one CA file more, the usual proxies."""

import gc
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
import urllib3

from gitsync.base.errors import FetchError
from gitsync.base.fetchurl import Answer, Cancellation, Sent, fetch
from gitsync.base.reaching import plain_url
from tests.support.eventually import AT_ONCE, TIMEOUT, eventually
from tests.support.stall import SilentServer, TcpServer, Tunnel
from tests.support.web import Asked, Reply, WebServer, server_context


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A server on the loopback."""
    with WebServer(lambda asked: Reply(200, asked.body or b"hello")) as server:
        yield server


class Dripping(TcpServer):
    """Sends one byte of an answer now and then, so that no single wait is long."""

    def serve(self, connection: object) -> None:
        """Drip until the client is gone."""
        pause = threading.Event()
        while not pause.wait(0.05):
            connection.send(b"H")  # type: ignore[attr-defined]


class Closing(TcpServer):
    """Closes every connection in order once something was asked."""

    def serve(self, connection: socket.socket) -> None:
        """Read what is asked, and no more."""
        connection.recv(65536)


def test_answer_of_any_status_is_returned(web: WebServer) -> None:
    """What a status means is for the caller to say."""
    assert fetch(web.url, timeout=TIMEOUT) == Answer(200, b"hello")
    web.reply = lambda asked: Reply(503, b"later")
    assert fetch(web.url, timeout=TIMEOUT) == Answer(503, b"later")


def test_timeout_that_never_comes(web: WebServer) -> None:
    """A timeout may be longer than the system's waits can be."""
    assert fetch(web.url, timeout=5e9) == Answer(200, b"hello")


def test_method_headers_and_body_are_sent(web: WebServer) -> None:
    """A POST carries what it was given."""
    sent = Sent(method="POST", headers={"Gitsync-Hash": "abc"}, body=b"content")
    fetch(f"{web.url}/hook?a=b", sent, timeout=TIMEOUT)
    (asked,) = web.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/hook?a=b", b"content")
    assert asked.headers["Gitsync-Hash"] == "abc"
    assert asked.headers["User-Agent"].startswith("gitsync/")


def test_login_in_the_url_is_sent_as_a_header(web: WebServer) -> None:
    """A URL with user and password works, and the message of an error does not show them."""
    url = web.url.replace("://", "://ann:pa%40ss@")
    fetch(url, timeout=TIMEOUT)
    assert web.asked[0].headers["Authorization"] == "Basic YW5uOnBhQHNz"
    with pytest.raises(FetchError) as caught:
        fetch("http://ann:secret@127.0.0.1:1/a?token=secret", timeout=TIMEOUT)
    assert str(caught.value).startswith("http://127.0.0.1:1/a: ")
    assert caught.value.reason == "connect"
    assert "secret" not in str(caught.value)


def test_redirect_within_the_server_is_followed(web: WebServer) -> None:
    """A path may move."""

    def reply(asked: Asked) -> Reply:
        return Reply(200, b"there") if asked.path == "/b" else Reply(302, headers={"Location": "/b"})

    web.reply = reply
    assert fetch(f"{web.url}/a", timeout=TIMEOUT).body == b"there"
    assert fetch(f"{web.url}/a", Sent(method="POST"), timeout=TIMEOUT).status == 302


def test_redirect_elsewhere_is_refused(web: WebServer) -> None:
    """Headers may hold secrets, which another server must not see."""
    with WebServer() as other:
        web.reply = lambda asked: Reply(302, headers={"Location": other.url})
        with pytest.raises(FetchError, match="redirects to another place"):
            fetch(web.url, Sent(headers={"Authorization": "Bearer secret"}), timeout=TIMEOUT)
        assert not other.asked


def test_endless_redirect_is_refused(web: WebServer) -> None:
    """A server that sends us in circles is left."""
    web.reply = lambda asked: Reply(302, headers={"Location": "/"})
    with pytest.raises(FetchError, match="again and again"):
        fetch(web.url, timeout=TIMEOUT)


def test_too_large_an_answer_is_refused(web: WebServer) -> None:
    """A server cannot fill our memory."""
    web.reply = lambda asked: Reply(200, bytes(2 * 1024 * 1024))
    with pytest.raises(FetchError, match="larger than"):
        fetch(web.url, timeout=TIMEOUT)


@pytest.mark.parametrize("kind", [SilentServer, Dripping])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_deadline_holds_for_the_whole_request(kind: type[TcpServer], scheme: str) -> None:
    """A server that accepts and is silent, or sends a byte now and then, costs the timeout and no thread."""
    before = set(threading.enumerate())
    with kind() as server:
        started = time.monotonic()
        with pytest.raises(FetchError) as caught:
            fetch(f"{scheme}://127.0.0.1:{server.port}/", timeout=0.5)
        assert time.monotonic() - started < AT_ONCE
        # Over TLS the first byte already is wrong.
        assert caught.value.reason in ({"timeout", "tls"} if scheme == "https" else {"timeout"})
        eventually(lambda: not [thread for thread in set(threading.enumerate()) - before if "request" in thread.name])


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_deadline_holds_for_the_body(head: bytes) -> None:
    """A body that never ends costs the timeout and no thread, in whatever way it is framed."""
    before = set(threading.enumerate())

    class DrippingBody(Dripping):
        """Answers at once, and then drips."""

        def serve(self, connection: object) -> None:
            """Send the head, then the body."""
            connection.sendall(head)  # type: ignore[attr-defined]
            super().serve(connection)

    with DrippingBody() as server:
        with pytest.raises(FetchError) as caught:
            fetch(f"http://127.0.0.1:{server.port}/", timeout=0.5)
        assert caught.value.reason == "timeout"
        eventually(lambda: not [thread for thread in set(threading.enumerate()) - before if "request" in thread.name])


def test_deadline_holds_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not come to the end of its answer costs the timeout and no thread."""
    before = set(threading.enumerate())
    with Dripping() as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(FetchError) as caught:
            fetch("https://host.invalid/", timeout=0.5)
        assert caught.value.reason == "timeout"
        eventually(lambda: not [thread for thread in set(threading.enumerate()) - before if "request" in thread.name])


class CutOff(TcpServer):
    """Closes the connection in the middle of an answer."""

    def serve(self, connection: object) -> None:
        """Send half of what the header promises."""
        connection.recv(65536)  # type: ignore[attr-defined]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")  # type: ignore[attr-defined]


def test_answer_that_is_cut_off_is_refused() -> None:
    """Half an answer is none."""
    with CutOff() as server, pytest.raises(FetchError) as caught:
        fetch(server.url, timeout=TIMEOUT)
    assert caught.value.reason == "connect"


def test_cancellation_ends_what_runs_and_what_would_follow(silent_server: SilentServer) -> None:
    """The end of the process waits for no server."""
    cancellation = Cancellation()
    caught: list[FetchError] = []

    def ask() -> None:
        try:
            fetch(silent_server.url, timeout=60, cancellation=cancellation)
        except FetchError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    eventually(lambda: silent_server.accepted)
    cancellation.cancel()
    thread.join(TIMEOUT)
    assert [error.reason for error in caught] == ["cancelled"]
    with pytest.raises(FetchError):
        fetch(silent_server.url, timeout=60, cancellation=cancellation)


def test_authority_of_a_file_is_trusted_and_read_again(authority: trustme.CA, tmp_path: Path) -> None:
    """A server with a certificate of our own authority is refused without the file, and accepted with it."""
    file = tmp_path / "ca.pem"
    with WebServer(tls=server_context(authority)) as web:
        with pytest.raises(FetchError) as caught:
            fetch(web.url, timeout=TIMEOUT)
        assert caught.value.reason == "tls"
        assert fetch(web.url, timeout=TIMEOUT, ca_file=file).status == 200
        file.write_bytes("\ufeff".encode() + file.read_bytes().replace(b"\n", b"\r\n"))
        assert fetch(web.url, timeout=TIMEOUT, ca_file=file).status == 200
        trustme.CA().cert_pem.write_to_path(str(file))
        with pytest.raises(FetchError):
            fetch(web.url, timeout=TIMEOUT, ca_file=file)
        file.write_text("nothing")
        with pytest.raises(FetchError, match="--ca-file="):
            fetch(web.url, timeout=TIMEOUT, ca_file=file)


def test_proxy_of_the_environment_is_used(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual variables lead requests through a proxy, and around it."""
    with WebServer(lambda asked: Reply(200, b"by the proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        answer = fetch("http://host.invalid/a", timeout=TIMEOUT)
        assert answer == Answer(200, b"by the proxy", by=f" (through the proxy {proxy.url})")
        assert proxy.asked[0].path == "http://host.invalid/a"
        assert fetch(web.url, timeout=TIMEOUT) == Answer(200, b"hello")
        monkeypatch.setenv("no_proxy", "host.invalid")
        with pytest.raises(FetchError) as caught:
            fetch("http://host.invalid/a", timeout=TIMEOUT)
        assert caught.value.reason == "dns"


def test_login_of_a_proxy_is_for_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user and a password in the proxy's URL reach the proxy, also without a scheme and beyond Latin-1."""
    with WebServer(lambda asked: Reply(200)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "ann:p%E2%82%AC@"))
        fetch("http://host.invalid/a", timeout=TIMEOUT)
        assert proxy.asked[0].headers["Proxy-Authorization"] == "Basic YW5uOnDigqw="
        assert proxy.asked[0].headers["Host"] == "host.invalid"


def test_https_goes_through_a_tunnel(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of https sees its own login, and not that of the server."""
    with WebServer(tls=server_context(authority, "host.test")) as web, Tunnel(urlsplit(web.url).port or 0) as proxy:
        monkeypatch.setenv("https_proxy", f"http://ann:pass@127.0.0.1:{proxy.port}")
        # What is on this machine would not be asked for through a proxy.
        url = web.url.replace("://127.0.0.1", "://bob:word@host.test")
        assert fetch(url, timeout=TIMEOUT, ca_file=tmp_path / "ca.pem").status == 200
        assert proxy.asked.startswith(b"CONNECT ")
        assert b"Proxy-Authorization: Basic YW5uOnBhc3M=" in proxy.asked
        assert b"Ym9iOndvcmQ=" not in proxy.asked
        assert web.asked[0].headers["Authorization"] == "Basic Ym9iOndvcmQ="
        assert "Proxy-Authorization" not in web.asked[0].headers


def test_message_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the way leads through a proxy, the proxy may be what is down."""
    monkeypatch.setenv("http_proxy", "http://ann:secret@127.0.0.1:1")
    with pytest.raises(FetchError) as caught:
        fetch("http://host.invalid/a?token=secret", timeout=TIMEOUT)
    assert str(caught.value).startswith("http://host.invalid/a (through the proxy http://127.0.0.1:1): ")


@pytest.mark.parametrize("proxy", ["socks5://ann:secret@127.0.0.1:1", "http://ann:secret@127.0.0.1:x"])
def test_unusable_proxy_is_refused(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment names may be wrong, and is not shown."""
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(FetchError, match="prox") as caught:
        fetch("http://host.invalid/a", timeout=TIMEOUT)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:x/?secret", "http://127.0.0.1:99999/?secret", "http:///?secret"])
def test_broken_url_is_not_shown(url: str) -> None:
    """The message of the library would hold the query."""
    with pytest.raises(FetchError) as caught:
        fetch(url, timeout=TIMEOUT)
    assert "secret" not in str(caught.value)


def test_broken_header_is_not_shown(web: WebServer) -> None:
    """A token with a line end is refused without being shown."""
    with pytest.raises(FetchError) as caught:
        fetch(web.url, Sent(headers={"Authorization": "Bearer secret\n"}), timeout=TIMEOUT)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://host.invalid/a", "nonsense", "file:///etc/passwd", "http://[::1"])
def test_other_urls_are_refused(url: str) -> None:
    """Only http and https lead anywhere."""
    with pytest.raises(FetchError):
        fetch(url, timeout=TIMEOUT)


def test_unknown_host_says_so() -> None:
    """A name that nobody knows has its own reason."""
    with pytest.raises(FetchError) as caught:
        fetch("http://host.invalid/", timeout=TIMEOUT)
    assert caught.value.reason == "dns"


def test_plain_url_shows_no_login_and_no_query() -> None:
    """What is shown of a URL is where it leads."""
    assert plain_url("https://ann:x@host:8443/a?token=y#z") == "https://host:8443/a"


def test_direct_request_goes_through_no_proxy(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no proxy could reach is asked itself, whatever the environment names."""
    url = f"http://0.0.0.0:{web.port}"  # the loopback, and to proxies an address like any other
    with WebServer(lambda asked: Reply(200, b"the proxy")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert fetch(url, timeout=TIMEOUT).body == b"the proxy"
        assert fetch(url, timeout=TIMEOUT, direct=True) == Answer(200, b"hello")


class Staying(TcpServer):
    """Answers a request, and notes when the client goes."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: list[bool] = []

    def serve(self, connection: socket.socket) -> None:
        """Answer, and wait for the next request."""
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self.gone.append(connection.recv(1) == b"")


def test_nothing_is_left_of_a_request() -> None:
    """A server may keep a connection for the next request; there is none, so it ends, and what belongs to it."""
    with Staying() as server:
        for _ in range(3):
            assert fetch(server.url, timeout=TIMEOUT) == Answer(200, b"ok")
        eventually(lambda: server.gone == [True] * 3)
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, urllib3.HTTPConnectionPool)]


def test_what_speaks_no_tls_is_called_so(web: WebServer) -> None:
    """An https URL of a server without TLS is no matter of certificates."""
    with pytest.raises(FetchError) as caught:
        fetch(web.url.replace("http:", "https:"), timeout=TIMEOUT)
    assert caught.value.reason == "tls"
    assert "http://" in (caught.value.hint or "")


def test_connection_that_is_cut_off_is_no_matter_of_certificates() -> None:
    """Who closes the connection before TLS begins has said nothing of whom to trust."""
    with Closing() as server, pytest.raises(FetchError) as caught:
        fetch(server.url.replace("http:", "https:"), timeout=TIMEOUT)
    assert caught.value.reason == "connect"
