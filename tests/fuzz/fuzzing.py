"""Shows parsers what Hypothesis makes of their corpus, once or for as long as there is time."""

import hashlib
import io
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from gitsync.base.log import configure
from tests.fuzz import of_callers, of_config, of_remote, of_volume
from tests.fuzz.mutation import inputs
from tests.fuzz.target import CORPUS, Target

TARGETS: Final = (*of_config.TARGETS, *of_remote.TARGETS, *of_volume.TARGETS, *of_callers.TARGETS)
_ROUND: Final = 100
_SECONDS: Final = 60.0


def try_round(target: Target, scratch: Path, *, examples: int, chance: int | None = None) -> bytes | None:
    """Show a parser so many examples, the same each time without a `chance`.

    Raises what it must not raise, with the least that makes it do so as a note. Returns what was shown last.
    """
    last = b""

    @settings(
        max_examples=examples,
        derandomize=chance is None,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(target.corpus))
    def attempt(data: bytes) -> None:
        nonlocal last
        last = data
        target.show(data, scratch)

    try:
        (attempt if chance is None else seed(chance)(attempt))()
    except Exception as error:
        path = CORPUS / target.name / hashlib.sha256(last).hexdigest()[:12]
        error.add_note(f"{target.name}: {last[:500]!r}; {path}")
        if chance is not None:
            path.write_bytes(last)
        raise
    return last


def main(arguments: Sequence[str]) -> int:
    """Fuzz for so many seconds, all parsers or those that are named; return how many have failed."""
    words = list(arguments)
    seconds = float(words.pop(0)) if words and words[0].replace(".", "", 1).isdigit() else _SECONDS
    targets = [target for target in TARGETS if not words or target.name in words]
    failed = shown = 0
    configure(verbose=0, style="json", stream=io.StringIO())
    for number, target in enumerate(targets):
        until = time.monotonic() + (seconds / len(targets))
        rounds = 0
        try:
            with TemporaryDirectory() as scratch:
                while rounds == 0 or time.monotonic() < until:
                    try_round(target, Path(scratch), examples=_ROUND, chance=random.SystemRandom().getrandbits(64))
                    rounds += 1
                    shown += _ROUND
        except Exception as error:
            failed += 1
            print(
                f"{target.name}: {type(error).__name__}: {error}",
                *getattr(error, "__notes__", ()),
                sep="\n  ",
                flush=True,
            )
        else:
            print(f"{target.name}: {rounds * _ROUND} examples, {number + 1} of {len(targets)}", flush=True)
    print(f"{shown:,} examples for {len(targets)} parsers, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
