"""Simulation-based calibration: a right posterior passes, a wrong one does not."""

import pickle

import numpy as np
import pytest

import bayesnu as bn
from bayesnu.infer import calibration
from bayesnu.infer.ensemble import Options, ensemble
from bayesnu.likelihood import priors
from bayesnu.likelihood.marginal import marginal
from bayesnu.report import plots
from bayesnu.report.calibration import as_markdown, read_ranks, write_ranks
from bayesnu.schema import SquareUniform, Uniform

NUMBER = 400


@pytest.fixture(scope="module")
def analysis():
    return bn.load("coherent-csi-effective")


def by_grid(prior):
    """Draws of the moment from its distribution function on a grid; the nuisances from their conditional one."""
    quantiles = (np.arange(1000) + 0.5) / 1000
    grid = priors.quantile(prior, quantiles)

    def draws(analysis, seed):
        rng, target = np.random.default_rng(seed), marginal(analysis)
        log_likelihood = target.log_likelihood(grid[:, None])
        cumulative = np.cumsum(np.exp(log_likelihood - log_likelihood.max()))
        moment = np.interp(rng.uniform(size=calibration.KEPT), cumulative / cumulative[-1], grid)
        return target.restore(moment[:, None], rng)

    return draws


@pytest.fixture(scope="module")
def right(analysis):
    return calibration.calibrate(analysis, by_grid(Uniform(low=0.0, high=200.0)), number=NUMBER, seed=4)


def values(ranks):
    return {str(n): v.values for n, v in ranks.data_vars.items()}


def test_ranks_of_the_right_posterior_are_uniform(analysis, right):
    assert set(right.data_vars) == {*analysis.names, "log_likelihood"}
    assert (right.to_array() >= 0).all()
    assert (right.to_array() <= calibration.KEPT).all()
    assert calibration.smallest(calibration.uniformity(values(right), np.random.default_rng(1))) > 0.01


def test_ranks_under_another_prior_are_not(analysis):
    wrong = calibration.calibrate(analysis, by_grid(SquareUniform(low=0.0, high=200.0)), number=NUMBER, seed=4)
    found = calibration.uniformity(values(wrong), np.random.default_rng(1))
    assert found["mu_nu"].kolmogorov < 1e-3
    assert calibration.smallest(found) < 0.01


def test_ranks_depend_on_the_seed_alone(analysis, right):
    again = calibration.calibrate(analysis, by_grid(Uniform(low=0.0, high=200.0)), number=20, seed=4)
    other = calibration.calibrate(analysis, by_grid(Uniform(low=0.0, high=200.0)), number=20, seed=5)
    assert not again.identical(other)
    again_too = calibration.calibrate(analysis, by_grid(Uniform(low=0.0, high=200.0)), number=20, seed=4)
    assert again.identical(again_too)


def test_uneven_ranks_are_seen():
    heap = {"x": np.full(200, 50.0)}
    slope = {"x": np.linspace(0, 9.9, 200) ** 2}
    for ranks in (heap, slope):
        found = calibration.uniformity(ranks, np.random.default_rng(1))["x"]
        assert max(found) < 1e-6


def test_the_engine_is_the_one_of_a_fit(analysis):
    options = Options(ensembles=2, steps=60)
    drawn = calibration.by_emcee(options)(analysis, 7)
    posterior = ensemble(analysis, seed=7, options=options)["posterior"]
    assert np.array_equal(drawn[:, 0], posterior["mu_nu"].values.ravel())


def test_the_table_and_the_figure_have_every_quantity(right):
    text = as_markdown(right, "grid")
    for name in right.data_vars:
        assert f"| {name} |" in text
    figure = plots.rank_plot(right)
    assert [a.get_title() for a in figure.axes] == [str(n) for n in right.data_vars]


def test_ranks_are_read_back(right, tmp_path):
    write_ranks(right, tmp_path / "ranks.csv")
    assert read_ranks(tmp_path / "ranks.csv").identical(right)


def test_an_executor_takes_the_simulations_and_changes_no_rank(analysis, recording):
    quick = calibration.by_emcee(Options(ensembles=1, walkers=8, steps=60))
    assert pickle.loads(pickle.dumps(quick)).args == quick.args
    told = []
    alone = calibration.calibrate(analysis, quick, number=3, seed=7)
    spread = calibration.calibrate(
        analysis, quick, number=3, seed=7, executor=recording, progress=lambda *n: told.append(n)
    )
    assert recording.functions == ["ranks_at"] * 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert spread.identical(alone)
