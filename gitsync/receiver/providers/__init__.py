"""The providers of webhooks: one pure module a family, and the table of them.

Pure functions, called by the HTTP server's threads.
"""

from typing import Final

from gitsync.receiver.providers.azure import AZURE
from gitsync.receiver.providers.bitbucket import CLOUD, SERVER
from gitsync.receiver.providers.generic import GENERIC
from gitsync.receiver.providers.gitlab import GITLAB
from gitsync.receiver.providers.hub import FORGEJO, GITEA, GITHUB, GOGS
from gitsync.receiver.providers.provider import Provider

# In the order in which they are looked for: who sends somebody else's headers as well comes before that one.
PROVIDERS: Final[tuple[Provider, ...]] = (FORGEJO, GITEA, GOGS, GITHUB, AZURE, GITLAB, CLOUD, SERVER, GENERIC)
