"""Every parser of ours holds what it promises on all of its corpus, and on a few thousand bytes made of it."""

from pathlib import Path

import pytest

from tests.fuzz.fuzzing import TARGETS, try_round
from tests.fuzz.target import CORPUS, HungError, Target

EXAMPLES = 40


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_parser(target: Target, tmp_path: Path) -> None:
    """It raises nothing but what it documents, and ends; what has once broken it does so no more."""
    for data in target.corpus:
        target.show(data, tmp_path)
    try_round(target, tmp_path, examples=EXAMPLES)


def test_every_corpus_is_a_parsers() -> None:
    """Nothing lies there that is never tried."""
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(target.name for target in TARGETS)


def test_what_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody has thought of, and a loop without end, are told of."""

    def hang(data: bytes, scratch: Path) -> None:
        while data:
            pass

    broken = Target("url", lambda data, scratch: data.index(b"/"), (KeyError,))
    with pytest.raises(ValueError, match="not found") as caught:
        try_round(broken, tmp_path, examples=50)
    assert "url" in caught.value.__notes__[-1]
    monkeypatch.setattr("tests.fuzz.target._PATIENCE", 0.1)
    with pytest.raises(HungError):
        Target("url", hang).show(b"x", tmp_path)
