"""Promise: with --verify nothing counts that is not signed, from the first moment on, and new keys count at once."""

from pathlib import Path
from typing import Any

from tests.conftest import StartDaemon
from tests.support.origin import Origin
from tests.support.signing import SshSigner, needs_ssh, signed_commit
from tests.support.tree import assert_published, published_hash

pytestmark = needs_ssh


def test_pusher_without_a_key_and_a_new_key(
    start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path
) -> None:
    """Given somebody who may push and has no key, then nothing of it is published, until there is the key."""
    ada, eve = SshSigner(tmp_path, "ada"), SshSigner(tmp_path, "eve")
    keys = tmp_path / "keys"
    keys.write_text(ada.allowed())
    good = signed_commit(origin, ada, "good")
    daemon = start_daemon(origin.url, root, period="1h", verify="commit", verify_ssh_allowed_signers=keys)
    daemon.wait_published(good)
    daemon.until(lambda: (daemon.status()["signature"] or {}).get("signer") == ada.name)
    assert daemon.wait_event("verified", hash=good)["key"].startswith("SHA256:")
    bad = signed_commit(origin, eve, "bad")
    refused = daemon.wait_event("sync_finished", outcome="failed")
    assert refused["reason"] == "unverified"
    assert published_hash(root / "site.git") == good
    assert daemon.get("/readyz")[0] == 200
    keys.write_text(ada.allowed() + eve.allowed())
    daemon.wait_published(bad)
    keys.write_text(ada.allowed())
    daemon.wait_event("published_unverified", hash=bad)
    daemon.until(lambda: daemon.status()["signature"]["verified"] is False)
    assert daemon.get("/readyz")[0] == 200
    assert published_hash(root / "site.git") == bad


def test_restart_without_the_remote(start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given what an unsigned past has published, and no remote, then it stays and is not ready; what is signed is."""
    ada = SshSigner(tmp_path, "ada")
    keys = tmp_path / "keys"
    keys.write_text(ada.allowed())
    options: dict[str, Any] = {"verify": "commit", "verify_ssh_allowed_signers": keys}
    unsigned = origin.head
    assert start_daemon(origin.url, root, one_time=True).wait_exit() == 0
    away = origin.path.with_name("away")
    origin.path.rename(away)
    daemon = start_daemon(origin.url, root, period="1h", **options)
    daemon.wait_event("published_unverified", hash=unsigned)
    daemon.wait_event("sync_finished", outcome="failed")
    assert daemon.get("/readyz")[0] == daemon.get("/")[0] == 503
    assert "not verified" in daemon.status()["state"]
    assert published_hash(root / "site.git") == unsigned
    away.rename(origin.path)
    signed = signed_commit(origin, ada, "good")
    daemon.wait_published(signed)
    daemon.wait_ready()
    assert_published(origin.path, root / "site.git")
    daemon.terminate()
    origin.path.rename(away)
    again = start_daemon(origin.url, root, period="1h", **options)
    again.wait_ready()
    assert again.status()["signature"]["signer"] == ada.name


def test_start_without_usable_keys(start_daemon: StartDaemon, origin: Origin, root: Path, tmp_path: Path) -> None:
    """Given a file that names nobody, or none, then the start says so, and ends."""
    keys = tmp_path / "keys"
    keys.write_text("# nobody\n")
    for path in (keys, tmp_path / "missing"):
        daemon = start_daemon(origin.url, root, verify="commit", verify_ssh_allowed_signers=path)
        assert daemon.wait_exit() == 1
        failed = daemon.wait_event("start_failed")
        assert failed["reason"] == "unverified"
        assert str(path) in failed["message"]
