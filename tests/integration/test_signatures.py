"""Only what is signed by a key that counts is published; what was published stays, whatever comes and whoever goes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitsync.telling.events import Fetched, Verified
from tests.integration.conftest import MakeWorkbench, Workbench
from tests.support.eventually import eventually
from tests.support.origin import Origin
from tests.support.signing import (
    GpgSigner,
    Signer,
    SshSigner,
    needs_gpg,
    needs_ssh,
    signed_commit,
    signed_tag,
    tampered,
)

MakeSigner = Callable[..., Signer]
PROGRAMS = [pytest.param("ssh", marks=needs_ssh), pytest.param("gpg", marks=needs_gpg)]


@pytest.fixture
def make_signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeSigner]:
    """A function that makes somebody with a key of the program that is named."""
    directory = tmp_path_factory.mktemp("k")
    made: list[GpgSigner] = []

    def make(program: str, name: str, **details: str) -> Signer:
        if program == "ssh":
            return SshSigner(directory, name)
        made.append(GpgSigner(directory, name, **details))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for signer in made:
        signer.close()


def allow(file: Path, *signers: Signer) -> None:
    """Write the keys that count."""
    file.write_bytes(b"".join(s.allowed().encode() if isinstance(s, SshSigner) else s.public() for s in signers))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The file with the keys that count."""
    return tmp_path / "keys"


def options(program: str, keys: Path, verify: str = "commit") -> dict[str, object]:
    """Return the options that have signatures of one kind verified."""
    return {"verify": verify, "verify_ssh_allowed_signers" if program == "ssh" else "verify_gpg_keyring": keys}


def assert_refused(bench: Workbench, why: str) -> None:
    """Run a pass that refuses what the remote has, and leaves what is published."""
    before = bench.publisher.current()
    result = bench.run()
    assert bench.publisher.current() == before
    assert result.failure
    assert result.failure.reason == "unverified", result.failure
    assert why in result.failure.message


