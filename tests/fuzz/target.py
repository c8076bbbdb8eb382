"""A parser that is shown bytes, and how it is shown some of them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).parent / "corpus"
# Seconds of CPU time; what takes as long for a few kilobytes does not grow with them alone.
_PATIENCE: Final = 5.0


class HungError(AssertionError):
    """A parser has taken far too long."""


@dataclass(frozen=True)
class Target:
    """A parser: `run` shows it bytes, with a directory for files; it may raise `refuses` and nothing else."""

    name: str
    run: Callable[[bytes, Path], object]
    refuses: tuple[type[Exception], ...] = ()

    def show(self, data: bytes, scratch: Path) -> None:
        """Show it some bytes; raise what it must not."""
        try:
            with _bounded(self.name, len(data)):
                self.run(data, scratch)
        except self.refuses:
            pass

    @property
    def corpus(self) -> list[bytes]:
        """What is known to be worth a try, in a fixed order."""
        return [path.read_bytes() for path in sorted((CORPUS / self.name).iterdir())]


@contextmanager
def _bounded(name: str, size: int) -> Iterator[None]:
    """Raise `HungError` in what takes too long. Only the main thread can be bounded so."""

    def hung(number: int, frame: object) -> None:
        raise HungError(f"{name}: {size} bytes take more than {_PATIENCE:g} s")

    before = signal.signal(signal.SIGVTALRM, hung)
    signal.setitimer(signal.ITIMER_VIRTUAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def text_of(data: bytes) -> str:
    """Return bytes as the system hands them to programs: those that are no text are surrogates."""
    return data.decode(errors="surrogateescape")


def halves(data: bytes) -> tuple[bytes, bytes]:
    """Return bytes in two parts, cut where their first one says."""
    at = data[0] * len(data) // 256 if data else 0
    return data[:at], data[at:]
