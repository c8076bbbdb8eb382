"""Promise: what the documents say about growth can be measured again."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.daemon import PACKAGE_ROOT
from tests.support.network import apart


def _bench(*arguments: str, output: Path) -> str:
    command = [sys.executable, "-m", "bench", *arguments, f"--output={output}"]
    return subprocess.run(command, cwd=PACKAGE_ROOT, check=True, capture_output=True, text=True).stdout


def test_soak(tmp_path: Path) -> None:
    """Given a few passes, then the table has every quantity, and the samples are kept."""
    assert "growth in 1,000 passes" in _bench("soak", "--passes=40", "--every=10", output=tmp_path)
    found = json.loads((tmp_path / "soak.json").read_text())
    assert [sample["passes"] for sample in found["samples"]] == [10, 20, 30, 40]
    assert found["per_1000_passes"].keys() == {"memory", "descriptors", "threads"}


def test_soak_over_https(tmp_path: Path) -> None:
    """Given a server, then it is said how often it was asked, and over how many connections."""
    assert "TLS handshakes" in _bench("soak", "--passes=40", "--every=10", "--over=https", output=tmp_path)
    seen = json.loads((tmp_path / "soak.json").read_text())["seen"]
    assert 1 <= seen["handshakes"] < seen["requests"]


def test_store(tmp_path: Path) -> None:
    """Given a few pushes, then both stores hold at least what is live."""
    assert "git, never cleaned" in _bench("store", "--pushes=3", output=tmp_path)
    found = json.loads((tmp_path / "store-large.json").read_text())
    for name in ("gitsync", "git"):
        assert len(found[name]["sizes"]) == len(found[name]["updates"]) == 3
        assert found[name]["sizes"][-1] >= 1_000_000


@apart
def test_replicas(tmp_path: Path) -> None:
    """Given a few replicas, then each push has the time to the first and to the last of them."""
    assert "first to last" in _bench("replicas", "--replicas=3", "--pushes=2", output=tmp_path)
    found = json.loads((tmp_path / "replicas.json").read_text())
    assert [0 < push["first"] <= push["median"] <= push["last"] for push in found["pushes"]] == [True, True]
