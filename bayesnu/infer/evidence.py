"""Bayes factors of a signal against none: by quadrature over at most two parameters, or by nested sampling.

The evidence is the integral of the likelihood over the prior, Z = int L(theta) pi(theta) dtheta; in the quantiles u of
the prior it is int_0^1 L(theta(u)) du. The Gaussian nuisances that multiply counts are integrated in closed form
(likelihood.marginal). A Bayes factor depends on the prior and on its range: both stand beside every number.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Final, Literal, NamedTuple

import arviz_stats
import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesnu.catalog.validation import did_you_mean, raise_if
from bayesnu.errors import ConvergenceError, Problem
from bayesnu.infer import executors, nested
from bayesnu.infer.checks import Gate
from bayesnu.infer.cube import Cube, prior_of
from bayesnu.infer.threads import one_thread
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import Analysis
from bayesnu.likelihood.marginal import Marginal, marginal
from bayesnu.schema import LogUniform, Prior, SquareUniform, Uniform

Array = NDArray[np.float64]
LogDensity = Callable[[Array], Array]
Method = Literal["quadrature", "nested"]

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


class Weighed(NamedTuple):
    """Log evidence of one hypothesis, its error, and quantiles of the first prior that stand for its posterior."""

    log_value: float
    error: float
    evaluations: int
    first: Array


class Evidence(NamedTuple):
    """What one prior makes of the data: evidence, Bayes factor against no signal, intervals [declared unit]."""

    prior: str
    low: float
    high: float
    log_evidence: float
    log_bayes_factor: float
    """Of the signal against its absence: above zero the data are more probable with a signal."""
    error: float
    """Change of the log evidence at the last doubling of the panels; of nested sampling its Monte Carlo error."""
    evaluations: int
    level: float
    equal_tailed: tuple[float, float]
    highest_density: tuple[float, float]
    """Highest density in the parameter itself, whatever the prior is flat in."""


@one_thread
def evidences(
    analysis: Analysis, parameter: str, *, level: float, low: float | None = None, high: float | None = None,
    method: Method = "quadrature", seed: int = 1, executor: Executor | None = None,
) -> tuple[Evidence, ...]:  # fmt: skip
    """The answers of three priors, flat in a parameter, in its square and in its logarithm, on one range.

    The range is that of the declared prior unless it is given. An executor weighs the priors beside each other, with
    each of their nested runs by itself.
    """
    target = _target(analysis, parameter, method)
    ends = priors.support(prior_of(target, parameter))
    chosen = list(named_priors(ends[0] if low is None else low, ends[1] if high is None else high).values())
    spaces = [_without(target, parameter), *(_with(target, parameter, prior) for prior in chosen)]
    nothing, *found = weighed(spaces, method, seed, executor=executor)
    return tuple(_answer(prior, one, nothing, level) for prior, one in zip(chosen, found, strict=True))


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


@one_thread
def evidence(
    analysis: Analysis, parameter: str, prior: Prior, *, level: float, method: Method = "quadrature", seed: int = 1,
    options: nested.Options | None = None, executor: Executor | None = None,
) -> Evidence:  # fmt: skip
    """Evidence of a model with this prior of one parameter, against the parameter at its standard-model value."""
    target = _target(analysis, parameter, method)
    spaces = [_without(target, parameter), _with(target, parameter, prior)]
    nothing, found = weighed(spaces, method, seed, options, executor)
    return _answer(prior, found, nothing, level)


def _answer(prior: Prior, found: Weighed, nothing: Weighed, level: float) -> Evidence:
    draws = priors.quantile(prior, found.first)
    low, high = priors.support(prior)
    tail = 0.5 * (1 - level)
    return Evidence(
        prior=priors.describe(prior),
        low=low,
        high=high,
        log_evidence=found.log_value,
        log_bayes_factor=found.log_value - nothing.log_value,
        error=float(np.hypot(found.error, nothing.error)),
        evaluations=found.evaluations + nothing.evaluations,
        level=level,
        equal_tailed=_pair(np.quantile(draws, [tail, 1 - tail])),
        highest_density=_pair(arviz_stats.hdi(draws, prob=level, method="nearest")),
    )


def _pair(ends: Array) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])


def _with(target: Marginal, parameter: str, prior: Prior) -> Cube:
    """All free parameters, this one with its prior on the first axis."""
    return Cube(target, {parameter: prior} | _others(target, parameter), {})


def _without(target: Marginal, parameter: str) -> Cube:
    """The parameter at its standard-model value."""
    (standard,) = (p.standard for p in target.free if p.name == parameter)
    return Cube(target, _others(target, parameter), {parameter: standard})


def _others(target: Marginal, parameter: str) -> dict[str, Prior]:
    return {p.name: prior_of(target, p.name) for p in target.free if p.name != parameter}


def weighed(
    spaces: Sequence[Cube], method: Method, seed: int, options: nested.Options | None = None,
    executor: Executor | None = None,
) -> list[Weighed]:  # fmt: skip
    """The integral of the likelihood over each cube, by either method; without an axis it is the likelihood."""
    chosen, in_runs = executor or executors.Serial(), [method == "nested" and space.dimensions > 0 for space in spaces]
    sampled = [space for space, runs in zip(spaces, in_runs, strict=True) if runs]
    jobs = [(by_quadrature, space) for space, runs in zip(spaces, in_runs, strict=True) if not runs]
    runs_of = nested.sample_each(sampled, seed, options or nested.Options(), executor=chosen) if sampled else []
    together, integrals = map(_together, runs_of), iter(executors.gathered(chosen, lambda _: None, jobs))
    return [next(together if runs else integrals) for runs in in_runs]


def by_quadrature(space: Cube) -> Weighed:
    """In a worker: the integral over a cube."""
    found = integrate(space.log_likelihood, space.dimensions)
    cumulative = np.concatenate([[0.0], np.cumsum(found.mass)]) / found.mass.sum()
    wanted = (np.arange(QUANTILES) + 0.5) / QUANTILES
    return Weighed(found.log_value, found.error, found.evaluations, np.interp(wanted, cumulative, found.edges))


def _together(runs: list[nested.Run]) -> Weighed:
    """Several runs, which must agree."""
    together = nested.combined(runs)
    if not together.sigmas < Gate().evidence_sigmas or not all(run.complete for run in runs):
        told = ", ".join(f"{run.log_evidence:.3f}" for run in runs)
        raise ConvergenceError([f"log evidence: the nested runs give {told}, farther apart than their errors allow"])
    first = np.concatenate([run.u[:, 0] for run in runs])
    return Weighed(together.value, together.error, sum(run.evaluations for run in runs), first)


# --- the model --------------------------------------------------------------------------------------------------------


def _target(analysis: Analysis, parameter: str, method: Method) -> Marginal:
    """The model with its nuisances integrated, if that leaves no more than the method can integrate."""
    target = marginal(analysis)
    raise_if(_unknown(analysis, parameter))
    if method == "quadrature":
        raise_if(_problems(analysis, target))
    return target


def _unknown(analysis: Analysis, parameter: str) -> Iterator[Problem]:
    parameters = [p.name for p in analysis.free if p.role == "parameter"]
    if parameter not in parameters:
        hint = did_you_mean(parameter, parameters) or "see `bayesnu list models`"
        yield Problem(analysis.model.name, "parameter", repr(parameter), f"one of {', '.join(parameters)}", hint)


def _problems(analysis: Analysis, target: Marginal) -> Iterator[Problem]:
    for name in [p.name for p in target.free if p.role == "nuisance"]:
        expected = "Gaussian, unbounded nuisances that multiply Gaussian counts"
        hint = f"hold it (.fix({name}=...), --set {name}=...) where it is no scale, or use --method nested"
        yield Problem(analysis.model.file, f"nuisances.{name}", "a nuisance without a closed form", expected, hint)
    parameters = [p.name for p in analysis.free if p.role == "parameter"]
    if len(parameters) > max(PANELS):
        found = f"{len(parameters)} free parameters: {', '.join(parameters)}"
        hint = "hold the others with --set, or use --method nested"
        yield Problem(analysis.model.name, "parameters", found, f"at most {max(PANELS)} for a quadrature", hint)


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
