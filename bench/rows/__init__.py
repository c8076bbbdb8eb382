"""The lines of the table: each module measures one kind of work for every subject, in turns, and adds its samples."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.lab import Lab
from bench.rows import change, comparison, disk, idle, publication, start


@dataclass(frozen=True)
class Row:
    """One kind of work and how it is measured."""

    name: str
    measure: Callable[[Lab], None]


# First what fills places that the others work on.
ROWS = (
    Row(publication.ROW, publication.measure),
    Row(idle.ROW, idle.measure),
    Row(idle.MEMORY, idle.measure_memory),
    Row(change.LINE, change.measure_line),
    Row(change.SHARE, change.measure_share),
    Row(change.YOUNG, change.measure_young),
    Row(disk.ROW, disk.measure),
    Row(comparison.ROW, comparison.measure),
    Row(start.RESTART, start.measure_restart),
    Row(start.SILENT, start.measure_silent),
    Row(start.START, start.measure_start),
)
