"""What a verified event says of itself. It may narrow what is done because of it, and never widen it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One event. `refs` are full names, and `repositories` the URLs and names by which it calls its repository.

    `only` is what a replica says of one that it passes on: the names of the repositories here that it is for.

    None means that it does not say, or not in a form that we understand. All of it is the sender's text.
    """

    provider: str
    event: str = ""
    id: str = ""
    is_ping: bool = False
    refs: tuple[str, ...] | None = None
    default_branch: str | None = None
    repositories: tuple[str, ...] | None = None
    only: tuple[str, ...] | None = None
