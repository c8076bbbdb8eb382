"""How git logs in: one small source for each way, all of them in one bundle.

The main thread builds the bundle; the worker's thread brings it up to date before a pass, and tells it when a login
was refused. What the sources give lies in a private directory; secrets never leave it but through git.
"""

from gitsync.credentials.base import Credentials, Source
from gitsync.credentials.build import build

__all__ = ["Credentials", "Source", "build"]
