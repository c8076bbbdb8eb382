"""How another server is reached: through which proxy, trusting whom, and what is told if it is not. Any thread."""

import base64
import hashlib
import os
import socket
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit
from weakref import WeakValueDictionary

from gitsync.base.errors import FetchError
from gitsync.base.proxies import proxy_for
from gitsync.base.redact import Secret, scrub
from gitsync.base.written import decode, lines

if TYPE_CHECKING:
    import urllib3

_ANSWER_LIMIT: Final = 1024 * 1024
_MESSAGE_LIMIT: Final = 200
_CHUNK: Final = 65536
NO_TLS: Final = "what listens there speaks no TLS: check the port, or whether the URL has to begin with http://"
# What TLS says of a connection that the other end, or somebody on the way, has closed without a word.
_CUT_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
# Those in use, by what they were made from: all repositories that trust the same share one.
_contexts: WeakValueDictionary[tuple[object, ...], ssl.SSLContext] = WeakValueDictionary()
_making: Final = threading.Lock()
# The system counts the milliseconds of a wait in 31 bits.
_LONGEST_WAIT: Final = 86400.0


def plain_url(url: str) -> str:
    """Return a URL as it may be shown: without login and query, which may both be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names, None also for what is no URL: that is told when it is used."""
    try:
        return proxy_for(url, os.environ)
    except ValueError:
        return None


def manager_for(proxy: str | None, context: ssl.SSLContext | None, timeout: float) -> "urllib3.PoolManager":
    """Return what leads to a server, directly or through a proxy."""
    import urllib3

    # Its timeout is there for a thread that is left behind, and comes after ours.
    options: dict[str, Any] = {
        "ssl_context": context,
        "retries": False,
        "timeout": urllib3.Timeout(total=min(timeout, _LONGEST_WAIT) + 1),
    }
    if not proxy:
        return urllib3.PoolManager(**options)
    place, login = take_login(proxy, header="Proxy-Authorization")
    return urllib3.ProxyManager(place, proxy_headers=login, proxy_ssl_context=context, **options)


def trust(
    ca_file: Path | None, *urls: str | None, system: str | None = None, sparingly: bool = False
) -> ssl.SSLContext | None:
    """Return what trusts the system's authorities and those of the file, as it is now; None where nothing asks for it.

    `system` is a file of other authorities than the system's. To read all of either takes longer than a request, and a
    megabyte. `sparingly` has TLS look for the one that it needs in the system's directory, if there is one,
    where it goes by the hash of its name (https://docs.openssl.org/3.0/man1/openssl-rehash/). Not all systems keep all
    of them there, so where nobody is trusted the others have to be tried.
    """
    if not ca_file and not any(url and url.lower().startswith("https:") for url in urls):
        return None
    directory = ssl.get_default_verify_paths().capath if sparingly and not system else None
    try:
        ours = ca_file.read_bytes() if ca_file else None
    except OSError as error:
        raise _unusable(ca_file, error) from error
    digest = ours and hashlib.sha256(ours).digest()
    made_from = (digest, system, directory, *map(_identity, _places(system, directory)))
    with _making:
        context = _contexts.get(made_from)
        if context is None:
            context = ssl.create_default_context(cafile=system, capath=directory)
            try:
                if ours is not None:
                    context.load_verify_locations(cadata=lines(decode(ours)))
            except (OSError, ValueError) as error:
                raise _unusable(ca_file, error) from error
            _contexts[made_from] = context
    return context


def _unusable(ca_file: Path | None, error: Exception) -> FetchError:
    told = (isinstance(error, OSError) and error.strerror) or str(error)
    hint = "name a readable file with certificates in PEM form"
    return FetchError(f"--ca-file={ca_file}: {told}", reason="tls", hint=hint)


def _places(system: str | None, directory: str | None) -> list[str | None]:
    """Return the files and directories that other authorities than ours are read from."""
    usual = ssl.get_default_verify_paths()
    return [system, directory] if system or directory else [usual.cafile, usual.capath]


def _identity(path: str | None) -> tuple[int, ...]:
    """Return what changes whenever a file, or what is in a directory, does; nothing where there is none."""
    try:
        found = Path(path).stat() if path else None
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size) if found else ()


def take_login(url: str, *, header: str = "Authorization") -> tuple[str, dict[str, str]]:
    """Return the URL without its login, and that as a header."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise ConnectionError("use an http or https URL, also for a proxy")
    userinfo, at, host = parts.netloc.rpartition("@")
    url = parts._replace(netloc=host if host.isascii() else host.encode("idna").decode()).geturl()
    login = Secret(unquote(userinfo)).reveal()
    return url, {header: f"Basic {base64.b64encode(login.encode()).decode()}"} if at else {}


def network_errors() -> tuple[type[Exception], ...]:
    """Return the classes of what a request may meet on its way, and no mistake of ours is."""
    from urllib3.exceptions import HTTPError

    return (OSError, HTTPError)


def failure(error: BaseException, name: str) -> FetchError:
    """Return what is told of an error that a request has met."""
    reason = "tls" if _is_of_tls(error) else "dns" if isinstance(error, socket.gaierror) else "connect"
    message = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        message = "the URL, that of a proxy or a header is not valid"  # its own may show all of them
    hint = NO_TLS if reason == "tls" and "wrong version number" in message.lower() else None
    return FetchError(f"{name}: {scrub(message)[:_MESSAGE_LIMIT]}", reason=reason, hint=hint)


def _is_of_tls(error: BaseException) -> bool:
    """Say whether TLS has failed, and not the connection below it."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, _CUT_OFF)


def read_answer(response: "urllib3.BaseHTTPResponse") -> bytes:
    """Return the body of an answer; raise `ConnectionError` for one that is too large."""
    content = bytearray()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > _ANSWER_LIMIT:
            raise ConnectionError(f"the answer is larger than {_ANSWER_LIMIT} bytes")
    return bytes(content)


def root_of(error: BaseException) -> BaseException:
    """Return what has happened, which is below what urllib3 says of it, but for what it cannot make sense of."""
    while not isinstance(error, ValueError) and (inner := error.__cause__ or error.__context__):
        error = inner
    return error
