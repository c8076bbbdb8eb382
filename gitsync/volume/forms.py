"""The forms in which a tree can be published, by the values of --publish."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from gitsync.volume.link import LinkPublisher
from gitsync.volume.publication import Publisher


def publisher_of(form: str, link: Path, work: Path) -> Publisher:
    """Return what publishes in a form at the link's place; `work` is the directory that our own ones lie in."""
    return _FORMS[form](link, work)


def _exchange(link: Path, work: Path) -> Publisher:
    # A pod has one form, and pays for no other.
    from gitsync.volume.exchange import ExchangePublisher

    return ExchangePublisher(link, work)


def _inplace(link: Path, work: Path) -> Publisher:
    from gitsync.volume.inplace import InPlacePublisher

    return InPlacePublisher(link, work)


_FORMS: Final[Mapping[str, Callable[[Path, Path], Publisher]]] = {
    "symlink": LinkPublisher,
    "exchange": _exchange,
    "inplace": _inplace,
}
