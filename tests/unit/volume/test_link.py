"""The link: read, and replaced in one step."""

import os
from pathlib import Path

import pytest

from gitsync.base import nolinks
from gitsync.base.errors import PublishError
from gitsync.volume.link import LinkPublisher
from gitsync.volume.tree import Tree
from tests.unit.examples import HASH, OTHER_HASH


@pytest.fixture
def publisher(tmp_path: Path) -> LinkPublisher:
    """The link `www` in a root with two trees."""
    for name in (HASH, OTHER_HASH):
        (tmp_path / ".worktrees" / name).mkdir(parents=True)
    return LinkPublisher(tmp_path / "www", tmp_path)


def tree(publisher: LinkPublisher, name: str = HASH) -> Path:
    """Return one of the trees."""
    return publisher.link.parent / ".worktrees" / name


def show(publisher: LinkPublisher, path: Path) -> None:
    """Publish a tree of which only the path matters."""
    publisher.publish(Tree(path=path, metadata=path), path)


def test_publish(publisher: LinkPublisher) -> None:
    """The link is relative, and the last part of its target is the hash."""
    show(publisher, tree(publisher))
    assert os.readlink(publisher.link) == f".worktrees/{HASH}"
    assert publisher.current() == tree(publisher)
    assert publisher.leads_to_tree()


def test_replace(publisher: LinkPublisher) -> None:
    """A second publication replaces the link and leaves nothing beside it."""
    show(publisher, tree(publisher))
    show(publisher, tree(publisher, OTHER_HASH))
    assert publisher.current() == tree(publisher, OTHER_HASH)
    assert sorted(entry.name for entry in publisher.link.parent.iterdir()) == [".worktrees", "www"]


def test_never_without_a_link(publisher: LinkPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the last step fails, the old link is untouched and nothing is left beside it."""
    show(publisher, tree(publisher))

    def fail(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nolinks, "rename", fail)
    with pytest.raises(PublishError, match="No space") as caught:
        show(publisher, tree(publisher, OTHER_HASH))
    assert caught.value.reason == "no_space"
    assert publisher.current() == tree(publisher)
    assert sorted(entry.name for entry in publisher.link.parent.iterdir()) == [".worktrees", "www"]


def test_link_elsewhere(publisher: LinkPublisher, tmp_path: Path) -> None:
    """A link in a directory that does not exist yet, outside of the root, leads to the tree as well."""
    elsewhere = LinkPublisher(tmp_path / "a" / "b" / "www", tmp_path)
    show(elsewhere, tree(publisher))
    assert os.readlink(elsewhere.link) == f"../../.worktrees/{HASH}"
    assert elsewhere.current() == tree(publisher)


def test_link_in_a_linked_directory(publisher: LinkPublisher, tmp_path: Path) -> None:
    """The target is relative to where the link really is; a directory that has become a link since is not followed."""
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "alias").symlink_to("real/deep")
    aliased = LinkPublisher(tmp_path / "alias" / "www", tmp_path)
    with pytest.raises(PublishError, match="alias"):
        show(aliased, tree(publisher))
    located = LinkPublisher((tmp_path / "alias").resolve() / "www", tmp_path)
    show(located, tree(publisher))
    assert aliased.leads_to_tree()
    assert aliased.link.resolve() == tree(publisher).resolve()


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_blocked(publisher: LinkPublisher, kind: str) -> None:
    """What stands in the link's place and is no link stays, and is named in the error."""
    if kind == "file":
        publisher.link.write_text("mine")
    else:
        publisher.link.mkdir()
    for act in (publisher.check, lambda: show(publisher, tree(publisher))):
        with pytest.raises(PublishError, match=r"www is not a symbolic link") as caught:
            act()
        assert caught.value.reason == "link_blocked"
        assert caught.value.hint == "move it away, or choose another path with --link"
    assert publisher.link.is_dir() or publisher.link.read_text() == "mine"


def test_foreign_link(publisher: LinkPublisher) -> None:
    """A link that somebody has made, even one that leads nowhere, is replaced."""
    publisher.link.symlink_to("/no/where")
    publisher.check()
    show(publisher, tree(publisher))
    assert publisher.current() == tree(publisher)


def test_no_link(publisher: LinkPublisher) -> None:
    """Without a link there is nothing to say about it."""
    assert publisher.current() is None
    assert publisher.published_at() is None
    assert not publisher.leads_to_tree()
    publisher.check()


@pytest.mark.parametrize(
    ("target", "path"),
    [("/abs/x", "/abs/x"), ("a/../b", "{}/b"), ("../c", "{}/../c"), (".worktrees/x/", "{}/.worktrees/x")],
)
def test_current(publisher: LinkPublisher, target: str, path: str) -> None:
    """The target is told as an absolute path, whether there is anything or not."""
    publisher.link.symlink_to(target)
    assert publisher.current() == Path(os.path.normpath(path.format(publisher.link.parent)))


def test_leads_to_tree(publisher: LinkPublisher) -> None:
    """Only a link to a directory is what consumers want."""
    publisher.link.symlink_to("gone")
    assert not publisher.leads_to_tree()
    (publisher.link.parent / "gone").touch()
    assert not publisher.leads_to_tree()
    publisher.link.unlink()
    publisher.link.mkdir()
    assert not publisher.leads_to_tree()


def test_published_at(publisher: LinkPublisher) -> None:
    """The time of the publication is that of the link, not of the tree."""
    show(publisher, tree(publisher))
    os.utime(publisher.link, (1000, 2000), follow_symlinks=False)
    assert publisher.published_at() == 2000


def test_sweep(publisher: LinkPublisher) -> None:
    """What a killed publication has left beside the link is removed; the link and other names stay."""
    show(publisher, tree(publisher))
    left = publisher.link.with_name(".www.0123456789ab.gitsync-tmp")
    left.symlink_to(".worktrees/x")
    others = [
        publisher.link.with_name(name) for name in ("www.tmp", ".www.0123456789ab.tmp", ".web.0123456789ab.gitsync-tmp")
    ]
    for other in others:
        other.touch()
    publisher.sweep()
    assert not left.is_symlink()
    assert all(other.exists() for other in [*others, publisher.link])


def test_link_that_cannot_be_made_is_named(publisher: LinkPublisher, tmp_path: Path) -> None:
    """The message names the link, not the tree that it was to lead to, and what a link needs."""
    (tmp_path / "file").touch()
    elsewhere = LinkPublisher(tmp_path / "file" / "www", tmp_path)
    with pytest.raises(PublishError, match=str(elsewhere.link)) as caught:
        show(elsewhere, tree(publisher))
    assert "symbolic links" in (caught.value.hint or "")
