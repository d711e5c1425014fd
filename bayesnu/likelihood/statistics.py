"""Log-likelihoods of counts in bins, and what they would be for a perfect prediction."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from bayesnu.likelihood.priors import LOG_SQRT_TWO_PI
from bayesnu.schema import Setup

Array = NDArray[np.float64]


class Observed(NamedTuple):
    """Flat vectors over all bins: counts, variance (1 for Poisson bins), which bins are Poisson, constant terms."""

    counts: Array
    variance: Array
    poisson: NDArray[np.bool_]
    constant: Array
    saturated: Array
    """Log-likelihood of each bin at a prediction equal to the observation."""


def observed(setups: tuple[Setup, ...], where: dict[str, slice], counts: dict[str, Array]) -> Observed:
    """Lay out the observations as the layout lays out the counts."""
    size = max(part.stop for part in where.values())
    n, variance, poisson = np.zeros(size), np.ones(size), np.zeros(size, dtype=bool)
    for setup in setups:
        part = where[setup.name]
        n[part] = counts[setup.name]
        poisson[part] = not setup.variance
        variance[part] = setup.variance or 1.0
    constant = np.where(poisson, -gammaln(n + 1), -LOG_SQRT_TWO_PI - 0.5 * np.log(variance))
    saturated = constant + np.where(poisson, xlogy(n, n) - n, 0.0)
    return Observed(n, variance, poisson, constant, saturated)


def log_likelihood(data: Observed, expected: Any, xp: Any) -> Any:
    """Log-likelihood per bin, (bin,) or (bin, n); minus infinity where Poisson counts are expected to be negative."""
    tail = (slice(None),) + (None,) * (expected.ndim - 1)
    n, constant = data.counts[tail], data.constant[tail]
    if data.poisson.all():
        return _poisson(n, expected, xp) + constant
    gaussian = -0.5 * (n - expected) ** 2 / data.variance[tail]
    if not data.poisson.any():
        return gaussian + constant
    return xp.where(data.poisson[tail], _poisson(n, expected, xp), gaussian) + constant


def total_log_likelihood(data: Observed, expected: Any, xp: Any) -> Any:
    """Log-likelihood of all bins together, () or (n,)."""
    if xp is not np:
        return _symbolic_total(data, expected, xp)
    total = data.constant.sum()
    if data.poisson.any():
        rows = expected if data.poisson.all() else expected[data.poisson]
        if rows.size and not rows.min() > 0:
            return log_likelihood(data, expected, np).sum(axis=0)
        # Two matrix products in place of five temporaries the size of all bins.
        total = total + data.counts[data.poisson] @ np.log(rows) - np.ones(len(rows)) @ rows
    if not data.poisson.all():
        gaussian = ~data.poisson
        residual = expected[gaussian] - data.counts[gaussian].reshape(-1, *(1,) * (expected.ndim - 1))
        total = total - (0.5 / data.variance[gaussian]) @ (residual * residual)
    return total


def _symbolic_total(data: Observed, expected: Any, xp: Any) -> Any:
    """The same for a graph: bins of each kind by themselves, so that none is computed twice."""
    if data.poisson.all() or not data.poisson.any() or expected.ndim > 1:
        return log_likelihood(data, expected, xp).sum(axis=0)
    counted, measured = span(np.flatnonzero(data.poisson)), span(np.flatnonzero(~data.poisson))
    residual = data.counts[measured] - expected[measured]
    gaussian = (-0.5 / data.variance[measured] * residual**2).sum()
    return data.constant.sum() + _poisson(data.counts[counted], expected[counted], xp).sum() + gaussian


def span(rows: NDArray[np.int64]) -> Any:
    """Rows as a slice where they follow each other: a graph then need not gather them, nor scatter their gradient."""
    follow = len(rows) > 0 and (np.diff(rows) == 1).all()
    return slice(int(rows[0]), int(rows[-1]) + 1) if follow else rows


def _poisson(n: Any, expected: Any, xp: Any) -> Any:
    positive = expected > 0
    safe = xp.where(positive, expected, 1.0)
    return xp.where(positive, n * xp.log(safe) - safe, -np.inf)
