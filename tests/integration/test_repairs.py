"""Damage that comes back: repaired ever more slowly, and said who may be at it."""

import shutil
from pathlib import Path

import pytest

from gitsync.telling.events import Published
from tests.integration.conftest import MakeWorkbench, Workbench, soon
from tests.support.eventually import eventually
from tests.support.origin import Origin
from tests.support.tree import assert_published


@pytest.fixture
def bench(make_workbench: MakeWorkbench, origin: Origin) -> Workbench:
    """A repository that is published."""
    made = make_workbench(origin.url, period="1h", heal_period="1h")
    assert made.run().failure is None
    return made


def tree(bench: Workbench) -> Path:
    """Return what consumers see."""
    return bench.repo.link.resolve()


def test_removed_git_file_is_repaired_ever_more_slowly(
    bench: Workbench, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once at once, then when its time has come; a new commit does not wait for that."""
    (tree(bench) / ".git").unlink()
    assert bench.run().outcome == "repaired"
    assert "damage_returns" not in capsys.readouterr().out
    (tree(bench) / ".git").unlink()
    assert [bench.run().outcome for _ in range(3)] == ["unchanged"] * 3
    origin.commit({"a": "2"})
    assert bench.run().outcome == "updated"
    (tree(bench) / ".git").unlink()
    assert bench.run().outcome == "repaired"


def test_edited_file_is_repaired_ever_more_slowly(
    make_workbench: MakeWorkbench, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """The comparison finds it and says so; the pass repairs it when its time has come, and names who may do it."""
    bench = make_workbench(origin.url, heal_period="1s")
    bench.run()
    for number in range(2):
        (tree(bench) / "index.html").write_text(f"{number}")
        bench.sync.heal(deadline=soon())
        eventually(lambda: bench.run().outcome == "repaired")
    assert "damage_returns" in capsys.readouterr().out
    (tree(bench) / "index.html").write_text("again")
    assert not bench.sync.heal(deadline=soon()), "there is nothing for a pass to do yet"


def test_what_consumers_cannot_do_without_is_put_right_at_once(bench: Workbench, origin: Origin) -> None:
    """A link that leads nowhere does not wait."""
    for _ in range(3):
        shutil.rmtree(tree(bench))
        assert bench.run().outcome == "repaired"
        bench.repo.link.unlink()
        assert bench.run().outcome == "repaired"
        assert_published(origin.path, bench.repo.link)


def test_repair_is_told_as_one(bench: Workbench) -> None:
    """Observers hear of another tree of the same commit."""
    shutil.rmtree(tree(bench))
    bench.run()
    assert [event.again for event in bench.recorder.events if isinstance(event, Published)] == [False, True]
