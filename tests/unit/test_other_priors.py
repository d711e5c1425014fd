"""Limits under other priors and other ranges: against quadrature and against draws from those priors themselves."""

import json

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import bayesnu as bn
from bayesnu.cli import main
from bayesnu.errors import DeclarationError
from bayesnu.infer import blind_spots, checks, ensemble, executors, results, reweighting, sensitivity
from bayesnu.likelihood import priors
from bayesnu.likelihood.marginal import marginal
from bayesnu.report import other_priors, tables
from bayesnu.schema import Circular, Haar, LogUniform, SquareUniform, Uniform

LEVEL = 0.9
WIDE = checks.Gate(r_hat=2.0, ess=10.0)


def tree_of(analysis, x):
    """A result of draws that are independent: (n, parameters) in four chains."""
    chains = x.reshape(4, -1, x.shape[1])
    draws = {name: chains[..., i] for i, name in enumerate(analysis.names)}
    tree = results.to_tree(analysis, draws, {}, engine="nuts", seed=1, options={}, seconds={})
    checks.record(tree, WIDE)
    return tree


def on_a_grid(analysis, prior):
    """Distribution function of the moment under a prior: values at even quantiles of the prior, cumulative."""
    values = priors.quantile(prior, (np.arange(20_000) + 0.5) / 20_000)
    log_likelihood = marginal(analysis).log_likelihood(values[:, None])
    cumulative = np.cumsum(np.exp(log_likelihood - log_likelihood.max()))
    return values, cumulative / cumulative[-1]


def exact(analysis, prior):
    values, cumulative = on_a_grid(analysis, prior)
    return float(np.interp(LEVEL, cumulative, values))


def sampled(analysis, prior, number, seed):
    """Independent draws of the posterior, nuisances included."""
    rng = np.random.default_rng(seed)
    values, cumulative = on_a_grid(analysis, prior)
    return marginal(analysis).restore(np.interp(rng.uniform(size=number), cumulative, values)[:, None], rng)


@pytest.fixture(scope="module")
def effective():
    return bn.load("coherent-csi-effective")


@pytest.fixture(scope="module")
def single(effective):
    return tree_of(effective, sampled(effective, Uniform(low=0.0, high=200.0), 8000, seed=2))


# --- weights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["flat", "square", "log"])
def test_weighted_limits_are_those_of_quadrature(effective, single, name):
    (found,) = other_priors.limits_under(single, [name], level=LEVEL, log_from=5.0)
    prior = reweighting.named(effective.model, name, 5.0)["mu_nu"]
    assert found.how == ("declared" if name == "flat" else "reweighted")
    assert found.upper == pytest.approx(exact(effective, prior), abs=4 * found.mcse)
    assert found.mcse < 0.1 * found.upper


def test_the_error_of_a_weighted_limit_is_its_spread(effective):
    """Of sixty independent sets of draws, in units of the errors that they claim."""
    prior, other = {"mu_nu": Uniform(low=0.0, high=200.0)}, {"mu_nu": SquareUniform(low=0.0, high=200.0)}
    values, cumulative = on_a_grid(effective, prior["mu_nu"])
    rng, found = np.random.default_rng(3), []
    for _ in range(60):
        draws = xr.Dataset({"mu_nu": (("chain", "draw"), np.interp(rng.uniform(size=(4, 1000)), cumulative, values))})
        found.append(reweighting.limit(draws["mu_nu"], reweighting.log_ratio(draws, prior, other), LEVEL))
    pulls = [(row.upper - exact(effective, other["mu_nu"])) / row.mcse for row in found]
    assert abs(np.mean(pulls)) < 0.6
    assert 0.7 < np.std(pulls) < 1.35


def test_equal_weights_change_nothing_and_errors_are_those_of_arviz(single):
    draws = single["posterior"]["mu_nu"]
    found = reweighting.limit(draws, xr.zeros_like(draws), LEVEL)
    theirs = float(arviz_stats.mcse(draws, method="quantile", prob=LEVEL, sample_dims=["chain", "draw"]))
    assert found.upper == pytest.approx(np.quantile(draws.values, LEVEL), rel=1e-2)
    assert found.mcse == pytest.approx(theirs, rel=0.4)


def test_pareto_k_is_that_of_the_tail():
    """Weights 1/x of a uniform x have a tail of exponent 1, weights x none."""
    x = np.random.default_rng(5).uniform(size=(4, 10_000))
    draws = xr.DataArray(x, dims=("chain", "draw"))
    assert not reweighting.limit(draws, -np.log(draws), LEVEL).usable
    assert reweighting.limit(draws, -np.log(draws), LEVEL).pareto_k == pytest.approx(1.0, abs=0.15)
    assert reweighting.limit(draws, np.log(draws), LEVEL).pareto_k < 0.2


