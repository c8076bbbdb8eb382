"""Every failure has a stable reason and says what to do."""

import ast
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitsync.base import errors
from gitsync.base.errors import HINTS, ConfigError, GitSyncError, classify, from_os_error

# As git 2.34 to 2.50, curl with OpenSSL and GnuTLS, and OpenSSH print them.
TEXTS = [
    ("bad_commit", "error: invalid path '.git'\nfatal: Could not reset index file to revision 'a1'."),
    (
        "bad_commit",
        "error: unable to create file no/auth: File name too long\nfatal: Could not reset index file to 'a'",
    ),
    ("bad_commit", "error: unable to create symlink empty: No such file or directory"),
    ("bad_commit", "fatal: true/false are no valid working-tree-encodings"),
    ("bad_commit", "fatal: malformed mode in tree entry"),
    ("auth", "fatal: Authentication failed for 'https://h/x.git/'"),
    ("auth", "fatal: could not read Username for 'https://h': terminal prompts disabled"),
    ("auth", "fatal: could not read Password for 'https://u@h': No such device or address"),
    ("auth", "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 403"),
    ("auth", "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 401"),
    ("auth", "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository."),
    ("auth", "git@h: Permission denied (publickey,password,keyboard-interactive)."),
    ("auth", "fatal: unable to access 'https://h/x/': CONNECT tunnel failed, response 407"),
    ("auth", "fatal: unable to access 'https://h/x/': Received HTTP code 407 from proxy after CONNECT"),
    ("auth", "remote: Invalid credentials\nfatal: Authentication failed for 'https://h/x/'"),
    ("not_found", "fatal: repository 'https://h/x.git/' not found"),
    ("not_found", "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 404"),
    ("not_found", "ERROR: Repository not found.\nfatal: Could not read from remote repository."),
    (
        "not_found",
        "fatal: '/srv/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
    ),
    ("ref_missing", "fatal: couldn't find remote ref refs/heads/gone"),
    ("ref_missing", f"error: Server does not allow request for unadvertised object {'a' * 40}"),
    ("ref_missing", f"fatal: remote error: upload-pack: not our ref {'a' * 40}"),
    ("dns", "fatal: unable to access 'https://nowhere.test/': Could not resolve host: nowhere.test"),
    ("dns", "fatal: unable to access 'https://h/': Could not resolve proxy: p"),
    (
        "dns",
        "ssh: Could not resolve hostname h: Temporary failure in name resolution\nfatal: Could not read from remote",
    ),
    ("dns", "fatal: unable to look up h (port 9418) (Name or service not known)"),
    ("tls", "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate"),
    ("tls", "fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none CRLfile: none"),
    ("tls", "fatal: unable to access 'https://h/': gnutls_handshake() failed: Handshake failed"),
    (
        "tls",
        "fatal: unable to access 'https://h/': TLS connect error: error:0A00010B:SSL routines::wrong version number",
    ),
    ("tls", "fatal: unable to access 'https://h/': SSL: no alternative certificate subject name matches target host"),
    ("connect", "fatal: unable to access 'http://h/': Failed to connect to h port 80 after 0 ms: Connection refused"),
    ("connect", "fatal: unable to access 'http://h/': Failed to connect to h port 80: Couldn't connect to server"),
    ("connect", "fatal: unable to access 'http://h/': Empty reply from server"),
    ("connect", "fatal: unable to access 'http://h/': Recv failure: Connection reset by peer"),
    ("connect", "fatal: unable to access 'https://h/': gnutls_handshake() failed: Error in the pull function."),
    (
        "connect",
        "fatal: unable to access 'https://h/': gnutls_handshake() failed: The TLS connection was non-properly "
        "terminated.",
    ),
    (
        "connect",
        "fatal: unable to access 'https://h/': OpenSSL SSL_connect: Connection reset by peer in connection to h",
    ),
    ("connect", "fatal: unable to access 'https://h/': OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to h:443"),
    (
        "connect",
        "fatal: unable to access 'https://h/': TLS connect error: error:0A000126:SSL routines::unexpected eof while "
        "reading",
    ),
    (
        "connect",
        "error: RPC failed; curl 56 GnuTLS recv error (-9): Error decoding the received TLS packet.\nfatal: early EOF",
    ),
    ("connect", "error: RPC failed; curl 56 OpenSSL SSL_read: error:0A000119:SSL routines::bad record mac, errno 0"),
    ("tls", "fatal: unable to access 'https://h/': gnutls_handshake() failed: An unexpected TLS packet was received."),
    ("connect", "fatal: unable to access 'https://h/x/': CONNECT tunnel failed, response 403"),
    ("connect", "fatal: unable to access 'https://h/x/': Received HTTP code 403 from proxy after CONNECT"),
    ("connect", "fatal: unable to connect to h:\nh[0: 127.0.0.1]: errno=Connection refused"),
    ("connect", "ssh: connect to host h port 22: No route to host\nfatal: Could not read from remote repository."),
    ("connect", "kex_exchange_identification: Connection closed by remote host"),
    ("connect", "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)\nfatal: early EOF"),
    ("connect", "fatal: the remote end hung up unexpectedly"),
    ("connect", "fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF"),
    ("rate_limited", "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 429"),
    (
        "timeout",
        "error: RPC failed; curl 28 Operation too slow. Less than 1 bytes/sec transferred the last 20 seconds\n"
        "fatal: expected flush after ref listing",
    ),
    ("timeout", "Timeout, server 127.0.0.1 not responding.\r\nfatal: early EOF\nfatal: unpack-objects failed"),
    ("remote_error", "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 503"),
    ("host_key", "Host key verification failed.\r\nfatal: Could not read from remote repository."),
    ("transport", "fatal: transport 'ext' not allowed"),
    (
        "transport",
        "git: 'remote-foo' is not a git command. See 'git --help'.\nfatal: remote helper 'foo' aborted session",
    ),
    ("transport", "fatal: Unable to find remote helper for 'foo'"),
    ("no_space", "error: file write error: No space left on device\nfatal: unable to write new index file"),
    ("no_space", "fatal: write error: Disk quota exceeded"),
    ("no_space", "fatal: Unable to create '/r/s/index.lock': No space left on device"),
    ("no_space", "fatal: sha1 file '/r/s/index.lock' write error. Out of diskspace"),
    ("filesystem", "error: unable to write file a/b\nfatal: Could not reset index file to revision '8a5c1b0b'."),
    ("filesystem", "fatal: unable to write new index file"),
    ("filesystem", "fatal: fsync error on '/r/s/objects/pack/tmp_pack_x': Input/output error"),
    ("filesystem", "fatal: cannot store pack file"),
    ("locked", "fatal: Unable to create '/r/s/index.lock': File exists.\n\nAnother git process seems to be running"),
    ("locked", "error: cannot lock ref 'refs/a': Unable to create '/r/refs/a.lock': File exists."),
    ("permission", "fatal: Unable to create '/r/s/shallow.lock': Permission denied"),
    ("permission", "fatal: Unable to create '/r/s/index.lock': Read-only file system"),
    ("permission", "error: cannot lock ref 'refs/a': Unable to create '/r/refs/a.lock': Permission denied"),
    ("permission", "error: insufficient permission for adding an object to repository database /r/s/objects"),
    ("permission", "fatal: could not open '/r/s/config' for reading: Permission denied"),
    ("corrupt", "error: object file /r/s/objects/aa/bb is empty\nfatal: loose object aabb is corrupt"),
    ("corrupt", "error: inflate: data stream error (incorrect header check)\nfatal: bad object HEAD"),
    ("corrupt", "fatal: index file corrupt"),
    (
        "corrupt",
        "error: index file /s/pack-1.idx is too small\nerror: unable to read sha1 file of a (8a5c)\n"
        "fatal: Could not reset index file to revision '8a5c1b0b'.",
    ),
    ("corrupt", "error: cannot lock ref 'refs/a': 'refs/a/b' exists; cannot create 'refs/a'"),
    ("corrupt", "fatal: unable to read tree (8a5c1b0b)"),
    ("corrupt", "fatal: not a git repository: '/r/s'"),
    ("corrupt", "fatal: bad shallow line: xyz"),
    ("bad_answer", "error: https://h/x.git did not send all necessary objects"),
    ("bad_answer", "fatal: protocol error: bad line length character: Welc"),
    ("bad_answer", "fatal: pack is corrupted (SHA1 mismatch)\nfatal: fetch-pack: invalid index-pack output"),
    ("bad_answer", "error: inflate: data stream error (incorrect data check)\nfatal: unpack-objects failed"),
    (
        "bad_answer",
        "error: git upload-pack: git-pack-objects died with error.\nfatal: protocol error: bad pack header\n"
        "fatal: git upload-pack: aborting due to possible repository corruption on the remote side.",
    ),
    ("out_of_memory", "fatal: Out of memory, malloc failed (tried to allocate 419430401 bytes)"),
    ("out_of_memory", "error: index-pack died of signal 9\nfatal: fetch-pack: invalid index-pack output"),
    ("transport", "fatal: strange hostname '-oProxyCommand=touch x' blocked"),
    ("bad_answer", "fatal: invalid ls-refs response: xyz refs/heads/main"),
    ("remote_error", "fatal: remote error: we are closed today"),
    ("ref_missing", "fatal: remote error: upload-pack: not our ref aaaa"),
    ("bad_commit", f"fatal: cannot create directory at '{'d/' * 2000}\n"),
    ("bad_commit", f"error: unable to create file {'d/' * 2000}f: File name too long"),
    ("git", ""),
]


