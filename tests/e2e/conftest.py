"""Several repositories of a file, followed by one process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.daemon import DaemonProcess
from tests.support.origin import Origin

Start = Callable[..., DaemonProcess]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of --config."""
    return tmp_path / "gitsync.yaml"


@pytest.fixture
def start(file: Path, root: Path, tmp_path: Path) -> Iterator[Start]:
    """Return what writes the repositories into the file, and starts the program with it."""
    with ExitStack() as stack:

        def begin(
            repositories: str, *, top: str = "", defaults: str = "", environment: Mapping[str, str] | None = None
        ) -> DaemonProcess:
            head = f'http-bind: "127.0.0.1:0"\nlog-format: json\n{top}\n'
            head += f"defaults: {{root: {root}, period: 1h, {defaults}}}\n"
            file.write_text(f"{head}repositories:\n{dedent(repositories)}")
            variables = {"GITSYNC_CONFIG": str(file), **(environment or {})}
            return stack.enter_context(DaemonProcess(workdir=tmp_path / "daemon", environment=variables))

        yield begin


@pytest.fixture
def docs(make_origin: Callable[..., Origin]) -> Origin:
    """Another origin, with two branches."""
    made = make_origin("docs.git")
    made.commit({"guide.txt": "read me\n"})
    made.branch("next")
    return made
