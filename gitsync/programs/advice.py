"""What to do about a git command that has failed, where its words, or whom it has asked, tell more than the reason.

Called by whoever runs git.
"""

import re
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import urlsplit

from gitsync.base.proxies import place_of
from gitsync.base.reaching import NO_TLS, proxy_of
from gitsync.config import transport

_PROXY: Final = (
    "the way leads through the proxy {place}: check its name and port (https_proxy, http_proxy), and whether it may "
    "lead there; a server that is reached without one has to be in no_proxy"
)
# What does not come to the server may not have come to the proxy, or not from there.
_ON_THE_WAY: Final = {"connect", "dns"}
# By the reason, and by words of git, curl or ssh that have led to it.
_BY_WORDS: Final = (
    (
        "auth",
        re.compile(r"(response|http code|returned error:) 407", re.IGNORECASE),
        "the proxy wants a login: write it into https_proxy, as in http://USER:PASSWORD@HOST:PORT",
    ),
    (
        "auth",
        re.compile(r"permission denied \(|too many authentication failures", re.IGNORECASE),
        "give a key that the server knows with --ssh-key-file (/etc/git-secret/ssh is found by itself), and "
        "its public half to the server, as a deploy key of the repository; the user in --repo is `git` with "
        "most servers",
    ),
    (
        "config",
        re.compile(r"no user exists for uid", re.IGNORECASE),
        "install libnss-wrapper, or give the user an entry in /etc/passwd",
    ),
    (
        "ref_missing",
        re.compile(r"not our ref|unadvertised object", re.IGNORECASE),
        "the server does not hand this commit out: it may be gone, or of the copies behind a load balancer one is not "
        "as far as another, which the next tries get past; check --ref if it names the commit",
    ),
    (
        "tls",
        re.compile(r"unexpected tls packet|wrong version number|packet length too long", re.IGNORECASE),
        NO_TLS,
    ),
    (
        "tls",
        re.compile(r"subject name|does not match|doesn't match", re.IGNORECASE),
        "the certificate is for another name than the one in --repo: use that name, or have the certificate "
        "name this one",
    ),
)
# https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens
# https://docs.gitlab.com/user/profile/personal_access_tokens/
# https://support.atlassian.com/bitbucket-cloud/docs/using-access-tokens/ and …/using-api-tokens/
# https://learn.microsoft.com/en-us/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate
# https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-gc.html
_BY_HOST: Final = (
    (
        ("github.com", "*.ghe.com"),
        "GitHub takes no password: give a token (fine-grained: Contents, read) with --password-file and any "
        "--username, or use a GitHub App; an organisation may have to allow it (SSO)",
    ),
    (
        ("gitlab.*",),
        "GitLab: --username=oauth2 with an access token (scope read_repository) in --password-file, or the "
        "name and the token of a deploy token",
    ),
    (
        ("bitbucket.org",),
        "Bitbucket: --username=x-token-auth with an access token of the repository in --password-file, or "
        "--username=x-bitbucket-api-token-auth with an API token; no password of an account",
    ),
    (
        ("dev.azure.com", "*.visualstudio.com"),
        "Azure DevOps: any --username with a personal access token (scope Code, read) in --password-file; "
        "tokens expire",
    ),
    (
        ("git-codecommit*.amazonaws.com", "git-codecommit*.amazonaws.com.cn"),
        "CodeCommit: --username and --password-file have to be the HTTPS Git credentials of an IAM user, not "
        "an access key",
    ),
)


def advice(reason: str, url: str, told: str) -> str | None:
    """Return what to do, None where the reason alone says it; `told` is what was printed, `url` what was asked."""
    for of, words, hint in _BY_WORDS:
        if of == reason and words.search(told):
            return hint
    if transport(url) not in {"http", "https"}:
        return None
    if reason in _ON_THE_WAY and (proxy := proxy_of(url)):
        return _PROXY.format(place=place_of(proxy))
    if reason != "auth":
        return None
    host = _host(url)
    return next((hint for names, hint in _BY_HOST if any(fnmatchcase(host, name) for name in names)), None)


def _host(url: str) -> str:
    """Return the server of a URL, nothing for what only looks like one."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
