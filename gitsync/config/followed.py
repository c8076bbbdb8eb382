"""The options that say which ref is followed."""

from dataclasses import dataclass

from gitsync.config.option import Older, option
from gitsync.config.values import TEXT, Kind


def parse_range(written: str) -> str:
    """Return a range of versions as it is written."""
    from gitsync.base.ranges import read_range  # here, because few give one

    read_range(written)
    return written


RANGE = Kind("RANGE", parse_range)
GLOB = Kind("GLOB", TEXT.parse)


@dataclass(frozen=True, kw_only=True)
class RefConfig:
    """One ref by its name, or the newest of those that a pattern, a range of versions or both allow."""

    ref: str = option(
        TEXT,
        "What to follow: a full ref name, a tag, a branch (looked for in this order), or HEAD for the default branch. "
        "A full commit hash is pinned.",
        default="HEAD",
        # The pair of git-sync v3; which one counts is said in the rules.
        older=(Older(flag="--branch", env="GIT_SYNC_BRANCH"), Older(flag="--rev", env="GIT_SYNC_REV")),
    )
    ref_pattern: str | None = option(
        GLOB,
        "Follow the newest, by its version, of the tags that match, such as `v*`, and if there are none of the "
        "branches, such as `release/*`; or of the refs of a full name, such as `refs/heads/release-*`. No wildcard "
        "stands for a slash. In the place of --ref.",
    )
    ref_semver: str | None = option(
        RANGE,
        "Follow the newest tag with a version in this range, such as `>=1.2 <2`, `~1.4`, `^2` or `1.x`; pre-releases "
        "count if the range names one of the same release. With --ref-pattern, of what matches that. In the place of "
        "--ref.",
    )

    @property
    def chooses(self) -> bool:
        """Whether it is one of several refs."""
        return self.ref_pattern is not None or self.ref_semver is not None

    @property
    def shown(self) -> str:
        """What is followed, as it is told."""
        if self.chooses:
            return " ".join(filter(None, (self.ref_pattern, self.ref_semver)))
        return self.ref

    @property
    def options(self) -> str:
        """The options that say so."""
        flags = {"--ref-pattern": self.ref_pattern, "--ref-semver": self.ref_semver}
        return " and ".join(flag for flag, value in flags.items() if value is not None) or "--ref"
