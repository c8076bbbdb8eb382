"""Of several refs the newest is followed that counts, whatever else a remote has."""

import pytest

from gitsync.base.errors import RefNotFound
from gitsync.config.followed import RefConfig
from gitsync.remote.choice import Choice
from gitsync.remote.listing import Listing
from gitsync.remote.target import Target
from tests.unit.examples import repo_config

HASHES = [f"{number:040x}" for number in range(100)]


def choice(*options: str) -> Choice:
    """Return what these options choose by."""
    return Choice(repo_config(*options).followed)


def lines(*names: str) -> list[tuple[str, str]]:
    """Return an answer with these refs, in the order in which a server sends them."""
    return list(zip(HASHES, sorted(names), strict=False))


def chosen(among: Choice, *names: str) -> str | None:
    """Return which of the refs of an answer is followed."""
    look = among.look()
    for value, name in lines(*names):
        look.take(value, name)
    found = look.found()
    return found.ref if found else None


TAGS = [
    f"refs/tags/{name}" for name in ("v1.2.0", "v1.9.9", "v1.10.0", "v2.0.0-rc.1", "old", "app/v9", "1.11", "v1.10")
]
BRANCHES = [f"refs/heads/{name}" for name in ("main", "release/1.9", "release/1.10", "release/2/x", "v3", "release-7")]
OTHERS = ["HEAD", "refs/pull/7/head", "refs/pull/12/head", "refs/pull/12/merge", "refs/notes/commits"]


@pytest.mark.parametrize(
    ("options", "ref"),
    [
        (["--ref-pattern=v*"], "refs/tags/v2.0.0-rc.1"),
        (["--ref-pattern=v1.*"], "refs/tags/v1.10.0"),
        (["--ref-pattern=v1.[0-8]*"], "refs/tags/v1.10.0"),
        (["--ref-pattern=v?.9.9"], "refs/tags/v1.9.9"),
        # Tags come first, as they do for a name.
        (["--ref-pattern=refs/heads/v*"], "refs/heads/v3"),
        (["--ref-pattern=release/*"], "refs/heads/release/1.10"),
        (["--ref-pattern=release/*/*"], "refs/heads/release/2/x"),
        (["--ref-pattern=refs/heads/release-*"], "refs/heads/release-7"),
        (["--ref-pattern=*/v*"], "refs/tags/app/v9"),
        (["--ref-pattern=refs/pull/*/head"], "refs/pull/12/head"),
        (["--ref-pattern=old"], "refs/tags/old"),
        (["--ref-pattern=*"], "refs/tags/v2.0.0-rc.1"),
        (["--ref-semver=^1"], "refs/tags/1.11"),
        (["--ref-semver=~1.9"], "refs/tags/v1.9.9"),
        (["--ref-semver=>=1.2 <1.11"], "refs/tags/v1.10.0"),
        (["--ref-semver=>=2.0.0-0"], "refs/tags/v2.0.0-rc.1"),
        (["--ref-semver=^1", "--ref-pattern=v*"], "refs/tags/v1.10.0"),
        (["--ref-semver=^9", "--ref-pattern=app/*"], "refs/tags/app/v9"),
        (["--ref-semver=1.x", "--ref-pattern=release/*"], "refs/heads/release/1.10"),
        (["--ref-semver=^3"], None),
        (["--ref-pattern=V*"], None),
        (["--ref-pattern=releas"], None),
    ],
)
def test_newest(options: list[str], ref: str | None) -> None:
    """What matches, and of that the newest version."""
    assert chosen(choice(*options), *TAGS, *BRANCHES, *OTHERS) == ref


@pytest.mark.parametrize(
    "name",
    [
        *("v9\udcff", "v9\x1b[31m", "v9\u202e", "v9 ", "v9:refs/heads/x", "v9^{}", "v9..1", "v9.lock", "v9~1", "v9*"),
        *("v9/", "v9//x", f"v9{'0' * 300}", "v9\\", "v9@{1}", "-v9"),
    ],
)
def test_hostile_names(name: str) -> None:
    """A name that no ref may have, or that could not be shown, does not count."""
    assert chosen(choice("--ref-pattern=*"), "refs/tags/v1", f"refs/tags/{name}") == "refs/tags/v1"


def test_long_numbers() -> None:
    """They count as what they are, as far as a name may be shown."""
    assert chosen(choice("--ref-pattern=v*"), "refs/tags/v9", f"refs/tags/v{'1' * 200}") == f"refs/tags/v{'1' * 200}"
    assert chosen(choice("--ref-pattern=v*"), "refs/tags/v9", f"refs/tags/v{'1' * 10_000}") == "refs/tags/v9"
    assert chosen(choice("--ref-semver=*"), "refs/tags/v9", f"refs/tags/v{'1' * 5000}") == "refs/tags/v9"


