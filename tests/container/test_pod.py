"""The manifests in k8s/ at work: a web server and the sidecar in one pod, and a push that shows on the site."""

from functools import partial

import pytest

from tests.container.conftest import LINK, StartPod
from tests.support.docker_engine import request, run_in
from tests.support.docker_git import Remote
from tests.support.docker_pod import Pod
from tests.support.eventually import GaveUpError, eventually

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

HTTP = 80
SYNC = 9484
RECEIVER = 9485
# What the volume has beside the site, and what of the tree is not for visitors, also in forms that a server decodes.
HIDDEN = (
    *("/.git", "/.gitignore", "/%2egit", "/docs/.secret", "/.env", f"/{LINK}/index.html"),
    *("/.gitsync/", "/.gitsync/lock", "/.worktrees/", "/../.gitsync/lock", "/..%2f.gitsync/lock"),
)


def shows(pod: Pod, path: str, content: str) -> bool:
    """Tell whether the site has this content; once the site is up, any answer but 200 is an error for good."""
    status, body = pod.get(HTTP, path)
    if status != 200:
        raise GaveUpError(f"{path}: {status}\n{body}")
    return body == content


def test_a_push_shows_on_the_site(start_pod: StartPod, remote: Remote) -> None:
    """pod.yaml as it is, but for the URL: httpd serves what was pushed, and what is pushed later."""
    pod = start_pod("pod.yaml", environment={"GIT_REPO": remote.url})
    for name in ("poll", "app"):
        eventually(partial(pod.probe, name, "readinessProbe"))
    assert pod.probe("poll", "livenessProbe")
    assert shows(pod, "/", "first\n")
    files = {"index.html": "second\n", "more.html": "more\n", ".env": "hidden\n", "docs/.secret": "hidden\n"}
    commit = remote.push(files)
    eventually(lambda: shows(pod, "/", "second\n"))
    assert shows(pod, "/more.html", "more\n")
    for path in HIDDEN:
        assert pod.get(HTTP, path)[0] in (400, 404), path
    assert run_in(pod.containers["poll"], "readlink", f"/git/{LINK}").strip().endswith(f"/{commit}")
    assert request(pod.sandbox, SYNC, "/webhook", method="POST")[0] == 404
    assert pod.stop() == {"app": 0, "poll": 0}


def test_the_site_is_never_seen_incomplete(start_pod: StartPod, remote: Remote) -> None:
    """During updates every answer of httpd is one whole version, and versions never go back."""
    pod = start_pod("pod.yaml", environment={"GIT_REPO": remote.url, "GITSYNC_PERIOD": "50ms"})
    eventually(partial(pod.probe, "app", "readinessProbe"))
    versions = ["first\n"]
    answers: list[tuple[int, str]] = []

    def newest_is_seen() -> bool:
        answers.append(pod.get(HTTP, "/index.html"))
        return answers[-1] == (200, versions[-1])

    for number in range(10):
        versions.append(f"version {number}\n" * 1000)
        remote.push({"index.html": versions[-1]})
        eventually(newest_is_seen, interval=0.001)
    assert {status for status, _ in answers} == {200}
    seen = [versions.index(body) for _, body in answers]
    assert seen == sorted(seen)


def test_the_sidecar_form_starts_the_site_with_content(start_pod: StartPod, remote: Remote) -> None:
    """deployment.yaml: the first answer of httpd is the site, at its root; a webhook call updates it without a poll."""
    pod = start_pod(
        "deployment.yaml",
        environment={"GIT_REPO": remote.url, "GITSYNC_PERIOD": "10m"},
        secrets={"site-webhook": {"secret": "open sesame"}},
    )
    assert eventually(lambda: pod.get(HTTP, "/")) == (200, "first\n")
    eventually(partial(pod.probe, "app", "readinessProbe"))
    for path in HIDDEN:
        assert pod.get(HTTP, path)[0] in (400, 404), path
    remote.push({"index.html": "second\n"})
    wrong = {"Authorization": "Bearer sesame"}
    right = {"Authorization": "Bearer open sesame"}
    assert request(pod.sandbox, RECEIVER, "/webhook", method="POST", headers=wrong)[0] == 401
    assert shows(pod, "/", "first\n")
    assert request(pod.sandbox, RECEIVER, "/webhook", method="POST", headers=right)[0] == 202
    eventually(lambda: shows(pod, "/", "second\n"))
    assert pod.stop() == {"app": 0, "poll": 0}


def test_the_webhook_waits_for_its_secret(start_pod: StartPod, remote: Remote) -> None:
    """deployment.yaml works as it is in a cluster that has no such Secret; one that is made later needs no restart."""
    pod = start_pod("deployment.yaml", environment={"GIT_REPO": remote.url})
    assert eventually(lambda: pod.get(HTTP, "/")) == (200, "first\n")
    headers = {"Authorization": "Bearer open sesame"}
    assert request(pod.sandbox, RECEIVER, "/webhook", method="POST", headers=headers)[0] == 503
    pod.put_secret("site-webhook", {"secret": "open sesame"})
    assert request(pod.sandbox, RECEIVER, "/webhook", method="POST", headers=headers)[0] == 202
