"""The picture: what three kinds of work cost, against the number of files; the same bytes for the same figures."""

import math
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, StrMethodFormatter

from bench.plain import NAME as GIT
from bench.repositories import BIG, MEDIUM, SMALL
from bench.results import Results

_PANELS = (
    ("idle poll", "CPU", "http"),
    ("one-line change", "wall", "file"),
    ("first publication", "wall", "file"),
)
_SIZES = (SMALL, MEDIUM, BIG)
_COLOURS = {GIT: "#888888", "gitsync": "#0b62a4"}
_OTHER = "#d9822b"


def draw(results: Results, path: Path) -> None:
    """Draw what was measured of the three, side by side, into an SVG file."""
    # Text stays text; and names within the file are not random.
    mpl.rcParams.update({"svg.hashsalt": "gitsync", "svg.fonttype": "none"})
    figure = Figure(figsize=(12, 4), layout="constrained")
    for axes, (row, name, transport) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        _panel(axes, results, (row, name, transport))
    figure.savefig(path, metadata={"Date": None, "Creator": None})


def _panel(axes: Axes, results: Results, panel: tuple[str, str, str]) -> None:
    row, name, transport = panel
    found = [
        measure
        for measure in results.measures()
        if (measure.row, measure.name, measure.transport) == panel
        and measure.repository in {shape.name for shape in _SIZES}
    ]
    for subject in (GIT, *results.programs):
        points = [(measure.files, known.median) for measure in found if (known := results.of(measure, subject))]
        if points:
            label = "plain git" if subject == GIT else subject
            axes.plot(*zip(*points, strict=True), marker="o", color=_COLOURS.get(subject, _OTHER), label=label)
    axes.set(title=f"{row}, over {transport}", xlabel="files", ylabel=f"{name}, ms", xscale="log", yscale="log")
    axes.set_xticks([shape.files for shape in _SIZES])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True, which="major", alpha=0.3)
    if axes.lines:
        # Whole powers of ten, so that small differences do not look large.
        least, most = axes.dataLim.intervaly
        axes.set_ylim(10 ** math.floor(math.log10(least)), 10 ** math.ceil(math.log10(most)))
        axes.legend(loc="upper left")