def test_what_weights_cannot_tell_is_said_and_run_again(effective, single):
    (found,) = other_priors.limits_under(single, ["log"], level=LEVEL, log_from=1e-9)
    assert (found.how, found.upper) == ("rerun needed", None)
    assert found.pareto_k > reweighting.PARETO_K

    def again(title, chosen, alone):
        assert (title, list(alone)) == ("log", [])
        other = reweighting.with_priors(reweighting.analysis_of(single), chosen)
        return tree_of(other, sampled(effective, chosen["mu_nu"], 8000, seed=6))

    (found,) = other_priors.limits_under(single, ["log"], level=LEVEL, log_from=1e-9, rerun=again)
    assert found.how == "rerun"
    assert found.upper == pytest.approx(exact(effective, LogUniform(low=1e-9, high=200.0)), abs=4 * found.mcse)


def test_draws_that_the_declared_prior_forbids_cannot_be_weighted():
    analysis = bn.load("coherent-csi-effective-log")
    tree = tree_of(analysis, sampled(analysis, analysis.free[0].prior, 2000, seed=7))
    found = other_priors.limits_under(tree, ["flat", "log"], level=LEVEL, log_from=1.0)
    assert [(o.how, o.pareto_k) for o in found] == [("rerun needed", None), ("declared", None)]


def test_a_short_rerun_by_emcee_has_the_new_prior(effective):
    chosen = {"mu_nu": Uniform(low=0.0, high=30.0)}
    tree = reweighting.rerun(effective, chosen, seed=1, steps=60)
    assert float(tree["posterior"]["mu_nu"].max()) < 30.0
    assert results.model_of(tree).parameters["mu_nu"].prior == chosen["mu_nu"]
    assert "diagnostics" in tree.attrs


@pytest.fixture
def short(monkeypatch):
    """Ensembles of few steps."""
    options = ensemble.Options
    monkeypatch.setattr(ensemble, "Options", lambda **given: options(**given)._replace(steps=30))


def test_an_executor_takes_the_ensembles_and_each_parameter_alone(recording, short):
    analysis, names = bn.load("coherent-csi-tmm"), ["lambda_1", "lambda_2"]
    chosen = reweighting.named(analysis.model, "square")
    beside, serial = (
        reweighting.rerun(analysis, chosen, seed=1, names=names, executor=one) for one in (recording, None)
    )
    counted = {function: recording.functions.count(function) for function in ("start", "advanced", "alone")}
    assert counted == {"start": 4, "advanced": 4, "alone": 2}
    assert {*beside.groups} == {*serial.groups} >= {"/one_at_a_time/lambda_1", "/one_at_a_time/lambda_2"}
    for group in ("posterior", "one_at_a_time/lambda_1", "one_at_a_time/lambda_2"):
        assert beside[group].to_dataset().identical(serial[group].to_dataset()), group


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_stand_for_the_priors_of_every_modulus_or_of_the_mixing():
    model = bn.load("coherent-csi-tmm").model
    assert reweighting.named(model, "square") == {f"lambda_{i}": SquareUniform(low=0, high=200) for i in (1, 2, 3)}
    assert reweighting.named(model, "log", 2.0)["lambda_3"] == LogUniform(low=2.0, high=200.0)
    haar = reweighting.named(model, "haar")
    assert haar == {
        "sin2_theta_12": Haar(apart=1), "sin2_theta_13": Haar(apart=2), "sin2_theta_23": Haar(apart=1),
        "delta_cp": Circular(),
    }  # fmt: skip
    draws = bn.load("coherent-csi-tmm")
    assert np.isfinite(reweighting.with_priors(draws, haar).log_prior(draws.sample_prior(5, np.random.default_rng(1)))
                       ).all()  # fmt: skip


@pytest.mark.parametrize(("name", "model"), [("flta", "coherent-csi-tmm"), ("haar", "coherent-csi-effective"),
                                             ("flat", "coherent-csi-radius")])  # fmt: skip
def test_a_prior_that_a_model_cannot_have_is_named(name, model):
    with pytest.raises(DeclarationError, match="flat" if name != "haar" else "mixing"):
        reweighting.named(bn.load(model).model, name)


def test_the_likelihood_of_a_result_is_that_of_its_analysis(effective, single):
    x = effective.sample_prior(6, np.random.default_rng(1))
    assert np.array_equal(reweighting.analysis_of(single).log_prob(x), effective.log_prob(x))


# --- blind spots ------------------------------------------------------------------------------------------------------


def blind(cls, end, number=8000):
    """Posterior of three moments that only electron antineutrinos see: prior draws, chosen by their likelihood."""
    analysis = reweighting.with_priors(
        bn.load("texono-tmm"), {f"lambda_{i}": cls(low=0.0, high=end) for i in (1, 2, 3)}
    )
    rng, target = np.random.default_rng(8), marginal(analysis)
    x = target.sample_prior(600_000, rng)
    log_likelihood = np.concatenate([target.log_likelihood(part) for part in np.array_split(x, 100)])
    weights = np.exp(log_likelihood - log_likelihood.max())
    chosen = rng.choice(len(x), number, p=weights / weights.sum())
    assert weights.sum() ** 2 / (weights**2).sum() > number / 4
    return tree_of(analysis, target.restore(x[chosen], rng))


def upper(tree, name):
    return float(np.quantile(tree["posterior"][name].values, LEVEL))


