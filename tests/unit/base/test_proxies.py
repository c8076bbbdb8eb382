"""A request of ours goes the way that git goes."""

import pytest

from gitsync.base.proxies import place_of, proxy_for

PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("http://h/", {}, None),
        ("http://h/", {"http_proxy": PROXY}, PROXY),
        ("http://h/", {"HTTP_PROXY": PROXY}, None),
        ("http://h/", {"https_proxy": PROXY}, None),
        ("https://h/", {"https_proxy": PROXY}, PROXY),
        ("https://h/", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://h/", {"https_proxy": "", "HTTPS_PROXY": PROXY}, PROXY),
        ("https://h/", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, PROXY),
        ("http://h/", {"all_proxy": PROXY}, PROXY),
        ("https://h/", {"ALL_PROXY": PROXY}, PROXY),
        ("https://h/", {"all_proxy": "http://other", "https_proxy": PROXY}, PROXY),
        ("http://h/", {"http_proxy": "proxy.test:3128"}, PROXY),
    ],
)
def test_variables(url: str, environ: dict[str, str], expected: str | None) -> None:
    """The names are curl's: the one for the scheme first, in capitals as well except for http."""
    assert proxy_for(url, environ) == expected


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "u:p@127.0.0.1"],
)
def test_this_machine_is_asked_directly(host: str) -> None:
    """A proxy would look for it on its own machine."""
    assert proxy_for(f"http://{host}:8080/a", {"http_proxy": PROXY}) is None


@pytest.mark.parametrize(
    ("exempt", "host", "direct"),
    [
        ("*", "h.test", True),
        (" * ", "h.test", True),
        ("*,x", "h.test", False),
        ("h.test", "h.test", True),
        (".h.test", "h.test", True),
        ("h.test", "a.b.h.test", True),
        (".svc", "app.ns.svc", True),
        ("svc", "app.ns.svc", True),
        ("h.test", "oh.test", False),
        ("h.test.", "h.test", True),
        ("H.Test", "h.tesT", True),
        ("h.test", "h.test.", True),
        ("a,h.test", "h.test", True),
        ("a h.test", "h.test", True),
        ("a, h.test ,b", "h.test", True),
        ("h.test:8080", "h.test", True),
        ("h.test:9090", "h.test", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.1.2.3/8", "10.1.2.4", True),
        ("10.0.0.0/16", "10.1.2.3", False),
        ("10.1.2.3:8080", "10.1.2.3", True),
        ("10.0.0.0/8", "10.test", False),
        ("fd00::/8", "[fd12::1]", True),
        ("[fd12::1]", "[fd12::1]", True),
        ("[fd12::1]:8080", "[fd12::1]", True),
        ("fd12::1", "[fd12:0:0::1]", True),
        ("fd00::/8", "10.1.2.3", False),
        ("10.0.0.0/99", "10.1.2.3", False),
        ("2.3", "10.1.2.3", False),
        ("", "h.test", False),
        (",.,", "h.test", False),
    ],
)
def test_exemptions(exempt: str, host: str, direct: bool) -> None:
    """Names with all that is below them, addresses and networks, separated by commas or blanks."""
    for name in ("no_proxy", "NO_PROXY"):
        assert (proxy_for(f"http://{host}:8080/a", {"http_proxy": PROXY, name: exempt}) is None) is direct


@pytest.mark.parametrize(
    "proxy", ["http://ann:word@proxy.test:1", "http://ann:wo/rd@proxy.test:1", "http://ann:w@rd@proxy.test:1/path"]
)
def test_login_of_a_proxy_is_not_shown(proxy: str) -> None:
    """A message tells where it is, and no more."""
    assert place_of(proxy) == "http://proxy.test:1"