def verdicts(bench: Workbench) -> list[Verified]:
    """Return what was said of signatures."""
    return [event for event in bench.recorder.events if isinstance(event, Verified)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_signed_unsigned_and_tampered(
    make_workbench: MakeWorkbench, origin: Origin, make_signer: MakeSigner, keys: Path, program: str
) -> None:
    """Only what is signed, by one of the keys and over this content, is published; the rest is not fetched again."""
    ada, eve = make_signer(program, "ada"), make_signer(program, "eve")
    allow(keys, ada)
    bench = make_workbench(origin.url, **options(program, keys))
    assert_refused(bench, "no signature")
    assert bench.publisher.current() is None
    good = signed_commit(origin, ada, "good")
    result = bench.run()
    assert (result.outcome, result.failure) == ("updated", None)
    assert ada.name in (verdicts(bench)[-1].signer or "")
    signed_commit(origin, None, "unsigned")
    assert_refused(bench, "no signature")
    fetches = bench.recorder.names().count(Fetched.__name__)
    assert_refused(bench, "no signature")
    assert bench.recorder.names().count(Fetched.__name__) == fetches
    signed_commit(origin, eve, "by a stranger")
    assert_refused(bench, "verify-")
    tampered(origin, good)
    assert_refused(bench, "")
    assert bench.published() == good
    better = signed_commit(origin, ada, "better")
    assert bench.run().outcome == "updated"
    assert bench.published() == better


@pytest.mark.parametrize("program", PROGRAMS)
def test_keys_change(
    make_workbench: MakeWorkbench, origin: Origin, make_signer: MakeSigner, keys: Path, program: str
) -> None:
    """A key that is added lets in what was refused at once; one that goes is told of, and takes nothing down."""
    ada, bob = make_signer(program, "ada"), make_signer(program, "bob")
    allow(keys, ada)
    first = signed_commit(origin, ada, "by ada")
    bench = make_workbench(origin.url, **options(program, keys))
    assert bench.run().outcome == "updated"
    second = signed_commit(origin, bob, "by bob")
    assert_refused(bench, "verify-")
    assert bench.published() == first
    allow(keys, ada, bob)
    assert bench.run().outcome == "updated"
    allow(keys, ada)
    assert_refused(bench, second)
    assert verdicts(bench)[-1].problem
    assert bench.published() == second
    keys.write_bytes(b"")
    assert_refused(bench, str(keys))
    allow(keys, bob)
    assert bench.run().failure is None
    assert verdicts(bench)[-1].problem is None


@pytest.mark.parametrize("program", PROGRAMS)
def test_other_form_of_signature(
    make_workbench: MakeWorkbench, origin: Origin, make_signer: MakeSigner, keys: Path, program: str
) -> None:
    """A form that no keys are given for does not count, whoever signs; nor does what the user's git would trust."""
    other = "gpg" if program == "ssh" else "ssh"
    ada, stranger = make_signer(program, "ada"), make_signer(other, "stranger")
    allow(keys, ada)
    signed_commit(origin, stranger, "in another form")
    assert_refused(make_workbench(origin.url, **options(program, keys)), "another form")


@needs_ssh
def test_time_of_a_key_of_ssh(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, keys: Path) -> None:
    """A key that was not valid any more at the time of the commit does not count."""
    ada = SshSigner(tmp_path, "ada")
    keys.write_text(ada.allowed('valid-before="20200101"'))
    signed_commit(origin, ada, "late")
    bench = make_workbench(origin.url, **options("ssh", keys))
    assert_refused(bench, "at the time of the commit")
    keys.write_text(ada.allowed('valid-after="20200101"'))
    assert bench.run().outcome == "updated"


@needs_gpg
def test_key_of_openpgp_that_has_expired_or_is_revoked(
    make_workbench: MakeWorkbench, origin: Origin, make_signer: MakeSigner, keys: Path
) -> None:
    """A signature was good when it was made, and is not any more."""
    old, gone = make_signer("gpg", "old", expires="2d"), make_signer("gpg", "gone")
    assert isinstance(gone, GpgSigner)
    allow(keys, old, gone)
    signed_commit(origin, old, "by an old key")
    bench = make_workbench(origin.url, **options("gpg", keys))
    assert_refused(bench, "expired")
    signed_commit(origin, gone, "by a revoked key")
    assert bench.run().outcome == "updated"
    gone.revoke()
    allow(keys, old, gone)
    assert_refused(bench, "revoked")


@needs_gpg
def test_keyring_without_armor(
    make_workbench: MakeWorkbench, origin: Origin, make_signer: MakeSigner, keys: Path
) -> None:
    """Keys may be written in either form."""
    ada = make_signer("gpg", "ada")
    assert isinstance(ada, GpgSigner)
    keys.write_bytes(ada.public(armor=False))
    signed_commit(origin, ada, "good")
    assert make_workbench(origin.url, **options("gpg", keys)).run().outcome == "updated"


@pytest.mark.parametrize("program", PROGRAMS)
def test_tags(make_workbench: MakeWorkbench, origin: Origin, make_signer: MakeSigner, keys: Path, program: str) -> None:
    """A signed tag is enough, on whatever commit; a branch, a light tag and one by a stranger are not."""
    ada, eve = make_signer(program, "ada"), make_signer(program, "eve")
    allow(keys, ada)
    commit = origin.head
    signed_tag(origin, ada, "release", commit)
    assert_refused(make_workbench(origin.url, root=keys.parent / "b", **options(program, keys, "tag")), "light tag")
    # What is refused is tried again soon.
    given = {"ref": "release", "period": "10ms", **options(program, keys, "tag")}
    bench = make_workbench(origin.url, **given)
    assert bench.run().outcome == "updated"
    other = origin.commit({"other": "content"})
    moves: list[Callable[[], str]] = [
        lambda: signed_tag(origin, eve, "release", other),
        lambda: origin.annotated_tag("release", at=other),
        lambda: origin.tag("release", at=other),
    ]
    for move in moves:
        move()
        assert_refused(bench, "")
        assert bench.published() == commit
    bench.close()
    # The tag that is published is there no longer, but for what we have kept of it.
    again = make_workbench(origin.url, **given)
    assert again.sync.adopt()
    again.run()
    assert verdicts(again)[0].signer
    signed_tag(origin, ada, "release", other)
    eventually(lambda: again.run().outcome == "updated")
    assert again.published() == other


@needs_ssh
def test_restart_without_the_remote(make_workbench: MakeWorkbench, origin: Origin, tmp_path: Path, keys: Path) -> None:
    """What an earlier process has published is verified from the store alone, and only if it is asked for again."""
    ada, bob = SshSigner(tmp_path, "ada"), SshSigner(tmp_path, "bob")
    allow(keys, ada)
    signed_commit(origin, ada, "good")
    first = make_workbench(origin.url, **options("ssh", keys))
    assert first.run().outcome == "updated"
    first.close()
    origin.path.rename(origin.path.with_name("gone"))
    for signer in (ada, bob):
        allow(keys, signer)
        bench = make_workbench(origin.url, **options("ssh", keys))
        assert bench.sync.adopt()
        bench.run()
        bench.run()
        (verdict,) = verdicts(bench)
        assert (verdict.problem is None) is (signer is ada)
        bench.close()
