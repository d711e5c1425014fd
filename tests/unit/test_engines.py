"""Samplers on posteriors whose answers are known, through the functions that `bayesnu fit` calls."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import arviz_stats
import numpy as np
import pytest
from scipy import integrate, optimize, stats

import bayesnu as bn
from bayesnu.infer import checkpoint, checks, ensemble, fit, nuts
from bayesnu.infer.checkpoint import NOWHERE
from bayesnu.infer.progress import Step
from bayesnu.likelihood.marginal import marginal

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
DIMENSIONS = 40
PRIOR_SD = 0.5


def draws_of(tree, name):
    return np.asarray(tree["posterior"][name].transpose("chain", "draw").values)


# --- N(0, 1) in forty dimensions --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    write_gaussian(folder)
    write_curved(folder)
    return folder


def gaussian_numbers():
    """Counts, variances and observations of bins whose scales have a Gaussian posterior, of many different widths."""
    rng = np.random.default_rng(40)
    counts, variance = rng.uniform(5, 50, DIMENSIONS), rng.uniform(4, 400, DIMENSIONS)
    return counts, variance, counts * rng.uniform(0.7, 1.3, DIMENSIONS)


def write_gaussian(folder):
    counts, variance, observed = gaussian_numbers()
    SYNTHETIC.experiment(
        folder, "forty", SYNTHETIC.NO_SIGNAL, observed, variance=variance,
        backgrounds={f"b{i:02d}": np.where(np.arange(DIMENSIONS) == i, counts[i], 0.0) for i in range(DIMENSIONS)},
    )  # fmt: skip
    nuisances = {
        f"scale_{i:02d}": {
            "prior": SYNTHETIC.prior("normal", mean=1, sd=PRIOR_SD),
            "scales": {"backgrounds": [f"b{i:02d}"]},
        }
        for i in range(DIMENSIONS)
    }
    SYNTHETIC.model(folder, "forty", ["forty"], nuisances=nuisances)


def standardised(tree):
    """Draws (chain, draw, dimension) that are N(0, 1) if the sampler is right."""
    counts, variance, observed = gaussian_numbers()
    precision = PRIOR_SD**-2 + counts**2 / variance
    mean = (PRIOR_SD**-2 + counts * observed / variance) / precision
    draws = np.stack([draws_of(tree, f"scale_{i:02d}") for i in range(DIMENSIONS)], axis=-1)
    return (draws - mean) * np.sqrt(precision)


def assert_standard_normal(z, ess_of_mean, ess_of_variance):
    """Means and variances in each dimension, and of all dimensions together, within Monte Carlo errors."""
    mean_error, variance_error = ess_of_mean**-0.5, (2 / ess_of_variance) ** 0.5
    mean, variance = z.mean(axis=(0, 1)), z.var(axis=(0, 1))
    assert abs(variance.mean() - 1) < 3 * np.sqrt(np.mean(variance_error**2) / DIMENSIONS)
    assert abs(mean.mean()) < 3 * np.sqrt(np.mean(mean_error**2) / DIMENSIONS)
    # Forty at once: one in three hundred lies beyond 3 sigma, one in two hundred thousand beyond 4.5.
    assert (np.abs(variance - 1) < 4.5 * variance_error).all()
    assert (np.abs(mean) < 4.5 * mean_error).all()
    assert (np.abs(variance - 1) < 3 * variance_error).mean() >= 0.95


def ess(z):
    return np.array([arviz_stats.ess(z[..., i], method="mean") for i in range(DIMENSIONS)])


def test_nuts_in_forty_dimensions(root):
    tree = fit.fit(bn.load("forty", root=root), engine="nuts", seed=11)
    z = standardised(tree)
    assert_standard_normal(z, ess(z), ess((z - z.mean(axis=(0, 1))) ** 2))
    assert tree.attrs["converged"] == 1


def test_nuts_of_pymc_in_forty_dimensions(root):
    options = nuts.Options(draws=1000, tune=800, chains=2, target_accept=0.8)
    tree = nuts.nuts(bn.load("forty", root=root), seed=13, options=options, sampler="pymc")
    z = standardised(tree)
    assert_standard_normal(z, ess(z), ess((z - z.mean(axis=(0, 1))) ** 2))


def test_emcee_in_forty_dimensions(root):
    tree = fit.fit(bn.load("forty", root=root), engine="emcee", seed=12, draws=3000)
    z = standardised(tree)
    # Walkers are not chains: an effective size comes from independent ensembles, whose scatter is the error.
    scatter = z.var(axis=1).std(axis=0, ddof=1).mean() ** 2
    walkers = np.full(DIMENSIONS, 2 / scatter * len(z))
    assert walkers[0] > 1000
    assert_standard_normal(z, walkers / 2, walkers)


# --- two modes, and a ridge -------------------------------------------------------------------------------------------

MODE_COUNTS, MODE_OBSERVED, MODE_VARIANCE = 4000.0, 60.0, 27.0**2
RIDGE_COUNTS, RIDGE_OBSERVED, RIDGE_VARIANCE = 100.0, 80.0, 6.0**2


def write_curved(folder):
    """Bin 0: counts (1/2 - 2 s2)^2, the same on both sides of s2 = 1/4. Bin 1: counts a x b, a hyperbola."""
    SYNTHETIC.experiment(
        folder, "curved", [("nu_e", "sm-pp", 0, MODE_COUNTS)], [MODE_OBSERVED, RIDGE_OBSERVED],
        variance=[MODE_VARIANCE, RIDGE_VARIANCE], backgrounds={"ridge": [0.0, RIDGE_COUNTS]},
    )  # fmt: skip
    scale = {"prior": SYNTHETIC.prior("uniform", low=0.1, high=4), "scales": {"backgrounds": ["ridge"]}}
    modes = SYNTHETIC.prior("truncated-normal", mean=0.3, sd=0.1, low=0.0, high=1.0)
    SYNTHETIC.model(
        folder, "curved", ["curved"], fixed={}, nuisances={"a": scale, "b": scale},
        parameters={"sin2_theta_w": {"unit": "1", "prior": modes}},
    )  # fmt: skip


def modes_density(s2):
    counts = MODE_COUNTS * (0.5 - 2 * s2) ** 2
    return np.exp(-0.5 * (MODE_OBSERVED - counts) ** 2 / MODE_VARIANCE - 0.5 * ((s2 - 0.3) / 0.1) ** 2)


def ridge_density(a, b):
    return np.exp(-0.5 * (RIDGE_OBSERVED - RIDGE_COUNTS * a * b) ** 2 / RIDGE_VARIANCE)


def modes_answer():
    """Probability of the upper mode."""
    whole, _ = integrate.quad(modes_density, 0, 1, points=[0.19, 0.25, 0.31])
    return integrate.quad(modes_density, 0.25, 1, points=[0.31])[0] / whole


def ridge_answers():
    """Mean of log a, and probability that a is above 2."""
    a, b = np.linspace(0.1, 4, 1500), np.linspace(0.1, 4, 3000)
    along = integrate.simpson(ridge_density(a[:, None], b[None, :]), b, axis=1)
    whole = integrate.simpson(along, a)
    above = integrate.simpson(np.interp(np.linspace(2, 4, 1500), a, along), np.linspace(2, 4, 1500))
    return integrate.simpson(along * np.log(a), a) / whole, above / whole


def assert_curved(tree, error):
    upper = (draws_of(tree, "sin2_theta_w") > 0.25).astype(float)
    logarithm, above = ridge_answers()
    a = draws_of(tree, "a")
    for found, answer in ((upper, modes_answer()), (np.log(a), logarithm), ((a > 2).astype(float), above)):
        assert error(found) < 0.1
        assert abs(found.mean() - answer) < 3.5 * error(found)


def test_the_modes_are_two_and_unequal():
    assert 0.6 < modes_answer() < 0.95
    assert modes_density(0.25) < 0.3 * modes_density(0.19)


def test_nuts_on_two_modes_and_a_ridge(root):
    options = nuts.Options(draws=4000)
    tree = nuts.nuts(bn.load("curved", root=root), seed=21, options=options)
    assert_curved(tree, lambda values: float(arviz_stats.mcse(values, method="mean")))


def of_ensembles(values, of=np.mean):
    """Standard error of a number, from what independent ensembles say of it."""
    each = [of(v) for v in values]
    return float(np.std(each, ddof=1) / np.sqrt(len(each)))


def test_emcee_on_two_modes_and_a_ridge(root):
    options = ensemble.Options(ensembles=8, walkers=40, steps=3000)
    tree = ensemble.ensemble(bn.load("curved", root=root), seed=22, options=options)
    assert_curved(tree, of_ensembles)


# --- the posterior of one moment, under three priors ------------------------------------------------------------------

LEVEL = 0.90
MODELS = {
    "coherent-csi-effective": lambda mu: np.ones_like(mu),
    "coherent-csi-effective-square": lambda mu: mu,
    "coherent-csi-effective-log": lambda mu: 1 / mu,
}


def deterministic_limit(name):
    """90 % quantile of mu, both nuisances integrated out in closed form: N is Gaussian at every mu."""
    here = bn.load(name)
    (setup,) = here.model.setups
    (low, high), (observed,), (variance,) = (
        (getattr(here.model.parameters["mu_nu"].prior, end) for end in ("low", "high")),
        setup.observed,
        setup.variance,
    )

    def at(**x):
        return float(here.expected([x.get(n, 1.0) for n in here.names])[setup.name][0])

    neutrons = at(signal=0.0)
    standard = at(mu_nu=0.0) - neutrons
    magnetic = at(mu_nu=1.0) - neutrons - standard
    signal_sd, neutron_sd = (here.model.nuisances[n].prior.sd for n in ("signal", "prompt_neutrons"))

    def density(mu):
        signal = standard + magnetic * mu**2
        spread = variance + (signal_sd * signal) ** 2 + (neutron_sd * neutrons) ** 2
        return MODELS[name](mu) * stats.norm.pdf(observed, signal + neutrons, np.sqrt(spread))

    def mass(end):
        inner = np.array([m for m in (10.0, 30.0, 60.0, 100.0) if low < m < end])
        return integrate.quad(
            lambda mu: float(density(np.float64(mu))), low, end, points=inner, epsabs=0, epsrel=1e-10
        )[0]

    whole = mass(high)
    return optimize.brentq(lambda mu: mass(mu) - LEVEL * whole, low + 1e-9, high, xtol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_nuts_gives_the_limit_of_a_quadrature(name):
    tree = fit.fit(bn.load(name), engine="nuts", seed=31, draws=20000)
    draws = draws_of(tree, "mu_nu")
    error = float(arviz_stats.mcse(draws, method="quantile", prob=LEVEL))
    answer = deterministic_limit(name)
    assert error < 0.01 * answer
    assert abs(np.quantile(draws, LEVEL) - answer) < 3 * error


@pytest.mark.parametrize("name", MODELS)
def test_emcee_gives_the_limit_of_a_quadrature(name):
    options = ensemble.Options(ensembles=8, walkers=128, steps=1000)
    tree = ensemble.ensemble(bn.load(name), seed=32, options=options)
    draws = draws_of(tree, "mu_nu")
    error = of_ensembles(draws, lambda v: np.quantile(v, LEVEL))
    answer = deterministic_limit(name)
    assert error < 0.01 * answer
    # Eight ensembles give the error itself to a quarter only: Student's t instead of 3 sigma.
    assert abs(np.quantile(draws, LEVEL) - answer) < stats.t.ppf(1 - 0.00135, 7) * error


# --- seeds ------------------------------------------------------------------------------------------------------------


def test_the_seed_decides_what_emcee_draws():
    options = ensemble.Options(ensembles=2, walkers=16, steps=60)
    first, again, other = (
        draws_of(ensemble.ensemble(bn.load("coherent-csi-effective"), seed=s, options=options), "mu_nu")
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_seed_decides_what_nuts_draws(root):
    options = nuts.Options(draws=50, tune=100, chains=2)
    target = marginal(bn.load("curved", root=root))
    sample, step = nuts.compiled(target), Step("")
    column = target.names.index("a")

    def chain(seeds, which):
        return sample(options, seeds, step, NOWHERE)[which].draws[:, column]

    first = chain({"one": 1, "two": 2}, "one")
    # Alone or beside another: a chain depends on its own seed.
    np.testing.assert_array_equal(first, chain({"one": 1}, "one"))
    assert not np.array_equal(first, chain({"one": 3}, "one"))
    assert len(first) == 50
    assert step.count == step.total == 150


def test_chains_that_are_kept_are_not_sampled_again(root, tmp_path, monkeypatch):
    """An interrupt while the second of three chains is sampled; then the other two, and all are as without it."""
    analysis, options = bn.load("curved", root=root), nuts.Options(draws=60, tune=100, chains=3)
    compiled = nuts.compiled(marginal(analysis))
    monkeypatch.setattr(nuts, "compiled", lambda target, sampler: compiled)
    whole = nuts.nuts(analysis, seed=4, options=options)
    kept = checkpoint.begin(tmp_path / "run.nc", {"seed": 4}, resume=False, say=print)

    monkeypatch.setattr("os.cpu_count", lambda: 1)
    first_is_kept = interrupted_when(lambda: kept.load("chain-0-accept-0.95") is not None)
    with monkeypatch.context() as patched:
        patched.setattr(nuts, "_ended", first_is_kept)
        with pytest.raises(checkpoint.Interrupted) as stopped:
            nuts.nuts(analysis, seed=4, options=options, checkpoint=kept)
    so_far = stopped.value.result
    assert so_far.attrs["interrupted"] == "with 1 of 3 chains finished"
    np.testing.assert_array_equal(draws_of(so_far, "a")[0], draws_of(whole, "a")[0])
    assert not checks.record(so_far, checks.Gate()).converged

    sampled = []

    def counting(o, seeds, *rest):
        sampled.extend(seeds)
        return compiled(o, seeds, *rest)

    monkeypatch.setattr(nuts, "compiled", lambda target, sampler: counting)
    again = checkpoint.begin(tmp_path / "run.nc", {"seed": 4}, resume=True, say=print)
    resumed = nuts.nuts(analysis, seed=4, options=options, checkpoint=again)
    assert sampled == ["chain-1-accept-0.95", "chain-2-accept-0.95"]
    for group in whole.children:
        assert resumed[group].to_dataset().identical(whole[group].to_dataset()), group


def test_what_diverges_is_sampled_again_with_care_and_compiled_once(monkeypatch):
    """Where more draws diverge than may, another target_accept; the model stays as it was compiled."""
    analysis, compilations, asked = bn.load("coherent-csi-effective"), [], []

    def chain(options):
        there = np.linspace(1.0, 2.0, options.draws)
        # One draw in ten, until it is careful.
        bad = (np.arange(options.draws) % 10 == 0) & (options.target_accept < 0.99)
        return nuts.Chain(np.stack([there], axis=1), bad.astype(np.int8), *[there] * 5)

    def run(options, seeds, step, kept):
        asked.append(options.target_accept)
        return {name: chain(options) for name in seeds}

    monkeypatch.setattr(nuts, "compiled", lambda *_: compilations.append(1) or run)
    tree = nuts.nuts(analysis, seed=1, options=nuts.Options(draws=50, chains=2))
    assert asked == [0.95, 0.99]
    assert compilations == [1]
    assert json.loads(tree.attrs["options"])["target_accept"] == 0.99
    assert not tree["sample_stats"]["diverging"].any()


def interrupted_when(happened):
    ended = nuts._ended

    def poll(sampler):
        if happened():
            raise KeyboardInterrupt
        return ended(sampler)

    return poll
