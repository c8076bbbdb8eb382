"""An event about something else starts nothing, and one that may be about ours does."""

import pytest

from gitsync.receiver.delivery import Delivery
from gitsync.receiver.relevance import relevance
from gitsync.remote.choice import Choice
from tests.unit.examples import repo_config

REPO = "https://git.example.test/acme/site.git"
MAIN = "refs/heads/main"
HASH = "0123456789abcdef0123456789abcdef01234567"


def about_ref(ref: str, *refs: str, resolved: str | None = None, default: str | None = None) -> str:
    """Return what an event about these refs means to who follows a ref."""
    delivery = Delivery(provider="github", refs=refs or None, default_branch=default)
    return relevance(delivery, repo=REPO, ref=ref, resolved=resolved)


@pytest.mark.parametrize(
    ("ref", "event", "outcome"),
    [
        ("main", "refs/heads/main", "accepted"),
        ("main", "refs/tags/main", "accepted"),
        ("main", "refs/heads/Main", "other_ref"),
        ("main", "refs/heads/main2", "other_ref"),
        ("main", "refs/heads/release/main", "other_ref"),
        ("main", "refs/remotes/origin/main", "other_ref"),
        ("release/1.2", "refs/heads/release/1.2", "accepted"),
        ("v1.2.0", "refs/tags/v1.2.0", "accepted"),
        ("heads/main", "refs/heads/main", "accepted"),
        ("refs/heads/main", "refs/heads/main", "accepted"),
        ("refs/heads/main", "refs/tags/main", "other_ref"),
        ("refs/tags/main", "refs/heads/main", "other_ref"),
        ("refs/pull/7/head", "refs/pull/7/head", "accepted"),
        ("wort-ü", "refs/heads/wort-ü", "accepted"),
        (HASH, "refs/heads/main", "accepted"),
        (HASH[:12], "refs/heads/main", "other_ref"),
    ],
)
def test_ref(ref: str, event: str, outcome: str) -> None:
    """A name is every ref that git takes it for, and no other one; a commit may be in any."""
    assert about_ref(ref, event) == outcome


def test_several_refs() -> None:
    """One that is ours is enough."""
    assert about_ref("main", "refs/heads/x", MAIN, "refs/tags/y") == "accepted"
    assert about_ref("main", "refs/heads/x", "refs/tags/y") == "other_ref"


@pytest.mark.parametrize("ref", ["HEAD", "main", HASH])
@pytest.mark.parametrize("refs", [None, ()])
def test_no_refs(ref: str, refs: tuple[str, ...] | None) -> None:
    """An event that does not say what it is about may be about ours."""
    delivery = Delivery(provider="azure", refs=refs, default_branch="other")
    assert relevance(delivery, repo=REPO, ref=ref, resolved="refs/heads/other") == "accepted"


@pytest.mark.parametrize(
    ("default", "resolved", "outcome"),
    [
        ("main", MAIN, "accepted"),
        ("main", None, "accepted"),
        (None, MAIN, "accepted"),
        (None, None, "accepted"),
        ("", "", "accepted"),
        # The default branch has just become another one, of which we do not know, or of which the event does not.
        ("main", "refs/heads/old", "accepted"),
        ("old", MAIN, "accepted"),
        ("old", None, "other_ref"),
        (None, "refs/heads/old", "other_ref"),
        # A HEAD that is no branch.
        (None, "HEAD", "accepted"),
    ],
)
def test_head(default: str | None, resolved: str | None, outcome: str) -> None:
    """HEAD is what the event calls the default branch, and what it was last."""
    assert about_ref("HEAD", MAIN, default=default, resolved=resolved) == outcome
    assert about_ref("HEAD", "refs/tags/main", default="main", resolved=MAIN) == "other_ref"


def test_names_that_do_not_show() -> None:
    """Names are compared in the form in which the event's were made fit to be shown, which cuts them."""
    assert about_ref("a\u200bb", "refs/heads/a\\u200bb") == "accepted"
    assert about_ref("HEAD", "refs/heads/a\\u200bb", default="a\u200bb") == "accepted"
    assert about_ref("x" * 400, f"refs/heads/{'x' * 244}…") == "accepted"


