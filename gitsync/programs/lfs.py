"""git-lfs: which one there is, and how it fetches the content of files that are kept in LFS.

It is asked for contents by their hashes, in a repository that is made for that alone, outside of the volume: so it
sees no attributes, no `.lfsconfig`, no hooks and no configuration but ours. It is given our login until a server
refuses that, as it would send the same one for ever. Called by the worker's thread; the version is also asked for by
the main thread.
"""

import re
import shlex
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

from gitsync.base import nolinks
from gitsync.base.errors import GitError, GitSyncError, classify
from gitsync.base.files import unique
from gitsync.base.pointer import Pointer
from gitsync.base.redact import scrub
from gitsync.base.written import entries
from gitsync.config import GitSetting, render
from gitsync.programs.advice import advice
from gitsync.programs.gitcmd import Git, Output, Place
from gitsync.programs.gitconfig import QUIET
from gitsync.programs.planted import clear_tree
from gitsync.programs.process import Sinks

# Seconds.
_PATIENCE: Final = 10.0
_OLDEST: Final = (3, 0)
_MISSING: Final = "install git-lfs 3.0 or newer, which the image does not have (docs/lfs.md), or leave --lfs out"
_WANTED: Final = "refs/heads/wanted"
# For the shell, with the limit in blocks. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/ulimit.html
# Without GIT_DIR, which it would take for the repository on this machine that it fetches from.
_FETCH: Final = (
    "!trap '' XFSZ; ulimit -f {blocks} && unset GIT_DIR && cd {home} && "
    f"exec git -c safe.bareRepository=all lfs fetch origin {_WANTED}"
)
_BLOCK: Final = 512
# Bytes: what it notes beside the contents has to fit as well.
_SMALLEST_LIMIT: Final = 64 * 1024
# What it has been through, and nobody needs; with what has come into `incomplete` the next try goes on.
_BESIDE: Final = ("logs", "tmp", "cache")
# What nobody may change: no choice of contents but ours, no program of others, and an end within the time of a pass.
_ENFORCED: Final = {
    "lfs.fetchInclude": "",
    "lfs.fetchExclude": "",
    "lfs.fetchRecentAlways": "false",
    "lfs.skipDownloadErrors": "false",
    "lfs.transfer.maxRetries": "1",
    "lfs.dialTimeout": str(QUIET),
    "lfs.tlsTimeout": str(QUIET),
    "lfs.activityTimeout": str(QUIET),
    # Connections of ssh that outlive it.
    "lfs.ssh.autoMultiplex": "false",
    # So that a login for one repository is found by its path.
    "credential.useHttpPath": "true",
}
# The levels of directories below the storage.
_DEPTH: Final = 4
# What is not the fault of LFS, or is put right in another way.
_OTHERS: Final = {
    *("auth", "connect", "dns", "host_key", "no_space", "out_of_memory", "permission", "rate_limited"),
    *("remote_error", "timeout", "tls", "too_large"),
}
# In the words of git-lfs and of Go.
_WORDS: Final = (
    (re.compile(r"credentials for \S+ not found|authorization error|authentication required", re.IGNORECASE), "auth"),
    (re.compile(r"no such host|server misbehaving", re.IGNORECASE), "dns"),
    (re.compile(r"i/o timeout|timeout exceeded|deadline exceeded|handshake timeout", re.IGNORECASE), "timeout"),
    (re.compile(r"rate limit|status 429|too many requests", re.IGNORECASE), "rate_limited"),
    (re.compile(r"server error", re.IGNORECASE), "remote_error"),
)
_EMPTY_WORDS: Final = (
    "error: failed to fetch some objects",
    "Errors logged to",
    "Use `git lfs logs",
    "Check that it ex",
)
_LONGEST: Final = 600


