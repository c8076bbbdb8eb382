"""Checks of the way to the server, step by step: of that to the proxy, where there is one."""

import email.utils
import os
import socket
import time
from typing import Final
from urllib.parse import urlsplit

from gitsync.base.errors import FetchError, GitSyncError
from gitsync.base.fetchurl import Answer, Sent, fetch
from gitsync.base.proxies import place_of
from gitsync.base.reaching import failure, proxy_of
from gitsync.checks.check import Found, NotNeededError, Subject
from gitsync.config import Place, RepoConfig, ssh_destination, transport

_HTTP: Final = ("http", "https")
_PORTS: Final = {"https": 443, "http": 80, "ssh": 22, "git": 9418, "socks5": 1080, "socks5h": 1080}
# Seconds: GitHub takes no token from a clock that is a minute off, and certificates have a beginning.
_OFF: Final = 30.0


def dns(subject: Subject, deadline: float) -> Found:
    """Resolve the name of the server, or of the proxy."""
    place, what = _next(subject.repo)
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise failure(error, f"{what} {place.host}") from None
    addresses = dict.fromkeys(str(address[0]) for *_, address in found)
    return Found(message=f"{what} {place.host}: {', '.join(addresses)}")


def tcp(subject: Subject, deadline: float) -> Found:
    """Open a connection to it."""
    place, what = _next(subject.repo)
    try:
        socket.create_connection((place.host, place.port), timeout=max(0.1, deadline - time.monotonic())).close()
    except OSError as error:
        raise failure(error, f"{what} {place}") from None
    return Found(message=f"{what} {place} takes connections")


def tls(subject: Subject, deadline: float) -> Found:
    """See whether the certificate of the server is one that we trust."""
    if transport(subject.repo.repo) != "https":
        raise NotNeededError(f"there is none over {transport(subject.repo.repo)}")
    _only_known(subject.repo, "ssl")
    if named := next((name for name in sorted(os.environ) if name.startswith(("GIT_SSL_", "GIT_PROXY_"))), None):
        raise NotNeededError(f"{named} is set, which git alone knows how to follow")
    answer = _ask(subject, deadline)
    return Found(message=f"the certificate is trusted{answer.by}")


def clock(subject: Subject, deadline: float) -> Found:
    """Compare the clock with the server's."""
    if transport(subject.repo.repo) not in _HTTP:
        raise NotNeededError(f"nobody tells the time over {transport(subject.repo.repo)}")
    try:
        answer = _ask(subject, deadline)
    except FetchError as error:
        raise NotNeededError(f"the server does not tell the time: {error}") from None
    return compared(answer.date, time.time())


def compared(date: str, now: float) -> Found:
    """Return how far `now` (Unix seconds) is from a date in a header; raise `NotNeededError` for what is none."""
    try:
        told = email.utils.parsedate_tz(date)
        ahead = now - email.utils.mktime_tz(told) if told else None
    except (ValueError, OverflowError):
        ahead = None
    if ahead is None:
        raise NotNeededError("the server does not tell the time")
    message = f"{abs(ahead):.0f} s {'before' if ahead > 0 else 'behind'} the server's"
    cure = "set the clock of the node (NTP): certificates, and tokens of a GitHub App, count by the time"
    return Found(message=message, cure=cure if abs(ahead) > _OFF else None)


def _next(repo: RepoConfig) -> tuple[Place, str]:
    """Return where the first connection leads, and what that is; raise `NotNeededError` where only git knows."""
    kind = transport(repo.repo)
    if kind == "file":
        raise NotNeededError("the repository is on this machine")
    _only_known(repo, "proxy")
    if kind == "ssh":
        return _ssh_server(repo.repo), "the server"
    proxy = proxy_of(repo.repo) if kind in _HTTP else None
    place = _place(proxy or repo.repo)
    return place, f"the proxy {place_of(proxy)}," if proxy else "the server"


def _ssh_server(url: str) -> Place:
    destination = ssh_destination(url)
    if os.environ.get("GIT_SSH_COMMAND") or destination is None:
        raise NotNeededError("ssh alone knows the way")
    port = int(destination[1]) if destination[0] == "-p" else _PORTS["ssh"]
    return Place(destination[-1].rpartition("@")[2], port)


def _place(url: str) -> Place:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        host, port = "", None
    if not host or not port:
        raise GitSyncError("the URL of the proxy is not valid", reason="connect", hint="see https_proxy and http_proxy")
    return Place(host, port)


def _only_known(repo: RepoConfig, word: str) -> None:
    """Raise `NotNeededError` where a setting of git's may change what is asked, or how."""
    for setting in (*repo.git.git_config, *repo.git.git_config_add):
        section, name = setting.parts[0].lower(), setting.key.rpartition(".")[2].lower()
        if section == "url" or (section in {"http", "core", "remote"} and (word in name or "proxy" in name)):
            raise NotNeededError(f"--git-config sets {setting.key}, which git alone knows how to follow")


def _ask(subject: Subject, deadline: float) -> Answer:
    """Ask for nothing but the head of an answer, without a login; raise `FetchError`."""
    url = f"{subject.repo.repo.rstrip('/')}/info/refs?service=git-upload-pack"
    timeout = max(0.1, deadline - time.monotonic())
    return fetch(url, Sent(method="HEAD"), timeout=timeout, ca_file=subject.repo.auth.ca_file)
