"""Tries mutants of four rooms against the tests that run their lines, and tells which survive.

cosmic-ray has the operators. Its own runner has one command for all modules, changes the checkout and draws no sample;
mutmut changes neither properties nor what is declared. So what chooses, runs and tells is here.

Tests are run once to see which of them runs which line. A mutant is then tried with those of its line, the most special
ones first, for some seconds; the first that fails kills it. `tests/survivors.toml` has those that may survive, and why.
"""

import argparse
import importlib
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from apart import ROOT, changed, copied
from covering import HEAVY, WITHIN, Covered, forked, measure
from mutants import Mutant, sample, statement
from reporting import write_section

ROOMS: Final = ("config", "receiver", "sync", "volume")
# The unit tests that use the rooms, and tests with real repositories in the same process that do not take long.
UNIT: Final = (*ROOMS, "checks", "commands", "server", "telling", "test_cli.py")
TOGETHER: Final = (
    *("chores", "comparison", "dated", "exchange", "fanout", "gitdir", "hidden", "inplace", "lfs", "limit", "limits"),
    *("lock", "mending", "modules", "parts", "planted", "pointers", "refs", "refused_commits", "remotes", "repairs"),
    *("shared_root", "sick_volume", "signatures", "standbys", "stores", "submodules", "subpath", "symlinks", "sync"),
    *("takeover", "times", "trees", "undeletable", "untracked", "weight"),
)
SURVIVORS: Final = ROOT / "tests" / "survivors.toml"
# What pytest ends with when tests have failed, when their files cannot be read, and when it cannot find a test.
KILLED: Final = frozenset({1, 2})
NOT_FOUND: Final = 4
# So many tests are tried before all others.
FIRST: Final = 8
# Seconds that tests may take, and how many times longer than without the mutant, on a machine that is busy.
PATIENCE: Final = (120.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What became of a mutant: `killed`, `late` (killed by the time), `survived`, or `untested` as nothing runs it."""

    mutant: Mutant
    outcome: str
    before: str
    after: str
    seconds: float = 0.0
    by: str = ""

    @property
    def room(self) -> str:
        """The folder that it is in."""
        return self.mutant.path.split("/")[1]


def attempt(copy: Path, mutant: Mutant, covered: Covered, *, limit: float) -> Tried:
    """Try one mutant."""
    source = (copy / mutant.path).read_text()
    before, after = mutant.diff(source)
    tests, spent = covered.choose(mutant.path, statement(source, mutant.line), limit=limit)
    outcome, by, begun = "survived" if tests else "untested", "", time.monotonic()
    with changed(copy / mutant.path, mutant.text(source)):
        # Collecting takes longer than running, and most need but one or two.
        for part in filter(None, (tests[:FIRST], tests[FIRST:])):
            outcome, by = run(copy, part, patience=PATIENCE[0] + PATIENCE[1] * spent)
            if outcome != "survived":
                break
    seconds = time.monotonic() - begun
    return Tried(mutant=mutant, outcome=outcome, before=before, after=after, seconds=seconds, by=by)


def run(copy: Path, tests: Sequence[str], *, patience: float) -> tuple[str, str]:
    """Run tests until one fails; return what that makes of the mutant, and which test it was."""
    output = copy / ".output"
    code = forked(copy, output, lambda: int(pytest.main([*WITHIN, "-x", *tests])), patience=patience)
    said = output.read_text(errors="replace").splitlines()
    unreadable = code == NOT_FOUND and any(line.strip("= ") == "ERRORS" for line in said)
    if code not in {0, None, *KILLED} and not unreadable:
        raise SystemExit("\n".join(said))
    late = code is None or any("Timeout (>" in line for line in said)
    by = next((line for line in said if line.startswith(("FAILED", "ERROR"))), "")
    return "survived" if code == 0 else "late" if late else "killed", by


def reasons() -> dict[tuple[str, str, str], str]:
    """Return why survivors are no fault, by file and change."""
    if not SURVIVORS.exists():
        return {}
    told = tomllib.loads(SURVIVORS.read_text())["survivor"]
    return {(each["file"], each["before"], each["after"]): each["why"] for each in told}


def table(tried: Sequence[Tried], places: int, seed: int) -> str:
    """Return the figures, and who survived, as Markdown."""
    known = reasons()
    lines = [f"{len(tried)} of {places} places, drawn with the seed {seed}:", ""]
    lines += [
        "| room | tried | killed | of these by the time | survived, and no fault | survived |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    left = [each for each in tried if each.outcome in {"survived", "untested"}]
    judged = {each: known.get((each.mutant.path, each.before, each.after)) for each in left}
    for room in ROOMS:
        count = Counter(each.outcome for each in tried if each.room == room)
        fine = sum(each.room == room and why is not None for each, why in judged.items())
        killed = count["killed"] + count["late"]
        rest = count["survived"] + count["untested"] - fine
        lines.append(f"| `{room}` | {sum(count.values())} | {killed} | {count['late']} | {fine} | {rest} |")
    for title, chosen in (("Survived, and why that is no fault", True), ("Survived", False)):
        rows = [each for each in left if (judged[each] is not None) == chosen]
        if rows:
            lines += ["", f"{title}:", ""]
            lines += [
                f"* `{each.mutant.path}`: `{each.before}` → `{each.after}`{_why(each, judged[each])}" for each in rows
            ]
    return "\n".join(lines) + "\n"


def _why(tried: Tried, reason: str | None) -> str:
    return f". {reason}" if reason else "; no test runs it" if tried.outcome == "untested" else ""


def cover(copy: Path, kept: Path) -> Covered:
    """Return who covers what, from the file of an earlier run if there is one."""
    if not kept.exists():
        tests = [f"tests/unit/{name}" for name in UNIT] + [f"tests/integration/test_{name}.py" for name in TOGETHER]
        code = forked(copy, copy / ".output", lambda: measure(copy, ROOMS, tests, kept))
        if code:
            print((copy / ".output").read_text(errors="replace"), file=sys.stderr)
            print("some tests fail without any mutant; these are left out", file=sys.stderr)
    return Covered(kept)


def main() -> int:
    """Try the sample; return 1 if anything has survived without a reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=200, help="how many mutants, 0 for one of each place (200)")
    parser.add_argument("--seed", type=int, default=1, help="another one draws others (1)")
    parser.add_argument("--file", action="append", help="only of this file; may be repeated")
    parser.add_argument("--limit", type=float, default=40.0, help="seconds of tests for each, without a mutant (40)")
    parser.add_argument("--covered", type=Path, help="keep here which test runs which line, and read it if it is there")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md")
    given = parser.parse_args()
    for name in HEAVY:
        importlib.import_module(name)
    paths = given.file or [
        str(path.relative_to(ROOT)) for room in ROOMS for path in sorted((ROOT / "gitsync" / room).rglob("*.py"))
    ]
    chosen, places = sample(ROOT, paths, given.sample, given.seed)
    tried = []
    with copied() as copy:
        covered = cover(copy, given.covered.resolve() if given.covered else copy / ".covered")
        for mutant in chosen:
            tried.append(attempt(copy, mutant, covered, limit=given.limit))
            last = tried[-1]
            print(
                f"{len(tried)}/{len(chosen)} {last.outcome} in {last.seconds:.1f} s: {mutant.path}:{mutant.line}: "
                f"{last.before} -> {last.after} ({last.by})",
                file=sys.stderr,
                flush=True,
            )
    written = table(tried, places, given.seed)
    print(written)
    if given.write:
        write_section("mutate", written)
    known = reasons()
    return int(
        any(
            each.outcome in {"survived", "untested"} and (each.mutant.path, each.before, each.after) not in known
            for each in tried
        )
    )


if __name__ == "__main__":
    sys.exit(main())
