"""What is noted of pointers is read back; what others have written in its place counts for nothing."""

import json
from pathlib import Path

import pytest

from gitsync.base.errors import CheckoutError
from gitsync.base.pointer import Pointer
from gitsync.volume import pointers
from gitsync.volume.pointers import Kept, read_pointers, write_pointers

OID = "0a" * 32
ROW = ["1b" * 20, OID, 12]
NOTE = "gitsync-pointers"


def test_note(tmp_path: Path) -> None:
    """Paths may be no valid text."""
    kept = {path: Kept("1b" * 20, Pointer(OID, 12)) for path in ("a b", "ü", "x\udcff")}
    write_pointers(tmp_path, kept)
    assert read_pointers(tmp_path) == kept


def test_no_note(tmp_path: Path) -> None:
    """A tree without a note has no such files."""
    assert read_pointers(tmp_path) == {}


def test_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be read back is refused."""
    monkeypatch.setattr(pointers, "_LIMIT", 100)
    with pytest.raises(CheckoutError, match="too many files, 2"):
        write_pointers(tmp_path, {path: Kept("1b" * 20, Pointer(OID, 12)) for path in "ab"})


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "[" * 100_000, json.dumps({"a": ROW})[:-1]])
def test_no_json(tmp_path: Path, text: str) -> None:
    """What is cut, or nested without end, is none."""
    (tmp_path / NOTE).write_text(text)
    assert read_pointers(tmp_path) == {}


@pytest.mark.parametrize(
    "row", [None, [], ROW[:2], [*ROW, 1], [1, OID, 12], ["", "../x", 12], ["", OID, "12"], ["", 1, 1]]
)
def test_foreign_rows(tmp_path: Path, row: object) -> None:
    """Only rows of our form are read; a hash is part of a path, and may lead nowhere else."""
    (tmp_path / NOTE).write_text(json.dumps({"a": row, "b": ROW}))
    assert read_pointers(tmp_path).keys() == {"b"}
