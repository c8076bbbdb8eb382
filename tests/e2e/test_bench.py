"""Promises of the benchmark: one command measures the program beside plain git, and tells the same in every form."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.daemon import PACKAGE_ROOT


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "--quick", "--runs=1", *arguments]
    return subprocess.run(command, cwd=PACKAGE_ROOT, capture_output=True, text=True, check=False)


def test_idle_poll_is_measured_beside_plain_git(tmp_path: Path) -> None:
    """Given the program, when its idle polls are measured, then it and plain git have figures, and nothing stays."""
    work, output = tmp_path / "work", tmp_path / "results"
    result = _bench("--only=idle poll", f"--directory={work}", f"--output={output}", f"--python={sys.executable}")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "| what | repository | over | measure | plain git | gitsync | ratio |"
    told = json.loads((output / "results.json").read_text())
    assert len(lines) == 2 + len(told["rows"])
    assert {"cores", "kernel", "file_system", "git", "python", "date"} <= told["machine"].keys()
    for row in told["rows"]:
        assert row["subjects"].keys() == {"git", "gitsync"}
    own = {row["transport"]: row["subjects"]["gitsync"] for row in told["rows"] if row["name"] == "of these, its own"}
    assert {transport: found["median"] for transport, found in own.items()} == {
        "file": 1,
        "http": 0,
        "https": 0,
        "ssh": 1,
    }
    handshakes = next(row["subjects"] for row in told["rows"] if row["name"] == "TLS handshakes")
    assert {subject: found["median"] for subject, found in handshakes.items()} == {"git": 1, "gitsync": 0}
    assert not work.exists()


def test_peer_has_a_column(tmp_path: Path) -> None:
    """Given another program that takes the same flags, when it is named, then it is measured as well."""
    places = (f"--directory={tmp_path / 'work'}", f"--output={tmp_path / 'results'}", f"--python={sys.executable}")
    result = _bench("--only=memory", f"--peer={sys.executable} -m gitsync", *places)
    assert result.returncode == 0, result.stderr
    told = json.loads((tmp_path / "results" / "results.json").read_text())
    assert [row["transport"] for row in told["rows"]] == ["file", "file", "https", "https", "ssh", "ssh"]
    assert all(row["subjects"].keys() == {"gitsync", "peer"} for row in told["rows"])
    assert result.stdout.splitlines()[0].endswith("| gitsync | ratio | peer | ratio |")


def test_peer_that_fails_costs_its_cells(tmp_path: Path) -> None:
    """Given another program that ends at once, when rows are measured, then the others have figures, and it is told."""
    places = (f"--directory={tmp_path / 'work'}", f"--output={tmp_path / 'results'}", f"--python={sys.executable}")
    result = _bench("--only=memory", "--only=disk", "--only=populated", f"--peer={shutil.which('false')}", *places)
    assert result.returncode == 0, result.stderr
    told = json.loads((tmp_path / "results" / "results.json").read_text())
    assert {row["row"] for row in told["rows"]} == {"memory, idle", "disk of the root", "restart, populated root"}
    assert all("peer" not in row["subjects"] and "gitsync" in row["subjects"] for row in told["rows"])
    assert "peer has failed, memory, idle: 20 files, file" in result.stderr


def test_row_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """Given a name that no row has, when the benchmark is started, then it names those that there are."""
    result = _bench("--only=nothing like it", f"--directory={tmp_path / 'work'}")
    assert result.returncode == 2
    assert "idle poll" in result.stderr