def test_ping() -> None:
    """A ping is one, whatever it is about."""
    delivery = Delivery(provider="github", is_ping=True, repositories=("other/other",), refs=("refs/heads/x",))
    assert relevance(delivery, repo=REPO, ref="main", resolved=None) == "ping"


def about_repo(repo: str, *names: str) -> bool:
    """Say whether an event about a repository with these names may be about the one with this URL."""
    delivery = Delivery(provider="github", repositories=names or None, refs=(MAIN,))
    outcome = relevance(delivery, repo=repo, ref="main", resolved=None)
    assert outcome in {"accepted", "other_repository"}
    return outcome == "accepted"


@pytest.mark.parametrize(
    "repo",
    [
        REPO,
        "https://git.example.test/acme/site",
        "https://git.example.test/acme/site.git/",
        "http://user:pass@GIT.example.test:8080/Acme/Site.git",
        "ssh://git@git.example.test:22/acme/site.git",
        "git@git.example.test:acme/site.git",
        "git.example.test:/acme/site",
        "git://git.example.test//acme/site.git",
        "https://git.example.test./acme/sit%65.git",
    ],
)
def test_same_repository(repo: str) -> None:
    """Scheme, user, port, `.git` and the size of letters do not matter, on either side; one name is enough."""
    assert about_repo(repo, REPO)
    assert about_repo(REPO, repo)
    assert about_repo(repo, "https://git.example.test/other/thing", REPO)
    assert about_repo(repo, "https://git.example.test/other/thing", "acme/site")
    assert not about_repo(repo, "https://git.example.test/acme/site2")
    assert not about_repo(repo, "git@git.example.test:other/site.git")


@pytest.mark.parametrize(
    ("repo", "names", "ours"),
    [
        # The same host and another path.
        (REPO, ["https://git.example.test/acme/docs"], False),
        (REPO, ["https://git.example.test/fork/site", "fork/site"], False),
        (REPO, ["https://git.example.test/acme/site/wiki"], False),
        (REPO, ["https://git.example.test/acme/docs", "https://mirror.example.test/acme/site"], False),
        # Another host: a mirror, a name inside of the cluster, an alias.
        ("https://mirror.internal/git/site.git", [REPO, "acme/site"], True),
        ("http://gitea:3000/acme/site", ["https://git.example.test/acme/site"], True),
        ("git@work:acme/site.git", [REPO, "acme/site"], True),
        ("ssh://git@altssh.gitlab.com:443/acme/site.git", ["git@gitlab.com:acme/site.git"], True),
        ("git@ssh.github.com:acme/site.git", ["https://github.com/acme/site"], True),
        ("git@ssh.github.com:acme/site.git", ["https://github.com/acme/docs", "acme/docs"], False),
        ("https://mirror.internal/git/site.git", ["https://git.example.test/acme/docs", "acme/docs"], False),
        (REPO, ["https://mirror.internal/git/docs.git", "https://mirror.internal/git/site.git"], True),
        # A name without a host.
        (REPO, ["acme/site"], True),
        (REPO, ["ACME/Site"], True),
        (REPO, ["site"], True),
        (REPO, ["cme/site"], True),
        (REPO, ["acme/docs"], False),
        (REPO, ["docs"], False),
        ("https://git.example.test/scm/acme/site.git", ["ACME/site"], True),
        ("https://git.example.test/group/acme/site.git", ["https://git.example.test/acme/site", "acme/site"], True),
        ("https://git.example.test/site", ["acme/site"], True),
        # Azure DevOps has several paths for one repository.
        ("https://dev.azure.com/acme/_git/site", ["https://acme@dev.azure.com/acme/site/_git/site"], True),
        (
            "https://dev.azure.com/acme/My%20Project/_git/site",
            ["https://dev.azure.com/acme/My Project/_git/site"],
            True,
        ),
        ("git@ssh.dev.azure.com:v3/acme/web/site", ["https://dev.azure.com/acme/web/_git/site"], True),
        ("https://dev.azure.com/acme/web/_git/site", ["https://dev.azure.com/acme/web/_git/docs"], False),
        (
            "https://dev.azure.com/acme/_git/site",
            ["https://dev.azure.com/fabrikam/DefaultCollection/_git/Fiber"],
            False,
        ),
        # Odd ends of names.
        ("https://git.example.test/acme/.git", ["https://git.example.test/acme/.git"], True),
        ("https://git.example.test/acme/site.git.git", ["https://git.example.test/acme/site.git"], False),
        ("ssh://git@[2001:db8::1]:22/acme/site", ["git@[2001:db8::1]:acme/site.git"], True),
        ("git@[2001:db8::1]:acme/site", ["https://[2001:DB8::1]/acme/docs"], False),
    ],
)
def test_repository(repo: str, names: list[str], ours: bool) -> None:
    """Only what is another repository's without doubt is passed over."""
    assert about_repo(repo, *names) is ours


