"""One bin, two nuisances, three ways to be rid of them: sampled, integrated in closed form, integrated by quadrature.

All give one credible limit. The profile gives another, and a profiled likelihood under a prior a third: it lacks the
determinant. `make calibrate` writes notebooks/evidence/three-ways.md with these numbers.
"""

from pathlib import Path
from typing import NamedTuple

import emcee
import numpy as np
import pytest
from scipy import stats

import bayesnu as bn
from bayesnu.infer import toy_statistic, toys
from bayesnu.infer.reweighting import with_priors
from bayesnu.likelihood import priors
from bayesnu.likelihood.marginal import marginal
from bayesnu.report.labels import number
from bayesnu.schema import LogUniform, SquareUniform, Uniform

PAGE_FILE = Path(__file__).parents[2] / "notebooks" / "evidence" / "three-ways.md"
LEVEL = 0.90
BELIEFS = {
    "flat in mu": Uniform(low=0.0, high=200.0),
    "flat in mu^2": SquareUniform(low=0.0, high=200.0),
    "flat in log mu": LogUniform(low=1.0, high=200.0),
}
NODES = 1500
ENSEMBLES, WALKERS, STEPS, BURN_IN = 4, 32, 5000, 1000
FEWER = 800
"""Steps of the test that is not slow."""


class Sampled(NamedTuple):
    """A limit and its Monte Carlo error, from the spread of independent ensembles."""

    upper: float
    error: float


def model(name):
    return with_priors(bn.load("coherent-csi-effective"), {"mu_nu": BELIEFS[name]})


# --- the nuisances sampled --------------------------------------------------------------------------------------------


