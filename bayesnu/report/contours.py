"""Profiles of two parameters for readers: contour lines, what they bound, CSV files and a summary."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import contourpy
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.report import profiles
from bayesnu.report.labels import number, percent

Array = NDArray[np.float64]

LINE_COLUMNS = ("panel", "curve", "first", "second", "level", "convention", "delta_chi2", "line", "x", "y")


class Contour(NamedTuple):
    """Lines of one height of delta chi2: arrays (point, 2) of both parameters; open where they leave the grid."""

    level: float
    convention: str
    delta_chi2: float
    lines: tuple[Array, ...]

    @property
    def extent(self) -> list[list[float]]:
        """Least and largest value of each parameter on the lines; empty where there are none."""
        points = np.concatenate([*self.lines, np.zeros((0, 2))])
        return [[float(v.min()), float(v.max())] for v in points.T] if len(points) else []


class Panel(NamedTuple):
    """Curves of one frame of a figure, by their labels; all of the same two parameters."""

    title: str
    planes: dict[str, xr.Dataset]
    conventions: tuple[str, ...]


def contours(plane: xr.Dataset, conventions: Sequence[str] | None = None) -> list[Contour]:
    """Contours of every level and convention, by linear interpolation on the grid."""
    maker = contourpy.contour_generator(
        plane["first"].values, plane["second"].values, plane["delta_chi2"].transpose("second", "first").values
    )
    wanted = plane["convention"].values.tolist() if conventions is None else conventions
    found = []
    for convention in wanted:
        for level in plane["level"].values:
            height = float(plane["threshold"].sel(convention=convention, level=level))
            lines = tuple(np.array(line, dtype=float) for line in maker.lines(height))
            found.append(Contour(float(level), convention, height, lines))
    return found


def intercepts(plane: xr.Dataset, height: float) -> list[float]:
    """Where delta chi2 along each axis, the other parameter at its first value, last passes a height; NaN: nowhere.

    By interpolation of its square root, which is nearly straight.
    """
    found = []
    for name, other in (("first", "second"), ("second", "first")):
        edge = plane["delta_chi2"].isel({other: 0}).values
        above = np.flatnonzero((edge[:-1] <= height) & (edge[1:] > height))
        if not len(above):
            found.append(float("nan"))
            continue
        i, x = above[-1], plane[name].values
        left, right, middle = np.sqrt(np.maximum([edge[i], edge[i + 1], height], 0.0))
        found.append(float(x[i] + (x[i + 1] - x[i]) * (middle - left) / (right - left)))
    return found


class Extent(NamedTuple):
    """How far one contour of one curve of a figure goes."""

    figure: str
    panel: str
    curve: str
    parameter: str
    unit: str
    level: float
    convention: str
    low: float
    high: float


def summary(figures: Mapping[str, Sequence[Panel]]) -> list[dict[str, Any]]:
    """The extent of every contour that is drawn, a record for each of both parameters."""
    return [extent._asdict() for extent in _extents(figures)]


def table(figures: Mapping[str, Sequence[Panel]]) -> str:
    """The same as a table for a terminal."""
    header = ("figure", "panel", "curve", "parameter", "level", "convention", "from", "to")
    rows = [
        (
            e.figure, e.panel, e.curve, f"{e.parameter} [{e.unit}]", percent(e.level), e.convention, number(e.low),
            number(e.high),
        )
        for e in _extents(figures)
    ]  # fmt: skip
    return aligned(header, rows)


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with a line under its header, columns as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * w for w in widths], *rows]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def _extents(figures: Mapping[str, Sequence[Panel]]) -> list[Extent]:
    return [
        Extent(figure, panel.title, label, name, unit, c.level, c.convention, low, high)
        for figure, panels in figures.items()
        for panel in panels
        for label, plane in panel.planes.items()
        for c in contours(plane, panel.conventions)
        for name, unit, (low, high) in zip(plane.attrs["parameters"], plane.attrs["units"], c.extent, strict=False)
    ]


# --- files ------------------------------------------------------------------------------------------------------------


def grid_csv(plane: xr.Dataset) -> str:
    """Comments that say what the numbers are, then a line a point of the grid."""
    first, second = plane.attrs["parameters"]
    others = [n for n in plane.data_vars if str(n).startswith("at_")]
    text = io.StringIO()
    text.writelines(f"# {line}\n" for line in about(plane))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([first, second, "delta_chi2", "starts", "reached", "range_end", *(str(n)[3:] for n in others)])
    for i, x in enumerate(plane["first"].values):
        for j, y in enumerate(plane["second"].values):
            here = plane.isel(first=i, second=j)
            marks = [here["starts"].item(), here["reached"].item(), here["range_end"].item()]
            writer.writerow([float(x), float(y), here["delta_chi2"].item(), *marks, *(here[n].item() for n in others)])
    return text.getvalue()


def lines_csv(panels: Sequence[Panel]) -> str:
    """Comments that say what the numbers are, then a line a point of a contour, of all panels of a figure."""
    text = io.StringIO()
    for panel in panels:
        for label, plane in panel.planes.items():
            text.writelines(f"# {line}\n" for line in [f"{panel.title}: {label}", *(f"  {t}" for t in about(plane))])
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LINE_COLUMNS)
    for panel in panels:
        for label, plane in panel.planes.items():
            for contour in contours(plane):
                name = (panel.title, label, *plane.attrs["parameters"], contour.level, contour.convention)
                for k, line in enumerate(contour.lines):
                    writer.writerows([*name, f"{contour.delta_chi2:.6f}", k, *map(float, point)] for point in line)
    return text.getvalue()


def about(plane: xr.Dataset) -> list[str]:
    """What a plane is, line by line."""
    a = plane.attrs
    (first, second), units, best = a["parameters"], a["units"], a["best"]
    closed = f"; in closed form: {a['closed_form']}" if a["closed_form"] else ""
    return [
        f"model: {a['model']} ({a['title']})",
        f"x: {first} [{units[0]}]; y: {second} [{units[1]}]",
        f"minimum: chi2 = {a['chi2_min']:.6g} at {first} = {best[0]:.6g}, {second} = {best[1]:.6g}",
        f"other parameters of interest: {a['others']}; nuisances: profiled{closed}",
        *(
            f"{percent(c.level)} %, {c.convention}: delta chi2 = {c.delta_chi2:.6g}, {a['threshold_kind']}"
            for c in contours(plane)
        ),
    ]


def as_json(plane: xr.Dataset) -> dict[str, Any]:
    """One record: the grid with its marks, and every contour."""
    return {
        **plane.attrs,
        "first": plane["first"].values.tolist(),
        "second": plane["second"].values.tolist(),
        "delta_chi2": plane["delta_chi2"].values.tolist(),
        "starts_disagree": profiles.lonely(plane).tolist(),
        "range_end": plane["range_end"].values.tolist(),
        "contours": [
            {**c._asdict(), "lines": [line.tolist() for line in c.lines], "extent": c.extent} for c in contours(plane)
        ],
    }


def as_text(plane: xr.Dataset) -> str:
    """What the plane is, how far each contour goes, and at how many points to look again."""
    lines = about(plane)
    for c in contours(plane):
        ends = zip(plane.attrs["parameters"], plane.attrs["units"], c.extent, strict=False)
        text = ", ".join(f"{n} from {number(low)} to {number(high)} {unit}" for n, unit, (low, high) in ends)
        lines.append(f"{percent(c.level)} % contour, {c.convention}: {text or 'none on the grid'}")
    lonely, ends_at = int(profiles.lonely(plane).sum()), sorted(set(plane["range_end"].values.ravel()) - {""})
    points = plane["delta_chi2"].size
    lines += [f"starts disagree at {lonely} of {points} points"] if lonely else []
    lines += [f"at some points at an end of its range: {'; '.join(map(str, ends_at))}"] if ends_at else []
    return "\n".join(lines)
