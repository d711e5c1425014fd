"""Exclusion curves over a mass."""

import itertools
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesnu.infer.exclusion import GLOBAL, ONE, TWO
from bayesnu.report import exclusions
from bayesnu.report.labels import axis_label, percent
from bayesnu.report.marks import CURVES, DASHES, PRIOR, STYLE
from bayesnu.report.plots.canvas import COLUMN_INCHES, new_figure

FLOOR, CEILING = 1e-30, 1.0
"""Stand for zero and for no limit on a logarithmic axis."""


def exclusion_plot(curves: Sequence[xr.Dataset], *, unit: str = "mu_B") -> Figure:
    """Allowed values of a parameter over the mass: one colour an experiment, one dash a convention.

    What is excluded at each mass (two parameters) is shaded; where a convention with the global minimum excludes zero,
    the region that it allows is filled.
    """
    with mpl.rc_context(STYLE):
        handles = _exclusion_handles(curves, unit)
        figure = new_figure(COLUMN_INCHES, 2.6 + 0.13 * len(handles))
        axes = figure.add_subplot(xscale="log", yscale="log")
        spans = [_draw_curve(axes, curve, unit, colour) for curve, colour in zip(curves, itertools.cycle(CURVES))]
        axes.set_ylim(0.35 * min(low for low, _ in spans), 6 * max(high for _, high in spans))
        axes.set_xlim(min(c["mass"].values.min() for c in curves), max(c["mass"].values.max() for c in curves))
        about = curves[0].attrs
        axes.set_xlabel(axis_label(about["mass_latex"], about["mass_unit"]))
        axes.set_ylabel(axis_label(about["latex"], unit))
        axes.tick_params(which="both", direction="in", top=True, right=True)
        figure.legend(handles=handles, loc="outside lower center", alignment="left")
    return figure


def _draw_curve(axes: Axes, curve: xr.Dataset, unit: str, colour: str) -> tuple[float, float]:
    """Edges of what is allowed by the conventions of each mass, and the fill; the span of the edges at low masses."""
    edges: list[float] = []
    for name, dash in zip((TWO, ONE), DASHES, strict=True):
        for region in exclusions.regions(curve, name, unit):
            high = np.minimum(region.high, CEILING)
            axes.plot(region.mass, high, color=colour, ls=dash, lw=1.3 if name == TWO else 0.8)
            if name == TWO:
                axes.fill_between(region.mass, high, CEILING, color=colour, alpha=0.07, lw=0)
            # Zero and infinity are beyond the ends of a logarithmic axis: edges run off it.
            low = np.maximum(region.low, FLOOR)
            if (region.low > 0).any():
                axes.plot(region.mass, low, color=colour, ls=dash, lw=1.3 if name == TWO else 0.8)
            edges += [float(v) for v in [*high[:1], *region.low[:1]] if 0 < v < CEILING]
    for region in _islands(curve, unit):
        axes.fill_between(region.mass, region.low, region.high, color=colour, alpha=0.35, lw=0)
    return min(edges, default=1.0), max(edges, default=1.0)


def _islands(curve: xr.Dataset, unit: str) -> list[exclusions.Region]:
    """What the global convention allows where it excludes zero at every mass."""
    known = GLOBAL in curve.attrs["conventions"]
    found = exclusions.regions(curve, GLOBAL, unit) if known else []
    return found if all(region.excludes_zero for region in found) else []


def _exclusion_handles(curves: Sequence[xr.Dataset], unit: str) -> list[Line2D | Patch]:
    level, steps = curves[0].attrs["level"], exclusions.by_convention(curves[0])
    named = [
        Line2D([], [], color=colour, label=str(curve.attrs["label"]))
        for curve, colour in zip(curves, itertools.cycle(CURVES))
    ]
    dashes = [
        Line2D([], [], color=PRIOR, ls=dash, lw=width, label=_convention(level, steps[name]))
        for name, dash, width in zip((TWO, ONE), DASHES, (1.3, 0.8), strict=True)
        if name in steps
    ]
    filled = any(_islands(curve, unit) for curve in curves)
    label = rf"filled: allowed, $\Delta\chi^2$ = {steps[GLOBAL]:.2f} from the minimum over all masses" if filled else ""
    return [*named, *dashes, *([Patch(facecolor=PRIOR, alpha=0.35, lw=0, label=label)] if filled else [])]


def _convention(level: float, delta: float) -> str:
    return rf"{percent(level)} %, $\Delta\chi^2$ = {delta:.2f} from the minimum at each mass"
