"""URLs: which transport they name, and which login they hold. Pure functions.

A login that is not written as one, with a raw slash in the password or a slash too few behind the scheme, would be
taken for a host or a path, and be shown. So whatever may be a login and cannot be told for sure is refused, and no
message here shows what it is about.
"""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from gitsync.base.redact import Secret
from gitsync.config.values import Credential, Kind, parse_text

TRANSPORTS: Final = ("https", "http", "ssh", "git")
_HTTP: Final = frozenset({"http", "https"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HELPER = re.compile(r"([A-Za-z0-9+.-]+)::")
# user@host:path, as git reads it: no slash before the colon. https://git-scm.com/docs/git-clone#_git_urls
_SCP_LIKE = re.compile(r"(?:[^/:@\s]+@)?(?:\[[^\]]+\]|[^/:\s]+):(?!//)")
# What ssh is to reach, in either form; anything unusual is left to git, which takes it apart by rules of its own.
_USER_AND_HOST = r"((?:[\w.+-]+@)?)([A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])"
_SSH_URL = re.compile(rf"ssh://{_USER_AND_HOST}(?::([0-9]{{1,5}}))?/", re.ASCII)
_SSH_ADDRESS = re.compile(rf"{_USER_AND_HOST}():(?!//)", re.ASCII)
# A scheme that is followed by anything but two slashes and a host.
_MISSPELT = re.compile(r"https?(?![\w.+-])(?!://[^/\\])", re.IGNORECASE)
_AUTHORITY = re.compile(r"[^/?#]*")
_QUOTES: Final = frozenset("'\"`<>“”\u2018\u2019")
_ESCAPES: Final = "write %2F, %3F, %23 for a /, ?, # in a login, and %40 for an @ in a path"


def transport(repo: str) -> str:
    """Return the transport of a repository's URL or path: https, http, ssh, git, file, or what else it names."""
    if scheme := _SCHEME.match(repo):
        return scheme.group(1).lower()
    if helper := _HELPER.match(repo):
        return helper.group(1)
    return "ssh" if _SCP_LIKE.match(repo) else "file"


def ssh_destination(repo: str) -> tuple[str, ...] | None:
    """Return the arguments with which ssh reaches the server of a repository; None for others, and unusual ones."""
    if transport(repo) != "ssh":
        return None
    found = _SSH_URL.match(repo) if _SCHEME.match(repo) else _SSH_ADDRESS.match(repo)
    if found is None:
        return None
    user, host, port = found.groups()
    return (*(("-p", port) if port else ()), "--", user + host.strip("[]"))


def is_plain_path(repo: str) -> bool:
    """Say whether a repository is named by its path on this machine, and not by a URL."""
    return transport(repo) == "file" and not _SCHEME.match(repo)


def split_login(repo: str) -> tuple[str, Credential | None]:
    """Take user and password out of an http or https URL; a user may come without a password."""
    if transport(repo) not in _HTTP:
        return repo, None
    parts = urlsplit(repo)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return repo, None
    user, _, password = userinfo.partition(":")
    url = parts._replace(netloc=host).geturl()
    return url, Credential(url=url, username=unquote(user), password=Secret(unquote(password)) if password else None)


def parse_repo(written: str) -> str:
    """Return the URL or path of a repository; the scheme of a URL in small letters, as git knows it."""
    repo = _unwrapped(written)
    if repo.startswith("-"):
        raise ValueError("it starts with a dash; write a URL or an absolute path")
    kind = transport(repo)
    if kind not in {*TRANSPORTS, "file"}:
        raise ValueError(f"the transport is not supported; use {', '.join(TRANSPORTS)} or a local path")
    if _MISSPELT.match(repo):
        raise ValueError("this is no URL; write https:// or http:// and the host, or ./ before a path")
    if scheme := _SCHEME.match(repo):
        _check_authority(kind, repo[scheme.end() :])
        return scheme.group().lower() + repo[scheme.end() :]
    _check_address(repo)
    return repo


def parse_url(written: str) -> str:
    """Return the http or https URL of a request of ours."""
    url = _unwrapped(written)
    if transport(url) not in _HTTP or _MISSPELT.match(url) or any(map(str.isspace, url)):
        raise ValueError("this is no URL; use one that begins with https:// or http:// and a host")
    _check_authority("http", url.partition("://")[2])
    return url


def _unwrapped(written: str) -> str:
    url = parse_text(written.strip())
    if _QUOTES & {url[:1], url[-1:]}:
        raise ValueError("remove the quotes around it")
    return url


def _check_authority(kind: str, rest: str) -> None:
    """Look at what stands behind the two slashes of a URL."""
    found = _AUTHORITY.match(rest)
    authority = found.group() if found else ""
    if "@" in rest[len(authority) :] and (authority or kind != "file"):
        raise ValueError(f"there is an @ behind the host; {_ESCAPES}")
    user, at, host = authority.rpartition("@")
    if at and kind in {"git", "file"}:
        raise ValueError("a login has no effect with this transport; remove it")
    if ":" in user and kind == "ssh":
        raise ValueError("ssh takes no password in a URL; use --ssh-key-file")
    if not host and kind in _HTTP:
        raise ValueError("there is no host in it")
    try:
        # Only to hear whether it can be taken apart; what is raised would show parts of it.
        _ = urlsplit(f"//{authority}").port
    except ValueError:
        raise ValueError("this is no URL; check the host and the port") from None


def _check_address(repo: str) -> None:
    """Look at what has no scheme: a path of this machine, or an address such as user@host:path."""
    if "://" in repo:
        raise ValueError("remove what stands before the scheme of the URL")
    if "@" in _behind_host(repo):
        raise ValueError(f"this may be a login; write https:// or ssh:// before it, and {_ESCAPES[6:]}")


def _behind_host(repo: str) -> str:
    """Return what would stand behind the host, if what has no scheme were a URL."""
    if transport(repo) == "ssh" and (address := _SCP_LIKE.match(repo)):
        return repo[address.end() :]
    if repo.startswith("//"):
        return repo
    # What is written as a path is one.
    return "" if repo.startswith(("/", ".")) else repo.partition(":")[2]


# What is wrong with them is told without them.
REPO: Final = Kind("URL", parse_repo, hidden=True)
URL: Final = Kind("URL", parse_url, hidden=True, pattern="^[Hh][Tt][Tt][Pp][Ss]?://")
