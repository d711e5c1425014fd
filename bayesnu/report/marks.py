"""The look of the figures, and what a limit plot marks on its axis."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import xarray as xr

from bayesnu.report.labels import number, percent
from bayesnu.report.limits import Limit, profile_of

STYLE: dict[Any, Any] = {
    "font.size": 8.0, "axes.labelsize": 8.0, "axes.titlesize": 8.0, "xtick.labelsize": 7.0, "ytick.labelsize": 7.0,
    "legend.fontsize": 6.5, "legend.frameon": False, "lines.linewidth": 1.3, "axes.linewidth": 0.7, "pdf.fonttype": 42,
}  # fmt: skip
"""Settings of matplotlib for one column of a paper; they hold while a figure is made and written, never beyond."""

# Colours of Okabe and Ito, which colour-blind readers tell apart.
POSTERIOR, PROFILE, PUBLISHED, PRIOR, ALARM = "#0072B2", "#D55E00", "#666666", "#000000", "#CC0000"

FILLS = ("#9CC9E8", "#4A9BD0")
"""Outer and inner credible region."""

DASHES = ("-", "--")
"""The first treatment of the other parameters of interest, and the second."""

CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""One colour a curve, of the same set."""

BEYOND = 1.6
"""An axis ends at this many times the largest limit."""


class Flag(NamedTuple):
    """A limit on the axis: a line with its name at the top."""

    x: float
    text: str
    colour: str
    dash: str


def flags(rows: Sequence[Limit]) -> list[Flag]:
    """Every limit that there is on one parameter, from the left."""
    found = []
    for row, dash in zip(rows, DASHES, strict=False):
        note = ", others zero" if len(rows) > 1 and row.others == "zero" else ""
        named = [
            (row.credible_upper, f"credible q{percent(row.level)}", POSTERIOR, dash),
            (row.profile_upper, "profile", PROFILE, dash),
            # An interval that begins at the wall, zero, has no lower end to mark.
            (row.profile_interval[0] or None, "profile, lower end", PROFILE, dash),
            (row.published, "published", PUBLISHED, "-"),
        ]
        found += [Flag(x, f"{text}{note}: {number(x)}", colour, d) for x, text, colour, d in named if x is not None]
    return sorted(found)


def reach(tree: xr.DataTree, rows: Sequence[Limit]) -> float:
    """Where the axis ends: beyond the largest limit, else with the longest scan."""
    marked = flags(rows)
    if marked:
        return BEYOND * marked[-1].x
    scans = [s for r in rows if (s := profile_of(tree, r.parameter, r.others)) is not None]
    return max((float(s["value"].max()) for s in scans), default=1.0)


def legend_title(rows: Sequence[Limit]) -> str:
    """The sources of the published limits, empty where there are none."""
    sources = dict.fromkeys(row.source for row in rows if row.source)
    return "\n".join(f"published: {source}" for source in sources)