@pytest.mark.parametrize(("reason", "text"), TEXTS, ids=[f"{reason}-{text[-35:]!r}" for reason, text in TEXTS])
def test_classify(reason: str, text: str) -> None:
    """What git prints becomes one of the known reasons; it has changed between capital and small letters before."""
    assert classify(text) == classify(text.upper()) == reason


@pytest.mark.parametrize(
    "name", ["certificates", "corrupt", "no space left on device", "returned error: 404", "garbage"]
)
def test_names_do_not_count(name: str) -> None:
    """The name of a repository does not decide what went wrong with it."""
    assert classify(f"fatal: unable to access 'https://h/{name}.git/': Failed to connect to h port 443") == "connect"


def raised(source: str) -> Iterator[str]:
    """Yield the reasons that a module gives errors by name, without a hint of their own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            name = ast.unparse(node.func)
            reason = given.get("reason")
            if name.endswith(("Error", "Vetoed")) and isinstance(reason, ast.Constant) and "hint" not in given:
                yield str(reason.value)


def test_every_reason_has_a_hint() -> None:
    """Each reason that classify returns, or that an error is given, comes with a hint."""
    package = Path(errors.__file__).parents[1]
    given = {reason for path in package.rglob("*.py") for reason in raised(path.read_text())}
    assert {"corrupt", "no_locks"} <= given
    assert {*given, *(reason for reason, _ in TEXTS)} <= set(HINTS)


def test_hint_by_reason() -> None:
    """An error takes the hint of its reason, unless it has one of its own."""
    assert GitSyncError("it broke", reason="dns").hint == HINTS["dns"]
    assert GitSyncError("it broke", reason="dns", hint="look here").hint == "look here"
    assert GitSyncError("it broke", reason="odd").hint is None


def test_config_error() -> None:
    """A configuration error keeps its problems apart and tells them all."""
    error = ConfigError(["one", "two"])
    assert error.problems == ("one", "two")
    assert (str(error), error.reason) == ("one; two", "config")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.GitTimeout("x"), "timeout"),
        (errors.GitCancelled("x"), "cancelled"),
        (errors.RefNotFound("x"), "ref_missing"),
        (errors.StoreLocked("x"), "locked"),
        (errors.WebhookRejected("x", status=401, outcome="unauthorized"), "unauthorized"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_reasons(error: GitSyncError, reason: str) -> None:
    """The errors that have one reason only know it themselves."""
    assert error.reason == reason


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "no_space"),
        (errno.EDQUOT, "no_space"),
        (errno.EACCES, "permission"),
        (errno.EROFS, "permission"),
        (errno.EPERM, "permission"),
        (errno.EIO, "filesystem"),
        (errno.ENOENT, "filesystem"),
    ],
    ids=errno.errorcode.get,
)
def test_os_error(number: int, reason: str) -> None:
    """A failed system call is told with what was tried, the system's text and the path."""
    error = from_os_error(OSError(number, os.strerror(number), "/srv/git/x"), doing="making the link")
    assert error.reason == reason
    assert str(error) == f"making the link: {os.strerror(number)}: /srv/git/x"


def test_os_error_without_details() -> None:
    """An error that somebody raised with a text alone is told with that text."""
    assert str(from_os_error(OSError("odd"), doing="looking")) == "looking: odd"
