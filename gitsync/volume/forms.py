"""The forms in which a tree can be published, by the values of --publish."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from gitsync.volume.exchange import ExchangePublisher
from gitsync.volume.inplace import InPlacePublisher
from gitsync.volume.link import LinkPublisher
from gitsync.volume.publication import Publisher

_FORMS: Final[Mapping[str, Callable[[Path, Path], Publisher]]] = {
    "symlink": LinkPublisher,
    "exchange": ExchangePublisher,
    "inplace": InPlacePublisher,
}


def publisher_of(form: str, link: Path, work: Path) -> Publisher:
    """Return what publishes in a form at the link's place; `work` is the directory that our own ones lie in."""
    return _FORMS[form](link, work)
