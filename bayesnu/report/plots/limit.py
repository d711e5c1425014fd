"""Limits on one parameter: posterior and profile in one frame, or the profile alone."""

import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bayesnu.infer import results
from bayesnu.report import densities, marks, profiles
from bayesnu.report.labels import axis_label, number, percent
from bayesnu.report.limits import Limit, draws_of, limits, profile_of
from bayesnu.report.marks import ALARM, CURVES, DASHES, POSTERIOR, PRIOR, PROFILE, PUBLISHED, STYLE, Flag
from bayesnu.report.plots.canvas import COLUMN_INCHES, new_figure, stamp


def limit_plot(tree: xr.DataTree, parameter: str, *, level: float) -> Figure:
    """Posterior and prior density, profile delta chi2 and every limit of one parameter on one axis."""
    rows = limits(tree, level=level, parameter=parameter)
    marked = marks.flags(rows)
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, 3.1 + 0.13 * len(marked))
        left = figure.add_subplot()
        right = left.twinx()
        right.set_zorder(left.get_zorder() - 1)
        left.patch.set_visible(False)
        left.set_xlim(0, marks.reach(tree, rows))
        handles = [*_draw_densities(left, tree, rows), *_draw_profiles(right, tree, rows)]
        for row, flag in enumerate(marked):
            _draw_flag(left, flag, len(marked) - row)
        left.set_xlabel(axis_label(rows[0].latex, rows[0].unit))
        title = f"{results.model_of(tree).name}: {percent(level)} % limits on ${rows[0].latex}$"
        left.set_title(title, pad=6 + 10 * len(marked))
        _legend(figure, handles, rows)
        if any(row.converged is False for row in rows):
            stamp(figure)
    return figure


def _draw_densities(axes: Axes, tree: xr.DataTree, rows: Sequence[Limit]) -> list[Line2D]:
    prior = results.model_of(tree).parameters[rows[0].parameter].prior
    handles, top = [], 0.0
    for row, dash in zip(rows, DASHES, strict=False):
        draws = draws_of(tree, row.parameter, row.others, alone=len(rows) == 1)
        if draws is None or prior is None:
            continue
        curve = densities.density(draws, prior)
        label = "posterior, others zero" if dash != "-" else "posterior"
        handles += axes.plot(*curve, color=POSTERIOR, ls=dash, label=label)
        top = max(top, float(curve.y.max()))
    if prior is not None and top:
        x = np.linspace(*axes.get_xlim(), 400)
        y = densities.prior_density(prior, x)
        handles += axes.plot(x, y, color=PRIOR, lw=0.7, ls=":", label=f"prior: {rows[0].prior}")
        axes.set_ylim(0, 1.15 * top)
    axes.set_ylabel("probability density", color=POSTERIOR)
    axes.tick_params(axis="y", colors=POSTERIOR)
    return handles


def _draw_profiles(axes: Axes, tree: xr.DataTree, rows: Sequence[Limit]) -> list[Line2D]:
    handles, threshold = [], None
    for row, dash in zip(rows, DASHES, strict=False):
        scan = profile_of(tree, row.parameter, row.others)
        if scan is None:
            continue
        threshold = row.profile_threshold
        label = r"profile $\Delta\chi^2$" + (", others zero" if dash != "-" else "")
        handles += axes.plot(scan["value"], scan["delta_chi2"], color=PROFILE, ls=dash, label=label)
        handles += _mark_points(axes, scan)
    if threshold is None:
        axes.set_yticks([])
        return handles
    label = rf"$\Delta\chi^2$ = {number(threshold)}"
    handles.append(axes.axhline(threshold, color=PROFILE, lw=0.6, ls="-.", label=label))
    axes.set_ylim(0, 1.7 * threshold)
    axes.set_ylabel(r"profile $\Delta\chi^2$", color=PROFILE)
    axes.tick_params(axis="y", colors=PROFILE)
    return handles


def _mark_points(axes: Axes, scan: xr.Dataset) -> list[Line2D]:
    """Points of a profile that are to be looked at: only one start reached them, or a parameter is at its end."""
    found = []
    for chosen, marker, label in (
        (profiles.lonely(scan), "x", "found by one start only"),
        (profiles.at_an_end(scan), "|", "another parameter at an end of its range"),
    ):
        if chosen.any():
            at = scan["value"].values[chosen], scan["delta_chi2"].values[chosen]
            found += axes.plot(*at, marker, color=ALARM, ms=3.5, mew=0.7, ls="none", label=label)
    return found


def profile_plot(scan: xr.Dataset) -> Figure:
    """Delta chi2 along one parameter, every branch of minima that was followed, and the points to look at."""
    about = scan.attrs
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, 2.9)
        axes = figure.add_subplot()
        for number_of, costs in enumerate(scan["branch_delta_chi2"].values):
            axes.plot(scan["value"], costs, color=CURVES[1 + number_of % (len(CURVES) - 1)], lw=0.7, ls="--")
        handles = axes.plot(scan["value"], scan["delta_chi2"], color=PROFILE, label=r"profile $\Delta\chi^2$")
        if scan.sizes["follows"] > 1:
            handles.append(Line2D([], [], color=PRIOR, lw=0.7, ls="--", label="every minimum that was followed"))
        handles += _mark_points(axes, scan)
        label = rf"{percent(about['level'])} %: $\Delta\chi^2$ = {number(about['threshold'])}"
        handles.append(axes.axhline(about["threshold"], color=PROFILE, lw=0.6, ls="-.", label=label))
        axes.set(xlim=(scan["value"][0], scan["value"][-1]), ylim=(0, 1.7 * about["threshold"]))
        axes.set(xlabel=axis_label(about["latex"], about["unit"]), ylabel=r"$\Delta\chi^2$")
        figure.legend(handles=handles, loc="outside lower center")
    return figure


def _draw_flag(axes: Axes, flag: Flag, height: int) -> None:
    """A line up to its own row above the axes: the leftmost flag flies highest, so that no line crosses a name."""
    axes.axvline(flag.x, color=flag.colour, lw=0.8, ls=flag.dash, alpha=0.8)
    top, over = axes.get_xaxis_transform(), "offset points"
    pole = {"arrowstyle": "-", "color": flag.colour, "lw": 0.8, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (flag.x, 1.0), (0, 10 * height), xycoords=top, textcoords=over, arrowprops=pole)
    axes.annotate(
        flag.text, (flag.x, 1.0), (2, 10 * height), xycoords=top, textcoords=over, va="top", fontsize=6.5,
        color=flag.colour,
    )  # fmt: skip


def _legend(figure: Figure, handles: Sequence[Line2D], rows: Sequence[Limit]) -> None:
    """Below the axes, where it covers nothing, with the source of the published limit."""
    title = "\n".join(textwrap.fill(line, 66) for line in marks.legend_title(rows).splitlines())
    legend = figure.legend(
        handles=list(handles), loc="outside lower center", ncols=2, title=title or None, title_fontsize=6,
        alignment="left",
    )  # fmt: skip
    legend.get_title().set_color(PUBLISHED)
