"""The facts about a machine that figures mean nothing without."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from tests.support.git import git


def facts(directory: Path) -> dict[str, str | int]:
    """Return them; the file system is the one that a directory lies on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "file_system": _file_system(directory),
        "git": git(None, "--version").removeprefix("git version "),
        "python": platform.python_version(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _file_system(directory: Path) -> str:
    """Return the type of the file system, that of the mount point which is nearest above the directory."""
    kind, longest = "unknown", -1
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, found = line.split()[:3]
        if directory.resolve().is_relative_to(mount) and len(mount) >= longest:
            kind, longest = found, len(mount)
    return kind
