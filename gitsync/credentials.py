"""Hands user names and passwords to git through a credential helper of ours.

git asks the helper when a server wants a login (https://git-scm.com/docs/gitcredentials#_custom_helpers), so a password
is never part of a URL, an argument or the environment, and lies only in our private directory.
"""

import shlex
from pathlib import Path
from urllib.parse import urlsplit

from gitsync.config import Credential, GitSetting


def helper_settings(login: Credential | None, *, directory: Path) -> list[GitSetting]:
    """Write the login into `directory`, and return the settings that make git ask for it there and nowhere else."""
    # An empty value forgets the helpers that were configured before.
    settings = [GitSetting("credential.helper", "")]
    if login:
        file = directory / "login"
        file.touch(mode=0o600)
        password = login.password.reveal() if login.password else ""
        file.write_text(f"username={login.username}\npassword={password}\n")
        parts = urlsplit(login.url)
        helper = f'!f() {{ test "$1" = get && cat {shlex.quote(str(file))}; }}; f'
        settings.append(GitSetting(f"credential.{parts.scheme}://{parts.netloc}.helper", helper))
    return settings
