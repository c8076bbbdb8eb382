"""What every measurement works with: repositories, servers, programs, and places that are populated once and kept.

Nothing is deleted before the end: creating files soon after many have gone is slow on some file systems, and that would
be measured.
"""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from subprocess import SubprocessError

from bench.plain import NAME as GIT
from bench.plain import PlainGit
from bench.programs import NEVER, Daemon, Place, Program
from bench.repositories import SMALL, Shape, build, copy, push
from bench.results import Measure, Results
from bench.serving import Seen, Server

TRANSPORTS = ("file", "http")
# What these cost more does not depend on the files.
ENCRYPTED = ("https", "ssh")


@dataclass(frozen=True)
class Case:
    """A repository over a transport."""

    shape: Shape
    transport: str

    def measure(self, row: str, name: str, unit: str = "") -> Measure:
        """Return a line of the table for this case."""
        return Measure(row, self.shape.name, self.shape.files, self.transport, name, unit)

    def __str__(self) -> str:
        return f"{self.shape.name}, {self.transport}"


@dataclass
class Lab:
    """The bench of one run: `runs` is how often what is cheap is repeated; what takes seconds, three times at most.

    What goes on by itself is watched for `window` seconds: the system tells CPU in steps of 10 ms, and they must not
    matter.
    """

    directory: Path
    server: Server
    programs: Sequence[Program]
    shapes: Sequence[Shape]
    runs: int
    window: float
    results: Results
    began: float = field(default_factory=time.monotonic)
    _places: dict[tuple[str, Case], Place] = field(default_factory=dict)
    _trees: dict[Case, PlainGit] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _pushed: dict[tuple[str, str], Iterator[int]] = field(default_factory=dict)
    _given_up: set[tuple[str, str]] = field(default_factory=set)

    @property
    def few_runs(self) -> int:
        """How often what takes seconds is repeated."""
        return min(self.runs, 3)

    def say(self, text: str) -> None:
        """Tell how far the run is, with the seconds since its start."""
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", file=sys.stderr, flush=True)

    def build(self) -> None:
        """Build every repository, and a copy for each subject."""
        built = self.directory / "built"
        for shape in self.shapes:
            self.say(f"building: {shape.name}")
            build(shape, built)
        for subject in (GIT, *(program.name for program in self.programs)):
            copy(built, self.directory / "origins" / subject)

    def cases(
        self, *, transports: Sequence[str] = (*TRANSPORTS, *ENCRYPTED), shapes: Sequence[Shape] = ()
    ) -> list[Case]:
        """Return the cases of this run, with these shapes only if any are named."""
        chosen = [shape for shape in self.shapes if not shapes or shape in shapes]
        served = {"file", *self.server.urls}
        return [
            Case(shape, transport)
            for shape in chosen
            for transport in transports
            if transport in served and (transport not in ENCRYPTED or shape == SMALL)
        ]

    def add_seen(self, row: str, case: Case, subject: str, seen: Seen, *, times: int) -> None:
        """Keep what a server has seen while something was done several times."""
        counted = {"connections": seen.connections, "requests": seen.requests}
        if case.transport == "https":
            counted["TLS handshakes"] = seen.handshakes
        for name, count in counted.items():
            self.results.add(case.measure(row, name), subject, count / times)
        if case.transport != "ssh":
            self.results.add(case.measure(row, "from the server", "bytes"), subject, seen.sent / times)

    @contextmanager
    def sparing(self, program: Program, what: str) -> Iterator[None]:
        """Have a peer that fails cost no more than the cells of what is measured; see `has_given_up`."""
        try:
            yield
        except (OSError, ValueError, HTTPException, SubprocessError) as error:
            if not program.is_peer:
                raise
            self._given_up.add((program.name, what))
            self.say(f"{program.name} has failed, {what}: {str(error).strip()}")

    def has_given_up(self, program: Program, what: str) -> bool:
        """Whether it has failed there before, and need not be waited for again."""
        return (program.name, what) in self._given_up

    def fresh(self, name: str) -> Path:
        """Return a path that does not exist yet."""
        return self.directory / f"{next(self._numbers):03}-{name}"

    def origin(self, subject: str, shape: Shape) -> Path:
        """Return a subject's own copy of a repository."""
        return self.directory / "origins" / subject / shape.directory

    def url(self, subject: str, case: Case) -> str:
        """Return where a subject finds it."""
        path = self.origin(subject, case.shape)
        if case.transport == "file":
            return path.as_uri()
        return f"{self.server.urls[case.transport]}/{path.relative_to(self.directory / 'origins')}"

    def push(self, subject: str, case: Case, kind: str) -> str:
        """Make the next prepared commit of a kind (line, share) the tip of a subject's origin; return its hash."""
        prepared = range(case.shape.line_changes if kind == "line" else case.shape.share_changes)
        numbers = self._pushed.setdefault((subject, f"{kind} {case.shape.name}"), itertools.cycle(prepared))
        return push(self.origin(subject, case.shape), f"{kind}/{next(numbers)}")

    def new_place(self, program: Program, case: Case) -> Place:
        """Return an empty place for a program."""
        return self.place_at(program, case, self.url(program.name, case))

    def place_at(self, program: Program, case: Case, url: str) -> Place:
        """Return an empty place for a program, for another URL of the same server."""
        flags: tuple[str, ...] = ()
        environment: dict[str, str] = {}
        if case.transport == "https" and program.is_peer:
            environment = {"GIT_SSL_CAINFO": str(self.server.bundle)}
        elif case.transport == "https":
            flags = (f"--ca-file={self.server.authority}",)
        elif case.transport == "ssh":
            flags = (f"--ssh-key-file={self.server.key}", f"--ssh-known-hosts-file={self.server.known_hosts}")
        return Place(url, self.fresh("root"), flags, environment)

    def new_tree(self, case: Case) -> PlainGit:
        """Return an empty place for plain git."""
        environment = {}
        if case.transport == "https":
            environment["GIT_SSL_CAINFO"] = str(self.server.bundle)
        elif case.transport == "ssh":
            environment["GIT_SSH_COMMAND"] = (
                f"ssh -F none -i {self.server.key} -o UserKnownHostsFile={self.server.known_hosts}"
            )
        nested = bool(case.shape.submodules)
        return PlainGit(self.url(GIT, case), self.fresh("plain"), submodules=nested, environment=environment)

    def keep(self, subject: str, case: Case, place: Place) -> None:
        """Remember a place that is populated."""
        self._places[subject, case] = place

    def keep_tree(self, case: Case, tree: PlainGit) -> None:
        """Remember a tree of plain git's that is populated."""
        self._trees[case] = tree

    def place(self, program: Program, case: Case) -> Place:
        """Return a place that a program has published to, at any commit."""
        if (program.name, case) not in self._places:
            place = self.new_place(program, case)
            with self.daemon(program, case, place, f"--period={NEVER}") as daemon:
                daemon.wait_published()
                daemon.wait_pass(1)
            self.keep(program.name, case, place)
        return self._places[program.name, case]

    def tree(self, case: Case) -> PlainGit:
        """Return a tree of plain git's that is checked out, at any commit."""
        if case not in self._trees:
            tree = self.new_tree(case)
            tree.publish()
            self.keep_tree(case, tree)
        return self._trees[case]

    @contextmanager
    def daemon(self, program: Program, case: Case, place: Place, *flags: str) -> Iterator[Daemon]:
        """Run a program on a place."""
        # git refuses local submodules unless it is told otherwise.
        local = case.shape.submodules and case.transport == "file"
        allowed = ["--git-config=protocol.file.allow:always"] if local else []
        with Daemon(program, place, self.fresh("run"), [*flags, *allowed]) as daemon:
            yield daemon
