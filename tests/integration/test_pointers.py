"""Files that are kept in LFS are published as pointers, and that is said, wherever the attributes are."""

import pytest

from tests.integration.conftest import MakeWorkbench
from tests.support.origin import Origin

LFS = "*.bin filter=lfs diff=lfs merge=lfs -text\n"


@pytest.mark.parametrize("directory", ["", "data/", "data/deep/er/"])
@pytest.mark.parametrize("patterns", [None, "/*\n!.gitattributes\n"])
def test_pointers_are_told_once(
    make_workbench: MakeWorkbench,
    origin: Origin,
    capsys: pytest.CaptureFixture[str],
    directory: str,
    patterns: str | None,
) -> None:
    """Also where the files of attributes are left out; not again for each commit."""
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
        origin.commit({"n": str(number)})


def test_nothing_is_told_without_lfs(
    make_workbench: MakeWorkbench, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other attributes, and other files that speak of it, are none."""
    origin.commit({".gitattributes": "* text=auto\n", "README": LFS})
    bench = make_workbench(origin.url)
    bench.run()
    bench.do_chores()
    assert "lfs_pointers" not in capsys.readouterr().out