def test_tag_is_what_it_leads_to() -> None:
    """The line of its commit comes after it; one of another tag, or without a hash, is passed over."""
    look = choice("--ref-pattern=v*").look()
    for value, name in [
        (HASHES[1], "refs/tags/v2"),
        (HASHES[2], "refs/tags/v2^{}"),
        (HASHES[3], "refs/tags/v1"),
        (HASHES[4], "refs/tags/v1^{}"),
        ("nonsense", "refs/tags/v3"),
        ("ref: refs/tags/v4", "refs/tags/v4"),
        ("nonsense", "refs/tags/v2^{}"),
    ]:
        look.take(value, name)
    assert look.found() == Target(hash=HASHES[2], ref="refs/tags/v2", source="refs/tags/v2")


@pytest.mark.parametrize(
    ("options", "prefixes", "asked"),
    [
        (["--ref-pattern=v*"], ["refs/tags/v", "refs/heads/v"], ["--tags", "--heads"]),
        (["--ref-pattern=refs/heads/release-[0-9]*"], ["refs/heads/release-"], ["--heads"]),
        (["--ref-pattern=refs/pull/*/head"], ["refs/pull/"], []),
        (["--ref-semver=^1"], ["refs/tags/"], ["--tags"]),
    ],
)
def test_what_is_asked_for(options: list[str], prefixes: list[str], asked: list[str]) -> None:
    """No more than what may count."""
    listing = Told(b"")
    among = choice(*options)
    with pytest.raises(RefNotFound):
        among.find(listing, deadline=0.0)
    assert list(among.prefixes) == prefixes
    assert listing.asked == asked


class Told(Listing):
    """What git would say, in blocks of a few lines."""

    def __init__(self, *blocks: bytes) -> None:
        self.url = "https://example.test/site.git"
        self.blocks = blocks
        self.asked: list[str] = []

    def ask(self, take, *, options=(), patterns=(), deadline) -> None:  # type: ignore[no-untyped-def]
        """Say it."""
        self.asked = list(options)
        for block in self.blocks:
            take(block)


def block(*names: str) -> bytes:
    """Return a block of lines."""
    return "".join(f"{value}\t{name}\n" for value, name in lines(*names)).encode()


@pytest.mark.parametrize(
    ("options", "names", "message", "hint"),
    [
        (
            ["--ref-pattern=relaese/*"],
            BRANCHES,
            "none of the 6 tags and branches of the remote is in 'relaese/*'",
            "check --ref-pattern: there are such as release/",
        ),
        (
            ["--ref-semver=^7"],
            TAGS,
            "none of the 8 tags of the remote is in '^7'",
            "such as v2.0.0-rc.1, 1.11, v1.10.0",
        ),
        (
            ["--ref-semver=^7", "--ref-pattern=v*"],
            [],
            "none of the 0 tags",
            "check --ref-pattern and --ref-semver: there are none",
        ),
        (["--ref-pattern=refs/pull/*/x"], OTHERS[1:], "none of the 4 refs", "there are such as refs/pull/"),
    ],
)
def test_nothing_matches(options: list[str], names: list[str], message: str, hint: str) -> None:
    """It is said what was looked for, among how many, and what there is."""
    with pytest.raises(RefNotFound) as caught:
        choice(*options).find(Told(block(*names)), deadline=0.0)
    assert caught.value.reason == "ref_missing"
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")


def test_blocks_that_are_known() -> None:
    """What an answer has led to is known the next time, and what has changed in it is seen."""
    among = choice("--ref-pattern=v*")
    first, second, third = block("refs/tags/v1"), block("refs/tags/v2"), block("refs/tags/v3")
    answers = [
        (first, second, third),
        (first, second, third),
        (first, third),
        (first, second),
        (second, first),
        (third,),
    ]
    found = [among.find(Told(*blocks), deadline=0.0).ref[-2:] for blocks in answers]
    assert found == ["v3", "v3", "v3", "v2", "v2", "v3"]


def test_older() -> None:
    """Which of two refs is the older one, where that is known."""
    among = choice("--ref-pattern=v*")
    assert among.is_older("refs/tags/v1.9", than="refs/tags/v1.10")
    assert not among.is_older("refs/tags/v1.10", than="refs/tags/v1.9")
    assert not among.is_older("refs/tags/v1", than="v*")
    # A branch takes the place of tags that are gone.
    assert among.is_older("refs/heads/v9", than="refs/tags/v1")


def test_how_it_is_told() -> None:
    """By what was given."""
    assert RefConfig(ref="main", ref_pattern=None, ref_semver=None).shown == "main"
    assert repo_config("--ref-pattern=chart-*", "--ref-semver=^2").ref == "chart-* ^2"
