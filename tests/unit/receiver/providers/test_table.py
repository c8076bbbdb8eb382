"""Whose a request is shows in its headers: many send those of others as well."""

import pytest

from gitsync.base.errors import ConfigError
from gitsync.receiver.providers import PROVIDERS
from tests.unit.examples import config
from tests.unit.receiver.providers.signatures import request

GITHUB = {"X_GitHub_Event": "push", "X_GitHub_Delivery": "1", "X_Hub_Signature": "sha1=0", "X_Hub_Signature_256": "x"}
GOGS = {"X_Gogs_Event": "push", "X_Gogs_Signature": "0", "X_GitHub_Event": "push", "X_GitHub_Delivery": "1"}
GITEA = {**GITHUB, **GOGS, "X_Gitea_Event": "push", "X_Gitea_Signature": "0"}


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({**GITEA, "X_Forgejo_Event": "push", "X_Forgejo_Signature": "0"}, "forgejo"),
        (GITEA, "gitea"),
        (GOGS, "gogs"),
        (GITHUB, "github"),
        ({"X_Hub_Signature_256": "x"}, "github"),
        ({"X_VSS_ActivityId": "1", "Authorization": "Basic x"}, "azure"),
        ({"X_Gitlab_Event": "Push Hook", "X_Gitlab_Token": "x"}, "gitlab"),
        ({"X_Gitlab_Event": "Push Hook", "webhook_id": "1", "webhook_signature": "v1,x"}, "gitlab"),
        ({"X_Gitlab_Token": "x"}, "gitlab"),
        ({"X_Event_Key": "repo:push", "X_Hook_UUID": "1", "X_Hub_Signature": "sha256=x"}, "bitbucket"),
        ({"X_Event_Key": "repo:refs_changed", "X_Hub_Signature": "sha256=x"}, "bitbucket-server"),
        ({"X_Event_Key": "diagnostics:ping", "Authorization": "Basic x"}, "bitbucket-server"),
        ({"Authorization": "Bearer x"}, "generic"),
        ({"X_Signature": "sha256=x"}, "generic"),
        ({"webhook_id": "1", "webhook_signature": "v1,x"}, "generic"),
    ],
)
def test_headers(headers: dict[str, str], name: str) -> None:
    """The first one of the table that knows a request is the one that has sent it."""
    assert next(provider.name for provider in PROVIDERS if provider.sends(request(**headers))) == name


@pytest.mark.parametrize(
    "headers", [{}, {"X_GitHub_Event": "", "Authorization": " "}, {"User_Agent": "GitHub-Hookshot"}]
)
def test_nobody(headers: dict[str, str]) -> None:
    """A request without any of them is nobody's."""
    assert not any(provider.sends(request(**headers)) for provider in PROVIDERS)


def test_each_can_be_fixed() -> None:
    """The option knows the name of each of them, and tells those where it is given another."""
    for provider in PROVIDERS:
        assert config(f"--receiver-provider={provider.name}").receiver.provider == provider.name
    with pytest.raises(ConfigError) as caught:
        config("--receiver-provider=nobody")
    assert all(provider.name in str(caught.value) for provider in PROVIDERS)
