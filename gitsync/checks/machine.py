"""Checks of the container: temporary files, watches, ports."""

import os

from gitsync.base.errors import GitSyncError
from gitsync.checks.check import Found, NotNeededError, Subject
from gitsync.checks.volume import holder
from gitsync.programs.keyrings import Keyrings
from gitsync.programs.lfs import ask_lfs_version
from gitsync.server.listening import listen
from gitsync.triggers.watch import NO_WATCHES, try_watching
from gitsync.triggers.watched import local_path, watched_files


def tmp(subject: Subject, deadline: float) -> Found:
    """Make the private files that git needs."""
    return Found(message=f"private files lie in {subject.tools.home.parent}")


def watches(subject: Subject, deadline: float) -> Found:
    """See whether files can be watched, where some have to be."""
    files = watched_files(subject.repo)
    local = local_path(subject.repo.repo)
    directory = next((path.parent for path in files if path.parent.is_dir()), local)
    if directory is None or not directory.is_dir():
        raise NotNeededError("no file is watched")
    try:
        try_watching(directory)
    except OSError as error:
        message = f"{error.strerror or error}: changes of files are noticed after seconds, and not at once"
        return Found(message=message, cure=NO_WATCHES)
    return Found(message=f"inotify has room for {directory}")


def signatures(subject: Subject, deadline: float) -> Found:
    """See whether signatures can be verified, where there have to be any."""
    options = subject.repo.content.verification
    if not options.wanted:
        raise NotNeededError("nothing has to be signed")
    Keyrings(options, subject.tools.home).check()
    return Found(message=f"keys: {', '.join(map(str, options.files))}")


def lfs(subject: Subject, deadline: float) -> Found:
    """Ask which git-lfs there is, where files that are kept in LFS are to have their content."""
    if not subject.repo.git.lfs:
        raise NotNeededError("files that are kept in LFS stay pointers")
    return Found(message=f"git-lfs {ask_lfs_version(subject.tools.git)}")


def ports(subject: Subject, deadline: float) -> Found:
    """See whether the addresses are free that are to be served at."""
    config = subject.config
    binds = [bind for bind in dict.fromkeys((config.http.bind, config.receiver.bind)) if bind]
    if not binds:
        raise NotNeededError("nothing is served")
    for bind in binds:
        try:
            listen(bind).close()
        except GitSyncError as error:
            if error.reason == "port_taken" and (other := _running(subject)):
                return Found(message=f"{error}; a gitsync runs here ({other})", cure="if it is this one all is well")
            if bind.required:
                raise
            return Found(message=f"{error}; it would do without", cure=error.hint)
    free = ", ".join(f"{bind.host or '*'}:{bind.port}" for bind in binds)
    return Found(message=f"{free}: free")


def _running(subject: Subject) -> str | None:
    """Return who is at work on the root on this machine, None if nobody is or that is not known."""
    try:
        other = holder(subject)
    except OSError:
        return None
    return other if other and other.endswith(f" on {os.uname().nodename}") else None
