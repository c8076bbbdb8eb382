"""Several repositories of a file, followed by one process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.daemon import DaemonProcess
from tests.support.origin import Origin

Start = Callable[..., DaemonProcess]


class Document:
    """Writes what the file of --config says: these repositories, at the address that the program has taken, if any."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file = file
        self.top = ""
        self.defaults = ""
        self._root = root

    def text(self, repositories: str) -> str:
        """Return the text of a file."""
        head = f'http-bind: "127.0.0.1:0"\nlog-format: json\n{self.top}\n'
        head += f"defaults: {{root: {self._root}, period: 1h, {self.defaults}}}\n"
        return f"{head}repositories:\n{dedent(repositories)}"

    def replace(self, repositories: str) -> None:
        """Put another file in its place, as editors do."""
        other = self.file.with_suffix(".new")
        other.write_text(self.text(repositories))
        other.replace(self.file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of --config."""
    return tmp_path / "gitsync.yaml"


@pytest.fixture
def document(file: Path, root: Path) -> Document:
    """What writes the file of --config."""
    return Document(file, root)


@pytest.fixture
def start(document: Document, tmp_path: Path) -> Iterator[Start]:
    """Return what writes the repositories into the file, and starts the program with it."""
    with ExitStack() as stack:

        def begin(
            repositories: str, *, top: str = "", defaults: str = "", environment: Mapping[str, str] | None = None
        ) -> DaemonProcess:
            document.top, document.defaults = top, defaults
            if not document.file.is_symlink():
                document.file.write_text(document.text(repositories))
            variables = {"GITSYNC_CONFIG": str(document.file), **(environment or {})}
            return stack.enter_context(DaemonProcess(workdir=tmp_path / "daemon", environment=variables))

        yield begin


@pytest.fixture
def docs(make_origin: Callable[..., Origin]) -> Origin:
    """Another origin, with two branches."""
    made = make_origin("docs.git")
    made.commit({"guide.txt": "read me\n"})
    made.branch("next")
    return made
