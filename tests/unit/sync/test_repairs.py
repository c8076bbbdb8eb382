"""How often damage is repaired."""

from dataclasses import replace

import pytest

from gitsync.sync.repairs import Repairs


def test_each_repair_takes_longer_to_come() -> None:
    """The wait doubles, up to an hour."""
    repairs = Repairs()
    assert repairs.wait == 0.0
    waits = []
    for _ in range(12):
        repairs = repairs.after_another(10.0)
        waits.append(repairs.wait)
    assert waits[:4] == pytest.approx([10.0, 20.0, 40.0, 80.0], abs=1.0)
    assert waits[-1] == pytest.approx(3600.0, abs=1.0)


def test_damage_after_long_calm_begins_anew() -> None:
    """It has another cause."""
    repairs = Repairs().after_another(10.0).after_another(10.0)
    again = replace(repairs, last=repairs.last - 5 * 3600.0).after_another(10.0)
    assert again.count == 1
    assert again.wait == pytest.approx(10.0, abs=1.0)
