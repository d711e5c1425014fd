"""chi2 of many data sets with nuisances that have no closed form all at once: Newton's method over their pulls.

In a Poisson bin with expectation e(a) + B g, where a control measurement of m counts with expectation tau g is all that
knows the background's scale g, the best g solves (B + tau) B g^2 + [(B + tau) e - (n + m) B] g - m e = 0, and is put
in. The rest is convex in the pulls a. Damped by 1 / (1 + decrement), the steps stay where every e is positive, because
-n log(e) is self-concordant for n >= 1 (Nesterov and Nemirovskii, Interior-Point Polynomial Algorithms, 1994, ch. 2).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from bayesnu.errors import ConvergenceError
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis, Free
from bayesnu.schema import ControlCounts, Normal, TruncatedNormal

Array = NDArray[np.float64]

STEPS = 100
DAMPED, ENOUGH = 0.25, 1e-3
"""Newton decrements: above the first a step is shortened; once below the second, one more leaves 1e-12 of chi2."""


class Pulls(NamedTuple):
    """Nuisances with a Gaussian constraint: names, means, widths, and the ends of their ranges as pulls."""

    names: tuple[str, ...]
    mean: Array
    sd: Array
    low: Array
    high: Array


class Controls(NamedTuple):
    """Backgrounds with a control measurement, over bins: their names, counts B and control counts, zero where none."""

    names: tuple[str, ...]
    background: Array
    counts: Array


def pulls(analysis: Analysis) -> Pulls:
    """The nuisances with a Gaussian constraint that scale columns which no other nuisance scales."""
    entries = [p for p in analysis.free if isinstance(p.prior, Normal | TruncatedNormal) and _alone(analysis, p)]
    mean, sd = (np.array([getattr(p.prior, name) for p in entries]) for name in ("mean", "sd"))
    ends = np.array([priors.support(p.prior) for p in entries if p.prior is not None]).reshape(-1, 2).T
    return Pulls(tuple(p.name for p in entries), mean, sd, *((ends - mean) / sd))


def controls(analysis: Analysis) -> Controls:
    """The backgrounds of single Poisson bins whose scales are known from control counts alone."""
    names, background, counts = [], np.zeros(len(analysis.data.counts)), np.zeros(len(analysis.data.counts))
    centre = analysis.centre()
    for position, p in enumerate(analysis.free):
        if not isinstance(p.prior, ControlCounts) or not _alone(analysis, p):
            continue
        moved = centre.copy()
        moved[position] += 1.0
        change = flat(analysis, moved[None]) - flat(analysis, centre[None])
        bins = np.flatnonzero(change[:, 0])
        if len(bins) == 1 and analysis.data.poisson[bins[0]] and not background[bins[0]]:
            names.append(p.name)
            background[bins], counts[bins] = change[bins, 0], p.prior.counts
    return Controls(tuple(names), background, counts)


def _alone(analysis: Analysis, p: Free) -> bool:
    """Whether a nuisance scales columns, and those are scaled by no other free nuisance."""
    plan = analysis.plan
    if p.role != "nuisance" or p.knob or p.name not in plan.scales:
        return False
    free = [1 + plan.scales.index(q.name) for q in analysis.free if q.name in plan.scales]
    mine = (plan.scale_index == 1 + plan.scales.index(p.name)).any(axis=0)
    return bool((np.isin(plan.scale_index, free).sum(axis=0)[mine] == 1).all())


def flat(analysis: Analysis, points: Array) -> Array:
    """Counts of all bins (bin, n) at points (n, parameters)."""
    counts = np.zeros((len(analysis.data.counts), len(points)))
    for name, expected in analysis.expected(points).items():
        counts[analysis.plan.where[name]] = expected
    return counts


# --- the fit ----------------------------------------------------------------------------------------------------------


class Data(NamedTuple):
    """What is fitted: counts and control counts (bin, n), constraint centres (pull, n), and which bins are which."""

    counts: Array
    controls: Array
    centres: Array
    poisson: NDArray[np.bool_]
    variance: Array


def fitted(
    about: Pulls, known: Controls, data: Data, expected: Array, jacobian: Array, start: Array | None = None
) -> tuple[Array, Array]:
    """chi2 and best pulls of n data sets; expectation (bin, 1 or n), its slopes by the pulls (bin, pull, 1 or n)."""
    low, high = about.low[:, None], about.high[:, None]
    without = expected - known.background[:, None]
    a = _start(data, without, jacobian, np.clip(data.centres if start is None else start, low, high), known)
    for _ in range(STEPS):
        slope, curvature = _slopes(known, data, without + _times(jacobian, a))
        gradient = _transposed(jacobian, slope) + a - data.centres
        stuck = ((a <= low) & (gradient > 0)) | ((a >= high) & (gradient < 0))
        gradient = np.where(stuck, 0.0, gradient)
        step, _ = nuisances.eliminate(_hessian(jacobian, curvature, ~stuck), -gradient, len(a), np)
        decrement = np.sqrt((-gradient * step).sum(axis=0))
        a = np.clip(a + np.where(decrement < DAMPED, 1.0, 1.0 / (1.0 + decrement)) * step, low, high)
        if not (decrement > ENOUGH).any():
            return _chi2(known, data, without + _times(jacobian, a)) + ((a - data.centres) ** 2).sum(axis=0), a
    raise ConvergenceError([f"toys: Newton decrement of the nuisances {decrement.max():.2g} after {STEPS} steps"])


def best_controls(known: Controls, counts: Array, control_counts: Array, expected: Array) -> Array:
    """The scale of each bin's background (bin, n), given the rest of what is expected there; one where none is."""
    b = known.background[:, None]
    both = b + known.counts[:, None]
    linear = both * expected - (counts + control_counts) * b
    root = np.sqrt(linear**2 + 4.0 * both * b * control_counts * np.clip(expected, 0.0, None))
    # Of the two forms of the larger root, the one that does not subtract equal numbers.
    above = 2.0 * control_counts * expected / np.where(linear + root > 0, linear + root, 1.0)
    below = (root - linear) / np.where(b > 0, 2.0 * both * b, 1.0)
    return np.where(b > 0, np.where(linear > 0, above, below), 1.0)


