"""The parts that the work on one repository is done with."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from gitsync.credentials import Credentials
from gitsync.programs.gitcmd import Git
from gitsync.remote.probe import Remote
from gitsync.telling.events import Observers
from gitsync.volume.lock import VolumeLock
from gitsync.volume.publication import Publisher
from gitsync.volume.stores import Stores
from gitsync.volume.trees import Trees


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the worker's thread calls; made by the main thread before that starts. `stop` ends what waits.

    The link is changed within `publishing`, which raises `PublishError` where it has to stay as it is.
    """

    git: Git
    lock: VolumeLock
    remote: Remote
    stores: Stores
    trees: Trees
    publisher: Publisher
    observers: Observers
    stop: threading.Event
    credentials: Credentials = field(default_factory=Credentials)
    publishing: Callable[[], AbstractContextManager[None]] = nullcontext
