"""Exclusion curves over a mass."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesnu.infer.exclusion import GLOBAL, ONE, TWO
from bayesnu.report import exclusions
from bayesnu.report.exclusion_panels import Drawn, ExclusionPanel
from bayesnu.report.labels import axis_label, percent
from bayesnu.report.marks import CURVES, DASHES, PRIOR, PUBLISHED, STYLE
from bayesnu.report.plots.canvas import COLUMN_INCHES, PAGE_INCHES, new_figure

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
        _frame(axes, curves, spans, unit)
        figure.legend(handles=handles, loc="outside lower center", alignment="left")
    return figure


def _frame(axes: Axes, curves: Sequence[xr.Dataset], spans: Sequence[tuple[float, float]], unit: str) -> None:
    axes.set_ylim(0.35 * min(low for low, _ in spans), 6 * max(high for _, high in spans))
    axes.set_xlim(min(c["mass"].values.min() for c in curves), max(c["mass"].values.max() for c in curves))
    about = curves[0].attrs
    axes.set_xlabel(axis_label(about["mass_latex"], about["mass_unit"]))
    axes.set_ylabel(axis_label(about["latex"], unit))
    axes.tick_params(which="both", direction="in", top=True, right=True)


def _draw_curve(axes: Axes, curve: xr.Dataset, unit: str, colour: str) -> tuple[float, float]:
    """Edges of what is allowed by the conventions of each mass, and the fill; the span of the edges at low masses."""
    edges: list[float] = []
    for name, dash in zip((TWO, ONE), DASHES, strict=True):
        for region in exclusions.regions(curve, name, unit):
            edges += _draw_edges(axes, region, colour, dash, 1.3 if name == TWO else 0.8)
            if name == TWO:
                high = np.minimum(region.high, CEILING)
                axes.fill_between(region.mass, high, CEILING, color=colour, alpha=0.07, lw=0)
    for region in _islands(curve, unit):
        axes.fill_between(region.mass, region.low, region.high, color=colour, alpha=0.35, lw=0)
    return min(edges, default=1.0), max(edges, default=1.0)


def _draw_edges(axes: Axes, region: exclusions.Region, colour: str, dash: str, width: float) -> list[float]:
    """Both edges of a region, and where they begin at its lowest mass."""
    # Zero and infinity are beyond the ends of a logarithmic axis: edges run off it.
    low, high = np.maximum(region.low, FLOOR), np.minimum(region.high, CEILING)
    axes.plot(region.mass, high, color=colour, ls=dash, lw=width)
    if (region.low > 0).any():
        axes.plot(region.mass, low, color=colour, ls=dash, lw=width)
    return [float(v) for v in [*high[:1], *region.low[:1]] if 0 < v < CEILING]


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


# --- the panels of a paper's figure -----------------------------------------------------------------------------------


def exclusion_panels_plot(panels: Sequence[ExclusionPanel], *, unit: str = "mu_B") -> Figure:
    """One frame a panel: limits of measured data solid, of projected ones dashed, regions that exclude zero filled.

    Each curve is drawn by its own convention, in the same colour in every frame. The legend is below, or below each
    frame where their curves differ.
    """
    colours = dict(zip(dict.fromkeys(label for p in panels for label in p.curves), itertools.cycle(CURVES)))
    alike = len({tuple(panel.curves) for panel in panels}) == 1
    rows = -(-max(len(panel.curves) for panel in panels) // 2)
    with mpl.rc_context(STYLE):
        figure = new_figure(PAGE_INCHES, 2.6 + 0.13 * (rows + 4))
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            axes.set(xscale="log", yscale="log")
            axes.set_title(panel.title, pad=3)
            spans = [_draw_panel_curve(axes, drawn, unit, colours[label]) for label, drawn in panel.curves.items()]
            _frame(axes, [drawn.curve for drawn in panel.curves.values()], spans, unit)
            if not alike:
                below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.17), "ncols": 2}
                axes.legend(handles=_curve_handles(panel, unit, colours), **below)
        shared = [*(_curve_handles(panels[0], unit, colours) if alike else []), *_kind_handles(panels)]
        figure.legend(handles=shared, loc="outside lower center", alignment="left", ncols=2 if alike else 1)
    return figure


def _draw_panel_curve(axes: Axes, drawn: Drawn, unit: str, colour: str) -> tuple[float, float]:
    edges: list[float] = []
    for region in exclusions.regions(drawn.curve, drawn.convention, unit):
        filled = region.excludes_zero
        edges += _draw_edges(axes, region, colour, DASHES[drawn.projected], 0.6 if filled else 1.2)
        if filled:
            axes.fill_between(region.mass, region.low, np.minimum(region.high, CEILING), color=colour, alpha=0.35, lw=0)
    return min(edges, default=1.0), max(edges, default=1.0)


def _curve_handles(panel: ExclusionPanel, unit: str, colours: Mapping[str, str]) -> list[Line2D | Patch]:
    """A patch where the curve is filled, else a line."""
    found: list[Line2D | Patch] = []
    for label, drawn in panel.curves.items():
        colour, regions = colours[label], exclusions.regions(drawn.curve, drawn.convention, unit)
        if regions and all(region.excludes_zero for region in regions):
            found.append(Patch(facecolor=colour, alpha=0.35, lw=0, label=label))
        else:
            found.append(Line2D([], [], color=colour, ls=DASHES[drawn.projected], label=label))
    return found


def _kind_handles(panels: Sequence[ExclusionPanel]) -> list[Line2D]:
    """What solid and dashed stand for, and the rise of chi-square of each convention that is drawn."""
    every = [drawn for panel in panels for drawn in panel.curves.values()]
    kinds = [
        Line2D([], [], color=PUBLISHED, ls=dash, label=label)
        for projected, dash, label in ((False, "-", "measured data"), (True, "--", "projected data"))
        if any(drawn.projected == projected for drawn in every)
    ]
    words = {drawn.convention: _panel_convention(drawn.curve, drawn.convention) for drawn in every}
    return [*kinds, *(Line2D([], [], ls="none", label=text) for text in words.values())]


def _panel_convention(curve: xr.Dataset, name: str) -> str:
    if name != GLOBAL:
        return f"{name}: {_convention(curve.attrs['level'], exclusions.by_convention(curve)[name])}"
    delta = exclusions.by_convention(curve)[name]
    return rf"{name} (filled): {percent(curve.attrs['level'])} %, $\Delta\chi^2$ = {delta:.2f} from that of all masses"
