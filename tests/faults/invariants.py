"""What holds whatever happens, watched from outside while it happens: `with Watch(origin, link, root) as watch:`.

A thread reads what is published all the while, as consumers do. At the end each daemon that was followed has to be at
rest: nothing is left of what was interrupted, what it says of itself is true, it ends in order, and nothing of it runs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

from tests.faults.reading import Seen, Sight
from tests.faults.remains import Bounds, remains
from tests.support.commits import Commits
from tests.support.daemon import DaemonProcess
from tests.support.eventually import AT_ONCE, eventually
from tests.support.origin import Origin
from tests.support.processes import Repeating
from tests.support.secrecy import Secrecy

# Seconds between two looks of the reader.
_PAUSE: Final = 0.01
# Problems that are kept; more of them say nothing new.
_MANY: Final = 10
_METRIC: Final = "gitsync_consecutive_failures"


@dataclass
class Watch:
    """Watches what is published at a place, and the daemons that are followed.

    `form` is that of the publication, `kept` for how many seconds readers are promised what the link has left (the
    daemon's --stale-worktree-timeout). `submodules` are the origins of those that are published, by their paths;
    `secrets` may be seen nowhere; `bounds` says how many trees and stores may be there at the end.
    """

    origins: Origin | Sequence[Origin]
    link: Path
    root: Path
    _: KW_ONLY
    form: str = "symlink"
    kept: float = 0.0
    subpath: str = ""
    submodules: Mapping[str, Origin] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        """Look at what is there already: from the first publication on there always is something."""
        origins = [self.origins] if isinstance(self.origins, Origin) else self.origins
        commits = Commits(
            [origin.path for origin in origins],
            subpath=self.subpath,
            submodules={path: origin.path for path, origin in self.submodules.items()},
        )
        self.sight = Sight(self.link, commits, form=self.form, kept=self.kept)
        self.problems: list[str] = []
        # The commits that were seen, in their order; each of several with the same files.
        self.seen: list[frozenset[str]] = []
        self._excused: set[str | None] = set()
        self._daemons: list[DaemonProcess] = []
        self._secrecies: list[Secrecy] = []
        self._reader = Repeating(self._read, interval=_PAUSE)

    def __enter__(self) -> Self:
        self._read()
        self._reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._check_end()
        finally:
            self._reader.__exit__()
            for secrecy in self._secrecies:
                secrecy.__exit__(None, None, None)
            if error is not None and self.problems:
                error.add_note(f"and readers saw: {self.problems}")
        if error is None:
            self._check_problems()

    def follow(self, daemon: DaemonProcess) -> DaemonProcess:
        """Watch a daemon as well, from its start; return it."""
        self._daemons.append(daemon)
        if self.secrets:
            self._secrecies.append(Secrecy(daemon, root=self.root, secrets=self.secrets).__enter__())
        return daemon

    def excuse(self) -> None:
        """Put up with what is wrong at the moment, as the test has done that: until it is repaired, and no worse.

        To be called before `__enter__`, or while nothing changes.
        """
        self._excused.add(self.sight.look().problem)
        self.problems.clear()

    def check(self, commit: str | None = None) -> None:
        """Fail if anything was wrong so far, or nothing whole is published now, or not this commit."""
        self._check_problems()
        now = self.sight.look()
        assert now.problem is None, now.problem
        assert now.commits, f"nothing is published at {self.link}"
        assert commit is None or commit in now.commits, f"{sorted(now.commits)} is published, and not {commit}"

    def wait_published(self, commit: str, daemon: DaemonProcess) -> None:
        """Wait until a daemon has published a commit, in whatever form."""
        daemon.until(lambda: commit in self.sight.look().commits)

    def _read(self) -> None:
        """Look as a consumer; called by the reader's thread."""
        now = self.sight.look()
        if now.commits and (not self.seen or self.seen[-1] != now.commits):
            self.seen.append(now.commits)
        problem = now.problem
        if now == Seen() and self.seen and self.form != "inplace":
            problem = f"nothing is at {self.link} any more"
        if problem and problem not in self._excused and len(self.problems) < _MANY:
            self.problems.append(problem)

    def _check_problems(self) -> None:
        assert not self.problems, f"readers saw: {self.problems}"

    def _check_end(self) -> None:
        """All daemons are at rest, and end in order; nothing is left of them."""
        running = [daemon for daemon in self._daemons if daemon.process.poll() is None]
        for daemon in running:
            daemon.until(lambda daemon=daemon: self._is_truthful(daemon))  # type: ignore[misc]
        # Who was killed may leave what the next one removes.
        if running or not self._daemons or self._daemons[-1].process.returncode >= 0:
            self._check_remains(AT_ONCE if running else 0.0)
        for secrecy in self._secrecies:
            secrecy.check()
        for daemon in running:
            code = daemon.terminate() if daemon.process.poll() is None else daemon.wait_exit()
            assert code == 0, daemon.describe()
            scratch = [path.name for path in daemon.tmpdir.glob("gitsync-*")]
            assert not scratch, f"left in the temporary directory: {scratch}"
        for daemon in self._daemons:
            daemon.check_nothing_runs()

    def _check_remains(self, patience: float) -> None:
        """Nothing is left on the volume, in a while."""

        def clean() -> bool:
            found = remains(self.root, published={self.link}, bounds=self.bounds)
            assert not found, found
            return True

        eventually(clean, timeout=patience)

    def _is_truthful(self, daemon: DaemonProcess) -> bool:
        """Compare probes, status and metrics with what is published, and with each other."""
        status = self._status(daemon)
        metrics = daemon.metrics(status["repo"])
        told = {name for name in metrics if name.startswith("gitsync_published_info{")}
        code, now = daemon.get(f"/readyz?repo={status['repo']}")[0], self.sight.look()
        assert daemon.get("/healthz")[0] == 200
        assert (code == 200) == status["ready"] == bool(now.commits), (code, status, now)
        assert not now.commits or status["hash"] in now.commits, (status, now)
        assert not told or f'hash="{status["hash"]}"' in "".join(told), (status, told)
        assert metrics[_METRIC] == status["consecutive_failures"], (status, metrics[_METRIC])
        assert bool(status["consecutive_failures"]) <= bool(status["error"]), status
        return True

    def _status(self, daemon: DaemonProcess) -> dict[str, Any]:
        """Return what /status says of what is published here."""
        shown = json.loads(daemon.get("/status")[1])["repos"]
        here = [each for each in shown if Path(each["link"]) == self.link]
        assert here, f"/status says nothing of {self.link}: {shown}"
        return cast(dict[str, Any], here[0])
