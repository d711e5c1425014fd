"""Exclusion curves for readers: rows, a CSV file, a table, and the connected regions that a figure draws."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.errors import DeclarationError, Problem
from bayesnu.report.files import write_text
from bayesnu.report.labels import convert, number, percent

Array = NDArray[np.float64]

COLUMNS = ("model", "mass", "convention", "allowed", "low", "high", "chi2_min", "best")
SHOWN = 12
"""Masses in the table for a terminal."""


class Row(NamedTuple):
    """One interval of allowed values at one mass, by one convention."""

    model: str
    mass: float
    convention: str
    allowed: str
    low: float
    high: float
    chi2_min: float
    best: float


def rows(curve: xr.Dataset) -> list[Row]:
    """All intervals of a curve in the units of its model, NaN where there is no end."""
    at = {float(m): (float(c), float(b)) for m, c, b in _columns(curve, "mass", "chi2_min", "best")}
    columns = _columns(curve, "interval_mass", "convention", "allowed", "low", "high")
    name = str(curve.attrs["model"])
    return [
        Row(name, float(m), str(c), str(a), float(low), float(high), *at[float(m)]) for m, c, a, low, high in columns
    ]


def _columns(curve: xr.Dataset, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(curve[name].values for name in names), strict=True))


# --- data -------------------------------------------------------------------------------------------------------------


def as_csv(curves: Sequence[xr.Dataset]) -> str:
    """Comments that say what the numbers are, then one line an interval, in full precision; empty where no end is."""
    text = io.StringIO()
    text.writelines(f"# {line}\n" for curve in curves for line in about(curve))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for curve in curves:
        writer.writerows(written_rows(curve))
    return text.getvalue()


def written_rows(curve: xr.Dataset) -> list[list[Any]]:
    """The rows as a file has them: empty where no end is."""
    return [["" if value != value else value for value in row] for row in rows(curve)]


def about(curve: xr.Dataset) -> list[str]:
    """What a curve is, line by line."""
    a = curve.attrs
    meaning = {"mass": "above the minimum at each mass", "global": "above the minimum over all masses scanned"}
    return [
        *([f"PARTIAL: interrupted {a['interrupted']}; --resume goes on"] if a.get("partial") else []),
        f"model: {a['model']} ({a['title']})",
        f"  hash: {a['model_hash']}",
        f"  low, high, best: {a['parameter']} [{a['unit']}]; mass: {a['mass']} [{a['mass_unit']}]",
        f"  level: {percent(a['level'])} %, thresholds {a['threshold_kind']}; boundary: {a['boundary']}",
        *(
            f"  convention {name}: delta chi2 = {delta:.6g} {meaning[reference]}"
            for name, delta, reference in zip(a["conventions"], a["delta_chi2"], a["reference"], strict=True)
        ),
        f"  global minimum: chi2 = {a['chi2_global']:.6g} at {a['mass']} = {a['global_mass']:.6g} {a['mass_unit']},"
        f" {a['parameter']} = {a['global_best']:.6g}",
        f"  scanned up to {a['parameter']} = {a['range_high']:.6g}; no end below it leaves the field empty",
        f"  other parameters of interest: {a['others']}; nuisances: profiled",
        *([f"  published: {a['source']}"] if a["source"] else []),
        *(f"  {name}: {a[name]}" for name in ("command", "versions") if name in a),
    ]


def write_csv(curves: Sequence[xr.Dataset], path: str | os.PathLike[str], beside: Path | None = None) -> Path:
    """Write the file in one move, so that no half-written one is ever seen."""
    return write_text(as_csv(curves), path, beside)


def as_json(curves: Sequence[xr.Dataset]) -> list[dict[str, Any]]:
    """One record a curve: what it is, and its rows."""
    return [
        {**curve.attrs, "closes": closings(curve), "rows": [row._asdict() for row in rows(curve)]} for curve in curves
    ]


# --- a table ----------------------------------------------------------------------------------------------------------


def as_text(curves: Sequence[xr.Dataset]) -> str:
    """What is allowed at a few masses by each convention, and where that ends."""
    return "\n".join(line for curve in curves for line in [*_table(curve), ""])


def _table(curve: xr.Dataset) -> list[str]:
    a, masses = curve.attrs, curve["mass"].values
    shown = masses[np.unique(np.linspace(0, len(masses) - 1, SHOWN).round().astype(int))]
    cells = [[f"{m:.4g}", *(cell(curve, float(m), name) for name in a["conventions"])] for m in shown]
    named = zip(a["conventions"], a["delta_chi2"], strict=True)
    header = [f"{a['mass']} [{a['mass_unit']}]", *(f"{name} ({number(delta)})" for name, delta in named)]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    lines = [[*header], ["-" * w for w in widths], *cells]
    return [
        *([f"PARTIAL: interrupted {a['interrupted']}; --resume goes on"] if a.get("partial") else []),
        f"{a['model']}: {a['parameter']} allowed at {percent(a['level'])} % [{a['unit']}]",
        "",
        *("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines),
        "",
        *(f"{name}: {text}" for name, text in endings(curve).items()),
        f"best fit: {a['parameter']} = {number(a['global_best'])} at {a['mass']} = {a['global_mass']:.4g} "
        f"{a['mass_unit']}, chi2 {round(a['chi2_global'], 2) + 0.0:.2f}",
        f"thresholds {a['threshold_kind']}; scanned up to {a['range_high']:g} {a['unit']}; of {len(masses)} masses "
        f"{len(shown)} are shown, --out FILE keeps all",
    ]


def at_mass(curve: xr.Dataset, mass: float, convention: str) -> list[Row]:
    """All intervals at one mass by one convention."""
    return [r for r in rows(curve) if r.mass == mass and r.convention == convention]


def cell(curve: xr.Dataset, mass: float, convention: str) -> str:
    """What is allowed at one mass by one convention, in words."""
    return ", ".join(_interval(r) for r in at_mass(curve, mass, convention))


def _interval(row: Row) -> str:
    if row.allowed in ("none", "no limit"):
        return row.allowed
    if row.allowed == "upper limit":
        return f"< {number(row.high)}"
    return f"> {number(row.low)}" if row.allowed == "lower limit" else f"{number(row.low)} to {number(row.high)}"


def endings(curve: xr.Dataset) -> dict[str, str]:
    """Masses at which the kind of what is allowed changes, in words, of each convention by which it does."""
    unit = curve.attrs["mass_unit"]
    return {
        name: "; ".join(f"{c['before']} up to {c['mass']:.4g} {unit}, then {c['after']}" for c in found)
        for name, found in closings(curve).items()
        if found
    }


def closings(curve: xr.Dataset) -> dict[str, list[dict[str, Any]]]:
    """Masses at which the kind of what is allowed changes: interpolated in chi2 where it passes the level there."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in curve.attrs["conventions"]:
        kinds = _kinds(curve, name)
        masses = list(kinds)
        changes = [(a, b) for a, b in pairwise(masses) if kinds[a] != kinds[b]]
        found[name] = [{"mass": _turning(curve, name, a, b), "before": kinds[a], "after": kinds[b]} for a, b in changes]
    return found


