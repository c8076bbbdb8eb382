"""The repositories of a soak, the servers they lie on, and the daemon that follows all of them from one file."""

import contextlib
import io
import random
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from tests.faults.invariants import Watch
from tests.faults.remains import Bounds
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Content, Gitlink, Origin, noise
from tests.support.stall import Proxy

PASSWORD: Final = "Tr0ub4dor-and-3"
# Seconds for which readers keep what the link has left, and until a pass gives up.
KEPT: Final = 10.0
SYNC_TIMEOUT: Final = 10.0
_FILES: Final = 30
# After kills in quick succession several trees may wait for their time to be over.
_BOUNDS: Final = Bounds(trees=12, stores=2)


@dataclass
class Followed:
    """One repository: where it is pushed to, where it is published, and what watches that."""

    name: str
    origin: Origin
    watch: Watch
    entry: str
    submodule: Origin | None = None
    earlier: list[str] = field(default_factory=list)

    def push(self, rng: random.Random) -> None:
        """Push a commit that changes some files, adds one, and may remove one."""
        self.earlier.append(self.origin.head)
        number = len(self.earlier)
        changes: dict[str, Content] = {
            f"part/{rng.randrange(_FILES)}.txt": f"{number}\n" * rng.randrange(1, 2000)
            for _ in range(rng.randrange(1, 6))
        }
        changes[f"part/added/{rng.randrange(_FILES)}"] = noise(rng.randrange(50_000), seed=number)
        changes[f"other/{rng.randrange(_FILES)}"] = rng.choice([None, f"{number}\n"])
        if self.submodule and rng.random() < 0.3:
            changes["vendor"] = Gitlink(self.submodule.commit({"version": f"{number}\n"}))
        self.origin.commit(changes)


class Field:
    """All of it; a context manager, which ends with the checks of every watch."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root"
        self.file = directory / "gitsync.yaml"
        self.password = directory / "password"
        self.origins = directory / "origins"
        # Seconds between two polls.
        self.period = 1.0
        self._stack = ExitStack()
        self._starts = 0
        self.followed: list[Followed] = []

    def __enter__(self) -> "Field":
        self.origins.mkdir(parents=True)
        self.password.write_text(PASSWORD)
        self.open = self._stack.enter_context(GitHttpServer(self.origins))
        self.closed = self._stack.enter_context(GitHttpServer(self.origins, username="ada", password=PASSWORD))
        self.proxy = self._stack.enter_context(Proxy(self.open.port))
        self.followed = [self._site(), self._private(), self._placed(), self._part(), self._whole()]
        self.write()
        for each in self.followed:
            self._stack.enter_context(each.watch)
        self.daemon = self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The logs, which are shown then, are for who has to find out what failed.
        with contextlib.ExitStack() if error else contextlib.redirect_stdout(io.StringIO()):
            self._stack.__exit__(kind, error, traceback)

    def write(self, text: str = "") -> None:
        """Put the file of --config in its place, or another text."""
        entries = "".join(f"- {{{each.entry}}}\n" for each in self.followed)
        defaults = (
            f"root: {self.root}, period: {self.period}s, max-backoff: 5s, sync-timeout: {SYNC_TIMEOUT}s, "
            f"heal-period: 5s, stale-worktree-timeout: {KEPT}s"
        )
        head = f'http-bind: "127.0.0.1:0"\nlog-format: json\ndefaults: {{{defaults}}}\n'
        whole = f"{head}repositories:\n{entries}"
        other = self.file.with_suffix(".new")
        other.write_text(text or whole)
        other.replace(self.file)

    def start(self) -> DaemonProcess:
        """Start the daemon, on whatever the last one has left."""
        self._starts += 1
        environment: Mapping[str, str] = {"GITSYNC_CONFIG": str(self.file)}
        place = self.directory / f"daemon-{self._starts}"
        self.daemon = self._stack.enter_context(DaemonProcess(workdir=place, environment=environment))
        for each in self.followed:
            each.watch.follow(self.daemon)
        return self.daemon

    def calm(self, timeout: float) -> None:
        """Wait until all that was pushed is published, and check that it is whole."""
        for each in self.followed:
            head = each.origin.head
            self.daemon.until(lambda each=each, head=head: head in each.watch.sight.look().commits, timeout=timeout)  # type: ignore[misc]
            each.watch.check(head)
        self.daemon.until(lambda: self.daemon.get("/readyz")[0] == 200, timeout=timeout)
        assert PASSWORD not in self.daemon.log_text()

    def _origin(self, name: str) -> Origin:
        origin = Origin(self.origins / f"{name}.git")
        origin.commit({f"part/{number}.txt": f"{name} {number}\n" for number in range(_FILES)})
        return origin

    def _watch(self, origin: Origin, link: str, *, form: str = "symlink", subpath: str = "") -> Watch:
        return Watch(origin, self.root / link, self.root, form=form, kept=KEPT, subpath=subpath, bounds=_BOUNDS)

    def _through_proxy(self, origin: Origin) -> str:
        return self.open.url_of(origin.path, port=self.proxy.port)

    def _site(self) -> Followed:
        origin = self._origin("site")
        entry = f'repo: "{self._through_proxy(origin)}", link: site'
        return Followed("site", origin, self._watch(origin, "site"), entry)

    def _private(self) -> Followed:
        origin = self._origin("private")
        entry = (
            f'repo: "{self.closed.url_of(origin.path)}", link: private, publish: exchange, '
            f"username: ada, password-file: {self.password}"
        )
        return Followed("private", origin, self._watch(origin, "private", form="exchange"), entry)

    def _placed(self) -> Followed:
        origin = self._origin("placed")
        entry = f'repo: "{origin.url}", link: placed, publish: inplace'
        return Followed("placed", origin, self._watch(origin, "placed", form="inplace"), entry)

    def _part(self) -> Followed:
        origin = self._origin("part")
        entry = f'repo: "{self._through_proxy(origin)}", link: part, subpath: part'
        return Followed("part", origin, self._watch(origin, "part", subpath="part"), entry)

    def _whole(self) -> Followed:
        origin, module = self._origin("whole"), self._origin("module")
        modules = f'[submodule "vendor"]\n\tpath = vendor\n\turl = {self._through_proxy(module)}\n'
        origin.commit({".gitmodules": modules, "vendor": Gitlink(module.head)})
        link = self.root / "whole"
        watch = Watch(origin, link, self.root, kept=KEPT, submodules={"vendor": module}, bounds=_BOUNDS)
        return Followed("whole", origin, watch, f'repo: "{self._through_proxy(origin)}", link: whole', module)
