"""What a receiver is tried with is what the providers send."""

import pytest

from gitsync.base.errors import WebhookRejected
from gitsync.receiver.providers import PROVIDERS
from gitsync.receiver.providers.provider import Provider
from gitsync.receiver.relevance import relevance
from gitsync.receiver.samples import ping, push

NOW = 1_790_000_000.0
SECRETS = {"plain": "a plain sécret".encode(), "signing": b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}

each = pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)


@each
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/heads/a/b", "refs/tags/v1"])
@pytest.mark.parametrize("repo", ["https://git.example.test/acme/site.git", "git@git.example.test:acme/site", None])
def test_push(provider: Provider, secret: bytes, ref: str, repo: str | None) -> None:
    """A push is known by its headers, proved, and about the ref and the repository."""
    sample = push(provider.name, secret=secret, now=NOW, ref=ref, repo=repo)
    assert next(each for each in PROVIDERS if each.sends(sample)) is provider
    provider.verify(sample, [b"another", secret], NOW)
    read = provider.read(sample)
    assert (read.provider, read.refs) == (provider.name, (ref,))
    assert bool(read.repositories) is (repo is not None and provider.name != "generic")
    for followed in ("HEAD", ref):
        assert relevance(read, repo=repo or "https://git.example.test/x", ref=followed, resolved=ref) == "accepted"


@each
def test_push_with_another_secret(provider: Provider) -> None:
    """Who does not know the secret is refused."""
    sample = push(provider.name, secret=b"another", now=NOW, ref="refs/heads/main")
    with pytest.raises(WebhookRejected, match="does not match the secret"):
        provider.verify(sample, [SECRETS["plain"]], NOW)


@each
def test_ping(provider: Provider) -> None:
    """Those who have a ping send one that is proved."""
    sample = ping(provider.name, secret=SECRETS["plain"], now=NOW)
    assert (sample is not None) is (provider.name in {"github", "bitbucket-server"})
    if sample:
        assert next(each for each in PROVIDERS if each.sends(sample)) is provider
        provider.verify(sample, [SECRETS["plain"]], NOW)
        assert provider.read(sample).is_ping


def test_unknown_provider() -> None:
    """There is no sample of what is no provider."""
    with pytest.raises(KeyError):
        push("unknown", secret=b"x", now=NOW, ref="refs/heads/main")