@pytest.mark.parametrize(
    "repo", ["/srv/git/site.git", "./site", "file:///srv/git/site.git", "https://git.example.test/"]
)
def test_repository_without_a_name(repo: str) -> None:
    """A path on this machine says nothing of what it is called elsewhere."""
    assert about_repo(repo, "https://git.example.test/acme/docs", "acme/docs")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "https://",
        "https:///",
        "https://[",
        "http://[::1",
        "://",
        "file:///acme/docs",
        "@:",
        "git@host:",
        "///",
        "https://\u2100/x",
    ],
)
def test_names_that_lead_nowhere(name: str) -> None:
    """What is no name of a repository says nothing (argo-cd ended over an empty one), and hides none that is."""
    assert about_repo(REPO, name)
    assert about_repo(REPO, name, "acme/site")
    assert not about_repo(REPO, name, "acme/docs")


def test_nameless() -> None:
    """An event that does not say which repository it is about may be about ours."""
    assert about_repo(REPO)
    delivery = Delivery(provider="github", repositories=(), refs=(MAIN,))
    assert relevance(delivery, repo=REPO, ref="main", resolved=None) == "accepted"


def test_repository_before_ref() -> None:
    """What is told of an event of another repository is that, whichever ref it is about."""
    delivery = Delivery(provider="github", repositories=("acme/docs",), refs=("refs/heads/x",))
    assert relevance(delivery, repo=REPO, ref="main", resolved=None) == "other_repository"


@pytest.mark.parametrize(
    ("options", "refs", "outcome"),
    [
        (("--ref-pattern=v*",), ("refs/tags/v1.2",), "accepted"),
        (("--ref-pattern=v*",), ("refs/heads/v1.2",), "accepted"),
        (("--ref-pattern=v*",), ("refs/heads/main", "refs/tags/v2"), "accepted"),
        (("--ref-pattern=v*",), ("refs/heads/main", "refs/tags/w2"), "other_ref"),
        (("--ref-pattern=release/*",), ("refs/heads/release/1.2",), "accepted"),
        (("--ref-pattern=release/*",), ("refs/heads/release/1/x",), "other_ref"),
        (("--ref-pattern=refs/heads/release-*",), ("refs/tags/release-1",), "other_ref"),
        (("--ref-semver=^1",), ("refs/tags/v1.2.3",), "accepted"),
        (("--ref-semver=^1",), ("refs/tags/v2.0.0",), "other_ref"),
        (("--ref-semver=^1",), ("refs/tags/v1.3.0-rc.1",), "other_ref"),
        (("--ref-semver=^1",), ("refs/heads/v1.2.3",), "other_ref"),
        (("--ref-pattern=chart-*", "--ref-semver=^1"), ("refs/tags/chart-1.4.0",), "accepted"),
        (("--ref-pattern=chart-*", "--ref-semver=^1"), ("refs/tags/v1.4.0",), "other_ref"),
        (("--ref-pattern=v*",), (), "accepted"),
    ],
)
def test_one_of_several_refs(options: tuple[str, ...], refs: tuple[str, ...], outcome: str) -> None:
    """An event is about what could be chosen, whichever one was chosen last."""
    delivery = Delivery(provider="github", refs=refs, default_branch="main")
    among = Choice(repo_config(*options).followed)
    assert relevance(delivery, repo=REPO, ref=among, resolved="refs/tags/v1.0.0") == outcome
