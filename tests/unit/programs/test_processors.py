"""How many processors there are for us."""

import os
from pathlib import Path

import pytest

from gitsync.programs.processors import available

ALL = float(len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ALL),
        ({"cpu.max": "max 100000\n"}, ALL),
        ({"cpu.max": "50000 100000\n"}, 0.5),
        ({"cpu.max": "6400000 100000\n"}, min(ALL, 64)),
        ({"cpu.max": "garbage\n"}, ALL),
        ({"cpu.max": "50000 0\n"}, ALL),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, ALL),
        ({"cpu/cpu.cfs_quota_us": "25000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.25),
    ],
)
def test_quota_counts(tmp_path: Path, files: dict[str, str], expected: float) -> None:
    """The quota of either version of cgroups lowers the number, and what cannot be read does not."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert available(tmp_path) == expected
