"""What a remote says of its refs is read for what it is."""

from gitsync.base.log import get_logger
from gitsync.remote.named import Named

HASH, OTHER = "1" * 40, "2" * 40
MAIN = "refs/heads/main"


def looked(ref: str, *lines: tuple[str, str]) -> tuple[str, str, str] | None:
    """Return the hash that a ref leads to in an answer, its full name, and what to fetch."""
    look = Named(ref, get_logger()).look()
    for value, name in lines:
        look.take(value, name)
    found = look.found()
    return (found.hash, found.ref, found.source) if found else None


def test_refs_and_what_they_stand_for_are_read() -> None:
    """Hashes and symbolic refs are told apart."""
    assert looked("HEAD", (f"ref: {MAIN}", "HEAD"), (HASH, "HEAD"), (OTHER, MAIN)) == (HASH, MAIN, "HEAD")
    assert looked("HEAD", ("nonsense", "HEAD"), (HASH, MAIN)) is None


def test_tag_is_what_it_leads_to() -> None:
    """A tag comes before a branch of its name, and stands for its commit; a part of a name is no name."""
    tag = "refs/tags/main"
    lines = [(HASH, MAIN), (HASH, f"{MAIN}-2"), (HASH, tag), (OTHER, f"{tag}^{{}}")]
    assert looked("main", *lines) == (OTHER, tag, tag)
    assert looked("main", *lines[:2]) == (HASH, MAIN, MAIN)
    assert looked("main", lines[1]) is None


def test_name_that_a_remote_makes_up_is_escaped_and_bounded() -> None:
    """What HEAD stands for is a label and a field of the log, so that it must not act on who reads those."""
    found = looked("HEAD", (f"ref: refs/heads/\x1b[31m\u202e{'a' * 100_000}", "HEAD"), (HASH, "HEAD"))
    assert found
    assert found[1].startswith(r"refs/heads/\x1b[31m\u202eaaa")
    assert found[1].isprintable()
    assert len(found[1]) < 300
