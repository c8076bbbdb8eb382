"""The private configuration file of our git: defaults, what users ask for, and what nobody may change.

Written by the main thread, before git runs.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gitsync.config import GitSetting, RepoConfig, render

# After so many seconds without a byte a server counts as gone, long before a pass is over.
QUIET: Final = 20
_DEFAULTS: Final = (
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("init.defaultBranch", "main"),
    ("core.logAllRefUpdates", "false"),
    # A power failure leaves what was fetched whole, so that what is published can be put right without the remote. The
    # method `batch` waits only once, but takes a volume without inodes for a fault of the server (seen with 2.39).
    ("core.fsync", "objects,reference"),
    # Memory that does not grow with the files: larger ones are streamed, and no deltas are looked for.
    ("core.bigFileThreshold", "16m"),
    ("core.deltaBaseCacheLimit", "32m"),
    ("pack.deltaCacheSize", "32m"),
    ("pack.windowMemory", "32m"),
    # A server that is at work tells of its progress, or that it is alive, every few seconds.
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", str(QUIET)),
)
# What a repository, a consumer of the volume or an option must not change. https://git-scm.com/docs/git-config
_ENFORCED: Final = (
    ("safe.directory", "*"),  # the owner of a volume or of a local repository is often somebody else
    ("safe.bareRepository", "explicit"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.pager", "cat"),
    ("log.showSignature", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("gc.autoDetach", "false"),  # a child that leaves its group would outlive every deadline
    ("maintenance.autoDetach", "false"),
    ("submodule.recurse", "false"),
    # With more, git writes files in the encoding of another directory, or in none (seen with 2.39).
    ("checkout.workers", "1"),
    ("transfer.credentialsInUrl", "die"),
)


def write_configuration(path: Path, repo: RepoConfig, *, extra: Iterable[GitSetting] = ()) -> None:
    """Write the private configuration file of a repository's git; users' settings go before what is enforced."""
    replaced = {setting.key: setting for setting in repo.git.git_config}
    settings = [
        *(GitSetting(key, value) for key, value in _DEFAULTS),
        *replaced.values(),
        *repo.git.git_config_add,
        *extra,
        *(GitSetting(key, value) for key, value in (*_ENFORCED, *(_lfs_filter() if repo.git.lfs else ()))),
    ]
    path.touch(mode=0o600)
    path.write_text(render(settings))


def _lfs_filter() -> tuple[tuple[str, str], ...]:
    # Only who has content for files of LFS pays for what gives it.
    from gitsync.programs.lfsfilter import SETTINGS

    return SETTINGS
