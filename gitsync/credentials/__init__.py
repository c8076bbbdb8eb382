"""How git logs in: one small source for each way, all of them in one bundle."""

from gitsync.credentials.base import Credentials, Source
from gitsync.credentials.build import build

__all__ = ["Credentials", "Source", "build"]
