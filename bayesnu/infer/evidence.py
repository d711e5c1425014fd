"""Bayes factors of a signal against none, by quadrature over the priors of at most two parameters.

The evidence is the integral of the likelihood over the prior, Z = int L(theta) pi(theta) dtheta; in the quantiles u of
the prior it is int_0^1 L(theta(u)) du. The Gaussian nuisances that multiply counts are integrated in closed form
(likelihood.marginal). A Bayes factor depends on the prior and on its range: both stand beside every number.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import arviz_stats
import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesnu.catalog.validation import did_you_mean, raise_if
from bayesnu.errors import ConvergenceError, DeclarationError, Problem
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import Analysis
from bayesnu.likelihood.marginal import Marginal, marginal
from bayesnu.schema import LogUniform, Prior, SquareUniform, Uniform

Array = NDArray[np.float64]
LogDensity = Callable[[Array], Array]

ORDER: Final = 8
"""Gauss-Legendre nodes of a panel."""
PANELS: Final = {1: (256, 8192), 2: (16, 64)}
"""Number of dimensions -> panels of each at first and at most."""
TOLERANCE: Final = 1e-4
"""Change of the log evidence between two refinements at which it has converged."""
QUANTILES: Final = 20_000
"""Evenly spaced quantiles that stand for a posterior where its intervals are asked for."""
LOG_DECADES: Final = 3.0
"""A log-uniform prior on a range that starts at zero starts this many decades below its end."""

OF_THE_PROFILE: Final = ("interval_low", "limit", "best", "threshold", "threshold_kind", "others")
"""What stands beside the credible intervals: attributes of infer.profile."""


class Integral(NamedTuple):
    """Logarithm of an integral over the unit cube, its change at the last refinement, and its masses along axis 0."""

    log_value: float
    error: float
    evaluations: int
    edges: Array
    mass: Array
    """Share of the integral between neighbouring edges, around one node of axis 0 each."""


class Evidence(NamedTuple):
    """What one prior makes of the data: evidence, Bayes factor against no signal, intervals [declared unit]."""

    prior: str
    low: float
    high: float
    log_evidence: float
    log_bayes_factor: float
    """Of the signal against its absence: above zero the data are more probable with a signal."""
    error: float
    """Change of the log evidence at the last doubling of the panels."""
    evaluations: int
    level: float
    equal_tailed: tuple[float, float]
    highest_density: tuple[float, float]
    """Highest density in the parameter itself, whatever the prior is flat in."""


def evidences(
    analysis: Analysis, parameter: str, *, level: float, low: float | None = None, high: float | None = None
) -> tuple[Evidence, ...]:
    """The answers of three priors, flat in a parameter, in its square and in its logarithm, on one range.

    The range is that of the declared prior unless it is given.
    """
    target = _target(analysis, parameter)
    ends = priors.support(_prior(target, parameter))
    chosen = named_priors(ends[0] if low is None else low, ends[1] if high is None else high)
    return tuple(evidence(analysis, parameter, prior, level=level) for prior in chosen.values())


def named_priors(low: float, high: float) -> dict[str, Prior]:
    """Priors flat in a parameter, in its square and in its logarithm; the first two start at zero.

    >>> priors.describe(named_priors(0.0, 50.0)["logarithm"])
    'log-uniform(0.05, 50)'
    """
    raise_if(
        Problem("evidence", "range", f"[{low:g}, {high:g}]", "0 <= low < high < infinity", "give a range")
        for wrong in [not 0 <= low < high < np.inf]
        if wrong
    )
    start = low or high / 10**LOG_DECADES
    return {
        "parameter": Uniform(low=0.0, high=high),
        "square": SquareUniform(low=0.0, high=high),
        "logarithm": LogUniform(low=start, high=high),
    }


def evidence(analysis: Analysis, parameter: str, prior: Prior, *, level: float) -> Evidence:
    """Evidence of a model with this prior of one parameter, against the parameter at its standard-model value."""
    target = _target(analysis, parameter)
    chosen = {p.name: prior if p.name == parameter else _prior(target, p.name) for p in target.free}
    first = {parameter: chosen.pop(parameter)}
    found = integrate(_over_quantiles(target, first | chosen, {}), 1 + len(chosen))
    (standard,) = (p.standard for p in target.free if p.name == parameter)
    nothing = integrate(_over_quantiles(target, chosen, {parameter: standard}), len(chosen))
    draws = _quantiles(prior, found)
    low, high = priors.support(prior)
    tail = 0.5 * (1 - level)
    return Evidence(
        prior=priors.describe(prior),
        low=low,
        high=high,
        log_evidence=found.log_value,
        log_bayes_factor=found.log_value - nothing.log_value,
        error=found.error + nothing.error,
        evaluations=found.evaluations + nothing.evaluations,
        level=level,
        equal_tailed=_pair(np.quantile(draws, [tail, 1 - tail])),
        highest_density=_pair(arviz_stats.hdi(draws, prob=level, method="nearest")),
    )


def _pair(ends: Array) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])


def _quantiles(prior: Prior, posterior: Integral) -> Array:
    """Values of the parameter at evenly spaced quantiles of its posterior."""
    cumulative = np.concatenate([[0.0], np.cumsum(posterior.mass)]) / posterior.mass.sum()
    wanted = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return priors.quantile(prior, np.interp(wanted, cumulative, posterior.edges))


# --- the model --------------------------------------------------------------------------------------------------------


def _target(analysis: Analysis, parameter: str) -> Marginal:
    """The model with its nuisances integrated, if that leaves no more than can be integrated by quadrature."""
    target = marginal(analysis)
    raise_if(_problems(analysis, target, parameter))
    return target


def _problems(analysis: Analysis, target: Marginal, parameter: str) -> Iterator[Problem]:
    parameters = [p.name for p in analysis.free if p.role == "parameter"]
    if parameter not in parameters:
        hint = did_you_mean(parameter, parameters) or "see `bayesnu list models`"
        yield Problem(analysis.model.name, "parameter", repr(parameter), f"one of {', '.join(parameters)}", hint)
    for name in [p.name for p in target.free if p.role == "nuisance"]:
        expected = "Gaussian, unbounded nuisances that multiply Gaussian counts"
        hint = f"hold it (.fix({name}=...), --set {name}=...) where it is no scale, or sample with another engine"
        yield Problem(analysis.model.file, f"nuisances.{name}", "a nuisance without a closed form", expected, hint)
    if len(parameters) > max(PANELS):
        found, hint = f"{len(parameters)} free parameters: {', '.join(parameters)}", "hold the others with --set"
        yield Problem(analysis.model.name, "parameters", found, f"at most {max(PANELS)} for a quadrature", hint)


def _prior(target: Marginal, name: str) -> Prior:
    (prior,) = (p.prior for p in target.free if p.name == name)
    if prior is None:
        hint = "use a model that declares it"
        raise DeclarationError(Problem(target.analysis.model.file, name, "no prior", "a prior", hint))
    return prior


def _over_quantiles(target: Marginal, chosen: Mapping[str, Prior], held: Mapping[str, float]) -> LogDensity:
    """The log-likelihood as a function of the quantiles (n, priors) of some priors, other parameters held."""

    def log_likelihood(u: Array) -> Array:
        columns = {name: priors.quantile(prior, u[:, i]) for i, (name, prior) in enumerate(chosen.items())}
        columns |= {name: np.full(len(u), value) for name, value in held.items()}
        x = np.stack([columns[name] for name in target.names], axis=1)
        return np.concatenate([target.log_likelihood(x[rows]) for rows in target.analysis.chunks(np.arange(len(x)))])

    return log_likelihood


# --- the integral -----------------------------------------------------------------------------------------------------


def integrate(log_density: LogDensity, dimensions: int, tolerance: float = TOLERANCE) -> Integral:
    """Integral of a density over the unit cube, Gauss-Legendre in panels that are doubled until nothing changes."""
    if dimensions == 0:
        return Integral(float(log_density(np.zeros((1, 0)))[0]), 0.0, 1, np.array([0.0, 1.0]), np.ones(1))
    panels, most = PANELS[dimensions]
    last, error, evaluations = np.inf, np.inf, 0
    while panels <= most:
        u, weights = _rule(panels)
        log_mass = _log_mass(log_density, dimensions, u, weights)
        value = float(logsumexp(log_mass))
        evaluations += len(u) ** dimensions
        error, last = abs(value - last), value
        if error < tolerance:
            edges = np.concatenate([[0.0], np.cumsum(weights)])
            return Integral(value, error, evaluations, edges, np.exp(log_mass - value))
        panels *= 2
    raise ConvergenceError([f"log evidence: changed by {error:.2g} when the panels were doubled to {most}, limit"
                            f" {tolerance:g}; give a shorter range or hold a parameter"])  # fmt: skip


def _rule(panels: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights in even panels of the unit interval."""
    nodes, weights = np.polynomial.legendre.leggauss(ORDER)
    u = (np.arange(panels)[:, None] + 0.5 * (1 + nodes)) / panels
    return u.ravel(), np.tile(0.5 * weights / panels, panels)


def _log_mass(log_density: LogDensity, dimensions: int, u: Array, weights: Array) -> Array:
    """Logarithms of the parts of the integral at each node of axis 0."""
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*[u] * dimensions, indexing="ij")], axis=1)
    table = log_density(grid).reshape(len(u), -1)
    others = np.log(weights) if dimensions > 1 else np.zeros(1)
    return np.asarray(np.log(weights) + logsumexp(table + others, axis=1))


def as_rows(found: Sequence[Evidence]) -> list[dict[str, object]]:
    """The answers as plain records, for JSON."""
    return [dict(row._asdict()) for row in found]
