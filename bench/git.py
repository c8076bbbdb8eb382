"""The same work, done by plain git: what is compared with."""

from dataclasses import dataclass
from pathlib import Path

from bench.costs import Cost, run
from tests.support.git import git_environment

REF = "refs/bench/head"


@dataclass(frozen=True)
class PlainGit:
    """A store without a tree and a tree beside it, as a program would have them that runs the least of git."""

    url: str
    directory: Path
    submodules: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a command that works on store and tree."""
        environment = {**git_environment(), "GIT_ALLOW_PROTOCOL": "file:http"}
        if not self.submodules:  # `git submodule` works in a tree that has its store within
            environment |= {
                "GIT_DIR": str(self.directory / "store"),
                "GIT_WORK_TREE": str(self.directory / "tree"),
            }
        return environment

    def git(self, *arguments: str) -> Cost:
        """Run a command on store and tree."""
        return run(["git", *arguments], environment=self.environment, directory=self.directory / "tree")

    def create(self) -> Cost:
        """Make the store."""
        (self.directory / "tree").mkdir(parents=True)
        bare = [] if self.submodules else ["--bare"]
        place = "tree" if self.submodules else "store"
        return run(["git", "init", "--quiet", *bare, place], environment=git_environment(), directory=self.directory)

    def fetch(self) -> Cost:
        """Fetch the newest commit alone, under a ref that stays, so that the next one costs the difference."""
        refspec = f"+refs/heads/main:{REF}"
        return self.git("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", self.url, refspec)

    def check_out(self, *, workers: int = 1) -> Cost:
        """Write the files of the newest commit."""
        cost = self.git("-c", f"checkout.workers={workers}", "reset", "--hard", "--quiet", REF)
        if self.submodules:
            # Their URLs are relative to this one's.
            cost += self.git("config", "remote.origin.url", self.url)
            cost += self.git("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
        return cost

    def clean(self) -> Cost:
        """Remove what is not of the commit."""
        return self.git("clean", "-ffdx", "--quiet")

    def update(self) -> Cost:
        """Bring the tree from the commit before to the newest one."""
        return self.fetch() + self.check_out() + self.clean()

    def compare(self) -> Cost:
        """Compare all files with the commit."""
        return self.git("update-index", "--refresh")


def ls_remote(url: str, *, trace: Path | None = None) -> Cost:
    """Ask for a ref, as an idle poll has to."""
    environment = git_environment() | ({"GIT_TRACE2_EVENT": str(trace)} if trace else {})
    return run(["git", "ls-remote", "--quiet", "--symref", url, "refs/heads/main"], environment=environment)


def first(url: str, directory: Path, *, submodules: bool = False) -> tuple[PlainGit, Cost]:
    """Fetch and check out afresh, in the fastest of two ways; return the repository and what it cost."""
    made = []
    for workers in (1, 2):
        plain = PlainGit(url, directory / f"workers-{workers}", submodules)
        made.append((plain, plain.create() + plain.fetch() + plain.check_out(workers=workers)))
    return min(made, key=lambda each: each[1].wall)
