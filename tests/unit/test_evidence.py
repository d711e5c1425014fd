"""Bayes factors by quadrature: against closed forms, Savage and Dickey and another route, and its limits."""

import json

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from scipy import integrate, special, stats

import bayesnu as bn
from bayesnu.cli import main
from bayesnu.errors import ConvergenceError, DeclarationError
from bayesnu.infer import evidence as weighing
from bayesnu.infer import executors, nested
from bayesnu.infer.profile import profile
from bayesnu.likelihood.marginal import marginal
from bayesnu.schema import LogUniform, SquareUniform, Uniform

LEVEL = 0.9
SHORT = nested.Options(runs=2, live=200, draws=700)


@pytest.fixture(scope="module")
def xenon():
    return bn.load("sterile2021-xenon1t").fix(m4=0.01)


@pytest.fixture(scope="module")
def answers(xenon):
    return dict(
        zip(("parameter", "square", "logarithm"), weighing.evidences(xenon, "mu_nu_mu", level=LEVEL), strict=True)
    )


# --- the integral -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sd", [0.3, 0.01, 0.001])
def test_a_gaussian_in_closed_form(sd):
    found = weighing.integrate(lambda u: stats.norm.logpdf(u[:, 0], 0.4, sd), 1)
    expected = np.log(special.ndtr(0.6 / sd) - special.ndtr(-0.4 / sd))
    assert found.log_value == pytest.approx(expected, abs=1e-10)
    assert found.error < 1e-4
    assert found.mass.sum() == pytest.approx(1, abs=1e-12)


def test_two_gaussians_and_none():
    found = weighing.integrate(lambda u: stats.norm.logpdf(u, [0.4, 0.7], [0.1, 0.2]).sum(axis=1), 2)
    sides = [special.ndtr((1 - m) / s) - special.ndtr(-m / s) for m, s in ((0.4, 0.1), (0.7, 0.2))]
    assert found.log_value == pytest.approx(np.log(sides).sum(), abs=1e-8)
    assert weighing.integrate(lambda u: np.full(len(u), 3.0), 0).log_value == 3.0


def test_what_does_not_converge_is_said():
    with pytest.raises(ConvergenceError, match="panels were doubled"):
        weighing.integrate(lambda u: stats.norm.logpdf(u[:, 0], 0.123456, 1e-7), 1)


# --- the priors -------------------------------------------------------------------------------------------------------


def test_three_priors_on_one_range():
    chosen = weighing.named_priors(0.0, 50.0)
    assert chosen == {
        "parameter": Uniform(low=0.0, high=50.0),
        "square": SquareUniform(low=0.0, high=50.0),
        "logarithm": LogUniform(low=0.05, high=50.0),
    }
    with pytest.raises(DeclarationError, match="give a range"):
        weighing.named_priors(3.0, 3.0)


@pytest.mark.parametrize("kind", ["parameter", "square", "logarithm"])
def test_the_evidence_is_the_integral_over_the_prior(xenon, answers, kind):
    """Another quadrature in another variable: the moment itself, with the density of the prior written out."""
    target = marginal(xenon)
    mu = np.geomspace(0.1, 50.0, 20001) if kind == "logarithm" else np.linspace(0.0, 50.0, 20001)
    density = {
        "parameter": 1 / 50 + 0 * mu,
        "square": 2 * mu / 2500,
        "logarithm": 1 / (np.log(500) * np.maximum(mu, 0.1)),
    }
    likelihood = target.log_likelihood(mu[:, None])
    reference = float(target.log_likelihood(np.zeros((1, 1)))[0])
    factor = integrate.simpson(np.exp(likelihood - reference) * density[kind], mu)
    assert answers[kind].log_bayes_factor == pytest.approx(np.log(factor), abs=1e-5)
    assert answers[kind].log_evidence == pytest.approx(np.log(factor) + reference, abs=1e-5)


def test_savage_and_dickey(xenon, answers):
    """With a prior flat in the parameter the Bayes factor is prior over posterior density where there is no signal."""
    target = marginal(xenon)
    mu = np.linspace(0.0, 50.0, 20001)
    posterior = np.exp(target.log_likelihood(mu[:, None]))
    at_zero = posterior[0] / integrate.simpson(posterior, mu)
    assert answers["parameter"].log_bayes_factor == pytest.approx(np.log((1 / 50) / at_zero), abs=1e-5)


