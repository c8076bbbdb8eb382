"""The measurements: each contender does the same work on the same repository, in turns."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import click

from bench import git as plain_git
from bench.costs import Cost
from bench.figures import GIT, Results, Unit, Work
from bench.programs import Program, Running, running, until
from bench.repositories import MANY_FILES, Repository
from tests.support.git_http import GitHttpServer

# What is written in the second in which git writes its index is read again; git too has to wait until that is over.
_SECOND = 1.2
_POLL_EVERY = 0.02
_IN_SUCCESSION = 8
_BETWEEN = 2.0


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How often each thing is done in a round."""

    updates: int
    polls: int


@dataclass
class Bench:
    """One repository over one transport, and what was measured so far."""

    repository: Repository
    transport: str
    url: str
    server: GitHttpServer
    directory: Path
    effort: Effort
    results: Results
    programs: tuple[Program, ...]

    def run(self, *, wanted: tuple[str, ...]) -> None:
        """Let everybody do everything once, in turns; `wanted` are parts of the names of what is to be done."""
        kinds: dict[str, Callable[[], None]] = {"first publication": self._first, "idle poll": self._idle}
        if self.transport == "http":  # it makes no difference
            kinds |= {"comparison": self._compare, "start": self._start}
            if self.repository.kind.files == MANY_FILES:
                kinds["quick succession"] = self._succession
        for name, measure in kinds.items():
            if not wanted or any(part in name for part in wanted):
                began = time.monotonic()
                measure()
                what = f"{self.repository.kind.name} over {self.transport}: {name}"
                click.echo(f"{what}: {time.monotonic() - began:.1f} s", err=True)

    def _fresh(self) -> Path:
        # Nothing is removed before the end: some file systems are slow for a minute after much was removed.
        return Path(tempfile.mkdtemp(dir=self.directory))

    def _note(self, what: str, contender: str, figure: str, unit: Unit, *values: float) -> None:
        kind = self.repository.kind
        self.results.add(Work(what, kind.name, kind.files, self.transport, figure, unit), contender, *values)

    def _note_cost(self, what: str, contender: str, *costs: Cost) -> None:
        self._note(what, contender, "time", "ms", *(cost.wall for cost in costs))
        self._note(what, contender, "CPU", "ms", *(cost.cpu for cost in costs))

    # --- from nothing, then updates ---

    def _first(self) -> None:
        kind = self.repository.kind
        changes = ["one", *(["many"] if kind.many > 1 else [])]
        names = {"one": "change of one line", "many": "change of 1 % of the files"}
        self.repository.push_first()
        plain, cost = plain_git.first(self.url, self._fresh(), submodules=bool(kind.submodules))
        self._note_cost("first publication", GIT, cost)
        self._note("first publication", GIT, "memory, peak", "MB", cost.peak)
        time.sleep(_SECOND)
        for change in changes:
            for number in range(self.effort.updates + 1):
                self.repository.push(change)
                cost = plain.update()
                if number:
                    self._note_cost(names[change], GIT, cost)
        for program in self.programs:
            self._first_of(program, {change: names[change] for change in changes})

    def _first_of(self, program: Program, changes: dict[str, str]) -> None:
        self.repository.push_first()
        commit = self.repository.head()
        with running(program, self.url, self._fresh() / "root") as it:
            with it.peak() as peak:
                done = it.wait_published(commit)
            self._note_cost("first publication", program.name, Cost(done - it.began, it.cpu_when_quiet()))
            self._note("first publication", program.name, "memory, peak", "MB", peak.bytes)
            # The first update has no standby, the second one that was never used.
            for change in ("one", "one"):
                it.trigger_and_wait(self.repository.push(change))
                time.sleep(_SECOND)
            for change, name in changes.items():
                self._updates(it, change, name)

    def _updates(self, it: Running, change: str, name: str) -> None:
        cpu = it.cpu_when_quiet()
        for _ in range(self.effort.updates):
            commit = self.repository.push(change)
            began, done = it.trigger_and_wait(commit)
            self._note(name, it.program.name, "time", "ms", done - began)
            time.sleep(0.1)
        # The clock of the kernel is too coarse for one of them.
        spent = (it.cpu_when_quiet() - cpu) / self.effort.updates
        self._note(name, it.program.name, "CPU", "ms", spent)

    # --- nothing to do ---

    def _idle(self) -> None:
        polls = self.effort.polls
        for _ in range(polls):
            cost = plain_git.ls_remote(self.url)
            self._note_cost("idle poll", GIT, cost)
            # At the same pace: the next one would find everything in the processor's caches.
            time.sleep(_POLL_EVERY)
        before = len(self.server.requests)
        trace = self._fresh()
        plain_git.ls_remote(self.url, trace=trace)
        self._note("idle poll", GIT, "git processes", "count", len(list(trace.iterdir())))
        self._note_traffic(GIT, before, 1)
        for program in self.programs:
            self._idle_of(program, polls)

    def _idle_of(self, program: Program, polls: int) -> None:
        root = self._fresh() / "root"
        commit = self.repository.head()
        with running(program, self.url, root) as it:
            it.wait_published(commit)
            it.cpu_when_quiet()
        with running(program, self.url, root, period=f"{_POLL_EVERY * 1000:g}ms") as it:
            it.wait_published(commit)
            it.wait_idle_polls(10)
            spent, slept = it.cpu(), it.sample("git_sync_duration_seconds_sum", status="noop")
            requests = len(self.server.requests)
            done = it.wait_idle_polls(polls)
            self._note("idle poll", program.name, "CPU", "ms", (it.cpu() - spent) / done)
            wall = it.sample("git_sync_duration_seconds_sum", status="noop") - slept
            self._note("idle poll", program.name, "time", "ms", wall / done)
            self._note("idle", program.name, "memory", "MB", it.memory())
            self._note_traffic(program.name, requests, done)
        trace = self._fresh()
        with running(program, self.url, root, f"--git-config=trace2.eventTarget:{trace}", period="50ms") as it:
            it.wait_idle_polls(5)
            before = len(list(trace.iterdir()))
            done = it.wait_idle_polls(20)
            self._note(
                "idle poll", program.name, "git processes", "count", (len(list(trace.iterdir())) - before) / done
            )

    def _compare(self) -> None:
        """Compare what is published with the commit, which an idle program does now and then."""
        plain = plain_git.PlainGit(self.url, self._fresh())
        plain.create()
        plain.fetch()
        plain.check_out()
        time.sleep(_SECOND)
        plain.check_out()
        for _ in range(self.effort.updates):
            self._note("comparison of all files", GIT, "time", "ms", plain.compare().wall)
            time.sleep(_POLL_EVERY)
        taken, count = (f"gitsync_phase_duration_seconds_{kind}" for kind in ("sum", "count"))
        for program in (each for each in self.programs if each.comparing):
            comparing = replace(program, flags=program.comparing)
            with running(comparing, self.url, self._fresh() / "root", period="300ms") as it:
                it.wait_published(self.repository.head())
                time.sleep(_SECOND)
                it.wait_sample(2, count, phase="heal")
                before = it.sample(taken, phase="heal")
                done = it.wait_sample(self.effort.updates, count, phase="heal")
                wall = it.sample(taken, phase="heal") - before
                self._note("comparison of all files", program.name, "time", "ms", wall / done)

    # --- updates before there is a standby ---

    def _succession(self) -> None:
        """Publish updates so fast that readers still hold the trees that the link has left."""
        for program in self.programs:
            self.repository.push_first()
            with running(program, self.url, self._fresh() / "root", stale="30s") as it:
                it.wait_published(self.repository.head())
                cpu = it.cpu_when_quiet()
                for _ in range(_IN_SUCCESSION):
                    time.sleep(_BETWEEN)
                    began, done = it.trigger_and_wait(self.repository.push("one"))
                    self._note("changes of one line, 2 s apart", program.name, "time", "ms", done - began)
                spent = (it.cpu_when_quiet() - cpu) / _IN_SUCCESSION
                self._note("changes of one line, 2 s apart", program.name, "CPU", "ms", spent)

    # --- starting ---

    def _start(self) -> None:
        """Start on a root that is populated, and find out what happens when."""
        for program in self.programs:
            root = self._fresh() / "root"
            with running(program, self.url, root) as it:
                it.wait_published(self.repository.head())
                it.cpu_when_quiet()
            for _ in range(self.effort.updates):
                with running(program, self.url, root) as it:
                    self._note("restart", program.name, "ready after", "ms", it.wait_ready() - it.began)
                    it.cpu_when_quiet()
            self._start_without_answer(program, root)
            self._first_commands(program, root)

    def _start_without_answer(self, program: Program, root: Path) -> None:
        self.server.delay = 5.0
        try:
            with running(program, self.url, root) as it:
                self._note("restart, silent server", program.name, "ready after", "ms", it.wait_ready() - it.began)
        finally:
            self.server.delay = 0.0

    def _first_commands(self, program: Program, root: Path) -> None:
        times = self._fresh() / "times"
        wrapper = times.with_name("git")
        wrapper.write_text(f'#!/bin/sh\necho "$(date +%s.%N) $*" >>{times}\nexec git "$@"\n')
        wrapper.chmod(0o755)
        for _ in range(self.effort.updates):
            times.unlink(missing_ok=True)
            offset = time.time() - time.monotonic()
            with running(program, self.url, root, f"--git={wrapper}") as it:
                until(
                    lambda: times.exists() and "ls-remote" in times.read_text(), what="a command that asks the remote"
                )
                lines = [line.split(" ", 1) for line in times.read_text().splitlines()]
                began = it.began + offset
                self._note("start", program.name, "first git command after", "ms", float(lines[0][0]) - began)
                asked = next(float(stamp) for stamp, words in lines if "ls-remote" in words)
                self._note("start", program.name, "remote asked after", "ms", asked - began)

    def _note_traffic(self, contender: str, before: int, polls: float) -> None:
        requests = self.server.requests[before:]
        if requests:
            self._note("idle poll", contender, "from the server", "KB", sum(each.sent for each in requests) / polls)
            self._note("idle poll", contender, "requests", "count", len(requests) / polls)
