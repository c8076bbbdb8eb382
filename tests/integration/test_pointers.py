"""Files that are kept in LFS are published as pointers, and that is said, wherever the attributes are."""

import pytest

from gitsync.telling.events import PointersCounted
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.origin import Origin

LFS = "*.bin filter=lfs diff=lfs merge=lfs -text\n"


def counted(bench: Workbench) -> int | None:
    """Return how many files were said to be pointers, None if nobody has counted."""
    told = [event.count for event in bench.recorder.events if isinstance(event, PointersCounted)]
    return told[-1] if told else None


@pytest.mark.parametrize("directory", ["", "data/", "data/deep/er/"])
@pytest.mark.parametrize("patterns", [None, "/*\n!.gitattributes\n"])
def test_pointers_are_told_once(
    make_workbench: MakeWorkbench,
    origin: Origin,
    capsys: pytest.CaptureFixture[str],
    directory: str,
    patterns: str | None,
) -> None:
    """Also where the files of attributes are left out; not again for each commit. How many there are is counted."""
    origin.commit({f"{directory}.gitattributes": LFS, f"{directory}x.bin": "version https://git-lfs…\n"})
    options = {}
    if patterns:
        file = origin.path.parent / "patterns"
        file.write_text(patterns)
        options["sparse_checkout_file"] = file
    bench = make_workbench(origin.url, **options)
    for number in range(2):
        assert bench.run().failure is None
        bench.do_chores()
        assert capsys.readouterr().out.count("lfs_pointers") == 1 - number
        assert counted(bench) == 1
        origin.commit({"n": str(number)})


def test_nothing_is_told_without_lfs(
    make_workbench: MakeWorkbench, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other attributes, and other files that speak of it, are none."""
    origin.commit({".gitattributes": "* text=auto\n", "README": LFS})
    bench = make_workbench(origin.url)
    bench.run()
    bench.do_chores()
    assert counted(bench) == 0
    assert "lfs_pointers" not in capsys.readouterr().out


def test_what_is_not_published_is_not_counted(make_workbench: MakeWorkbench, origin: Origin) -> None:
    """Only files that consumers see count, by whichever attributes; and none once they are gone."""
    pointers = {"a/x.bin": "1", "a/in/y.bin": "2", "b/z.bin": "3", "a/text": "4"}
    origin.commit({".gitattributes": f"[attr]large filter=lfs\n{LFS}/a/text large\n", **pointers})
    bench = make_workbench(origin.url, subpath="a")
    assert bench.run().failure is None
    bench.do_chores()
    assert counted(bench) == 3
    origin.commit({".gitattributes": None})
    bench.run()
    bench.do_chores()
    assert counted(bench) == 0
