"""What can go wrong, as values that people can act on.

    GitSyncError(message, reason, hint)
    ├─ ConfigError(problems)    the start is refused; every problem is listed
    ├─ GitError                 git ended with an error; its text is already scrubbed
    │   ├─ GitTimeout           it was ended at its deadline
    │   └─ GitCancelled         it was ended because the process, or work on the repository, is to end
    ├─ CredentialError          a credential could not be had: a file, a server that gives it, or a part is wrong
    ├─ FetchError               a request of ours got no answer
    ├─ RefNotFound              the remote has no such branch, tag or commit
    ├─ StoreLocked              another process works on the same root
    ├─ CheckoutError            the files of a commit cannot be made as asked for
    ├─ PublishError             the link or a tree could not be put in place
    ├─ PublishVetoed            a commit must not be published, or not yet: an observer or a limit says so
    ├─ HookError                a hook failed; its output is already scrubbed
    └─ WebhookRejected(status)  an inbound request that is answered with that HTTP status

`reason` is stable: it is the label of the metric, the field of the log line and of the status. `hint` says what to do.
"""

import re
from pathlib import Path
from typing import Final

# The exit codes of the process.
EXIT_OK: Final = 0
EXIT_FAILURE: Final = 1

HINTS = {
    "auth": "give a login that may read this repository: --username with --password-file, --credential, "
    "--askpass-url, or the options of a GitHub App",
    "bad_answer": "what answers is no git server (check --repo), or its repository is damaged: run git fsck there; ours"
    " is left alone",
    "bad_commit": "git cannot check this commit out on this volume; what is published stays until there is another at "
    "--ref",
    "cancelled": "the process ends, or the repository is described otherwise in the file of --config; nothing to do",
    "connect": "check that the server is up and that this pod may reach it: by its NetworkPolicy, or through a "
    "proxy, which https_proxy has to name",
    "corrupt": "the store is rebuilt beside the published tree; if it happens again, check the volume of --root",
    "credential": "check the file, URL or id that the message names; what is published stays",
    "dns": "check the host name in --repo and the pod's DNS (dnsPolicy, NetworkPolicy)",
    "filesystem": "check the volume of --root: the message says what it has answered, and for which path",
    "gate": "see what --pre-publish-exechook-command printed; another commit is tried as soon as there is one",
    "gate_changed_files": "let --pre-publish-exechook-command write files that the repository does not have",
    "git": "the message has git's own words; with --verbose=6 the log has all that it printed",
    "git_missing": "install git or name the program with --git",
    "hook": "see what the command of --exechook-command printed, or what --webhook-url answered",
    "host_key": "the server's key is not in --ssh-known-hosts-file, or is another one there: check with the server's "
    "owner that it is right, then put the line of ssh-keyscan into that file (/etc/git-secret/known_hosts"
    " is found by itself)",
    "internal": "this is a mistake of ours: please report it with the log",
    "lfs": "see that the server has LFS and these contents (`git lfs push --all` sends them), and that the login may "
    "read them; what is published stays",
    "link_escapes": "have the link that the message names lead to what is published, or allow all with "
    "--symlinks=allow; what is published stays",
    "locked": "give every process a --root of its own; a Deployment on one volume needs `strategy: Recreate`",
    "no_exchange": "use --publish=inplace or symlink, or a volume whose file system can: ext4, xfs, btrfs, tmpfs",
    "no_locks": "mount the volume with locks (NFS: a lock service, or local_lock=flock; Lustre: flock), or use another",
    "no_space": "make room on the volume of --root, or make it larger (sizeLimit); the next try removes what is left "
    "of this one",
    "no_subpath": "check --subpath: it has to be a directory of the repository, with files in it",
    "not_found": "check --repo; some servers also answer so when the login may not see it, or there is none: see "
    "--username, --credential and --ssh-key-file",
    "out_of_memory": "raise the memory limit of the container; core.bigFileThreshold in --git-config says from which "
    "size on git streams files",
    "paused": "`gitsync resume`, or POST /resume, when another commit may be published",
    "permission": "check the owner, group and mode of the path named: in a pod `securityContext.fsGroup` makes a volume"
    " writable for a group of this user; and whether it is mounted `readOnly`",
    "place_taken": "move away what the message names, or choose another directory with --link",
    "rate_limited": "poll less often (--period) or use the webhook (--receiver-secret-file)",
    "ref_missing": "check --ref: a full ref name, a tag, a branch or a full commit hash",
    "remote_error": "the server failed; see its own log or status page; it is asked again within --max-backoff",
    "sparse_file": "check --sparse-checkout-file; what is published stays until it can be read",
    "submodule": "check .gitmodules of the repository, or leave submodules out with --submodules=off",
    "timeout": "check the network; raise --sync-timeout if the repository is just large, and http.lowSpeedTime with "
    "--git-config if the server is just silent for long",
    "tls": "check the server's certificate: name a file with the authority that has signed it with --ca-file",
    "too_large": "raise --max-size, --max-files or --max-fetch, if the message names it; else the volume of --root, or "
    "a limit of the system, does not take files of this size; what is published stays",
    "too_many_submodules": "follow a repository with fewer, or leave submodules out with --submodules=off",
    "transport": "write --repo as https, http, ssh, git, or a local path",
    "trees_held": "raise --max-trees, or shorten --stale-worktree-timeout",
    "unverified": "have it signed with a key of --verify-ssh-allowed-signers or --verify-gpg-keyring, or add the key "
    "of who has signed it there; what is published stays",
}

