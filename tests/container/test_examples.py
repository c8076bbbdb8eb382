"""The examples of k8s/examples at work, as containers; Airflow has no stand-in, and GitHub's API has one elsewhere."""

import http.client
import json
import ssl
from contextlib import closing

import pytest
import trustme

from tests.container.conftest import StartPod
from tests.support.docker_engine import output_of, request, run_in
from tests.support.docker_git import NAME, GitServer, Remote
from tests.support.docker_pod import Pod
from tests.support.eventually import AT_ONCE, eventually
from tests.support.manifests import K8S, Manifest, pods, read, render

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]

SYNC, RECEIVER, TLS, METRICS, PROMETHEUS, NGINX = 9484, 9485, 8443, 9113, 9090, 8080
WEBHOOK = {"gitsync-webhook": {"secret": "open sesame"}}
RULES = "groups: [{{name: {}, rules: [{{record: x, expr: '1'}}]}}]\n"


def example(name: str) -> list[Manifest]:
    """Return the manifests of an example as a cluster gets them."""
    return render(K8S / "examples" / name)


def spec_of(manifests: list[Manifest]) -> Manifest:
    """Return the only pod of some manifests, which the test may change."""
    (pod,) = pods(manifests)
    spec: Manifest = pod["spec"]
    return spec


def status(pod: Pod) -> Manifest:
    """Return what gitsync says of its only repository."""
    (repository,) = json.loads(pod.get(SYNC, "/status")[1])["repos"]
    said: Manifest = repository
    return said


def wait_failed(pod: Pod) -> Manifest:
    """Wait until a pass has failed, and return why."""
    found: Manifest = eventually(lambda: status(pod)["error"])
    return found


def wait_shown(pod: Pod, content: str) -> None:
    """Wait until nginx has this start page."""
    eventually(lambda: pod.get(NGINX, "/") == (200, content))


def tell(pod: Pod) -> None:
    """Send the pod's gitsync a webhook."""
    headers = {"Authorization": "Bearer open sesame"}
    assert request(pod.sandbox, RECEIVER, "/webhook", method="POST", headers=headers)[0] == 202


def test_gate(start_pod: StartPod, remote: Remote) -> None:
    """Two replicas that one webhook tells of a push refuse a bad commit, serve the old one, and then a good one."""
    replicas = [
        start_pod(example("gate"), environment={"GIT_REPO": remote.url, "GITSYNC_PERIOD": "1h"}, secrets=WEBHOOK)
        for _ in range(2)
    ]
    for pod in replicas:
        wait_shown(pod, "first\n")
    bad = remote.push({"index.html": "bad\n", "data/a.json": "{"})
    tell(replicas[0])
    for pod in replicas:
        assert "in ./data/a.json" in wait_failed(pod)["message"]
        assert status(pod)["hash"] != bad
        assert pod.get(NGINX, "/") == (200, "first\n")
        assert pod.get(SYNC, "/readyz?repo=current")[0] == 200
    remote.push({"index.html": "good\n", "data/a.json": "{}"})
    tell(replicas[1])
    for pod in replicas:
        wait_shown(pod, "good\n")
        assert pod.get(NGINX, "/data/a.json") == (200, "{}")
        assert pod.get(NGINX, "/.git")[0] == 404
        assert pod.stop() == {"nginx": 0, "poll": 0}


def test_private_ssh(start_pod: StartPod, remote: Remote, git_server: GitServer, key: str) -> None:
    """A key and known hosts in the Secret are all that the site needs, although no fsGroup is there to own them."""
    host = run_in(git_server.container, "cat", "/etc/ssh/sshd_test.pub")
    login = {"gitsync-login": {"ssh": key, "known_hosts": f"{NAME} {host}"}}
    url = f"ssh://root@{NAME}/srv/git/{remote.url.partition('/git/')[2]}"
    pod = start_pod(example("private-ssh"), environment={"GIT_REPO": url}, secrets=login)
    wait_shown(pod, "first\n")
    assert status(pod)["url"] == url
    assert pod.stop() == {"nginx": 0, "poll": 0}


class Visitor:
    """Somebody who looks at the site over TLS, and trusts one authority."""

    def __init__(self, pod: Pod, authority: trustme.CA) -> None:
        self._pod = pod
        self._context = ssl.create_default_context()
        authority.configure_trust(self._context)

    def look(self) -> tuple[str, str | None]:
        """Return the start page, and what its cache says of it."""
        host, port = self._pod.sandbox.get_container_host_ip(), self._pod.sandbox.get_exposed_port(TLS)
        with closing(http.client.HTTPSConnection(host, int(port), timeout=10, context=self._context)) as connection:
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read().decode(), answer.headers["X-Cache"]


