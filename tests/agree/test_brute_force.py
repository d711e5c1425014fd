"""Posteriors that a deterministic grid gives: a long curved shell near a cancellation, and two modes of unequal mass.

The grids are of midpoints, in formulas that import nothing from the package (cancelling_moments.py).
"""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesnu as bn
from bayesnu.infer import checks, ensemble, modes, nested, nuts

MOMENTS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("cancelling_moments.py"))))
SIGMAS = 4.0

RUN = {
    "nuts": lambda a: nuts.nuts(a, seed=41, options=nuts.Options(draws=2000)),
    "emcee": lambda a: ensemble.ensemble(a, seed=42, options=ensemble.Options(ensembles=8, walkers=64, steps=800)),
    "nested": lambda a: nested.nested(a, seed=43, options=nested.Options(live=200, draws=700)),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moments")
    for problem in (MOMENTS.SHELL, MOMENTS.MODES):
        problem.declare(folder)
    return folder


@pytest.fixture(scope="module")
def results(root):
    """Results by problem and engine, each made once."""
    made = {}

    def result(problem, engine):
        if (problem.name, engine) not in made:
            analysis = bn.load(problem.name, root=root)
            tree = RUN[engine](analysis)
            modes.record(analysis, tree)
            checks.record(tree, checks.Gate())
            made[problem.name, engine] = tree
        return made[problem.name, engine]

    return result


@pytest.fixture(scope="module")
def grids():
    return {
        "shell": MOMENTS.grid(MOMENTS.SHELL, 160, 160, 192),
        "modes": MOMENTS.grid(MOMENTS.MODES, 400, 480),
    }


def draws_of(tree):
    posterior = tree["posterior"].to_dataset()
    return {str(n): posterior[n].transpose("chain", "draw").values for n in posterior.data_vars}


def sigmas(engine, values, answer):
    """How far a mean over draws (chain, draw) is from the answer, in its Monte Carlo errors."""
    if engine == "emcee":
        # Independent ensembles tell their own error; it has seven degrees of freedom.
        each = values.mean(axis=1)
        t = (each.mean() - answer) / (each.std(ddof=1) / np.sqrt(len(each)))
        return stats.norm.isf(stats.t.sf(abs(t), len(each) - 1))
    error = values.std() / np.sqrt(values.size)
    if engine == "nuts":
        error = float(arviz_stats.mcse(values, method="mean"))
    return abs(values.mean() - answer) / error


def below(values, limit):
    return (values < limit).astype(float)


# --- the problems are what they are said to be ------------------------------------------------------------------------


@pytest.mark.parametrize(("problem", "coarse"), [("SHELL", (120, 120, 144)), ("MODES", (200, 240))])
def test_the_grid_is_fine_enough(problem, coarse, grids):
    there = getattr(MOMENTS, problem)
    rough, fine = MOMENTS.grid(there, *coarse), grids[there.name]
    assert rough.log_evidence == pytest.approx(fine.log_evidence, abs=1e-6)
    for name in there.free:
        assert rough.quantile(name, 0.9) == pytest.approx(fine.quantile(name, 0.9), rel=1e-3)


@pytest.mark.parametrize("problem", ["SHELL", "MODES"])
def test_the_package_has_the_same_likelihood(problem, root):
    there = getattr(MOMENTS, problem)
    analysis = bn.load(there.name, root=root)
    x = analysis.sample_prior(50, np.random.default_rng(1))
    ours = analysis.log_prob(x) - analysis.log_prior(x)
    written = [there.log_density(**dict(zip(analysis.names, row, strict=True))) for row in x]
    np.testing.assert_allclose(ours, np.array(written) + MOMENTS.log_norm(there), atol=1e-8, rtol=1e-12)


def test_the_shell_is_long_and_thin(grids):
    """Along the cancellation it reaches 6.8, across it 1; its thickness is a twentieth of that."""
    density = grids["shell"].marginal("lambda_1")
    assert grids["shell"].quantile("lambda_1", 0.99) > 5
    assert density[grids["shell"].axes["lambda_1"] > 7].sum() < 1e-3
    assert MOMENTS.SHELL.log_density(lambda_1=0.0, lambda_2=0.0, zeta_2=0.0) == pytest.approx(-50)


def test_the_modes_are_isolated_and_unequal(grids):
    mass = grids["modes"].mean(in_first)
    assert 0.6 < mass < 0.7
    # Every path between them crosses zeta_2 = pi or zeta_2 = 0.
    marginal = grids["modes"].marginal("zeta_2")
    assert marginal[240] < 1e-3 * marginal.max()
    assert marginal[0] < 1e-3 * marginal.max()


def in_first(zeta_2, **others):
    return np.asarray(zeta_2 < np.pi, dtype=float) + 0.0 * sum(others.values())


# --- the shell --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["nuts", "emcee", pytest.param("nested", marks=pytest.mark.slow)])
def test_marginal_limits_of_the_shell(engine, results, grids):
    tree, exact = results(MOMENTS.SHELL, engine), grids["shell"]
    draws = draws_of(tree)
    for name in ("lambda_1", "lambda_2"):
        for level in (0.1, 0.5, 0.9):
            assert sigmas(engine, below(draws[name], exact.quantile(name, level)), level) < SIGMAS
    near = exact.mean(lambda zeta_2, **others: np.cos(zeta_2) + 0.0 * sum(others.values()))
    assert sigmas(engine, np.cos(draws["zeta_2"]), near) < SIGMAS
    # Sharp enough to mean something.
    q90 = below(draws["lambda_1"], exact.quantile("lambda_1", 0.9))
    assert q90.mean(axis=1).std(ddof=1) / np.sqrt(len(q90)) < 0.015
    assert json.loads(tree.attrs["modes"])["line"] == "1 mode"


# --- the modes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["emcee", "nested"])
def test_masses_and_limits_of_two_modes(engine, results, grids):
    tree, exact = results(MOMENTS.MODES, engine), grids["modes"]
    draws = draws_of(tree)
    assert sigmas(engine, in_first(draws["zeta_2"]), exact.mean(in_first)) < SIGMAS
    for level in (0.1, 0.5, 0.9):
        assert sigmas(engine, below(draws["lambda_2"], exact.quantile("lambda_2", level)), level) < SIGMAS


def test_the_evidence_of_two_modes(results, grids):
    told = json.loads(results(MOMENTS.MODES, "nested").attrs["options"])
    answer = grids["modes"].log_evidence + MOMENTS.log_norm(MOMENTS.MODES)
    assert told["log_evidence_error"] < 0.03
    assert abs(told["log_evidence"] - answer) < SIGMAS * told["log_evidence_error"]


@pytest.mark.parametrize("engine", ["emcee", "nested"])
def test_the_modes_are_counted_and_weighed(engine, results):
    tree = results(MOMENTS.MODES, engine)
    told = json.loads(tree.attrs["modes"])
    assert told["line"].startswith("2 modes; all chains visited both")
    first = in_first(draws_of(tree)["zeta_2"]).mean(axis=1)
    (upper,) = (k for k, at in enumerate(told["at"]) if at["zeta_2"] < np.pi)
    np.testing.assert_allclose(told["mass"][upper], first, atol=0.002)


def test_what_nuts_misses_is_told(results):
    """No chain of NUTS leaves its mode: the counter says so, and the result fails its gate."""
    tree = results(MOMENTS.MODES, "nuts")
    alone = in_first(draws_of(tree)["zeta_2"]).mean(axis=1)
    assert ((alone < 0.05) | (alone > 0.95)).all()
    told = json.loads(tree.attrs["modes"])
    assert len(told["at"]) == 2
    assert told["failures"]
    assert set(told["failures"]) <= set(checks.recorded(tree).failures)
    assert tree.attrs["converged"] == 0


def test_a_mode_that_every_chain_misses_is_told(results, root):
    """R-hat sees nothing where all chains sit in one mode; the minima do."""
    draws = draws_of(results(MOMENTS.MODES, "nested"))
    first = draws["zeta_2"].reshape(-1) < np.pi
    size = first.sum() // 4
    one_sided = {n: (("chain", "draw"), v.reshape(-1)[first][: 4 * size].reshape(4, size)) for n, v in draws.items()}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(one_sided)})
    (failure,) = modes.modes(bn.load("modes", root=root), tree).failures
    assert failure.endswith("of 2 was visited by no chain")
