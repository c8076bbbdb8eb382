"""Takes each protection of tests/protections.toml out, in a copy of the tree, and sees that its test fails then.

Before that all of these tests have to pass as they are. A test that ends otherwise than by a failure, because nothing
can be imported any more or there is no such test, has seen nothing.
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from apart import changed, copied, run_tests
from reporting import write_section

from tests.support.protections import Protection, protections

TITLES: Final = {"failure": "What can go wrong", "mistake": "What other sidecars were seen to do"}
# Seconds, on a machine that is busy: for one test, and for one run of all.
LONGEST_TEST: Final = 150
PATIENCE: Final = 900.0
# Exit codes of pytest.
PASSED: Final = 0
FAILED: Final = 1


def attempt(copy: Path, protection: Protection) -> str:
    """Return what came of taking one out: `failed` is what should."""
    path = copy / protection.file
    with changed(path, protection.taken_out(path.read_text())):
        code, said = run_tests(copy, ["-x", f"--timeout={LONGEST_TEST}", protection.test], patience=PATIENCE)
    if code == FAILED:
        print(next((line for line in said.splitlines() if line.startswith("FAILED")), ""), file=sys.stderr)
        return "failed"
    print(said[-4000:], file=sys.stderr)
    return "passed" if code == PASSED else "took too long" if code is None else f"pytest ended with {code}"


def table(outcomes: dict[Protection, str]) -> str:
    """Return the figures and the lists, as Markdown."""
    seen = sum(outcome == "failed" for outcome in outcomes.values())
    lines = [f"{seen} of {len(outcomes)} tests failed when their protection was taken out."]
    for kind, title in TITLES.items():
        lines += ["", f"| {title} | protected in | seen by |", "|---|---|---|"]
        for each in protections():
            if each.kind == kind:
                outcome = outcomes.get(each, "was not tried")
                told = "" if outcome == "failed" else f", which {outcome}"
                file, _, test = each.test.partition("::")
                lines.append(f"| {each.what} | `{each.file}` | [{test}](../{file}){told} |")
    return "\n".join(lines) + "\n"


def is_sound(copy: Path, chosen: Sequence[Protection]) -> bool:
    """Say whether all of the tests pass as the code is."""
    tests = list(dict.fromkeys(each.test for each in chosen))
    code, said = run_tests(copy, [f"--timeout={2 * LONGEST_TEST}", *tests], patience=len(tests) * PATIENCE)
    if code != PASSED:
        print(said, file=sys.stderr)
    return code == PASSED


def main() -> int:
    """Take them out, in an order by the seed; return 1 if a test has not seen it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="such as failure-12 or mistake-3; without any, all of them")
    parser.add_argument("--seed", type=int, default=1, help="for the order (1)")
    parser.add_argument("--write", action="store_true", help="write the lists into docs/reliability.md")
    given = parser.parse_args()
    chosen = [each for each in protections() if not given.names or each.name in given.names]
    outcomes: dict[Protection, str] = {}
    with copied() as copy:
        if not is_sound(copy, chosen):
            print("some of these tests fail as the code is", file=sys.stderr)
            return 1
        for each in random.Random(given.seed).sample(chosen, len(chosen)):  # noqa: S311 - an order
            begun = time.monotonic()
            outcomes[each] = attempt(copy, each)
            print(f"{each.name}: {outcomes[each]} after {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    written = table(outcomes)
    print(written)
    if given.write:
        write_section("protections", written)
    return int(any(outcome != "failed" for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
