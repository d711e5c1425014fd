"""Contours of two parameters."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesnu.infer.exclusion import TWO
from bayesnu.report import contours, profiles
from bayesnu.report.contours import Panel
from bayesnu.report.labels import axis_label, percent
from bayesnu.report.marks import ALARM, CURVES, PRIOR, STYLE
from bayesnu.report.plots.canvas import COLUMN_INCHES, PAGE_INCHES, new_figure


def contour_plot(panels: Sequence[Panel], *, across: int = 3) -> Figure:
    """Contours of two parameters: one frame a panel, one colour a curve; solid for two parameters, dashed for one."""
    columns = 2 if len(panels) == 4 else min(across, len(panels))
    rows = -(-len(panels) // columns)
    colours = dict(zip(dict.fromkeys(label for panel in panels for label in panel.planes), itertools.cycle(CURVES)))
    with mpl.rc_context(STYLE):
        width = COLUMN_INCHES if columns == 1 else PAGE_INCHES
        handles = _contour_handles(panels, colours)
        figure = new_figure(width, rows * (0.95 * width / columns + 0.2) + 0.13 * len(handles) + 0.2)
        for axes, panel in zip(figure.subplots(rows, columns, squeeze=False).flat, panels, strict=False):
            for label, plane in panel.planes.items():
                _draw_contours(axes, plane, panel.conventions, colours[label])
            _frame_contours(axes, panel)
        for axes in figure.axes[len(panels) :]:
            axes.remove()
        figure.legend(handles=handles, loc="outside lower center", alignment="left", ncols=1 if columns == 1 else 2)
    return figure


def _draw_contours(axes: Axes, plane: xr.Dataset, conventions: Sequence[str], colour: str) -> None:
    widths = dict(zip(sorted(plane["level"].values.tolist()), (1.3, 1.0, 0.7), strict=False))
    for contour in contours.contours(plane, conventions):
        dash = "-" if contour.convention == TWO else "--"
        for line in contour.lines:
            axes.plot(*line.T, color=colour, ls=dash, lw=widths.get(contour.level, 0.7))
    if any(plane.attrs["best"]):
        axes.plot(*plane.attrs["best"], "+", color=colour, ms=5, mew=0.8)
    chosen = profiles.lonely(plane)
    if chosen.any():
        x, y = np.meshgrid(plane["first"].values, plane["second"].values, indexing="ij")
        axes.plot(x[chosen], y[chosen], "x", color=ALARM, ms=2.5, mew=0.5)


def _frame_contours(axes: Axes, panel: Panel) -> None:
    planes = list(panel.planes.values())
    for side, k in (("x", 0), ("y", 1)):
        every = [e[k] for p in planes for c in contours.contours(p, panel.conventions) if (e := c.extent)]
        grid = [float(v) for p in planes for v in p[("first", "second")[k]].values]
        low = min((e[0] for e in every), default=min(grid))
        high = max((e[1] for e in every), default=max(grid))
        room = 0.06 * (high - low)
        getattr(axes, f"set_{side}lim")(max(low - room, min(grid)), min(high + room, max(grid)))
        getattr(axes, f"set_{side}label")(axis_label(planes[0].attrs["latex"][k], planes[0].attrs["units"][k]))
    axes.set_title(panel.title, pad=3)
    axes.tick_params(direction="in", top=True, right=True)


def _contour_handles(panels: Sequence[Panel], colours: Mapping[str, str]) -> list[Line2D]:
    named = [Line2D([], [], color=colour, label=label) for label, colour in colours.items()]
    plane = next(iter(panels[0].planes.values()))
    widths = (1.3, 1.0, 0.7)
    drawn = contours.contours(plane, panels[0].conventions)
    heights = [
        Line2D(
            [], [], color=PRIOR, ls="-" if c.convention == TWO else "--", lw=w,
            label=rf"{percent(c.level)} %, $\Delta\chi^2$ = {c.delta_chi2:.2f} ({c.convention})",
        )
        for c, w in zip(drawn, itertools.cycle(widths[: len(plane["level"])]))
    ]  # fmt: skip
    return [*named, *heights]
