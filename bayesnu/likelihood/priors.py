"""Priors, one row a kind: density on an array namespace, quantiles, a PyMC class by name, a chart for NUTS."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from bayesnu import schema

Array = NDArray[np.float64]

LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)
TWO_PI = 2 * math.pi


class PriorRow(NamedTuple):
    """What one kind of prior needs, given its declaration p."""

    log_density: Callable[[Any, Any, Any], Any]
    """(p, x, xp) -> log density inside the support."""
    quantile: Callable[[Any, Array], Array]
    support: Callable[[Any], tuple[float, float]]
    central: Callable[[Any], float]
    """Value that stands for the prior where one is needed: its mean or mode, else its lower end."""
    pymc: Callable[[Any], tuple[str, dict[str, float]]]
    """Class of pymc and its arguments, for the variable of the chart."""
    chart: str
    """'plain': x itself; 'log': log x; 'root': x squared; 'ring': a point near the unit circle."""


def _normal(p: Any, x: Any, xp: Any) -> Any:
    return -0.5 * ((x - p.mean) / p.sd) ** 2 - math.log(p.sd) - LOG_SQRT_TWO_PI


def _truncation(p: schema.TruncatedNormal) -> float:
    low, high = (p.low - p.mean) / p.sd, (p.high - p.mean) / p.sd
    return math.log(special.ndtr(high) - special.ndtr(low))


def _von_mises(p: schema.Circular, x: Any, xp: Any) -> Any:
    # exp(-k) I0(k) is what does not overflow.
    normalisation = math.log(TWO_PI * special.i0e(p.concentration))
    return p.concentration * (xp.cos(x - p.mean) - 1.0) - normalisation


def _von_mises_quantile(p: schema.Circular, u: Array) -> Array:
    if p.concentration == 0:
        return np.asarray(TWO_PI * u)
    # By bisection: scipy's own quantile takes a millisecond a number.
    low, high = np.full(np.shape(u), -math.pi), np.full(np.shape(u), math.pi)
    for _ in range(54):
        middle = 0.5 * (low + high)
        below = stats.vonmises.cdf(middle, p.concentration) < u
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((0.5 * (low + high) + p.mean) % TWO_PI)


def _gamma(p: schema.ControlCounts, x: Any, xp: Any) -> Any:
    n = p.counts
    return (n + 1) * math.log(n) - math.lgamma(n + 1) + n * xp.log(x) - n * x


def _haar(p: schema.Haar, x: Any, xp: Any) -> Any:
    # Of neighbours the density is flat; 0 log 0 would be no number.
    return math.log(p.apart) + (p.apart - 1) * xp.log(1.0 - x) if p.apart > 1 else 0.0 * x


PRIORS: dict[type, PriorRow] = {
    schema.Uniform: PriorRow(
        log_density=lambda p, x, xp: 0.0 * x - math.log(p.high - p.low),
        quantile=lambda p, u: p.low + (p.high - p.low) * u,
        support=lambda p: (p.low, p.high),
        central=lambda p: p.low,
        pymc=lambda p: ("Uniform", {"lower": p.low, "upper": p.high}),
        chart="plain",
    ),
    schema.LogUniform: PriorRow(
        log_density=lambda p, x, xp: -xp.log(x) - math.log(math.log(p.high / p.low)),
        quantile=lambda p, u: p.low * (p.high / p.low) ** u,
        support=lambda p: (p.low, p.high),
        central=lambda p: p.low,
        pymc=lambda p: ("Uniform", {"lower": math.log(p.low), "upper": math.log(p.high)}),
        chart="log",
    ),
    schema.SquareUniform: PriorRow(
        log_density=lambda p, x, xp: xp.log(x) - math.log(0.5 * (p.high**2 - p.low**2)),
        quantile=lambda p, u: np.sqrt(p.low**2 + (p.high**2 - p.low**2) * u),
        support=lambda p: (p.low, p.high),
        central=lambda p: p.low,
        pymc=lambda p: ("Uniform", {"lower": p.low**2, "upper": p.high**2}),
        chart="root",
    ),
    schema.Normal: PriorRow(
        log_density=_normal,
        quantile=lambda p, u: p.mean + p.sd * special.ndtri(u),
        support=lambda p: (-math.inf, math.inf),
        central=lambda p: p.mean,
        pymc=lambda p: ("Normal", {"mu": p.mean, "sigma": p.sd}),
        chart="plain",
    ),
    schema.HalfNormal: PriorRow(
        log_density=lambda p, x, xp: -0.5 * (x / p.sd) ** 2 - math.log(0.5 * p.sd) - LOG_SQRT_TWO_PI,
        quantile=lambda p, u: p.sd * special.ndtri(0.5 + 0.5 * u),
        support=lambda p: (0.0, math.inf),
        central=lambda p: 0.0,
        pymc=lambda p: ("HalfNormal", {"sigma": p.sd}),
        chart="plain",
    ),
    schema.TruncatedNormal: PriorRow(
        log_density=lambda p, x, xp: _normal(p, x, xp) - _truncation(p),
        quantile=lambda p, u: stats.truncnorm.ppf(
            u, (p.low - p.mean) / p.sd, (p.high - p.mean) / p.sd, loc=p.mean, scale=p.sd
        ),
        support=lambda p: (p.low, p.high),
        central=lambda p: p.mean,
        pymc=lambda p: ("TruncatedNormal", {"mu": p.mean, "sigma": p.sd, "lower": p.low, "upper": p.high}),
        chart="plain",
    ),
    schema.Circular: PriorRow(
        log_density=_von_mises,
        quantile=_von_mises_quantile,
        support=lambda p: (-math.inf, math.inf),
        central=lambda p: p.mean,
        pymc=lambda p: ("", {}),
        chart="ring",
    ),
    schema.ControlCounts: PriorRow(
        log_density=_gamma,
        quantile=lambda p, u: special.gammaincinv(p.counts + 1, u) / p.counts,
        support=lambda p: (0.0, math.inf),
        central=lambda p: 1.0,
        pymc=lambda p: ("Gamma", {"alpha": p.counts + 1.0, "beta": p.counts}),
        chart="plain",
    ),
    schema.Haar: PriorRow(
        log_density=_haar,
        quantile=lambda p, u: -np.expm1(np.log1p(-u) / p.apart),
        support=lambda p: (0.0, 1.0),
        central=lambda p: 0.0,
        pymc=lambda p: ("Beta", {"alpha": 1.0, "beta": float(p.apart)}),
        chart="plain",
    ),
}
"""Kind of prior -> its row; a new kind is a record in schema/priors.py and a row here."""


def log_density(prior: schema.Prior, x: Any, xp: Any) -> Any:
    """Log density of a prior, minus infinity outside its support.

    >>> float(log_density(schema.Uniform(low=0.0, high=2.0), np.array(3.0), np))
    -inf
    """
    row = PRIORS[type(prior)]
    low, high = row.support(prior)
    if math.isinf(low) and math.isinf(high):
        return row.log_density(prior, x, xp)
    inside = (x >= low) & (x <= high)
    # Outside, the density is taken at a harmless point: a logarithm of a negative number would spoil the gradient.
    harmless = min(max(row.central(prior), low), high) or 0.5 * (low + min(high, low + 1.0))
    return xp.where(inside, row.log_density(prior, xp.where(inside, x, harmless), xp), -np.inf)


def quantile(prior: schema.Prior, probability: Array) -> Array:
    """Quantiles of a prior; of uniform random numbers, draws from it.

    >>> quantile(schema.SquareUniform(low=0.0, high=2.0), np.array([0.25]))
    array([1.])
    """
    return np.asarray(PRIORS[type(prior)].quantile(prior, probability), dtype=float)


def support(prior: schema.Prior) -> tuple[float, float]:
    """Lowest and highest value; an angle has no ends.

    >>> support(schema.HalfNormal(sd=1.0))
    (0.0, inf)
    """
    return PRIORS[type(prior)].support(prior)


def central(prior: schema.Prior) -> float:
    """Value that stands for a prior where a point is needed.

    >>> central(schema.Normal(mean=1.0, sd=0.28))
    1.0
    """
    return float(PRIORS[type(prior)].central(prior))


def describe(prior: schema.Prior) -> str:
    """Short text for tables.

    >>> describe(schema.Uniform(low=0.0, high=200.0))
    'uniform(0, 200)'
    """
    kind = str(prior.__struct_config__.tag)
    return f"{kind}({', '.join(f'{getattr(prior, name):g}' for name in prior.__struct_fields__)})"
