"""The link's place in the moment in which what stands there is replaced."""

from pathlib import Path

import pytest

from gitsync.base import swap
from gitsync.base.errors import PublishError
from gitsync.volume.linkplace import LinkPlace


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """A link, beside a directory that is about to take its place."""
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "ours").touch()
    (tmp_path / "link").symlink_to("old")
    return tmp_path / "link"


def test_directory_for_a_link(link: Path, tmp_path: Path) -> None:
    """A link holds nothing, so it goes, whoever has made it."""
    LinkPlace(link, tmp_path).replace(tmp_path / "new", None)
    assert [path.name for path in link.iterdir()] == ["ours"]
    assert not (tmp_path / "new").exists()


def test_somebody_is_quicker(link: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that somebody has put in the link's place after the last look is given back, with what is in it."""
    real = swap.exchange

    def late(one: Path, other: Path) -> None:
        if link.is_symlink():
            link.unlink()
            link.mkdir()
            (link / "theirs").touch()
        real(one, other)

    monkeypatch.setattr(swap, "exchange", late)
    with pytest.raises(PublishError, match="is not a symbolic link") as raised:
        LinkPlace(link, tmp_path).replace(tmp_path / "new", None)
    assert raised.value.reason == "link_blocked"
    assert [path.name for path in link.iterdir()] == ["theirs"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["ours"]