@pytest.fixture(scope="module")
def squares():
    return {end: blind(SquareUniform, end) for end in (5.0, 10.0)}


def test_in_a_blind_spot_moduli_grow_with_their_range_and_the_effective_moment_does_not(squares):
    """Flat in the complex plane the blind direction has the same weight everywhere: its limit is the range."""
    for name in ("lambda_1", "lambda_2"):
        assert upper(squares[10.0], name) / upper(squares[5.0], name) == pytest.approx(2.0, rel=0.15)
    small, large = (upper(squares[end], "mu_eff_nubar_e") for end in (5.0, 10.0))
    assert large == pytest.approx(small, rel=0.06)


def test_half_the_range_of_one_run_is_the_other_run(squares):
    tree, model = squares[10.0], results.model_of(squares[10.0])
    names = ["lambda_1", "lambda_2", "mu_eff_nubar_e"]
    for row in blind_spots.halved(tree["posterior"].to_dataset(), model, names, LEVEL):
        assert row.at_half == pytest.approx(upper(squares[5.0], row.name), abs=5 * row.error)


def test_the_limits_table_says_so_unasked(squares):
    rows = [r for r in tables.limits(squares[10.0], level=LEVEL) if r.others == "profiled"]
    assert [r.limited_by_range for r in rows[:2]] == [True, True]
    text = tables.as_text(rows)
    assert "limited by the range of its prior" in text
    assert "effective moments (with half the range of every modulus): mu_eff_nubar_e" in text


def test_where_the_data_see_every_direction_nothing_is_said():
    analysis = bn.load("sns2015-moment")
    tree = tree_of(analysis, sampled(analysis, analysis.free[0].prior, 4000, seed=9))
    (row,) = tables.limits(tree, level=LEVEL)
    assert row.limited_by_range is False
    assert "limited by the range" not in tables.as_text([row])


def test_twice_the_range_stands_beside(squares):
    def again(title, chosen, alone):
        assert {p.high for p in chosen.values()} == {10.0}
        return squares[10.0]

    found = other_priors.doubled(squares[5.0], level=LEVEL, rerun=again)
    text = other_priors.doubled_as_text(found, other_priors.ranges(squares[5.0]), LEVEL)
    lines = {line.split()[0]: line for line in text.splitlines() if "limited by" in line}
    assert lines["lambda_1"].endswith("limited by the range of the prior")
    assert lines["mu_eff_nubar_e"].endswith("limited by the data")
    assert "square-uniform(0, 5)" in text


# --- sensitivity ------------------------------------------------------------------------------------------------------


def test_a_flat_prior_has_no_power_and_a_steep_one_where_data_are_weak_has():
    found = {}
    for name in ("coherent-csi-effective", "coherent-csi-effective-square"):
        analysis = bn.load(name)
        tree = tree_of(analysis, sampled(analysis, analysis.free[0].prior, 4000, seed=10))
        found[name] = sensitivity.recorded(tree)["mu_nu"]
    flat, square = found.values()
    assert flat.beliefs == 0.0
    assert square.beliefs > sensitivity.THRESHOLD


def test_what_is_recorded_is_read_back(single, tmp_path):
    tree = single.copy()
    computed = sensitivity.recorded(tree)
    sensitivity.record(tree)
    results.save_result(tree, tmp_path / "r.nc")
    held = results.open_result(tmp_path / "r.nc")
    assert sensitivity.GROUP in held.children
    assert sensitivity.recorded(held) == computed
    (row,) = tables.limits(held, level=LEVEL)
    assert row.sensitivity == computed["mu_nu"]


# --- on the command line ----------------------------------------------------------------------------------------------


def test_limits_under_other_priors_on_the_command_line(single, tmp_path):
    path = str(results.save_result(single, tmp_path / "r.nc"))
    arguments = ["limits", path, "--priors", "flat,square,log", "--log-from", "5"]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    for words in ("limits under other priors", "as declared", "log-uniform(5, 200)", "(k "):
        assert words in shown.output
    records = json.loads(CliRunner().invoke(main, [*arguments, "--format", "json"]).output)
    assert [o["name"] for o in records[0]["other_priors"]] == ["flat", "square", "log"]
    wrong = CliRunner().invoke(main, ["limits", path, "--priors", "cubic"])
    assert wrong.exit_code == 2


def test_what_is_sampled_again_goes_to_the_executor_of_the_command_line(
    single, tmp_path, recording, short, monkeypatch
):
    monkeypatch.setattr(executors, "executor", lambda text: {"processes:3": recording}[text])
    path = str(results.save_result(single, tmp_path / "r.nc"))
    command = ["limits", path, "--executor", "processes:3", "--format", "json", "--quiet"]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert recording.functions == []
    for number, more in enumerate((["--priors", "log", "--log-from", "1e-9", "--rerun"], ["--double-range"]), 1):
        done = CliRunner().invoke(main, [*command, *more])
        assert done.exit_code == 1, done.output  # So few steps cannot have converged.
        assert recording.functions.count("advanced") == 4 * number
