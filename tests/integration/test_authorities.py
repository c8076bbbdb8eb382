"""The file of authorities that git is given follows both files that it is made from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from gitsync.base.errors import CredentialError
from gitsync.credentials.authorities import Authorities


def pem() -> str:
    """Return the certificate of another authority each time."""
    return trustme.CA().cert_pem.bytes().decode()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Ours, the system's, and the one that is made of them."""
    ours, system = tmp_path / "ours", tmp_path / "system"
    ours.write_text(pem())
    system.write_text(pem())
    return ours, system, tmp_path / "bundle"


CHANGES: dict[str, Callable[[Path, Path], object]] = {
    "ours": lambda ours, system: ours.write_text(pem()),
    "the system's": lambda ours, system: system.write_text(pem()),
    "the system's, in one step": lambda ours, system: ours.with_name("new").replace(system),
    "the system's is gone": lambda ours, system: system.unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changes_are_seen(files: tuple[Path, Path, Path], change: Callable[[Path, Path], object]) -> None:
    """As soon as it is looked at, and nothing is written as long as there is none."""
    ours, system, bundle = files
    (ours.with_name("new")).write_text(pem())
    authorities = Authorities(ours, bundle=bundle, system=system)
    for _ in range(2):
        authorities.refresh(deadline=0)
        assert authorities.generation == 1
    change(ours, system)
    authorities.refresh(deadline=0)
    assert authorities.generation == 2
    rest = system.read_text() if system.exists() else ""
    assert bundle.read_text() == rest + ours.read_text()


def test_no_certificate(files: tuple[Path, Path, Path]) -> None:
    """A file that holds none is an error each time, until it does."""
    ours, system, bundle = files
    good = ours.read_text()
    authorities = Authorities(ours, bundle=bundle, system=system)
    ours.write_text("nothing\n")
    for _ in range(2):
        with pytest.raises(CredentialError):
            authorities.refresh(deadline=0)
    ours.write_text(good)
    authorities.refresh(deadline=0)
    assert bundle.read_text().endswith(good)
