"""The providers of webhooks: one pure module a family, and the table of them.

Pure functions, called by the HTTP server's threads.
"""

from typing import Final

from gitsync.receiver.providers.generic import GENERIC
from gitsync.receiver.providers.github import GITHUB
from gitsync.receiver.providers.provider import Provider

# In the order in which they are looked for.
PROVIDERS: Final[tuple[Provider, ...]] = (GITHUB, GENERIC)
