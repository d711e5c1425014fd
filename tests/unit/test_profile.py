"""Profiles whose answers are known in closed form."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import bayesnu as bn
from bayesnu.errors import DeclarationError
from bayesnu.infer import minimise, profile
from bayesnu.physics import mixing

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
BACKGROUND, PER_MOMENT, VARIANCE, SD = 50.0, 0.5, 64.0, 0.1
"""N = g B + mu^2 S with g = 1 +- 0.1."""
ANGLES = {f"sin2_theta_{k}": {"value": v, "unit": "1"} for k, v in (("12", 0.32), ("13", 0.0216), ("23", 0.547))}


def counting(root, name, observed, high=60.0, **settings):
    row = ("nu_mu", "magnetic-moment", 0, PER_MOMENT)
    SYNTHETIC.experiment(root, name, [row], [observed], variance=[VARIANCE], backgrounds={"dark": [BACKGROUND]})
    dark = {"prior": SYNTHETIC.prior("normal", mean=1, sd=SD), "scales": {"backgrounds": ["dark"]}}
    prior = SYNTHETIC.prior("uniform", low=0, high=high)
    declared = {
        "interaction": ["sm", "magnetic-moment"],
        "parameters": {"mu_nu": {"unit": "1e-10 mu_B", "prior": prior}},
        "nuisances": {"dark": dark},
    }
    SYNTHETIC.model(root, name, [name], **declared | settings)
    return bn.load(name, root=root)


def moment(excess):
    """The moment that gives this many events."""
    return float(np.sqrt(excess / PER_MOMENT))


@pytest.mark.parametrize("level", [0.68, 0.90, 0.99])
def test_an_upper_limit_without_an_excess(tmp_path, level):
    """The nuisance widens the Gaussian: delta chi2 = (mu^2 S)^2 / (V + (sd B)^2)."""
    found = profile.profile(counting(tmp_path, "none", BACKGROUND), "mu_nu", others="zero", level=level)
    width = np.sqrt(VARIANCE + (SD * BACKGROUND) ** 2)
    threshold = stats.chi2.ppf(level, 1)
    assert found.attrs["limit"] == pytest.approx(moment(np.sqrt(threshold) * width), rel=1e-5)
    assert found.attrs["interval_low"] == 0.0
    assert found.attrs["best"] == pytest.approx(0, abs=1e-2)
    assert found.attrs["threshold"] == pytest.approx(threshold)
    expected = (found["value"] ** 2 * PER_MOMENT / width) ** 2
    np.testing.assert_allclose(found["delta_chi2"], expected, atol=1e-8)


def test_an_interval_around_an_excess(tmp_path):
    excess = 60.0
    found = profile.profile(counting(tmp_path, "excess", BACKGROUND + excess), "mu_nu", others="zero", level=0.90)
    reach = np.sqrt(stats.chi2.ppf(0.90, 1) * (VARIANCE + (SD * BACKGROUND) ** 2))
    assert found.attrs["best"] == pytest.approx(moment(excess), rel=1e-4)
    assert found.attrs["interval_low"] == pytest.approx(moment(excess - reach), rel=1e-4)
    assert found.attrs["limit"] == pytest.approx(moment(excess + reach), rel=1e-4)


def test_a_deficit_is_counted_from_the_wall(tmp_path):
    """With fewer events than background the minimum is at zero, and the limit is counted from there."""
    deficit = 15.0
    found = profile.profile(counting(tmp_path, "deficit", BACKGROUND - deficit), "mu_nu", others="zero", level=0.90)
    variance = VARIANCE + (SD * BACKGROUND) ** 2
    signal = np.sqrt(stats.chi2.ppf(0.90, 1) * variance + deficit**2) - deficit
    assert found.attrs["limit"] == pytest.approx(moment(signal), rel=1e-5)


@pytest.mark.parametrize("high", [60.0, 600.0, 30000.0])
def test_a_shallow_minimum_beside_zero_is_found(tmp_path, high):
    """chi2 has no slope at zero: with two events too many its minimum lies just beside, 0.045 deep."""
    excess = 2.0
    analysis = counting(tmp_path, "shallow", BACKGROUND + excess, high=high)
    found = profile.profile(analysis, "mu_nu", others="zero", level=0.90, points=9)
    reach = np.sqrt(stats.chi2.ppf(0.90, 1) * (VARIANCE + (SD * BACKGROUND) ** 2))
    assert found.attrs["chi2_min"] == pytest.approx(0, abs=1e-9)
    assert found.attrs["best"] == pytest.approx(moment(excess), rel=1e-5)
    assert found.attrs["limit"] == pytest.approx(moment(excess + reach), rel=1e-5)


def test_a_range_that_ends_too_early_gives_no_limit(tmp_path):
    found = profile.profile(counting(tmp_path, "short", BACKGROUND, high=2.0), "mu_nu", others="zero", level=0.90)
    assert np.isnan(found.attrs["limit"])
    assert float(found["value"][-1]) == 2.0


def test_the_prior_of_a_parameter_of_interest_is_absent(tmp_path):
    """Another density on the same range: the same profile."""
    flat = profile.profile(counting(tmp_path, "flat", BACKGROUND), "mu_nu", others="zero", level=0.90)
    prior = SYNTHETIC.prior("square-uniform", low=0, high=60)
    other = counting(tmp_path, "bent", BACKGROUND, parameters={"mu_nu": {"unit": "1e-10 mu_B", "prior": prior}})
    bent = profile.profile(other, "mu_nu", others="zero", level=0.90)
    assert bent.attrs["limit"] == pytest.approx(flat.attrs["limit"], rel=1e-5)


@pytest.mark.parametrize("name", ["mu_mu", "dark"])
def test_only_a_parameter_of_interest_has_a_profile(tmp_path, name):
    with pytest.raises(DeclarationError, match="mu_nu"):
        profile.profile(counting(tmp_path, "names", BACKGROUND), name, others="zero", level=0.90)


# --- several moments --------------------------------------------------------------------------------------------------


def complex_moments(root, nuisances=None, free=("zeta_2", "zeta_3")):
    parameter = {"unit": "1e-10 mu_B", "prior": SYNTHETIC.prior("uniform", low=0, high=40)}
    angle = {"unit": "rad", "prior": {"kind": "circular"}}
    parameters = {f"lambda_{i}": parameter for i in (1, 2, 3)} | dict.fromkeys(free, angle)
    fixed = SYNTHETIC.SM_FIXED | ANGLES | {"delta_cp": {"value": 0.0, "unit": "rad"}}
    return counting(root, "complex", BACKGROUND, interaction=["sm", "tmm"], parameters=parameters, fixed=fixed,
                    nuisances=nuisances or {})  # fmt: skip


def test_other_moments_and_phases_can_only_weaken_a_limit(tmp_path):
    """The prompt beam is blind along L_i ~ conj(U_mu_i), as far as the range of the largest of the three reaches."""
    problem = minimise.prepare_numpy(complex_moments(tmp_path))
    alone = profile.profile(problem, "lambda_1", others="zero", level=0.90, points=9)
    profiled = profile.profile(problem, "lambda_1", others="profiled", level=0.90, points=4)
    row = mixing.pmns(*(ANGLES[f"sin2_theta_{k}"]["value"] for k in ("12", "13", "23")), (1.0, 0.0), np)[1]
    first, second, third = (np.hypot(u.re, u.im) for u in row)
    blind = 40 * first / max(second, third)
    assert alone.attrs["limit"] < blind < profiled.attrs["limit"]
    inside = profiled["value"] < blind
    assert inside.sum() > 1
    np.testing.assert_allclose(profiled["delta_chi2"][inside], 0, atol=1e-4)


def test_the_cp_image_of_a_point_costs_the_same(tmp_path):
    problem = minimise.prepare_numpy(complex_moments(tmp_path))
    where = problem.coordinates
    for x in problem.analysis.sample_prior(5, np.random.default_rng(3)):
        mirrored = minimise.image(where, x)
        assert not np.allclose(mirrored, x)
        costs = [problem.cost(minimise.to_cartesian(where, point))[0] for point in (x, mirrored)]
        assert costs[1] == pytest.approx(costs[0], rel=1e-10)


def test_polar_and_cartesian_are_each_others_inverse(tmp_path):
    where = minimise.prepare_numpy(complex_moments(tmp_path)).coordinates
    analysis = complex_moments(tmp_path)
    for x in analysis.sample_prior(5, np.random.default_rng(5)):
        np.testing.assert_allclose(minimise.to_polar(where, minimise.to_cartesian(where, x)), x, rtol=1e-12)


def test_a_measured_phase_keeps_its_constraint(tmp_path):
    """A phase that is a nuisance, beside the modulus that it turns."""
    measured = {"unit": "rad", "prior": SYNTHETIC.prior("circular", mean=1, concentration=5)}
    analysis = complex_moments(tmp_path, nuisances={"zeta_2": measured}, free=("zeta_3",))
    problem = minimise.prepare_numpy(analysis)
    kept = [analysis.names.index(n) for n in problem.coordinates.names]
    for x in analysis.sample_prior(3, np.random.default_rng(7)):
        cost, _ = problem.cost(minimise.to_cartesian(problem.coordinates, x[kept]))
        assert cost == pytest.approx(float(analysis.chi2(x)), rel=1e-9)
