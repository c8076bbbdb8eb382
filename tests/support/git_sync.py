"""A root as kubernetes/git-sync leaves it, written with git's own commands."""

from pathlib import Path

from tests.support.git import run_git
from tests.support.origin import Origin

# Where the tree of a commit is, by the version.
TREES = {"v4": ".worktrees/{}", "v3": "rev-{}"}


def write_root(root: Path, origin: Origin, form: str) -> Path:
    """Write a root as git-sync does, with git's own commands; return the tree."""
    root.mkdir()
    run_git(None, "init", "--quiet", "--initial-branch=git-sync", str(root))
    run_git(root, "fetch", "--quiet", "--depth=1", str(origin.path), "HEAD")
    tree = root / form.format(origin.head)
    run_git(root, "worktree", "add", "--quiet", "--force", "--detach", str(tree), origin.head)
    (root / "site.git").symlink_to(tree.relative_to(root))
    return tree
