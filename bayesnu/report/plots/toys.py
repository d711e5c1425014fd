"""q of the data over thresholds from toys: the interval is where the one is below the others."""

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bayesnu.infer.toy_interval import TOYS, pieces_of
from bayesnu.report.labels import axis_label, percent
from bayesnu.report.marks import CURVES, FILLS, PRIOR, PROFILE, STYLE
from bayesnu.report.plots.canvas import COLUMN_INCHES, new_figure

ABOVE = 1.8
"""The axis ends at this many times the highest threshold."""


def toys_plot(tree: xr.DataTree) -> Figure:
    """Thresholds with their errors at each level, the asymptotic ones, q of the data, and the intervals shaded."""
    summary, about = (tree[name].to_dataset() for name in ("summary", "observed"))
    found, true = tree["interval"].to_dataset(), summary["value"].values
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, 2.9)
        axes = figure.add_subplot()
        # The narrower interval of a lower level lies on top of the wider one.
        for level, fill in zip(sorted(summary["level"].values, reverse=True), _fills(summary), strict=True):
            for piece in pieces_of(found, TOYS, level):
                axes.axvspan(piece.low.value, piece.high.value, color=fill, lw=0, alpha=0.5)
        for level, colour in zip(summary["level"].values, CURVES[2:], strict=False):
            row, name = summary.sel(level=level), f"{percent(level)} %"
            heights = row["threshold"].values
            errors = [heights - row["threshold_low"].values, np.nan_to_num(row["threshold_high"].values - heights)]
            axes.errorbar(true, heights, errors, color=colour, marker=".", label=f"threshold from toys, {name}")
            axes.axhline(float(row["asymptotic"]), color=colour, ls="--", lw=0.8, label=f"asymptotic, {name}")
        axes.plot(about["scan"], about["q_along"], color=PROFILE, label="q of the data")
        axes.set_xlim(*_span(true, float(about["best"])))
        axes.set_ylim(0, ABOVE * float(max(summary["asymptotic"].max(), summary["threshold"].max())))
        axes.set_xlabel(axis_label(tree.attrs["latex"], tree.attrs["unit"]))
        axes.set_ylabel("q")
        axes.set_title(f"{tree.attrs['model_name']}: {tree['toys'].sizes['toy']} toys at each value")
        if tree.attrs.get("partial", 0):
            axes.text(0.5, 0.5, "PARTIAL", color=PRIOR, alpha=0.4, transform=axes.transAxes, ha="center")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _fills(summary: xr.Dataset) -> list[str]:
    return [FILLS[min(i, len(FILLS) - 1)] for i in range(summary.sizes["level"])]


def _span(true: np.ndarray, best: float) -> tuple[float, float]:
    """The true values and the best value, with room where there is but one."""
    low, high = min(true.min(), best), max(true.max(), best)
    room = 0.02 * (high - low) or 1.0
    return low - room, high + room
