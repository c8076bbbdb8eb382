"""How git gets a login."""

from pathlib import Path

from gitsync.config import Credential, GitSetting
from gitsync.credentials import helper_settings
from gitsync.redact import Secret


def login(url: str = "https://example.test:8443/a/site.git") -> Credential:
    """Return a login for this URL."""
    return Credential(url=url, username="ann", password=Secret("Tr0ub4dor"))


def test_no_login(tmp_path: Path) -> None:
    """Without a login git has no helper at all, and nothing is written."""
    assert helper_settings(None, directory=tmp_path) == [GitSetting("credential.helper", "")]
    assert list(tmp_path.iterdir()) == []


def test_login(tmp_path: Path) -> None:
    """A login lies in a file that is ours alone, in the form of git's credential protocol."""
    helper_settings(login(), directory=tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.read_text() == "username=ann\npassword=Tr0ub4dor\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_settings(tmp_path: Path) -> None:
    """Other helpers are forgotten first, and ours is for the one server and port only."""
    reset, helper = helper_settings(login(), directory=tmp_path)
    assert reset == GitSetting("credential.helper", "")
    assert helper.parts == ("credential", "https://example.test:8443", "helper")
    assert helper.value.startswith("!")


def test_no_secret_in_settings(tmp_path: Path) -> None:
    """The configuration names the file and holds no password."""
    settings = helper_settings(login(), directory=tmp_path)
    assert not any("Tr0ub4dor" in setting.key + setting.value for setting in settings)
    assert str(tmp_path) in settings[1].value


def test_odd_directory(tmp_path: Path) -> None:
    """A directory whose name means something to a shell is quoted."""
    directory = tmp_path / "a b'; touch x #"
    directory.mkdir()
    assert "'\"'\"'; touch x #/login'" in helper_settings(login(), directory=directory)[1].value
