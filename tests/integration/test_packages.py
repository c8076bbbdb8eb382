"""Wheel and sdist: what is in them, and that an installation of the wheel works, away from the sources."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Final

import pytest

import gitsync
from tests.support.daemon import PACKAGE_ROOT
from tests.support.origin import Origin
from tests.support.tree import assert_published

# What no import would miss.
DATA: Final = {"gitsync/py.typed", "gitsync/server/page.css", "gitsync/server/page.html"}
STEM: Final = f"gitsync-{gitsync.__version__}"
WHEEL: Final = f"{STEM}-py3-none-any.whl"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist and the wheel that is made from it."""
    directory = tmp_path_factory.mktemp("dist")
    _build(PACKAGE_ROOT, directory)
    return directory


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of a new virtual environment: the wheel is in it, and what it depends on within reach."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    packages = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    options = ("--disable-pip-version-check", "--no-index", "--no-deps", "--no-cache-dir")
    _run(sys.executable, "-m", "pip", "--python", python, "install", *options, built / WHEEL)
    # Searched last, and the .pth files in there, such as that of an editable gitsync, do not count.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_wheel_and_sdist_have_all_that_the_sources_have(built: Path) -> None:
    """Modules and data files are in both, and nothing else is in the wheel."""
    files = (path for path in (PACKAGE_ROOT / "gitsync").rglob("*") if path.is_file())
    sources = {path.relative_to(PACKAGE_ROOT).as_posix() for path in files if path.parent.name != "__pycache__"}
    assert sources >= DATA
    wheel = {name for name in _files_of_wheel(built / WHEEL) if not name.startswith(f"{STEM}.dist-info/")}
    assert wheel == sources
    with tarfile.open(built / f"{STEM}.tar.gz") as archive:
        packed = {member.name.removeprefix(f"{STEM}/") for member in archive if member.isfile()}
    assert {name for name in packed if name.startswith("gitsync/")} == sources
    assert packed >= {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO"}


def test_sources_build_the_same_wheel_as_the_sdist(built: Path, tmp_path: Path) -> None:
    """Nothing that the wheel needs is left out of the sdist."""
    _build(PACKAGE_ROOT, tmp_path, "--wheel")
    assert _files_of_wheel(tmp_path / WHEEL) == _files_of_wheel(built / WHEEL)


def test_installation_is_of_the_wheel(installed: Path) -> None:
    """What runs here comes from the new environment, and so does the version."""
    where = _run(installed / "python", "-I", "-c", "import gitsync; print(gitsync.__file__)")
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert gitsync.__version__ in _run(installed / "gitsync", "--version")
    assert "--repo" in _run(installed / "gitsync", "--help")


def test_installation_publishes(installed: Path, origin: Origin, root: Path) -> None:
    """A repository is published by the command that the wheel installs."""
    _run(installed / "gitsync", "--repo", origin.url, "--root", root, "--one-time", "--http-bind", "127.0.0.1:0")
    assert assert_published(origin.path, root / "site.git") == origin.head


def test_installation_has_the_page(installed: Path) -> None:
    """The template and the style are found and read where they were installed."""
    code = "from gitsync.server.page import Page; print(Page().answer(200, [], git_version=None).body.decode())"
    assert "<style>" in _run(installed / "python", "-I", "-c", code)


def _files_of_wheel(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _build(source: Path, directory: Path, *options: str) -> None:
    """Build without isolation: what the build needs is in the environment of the tests."""
    _run(sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", directory, source)


def _run(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
