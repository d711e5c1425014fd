"""Coverage of limits and ranks of simulation-based calibration."""

import itertools

import matplotlib as mpl
import xarray as xr
from matplotlib.figure import Figure
from scipy import stats

from bayesnu.report.labels import axis_label, percent
from bayesnu.report.marks import CURVES, FILLS, POSTERIOR, PRIOR, STYLE
from bayesnu.report.plots.canvas import COLUMN_INCHES, PAGE_INCHES, new_figure


def coverage_plot(found: xr.Dataset) -> Figure:
    """Share of toys in which each limit is not below the truth, over the truth."""
    about, dashes = found.attrs, itertools.cycle(["-", "--", ":", "-."])
    with mpl.rc_context(STYLE):
        figure = new_figure(COLUMN_INCHES, 3.0)
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
        figure = new_figure(PAGE_INCHES, 0.4 + 1.1 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, (name, values) in zip(grid, ranks.data_vars.items(), strict=False):
            axes.axhspan(low, high, color=FILLS[0], lw=0, alpha=0.5)
            axes.hist(values, bins=bins, range=(0, ranks.attrs["draws"] + 1), color=POSTERIOR, histtype="step")
            axes.set_title(str(name), pad=2)
        for axes in grid[len(ranks.data_vars) :]:
            axes.remove()
        figure.supxlabel(f"rank among {ranks.attrs['draws']} draws", fontsize=8)
    return figure
