"""`python docs/plots.py` draws the plots of the explanations from figures of the benchmarks, which
stand in docs/plots/: what `python -m bench gate` and `truth` printed on their last line, and of
`estimates` the first case. With `--run` (`make plots`) it runs these benchmarks first.

Each plot is there twice, for light and dark pages; the same figures give the same bytes.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("plots")
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Theme:
    """The colours of a page; the first series is what is warned of."""

    name: str
    ink: str
    faint: str
    series: tuple[str, ...]


THEMES = (
    Theme("light", "#1f2328", "#c9ccd1", ("#b3480a", "#1f5fa8", "#3f7f4f", "#7a4fa3", "#5b6470")),
    Theme("dark", "#e6e8eb", "#4a4f57", ("#ff9f5a", "#7db6ff", "#86d29a", "#c9a5f0", "#b3bac3")),
)
# Series differ by more than their colour.
_MARKERS = ("s", "o", "^", "D", "v")
_ESTIMATES = {
    "naive": "mean of the labelled",
    "hard": "estimate, hard rounds",
    "soft failures": "estimate, soft rounds",
}

_METHODS = {
    "majority": "majority",
    "weighted_vote": "weighted vote",
    "dawid_skene": "Dawid-Skene",
    "default": "what Goldloop picks",
}


def figures(name: str) -> Figures:
    """What a benchmark printed."""
    found: Figures = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def measure(name: str, folder: Path, quick: bool = False) -> None:
    """Run a benchmark, and keep its figures."""
    found = importlib.import_module(f"bench.{name}").main(quick)
    if name == "estimates":
        found = {"rows": [row for row in found["rows"] if row["case"] == "one round"]}
    text = json.dumps(found, indent=1) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def gate_table(found: Figures) -> str:
    """The table of explanations/gate.md: how often each policy blocks, in percent."""
    lines = [
        "| cases, runs of each | true drop | point | significant | noninferior |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in found["rows"]:
        rates = " | ".join(
            f"{100 * row[policy]:.0f}" for policy in ("point", "significant", "noninferior")
        )
        drop = f"{row['drop']:g} points" if row["drop"] else "none"
        lines.append(f"| {row['row']} | {drop} | {rates} |")
    return "\n".join(lines)


def draw_gate(figure: Any, theme: Theme, found: Figures) -> None:
    """Left: agents that did not change. Right: such that got worse, by the default policy."""
    left, right = figure.subplots(1, 2)
    unchanged = [row for row in found["rows"] if not row["drop"]]
    places = list(range(len(unchanged)))
    _bars(left, theme, places, unchanged)
    for number, row in enumerate(unchanged):
        same = [one for one in found["rows"] if one["row"] == row["row"]]
        right.plot(
            [one["drop"] for one in same],
            [100 * one["significant"] for one in same],
            color=theme.series[number],
            marker=_MARKERS[number],
            label=row["row"],
        )
    right.set_title("got worse, policy significant")
    right.set(xlabel="true drop in points", ylim=(0, 104))
    _finish(right, theme)
    _finish(left, theme)


def _bars(axes: Any, theme: Theme, places: Sequence[int], rows: Sequence[Figures]) -> None:
    for number, policy in enumerate(("point", "significant")):
        axes.barh(
            [place - 0.2 + 0.4 * number for place in places],
            [100 * row[policy] for row in rows],
            height=0.38,
            color=theme.series[number],
            label=policy,
        )
    axes.set_yticks(places, [row["row"] for row in rows])
    axes.invert_yaxis()
    axes.set_title("did not change")
    axes.set_xlabel("blocked, in %")


def draw_estimates(figure: Any, theme: Theme, found: Figures) -> None:
    """How far off each way to report is, with its mean 95% interval, in points."""
    axes = figure.subplots()
    rows = {row["estimator"]: row for row in found["rows"] if row["case"] == "one round"}
    for place, (name, said) in enumerate(_ESTIMATES.items()):
        axes.errorbar(
            rows[name]["bias"],
            place,
            xerr=rows[name]["half_width"],
            color=theme.series[min(place, 1)],
            marker=_MARKERS[place],
            capsize=5,
            linestyle="none",
            label=said,
        )
    axes.axvline(0, color=theme.ink, linewidth=0.8)
    axes.set_yticks(range(len(_ESTIMATES)), list(_ESTIMATES.values()))
    axes.set_ylim(len(_ESTIMATES) - 0.5, -0.5)
    axes.set_xlabel("what is reported, less the truth, in points (mean and 95% interval)")
    _colour(axes, theme)


def draw_truth(figure: Any, theme: Theme, found: Figures) -> None:
    """How often each method is right, and how far its probabilities are off, as means over sets."""
    measures = {"accuracy": "labels that are right, in %", "ece": "calibration error, in points"}
    for axes, (measure, said) in zip(figure.subplots(1, 2), measures.items(), strict=True):
        values = [100 * found[f"{method}_{measure}"] for method in _METHODS]
        colours = [theme.series[name == "default"] for name in _METHODS]
        bars = axes.barh(list(_METHODS.values()), values, color=colours)
        axes.bar_label(bars, fmt="%.1f", color=theme.ink, fontsize=8, padding=2)
        axes.set_xlim(0, 1.18 * max(values))
        axes.invert_yaxis()
        axes.set_title(said)
        _colour(axes, theme)


def _finish(axes: Any, theme: Theme) -> None:
    _colour(axes, theme)
    axes.legend(labelcolor=theme.ink, frameon=False, fontsize=8)


def _colour(axes: Any, theme: Theme) -> None:
    axes.set_facecolor("none")
    axes.grid(color=theme.faint, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.ink, labelsize=8)
    for side in axes.spines.values():
        side.set_color(theme.faint)
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set(color=theme.ink, fontsize=9)


@dataclass(frozen=True)
class Plot:
    """A plot by its name, which is that of its figures too."""

    draw: Callable[[Any, Theme, Figures], None]
    size: tuple[float, float]


PLOTS = {
    "gate": Plot(draw_gate, (8.0, 3.4)),
    "estimates": Plot(draw_estimates, (7.0, 2.2)),
    "truth": Plot(draw_truth, (8.0, 2.2)),
}


def draw(name: str, folder: Path) -> list[Path]:
    """Draw a plot for light and dark pages; where it is."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    paths = []
    for theme in THEMES:
        with rc_context({"svg.hashsalt": "goldloop", "svg.fonttype": "none"}):
            figure = Figure(figsize=PLOTS[name].size, layout="constrained")
            FigureCanvasSVG(figure)
            PLOTS[name].draw(figure, theme, figures(name))
            paths.append(folder / f"{name}-{theme.name}.svg")
            figure.savefig(paths[-1], metadata={"Date": None}, transparent=True)
    return paths


if __name__ == "__main__":
    for each in PLOTS:
        if "--run" in sys.argv[1:]:
            measure(each, FOLDER)
        draw(each, FOLDER)
