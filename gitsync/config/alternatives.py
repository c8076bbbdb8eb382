"""Options of a repository that exclude each other: where an entry gives one, the others of the defaults do not count.

Pure functions; imported only where there is a file of --config.
"""

from collections.abc import Iterable
from typing import Final

# Each has sets of options, one of which is meant; those of one set go together.
_ALTERNATIVES: Final = (
    (frozenset({"ref"}), frozenset({"ref_pattern", "ref_semver"})),
    (frozenset({"subpath"}), frozenset({"sparse_checkout_file"})),
    (
        frozenset({"username", "password_file"}),
        frozenset({"askpass_url"}),
        frozenset(
            {
                "github_app_application_id",
                "github_app_client_id",
                "github_app_installation_id",
                "github_app_private_key_file",
            }
        ),
    ),
    (frozenset({"github_app_application_id"}), frozenset({"github_app_client_id"})),
)


def displaced(given: Iterable[str]) -> frozenset[str]:
    """Return the names of the options of which the defaults do not count beside these, which an entry gives."""
    names = frozenset(given)
    found = (other for sets in _ALTERNATIVES for meant in sets if names & meant for other in sets if not names & other)
    return frozenset().union(*found)
