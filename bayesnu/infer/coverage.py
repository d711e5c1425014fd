"""How often a limit holds: coverage of profile, Feldman-Cousins and credible limits, from simulated data.

A limit covers where it is not below the truth. Of a credible limit that is a question to the posterior alone: whether
its distribution function at the truth is at most the level. Nuisances are integrated in closed form with their
log-determinant for the posterior, and profiled for the other two (infer.toy_statistic); all see the same toys.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import toy_statistic as statistic
from bayesnu.infer.threads import one_thread
from bayesnu.infer.toy_statistic import Counts, Scan
from bayesnu.infer.toy_summary import asymptotic, binomial_error, thresholds
from bayesnu.infer.toys import Nuisance, simulate
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis
from bayesnu.schema import LogUniform, Prior

Array = NDArray[np.float64]

NODES = 401
"""Of the quadrature over a parameter: its error on a quantile is then below 1e-4 of it (a test says so)."""
PROFILE, INTERVAL, FELDMAN_COUSINS = "profile, upper end", "profile, interval", "Feldman-Cousins"
TREATMENTS = (PROFILE, INTERVAL, FELDMAN_COUSINS)
BLOCK = 2500
"""Toys at once: what is simulated together depends on this, so it is no option."""


class Posterior(NamedTuple):
    """Of n data sets: the distribution function of a parameter at the nodes, (node, n)."""

    values: Array
    cumulative: Array

    def at(self, value: float) -> Array:
        """Posterior probability of less than a value, for each data set."""
        where = np.clip(np.searchsorted(self.values, value), 1, len(self.values) - 1)
        low, high = self.values[where - 1], self.values[where]
        share = np.clip((value - low) / (high - low), 0.0, 1.0)
        return np.asarray((1 - share) * self.cumulative[where - 1] + share * self.cumulative[where])

    def quantile(self, level: float) -> Array:
        """Value below which the parameter lies with this probability, for each data set."""
        where = np.maximum((self.cumulative < level).sum(axis=0), 1)
        below, above = (np.take_along_axis(self.cumulative, (where - k)[None], axis=0)[0] for k in (1, 0))
        share = (level - below) / np.where(above > below, above - below, 1.0)
        return np.asarray(self.values[where - 1] + share * (self.values[where] - self.values[where - 1]))


def posterior(there: Scan, data: Counts, prior: Prior) -> Posterior:
    """Posterior of each data set under a prior of the only parameter, nuisances integrated over their constraints.

    With pulls a around their centres c, the data are Gaussian with mean e + J c and covariance V + J J':
    -2 log L = chi2 minimised over a + log det(1 + J' V^-1 J) up to a constant.
    """
    values = nodes(prior)
    log_density = np.stack([log_marginal(there, data, v) for v in values]) + _log_measure(prior, values)[:, None]
    density = np.exp(log_density - log_density.max(axis=0))
    return Posterior(values, _cumulated(density))


def nodes(prior: Prior) -> Array:
    """Values of the parameter, even in its root or, for a prior flat in the logarithm, in that."""
    low, high = priors.support(prior)
    if isinstance(prior, LogUniform):
        return np.geomspace(low, high, NODES)
    return np.asarray(low + (high - low) * np.linspace(0.0, 1.0, NODES) ** 2)


def log_marginal(there: Scan, data: Counts, value: float) -> Array:
    """Log-likelihood of each data set at one value, integrated over the nuisances, up to a constant of each."""
    expected, jacobian = statistic.expectation(there, value)
    chi2, _ = statistic.fitted(there, data, expected, jacobian)
    return -0.5 * (chi2 + _log_determinant(there, jacobian))


def _log_determinant(there: Scan, jacobian: Array) -> float:
    """Of 1 + J' V^-1 J: it depends on the parameter, not on the data."""
    poisson, size = there.analysis.data.poisson, len(there.pulls.names)
    inverse = np.where(poisson, 0.0, 1.0 / there.analysis.data.variance)[:, None, None]
    a = np.eye(size)[:, :, None] + (jacobian[:, :, None] * (jacobian * inverse)[:, None]).sum(axis=0)
    return float(nuisances.eliminate(a, np.zeros((size, 1)), size, np)[1].sum())


def _log_measure(prior: Prior, values: Array) -> Array:
    """Log of (prior density x distance of the nodes), the nodes being even in a root or in the logarithm."""
    low, _ = priors.support(prior)
    with np.errstate(divide="ignore"):
        density = np.asarray(priors.log_density(prior, values, np))
        return density + (np.log(values) if isinstance(prior, LogUniform) else 0.5 * np.log(values - low))


def _cumulated(density: Array) -> Array:
    """Integral up to each node of a density per node, by the trapezoidal rule, one at the end."""
    steps = 0.5 * (density[1:] + density[:-1])
    total = np.concatenate([np.zeros((1, density.shape[1])), np.cumsum(steps, axis=0)])
    return np.asarray(total / total[-1])


# --- many toys --------------------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """Toys at one true value: q there and the profile's limit; under each prior P(below the truth) and the limit."""

    q: Array
    best: Array
    limit: Array
    below: Array
    credible: Array


@one_thread
def coverage(
    analysis: Analysis, parameter: str, *, true: ArrayLike, number: int, seed: int, level: float,
    beliefs: Mapping[str, Prior], nuisance: Nuisance = "profiled",
) -> xr.Dataset:  # fmt: skip
    """Share of toys in which each limit is not below the truth, at each true value, with its error; and the limits.

    The profile's interval is where q is below its asymptotic threshold, its upper end alone an upper limit;
    'Feldman-Cousins' is the interval whose threshold at each value comes from `number` toys of its own; `beliefs` are
    priors of the parameter, by name.

    >>> import bayesnu as bn
    >>> from bayesnu.schema import Uniform
    >>> flat = {"flat": Uniform(low=0.0, high=200.0)}
    >>> found = coverage(bn.load("coherent-csi-effective"), "mu_nu", true=[30.0], number=50, seed=1, level=0.9,
    ...                  beliefs=flat)
    >>> found["coverage"].sizes
    Frozen({'treatment': 4, 'value': 1})
    """
    there = statistic.scan(analysis, parameter)
    if beliefs and not there.closed:
        found, expected = "nuisances that bend Poisson bins or end", "nuisances that are Gaussian, affine and unbounded"
        hint = "credible limits of toys are integrals in closed form: leave the beliefs out, or use sbc"
        raise DeclarationError(Problem(analysis.model.name, "nuisances", found, expected, hint))
    values = np.asarray(true, dtype=float)
    # Thresholds from toys of their own: those that set a threshold cover it by construction.
    streams = [s.spawn(2) for s in np.random.SeedSequence(seed).spawn(len(values))]
    of_value = [_at(there, v, number, pair, level, beliefs, nuisance) for v, pair in zip(values, streams, strict=True)]
    treatments = [*TREATMENTS, *beliefs]
    shares = np.array([[row[name][0] for row in of_value] for name in treatments])
    limits = np.array([[row[name][1] for row in of_value] for name in treatments])
    both = ("treatment", "value")
    return xr.Dataset(
        {
            "coverage": (both, shares),
            "error": (both, binomial_error(shares, number)),
            "median_limit": (both, limits),
            "threshold": ("value", [row["threshold"][0] for row in of_value]),
        },
        coords={"treatment": treatments, "value": values},
        attrs={
            "model": analysis.model.name, "parameter": parameter, "unit": there.entry.unit,
            "latex": there.entry.latex or parameter, "level": level, "toys": number, "seed": seed,
            "nuisance": nuisance, "asymptotic": float(asymptotic([level])[0]),
            "priors": "; ".join(f"{name} is {priors.describe(prior)}" for name, prior in beliefs.items()),
        },
    )  # fmt: skip


def _at(
    there: Scan, value: float, number: int, streams: Sequence[np.random.SeedSequence], level: float,
    beliefs: Mapping[str, Prior], nuisance: Nuisance,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Coverage and median upper limit of each treatment at one true value; the threshold of Feldman and Cousins."""
    set_by, found = (
        _toys(there, value, number, s, level, b, nuisance) for s, b in zip(streams, ({}, beliefs), strict=True)
    )
    threshold = float(thresholds(set_by.q[None], level)[0][0])
    holds = (found.q <= asymptotic([level])[0]) | (found.best > value)
    rows = {
        PROFILE: (float(holds.mean()), float(np.median(found.limit))),
        INTERVAL: (float((found.q <= asymptotic([level])[0]).mean()), float("nan")),
        FELDMAN_COUSINS: (float((found.q <= threshold).mean()), float("nan")),
        "threshold": (threshold, threshold),
    }
    for i, name in enumerate(beliefs):
        rows[name] = float((found.below[i] <= level).mean()), float(np.median(found.credible[i]))
    return rows


def _toys(
    there: Scan, value: float, number: int, stream: np.random.SeedSequence, level: float,
    beliefs: Mapping[str, Prior], nuisance: Nuisance,
) -> Block:  # fmt: skip
    """All toys of a stream, some thousand at a time."""
    sizes = [min(BLOCK, number - start) for start in range(0, number, BLOCK)]
    blocks = [
        _block(there, value, simulate(there, value, size, np.random.default_rng(own), nuisance), level, beliefs)
        for size, own in zip(sizes, stream.spawn(len(sizes)), strict=True)
    ]
    return Block(*(np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True)))


def _block(there: Scan, value: float, data: Counts, level: float, beliefs: Mapping[str, Prior]) -> Block:
    least = statistic.minima(there, data)
    known = [posterior(there, data, prior) for prior in beliefs.values()]
    empty = np.zeros((0, data.counts.shape[1]))
    return Block(
        q=statistic.q(there, data, value, least),
        best=least.best,
        limit=statistic.upper_limit(there, data, least, float(asymptotic([level])[0])),
        below=np.stack([p.at(value) for p in known]) if known else empty,
        credible=np.stack([p.quantile(level) for p in known]) if known else empty,
    )
