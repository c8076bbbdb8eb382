"""Directories that no commit has: git knows of files alone."""

from pathlib import Path

from gitsync.volume.strays import tidy_up


def test_directories_without_files(tmp_path: Path) -> None:
    """They go, with those in them that have none; what has files, and what is to be kept, stays."""
    for name in ("a/b/c", "a/d", "files/e", "kept/f"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "files" / "file").touch()
    tidy_up(tmp_path, kept=[tmp_path / "kept"])
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["files", "files/file", "kept", "kept/f"]


def test_repositories_of_others(tmp_path: Path) -> None:
    """A directory that somebody has made a repository goes whole, as git would look at nothing in it."""
    (tmp_path / "a" / ".git" / "objects").mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    (tmp_path / "file").touch()
    tidy_up(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
