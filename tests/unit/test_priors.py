"""Priors: proper densities whose quantiles, supports and PyMC counterparts belong to them."""

import math
import warnings

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import integrate, stats

from bayesnu import schema
from bayesnu.likelihood import priors

TWO_PI = 2 * math.pi


def truncated(mean, sd, low, high):
    return stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)


# A prior, and what scipy calls it.
CASES = {
    "uniform": (schema.Uniform(low=0.0, high=200.0), stats.uniform(0, 200)),
    "uniform-shifted": (schema.Uniform(low=-1.5, high=0.25), stats.uniform(-1.5, 1.75)),
    "log-uniform": (schema.LogUniform(low=1.0, high=200.0), stats.loguniform(1, 200)),
    "square-uniform": (schema.SquareUniform(low=0.0, high=200.0), stats.triang(1, 0, 200)),
    "normal": (schema.Normal(mean=1.0, sd=0.28), stats.norm(1, 0.28)),
    "half-normal": (schema.HalfNormal(sd=3.0), stats.halfnorm(scale=3)),
    "truncated": (schema.TruncatedNormal(mean=1.0, sd=0.25, low=0.0, high=2.5), truncated(1, 0.25, 0, 2.5)),
    "truncated-hard": (schema.TruncatedNormal(mean=0.0, sd=2.0, low=0.0, high=1.0), truncated(0, 2, 0, 1)),
    "control-counts": (schema.ControlCounts(counts=17.0), stats.gamma(18, scale=1 / 17)),
    "control-counts-many": (schema.ControlCounts(counts=2500.0), stats.gamma(2501, scale=1 / 2500)),
    "haar": (schema.Haar(apart=1), stats.uniform(0, 1)),
    "haar-13": (schema.Haar(apart=2), stats.beta(1, 2)),
    "haar-14": (schema.Haar(apart=3), stats.beta(1, 3)),
    "circular": (schema.Circular(), stats.uniform(0, TWO_PI)),
    "circular-peaked": (schema.Circular(mean=2.0, concentration=5.0), stats.vonmises(5, loc=2)),
    "circular-sharp": (schema.Circular(mean=3.0, concentration=2000.0), stats.vonmises(2000, loc=3)),
}
FROM_TWO = schema.SquareUniform(low=2.0, high=5.0)


@pytest.fixture(params=CASES, ids=str)
def case(request):
    return CASES[request.param]


def ends(prior):
    """The support, an angle cut open opposite its mean, infinite tails cut where nothing is left."""
    if isinstance(prior, schema.Circular):
        return (prior.mean - math.pi, prior.mean + math.pi) if prior.concentration else (0.0, TWO_PI)
    low, high = priors.support(prior)
    tails = priors.quantile(prior, np.array([1e-14, 1 - 1e-14]))
    return max(low, float(tails[0])), min(high, float(tails[1]))


def density(prior):
    return lambda x: float(np.exp(priors.log_density(prior, np.array(x), np)))


def test_the_density_integrates_to_one(case):
    prior, _ = case
    low, high = ends(prior)
    quarters = priors.quantile(prior, np.array([0.25, 0.5, 0.75]))
    total, _ = integrate.quad(density(prior), low, high, points=quarters, limit=200, epsabs=1e-11)
    assert total == pytest.approx(1, abs=1e-9)


def test_quantiles_invert_the_integral_of_the_density(case):
    prior, _ = case
    low, _ = ends(prior)
    for probability in (0.02, 0.3, 0.5, 0.9, 0.99):
        x = float(priors.quantile(prior, np.array(probability)))
        middle = float(priors.quantile(prior, np.array(probability / 2)))
        total, _ = integrate.quad(density(prior), low, x, points=[middle] if low < middle < x else None, limit=200)
        assert total == pytest.approx(probability, abs=1e-8)


