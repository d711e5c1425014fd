"""Coverage: the posterior of many data sets at once is the one of each alone, and on average it holds."""

import itertools

import numpy as np
import pytest
from scipy import integrate, optimize

import bayesnu as bn
from bayesnu.infer import coverage, toy_statistic
from bayesnu.likelihood import priors
from bayesnu.report import coverage as report
from bayesnu.report import plots
from bayesnu.schema import LogUniform, SquareUniform, Uniform

BELIEFS = {
    "flat": Uniform(low=0.0, high=200.0),
    "square": SquareUniform(low=0.0, high=200.0),
    "log": LogUniform(low=1.0, high=200.0),
}
DENSITIES = {"flat": lambda x: 1.0, "square": lambda x: x, "log": lambda x: 1.0 / x}


@pytest.fixture(scope="module")
def analysis():
    return bn.load("coherent-csi-effective")


@pytest.fixture(scope="module")
def there(analysis):
    return toy_statistic.scan(analysis, "mu_nu")


def one_bin(there, value):
    """Signal and prompt neutrons of Eq 34 of arXiv:1905.03750, from two points of the prediction."""
    names = there.analysis.names
    signal_off = {"mu_nu": value, "signal": 0.0, "prompt_neutrons": 1.0}
    prompt = float(there.analysis.expected([signal_off[n] for n in names])["coherent-csi-2017"][0])
    full = {"mu_nu": value, "signal": 1.0, "prompt_neutrons": 1.0}
    return float(there.analysis.expected([full[n] for n in names])["coherent-csi-2017"][0]) - prompt, prompt


def by_hand(there, counted, pulls, prior, density):
    """Quantile of a posterior whose two nuisances are integrated on paper: a Gaussian of the summed variance."""
    variance = float(there.analysis.data.variance[0])

    def height(x):
        signal, prompt = one_bin(there, x)
        mean = signal * (1 + 0.28 * pulls[0]) + prompt * (1 + 0.25 * pulls[1])
        total = variance + (0.28 * signal) ** 2 + (0.25 * prompt) ** 2
        return np.exp(-0.5 * (counted - mean) ** 2 / total) / np.sqrt(total) * density(x)

    def area(to):
        ends = [e for e in (prior.low, 3.0, 15.0, 40.0, 80.0) if e < to] + [to]
        return sum(integrate.quad(height, a, b, epsrel=1e-9)[0] for a, b in itertools.pairwise(ends))

    whole = area(prior.high)
    return optimize.brentq(lambda x: area(x) / whole - 0.9, prior.low + 1e-3, prior.high, xtol=1e-6)


@pytest.mark.parametrize("name", BELIEFS)
def test_limits_of_data_sets_together_are_those_of_each_by_quadrature(there, name):
    pulls = np.array([[0.0, 0.7], [0.0, -0.4]])
    order = [["signal", "prompt_neutrons"].index(n) for n in there.pulls.names]
    data = toy_statistic.Counts(np.array([[142.0, 210.0]]), pulls[order])
    found = coverage.posterior(there, data, BELIEFS[name]).quantile(0.9)
    for i, counted in enumerate(data.counts[0]):
        exact = by_hand(there, counted, pulls[:, i], BELIEFS[name], DENSITIES[name])
        assert found[i] == pytest.approx(exact, rel=2e-4)


def test_distribution_and_quantile_are_inverse(there):
    data = toy_statistic.Counts(np.array([[100.0, 142.0, 300.0]]), np.zeros((2, 3)))
    known = coverage.posterior(there, data, BELIEFS["flat"])
    for i, limit in enumerate(known.quantile(0.9)):
        assert known.at(float(limit))[i] == pytest.approx(0.9, abs=1e-9)


@pytest.mark.parametrize("name", BELIEFS)
def test_where_the_truth_is_drawn_from_the_prior_a_credible_limit_holds_as_often_as_it_says(there, name):
    """No prior is right for a fixed truth, but each is for truths drawn from it."""
    number = 4000
    rng = np.random.default_rng(3)
    truth = priors.quantile(BELIEFS[name], rng.uniform(size=number))
    expected, jacobian = toy_statistic.expectation(there, truth)
    mean = expected + (jacobian * rng.standard_normal(jacobian.shape[1:])).sum(axis=1)
    counted = mean + rng.standard_normal(mean.shape) * np.sqrt(there.analysis.data.variance)[:, None]
    data = toy_statistic.Counts(counted, np.zeros((2, number)))
    limit = coverage.posterior(there, data, BELIEFS[name]).quantile(0.9)
    assert (truth <= limit).mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / number))


@pytest.fixture(scope="module")
def found(analysis):
    return coverage.coverage(
        analysis, "mu_nu", true=[0.0, 30.0], number=400, seed=2, level=0.9, beliefs=BELIEFS, nuisance="central"
    )


def test_coverage_depends_on_the_seed_alone(analysis, found):
    arguments = {"true": [0.0, 30.0], "number": 400, "level": 0.9, "beliefs": BELIEFS, "nuisance": "central"}
    assert coverage.coverage(analysis, "mu_nu", seed=2, **arguments).identical(found)
    other = coverage.coverage(analysis, "mu_nu", seed=3, **arguments)
    assert not np.array_equal(other["coverage"], found["coverage"])


def test_no_upper_limit_is_below_zero_and_feldman_cousins_covers(found):
    table = found["coverage"].to_pandas()
    assert (table.loc[["profile, upper end", *BELIEFS], 0.0] == 1.0).all()
    assert (table.loc["profile, interval"] <= table.loc["profile, upper end"]).all()
    spread = 4 * np.sqrt(2 * 0.09 / 400)
    assert np.abs(table.loc["Feldman-Cousins"] - 0.9).max() < spread
    limits = found["median_limit"].to_pandas()
    assert (limits.loc["log"] < limits.loc["flat"]).all()
    assert (limits.loc["flat"] < limits.loc["square"]).all()


def test_the_table_and_the_figure_show_every_treatment(found):
    text = report.as_markdown(found)
    assert [line.split(" | ")[0][2:] for line in text.splitlines() if line.startswith("| ")] == [
        "limit", "---", *coverage.TREATMENTS, *BELIEFS,
    ]  # fmt: skip
    assert "mu_nu = 30" in text
    names = [t.get_text() for t in plots.coverage_plot(found).legends[0].get_texts()]
    assert names == [*coverage.TREATMENTS, *BELIEFS]