# The first match wins, so the specific ones stand above the general. Texts are git's and curl's own, with LC_ALL=C.
# What may stand between is bounded, because servers have a say in it. They are compiled when the first error is met.
_PATTERNS: Final = (
    # What only a checkout says: names and contents that the system, or git itself, does not let be written.
    (
        r"file name too long|error: invalid path '|no valid working-tree-encodings|malformed mode in tree"
        r"|empty filename in tree|too-short tree (object|file)"
        r"|(?m:^error: unable to create (file|symlink) .*: (invalid argument|no such file))"
        # Git cuts a line at 4096 bytes, and with it the end of a name, and what the system has said of that.
        r"|(?m:^(fatal|error): (cannot create directory at|unable to create [a-z]{1,9}) '[^'\n]{3000,}$)",
        "bad_commit",
    ),
    (r"no space left on device|disk quota exceeded|out of diskspace", "no_space"),
    (r"file too large", "too_large"),
    (r"out of memory|cannot allocate memory|died of signal 9", "out_of_memory"),
    (
        r"transport '[^\n]{0,99}' not allowed|remote helper [^\n]{0,99} aborted|unable to find remote helper"
        # What ssh could take for an option.
        r"|strange (hostname|pathname|port) ",
        "transport",
    ),
    (r"host key verification failed|remote host identification has changed", "host_key"),
    (r"no user exists for uid", "config"),
    (r"returned error: 429", "rate_limited"),
    (r"operation too slow|(?m:^timeout, server [^\n]{0,99} not responding)", "timeout"),
    (
        r"authentication failed|could not read (username|password)|terminal prompts disabled|access denied"
        r"|permission denied \((publickey|password|keyboard)|returned error: 40[137]|(response|http code) 407"
        r"|invalid credentials|too many authentication failures",
        "auth",
    ),
    (r"returned error: 404|repository '[^\n]{0,99}' not found|repository not found", "not_found"),
    (r"does not appear to be a git repository|not valid: is this a git repository", "not_found"),
    (r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref", "ref_missing"),
    (r"could not resolve (host|proxy)|name or service not known|name resolution", "dns"),
    # Somebody on the way has ended, or changed, what TLS protects; of certificates that says nothing.
    (
        r"non-properly terminated|unexpected eof|ssl_error_syscall|error in the (pull|push) function"
        r"|decoding the received tls packet|bad record mac|decryption (has )?failed"
        r"|\b(ssl_\w{1,40}|gnutls_handshake)[^\n]{0,99}connection (reset|timed out)",
        "connect",
    ),
    (r"certificate|gnutls_handshake|ssl_connect|ssl routines|tls (connect|packet)", "tls"),
    (r"returned error: 5\d\d", "remote_error"),
    (
        r"read-only file system|operation not permitted|insufficient permission"
        r"|unable to create [^\n]{0,99}permission denied",
        "permission",
    ),
    # Of these git often does not tell what the system has answered.
    (
        r"(unable to|could not|failed to) write|cannot store (pack|index|reverse index) file|write error|fsync error",
        "filesystem",
    ),
    (r"reference broken|unable to resolve reference|bad shallow line", "corrupt"),
    # Of two refs one is called as a directory of the other: of ours none is.
    (r"exists; cannot create", "corrupt"),
    (r"unable to create '\.lock'|another git process seems|cannot lock ref", "locked"),
    (
        r"tunnel failed|from proxy after connect"
        r"|connection (refused|reset|timed out|closed)|failed to connect|couldn't connect|unable to connect"
        r"|no route to host|network is unreachable|recv failure|empty reply|http/2 stream|operation timed out",
        "connect",
    ),
    (r"early eof|unexpected disconnect", "connect"),
    (
        r"corruption on the remote side|protocol error|invalid (index-pack output|ls-refs response)"
        r"|(index-pack|unpack-objects) failed"
        r"|did not send all necessary objects",
        "bad_answer",
    ),
    (
        r"corrupt|invalid sha1 pointer|bad (object|tree|signature)|unable to (read (tree|sha1)|parse|unpack)"
        r"|is empty$|is truncated|inflate|not a git repository|(?<!reset )index file"
        r"|missing (blob|tree|commit)|could not parse|garbage at end",
        "corrupt",
    ),
    # Whatever else a server says is wrong.
    (r"(?m:^fatal: remote error: )", "remote_error"),
    (r"hung up|could not read from remote", "connect"),
    (r"permission denied", "permission"),
    # It is the last that git says where it could not read an object, or not write a file.
    (r"could not reset index", "filesystem"),
)


# More of what git printed tells no more, and a pattern may look at each character some hundred times.
_LONGEST: Final = 64 * 1024
_QUOTED = re.compile(r"'[^'\n]*'")


def classify(stderr: str) -> str:
    """Return the stable reason for what git printed (with `LC_ALL=C`), or `git` when it is none of the known ones."""
    if len(stderr) > _LONGEST:
        stderr = f"{stderr[: _LONGEST // 2]}\n{stderr[-_LONGEST // 2 :]}"
    # A URL or a name that git quotes may contain any of the words; of a file it counts whether that is a lock.
    told = _QUOTED.sub(lambda quoted: "'.lock'" if quoted.group().endswith(".lock'") else "''", stderr)
    for pattern, reason in _PATTERNS:
        if re.search(pattern, told, re.IGNORECASE):
            return reason
    return "git"


class GitSyncError(Exception):
    """The base of every error that is reported to people."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.hint = hint if hint is not None else HINTS.get(reason)


class ConfigError(GitSyncError):
    """The configuration cannot be used; raised before anything has started."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems), reason="config")
        self.problems = tuple(problems)


class GitError(GitSyncError):
    """A git command failed; `message` is scrubbed and names the command and the remote it was run on.

    `store` is the store that it worked in, if any, and `metadata` that of the tree, if it worked on one.
    """

    store: Path | None = None
    metadata: Path | None = None


class GitTimeout(GitError):
    """A git command was ended, with all of its helpers, at its deadline."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="timeout")


class GitCancelled(GitError):
    """A git command was ended, or not started, because the process shuts down."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="cancelled")


class CredentialError(GitSyncError):
    """What a login needs cannot be had; `message` names the option and the path or URL, and never holds the secret."""

    def __init__(self, message: str, *, reason: str = "credential", hint: str | None = None) -> None:
        super().__init__(message, reason=reason, hint=hint)


class FetchError(GitSyncError):
    """A request of ours got no answer; what a server answered, with whatever status, is no error."""


class RefNotFound(GitSyncError):
    """The remote answered and has no such ref."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, reason="ref_missing", hint=hint)


class StoreLocked(GitSyncError):
    """Another process holds the lock of the store."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="locked")


class CheckoutError(GitSyncError):
    """What the repository holds cannot be made into files, or not in the way that was asked for."""


class PublishError(GitSyncError):
    """A tree or the link could not be put in place; what was published before is untouched."""


class PublishVetoed(GitSyncError):
    """A commit is not to be published, or not yet; `retry_in` is the seconds until another try, if that is known."""

    def __init__(self, message: str, *, reason: str, hint: str | None = None, retry_in: float | None = None) -> None:
        super().__init__(message, reason=reason, hint=hint)
        self.retry_in = retry_in


class HookError(GitSyncError):
    """A hook failed, or was ended at its deadline."""


class WebhookRejected(GitSyncError):
    """An inbound request is refused; `status` is the HTTP status to answer with."""

    def __init__(self, message: str, *, status: int, outcome: str) -> None:
        super().__init__(message, reason=outcome)
        self.status = status


def from_os_error(error: OSError, *, doing: str) -> GitSyncError:
    """Return the error to report for a failed system call; `doing` says in a few words what was tried."""
    reason = classify(str(error))
    message = f"{doing}: {error.strerror or error}" + (f": {error.filename}" if error.filename else "")
    return PublishError(message, reason=reason if reason in {"no_space", "permission"} else "filesystem")
