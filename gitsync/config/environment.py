"""What children get to see of the environment of the process: git, and the hooks. Pure functions.

git reads many variables (https://git-scm.com/docs/git#_environment_variables). Those that say how to reach a server are
handed on; those that would lead it to other files and programs than ours are not, and are named at the start.
"""

import re
from collections.abc import Mapping
from typing import Final

from gitsync.base.redact import holds_secret, scrub
from gitsync.config.gitsettings import GitSetting, checked
from gitsync.config.names import VARIABLES
from gitsync.config.values import ALL

# What git and its helpers inherit; all else is taken out of the environment of the process.
INHERITED: Final = frozenset(
    [
        *("PATH", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_EXEC_PATH"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("GIT_SSL_NO_VERIFY", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_VERSION", "GIT_SSL_CIPHER_LIST"),
        *("GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_CERT_PASSWORD_PROTECTED"),
        *("GIT_PROXY_COMMAND", "GIT_PROXY_SSL_CAINFO", "GIT_PROXY_SSL_CERT", "GIT_PROXY_SSL_KEY"),
        *("GIT_PROXY_SSL_CERT_PASSWORD_PROTECTED", "GIT_HTTP_PROXY_AUTHMETHOD"),
        *("GIT_HTTP_LOW_SPEED_LIMIT", "GIT_HTTP_LOW_SPEED_TIME", "GIT_HTTP_MAX_REQUESTS", "GIT_HTTP_USER_AGENT"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF", "RES_OPTIONS", "LOCALDOMAIN"),
        *("KRB5_CONFIG", "KRB5CCNAME", "KRB5_KTNAME", "KRB5_CLIENT_KTNAME"),
    ]
)
# What git reads and does not get from us, and what to use instead; the first pattern that fits counts.
_DROPPED: Final = (
    (re.compile(r"GIT_SSH(_VARIANT)?"), "GIT_SSH_COMMAND"),
    (re.compile(r"(GIT|SSH)_ASKPASS"), "--password-file, --credential or --askpass-url"),
    (re.compile(r"GIT_CONFIG(_GLOBAL|_SYSTEM|_PARAMETERS)?"), "--git-config"),
    (re.compile(r"GIT_(TRACE|TR2)\w*|GIT_CURL_VERBOSE"), "--verbose=6"),
    (re.compile(r"GIT_(DIR|WORK_TREE|COMMON_DIR|INDEX_FILE|NAMESPACE)"), "--root and --link"),
    (re.compile(r"GIT_(ALTERNATE_)?OBJECT_DIRECTOR(Y|IES)|GIT_(SHALLOW|GRAFT)_FILE|GIT_TEMPLATE_DIR"), None),
    (re.compile(r"GIT_ALLOW_PROTOCOL|GIT_PROTOCOL_FROM_USER|GIT_DEFAULT_(HASH|REF_FORMAT)|GIT_ATTR_SOURCE"), None),
    (
        re.compile(r"GIT_NO_(REPLACE_OBJECTS|LAZY_FETCH)|GIT_REPLACE_REF_BASE|GIT_(LITERAL|(NO)?GLOB|ICASE)_PATHSPECS"),
        None,
    ),
)
# They say the same as we do.
_OFF: Final = frozenset({"", "0", "false", "/dev/null"})
# The kubelet sets it in each container, whatever enableServiceLinks says.
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
IN_A_POD: Final = "KUBERNETES_SERVICE_HOST"
# What every program may need: its files, the way out of the pod, and the cluster's API.
_ALWAYS: Final = frozenset(
    [
        *("PATH", "HOME", "HOSTNAME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "USER"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR"),
        *(IN_A_POD, "KUBERNETES_SERVICE_PORT", "KUBERNETES_SERVICE_PORT_HTTPS"),
    ]
)
_OURS: Final = ("GITSYNC_", "GIT_SYNC_")
_OF_GIT: Final = ("GIT_", "SSH_")


def for_hooks(environ: Mapping[str, str], wanted: tuple[str, ...]) -> dict[str, str]:
    """Return what hooks see: what every program may need, and what is wanted by name, or all that is not secret.

    What holds a secret of ours, and what leads git and ssh elsewhere, is there only if it is wanted by its name.
    """
    return {
        name: value
        for name, value in sorted(environ.items())
        if name in _ALWAYS or name in wanted or (ALL in wanted and _is_harmless(name, value))
    }


def _is_harmless(name: str, value: str) -> bool:
    if known := VARIABLES.get(name):
        # A URL may hold a login.
        return not known.option.secret and scrub(value) == value
    return not name.startswith((*_OURS, *_OF_GIT)) and not holds_secret(value)


def settings_of(environ: Mapping[str, str], warnings: list[str]) -> tuple[GitSetting, ...]:
    """Return the settings of `GIT_CONFIG_COUNT` and the pairs that it counts, in their order.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
    """
    count = environ.get("GIT_CONFIG_COUNT", "")
    if not count:
        return ()
    try:
        if not count.isascii() or not count.isdigit() or len(count) > len(str(len(environ))):
            raise ValueError("use the number of the pairs GIT_CONFIG_KEY_… and GIT_CONFIG_VALUE_… that there are")
        pairs = [(f"GIT_CONFIG_KEY_{number}", f"GIT_CONFIG_VALUE_{number}") for number in range(int(count))]
        if absent := [name for pair in pairs for name in pair if name not in environ]:
            raise ValueError(f"{absent[0]} is missing")
        return tuple(checked(GitSetting(environ[key], environ[value])) for key, value in pairs)
    except ValueError as error:
        warnings.append(f"GIT_CONFIG_COUNT: it has no effect: {error}")
        return ()


def dropped_variables(environ: Mapping[str, str]) -> list[str]:
    """Return the one warning that names all variables which git would read and does not get, if there are any."""
    told = []
    for name in sorted(environ):
        remedy = next((use or "" for pattern, use in _DROPPED if pattern.fullmatch(name)), None)
        if remedy is not None and environ[name] not in _OFF and name not in VARIABLES:
            told.append(f"{name} (use {remedy})" if remedy else name)
    if not told:
        return []
    return [f"git runs without these environment variables, so they have no effect: {', '.join(told)}"]