def ask_lfs_version(git: Git) -> str:
    """Return the version of git-lfs; raise `GitSyncError` if it is not there, or too old."""
    told = git.run(["lfs", "version"], deadline=time.monotonic() + _PATIENCE, accept=lambda status: True)
    found = re.match(r"git-lfs/((\d{1,9})\.(\d{1,9})\S*)", told.stdout)
    if not found:
        raise GitSyncError("--lfs: git-lfs was not found", reason="lfs", hint=_MISSING)
    if (int(found[2]), int(found[3])) < _OLDEST:
        raise GitSyncError(f"--lfs: git-lfs {found[1]} is too old", reason="lfs", hint=_MISSING)
    return found[1]


def fetch_contents(git: Git, url: str, wanted: Collection[Pointer], storage: Path, *, deadline: float) -> None:
    """Fetch contents from the LFS server of a remote into a directory of git-lfs's form; raise `GitError`.

    None is larger than it should be, and what is not of its hash is not kept. What others have led elsewhere in that
    directory is removed first. `deadline` is on the monotonic clock.
    """
    clear_tree(storage, depth=_DEPTH)
    home = git.home / unique("lfs-")
    place = Place(git_dir=home, remote=url)
    largest = max(_SMALLEST_LIMIT, *(pointer.size for pointer in wanted))
    fetch = _FETCH.format(blocks=-(-largest // _BLOCK), home=shlex.quote(str(home)))
    try:
        _make_repository(home, url, storage)
        git.run(["fast-import", "--quiet"], deadline=deadline, place=place, sinks=Sinks(feed=_commit(wanted)))
        command = ["-c", f"alias.lfs-fetch={fetch}", "lfs-fetch"]
        done = git.run(command, deadline=deadline, place=place, accept=lambda status: True)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        for name in _BESIDE:
            nolinks.remove(storage / name)
    if done.status:
        raise _failure(done, url)


def _make_repository(home: Path, url: str, storage: Path) -> None:
    """Make the repository that it works in; raise `OSError`."""
    for directory in ("objects", "refs"):
        (home / directory).mkdir(parents=True)
    (home / "HEAD").write_text("ref: refs/heads/none\n")
    refused = shlex.quote(str(home / "refused"))
    helper = (
        f'!f() {{ if test "$1" = erase; then : >{refused}; elif test "$1" = get && ! test -e {refused}; then '
        "cd / && unset GIT_DIR && git credential fill; fi; }; f"
    )
    settings = {
        "core.repositoryFormatVersion": "0",
        "core.bare": "true",
        "remote.origin.url": url,
        "lfs.storage": str(storage),
        **_ENFORCED,
    }
    # The empty one forgets those of before, which the other one asks.
    helpers = [GitSetting("credential.helper", ""), GitSetting("credential.helper", helper)]
    (home / "config").write_text(render([*(GitSetting(key, value) for key, value in settings.items()), *helpers]))


def _commit(wanted: Collection[Pointer]) -> bytes:
    """Return the commit that has these pointers. https://git-scm.com/docs/git-fast-import#_input_format"""
    lines = [f"commit {_WANTED}\ncommitter gitsync <> 0 +0000\ndata 0\n"]
    for pointer in wanted:
        lines.append(f"M 100644 inline {pointer.oid}\ndata {len(pointer.text)}\n{pointer.text}\n")
    return "".join(lines).encode()


def _failure(done: Output, url: str) -> GitError:
    """Return the error for what it has printed."""
    lines = [line.strip() for line in entries(scrub(done.stderr))]
    telling = [line for line in lines if line and not line.startswith(_EMPTY_WORDS)]
    told = " | ".join(dict.fromkeys(telling))[:_LONGEST] or f"exit status {done.status}"
    reason = next((reason for words, reason in _WORDS if words.search(told)), None) or classify(told)
    reason = reason if reason in _OTHERS else "lfs"
    hint = _MISSING if "is not a git command" in told else advice(reason, url, told)
    return GitError(f"git lfs fetch ({scrub(url)}): {told}", reason=reason, hint=hint)
