"""How the cost of a batched log-prob grows with the number of experiments: a report, nothing asserted about time."""

import functools
import timeit

import msgspec
import numpy as np
import pytest

from bayesnu import catalog
from bayesnu.likelihood.analysis import from_resolved
from bayesnu.schema import Normal, Nuisance, Scales, Uniform

pytestmark = pytest.mark.bench

WALKERS = 512
SIZES = (1, 5, 10, 20, None)
"""Numbers of set-ups; None stands for all of them."""
SHELF = catalog.open_catalog()


@functools.cache
def setups():
    """Every declared set-up with projected data, variants included, with the magnetic moment switched on.

    A variant shares its data set with its experiment; here, where only time counts, each has one of its own.
    """
    found = []
    for name in catalog.experiments(SHELF):
        experiment = catalog.read_experiment(SHELF, name)[1]
        if not experiment.counts.asimov:
            continue
        file, model = catalog.read_model(SHELF, experiment.standard_model)
        interaction = ("sm", "magnetic-moment")
        here = msgspec.structs.replace(model, experiments=(name,), interaction=interaction)
        (setup,) = catalog.resolve_model(SHELF, file, here).setups
        apart = msgspec.structs.replace(setup.experiment, dataset=name)
        found.append(msgspec.structs.replace(setup, experiment=apart))
    return tuple(found)


@functools.cache
def analysis(size):
    """The sum of the first so many set-ups: one moment, one scale of every signal, one mixing angle."""
    resolved = catalog.resolve(SHELF, "sns2015-moment")
    moment = msgspec.structs.replace(resolved.parameters["mu_nu"], prior=Uniform(low=0.0, high=50.0))
    signal = Nuisance(prior=Normal(mean=1.0, sd=0.1), scales=Scales(terms=("magnetic-moment",)))
    changed = msgspec.structs.replace(
        resolved, setups=setups()[:size], parameters={"mu_nu": moment}, nuisances={"signal": signal}
    )
    return from_resolved(changed)


def fastest(action, repeats=7):
    """Shortest time of one call [s]."""
    timer = timeit.Timer(action)
    number, _ = timer.autorange()
    return min(timer.repeat(repeats, number)) / number


@functools.cache
def read_seconds(size):
    """One pass through the templates as they lie in memory."""
    matrices = [bucket.matrix for bucket in analysis(size).plan.buckets]
    return fastest(lambda: [matrix.sum() for matrix in matrices])


@functools.cache
def walkers(size):
    return analysis(size).sample_prior(WALKERS, np.random.default_rng(2))


MEASURED = {}
"""Number of set-ups -> seconds of a batch, as the benchmark of that size found it."""


@functools.cache
def batch_seconds(size):
    here, x = analysis(size), walkers(size)
    return fastest(lambda: here.log_prob(x))


def label(size):
    return f"{'all' if size is None else size}-setups"


@pytest.mark.parametrize("size", SIZES, ids=label)
def test_log_prob_of_a_sum(benchmark, size):
    here, x = analysis(size), walkers(size)
    benchmark(here.log_prob, x)
    assert np.isfinite(here.log_prob(x)).all()
    assert len(here.model.setups) == (size or len(setups()))
    batch = MEASURED[size] = benchmark.stats.stats.min
    benchmark.extra_info["set-ups"] = len(here.model.setups)
    benchmark.extra_info["microseconds a walker"] = 1e6 * batch / WALKERS
    benchmark.extra_info["microseconds a walker and set-up"] = 1e6 * batch / WALKERS / len(here.model.setups)
    benchmark.extra_info["reads of the templates a walker"] = batch / WALKERS / read_seconds(size)


def test_slope_of_the_time(benchmark):
    """d log(time) / d log(set-ups), over all sizes and over the largest two, and the same of a template read."""
    numbers = np.array([len(analysis(size).model.setups) for size in SIZES], dtype=float)
    batch = np.array([MEASURED.get(size) or batch_seconds(size) for size in SIZES])
    read = np.array([read_seconds(size) for size in SIZES])
    per_setup, fixed = np.polyfit(numbers, batch, 1)
    benchmark(analysis(None).log_prob, walkers(None))
    benchmark.extra_info["slope, all sizes"] = float(np.polyfit(np.log(numbers), np.log(batch), 1)[0])
    benchmark.extra_info["slope, largest two sizes"] = float(
        np.diff(np.log(batch[-2:]))[0] / np.diff(np.log(numbers[-2:]))[0]
    )
    benchmark.extra_info["slope of a template read"] = float(np.polyfit(np.log(numbers), np.log(read), 1)[0])
    benchmark.extra_info["microseconds a batch, fixed"] = 1e6 * float(fixed)
    benchmark.extra_info["microseconds a batch and set-up"] = 1e6 * float(per_setup)
