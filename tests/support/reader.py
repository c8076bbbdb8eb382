"""A consumer of published trees, as a process: `python -m tests.support.reader FILES LINK…`.

Each turn opens the directory once, which a link may lead to, and every file through what it got. Every file holds the
number of the commit that wrote it, so a turn that sees two numbers saw two commits. Then it opens the files once more
by their paths, where commits may come in between, and none is missed. Of a directory that changes file by file, given
as `each:DIRECTORY`, each file has to be whole and there. It runs until its stdin is closed, and then prints what it saw
of each as one line of JSON.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from tests.support.eventually import TIMEOUT

PAUSE = 0.004  # A reader that never rests would only measure how two cores are shared.
EACH: Final = "each:"
PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Seen:
    """What a reader has seen."""

    turns: int = 0
    numbers: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def numbered_files(number: int, count: int) -> dict[str, str]:
    """Return the content of commit `number`: every file carries the number."""
    return {f"part-{index % 5}/file-{index}.txt": f"{number}\n" for index in range(count)}


def read(places: Sequence[str], count: int) -> list[Seen]:
    """Read turn after turn until stdin is closed; return what was seen of each place."""
    paths = list(numbered_files(0, count))
    seen = [Seen() for _ in places]
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        for place, one in zip(places, seen, strict=True):
            one.turns += 1
            try:
                look = _look_at_each if place.startswith(EACH) else _look_at_all
                number = look(Path(place.removeprefix(EACH)), paths, one)
            except (OSError, ValueError) as error:
                one.problems.append(f"turn {one.turns}: {type(error).__name__}: {error}")
                continue
            if not one.numbers or number != one.numbers[-1]:
                one.numbers.append(number)
    return seen


def _look_at_all(link: Path, paths: Sequence[str], seen: Seen) -> int:
    """Return the number of the commit that is there, and note what is not as it has to be."""
    numbers = read_whole(link, paths)
    later = [number_in((link / path).read_text()) for path in paths]
    if len(numbers) != 1:
        seen.problems.append(f"turn {seen.turns}: files of the commits {sorted(numbers)}")
    if sorted(later) != later or later[0] < max(numbers):
        seen.problems.append(f"turn {seen.turns}: the commits {later} after {sorted(numbers)}")
    number = max(numbers)
    if seen.numbers and number < seen.numbers[-1]:
        seen.problems.append(f"turn {seen.turns}: commit {number} after {seen.numbers[-1]}")
    return number


def _look_at_each(directory: Path, paths: Sequence[str], seen: Seen) -> int:
    """Return the number of the newest file, where each is of one commit by itself."""
    return max(number_in((directory / path).read_text()) for path in paths)


def number_in(content: str) -> int:
    """Return the number that a file holds in each of its lines; raise `ValueError` for one that is not whole."""
    if not content.endswith("\n") or len(set(content.splitlines())) != 1:
        raise ValueError(f"a file with {content[:40]!r}… is not whole")
    return int(content.splitlines()[0])


def read_whole(link: Path, paths: Sequence[str]) -> set[int]:
    """Return the numbers in the files of the directory that is found first."""
    directory = os.open(link, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return {number_in(Path(f"/proc/self/fd/{directory}/{path}").read_text()) for path in paths}
    finally:
        os.close(directory)


class Readers:
    """Some reader processes, running while the `with` block does; `results`, of each place of each, afterwards."""

    def __init__(self, *places: Path | str, files: int, count: int = 1) -> None:
        self._command = [sys.executable, "-m", "tests.support.reader", str(files), *map(str, places)]
        self._count = count
        self._processes: list[subprocess.Popen[str]] = []
        self.results: list[Seen] = []

    def __enter__(self) -> "Readers":
        for _ in range(self._count):
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PACKAGE_ROOT
            )
            self._processes.append(process)
        return self

    def __exit__(self, *exception: object) -> None:
        answers = []
        for process in self._processes:
            with process:
                answers.append(process.communicate(timeout=TIMEOUT)[0])
        told = [json.loads(answer or '[{"problems": ["the reader itself failed"]}]') for answer in answers]
        self.results = [Seen(**one) for all_of_one in told for one in all_of_one]


if __name__ == "__main__":
    json.dump([asdict(one) for one in read(sys.argv[2:], int(sys.argv[1]))], sys.stdout)
