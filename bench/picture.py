"""The picture of the figures: cost against the size of the repository."""

from pathlib import Path

from bench.figures import Results, Work

_SHOWN = ("idle poll", "change of one line", "first publication")
_COLOURS = {"git": "#666666", "gitsync": "#c0392b"}


def draw(results: Results, path: Path) -> None:
    """Write an SVG with the processor time of each kind of work, on logarithmic scales."""
    # It is heavy, and only this needs it.
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "gitsync"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(_SHOWN), figsize=(12, 4), layout="constrained")
    for axis, what in zip(axes, _SHOWN, strict=True):
        for name in results.contenders():
            points = _points(results, what, name)
            files, milliseconds = [files for files, _ in points], [seconds * 1000 for _, seconds in points]
            axis.plot(files, milliseconds, marker="o", label=name, color=_COLOURS.get(name))
        axis.set(xscale="log", yscale="log", title=what, xlabel="files")
        axis.grid(visible=True, which="major", alpha=0.3)
        axis.legend()
    axes[0].set_ylabel("CPU, ms")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _points(results: Results, what: str, name: str) -> list[tuple[int, float]]:
    """Return the median for each size, over HTTP, of the repositories that differ in nothing else."""
    rows = [work for work in results.samples if _belongs(work, what)]
    found = [(work.files, results.median(work, name)) for work in rows]
    return sorted((files, value) for files, value in found if value is not None)


def _belongs(work: Work, what: str) -> bool:
    same_kind = work.repository.endswith(" files")
    return same_kind and (work.what, work.figure, work.transport) == (what, "CPU", "http")
