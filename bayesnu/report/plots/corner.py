"""Every pair of parameters of a result."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import results
from bayesnu.report import densities
from bayesnu.report.densities import Quantity
from bayesnu.report.labels import number, percent
from bayesnu.report.marks import FILLS, POSTERIOR, STYLE
from bayesnu.report.plots.canvas import COLUMN_INCHES, PAGE_INCHES, new_figure, stamp


def corner_plot(tree: xr.DataTree, *, level: float) -> Figure:
    """Densities and two-dimensional credible regions (68 % and `level`, by mass) of the parameters of interest."""
    chosen = densities.quantities(tree, level)
    if not chosen:
        expected = "at least one parameter in the posterior"
        raise DeclarationError(Problem(results.model_of(tree).name, "posterior", "nothing to draw", expected, "fit it"))
    masses = sorted({0.68, level})
    size = min(max(COLUMN_INCHES, 1.3 * len(chosen)), PAGE_INCHES)
    with mpl.rc_context(STYLE):
        figure = new_figure(size, size)
        grid = figure.subplots(len(chosen), len(chosen), squeeze=False)
        for i, row in enumerate(chosen):
            for j, column in enumerate(chosen):
                axes = grid[i, j]
                if j > i:
                    axes.remove()
                    continue
                if i == j:
                    _diagonal(axes, tree, row, level)
                else:
                    _pair(axes, column, row, masses)
                _frame(axes, column, row, bottom=i == len(chosen) - 1, left=j == 0 < i)
        figure.align_labels()
        # Above the diagonal there is room only from three panels on.
        handles = _corner_handles(chosen, masses, level)
        figure.legend(handles=handles, loc="upper right" if len(chosen) > 2 else "outside upper right")
        if not tree.attrs.get("converged", 0):
            stamp(figure)
    return figure


def _diagonal(axes: Axes, tree: xr.DataTree, q: Quantity, level: float) -> None:
    curve = densities.density(tree["posterior"].to_dataset()[q.name], q.prior)
    axes.plot(*curve, color=POSTERIOR)
    axes.set_ylim(0, 1.15 * float(curve.y.max()))
    if q.of_interest:
        limit = float(np.quantile(q.values, level))
        axes.fill_between(*curve.until(limit), color=FILLS[0], lw=0)
        axes.set_title(f"${q.latex}$ < {number(limit)}", fontsize=7, pad=3)


def _pair(axes: Axes, a: Quantity, b: Quantity, masses: Sequence[float]) -> None:
    found = densities.region(a, b, masses)
    # Two masses can end at one height where the density is flat: contours want them apart.
    heights = sorted(set(found.heights))
    axes.contourf(found.x, found.y, found.density, levels=[*heights, np.inf], colors=FILLS[-len(heights) :])
    axes.contour(found.x, found.y, found.density, levels=heights, colors=POSTERIOR, linewidths=0.7)
    axes.set_ylim(b.low, b.high)


def _frame(axes: Axes, column: Quantity, row: Quantity, *, bottom: bool, left: bool) -> None:
    axes.set_xlim(column.low, column.high)
    _ticks(axes, "x", column)
    if column is row:
        axes.set_yticks([])
    else:
        _ticks(axes, "y", row)
    axes.tick_params(labelbottom=bottom, labelleft=left, length=2)
    axes.set_xlabel(column.label if bottom else "")
    axes.set_ylabel(row.label if left else "")


def _ticks(axes: Axes, side: str, q: Quantity) -> None:
    axis = axes.xaxis if side == "x" else axes.yaxis
    if q.angle:
        axis.set_ticks([0, np.pi, 2 * np.pi], ["0", r"$\pi$", r"$2\pi$"])
    else:
        axis.set_major_locator(MaxNLocator(3, prune="upper"))


def _corner_handles(chosen: Sequence[Quantity], masses: Sequence[float], level: float) -> list[Patch]:
    fills = FILLS[-len(masses) :][::-1]
    patches = [
        Patch(facecolor=c, edgecolor=POSTERIOR, label=f"{percent(m)} % of the posterior")
        for m, c in zip(masses, fills, strict=True)
    ]
    one_sided = Patch(facecolor=FILLS[0], lw=0, label=f"diagonal: {percent(level)} % one-sided")
    return [*patches, *([one_sided] if any(q.of_interest for q in chosen) else [])]
