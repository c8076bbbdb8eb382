"""The series of what is published. Written by the worker's thread, but for a pause."""

from prometheus_client import Counter, Gauge

from gitsync.telling.events import PassFinished, PointersCounted, Published
from gitsync.telling.metrics.labelled import REPO, Labelled


class PublicationMetrics:
    """The published commit and its age; times are seconds."""

    def __init__(self, labelled: Labelled) -> None:
        self._fetches = labelled.make(Counter, "git_fetch_count", "Fetches that an update needed.")
        self._published = labelled.make(Gauge, "gitsync_published_info", "What is published.", ("url", "hash", "ref"))
        # By the name of the repository; and which commit and ref are shown.
        self._urls: dict[str, str] = {}
        self._shown: dict[str, tuple[str, str]] = {}
        self._commit_time = labelled.make(
            Gauge, "gitsync_published_commit_timestamp_seconds", "When the published commit was made."
        )
        self._lag = labelled.make(
            Gauge,
            "gitsync_publish_lag_seconds",
            "Time from the making of the commit that was published last to its publication.",
        )
        self._taken = labelled.make(
            Counter, "gitsync_trees_taken_early", "Trees used again before their time, for --max-trees."
        )
        self._pointers = labelled.make(
            Gauge, "gitsync_lfs_pointers", "Files that are published as pointers to content which is kept in LFS."
        )
        self._paused = labelled.make(Gauge, "gitsync_paused", "Whether what is published has to stay (POST /pause).")

    def follow(self, repo: str, *, url: str) -> None:
        """Have the series exist from the start; the URL is shown with what is published. Called by the main thread."""
        self._urls[repo] = url
        for series in (self._fetches, self._commit_time, self._lag, self._taken, self._pointers, self._paused):
            series.labels(repo)

    def forget(self, repo: str) -> None:
        """Know nothing of a repository any more. Called by the main thread."""
        self._urls.pop(repo, None)
        self._shown.pop(repo, None)

    def fetched(self, repo: str) -> None:
        """Count a fetch."""
        self._fetches.labels(repo).inc()

    def published(self, event: Published) -> None:
        """Show what is published now, and only that."""
        self._show(event.repo, event.commit.hash, event.ref)
        if event.commit.commit_time is not None:
            self._commit_time.labels(event.repo).set(event.commit.commit_time)
            if event.fresh:
                self._lag.labels(event.repo).set(max(0.0, event.published_at - event.commit.commit_time))

    def confirmed(self, event: PassFinished) -> None:
        """Show which ref leads to it after a pass that has succeeded: it may be another one."""
        result = event.result
        if result.failure is None and result.commit and result.ref:
            self._show(event.repo, result.commit.hash, result.ref)

    def _show(self, repo: str, hash_: str, ref: str) -> None:
        if self._shown.get(repo) != (hash_, ref):
            self._published.remove_by_labels({REPO: repo})
            self._published.labels(repo, self._urls[repo], hash_, ref).set(1)
            self._shown[repo] = (hash_, ref)

    def paused(self, repo: str, paused: bool) -> None:
        """Show whether it has to stay. Called by HTTP threads."""
        self._paused.labels(repo).set(paused)

    def counted(self, event: PointersCounted) -> None:
        """Show how many files are pointers."""
        self._pointers.labels(event.repo).set(event.count)

    def taken(self, repo: str) -> None:
        """Count a tree that was used again before its time."""
        self._taken.labels(repo).inc()