@pytest.fixture
def authority() -> trustme.CA:
    """An authority of the test's own."""
    return trustme.CA()


@pytest.fixture
def tls_secret(authority: trustme.CA) -> dict[str, dict[str, str]]:
    """The Secret of a server that the authority has signed."""
    issued = authority.issue_cert("localhost", "127.0.0.1")
    chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
    return {"site-tls": {"tls.crt": chain.decode(), "tls.key": issued.private_key_pem.bytes().decode()}}


def test_tls_cache(
    start_pod: StartPod,
    remote: Remote,
    git_server: GitServer,
    authority: trustme.CA,
    tls_secret: dict[str, dict[str, str]],
) -> None:
    """A page comes over TLS from the cache; a push empties that at once; errors and metrics are seen beside it."""
    settings = {"GIT_REPO": remote.url, "GITSYNC_PERIOD": "200ms"}
    pod = start_pod(example("tls-cache"), environment=settings, secrets=tls_secret)
    visitor = Visitor(pod, authority)
    eventually(lambda: visitor.look() == ("first\n", "HIT"))
    remote.push({"index.html": "second\n"})
    # An answer would stay in the cache for a minute.
    assert eventually(lambda: visitor.look()[0] == "second\n", timeout=AT_ONCE)
    eventually(lambda: visitor.look() == ("second\n", "HIT"))
    assert "nginx_up 1" in pod.get(METRICS, "/metrics")[1]

    path = "/srv/git/" + remote.url.partition("/git/")[2]
    run_in(git_server.container, "mv", path, f"{path}.away")
    eventually(lambda: '"reason"' in output_of(pod.containers["errors"]))
    assert visitor.look()[0] == "second\n"
    assert pod.stop() == {"front": 0, "app": 0, "errors": 0, "metrics": 0, "poll": 0}


def groups(pod: Pod) -> list[str]:
    """Return the names of the rules' groups that Prometheus has."""
    loaded, body = pod.get(PROMETHEUS, "/api/v1/rules")
    return [group["name"] for group in json.loads(body)["data"]["groups"]] if loaded == 200 else []


def targets(pod: Pod) -> set[str]:
    """Return what Prometheus scrapes."""
    body = pod.get(PROMETHEUS, "/api/v1/targets")[1]
    return {target["scrapeUrl"] for target in json.loads(body)["data"]["activeTargets"]}


def test_prometheus(start_pod: StartPod, remote: Remote) -> None:
    """It has the rules of a push, keeps them where new ones are wrong, and scrapes gitsync."""
    remote.push({"first.yaml": RULES.format("first")})
    manifests = example("prometheus")
    # What a cluster makes of volumeClaimTemplates.
    spec_of(manifests)["volumes"].append({"name": "data", "emptyDir": {}})
    pod = start_pod(manifests, environment={"GIT_REPO": remote.url, "GITSYNC_PERIOD": "200ms"})
    eventually(lambda: groups(pod) == ["first"])
    remote.push({"second.yaml": RULES.format("second")})
    eventually(lambda: groups(pod) == ["first", "second"])
    remote.push({"second.yaml": "groups: wrong\n"})
    eventually(lambda: "500" in output_of(pod.containers["poll"]))
    assert groups(pod) == ["first", "second"]
    eventually(lambda: f"http://localhost:{SYNC}/metrics" in targets(pod))
    assert pod.stop() == {"prometheus": 0, "poll": 0}


def test_job(start_pod: StartPod, remote: Remote) -> None:
    """The content is there when the Job's container starts, and everything ends by itself."""
    pod = start_pod(read(K8S / "examples" / "job" / "job.yaml"), environment={"GIT_REPO": remote.url})
    assert pod.wait("report") == 0
    assert "6 index.html" in output_of(pod.containers["report"])


def test_from_git_sync(start_pod: StartPod, remote: Remote) -> None:
    """With another image, and nothing else, the pod of git-sync works; so do the probes that are added."""
    manifests = example("from-git-sync")
    arguments = spec_of(manifests)["containers"][0]["args"]
    arguments[arguments.index("--period=60s")] = "--period=200ms"
    arguments[0] = f"--repo={remote.url}"
    pod = start_pod(manifests)
    eventually(lambda: pod.probe("git-sync", "readinessProbe"))
    assert pod.probe("git-sync", "livenessProbe")
    wait_shown(pod, "first\n")
    remote.push({"index.html": "second\n"})
    wait_shown(pod, "second\n")
    assert pod.stop() == {"git-sync": 0, "nginx": 0}
