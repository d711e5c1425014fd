"""The test statistic of many simulated data sets at once: q(mu) = chi2(mu) - min chi2, nuisances profiled.

With pulls a, constraint centres c and a = c + d, chi2 = min over d of |n - e - J c - J d|^2 / V + |d|^2 plus the
Poisson bins, so that a fluctuated constraint only shifts the residual of likelihood.nuisances. q is -2 log of the ratio
by which Feldman and Cousins order (Phys. Rev. D 57 (1998) 3873), with its maximum over the allowed range of mu.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import toy_newton
from bayesnu.infer.mass_scan import LOUDEST
from bayesnu.infer.minimise import coordinates
from bayesnu.infer.toy_newton import Controls, Pulls
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis, Free, is_angle

Array = NDArray[np.float64]

POINTS = 161
"""Points of the grid on each side of no signal: their distance grows in proportion to the root of theirs from it."""
STEPS = 26
"""Of golden section (the bracket shrinks to 4e-6 of itself) and of bisection (1.5e-8)."""
GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)
ROUNDING = 1e-9
"""A q below this is zero: at the wall both chi2 are the same number but for rounding."""
TAIL = 1e-4
"""Where a prior without an end is cut."""


class Scan(NamedTuple):
    """A model with one parameter, and where chi2 is looked at along it."""

    analysis: Analysis
    pulls: Pulls
    controls: Controls
    entry: Free
    grid: Array
    closed: bool
    """Whether the nuisances have a closed form, all at once."""


class Counts(NamedTuple):
    """Data sets: counts (bin, n), centres of constraints (nuisance, n) as pulls, control counts unless as declared."""

    counts: Array
    centres: Array
    controls: Array | None = None


class Minima(NamedTuple):
    """Of each data set the best value and chi2 there, with chi2 over the grid (point, n)."""

    best: Array
    chi2: Array
    along: Array


# --- what is scanned --------------------------------------------------------------------------------------------------


def scan(analysis: Analysis, parameter: str) -> Scan:
    """The grid along the only free parameter; a model with more than toys can do is an error that says so."""
    entry, solved = _only_parameter(analysis, parameter), nuisances.affine(analysis)
    pulls, controls = toy_newton.pulls(analysis), toy_newton.controls(analysis)
    known = {*pulls.names, *controls.names}
    others = [p.name for p in analysis.free if p.role == "nuisance" and p.name not in known]
    if others:
        expected = "nuisances with Gaussian or control-count constraints, each scaling counts that no other scales"
        hint = "hold it with --set NAME=VALUE where it turns a knob or belongs to a coupling, or use a model without it"
        raise DeclarationError(Problem(analysis.model.name, "nuisances", ", ".join(others), expected, hint))
    there = Scan(analysis, pulls, controls, entry, _grid(analysis, solved, entry), set(solved.names) == known)
    return there._replace(grid=there.grid[_quiet(there)])


def _only_parameter(analysis: Analysis, parameter: str) -> Free:
    free = {p.name: p for p in analysis.free if p.role == "parameter"}
    if parameter not in free:
        hint = "see `bayesnu list models`"
        raise DeclarationError(
            Problem(analysis.model.name, "parameter", repr(parameter), f"one of {', '.join(free)}", hint)
        )
    if len(free) > 1:
        more = ", ".join(name for name in free if name != parameter)
        expected = f"a model in which {parameter} is the only free parameter of interest"
        hint = "hold the others: --set NAME=VALUE, in Python .fix(NAME=VALUE)"
        raise DeclarationError(Problem(analysis.model.name, "parameters", f"also free: {more}", expected, hint))
    if is_angle(free[parameter]):
        raise DeclarationError(
            Problem(analysis.model.name, "parameter", f"the angle {parameter}", "a parameter with ends", "scan another")
        )
    return free[parameter]


def _grid(analysis: Analysis, solved: nuisances.Affine, entry: Free) -> Array:
    """From one end to the other, by squares of even steps: fine near no signal."""
    where = coordinates(analysis, solved)
    low, high = float(where.low[0]), float(where.high[0])
    if entry.prior is not None and not np.isfinite([low, high]).all():
        tails = priors.quantile(entry.prior, np.array([TAIL, 1 - TAIL]))
        low, high = (low if np.isfinite(low) else float(tails[0])), (high if np.isfinite(high) else float(tails[1]))
    middle, squares = float(np.clip(entry.standard, low, high)), np.linspace(0.0, 1.0, POINTS) ** 2
    return np.unique(np.concatenate([middle - (middle - low) * squares, middle + (high - middle) * squares]))


def _quiet(there: Scan) -> NDArray[np.bool_]:
    """Where the closed form, a difference of large numbers, still has digits."""
    expected, _ = expectation(there, there.grid)
    loud = (expected - there.analysis.data.counts[:, None]) ** 2 / there.analysis.data.variance[:, None]
    return np.asarray((loud.sum(axis=0) < LOUDEST) | there.analysis.data.poisson.all())


# --- chi2 -------------------------------------------------------------------------------------------------------------


def expectation(there: Scan, values: ArrayLike) -> tuple[Array, Array]:
    """Counts (bin, n) with the nuisances at their means, and their derivatives by the pulls (bin, nuisance, n)."""
    analysis, pulls = there.analysis, there.pulls
    points = np.tile(analysis.centre(), (np.size(values), 1))
    where = [analysis.names.index(name) for name in pulls.names]
    points[:, where] = pulls.mean
    points[:, analysis.names.index(there.entry.name)] = values
    central = toy_newton.flat(analysis, points)
    shifted = []
    for column, sd in zip(where, pulls.sd, strict=True):
        moved = points.copy()
        moved[:, column] += sd
        shifted.append(toy_newton.flat(analysis, moved) - central)
    jacobian = np.stack(shifted, axis=1) if shifted else np.zeros((len(central), 0, len(points)))
    return central, jacobian


def profiled(there: Scan, data: Counts, values: ArrayLike) -> tuple[Array, Array]:
    """chi2 and best pulls of n data sets, all at one value or each at its own."""
    return fitted(there, data, *expectation(there, values))


def fitted(
    there: Scan, data: Counts, expected: Array, jacobian: Array, start: Array | None = None
) -> tuple[Array, Array]:
    """The same where the expectation is known, of one value or of n; pulls may be given that are nearly the best.

    Gaussian bins have the variance of the observed data, as in the likelihood, whatever was simulated.
    """
    if not there.closed:
        here = _for_newton(there, data)
        return toy_newton.fitted(there.pulls, there.controls, here, expected, jacobian, start)
    poisson = there.analysis.data.poisson
    inverse = np.where(poisson, 0.0, 1.0 / there.analysis.data.variance)[:, None]
    residual = data.counts - expected - (jacobian * data.centres).sum(axis=1)
    b = (jacobian * (residual * inverse)[:, None]).sum(axis=0)
    size = len(there.pulls.names)
    a = np.eye(size)[:, :, None] + (jacobian[:, :, None] * (jacobian * inverse[:, None])[:, None]).sum(axis=0)
    away, _ = nuisances.eliminate(np.broadcast_to(a, (size, size, b.shape[-1])), b, size, np)
    gaussian = (residual**2 * inverse).sum(axis=0) - (b * away).sum(axis=0)
    return gaussian + _poisson(data.counts[poisson], expected[poisson]), data.centres + away


def best_controls(there: Scan, data: Counts, expected: Array) -> Array:
    """Scales of the backgrounds with control counts (bin, n), given all that is expected at scale one."""
    here = _for_newton(there, data)
    without = expected - there.controls.background[:, None]
    return toy_newton.best_controls(there.controls, here.counts, here.controls, without)


def _for_newton(there: Scan, data: Counts) -> toy_newton.Data:
    declared = np.broadcast_to(there.controls.counts[:, None], data.counts.shape)
    controls = declared if data.controls is None else data.controls
    about = there.analysis.data
    return toy_newton.Data(data.counts, controls, data.centres, about.poisson, about.variance)


def _poisson(counts: Array, expected: Array) -> Array:
    """2 sum (mu - n + n log(n / mu)); infinite where mu is not positive."""
    positive = expected > 0
    safe = np.where(positive, expected, 1.0)
    terms = safe - counts + xlogy(counts, counts / safe)
    return np.asarray(2.0 * np.where(positive, terms, np.inf).sum(axis=0))


def chi2(there: Scan, data: Counts, values: ArrayLike) -> Array:
    """chi2 of n data sets with the nuisances profiled, all at one value or each at its own."""
    return profiled(there, data, values)[0]


# --- minima and limits ------------------------------------------------------------------------------------------------


def minima(there: Scan, data: Counts) -> Minima:
    """The lowest chi2 of each data set over the range: the best point of the grid, refined between its neighbours."""
    expected, jacobian = expectation(there, there.grid)
    along, pulls = np.empty((len(there.grid), data.counts.shape[1])), None
    for i in range(len(there.grid)):
        along[i], pulls = fitted(there, data, expected[:, i : i + 1], jacobian[..., i : i + 1], pulls)
    lowest = along.argmin(axis=0)
    low, high = (there.grid[np.clip(lowest + step, 0, len(there.grid) - 1)] for step in (-1, 1))
    refined, found = golden_section(lambda values: chi2(there, data, values), low, high)
    on_grid = np.take_along_axis(along, lowest[None], axis=0)[0]
    # At an end of the range the grid has the minimum, which golden section only approaches.
    better = found < on_grid - ROUNDING
    return Minima(np.where(better, refined, there.grid[lowest]), np.where(better, found, on_grid), along)


def golden_section(function: Callable[[Array], Array], low: Array, high: Array) -> tuple[Array, Array]:
    """Minima of n functions of one variable, each within its bracket: where, and how low."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(STEPS):
        goes_left = at_left < at_right
        low, high = np.where(goes_left, low, left), np.where(goes_left, right, high)
        new = np.where(goes_left, high - GOLDEN * (high - low), low + GOLDEN * (high - low))
        at_new = function(new)
        left, right = np.where(goes_left, new, right), np.where(goes_left, left, new)
        at_left, at_right = np.where(goes_left, at_new, at_right), np.where(goes_left, at_left, at_new)
    return np.where(at_left < at_right, left, right), np.minimum(at_left, at_right)


def q(there: Scan, data: Counts, value: float, least: Minima) -> Array:
    """chi2 at a value above the minimum over the range, of each data set."""
    here = chi2(there, data, value)
    above = here - np.minimum(least.chi2, here)
    return np.where(above < ROUNDING, 0.0, above)


def upper_limit(there: Scan, data: Counts, least: Minima, threshold: float) -> Array:
    """Where q first passes a threshold above the best value; infinite where it does not within the range."""
    outside = (least.along - least.chi2 > threshold) & (there.grid[:, None] > least.best)
    first = outside.argmax(axis=0)
    low, high = np.maximum(there.grid[np.maximum(first - 1, 0)], least.best), there.grid[first]
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        inside = chi2(there, data, middle) - least.chi2 <= threshold
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.where(outside.any(axis=0), 0.5 * (low + high), np.inf)
