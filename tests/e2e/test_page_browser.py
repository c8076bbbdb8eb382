"""Promise: the page at / can be read in a browser, on a phone and in the dark, and nothing that it shows can act."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin

SECRET = "s3cret-of-the-receiver"
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
HOSTILE = '<script>document.title="acted"</script><img src=x onerror="document.title=\'acted\'">'
Open = Callable[..., Page]


@pytest.fixture
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as driver:
        # As root it has no sandbox; what it opens is ours.
        running = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def daemon(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path) -> DaemonProcess:
    """A daemon that has published a commit whose message is an attack."""
    origin.commit({"index.html": "x\n"}, message=HOSTILE)
    environment = {"GITSYNC_RECEIVER_SECRET": SECRET}
    running = start_daemon(git_http.url_of(origin.path), root, period="1h", environment=environment)
    running.wait_ready()
    return running


@pytest.fixture
def open_page(browser: Browser, daemon: DaemonProcess) -> Iterator[Open]:
    """Open the page; what the browser complains about, or asks anybody else for, fails the test."""
    complaints: list[str] = []
    pages: list[Page] = []

    def note(message: ConsoleMessage) -> None:
        complaints.append(message.text)

    def opened(**context: object) -> Page:
        page = browser.new_page(**context)  # type: ignore[arg-type]
        page.on("console", note)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{daemon.port}/")
        pages.append(page)
        return page

    asked: list[str] = []
    yield opened
    for page in pages:
        page.close()
    assert not complaints
    assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{daemon.port}"}


def test_page_can_be_read(open_page: Open) -> None:
    """A commit's message is shown, and does nothing; the page is read by scrolling down alone, in light and in dark."""
    page = open_page()
    assert HOSTILE in page.inner_text("body")
    assert page.title() != "acted"
    assert page.locator("script, img").count() == 0
    for viewport in (PHONE, DESK):
        assert open_page(viewport=viewport).evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    light, dark = (brightness(open_page(color_scheme=scheme)) for scheme in ("light", "dark"))
    assert light[0] > light[1]
    assert dark[0] < dark[1]


def brightness(page: Page) -> tuple[float, float]:
    """Return how bright ground and letters are."""
    colours = ("backgroundColor", "color")
    found = [page.evaluate(f"getComputedStyle(document.body).{name}") for name in colours]
    ground, letters = (sum(map(float, colour.split("(")[1].rstrip(")").split(",")[:3])) for colour in found)
    return ground, letters


def test_pass_by_hand(open_page: Open, daemon: DaemonProcess, origin: Origin) -> None:
    """Who has the secret can have a pass run from the page, and the address does not show it."""
    commit = origin.commit({"index.html": "second\n"})
    page = open_page()
    page.fill("input[type=password]", SECRET)
    page.click("button")
    daemon.wait_published(commit)
    assert SECRET not in page.url