def test_a_wider_flat_prior_costs_its_width(xenon):
    """Beyond the likelihood, ten times the range divides the evidence by ten."""
    narrow, wide = (weighing.evidence(xenon, "mu_nu_mu", Uniform(low=0.0, high=h), level=LEVEL) for h in (50.0, 500.0))
    assert narrow.log_bayes_factor - wide.log_bayes_factor == pytest.approx(np.log(10), abs=1e-4)


# --- intervals --------------------------------------------------------------------------------------------------------


def test_intervals_are_those_of_the_posterior(xenon, answers):
    target = marginal(xenon)
    mu = np.linspace(0.0, 50.0, 200001)
    density = np.exp(target.log_likelihood(mu[:, None]))
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    cumulative /= cumulative[-1]
    found = answers["parameter"]
    assert found.equal_tailed == pytest.approx(np.interp([0.05, 0.95], cumulative, mu), abs=0.005)
    low = np.linspace(0, 0.0999, 2000)
    widths = np.interp(low + LEVEL, cumulative, mu) - np.interp(low, cumulative, mu)
    best = low[np.argmin(widths)]
    assert found.highest_density == pytest.approx(np.interp([best, best + LEVEL], cumulative, mu), abs=0.02)
    # The narrowest interval has equal densities at its ends.
    assert np.diff(np.interp(found.highest_density, mu, density)) == pytest.approx(0, abs=0.02 * density.max())


def test_xenon1t_has_a_two_sided_interval_but_no_strong_evidence(xenon, answers):
    """The profile and the flat priors exclude zero at 90 %; the Bayes factors are all of order one."""
    about = profile(xenon, "mu_nu_mu", others="profiled", level=LEVEL).attrs
    assert 2.5 < about["interval_low"] < about["limit"] < 6.5
    assert answers["parameter"].highest_density[0] > 2
    assert answers["square"].highest_density[0] > 2
    # Flat in the logarithm, half of the prior is where the moment cannot be told from zero.
    assert answers["logarithm"].equal_tailed[0] < 0.5
    assert all(abs(row.log_bayes_factor) < 2 for row in answers.values())


# --- what can be integrated -------------------------------------------------------------------------------------------


def test_a_sampled_mass_as_the_second_parameter():
    analysis = bn.load("sterile2021-texono")
    found = weighing.evidence(analysis, "mu_nu_e", LogUniform(low=0.1, high=40.0), level=LEVEL)
    target = marginal(analysis)
    u = (np.arange(300) + 0.5) / 300
    grid = np.stack(np.meshgrid(0.1 * 400**u, 0.001 * 2600**u, indexing="ij"), axis=-1).reshape(-1, 2)
    mean = special.logsumexp(target.log_likelihood(grid)) - np.log(len(grid))
    assert found.log_evidence == pytest.approx(mean, abs=1e-3)
    assert found.error < 2e-4
    # Without a signal the mass does not matter.
    nothing = float(target.log_likelihood(np.array([[0.0, 0.01]]))[0])
    assert found.log_bayes_factor == pytest.approx(found.log_evidence - nothing, abs=1e-9)


def test_clear_errors(xenon):
    with pytest.raises(DeclarationError, match="did you mean 'mu_nu_mu'"):
        weighing.evidences(xenon, "mu_nu_m", level=LEVEL)
    with pytest.raises(DeclarationError, match=r"nuisances.sin2_theta_12"):
        weighing.evidences(bn.load("sterile-dipole-xenon1t"), "lambda_14", level=LEVEL)
    with pytest.raises(DeclarationError, match="5 free parameters"):
        weighing.evidences(bn.load("coherent-csi-full"), "lambda_1", level=LEVEL)


def test_answers_are_plain_records(answers):
    rows = weighing.as_rows(list(answers.values()))
    assert msgspec.json.decode(msgspec.json.encode(rows))[0]["prior"] == "uniform(0, 50)"


