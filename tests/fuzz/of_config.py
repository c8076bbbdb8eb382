"""What people write: options, variables, the file of --config, URLs, keys."""

import contextlib
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gitsync.base.errors import CheckoutError, ConfigError, CredentialError, GitSyncError
from gitsync.base.proxies import place_of, proxy_for
from gitsync.base.ranges import read_range
from gitsync.base.reaching import plain_url, take_login
from gitsync.config import load, parse_repo, transport
from gitsync.config.document import parse as parse_document
from gitsync.config.environment import dropped_variables, for_hooks, settings_of
from gitsync.config.gitsettings import parse_settings, render, without_logins
from gitsync.config.model import all_options
from gitsync.config.urls import is_plain_path, parse_url, split_login, ssh_destination
from gitsync.config.values import ALL
from gitsync.credentials.keys import private_key
from gitsync.programs.gitfailure import failure
from gitsync.programs.keyrings import _keys, _signers
from gitsync.programs.sshcommand import sharing_obstacle
from gitsync.remote.versions import order
from gitsync.volume.modules import resolve_url
from tests.fuzz.target import Target, text_of

_REPO: Final = "https://git.example.test/acme/site.git"


def values(data: bytes, scratch: Path) -> None:
    """Show a text to the parser of each option."""
    text = text_of(data)
    for option in all_options():
        with contextlib.suppress(ValueError):
            option.kind.parse(text)


def arguments(data: bytes, scratch: Path) -> None:
    """Read arguments, and the same as variables."""
    # For each that is not known it is looked which one may have been meant, and nobody has very many.
    given = text_of(data).split("\0")[:20]
    pairs = (each.partition("=") for each in given if not each.startswith("--config"))
    environ = {f"GITSYNC_{name.lstrip('-').replace('-', '_').upper()}": value for name, _, value in pairs}
    for argv, variables in ((given, {}), ([f"--repo={_REPO}", "--root=/git"], environ)):
        with contextlib.suppress(ConfigError):
            assert repr(load([each for each in argv if not each.startswith("--config")], variables).shown)


def file(data: bytes, scratch: Path) -> None:
    """Read the file of --config."""
    load(["--config=/etc/gitsync.yaml"], {}, text=data.decode(errors="replace"))


def document(data: bytes, scratch: Path) -> None:
    """Read YAML."""
    node, flaws = parse_document(data.decode(errors="replace"))
    assert node is not None or flaws or not data.strip(b" \n\t\r#") or node is None
    assert all(flaw.line >= 1 for flaw in flaws)


def url(data: bytes, scratch: Path) -> None:
    """Read a URL; what is taken is taken once more, and has no login left."""
    text = text_of(data)
    transport(text)
    is_plain_path(text)
    ssh_destination(text)
    proxy_for(text, {"https_proxy": "http://proxy.example.test:8080", "no_proxy": text})
    proxy_for(_REPO, {"https_proxy": text})
    place_of(text)
    assert "p4ss-4711" not in plain_url(f"https://user:p4ss-4711@h/{text}")
    with contextlib.suppress(ValueError, ConnectionError):
        assert "@" not in urlsplit(take_login(text)[0]).netloc
    try:
        taken = parse_repo(text)
    except ValueError:
        taken = ""
    if taken:
        assert parse_repo(taken) == taken
        bare, login = split_login(taken)
        assert login is None or split_login(bare)[1] is None
    parse_url(text)


def environment(data: bytes, scratch: Path) -> None:
    """Read the environment as a container has it."""
    pairs = (each.partition("=") for each in text_of(data).split("\0")[:50])
    environ = {name: value for name, _, value in pairs if name}
    warnings: list[str] = []
    assert all(setting.key for setting in settings_of(environ, warnings))
    told = [*warnings, *dropped_variables(environ)]
    assert len(told) <= 2
    assert "GITSYNC_PASSWORD" not in for_hooks(environ, (ALL,))


def ssh_command(data: bytes, scratch: Path) -> None:
    """Read a command for ssh; one that does anything else is not shared."""
    told = sharing_obstacle(text_of(data))
    assert told or b"ssh" in data


def submodule(data: bytes, scratch: Path) -> None:
    """Read the URL of a submodule; none is an option, or a local path, and all can be taken apart."""
    found = resolve_url(text_of(data), _REPO)
    assert not found.startswith("-")
    assert transport(found) != "file"
    bare, _ = split_login(found)
    assert str(failure("git fetch (x)", "fatal: Authentication failed", 128, url=bare, store=None, at="remote"))


def settings(data: bytes, scratch: Path) -> None:
    """Read settings of git, and write them as a file."""
    found = parse_settings(text_of(data))
    assert render(without_logins(found)[0]).count("\n") >= len(found) or found


def versions(data: bytes, scratch: Path) -> None:
    """Sort names by their versions, and read a range."""
    names = text_of(data).split("\n")
    assert sorted(sorted(names, key=order), key=order) == sorted(names, key=order)
    read_range(names[0])


def signers(data: bytes, scratch: Path) -> None:
    """Read the keys that signatures count of."""
    _signers(scratch, data)
    _keys(scratch, data)


TARGETS: Final = (
    Target("options", values),
    Target("arguments", arguments),
    Target("config-file", file, (ConfigError,)),
    Target("yaml", document),
    Target("url", url, (ValueError,)),
    Target("environment", environment),
    Target("ssh-command", ssh_command),
    Target("submodule-url", submodule, (CheckoutError,)),
    Target("git-settings", settings, (ValueError,)),
    Target("versions", versions, (ValueError,)),
    Target("private-key", lambda data, scratch: private_key(text_of(data), given="KEY"), (CredentialError,)),
    Target("keyring", signers, (GitSyncError,)),
)
