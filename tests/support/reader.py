"""A consumer of the published tree, as a process: `python -m tests.support.reader LINK FILES`.

Each turn opens the directory once, which a link may lead to, and every file through what it got. Every file holds the
number of the commit that wrote it, so a turn that sees two numbers saw two commits. Then it opens the files once more
by their paths, where commits may come in between, and none is missed. It runs until its stdin is closed, and then
prints what it saw as one line of JSON.
"""

import json
import os
import select
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.support.eventually import TIMEOUT

PAUSE = 0.004  # A reader that never rests would only measure how two cores are shared.
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


def read(link: Path, count: int) -> Seen:
    """Read turn after turn until stdin is closed."""
    seen = Seen()
    paths = list(numbered_files(0, count))
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        seen.turns += 1
        try:
            numbers = read_whole(link, paths)
            later = [int((link / path).read_text()) for path in paths]
        except (OSError, ValueError) as error:
            seen.problems.append(f"turn {seen.turns}: {type(error).__name__}: {error}")
            continue
        if len(numbers) != 1:
            seen.problems.append(f"turn {seen.turns}: files of the commits {sorted(numbers)}")
        if sorted(later) != later or later[0] < max(numbers):
            seen.problems.append(f"turn {seen.turns}: the commits {later} after {sorted(numbers)}")
        number = max(numbers)
        if seen.numbers and number < seen.numbers[-1]:
            seen.problems.append(f"turn {seen.turns}: commit {number} after {seen.numbers[-1]}")
        if not seen.numbers or number != seen.numbers[-1]:
            seen.numbers.append(number)
    return seen


def read_whole(link: Path, paths: list[str]) -> set[int]:
    """Return the numbers in the files of the directory that is found first."""
    directory = os.open(link, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return {int(Path(f"/proc/self/fd/{directory}/{path}").read_text()) for path in paths}
    finally:
        os.close(directory)


class Readers:
    """Some reader processes, running while the `with` block does; `results` afterwards."""

    def __init__(self, link: Path, *, files: int, count: int) -> None:
        self._command = [sys.executable, "-m", "tests.support.reader", str(link), str(files)]
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
        self.results = [Seen(**self._parse(answer)) for answer in answers]

    @staticmethod
    def _parse(answer: str) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(answer or '{"problems": ["the reader itself failed"]}')
        return parsed


if __name__ == "__main__":
    json.dump(asdict(read(Path(sys.argv[1]), int(sys.argv[2]))), sys.stdout)
