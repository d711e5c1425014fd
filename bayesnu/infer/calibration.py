"""Simulation-based calibration: ranks of the truth among posterior draws are uniform, if everything is right.

Parameters are drawn from the prior, data at these, and the posterior of the data is sampled with the engine itself. The
rank of the truth among L independent draws is then uniform on 0..L (Talts et al., arXiv:1804.06788), also that of the
log-likelihood, which sees what single parameters do not (Modrak et al., Bayesian Anal. 20 (2025) 461).
"""

import functools
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from bayesnu.infer import ensemble, executors
from bayesnu.likelihood.analysis import Analysis

Array = NDArray[np.float64]
Sampler = Callable[[Analysis, int], Array]
"""(analysis of simulated data, seed) -> posterior draws (n, parameters), thinned until they are independent."""

LIKELIHOOD = "log_likelihood"
KEPT = 99
"""Draws among which the truth is ranked: 100 possible ranks."""
BINS = 20


class Uniformity(NamedTuple):
    """Probabilities of ranks at least as uneven, of a chi-square over bins and of a Kolmogorov-Smirnov distance."""

    chi2: float
    kolmogorov: float


def by_emcee(options: ensemble.Options) -> Sampler:
    """Samples with the ensemble engine, as `fit` does, for so long as these options say."""
    return functools.partial(_by_emcee, options)


def _by_emcee(options: ensemble.Options, analysis: Analysis, seed: int) -> Array:
    posterior = ensemble.ensemble(analysis, seed=seed, options=options)["posterior"].to_dataset()
    columns = [posterior[name].values.ravel() for name in analysis.names]
    return np.stack(columns, axis=1)


def calibrate(
    analysis: Analysis, sampler: Sampler, *, number: int, seed: int, executor: Executor | str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:  # fmt: skip
    """Ranks of the truth among posterior draws, for each parameter and for the log-likelihood, one a simulation.

    Any `concurrent.futures.Executor` may run the simulations, or the name of one, if the sampler can be pickled; the
    ranks depend on the seed alone.

    >>> import bayesnu as bn
    >>> quick = by_emcee(ensemble.Options(ensembles=1, steps=60))
    >>> calibrate(bn.load("coherent-csi-effective"), quick, number=2, seed=1).sizes["simulation"]
    2
    """
    key = f"calibration {analysis.hash()}"
    with executors.given_or_own(executor, {key: (analysis, sampler)}) as pool:
        rows = _rows(analysis, sampler, key, number, seed, pool, progress)
    return xr.Dataset(
        {name: ("simulation", [row[name] for row in rows]) for name in rows[0]},
        attrs={"model": analysis.model.name, "draws": KEPT, "seed": seed},
    )


def _rows(
    analysis: Analysis, sampler: Sampler, key: str, number: int, seed: int, executor: Executor,
    progress: Callable[[int, int], None] | None,
) -> list[dict[str, int]]:  # fmt: skip
    parcel = executors.parcel(executor, key, (analysis, sampler))
    streams = np.random.SeedSequence(seed).spawn(number)
    rows: dict[str, dict[str, int]] = {}
    for name, ranks in executors.completed(executor, {str(k): (ranks_at, parcel, s) for k, s in enumerate(streams)}):
        rows[name] = ranks
        if progress:
            progress(len(rows), number)
    return [rows[str(k)] for k in range(number)]


def ranks_at(parcel: executors.Parcel, stream: np.random.SeedSequence) -> dict[str, int]:
    """In a worker: one simulation.

    A tie (a parameter at a wall, a likelihood that does not change) is broken by chance.
    """
    analysis, sampler = executors.opened(parcel)
    rng = np.random.default_rng(stream)
    truth = analysis.sample_prior(1, rng)[0]
    other = analysis.with_counts(analysis.simulate(truth, rng))
    drawn = sampler(other, int(rng.integers(2**31)))
    kept = drawn[np.linspace(0, len(drawn) - 1, KEPT).round().astype(int)]
    both = np.concatenate([truth[None], kept])
    columns = dict(zip(analysis.names, both.T, strict=True)) | {LIKELIHOOD: _log_likelihood(other, both)}
    return {name: _rank(values, rng) for name, values in columns.items()}


def _rank(values: Array, rng: np.random.Generator) -> int:
    """How many of the others are below the first."""
    below, ties = (values[1:] < values[0]).sum(), (values[1:] == values[0]).sum()
    return int(below + rng.integers(ties + 1))


def _log_likelihood(analysis: Analysis, x: Array) -> Array:
    return np.asarray(sum(analysis.log_likelihoods(x).values(), np.zeros(len(x))))


def uniformity(ranks: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Uniformity]:
    """How even the ranks of each quantity are.

    >>> even = {"x": np.arange(100.0)}
    >>> uniformity(even, np.random.default_rng(1))["x"].chi2
    1.0
    """
    return {str(name): _uniformity(np.asarray(values), rng) for name, values in ranks.items()}


def _uniformity(ranks: Array, rng: np.random.Generator) -> Uniformity:
    counts, _ = np.histogram(ranks, bins=BINS, range=(0, KEPT + 1))
    # Within its step each rank is spread evenly: the distance is one of continuous variables.
    spread = (ranks + rng.uniform(size=len(ranks))) / (KEPT + 1)
    return Uniformity(float(stats.chisquare(counts).pvalue), float(stats.kstest(spread, "uniform").pvalue))


def smallest(found: Mapping[str, Uniformity]) -> float:
    """Smallest probability of all, times how many there are (Bonferroni): below 0.01 something is wrong."""
    every = [p for row in found.values() for p in row]
    return float(min(1.0, min(every) * len(every)))
