"""What is neither a file nor a directory is found without following a link."""

import os
from pathlib import Path

from gitsync.programs.planted import irregular


def test_irregular(tmp_path: Path) -> None:
    """Links and pipes are told, however deep, but not what lies deeper than asked for or behind a link."""
    ours = tmp_path / "ours"
    (ours / "a" / "b").mkdir(parents=True)
    (tmp_path / "foreign" / "inner").mkdir(parents=True)
    (tmp_path / "foreign" / "inner" / "link").symlink_to("nowhere")
    (ours / "way").symlink_to(tmp_path / "foreign")
    (ours / "file").touch()
    os.mkfifo(ours / "a" / "pipe")
    (ours / "a" / "b" / "dangling").symlink_to("nowhere")
    assert set(irregular(ours, depth=3)) == {ours / "way", ours / "a" / "pipe", ours / "a" / "b" / "dangling"}
    assert set(irregular(ours, depth=1)) == {ours / "way"}
    for nothing in (ours / "way", ours / "way" / "inner", ours / "file", ours / "missing"):
        assert list(irregular(nothing, depth=3)) == []
