"""How measured values are summed up and written."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.figures import quantile, slope, table, write
from bench.soak import Sample, slopes


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.51, 3.0), (0.99, 4.0), (1.0, 4.0)])
def test_quantile(share: float, expected: float) -> None:
    """A quantile is one of the values, in whatever order they come."""
    assert quantile([3.0, 1.0, 4.0, 2.0], share) == expected


def test_slope() -> None:
    """Growth is told for a step of the size that is asked for."""
    assert slope([0, 100, 200], [5, 15, 25], per=1000) == pytest.approx(100)


def test_growth_after_the_warm_up() -> None:
    """What happens in the first half of the passes is not growth."""
    samples = [Sample(number * 100, 1_000_000 if number > 5 else 0, 10, number) for number in range(1, 11)]
    assert slopes(samples) == pytest.approx({"memory": 0.0, "descriptors": 0.0, "threads": 10.0})


def test_table() -> None:
    """Numbers are rounded to what can be read, and what there is not is empty."""
    written = table(["name", "one", "two"], [("a", 12345, 1234.5), ("b", None, 0.01234)])
    assert written.splitlines() == [
        "| name | one | two |",
        "| --- | --: | --: |",
        "| a | 12,345 | 1,234 |",
        "| b |  | 0.0123 |",
    ]


def test_json(tmp_path: Path) -> None:
    """Dataclasses are written as what they hold, into a directory that need not exist."""

    @dataclass
    class Value:
        number: int

    write(tmp_path / "results" / "a.json", {"values": [Value(1)]})
    assert json.loads((tmp_path / "results" / "a.json").read_text()) == {"values": [{"number": 1}]}
