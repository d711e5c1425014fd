"""Profiles of two parameters whose answers are known in closed form."""

import csv
import io
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import bayesnu as bn
from bayesnu.errors import DeclarationError
from bayesnu.infer.contour import profile_pair
from bayesnu.infer.minimise import prepare_numpy
from bayesnu.infer.profile import profile
from bayesnu.report import contours

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
BACKGROUND, VARIANCE, SD = 50.0, 64.0, 0.1
PER_SQUARE = {"nu_mu": 0.5, "nu_e": 0.25}
"""Two moments, each counted by a beam of its own."""


def two_moments(root, observed, name="two", statistic="gaussian", prior_of_dark=None):
    rows = [(flux, "magnetic-moment", 0, n) for flux, n in PER_SQUARE.items()]
    settings = {"variance": [VARIANCE]} if statistic == "gaussian" else {}
    SYNTHETIC.experiment(root, name, rows, [observed], backgrounds={"dark": [BACKGROUND]}, **settings)
    prior = SYNTHETIC.prior("uniform", low=0, high=60)
    dark = prior_of_dark or SYNTHETIC.prior("normal", mean=1, sd=SD)
    SYNTHETIC.model(
        root, name, [name], interaction=["sm", "magnetic-moment-flavour"],
        parameters={n: {"unit": "1e-10 mu_B", "prior": prior} for n in ("mu_nu_mu", "mu_nu_e")},
        nuisances={"dark": {"prior": dark, "scales": {"backgrounds": ["dark"]}}},
        fixed=SYNTHETIC.SM_FIXED | {"mu_nu_tau": {"value": 0.0, "unit": "1e-10 mu_B"}},
    )  # fmt: skip
    return bn.load(name, root=root)


WIDTH = np.sqrt(VARIANCE + (SD * BACKGROUND) ** 2)


def delta_chi2(first, second):
    return ((PER_SQUARE["nu_mu"] * first**2 + PER_SQUARE["nu_e"] * second**2) / WIDTH) ** 2


def test_an_ellipse_in_closed_form(tmp_path):
    found = profile_pair(
        two_moments(tmp_path, BACKGROUND), ("mu_nu_mu", "mu_nu_e"), others="zero", levels=[0.68, 0.90], points=(31, 31)
    )
    first, second = np.meshgrid(found["first"], found["second"], indexing="ij")
    np.testing.assert_allclose(found["delta_chi2"], delta_chi2(first, second), atol=1e-9)
    for contour in contours.contours(found):
        number = {"one-parameter": 1, "two-parameter": 2}[contour.convention]
        assert contour.delta_chi2 == pytest.approx(stats.chi2.ppf(contour.level, number))
        (line,) = contour.lines
        np.testing.assert_allclose(delta_chi2(*line.T), contour.delta_chi2, rtol=0.02)
        ends = [np.sqrt(np.sqrt(contour.delta_chi2) * WIDTH / n) for n in PER_SQUARE.values()]
        assert contours.intercepts(found, contour.delta_chi2) == pytest.approx(ends, rel=2e-3)
        assert [low for low, _ in contour.extent] == [0.0, 0.0]
        assert [high for _, high in contour.extent] == pytest.approx(ends, rel=0.01)


def test_rows_that_are_minimised_give_the_same_in_any_executor(tmp_path):
    """A bounded nuisance has no closed form; far from its ends the answer is the same."""
    bounded = SYNTHETIC.prior("truncated-normal", mean=1, sd=SD, low=0.1, high=1.9)
    analysis = two_moments(tmp_path, BACKGROUND, prior_of_dark=bounded)
    pair, settings = ("mu_nu_mu", "mu_nu_e"), {"others": "zero", "points": (5, 4)}
    found = profile_pair(analysis, pair, **settings)
    first, second = np.meshgrid(found["first"], found["second"], indexing="ij")
    inside = delta_chi2(first, second) < 40
    assert inside.sum() > 10
    np.testing.assert_allclose(found["delta_chi2"].values[inside], delta_chi2(first, second)[inside], atol=1e-6)
    assert (found["reached"] > 1).all()
    elsewhere = profile_pair(analysis, pair, **settings, executor="processes:1")
    for name in found.data_vars:
        np.testing.assert_array_equal(elsewhere[name], found[name])


def test_the_lowest_of_each_column_is_the_profile_of_one(tmp_path):
    analysis = two_moments(tmp_path, BACKGROUND + 20)
    pair = profile_pair(analysis, ("mu_nu_mu", "mu_nu_e"), others="zero", points=(9, 121), ranges=((0, 9), (0, 15)))
    alone = profile(prepare_numpy(analysis), "mu_nu_mu", others="profiled", level=0.90, points=41)
    assert alone["value"][-1] > 9
    lowest = pair["delta_chi2"].min("second")
    expected = np.interp(pair["first"], alone["value"], alone["delta_chi2"])
    np.testing.assert_allclose(lowest, expected, atol=0.02)
    assert pair.attrs["chi2_min"] == pytest.approx(alone.attrs["chi2_min"], abs=1e-9)


def test_the_csv_holds_the_grid(tmp_path):
    found = profile_pair(two_moments(tmp_path, BACKGROUND), ("mu_nu_mu", "mu_nu_e"), others="zero", points=(5, 6))
    rows = [line for line in contours.grid_csv(found).splitlines() if not line.startswith("#")]
    read = list(csv.DictReader(io.StringIO("\n".join(rows))))
    assert [float(r["mu_nu_mu"]) for r in read[::6]] == found["first"].values.tolist()
    assert [float(r["delta_chi2"]) for r in read] == found["delta_chi2"].values.ravel().tolist()


@pytest.mark.parametrize("pair", [("mu_nu_mu", "mu"), ("dark", "mu_nu_e")])
def test_both_are_parameters_of_interest(tmp_path, pair):
    with pytest.raises(DeclarationError, match="mu_nu_mu, mu_nu_e"):
        profile_pair(two_moments(tmp_path, BACKGROUND), pair, others="zero")


def test_a_pair_is_two(tmp_path):
    with pytest.raises(DeclarationError, match="another"):
        profile_pair(two_moments(tmp_path, BACKGROUND), ("mu_nu_mu", "mu_nu_mu"), others="zero")
