"""What a remote says of its refs is read for what it is."""

from gitsync.remote.probe import _parse_refs

HASH = "1" * 40


def test_refs_and_what_they_stand_for_are_read() -> None:
    """Hashes and symbolic refs are told apart."""
    printed = f"ref: refs/heads/main\tHEAD\n{HASH}\tHEAD\n{HASH}\trefs/heads/main\nnonsense\n"
    refs = _parse_refs(printed)
    assert refs.hashes == {"HEAD": HASH, "refs/heads/main": HASH}
    assert refs.symbolic == {"HEAD": "refs/heads/main"}


def test_name_that_a_remote_makes_up_is_escaped_and_bounded() -> None:
    """What HEAD stands for is a label and a field of the log, so that it must not act on who reads those."""
    symbolic = _parse_refs(f"ref: refs/heads/\x1b[31m\u202e{'a' * 100_000}\tHEAD\n").symbolic
    assert symbolic["HEAD"].startswith(r"refs/heads/\x1b[31m\u202eaaa")
    assert symbolic["HEAD"].isprintable()
    assert len(symbolic["HEAD"]) < 300
