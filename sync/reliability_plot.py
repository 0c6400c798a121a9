"""reliability_plot: what scores promise against what people found, as a picture.

The same report gives the same bytes: no date, no random ids.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from goldloop.errors import GoldloopError
from goldloop.printable import printable

FORMATS = ("png", "svg")
# Orange and blue stay apart for colour-blind people, and in print by their markers.
SERIES = (
    ("before", "as the agent says it", "#c4580c", "s"),
    ("after", "calibrated (out of fold)", "#1f5fa8", "o"),
)
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


class PlotError(GoldloopError):
    """The picture cannot be written."""


def save_plots(
    folder: Path, agent_version: str, method: str, report: Mapping[str, Any]
) -> list[Path]:
    """Write the picture of a calibrator's report as PNG and SVG; where they are.

    Raises PlotError where the folder cannot be written.
    """
    # Imported here, because it takes longer than most commands do.
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stem = f"reliability-{_slug(agent_version)}-{_slug(method)}"
    paths = [folder / f"{stem}.{kind}" for kind in FORMATS]
    with rc_context({"svg.hashsalt": "goldloop", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 7.2), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        _draw(figure, agent_version, method, report)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in paths:
                metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
                figure.savefig(path, metadata=metadata, facecolor="white")
        except OSError as error:
            raise PlotError(f"{folder} cannot be written: {error.strerror}") from error
    return paths


def _slug(text: str) -> str:
    """The text as part of a file's name; where it had to be changed, with a mark of what it was."""
    plain = _PLAIN.sub("-", text)[:60].strip(".-")
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return plain if plain == text else f"{plain}-{mark}".strip("-")


def _draw(figure: Any, agent_version: str, method: str, report: Mapping[str, Any]) -> None:
    top, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    top.plot([0, 1], [0, 1], color="#888888", linestyle="--", linewidth=1, label="promise kept")
    for number, (key, name, colour, marker) in enumerate(SERIES):
        side = report[key]
        _series(top, side["bins"], f"{name}: {_figures(side)}", colour, marker)
        _histogram(below, side["histogram"], number, colour)
    # Names are somebody's text: no formulas, and no signs that the font lacks.
    title = f"{_shown(agent_version)}, confidence by {_shown(method) or 'nobody'}\n"
    title += f"{report['labels']} labels, {report['correct']} correct"
    top.set_title(title, parse_math=False, fontsize=11)
    top.set_ylabel("share that people found correct")
    top.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    top.grid(color="#dddddd", linewidth=0.6)
    top.set_axisbelow(True)
    # Outside, where it covers no bin.
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", fontsize=9)
    below.set_ylabel("share of runs")
    below.set_xlabel("confidence (mean of a bin; bars: 95% intervals)")
    below.set_ylim(bottom=0)
    below.set_axisbelow(True)
    below.grid(axis="y", color="#dddddd", linewidth=0.6)


def _series(
    axes: Any, bins: Sequence[Mapping[str, float]], label: str, colour: str, marker: str
) -> None:
    x = [one["mean_score"] for one in bins]
    y = [one["share_correct"] for one in bins]
    # Wilson's interval holds the share, but for rounding.
    down = [max(0.0, one["share_correct"] - one["low"]) for one in bins]
    up = [max(0.0, one["high"] - one["share_correct"]) for one in bins]
    axes.errorbar(
        x,
        y,
        yerr=(down, up),
        color=colour,
        marker=marker,
        markersize=6,
        linewidth=1.6,
        elinewidth=1,
        capsize=3,
        label=label,
    )


def _histogram(axes: Any, shares: Sequence[float], number: int, colour: str) -> None:
    """How much of the pool has such scores, the two series side by side."""
    width = 1 / len(shares) / len(SERIES)
    left = [(place * len(SERIES) + number) * width for place in range(len(shares))]
    axes.bar(left, shares, width=0.92 * width, align="edge", color=colour)


def _figures(side: Mapping[str, Any]) -> str:
    return f"Brier {side['brier']:.3f}, ECE {side['ece']:.3f} ({side['ece_null']:.3f} if perfect)"


def _shown(text: str) -> str:
    return printable(text.encode("ascii", "backslashreplace").decode(), 60)
