"""The benchmark's own arithmetic, and the table that it prints."""

import json
from pathlib import Path

import pytest

from bench.meters import traced
from bench.results import Measure, Results, Statistics

WALL = Measure("idle poll", "20 files", 20, "file", "wall", "ms")
RSS = Measure("memory", "20 files", 20, "file", "RSS", "MB")


@pytest.fixture
def results() -> Results:
    """Samples of plain git, gitsync and a peer; of memory, gitsync's alone."""
    found = Results(["gitsync", "peer"])
    for subject, samples in {"git": (0.004, 0.002, 0.003), "gitsync": (0.006, 0.0075), "peer": (1.5,)}.items():
        for sample in samples:
            found.add(WALL, subject, sample)
    found.add(RSS, "gitsync", 37_000_000)
    return found


def test_statistics_are_of_all_samples_in_the_unit(results: Results) -> None:
    """Given samples in seconds, when they are asked for, then median, minimum and maximum are in milliseconds."""
    assert results.of(WALL, "git") == Statistics(3.0, 2.0, 4.0, (4.0, 2.0, 3.0))


def test_ratio_is_of_medians(results: Results) -> None:
    """Given a subject and plain git, when the ratio is taken, then it is that of their medians, else there is none."""
    assert results.ratio(WALL, "gitsync") == pytest.approx(2.25)
    assert results.ratio(RSS, "gitsync") is None
    assert results.of(RSS, "peer") is None


def test_table_has_a_line_for_each_measure(results: Results) -> None:
    """Given measures, some without a baseline or a peer, when the table is printed, then they stand in their order."""
    assert results.table().splitlines() == [
        "| what | repository | over | measure | plain git | gitsync | ratio | peer | ratio |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
        "| idle poll | 20 files | file | wall, ms | 3 | 6.75 | 2.25 | 1,500 | 500.00 |",
        "| memory | 20 files | file | RSS, MB | - | 37 | - | - | - |",
    ]


def test_json_has_all_samples(results: Results) -> None:
    """Given measures, when they are written as JSON, then nothing is left out and nothing made up."""
    idle, memory = json.loads(json.dumps(results.json()))
    assert (idle["row"], idle["files"], idle["unit"]) == ("idle poll", 20, "ms")
    assert idle["subjects"]["peer"] == {"median": 1500.0, "min": 1500.0, "max": 1500.0, "samples": [1500.0]}
    assert idle["ratios"]["peer"] == pytest.approx(500)
    assert (list(memory["subjects"]), memory["ratios"]) == (["gitsync"], {})


def test_traces_tell_whose_processes_they_are_of(tmp_path: Path) -> None:
    """Given traces of git, one of which started another, when they are counted, then one is told from the other."""
    for name, identifier in {"1": "a-1", "2": "a-1/b-2", "3": "c-3"}.items():
        (tmp_path / name).write_text(json.dumps({"event": "version", "sid": identifier}) + "\nnot read\n")
    assert traced(tmp_path) == (3, 2)
