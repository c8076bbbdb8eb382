"""`scripts/bench`: build the repositories, let all contenders work, and tell."""

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.figures import Results, table
from bench.measure import Bench, Effort
from bench.picture import draw
from bench.programs import Program
from bench.repositories import LARGE, MANY_FILES, WITH_SUBMODULES, Kind, build, plain
from tests.support.git import git
from tests.support.git_http import GitHttpServer

TINY = plain(20)
FULL = (TINY, plain(5000), plain(MANY_FILES), WITH_SUBMODULES, LARGE)


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given, ignore_cleanup_errors=True) as path:
        yield Path(path)


def measure(
    programs: tuple[Program, ...], *, directory: Path, quick: bool, rounds: int, wanted: tuple[str, ...]
) -> Results:
    """Measure everything that is wanted; the repositories take their turns in each round."""
    results = Results()
    effort = Effort(updates=2, polls=10) if quick else Effort(updates=5, polls=80)
    with GitHttpServer(directory) as server:
        repositories = [build(directory, kind) for kind in ((TINY,) if quick else FULL)]
        for _ in range(rounds):
            for repository in repositories:
                for transport, url in (("file", f"file://{repository.path}"), ("http", server.url_of(repository.path))):
                    if transport == "http" or _over_file(repository.kind):
                        Bench(
                            repository=repository,
                            transport=transport,
                            url=url,
                            server=server,
                            directory=directory,
                            effort=effort,
                            results=results,
                            programs=programs,
                        ).run(wanted=wanted)
    return results


def _over_file(kind: Kind) -> bool:
    """Say whether to work without a server in between as well: a program's own part shows best there."""
    return kind in {TINY, FULL[2]} or bool(kind.submodules)


def machine(directory: Path) -> dict[str, object]:
    """Return what the figures depend on."""
    system = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True, check=True)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processors": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "file system": system.stdout.strip(),
        "git": git(None, "version").split()[-1],
        "python": platform.python_version(),
    }


def report(
    python: Path | None, peer: str | None, *, directory: Path | None, output: Path, quick: bool, **rest: object
) -> None:
    """Measure, print the table, and write results.json and cost.svg."""
    programs = [Program.gitsync(python), *([Program.peer(peer)] if peer else [])]
    with _directory(directory) as work:
        facts = machine(work)
        results = measure(tuple(programs), directory=work, quick=quick, **rest)  # type: ignore[arg-type]
    output.mkdir(parents=True, exist_ok=True)
    content = {"machine": facts, "results": list(results.rows())}
    (output / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    click.echo(", ".join(f"{name}: {value}" for name, value in facts.items()) + "\n")
    click.echo(table(results), nl=False)
    if not quick:
        draw(results, output / "cost.svg")
