"""Figures: limits, profiles, the corner of all, exclusion curves, contours. Nothing outside the figure is changed."""

import itertools
import os
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy import stats

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import results
from bayesnu.infer.exclusion import GLOBAL, ONE, TWO
from bayesnu.report import contours, densities, exclusions, marks, profiles
from bayesnu.report.contours import Panel
from bayesnu.report.densities import Quantity
from bayesnu.report.labels import axis_label, number, percent
from bayesnu.report.limits import Limit, draws_of, limits, profile_of
from bayesnu.report.marks import ALARM, CURVES, DASHES, FILLS, POSTERIOR, PRIOR, PROFILE, PUBLISHED, STYLE, Flag

COLUMN_INCHES, PAGE_INCHES = 3.4, 7.0
DPI = 200

FLOOR, CEILING = 1e-30, 1.0
"""Stand for zero and for no limit on a logarithmic axis."""

# --- limits on one parameter ------------------------------------------------------------------------------------------


def limit_plot(tree: xr.DataTree, parameter: str, *, level: float) -> Figure:
    """Posterior and prior density, profile delta chi2 and every limit of one parameter on one axis."""
    rows = limits(tree, level=level, parameter=parameter)
    marked = marks.flags(rows)
    with mpl.rc_context(STYLE):
        figure = _figure(COLUMN_INCHES, 3.1 + 0.13 * len(marked))
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
            _stamp(figure)
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
        figure = _figure(COLUMN_INCHES, 2.9)
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


# --- corner -----------------------------------------------------------------------------------------------------------


def corner_plot(tree: xr.DataTree, *, level: float) -> Figure:
    """Densities and two-dimensional credible regions (68 % and `level`, by mass) of the parameters of interest."""
    chosen = densities.quantities(tree, level)
    if not chosen:
        expected = "at least one parameter in the posterior"
        raise DeclarationError(Problem(results.model_of(tree).name, "posterior", "nothing to draw", expected, "fit it"))
    masses = sorted({0.68, level})
    size = min(max(COLUMN_INCHES, 1.3 * len(chosen)), PAGE_INCHES)
    with mpl.rc_context(STYLE):
        figure = _figure(size, size)
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
            _stamp(figure)
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


# --- exclusion curves -------------------------------------------------------------------------------------------------


def exclusion_plot(curves: Sequence[xr.Dataset], *, unit: str = "mu_B") -> Figure:
    """Allowed values of a parameter over the mass: one colour an experiment, one dash a convention.

    What is excluded at each mass (two parameters) is shaded; where a convention with the global minimum excludes zero,
    the region that it allows is filled.
    """
    with mpl.rc_context(STYLE):
        handles = _exclusion_handles(curves, unit)
        figure = _figure(COLUMN_INCHES, 2.6 + 0.13 * len(handles))
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


# --- contours ---------------------------------------------------------------------------------------------------------


def contour_plot(panels: Sequence[Panel], *, across: int = 3) -> Figure:
    """Contours of two parameters: one frame a panel, one colour a curve; solid for two parameters, dashed for one."""
    columns = 2 if len(panels) == 4 else min(across, len(panels))
    rows = -(-len(panels) // columns)
    colours = dict(zip(dict.fromkeys(label for panel in panels for label in panel.planes), itertools.cycle(CURVES)))
    with mpl.rc_context(STYLE):
        width = COLUMN_INCHES if columns == 1 else PAGE_INCHES
        handles = _contour_handles(panels, colours)
        figure = _figure(width, rows * (0.95 * width / columns + 0.2) + 0.13 * len(handles) + 0.2)
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


# --- calibration ------------------------------------------------------------------------------------------------------


def coverage_plot(found: xr.Dataset) -> Figure:
    """Share of toys in which each limit is not below the truth, over the truth."""
    about, dashes = found.attrs, itertools.cycle(["-", "--", ":", "-."])
    with mpl.rc_context(STYLE):
        figure = _figure(COLUMN_INCHES, 3.0)
        axes = figure.add_subplot()
        axes.axhline(about["level"], color=PRIOR, lw=0.6)
        for name, colour, dash in zip(found["treatment"].values, CURVES, dashes, strict=False):
            row = found.sel(treatment=name)
            axes.errorbar(row["value"], row["coverage"], row["error"], color=colour, ls=dash, label=str(name))
        axes.set_xlabel("true " + axis_label(about["latex"], about["unit"]))
        axes.set_ylabel(f"coverage of {percent(about['level'])} % limits")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def rank_plot(ranks: xr.Dataset) -> Figure:
    """Ranks of the truth among posterior draws, one panel a quantity, with where 99 % of even counts lie."""
    number, bins = ranks.sizes["simulation"], 20
    low, high = (float(stats.binom.ppf(p, number, 1 / bins)) for p in (0.005, 0.995))
    columns = min(len(ranks.data_vars), 4)
    rows = -(-len(ranks.data_vars) // columns)
    with mpl.rc_context(STYLE):
        figure = _figure(PAGE_INCHES, 0.4 + 1.1 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, (name, values) in zip(grid, ranks.data_vars.items(), strict=False):
            axes.axhspan(low, high, color=FILLS[0], lw=0, alpha=0.5)
            axes.hist(values, bins=bins, range=(0, ranks.attrs["draws"] + 1), color=POSTERIOR, histtype="step")
            axes.set_title(str(name), pad=2)
        for axes in grid[len(ranks.data_vars) :]:
            axes.remove()
        figure.supxlabel(f"rank among {ranks.attrs['draws']} draws", fontsize=8)
    return figure


# --- both -------------------------------------------------------------------------------------------------------------


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _stamp(figure: Figure) -> None:
    """Nobody shall take this figure for a result."""
    figure.text(
        0.5, 0.5, "NOT CONVERGED", color=ALARM, alpha=0.6, fontsize=18, rotation=25, ha="center", va="center",
        weight="bold", zorder=100,
    )  # fmt: skip


def save(figure: Figure, path_without_suffix: str | os.PathLike[str]) -> list[Path]:
    """Write a figure as PNG and PDF, each in one move, so that no half-written file is ever seen."""
    target = Path(path_without_suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    return [_write(figure, target.with_name(f"{target.name}.{kind}"), kind) for kind in ("png", "pdf")]


def _write(figure: Figure, target: Path, kind: str) -> Path:
    handle, temporary = tempfile.mkstemp(suffix=f".{kind}", prefix=f".{target.stem}-", dir=target.parent)
    os.close(handle)
    # Without a date, equal figures are equal files.
    metadata = {"CreationDate": None} if kind == "pdf" else None
    try:
        with mpl.rc_context(STYLE):
            figure.savefig(temporary, format=kind, dpi=DPI, metadata=metadata)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