def test_density_and_quantiles_are_those_of_scipy(case):
    prior, theirs = case
    probability = np.linspace(0.01, 0.99, 41)
    x = theirs.ppf(probability)
    np.testing.assert_allclose(priors.log_density(prior, x, np), theirs.logpdf(x), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(priors.quantile(prior, probability), x, rtol=1e-9)


def test_a_square_uniform_that_starts_above_zero():
    x = np.array([2.0, 3.0, 4.5])
    np.testing.assert_allclose(np.exp(priors.log_density(FROM_TWO, x, np)), 2 * x / 21, rtol=1e-14)
    np.testing.assert_allclose(priors.quantile(FROM_TWO, (x**2 - 4) / 21), x, rtol=1e-14)


def test_numpy_and_pytensor_agree_inside_and_outside(case):
    prior, theirs = case
    x = np.append(theirs.ppf(np.linspace(0.01, 0.99, 9)), [-7.0, 0.0, 1e4])
    symbol = pt.vector("x", dtype="float64")
    found = priors.log_density(prior, symbol, pt).eval({symbol: x}, mode="FAST_COMPILE")
    with np.errstate(divide="ignore", invalid="ignore"):
        np.testing.assert_allclose(found, priors.log_density(prior, x, np), rtol=1e-12, atol=1e-12)


TO_CHART = {
    "plain": lambda x: (x, 0.0),
    "log": lambda x: (np.log(x), np.log(x)),
    "root": lambda x: (x**2, -np.log(2 * x)),
}


def test_pymc_has_the_same_density_in_its_chart(case):
    """Density of the charted variable = density of the parameter x |dx / d(charted)|."""
    prior, theirs = case
    row = priors.PRIORS[type(prior)]
    if row.chart == "ring":
        pytest.skip("a ring is a distribution of this package: tests/agree has it")
    name, numbers = row.pymc(prior)
    there = getattr(pm, name).dist(**{key: np.float64(value) for key, value in numbers.items()})
    for x in theirs.ppf([0.05, 0.5, 0.95]):
        charted, jacobian = TO_CHART[row.chart](x)
        value = float(pm.logp(there, np.float64(charted)).eval(mode="FAST_COMPILE"))
        # 1e-7: PyMC's truncated normal takes log(0.5) and sqrt(2) in single precision.
        assert value - jacobian == pytest.approx(float(priors.log_density(prior, np.array(x), np)), abs=1e-7)


BOUNDED = {key: prior for key, (prior, _) in CASES.items() if math.isfinite(priors.support(prior)[0])}


@pytest.mark.parametrize("prior", BOUNDED.values(), ids=BOUNDED)
def test_outside_the_support_the_density_is_zero_without_a_warning(prior):
    low, high = priors.support(prior)
    outside = np.array([low - 1e-9 * max(1, abs(low)), low - 5, -1e6] + ([high + 1e-6, high + 5] if high < 1e9 else []))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = priors.log_density(prior, outside, np)
    assert np.isneginf(found).all()


@pytest.mark.parametrize("prior", BOUNDED.values(), ids=BOUNDED)
def test_outside_the_support_the_gradient_is_finite(prior):
    """A walker or a leapfrog step that strays must come back: no NaN may enter a gradient."""
    x = pt.scalar("x", dtype="float64")
    gradient = pt.grad(priors.log_density(prior, x, pt), x)
    assert np.isfinite(gradient.eval({x: priors.support(prior)[0] - 3.0}, mode="FAST_COMPILE"))


def test_draws_lie_in_the_support_and_follow_the_prior(case):
    prior, theirs = case
    draws = priors.quantile(prior, np.random.default_rng(3).uniform(size=4000))
    low, high = (0.0, TWO_PI) if isinstance(prior, schema.Circular) else priors.support(prior)
    assert (draws >= low).all()
    assert (draws <= high).all()
    assert stats.kstest(draws, theirs.cdf).pvalue > 1e-3


def test_angles_are_periodic_and_have_no_ends():
    peaked = schema.Circular(mean=2.0, concentration=5.0)
    assert priors.support(peaked) == (-math.inf, math.inf)
    x = np.linspace(-3, 9, 7)
    np.testing.assert_allclose(priors.log_density(peaked, x + TWO_PI, np), priors.log_density(peaked, x, np), rtol=1e-9)


CENTRES = {
    "uniform": 0.0, "uniform-shifted": -1.5, "log-uniform": 1.0, "square-uniform": 0.0, "normal": 1.0,
    "half-normal": 0.0, "truncated": 1.0, "truncated-hard": 0.0, "control-counts": 1.0, "control-counts-many": 1.0,
    "haar": 0.0, "haar-13": 0.0, "haar-14": 0.0,
    "circular": 0.0, "circular-peaked": 2.0, "circular-sharp": 3.0,
}  # fmt: skip


@pytest.mark.parametrize(("name", "centre"), CENTRES.items())
def test_the_centre_of_a_prior(name, centre):
    """Of a measurement, its mode; of a belief about new physics, its lower end: none, or as little as it allows."""
    prior, _ = CASES[name]
    assert priors.central(prior) == centre
    if isinstance(prior, schema.Normal | schema.TruncatedNormal | schema.ControlCounts | schema.HalfNormal):
        peak = priors.log_density(prior, np.array(centre), np)
        assert (priors.log_density(prior, priors.quantile(prior, np.linspace(0.01, 0.99, 99)), np) <= peak).all()


def test_every_kind_of_prior_has_a_row_and_a_text():
    kinds = set(schema.Prior.__args__)
    assert kinds == set(priors.PRIORS) == {type(prior) for prior, _ in CASES.values()}
    for prior, _ in CASES.values():
        assert priors.describe(prior).startswith(f"{prior.__struct_config__.tag}(")
