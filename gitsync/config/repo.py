"""The options of one repository: what is published, from where, and when. All times are seconds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitsync.config.followed import RefConfig
from gitsync.config.gitsettings import GitSetting, parse_settings
from gitsync.config.hooks import HooksConfig
from gitsync.config.inside import SUBPATH
from gitsync.config.limits import Limits
from gitsync.config.login import AuthConfig
from gitsync.config.option import Older, group, option
from gitsync.config.urls import REPO
from gitsync.config.values import BOOL, DURATION, FRACTION, INT, NAME, PATH, SECONDS, TEXT, Kind, choice
from gitsync.config.verification import Verification

SETTINGS = Kind("KEY:VALUE,…", parse_settings)
# The --stale-worktree-timeout where none is given.
_KEEP: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When passes run, and how many of them may fail."""

    period: float = option(
        DURATION,
        "Time from the end of one pass to the start of the next; at least 10ms.",
        default="10s",
        env=("GIT_SYNC_PERIOD",),
        older=(Older(flag="--wait", env="GIT_SYNC_WAIT", kind=SECONDS),),
    )
    init_period: float = option(
        DURATION, "The same until the first success; at least 10ms.", without="the value of --period"
    )
    jitter: float = option(
        FRACTION,
        "How far a delay may differ from the period, as a fraction of it, so that many pods do not poll at once. "
        "Unless it is 0, the delay after a failure, or after a pass that a start, a trigger or a changed file has "
        "begun, is a random part of itself, from a tenth on; from the second failure on, from a half on.",
        default="0.1",
    )
    max_backoff: float = option(
        DURATION,
        "After each failure in a row the delay doubles, up to this (or up to the period, if that is longer). A trigger "
        "or a changed credential begins anew, and after a name that could not be resolved the delay does not grow.",
        without="1m, or three times the value of --period if that is longer",
    )
    sync_timeout: float = option(
        DURATION,
        "Deadline of a pass; at least 10ms. What still runs then is ended, with all of its child processes.",
        default="120s",
        env=("GIT_SYNC_SYNC_TIMEOUT",),
        older=(Older(flag="--timeout", env="GIT_SYNC_TIMEOUT", kind=SECONDS),),
    )
    one_time: bool = option(
        BOOL, "Exit after the first pass that succeeds.", default="false", env=("GIT_SYNC_ONE_TIME",)
    )
    max_failures: int = option(
        INT,
        "How many passes may fail in a row before the process exits with 1; negative means that it never does.",
        without="-1, or 0 with --one-time",
        older=(Older(flag="--max-sync-failures", env="GIT_SYNC_MAX_SYNC_FAILURES"),),
    )
    init_max_failures: int = option(INT, "The same until the first success.", without="the value of --max-failures")


@dataclass(frozen=True, kw_only=True)
class GitConfig:
    """Which git runs, with git-lfs or without, and what it is told; `home` is where the user's `.netrc` may lie."""

    git: str = option(TEXT, "The git program.", default="git", env=("GIT_SYNC_GIT",))
    git_config: tuple[GitSetting, ...] = option(
        SETTINGS,
        'More git configuration, such as `http.proxy:http://proxy,"http.https://host/.sslVerify":"false"`; quoted '
        'parts may hold the escapes \\n \\t \\\\ \\". It replaces an earlier value of the same key.',
        env=("GIT_SYNC_GIT_CONFIG",),
        repeatable=True,
        secret=True,
    )
    git_config_add: tuple[GitSetting, ...] = option(
        SETTINGS, "The same, for keys that may have several values: it adds one.", repeatable=True, secret=True
    )
    probe: str = option(
        choice("auto", "git"),
        "How the remote is asked whether anything is new: auto over http and https with a kept connection, which costs "
        "next to nothing, where that is beyond doubt, and else by git, over ssh with a kept connection too; or always "
        "by git, with a connection for each command.",
        default="auto",
    )
    lfs: bool = option(
        BOOL,
        "Publish files that are kept in LFS with their content, and not as pointers; git-lfs has to be installed.",
        default="false",
    )
    home: Path | None


