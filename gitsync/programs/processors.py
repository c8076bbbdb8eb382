"""How many processors this process may really use: a container often has less than its machine. Any thread may ask."""

import contextlib
import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def available(cgroups: Path = _CGROUPS) -> float:
    """Return the number of processors, or the part of one, that the scheduler and the quota of the container allow.

    https://docs.kernel.org/admin-guide/cgroup-v2.html, `cpu.max`, and what version 1 has for it.
    """
    found = float(len(os.sched_getaffinity(0)))
    for paths in (
        (cgroups / "cpu.max",),
        (cgroups / "cpu" / "cpu.cfs_quota_us", cgroups / "cpu" / "cpu.cfs_period_us"),
    ):
        with contextlib.suppress(OSError, ValueError):
            quota, period = " ".join(path.read_text() for path in paths).split()
            # No quota is `max`, or -1.
            if int(quota) > 0 and int(period) > 0:
                found = min(found, int(quota) / int(period))
    return found
