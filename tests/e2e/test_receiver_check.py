"""Promise: in a pod that runs, one command tells whether webhooks of a provider are let in, and if not, why."""

import subprocess
import sys
from pathlib import Path

import pytest

from gitsync.receiver.providers import PROVIDERS
from tests.conftest import StartDaemon
from tests.support.daemon import DaemonProcess
from tests.support.git_http import GitHttpServer
from tests.support.origin import Origin

SECRET = "s3cret-of-the-receiver"
# Of GitLab and of others that sign as it does.
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PROVIDER_NAMES = [provider.name for provider in PROVIDERS]


class Pod:
    """A daemon with a receiver, and what is run beside it with the same variables."""

    def __init__(self, daemon: DaemonProcess, environment: dict[str, str]) -> None:
        self.daemon = daemon
        self.environment = {**environment, "GITSYNC_HTTP_BIND": f"127.0.0.1:{daemon.port}"}

    def check(self, *arguments: str, code: int = 0, told: str, **environment: str) -> None:
        """Run the command, and look at its exit code and for a text in what it writes."""
        command = [sys.executable, "-m", "gitsync", "receiver-check", *arguments]
        ended = subprocess.run(
            command, env=self.environment | environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert told in ended.stdout + ended.stderr
        assert ended.returncode == code


@pytest.fixture
def pod(start_daemon: StartDaemon, git_http: GitHttpServer, origin: Origin, root: Path, tmp_path: Path) -> Pod:
    """A daemon that has published, follows the default branch, and asks the remote once an hour."""
    file = tmp_path / "receiver-secret"
    file.write_text(f"{SECRET}\n{SIGNING}\n")
    url = git_http.url_of(origin.path)
    environment = {"GITSYNC_REPO": url, "GITSYNC_RECEIVER_SECRET_FILE": str(file)}
    daemon = start_daemon(url, root, "-v1", environment=environment, period="1h", receiver_spacing="0s")
    daemon.wait_ready()
    daemon.wait_event("sync_finished")
    return Pod(daemon, environment)


def test_each_provider(pod: Pod, origin: Origin) -> None:
    """Given a new commit each time, when an event of each provider is sent, then it is let in and published."""
    for name in PROVIDER_NAMES:
        commit = origin.commit({"index.html": f"{name}\n"})
        pod.check(name, told="202: let in, and a pass is started")
        pod.daemon.wait_published(commit)
        assert pod.daemon.metrics()[f'gitsync_receiver_requests_total{{outcome="accepted",provider="{name}"}}'] == 1
    (line, *_) = pod.daemon.logs("webhook_accepted", provider="github")
    assert (line["delivery"], line["refs"]) == ("gitsync-receiver-check", ["refs/heads/main"])
    assert SECRET not in pod.daemon.log_text()


@pytest.mark.parametrize("name", ["gitlab", "generic"])
def test_signing_secret(pod: Pod, tmp_path: Path, name: str) -> None:
    """Given a secret to sign with, when it is used, then what is sent is signed, and let in."""
    file = tmp_path / "signing"
    file.write_text(SIGNING)
    pod.check(name, "--secret-file", str(file), told="202: let in")


def test_other_events(pod: Pod) -> None:
    """Given an event about something else, or a ping, when it is sent, then it is let in, and no pass is run."""
    mark = pod.daemon.mark()
    pod.check("github", "--ping", told="200: let in (this gitsync hears you)")
    pod.check("github", "--ref=refs/tags/v1", told="the event is not about the ref that is followed")
    elsewhere = "https://git.example.test/acme/docs"
    pod.check("gitlab", told="the event is not about the repository that is followed", GITSYNC_REPO=elsewhere)
    assert not pod.daemon.logs("sync_finished", since=mark)
    outcomes = {line["outcome"] for line in pod.daemon.logs("webhook_accepted", since=mark)}
    assert outcomes == {"ping", "other_ref", "other_repository"}


def test_wrong_secret(pod: Pod) -> None:
    """Given another secret, when an event is sent, then it is said what is wrong."""
    environment = {"GITSYNC_RECEIVER_SECRET_FILE": "", "GITSYNC_RECEIVER_SECRET": "another-secret"}
    told = "401: not let in (X-Hub-Signature-256 does not match the secret)"
    pod.check("github", code=3, told=told, **environment)


def test_no_receiver(start_daemon: StartDaemon, origin: Origin, root: Path) -> None:
    """Given no receiver, or nobody at all, when an event is sent, then it is said what is missing."""
    daemon = start_daemon(origin.url, root, period="1h")
    daemon.wait_ready()
    pod = Pod(daemon, {"GITSYNC_RECEIVER_SECRET": SECRET})
    pod.check("azure", code=3, told="404: there is no receiver")
    daemon.terminate()
    pod.check("azure", code=3, told="does gitsync run there")