@dataclass(frozen=True, kw_only=True)
class Content:
    """Which part of the repository is fetched, and how it is published."""

    publish: str = option(
        choice("symlink", "exchange", "inplace"),
        "What stands at the place of --link: symlink is a symbolic link to the files, exchange a directory with them, "
        "for programs that cannot follow a link; both are replaced in one step. inplace is a directory that stays the "
        "same one, for mounts of a subPath, and is brought up to date file by file.",
        default="symlink",
    )
    git_dir: str = option(
        choice("keep", "hide"),
        "Whether there is a file `.git` in what is published, and in each submodule of it: keep lets consumers use git "
        "there, hide leaves nothing but the files of the commit.",
        default="keep",
    )
    mtime: str = option(
        choice("checkout", "commit"),
        "What the modification times of published files say: checkout is when a file came to be as it is in what is "
        "published, commit is the commit's (committer) date for all of them, so that it is the same everywhere.",
        default="checkout",
    )
    depth: int = option(
        INT, "How many commits of history to fetch; 0 means all of them.", default="1", env=("GIT_SYNC_DEPTH",)
    )
    filter: str | None = option(
        TEXT, "Fetch only the objects that a partial clone with this filter has, such as `blob:none` or `tree:0`."
    )
    submodules: str = option(
        choice("recursive", "shallow", "off"),
        "Which submodules to publish: recursive for those of submodules as well, shallow for those of the repository "
        "itself, or none.",
        default="recursive",
        env=("GIT_SYNC_SUBMODULES",),
    )
    sparse_checkout_file: Path | None = option(
        PATH,
        "A file with git's sparse-checkout patterns, in the form of cones or any other; what they leave out is not "
        "published. Read before each pass.",
        env=("GIT_SYNC_SPARSE_CHECKOUT_FILE",),
    )
    subpath: str | None = option(
        SUBPATH,
        "Publish only this directory of the repository: consumers see what is in it, and where the server can leave "
        "files out (as with --filter=blob:none) nothing else is fetched. A commit without it is not published.",
    )
    limits: Limits = group()
    verification: Verification = group()

    @property
    def partial(self) -> str | None:
        """The filter that objects are fetched with, if any."""
        return self.filter or ("blob:none" if self.subpath else None)


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """How what is on the volume is kept, and which files tell of it; the paths are absolute."""

    stale_worktree_timeout: float | None = option(
        DURATION,
        "How long a tree keeps its place after the link has left it, for readers that still hold it. If it is given, "
        "an update waits rather than take a tree before its time.",
        without="30s, or less where updates come so quickly that --max-trees is reached",
    )
    max_trees: int = option(
        INT,
        "How many trees there may be at once, at least 2: the one that is published, those that the link has left, and "
        "those that wait for the next update. When that is reached, the oldest that the link has left is used again.",
        default="3",
    )
    heal_period: float = option(
        DURATION,
        "How often the files that are published are compared with the commit, and a damaged tree is replaced by a "
        "clean one; 0 means never.",
        default="1m",
    )
    touch_file: Path | None = option(
        PATH,
        "A file to touch after each publication, and after the first pass of a start; relative to --root or absolute.",
        env=("GIT_SYNC_TOUCH_FILE",),
    )
    error_file: Path | None = option(
        PATH,
        "A file that holds the current error as JSON, and is removed by a success; relative to --root or absolute.",
        env=("GIT_SYNC_ERROR_FILE",),
    )
    group_write: bool = option(
        BOOL, "Make all that is written writable for its group.", default="false", env=("GIT_SYNC_GROUP_WRITE",)
    )
    git_gc: str = option(
        choice("auto", "always", "aggressive", "off"),
        "How the store is cleaned after an update: auto when git thinks that it is worth it, always as soon as "
        "something has piled up, aggressive the same more thoroughly, off not at all.",
        default="always",
        env=("GIT_SYNC_GIT_GC",),
    )

    @property
    def keep(self) -> float:
        """For how many seconds a tree that the link has left keeps its place, if there is room for it."""
        return _KEEP if self.stale_worktree_timeout is None else self.stale_worktree_timeout

    @property
    def keeps_whole_time(self) -> bool:
        """Whether somebody relies on that time, so that an update waits for its end."""
        return self.stale_worktree_timeout is not None


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a repository goes; the paths are absolute.

    Paths of the user start at `root`. What is ours alone lies in `work`, which is `root` or a directory below it.
    """

    root: Path = option(
        PATH,
        "The directory to work in; it is made if it is missing, and what others keep in it is left alone.",
        required=True,
        env=("GIT_SYNC_ROOT",),
    )
    link: Path = option(
        PATH,
        "Where what is published is found, relative to --root or absolute: a symbolic link, unless --publish says "
        "otherwise.",
        env=("GIT_SYNC_LINK",),
        older=(Older(flag="--dest", env="GIT_SYNC_DEST"),),
        without="the last part of --repo",
    )
    work: Path


@dataclass(frozen=True, kw_only=True)
class RepoConfig:
    """One repository and where it goes."""

    repo: str = option(
        REPO,
        "What to publish: the URL (https, http, ssh, git, file, or user@host:path) or path of a repository.",
        required=True,
        env=("GIT_SYNC_REPO",),
        own_env=("GIT_REPO",),
    )
    followed: RefConfig = group()
    placement: Placement = group()
    name: str = option(
        NAME,
        "What the repository is called in the log, the metrics (label `repo`), `/status` and `?repo=` of probes.",
        without="the last part of --link",
    )
    content: Content = group()
    upkeep: Upkeep = group()
    schedule: Schedule
    git: GitConfig
    auth: AuthConfig
    hooks: HooksConfig

    @property
    def ref(self) -> str:
        """What is followed, as it is told: a ref, or what one is chosen by."""
        return self.followed.shown

    @property
    def root(self) -> Path:
        """The directory that the user has named."""
        return self.placement.root

    @property
    def link(self) -> Path:
        """The place of what is published."""
        return self.placement.link

    @property
    def work(self) -> Path:
        """The directory of what is ours alone."""
        return self.placement.work
