"""The Feldman-Cousins interval of the data: the values at which their q is not above the threshold from toys.

Thresholds are known at the true values of the toys, with the error of their rank, and are straight lines in between; q
of the data is known on the grid of the scan. The set may be of several pieces, and what lies beyond the true values is
not known: a piece that reaches the last of them has no limit there. Feldman and Cousins, Phys. Rev. D 57 (1998) 3873.
"""

import math
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

Array = NDArray[np.float64]

TOYS, ASYMPTOTIC = "toys", "asymptotic"
LIMIT, RANGE, OPEN = "limit", "range", "open"
"""Kinds of an end: a crossing, the end of the parameter's range, and the last true value with more behind it."""
FINE = 8
"""Points between two of a curve at which a crossing is looked for."""
LOUD = 1e4
"""A larger q is above every threshold, also where it is infinite."""


class Curve(NamedTuple):
    """q of the data at increasing values.

    In between it is a cubic that does not overshoot, also beside a jump; it moves an end by less than 1e-4 of itself.
    """

    values: Array
    q: Array


class Threshold(NamedTuple):
    """Thresholds at increasing true values, with one sigma of each; straight lines in between."""

    values: Array
    height: Array
    error: Array

    def error_at(self, value: float) -> float:
        """One sigma between two true values, whose toys are independent."""
        right = int(np.clip(np.searchsorted(self.values, value), 1, len(self.values) - 1))
        low, high = self.values[right - 1], self.values[right]
        shares = {right - 1: (high - value) / (high - low), right: (value - low) / (high - low)}
        # A share of none of an unknown error is no error.
        return math.hypot(*(share * float(self.error[i]) if share else 0.0 for i, share in shares.items()))

    def slope_at(self, value: float) -> float:
        """By the parameter."""
        right = int(np.clip(np.searchsorted(self.values, value), 1, len(self.values) - 1))
        return float(np.diff(self.height)[right - 1] / np.diff(self.values)[right - 1])


class End(NamedTuple):
    """Of a piece: where, its Monte Carlo error, and what kind of end it is."""

    value: float
    error: float
    kind: str


class Piece(NamedTuple):
    """One connected part of an interval."""

    low: End
    high: End


def pieces(curve: Curve, threshold: Threshold, allowed: tuple[float, float]) -> list[Piece]:
    """The parts of the line between the first and the last true value where q is at most the threshold.

    `allowed` is the parameter's range: an end there is no limit of the data, and cannot be moved by more true values.

    >>> x = np.linspace(-3.0, 3.0, 61)
    >>> flat = Threshold(x[[0, -1]], np.ones(2), np.zeros(2))
    >>> [(round(p.low.value, 6), p.low.kind, round(p.high.value, 6)) for p in pieces(Curve(x, x**2), flat, (-3, 3))]
    [(-1.0, 'limit', 1.0)]
    """
    q = PchipInterpolator(curve.values, np.minimum(curve.q, LOUD))
    x = _points(curve, threshold)

    def margin(value: Array | float) -> Array:
        return np.asarray(np.interp(value, threshold.values, threshold.height) - q(value))

    def end(inner: int, outer: int) -> End:
        if not 0 <= outer < len(x):
            kind = RANGE if np.isclose(x[inner], allowed, rtol=1e-9, atol=0.0).any() else OPEN
            return End(float(x[inner]), 0.0, kind)
        at = float(brentq(margin, *sorted((x[inner], x[outer])), xtol=1e-12))
        slope = abs(float(q(at, 1)) - threshold.slope_at(at))
        error = threshold.error_at(at)
        return End(at, error / slope if slope > 0 else np.inf if error else 0.0, LIMIT)

    turns = np.diff(np.concatenate([[False], margin(x) >= 0, [False]]).astype(int))
    first, last = np.flatnonzero(turns == 1), np.flatnonzero(turns == -1) - 1
    return [Piece(end(a, a - 1), end(b, b + 1)) for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _points(curve: Curve, threshold: Threshold) -> Array:
    """Where the margin is looked at: both sets of values, and some in between."""
    low, high = threshold.values[[0, -1]]
    known = np.unique(np.concatenate([curve.values, threshold.values]))
    known = known[(known >= low) & (known <= high)]
    between = np.linspace(known[:-1], known[1:], FINE, endpoint=False).T.ravel()
    return np.append(between, known[-1])


def intervals(summary: xr.Dataset, about: xr.Dataset, allowed: tuple[float, float]) -> xr.Dataset:
    """At each level the pieces by thresholds from toys and by the asymptotic one; NaN and '' where there are fewer."""
    curve = Curve(about["scan"].values, about["q_along"].values)
    found = {
        (k, i): pieces(curve, threshold, allowed) if len(threshold.values) > 1 else []
        for i in range(summary.sizes["level"])
        for k, threshold in ((TOYS, _from_toys(summary, i)), (ASYMPTOTIC, _asymptotic(summary, i, curve)))
    }
    shape = (2, summary.sizes["level"], max(len(parts) for parts in found.values()), 2)
    values, errors, kinds = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, "", dtype=object)
    for (kind, level), parts in found.items():
        for number, part in enumerate(parts):
            where = (int(kind == ASYMPTOTIC), level, number)
            values[where], errors[where], kinds[where] = zip(*part, strict=True)
    dims = ("threshold_kind", "level", "piece", "side")
    return xr.Dataset(
        {"end": (dims, values), "error": (dims, errors), "kind": (dims, kinds)},
        coords={"threshold_kind": [TOYS, ASYMPTOTIC], "level": summary["level"].values, "side": ["low", "high"]},
    )


def _from_toys(summary: xr.Dataset, level: int) -> Threshold:
    here = summary.isel(level=level)
    error = 0.5 * (here["threshold_high"].values - here["threshold_low"].values)
    return Threshold(here["value"].values, here["threshold"].values, error)


def _asymptotic(summary: xr.Dataset, level: int, curve: Curve) -> Threshold:
    height = float(summary["asymptotic"][level])
    return Threshold(curve.values[[0, -1]], np.full(2, height), np.zeros(2))


def pieces_of(found: xr.Dataset, kind: str, level: float) -> list[Piece]:
    """The pieces that a dataset of intervals holds."""
    here = found.sel(threshold_kind=kind, level=level)
    rows = zip(here["end"].values, here["error"].values, here["kind"].values, strict=True)
    return [
        Piece(*(End(float(v), float(e), str(what)) for v, e, what in zip(*row, strict=True)))
        for row in rows
        if not np.isnan(row[0][0])
    ]