def _kinds(curve: xr.Dataset, convention: str) -> dict[float, str]:
    kinds: dict[float, str] = {}
    for row in rows(curve):
        if row.convention == convention:
            kinds[row.mass] = f"{kinds[row.mass]} and {row.allowed}" if row.mass in kinds else row.allowed
    return kinds


def _turning(curve: xr.Dataset, convention: str, before: float, after: float) -> float:
    """Mass between two others where chi2_min reaches the level, or chi2 without a moment does."""
    ends = curve.sel(mass=[before, after])
    position = list(curve.attrs["conventions"]).index(convention)
    delta, reference = curve.attrs["delta_chi2"][position], curve.attrs["reference"][position]
    lowest = curve.attrs["chi2_global"] if reference == "global" else ends["chi2_min"].values
    for name in ("chi2_min", "chi2_standard"):
        left, right = ends[name].values - lowest - delta
        if left * right < 0:
            return float(np.exp(np.interp(0.0, *_ascending(left, right, np.log(before), np.log(after)))))
    return float(np.sqrt(before * after))


def _ascending(left: float, right: float, x_left: float, x_right: float) -> tuple[list[float], list[float]]:
    return ([left, right], [x_left, x_right]) if left < right else ([right, left], [x_right, x_left])


# --- regions ----------------------------------------------------------------------------------------------------------


class Region(NamedTuple):
    """A connected piece of what is allowed: its edges over mass; low is zero, or high infinite, where it has none."""

    mass: Array
    low: Array
    high: Array

    @property
    def excludes_zero(self) -> bool:
        """Whether no mass of it allows zero."""
        return bool((self.low > 0).all())


def regions(curve: xr.Dataset, convention: str, unit: str) -> list[Region]:
    """Intervals of neighbouring masses that overlap make one region; one that closes between two masses ends there."""
    by_mass = _by_mass(curve, convention, unit)
    pieces: list[list[tuple[float, float, float]]] = []
    growing: list[list[tuple[float, float, float]]] = []
    previous: float | None = None
    for mass, intervals in by_mass.items():
        grown = []
        for low, high in intervals:
            piece = next((p for p in growing if p[-1][1] <= high and low <= p[-1][2]), None)
            if piece is None:
                piece = [_tip(curve, convention, unit, mass, previous)] if previous and not by_mass[previous] else []
                pieces.append(piece)
            else:
                growing.remove(piece)
            piece.append((mass, low, high))
            grown.append(piece)
        if previous and not intervals:
            for piece in growing:
                piece.append(_tip(curve, convention, unit, previous, mass))
        growing, previous = grown, mass
    return [Region(*(np.array(column) for column in zip(*piece, strict=True))) for piece in pieces]


def _by_mass(curve: xr.Dataset, convention: str, unit: str) -> dict[float, list[tuple[float, float]]]:
    found: dict[float, list[tuple[float, float]]] = {float(m): [] for m in curve["mass"].values}
    factor = in_unit(curve, unit)
    for row in rows(curve):
        if row.convention == convention and row.allowed != "none":
            found[row.mass].append((factor * row.low, np.inf if np.isnan(row.high) else factor * row.high))
    return found


def _tip(curve: xr.Dataset, convention: str, unit: str, inside: float, outside: float) -> tuple[float, float, float]:
    """Where both edges meet: at the mass at which chi2_min passes the level, and at the best value there."""
    mass = _turning(curve, convention, *sorted((inside, outside)))
    best = in_unit(curve, unit) * float(curve["best"].sel(mass=inside))
    return mass, best, best


def in_unit(curve: xr.Dataset, unit: str) -> float:
    """What a curve's parameter is multiplied by to be in another multiple of its unit."""
    factor = convert(1.0, str(curve.attrs["unit"]), unit)
    if factor is None:
        found = f"{curve.attrs['parameter']} in {curve.attrs['unit']}"
        raise DeclarationError(Problem(str(curve.attrs["model"]), "unit", found, unit, "draw it in a plot of its own"))
    return factor


def by_convention(curve: xr.Dataset) -> Mapping[str, float]:
    """Rise of chi2 of each convention."""
    return dict(zip(curve.attrs["conventions"], curve.attrs["delta_chi2"], strict=True))