# --- by nested sampling -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "held", "parameter"),
    [("sterile2021-xenon1t", {"m4": 0.01}, "mu_nu_mu"), ("sterile2021-texono", {}, "mu_nu_e")],
)
def test_nested_sampling_agrees_with_a_quadrature_of_one_and_of_two_parameters(name, held, parameter):
    analysis = bn.load(name).fix(**held) if held else bn.load(name)
    prior = LogUniform(low=0.1, high=40.0)
    exact = weighing.evidence(analysis, parameter, prior, level=LEVEL)
    found = weighing.evidence(analysis, parameter, prior, level=LEVEL, method="nested", options=SHORT)
    assert 0 < found.error < 0.04
    assert abs(found.log_evidence - exact.log_evidence) < 4 * found.error
    assert abs(found.log_bayes_factor - exact.log_bayes_factor) < 4 * found.error
    low, high = exact.equal_tailed
    assert found.equal_tailed == pytest.approx((low, high), rel=0.1)


def test_nested_sampling_takes_what_a_quadrature_cannot():
    prior = Uniform(low=0.0, high=200.0)
    found = weighing.evidence(
        bn.load("coherent-csi-full"), "lambda_1", prior, level=LEVEL, method="nested", options=SHORT
    )
    # No signal, five parameters: the standard model is preferred, by what the prior is too wide.
    assert found.log_bayes_factor < -3 * found.error
    with pytest.raises(DeclarationError, match="--method nested"):
        weighing.evidence(bn.load("coherent-csi-full"), "lambda_1", prior, level=LEVEL)


def test_nested_runs_that_disagree_are_no_evidence(xenon, monkeypatch):
    runs = [nested.Run(np.zeros((1, 1)), value, 1e4, 0, True) for value in (0.0, 1.0)]
    monkeypatch.setattr(weighing.nested, "sample_each", lambda *_, **__: [runs])
    with pytest.raises(ConvergenceError, match=r"nested runs give 0\.000, 1\.000"):
        weighing.evidence(xenon, "mu_nu_mu", Uniform(low=0.0, high=50.0), level=LEVEL, method="nested")


# --- where it runs ----------------------------------------------------------------------------------------------------


def test_an_executor_weighs_the_priors_beside_each_other(xenon, answers, recording):
    found = weighing.evidences(xenon, "mu_nu_mu", level=LEVEL, executor=recording)
    assert recording.functions == ["by_quadrature"] * 4  # Three priors, and no signal.
    assert found == tuple(answers.values())


def quick(space, options, seed, checkpoint):
    """A run that depends on its cube and its seed alone."""
    rng = np.random.default_rng(seed)
    u = rng.uniform(size=(rng.integers(50, 60), space.dimensions))
    return nested.Run(u, float(space.log_likelihood(u).mean()), 1e-2, 100, True)


def test_an_executor_takes_the_nested_runs_of_all_priors(recording, monkeypatch):
    """Two parameters, so that there is something to integrate without a signal too."""
    monkeypatch.setattr(nested, "run", quick)
    analysis = bn.load("sterile2021-texono")

    def weigh(executor):
        return weighing.evidences(analysis, "mu_nu_e", level=LEVEL, method="nested", seed=3, executor=executor)

    found = weigh(recording)
    assert recording.functions == ["quick"] * 4 * nested.Options().runs
    assert found == weigh(None)
    # The seeds of a cube are those that it has alone.
    prior = weighing.named_priors(found[1].low, found[1].high)["square"]
    assert found[1] == weighing.evidence(analysis, "mu_nu_e", prior, level=LEVEL, method="nested", seed=3)


def test_an_error_in_a_worker_is_the_same_error(xenon, monkeypatch):
    monkeypatch.setattr(weighing, "TOLERANCE", 0.0)
    monkeypatch.setattr(weighing, "PANELS", {1: (2, 2)})
    with executors.executor("serial") as pool, pytest.raises(ConvergenceError, match="panels were doubled"):
        weighing.evidences(xenon, "mu_nu_mu", level=LEVEL, executor=pool)


def test_the_executor_of_the_command_line_is_used(recording, answers, monkeypatch):
    monkeypatch.setattr(executors, "executor", lambda text: {"processes:3": recording}[text])
    command = ["evidence", "sterile2021-xenon1t", "--parameter", "mu_nu_mu", "--set", "m4=0.01", "--format", "json"]
    done = CliRunner().invoke(main, [*command, "--executor", "processes:3", "--quiet"])
    assert done.exit_code == 0, done.output
    assert len(recording.functions) == 4
    rows = json.loads(done.output)["priors"]
    assert [row["log_evidence"] for row in rows] == [answer.log_evidence for answer in answers.values()]
