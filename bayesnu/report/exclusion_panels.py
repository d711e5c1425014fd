"""Panels of exclusion curves, as the figure of a paper has them: CSV, and what each curve allows."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import xarray as xr

from bayesnu.report import exclusions
from bayesnu.report.contours import aligned
from bayesnu.report.labels import percent

COLUMNS = ("panel", "curve", *exclusions.COLUMNS)


class Drawn(NamedTuple):
    """A curve with all its conventions, the one that the figure draws, and whether its data are projected."""

    curve: xr.Dataset
    convention: str
    projected: bool


class ExclusionPanel(NamedTuple):
    """Curves of one frame of a figure, by their labels; all of one parameter."""

    title: str
    curves: dict[str, Drawn]


def panels_csv(panels: Sequence[ExclusionPanel]) -> str:
    """Comments that say what the numbers are, then a line an interval of every curve, by all conventions."""
    named = [(panel.title, label, drawn) for panel in panels for label, drawn in panel.curves.items()]
    text = io.StringIO()
    for title, label, drawn in named:
        kind = "projected" if drawn.projected else "measured"
        text.write(f"# {title}: {label} ({kind}); drawn: {drawn.convention}\n")
        text.writelines(f"#   {line}\n" for line in exclusions.about(drawn.curve))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for title, label, drawn in named:
        writer.writerows([title, label, *row] for row in exclusions.written_rows(drawn.curve))
    return text.getvalue()


def summary(figures: Mapping[str, Sequence[ExclusionPanel]]) -> list[dict[str, Any]]:
    """Of every curve what is allowed at its lightest mass by the convention that is drawn, and where that changes."""
    return [
        _of_curve(drawn, {"figure": figure, "panel": panel.title, "curve": label})
        for figure, panels in figures.items()
        for panel in panels
        for label, drawn in panel.curves.items()
    ]


def _of_curve(drawn: Drawn, place: Mapping[str, str]) -> dict[str, Any]:
    about = drawn.curve.attrs
    first = float(drawn.curve["mass"].values[0])
    here = exclusions.at_mass(drawn.curve, first, drawn.convention)
    return {
        **place,
        **{name: about[name] for name in ("model", "parameter", "unit", "level", "mass", "mass_unit")},
        "convention": drawn.convention,
        "delta_chi2": exclusions.by_convention(drawn.curve)[drawn.convention],
        "threshold_kind": about["threshold_kind"],
        "projected": drawn.projected,
        "lightest": first,
        "allowed_there": [row._asdict() for row in here],
        "changes": exclusions.closings(drawn.curve)[drawn.convention],
        "scanned_up_to": about["range_high"],
    }


def table(figures: Mapping[str, Sequence[ExclusionPanel]]) -> str:
    """The same as a table for a terminal."""
    header = ("figure", "panel", "curve", "parameter", "level", "convention", "allowed for light masses", "scanned to",
              "changes")  # fmt: skip
    rows = []
    for figure, panels in figures.items():
        for panel in panels:
            for label, (curve, convention, _) in panel.curves.items():
                about, first = curve.attrs, float(curve["mass"].values[0])
                parameter = f"{about['parameter']} [{about['unit']}]"
                allowed = exclusions.cell(curve, first, convention)
                changes = exclusions.endings(curve).get(convention, "")
                level, end = percent(about["level"]), f"{about['range_high']:g}"
                rows.append((figure, panel.title, label, parameter, level, convention, allowed, end, changes))
    return aligned(header, rows)
