"""A push as users make it: over HTTP, to a repository whose hook then tells a webhook of it, as GitHub would."""

import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Final

from tests.support.git import git, run_git
from tests.support.origin import Content, Origin
from tests.support.webhook import signed

_ROOT: Final = Path(__file__).resolve().parents[2]
_HOOK: Final = """#!{python}
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.support.push import tell
tell(sys.stdin.read(), Path(__file__).with_suffix(".json"))
"""


class Pushing:
    """A repository that is pushed to over HTTP at `url`; `sent_at` is when the last event was sent (Unix seconds)."""

    def __init__(self, origin: Origin, url: str, *, workdir: Path) -> None:
        self._url = url
        self._work = Origin.mirror_of(origin.path, workdir / "work.git")
        self._settings = origin.path / "hooks" / "post-receive.json"
        git(origin.path, "config", "http.receivepack", "true")
        hook = self._settings.with_suffix("")
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_HOOK.format(python=sys.executable, root=str(_ROOT)))
        hook.chmod(0o755)

    def tells(self, webhook: str | None, secret: str) -> None:
        """Have the hook post its events to a URL, signed with a secret, or nowhere."""
        self._settings.write_text(json.dumps({"webhook": webhook, "secret": secret, "repository": self._url}))

    def push(self, files: dict[str, Content]) -> str:
        """Commit and push, which ends when the hook has; return the commit."""
        commit = self._work.commit(files)
        run_git(self._work.path, "push", "--quiet", self._url, self._work.default_branch)
        return commit

    @property
    def sent_at(self) -> float:
        """When the last event was sent, in Unix seconds."""
        return float(self._settings.with_suffix(".sent").read_text())


def tell(lines: str, settings: Path) -> None:
    """Post an event for each ref that was pushed. Called by the hook, in a process of its own."""
    given: dict[str, Any] = json.loads(settings.read_text())
    for line in lines.splitlines() if given["webhook"] else []:
        before, after, ref = line.split()
        repository = {"full_name": "example/site", "clone_url": given["repository"], "default_branch": "main"}
        body = json.dumps({"ref": ref, "before": before, "after": after, "repository": repository}).encode()
        request = urllib.request.Request(given["webhook"], body, signed(body, given["secret"]))  # noqa: S310
        settings.with_suffix(".sent").write_text(str(time.time()))
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            answer.read()
