"""Promise: who opens the address in a browser sees how it is, and can have a pass run with the secret."""

import contextlib
import http.client
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.eventually import TIMEOUT
from tests.support.origin import Origin

SECRET = "s3cret-of-the-receiver"
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def daemon(start_daemon: StartDaemon, origin: Origin, root: Path) -> DaemonProcess:
    """A daemon that has published, and whose period never comes."""
    started = start_daemon(origin.url, root, period="1h", environment={"GITSYNC_RECEIVER_SECRET": SECRET})
    started.wait_ready()
    return started


def look(daemon: DaemonProcess) -> str:
    """Return the page."""
    status, body = daemon.request("GET", "/", headers=BROWSER)
    assert status == 200
    return body


def press(daemon: DaemonProcess, secret: str) -> http.client.HTTPResponse:
    """Send the form of the page as a browser does."""
    address = f"{daemon.host}:{daemon.port}"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{address}", **BROWSER}
    with contextlib.closing(http.client.HTTPConnection(address, timeout=TIMEOUT)) as connection:
        connection.request("POST", "/sync?wait=10s", body=urlencode({"token": secret}), headers=headers)
        response = connection.getresponse()
        response.read()
        return response


def test_page(daemon: DaemonProcess, origin: Origin) -> None:
    """Given a published commit, then the page shows it and who made it, whatever they have written."""
    page = look(daemon)
    assert "up to date, as the server has said " in page
    assert "Ada Author" in page
    assert origin.head in page
    origin.commit({"index.html": "second\n"}, message=f"Second {HOSTILE}")
    assert press(daemon, SECRET).status == 303
    page = look(daemon)
    assert origin.head in page
    assert "Second &lt;script&gt;" in page
    assert "<script" not in page
    assert SECRET not in page


def test_button_needs_the_secret(daemon: DaemonProcess, origin: Origin) -> None:
    """Given the form without the secret, then nothing is done."""
    old = origin.head
    origin.commit({"index.html": "second\n"})
    assert press(daemon, "a-guess").status == 401
    assert daemon.status()["hash"] == old
    assert not daemon.logs("sync_finished", trigger="sync")


def test_probes_have_the_answer_of_git_sync(daemon: DaemonProcess) -> None:
    """Given whoever does not ask for HTML, then the answer is a word; and nothing that makes pages is in memory."""

    def makes_pages() -> bool:
        return "markupsafe" in Path(f"/proc/{daemon.pid}/maps").read_text()

    for accept in ({}, {"Accept": "*/*"}):
        assert daemon.request("GET", "/", headers=accept) == (200, "ok\n")
    assert not makes_pages()
    look(daemon)
    assert makes_pages()
    assert daemon.get("/") == (200, "ok\n")


def test_off(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given --http-page=false, then a browser gets what probes get."""
    daemon = start_daemon(origin.url, root, http_page=False)
    daemon.wait_ready()
    assert daemon.request("GET", "/", headers=BROWSER) == (200, "ok\n")


def test_command_where_the_receiver_has_a_port_of_its_own(
    start_daemon: StartDaemon, origin: Origin, root: Path
) -> None:
    """Given --receiver-bind, then there is no form, which could not reach it, but a command that does."""
    daemon = start_daemon(
        origin.url, root, receiver_bind="127.0.0.1:0", environment={"GITSYNC_RECEIVER_SECRET": SECRET}
    )
    daemon.wait_ready()
    page = look(daemon)
    assert "<form" not in page
    assert f"http://POD:{daemon.wait_event('receiver_listening')['port']}/sync" in page