def _start(data: Data, without: Array, jacobian: Array, a: Array, known: Controls) -> Array:
    """Where a constraint's centre would make a bin negative, begin at the means."""
    bare = data.poisson & (known.background == 0)
    positive = ((without + _times(jacobian, a))[bare] > 0).all(axis=0)
    return np.where(positive, a, 0.0)


def _slopes(known: Controls, data: Data, e: Array) -> tuple[Array, Array]:
    """First and second derivative of chi2 / 2 by each bin's expectation, best controls put in."""
    b, n = known.background[:, None], data.counts
    scale = best_controls(known, n, data.controls, e)
    total = np.clip(e + b * scale, 1e-300, None)
    p = n / total**2
    stiff = data.controls / np.where(scale > 0, scale, 1.0) ** 2
    softened = p * stiff / np.where(p * b**2 + stiff > 0, p * b**2 + stiff, 1.0)
    curvature = np.where((b > 0) & (scale > 0), softened, p)
    if data.poisson.all():
        return 1.0 - n / total, curvature
    weight, counted = 1.0 / data.variance[:, None], data.poisson[:, None]
    return np.where(counted, 1.0 - n / total, (e - n) * weight), np.where(counted, curvature, weight)


def _chi2(known: Controls, data: Data, e: Array) -> Array:
    """Twice the log-likelihood ratio to a perfect fit of counts and control counts; infinite where one is negative."""
    counted = data.poisson
    here = Controls(known.names, known.background[counted], known.counts[counted])
    n, m, e_counted = data.counts[counted], data.controls[counted], e[counted]
    scale = best_controls(here, n, m, e_counted)
    total, auxiliary = e_counted + here.background[:, None] * scale, here.counts[:, None] * scale
    gaussian = ((data.counts - e)[~counted] ** 2 / data.variance[~counted, None]).sum(axis=0)
    return gaussian + _deviance(n, total) + _deviance(m, auxiliary)


def _deviance(n: Array, mean: Array) -> Array:
    """2 sum (mu - n + n log(n / mu)), zero where nothing is expected and nothing seen."""
    safe = np.where(mean > 0, mean, 1.0)
    terms = mean - n + xlogy(n, n / safe)
    return np.asarray(2.0 * np.where((mean > 0) | ((mean == 0) & (n == 0)), terms, np.inf).sum(axis=0))


# --- products with derivatives that the data sets share, or have of their own -----------------------------------------


def _times(jacobian: Array, a: Array) -> Array:
    return jacobian[..., 0] @ a if jacobian.shape[-1] == 1 else (jacobian * a).sum(axis=1)


def _transposed(jacobian: Array, slope: Array) -> Array:
    shared = jacobian.shape[-1] == 1
    return jacobian[..., 0].T @ slope if shared else (jacobian * slope[:, None]).sum(axis=0)


def _hessian(jacobian: Array, curvature: Array, moves: NDArray[np.bool_]) -> Array:
    """1 + J' C J (pull, pull, n); of a pull that does not move, the row and column of the unit matrix."""
    size = jacobian.shape[1]
    outer = jacobian[:, :, None] * jacobian[:, None]
    if jacobian.shape[-1] == 1:
        product = (outer.reshape(len(outer), -1).T @ curvature).reshape(size, size, -1)
    else:
        product = (outer * curvature[:, None, None]).sum(axis=0)
    return np.eye(size)[..., None] + np.where(moves[:, None] & moves[None], product, 0.0)
