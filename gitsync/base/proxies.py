"""Which proxy a request of ours goes through: the one that curl, and so git, would take. Pure functions.

The variables are curl's: https://everything.curl.dev/usingcurl/proxies/env.html. In one thing we differ, as Go's
clients do: what is on this machine is never asked for through a proxy, which would look for it on another one.
"""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_ENTRIES = re.compile(r"[\s,]+")
# A colon within an address of IPv6 comes before no port.
_WITH_PORT = re.compile(r"(\[[^\]]+\]|[^:\[\]]+):(\d{1,5})")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for an http or https URL, None if there is none; raise `ValueError` for no URL."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port
    address = _address(host)
    if host == "localhost" or host.endswith(".localhost") or (address and address.is_loopback):
        return None
    names = [f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"]
    # What a server has from a client's header `Proxy` would be in this one. https://httpoxy.org
    proxy = next((environ[name] for name in names if environ.get(name) and name != "HTTP_PROXY"), None)
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if proxy is None or exempt.strip() == "*":
        return None
    if any(_fits(entry, host, address, port) for entry in _ENTRIES.split(exempt) if entry):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def place_of(proxy: str) -> str:
    """Return what may be shown of a proxy's URL: where it is, and nothing of a login, however that is written."""
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('/')[0]}"


def _fits(entry: str, host: str, address: _Address | None, port: int | None) -> bool:
    """Say whether an entry of `no_proxy` is for a host: a name and all below it, an address, or a network."""
    if with_port := _WITH_PORT.fullmatch(entry):
        return with_port[2] == str(port) and _fits(with_port[1], host, address, port)
    if address:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            return False
    name = entry.lower().strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