def sampled(name, steps, seed=1):
    """emcee on the full density: the moment, the signal's scale and that of prompt neutrons."""
    analysis, limits = model(name), []
    for stream in np.random.SeedSequence(seed).spawn(ENSEMBLES):
        rng = np.random.default_rng(stream)
        sampler = emcee.EnsembleSampler(WALKERS, 3, analysis.log_prob, vectorize=True, moves=emcee.moves.DEMove())
        sampler.random_state = np.random.RandomState(rng.integers(2**32)).get_state()
        sampler.run_mcmc(starts(analysis, rng), min(BURN_IN, steps // 2) + steps)
        moment = sampler.get_chain(discard=min(BURN_IN, steps // 2), flat=True)[:, analysis.names.index("mu_nu")]
        limits.append(np.quantile(moment, LEVEL))
    return Sampled(float(np.mean(limits)), float(np.std(limits, ddof=1) / np.sqrt(ENSEMBLES)))


def starts(analysis, rng):
    """Prior draws, chosen with odds that follow the likelihood: dispersed along the funnel."""
    x = analysis.sample_prior(200 * WALKERS, rng)
    log_likelihood = analysis.log_prob(x) - analysis.log_prior(x)
    return x[np.argsort(-(log_likelihood + rng.gumbel(size=len(x))))[:WALKERS]]


# --- integrals --------------------------------------------------------------------------------------------------------


def quantile(name, log_likelihood):
    """Limit from the log-likelihood at even quantiles of the prior."""
    values = grid(name)
    cumulative = np.cumsum(np.exp(log_likelihood - log_likelihood.max()))
    return float(np.interp(LEVEL, (cumulative - 0.5 * np.diff(cumulative, prepend=0)) / cumulative[-1], values))


def grid(name):
    return priors.quantile(BELIEFS[name], (np.arange(NODES) + 0.5) / NODES)


def in_closed_form(name):
    """Both nuisances integrated on paper, log-determinant included: what the engines sample."""
    return quantile(name, marginal(model(name)).log_likelihood(grid(name)[:, None]))


def by_quadrature(name):
    """Both nuisances integrated by the trapezoidal rule, from Eq 34 of arXiv:1905.03750 alone."""
    analysis = model(name)
    counted, variance = float(analysis.data.counts[0]), float(analysis.data.variance[0])
    prompt = count(analysis, 0.0, signal=0.0)
    standard = count(analysis, 0.0) - prompt
    per_square = (count(analysis, 100.0) - prompt - standard) / 100.0**2
    signal_pull, prompt_pull = np.linspace(-6, 6, 1201)[:, None], np.linspace(-6, 6, 17)
    log_weight = -0.5 * (signal_pull**2 + prompt_pull**2)
    found = []
    for mu in grid(name):
        expected = (standard + per_square * mu**2) * (1 + 0.28 * signal_pull) + prompt * (1 + 0.25 * prompt_pull)
        found.append(np.log(np.exp(log_weight - 0.5 * (counted - expected) ** 2 / variance).sum()))
    return quantile(name, np.array(found))


def count(analysis, mu, signal=1.0):
    point = {"mu_nu": mu, "signal": signal, "prompt_neutrons": 1.0}
    return float(analysis.expected([point[n] for n in analysis.names])["coherent-csi-2017"][0])


def without_determinant(name):
    """The profiled likelihood taken for a marginal one: a mistake, shown for its size."""
    there = toy_statistic.scan(model(name), "mu_nu")
    return quantile(name, -0.5 * toy_statistic.chi2(there, toys.observed(there), grid(name)))


def profile_limit():
    there = toy_statistic.scan(model("flat in mu"), "mu_nu")
    data = toys.observed(there)
    threshold = float(stats.chi2.ppf(LEVEL, 1))
    return float(toy_statistic.upper_limit(there, data, toy_statistic.minima(there, data), threshold)[0])


# --- they agree -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BELIEFS)
def test_closed_form_and_quadrature_are_one_limit(name):
    assert in_closed_form(name) == pytest.approx(by_quadrature(name), rel=1e-5)


def test_nuisances_that_are_sampled_give_the_same_limit():
    found = sampled("flat in mu", FEWER)
    assert found.error < 0.03 * found.upper
    assert found.upper == pytest.approx(in_closed_form("flat in mu"), abs=4 * found.error)


def test_the_profile_and_a_profiled_likelihood_under_a_prior_do_not():
    credible = in_closed_form("flat in mu")
    assert abs(profile_limit() / credible - 1) > 0.05
    assert without_determinant("flat in mu") / credible > 1.05


# --- the page ---------------------------------------------------------------------------------------------------------

PAGE = """# Three ways to be rid of nuisances

One bin (COHERENT CsI 2017), one moment, two Gaussian nuisances: {level:.0f} % upper limits in 1e-10 mu_B. Written by
`make calibrate` (`tests/agree/test_three_ways.py`); every number is computed.

| prior on [0, 200] | sampled | in closed form | by quadrature | profiled, then the prior |
| --- | --- | --- | --- | --- |
{rows}

Profile likelihood, no prior: {profile}.

- **sampled**: emcee on the full density of three parameters, {ensembles} ensembles of {walkers} walkers, {steps} steps.
- **in closed form**: a Gaussian nuisance that enters each bin linearly integrates to a Gaussian with the variance
  V + J J', so that -2 log L = chi2 at the best nuisances + log det(1 + J' V^-1 J). This is what every engine samples.
- **by quadrature**: the trapezoidal rule over both nuisances, written out in the test.
- **profiled, then the prior**: the first term alone. It is no posterior.

## Why the profile differs

Integrating asks how much of the nuisances' range explains the data, profiling whether any of it does. The signal's
scale multiplies the moment: the larger the moment, the smaller the share of that range that still fits, in proportion
to 1 / sqrt(det). The determinant is this share. It lowers the likelihood of large moments; the profile does not know
it, so the profile limit asks another question, and a prior times a profiled likelihood answers none. The logarithmic
prior starts at 1.
"""


@pytest.mark.slow
def test_the_page_is_written():
    rows = []
    for name in BELIEFS:
        by_emcee = sampled(name, STEPS)
        exact = in_closed_form(name)
        assert by_emcee.upper == pytest.approx(exact, abs=4 * by_emcee.error)
        cells = [
            name, f"{number(by_emcee.upper)} ± {by_emcee.error:.1g}", f"{exact:.4g}", f"{by_quadrature(name):.4g}",
            f"{without_determinant(name):.4g}",
        ]  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    page = PAGE.format(
        level=100 * LEVEL, rows="\n".join(rows), profile=f"{profile_limit():.4g}", ensembles=ENSEMBLES,
        walkers=WALKERS, steps=STEPS,
    )  # fmt: skip
    PAGE_FILE.write_text(page, encoding="utf-8")
