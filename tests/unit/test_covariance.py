"""Covariances that are known in closed form, and what has none."""

from types import SimpleNamespace

import numpy as np
import pytest

from bayesnu.infer import coordinates
from bayesnu.infer.covariance import best_fit, covariance
from bayesnu.infer.minimise import Minimisation, Minimum
from bayesnu.likelihood import nuisances
from bayesnu.likelihood.analysis import Free
from bayesnu.schema import Circular, Uniform

NAMES = ("a", "b", "c")
TRUE = np.array([1.0, -0.5, 2.0])
SPREAD = np.array([[0.04, 0.018, 0.0], [0.018, 0.09, -0.01], [0.0, -0.01, 0.25]])


def quadratic(y):
    pull = np.linalg.solve(SPREAD, y - TRUE)
    return float((y - TRUE) @ pull), 2 * pull


def problem(cost, low=(-9.0, -9.0, -9.0), high=(9.0, 9.0, 9.0), pairs=(), angles=()):
    free = tuple(
        Free(n, "1", Circular() if i in angles else Uniform(low=lo, high=hi), "parameter", "number", 1.0, n)
        for i, (n, lo, hi) in enumerate(zip(NAMES, low, high, strict=True))
    )
    where = coordinates.Coordinates(NAMES, np.array(low), np.array(high), np.array([1.0, 2.0, 0.5]), pairs, angles)
    solved = nuisances.Affine((), np.zeros(0), np.zeros(0), np.ones((1, 1)))
    return Minimisation(SimpleNamespace(free=free), where, solved, cost)


def test_a_quadratic_has_its_own_covariance():
    of = problem(quadratic)
    best = best_fit(of)
    np.testing.assert_allclose(best.x, TRUE, atol=1e-5)
    found = covariance(of, best)
    np.testing.assert_allclose(found["covariance"], SPREAD, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(found["error"], np.sqrt(np.diag(SPREAD)), rtol=1e-3)
    assert set(found["flag"].values) == {""}


def test_a_parameter_at_its_end_gets_no_number_and_the_others_are_given_it():
    of = problem(quadratic, high=(0.5, 9.0, 9.0))
    found = covariance(of, best_fit(of))
    assert found["flag"].values.tolist() == ["at an end of its range: high", "", ""]
    assert np.isnan(found["error"][0])
    assert np.isnan(found["covariance"][0]).all()
    conditional = np.linalg.inv(np.linalg.inv(SPREAD)[1:, 1:])
    np.testing.assert_allclose(found["covariance"][1:, 1:], conditional, rtol=1e-3, atol=1e-5)


def test_a_flat_direction_is_not_reported_as_a_number():
    def flat(y):
        return float((y[0] - 1) ** 2), np.array([2 * (y[0] - 1), 0.0, 0.0])

    found = covariance(problem(flat), Minimum(0.0, np.array([1.0, 0.0, 0.0])))
    assert np.isnan(found["covariance"]).all()
    assert set(found["flag"].values) == {"HESSE is not positive"}


def test_a_saddle_is_not_reported_as_a_number():
    def saddle(y):
        return float(y[0] ** 2 - y[1] ** 2 + y[2] ** 2), np.array([2 * y[0], -2 * y[1], 2 * y[2]])

    found = covariance(problem(saddle), Minimum(0.0, np.zeros(3)))
    assert np.isnan(found["covariance"]).all()
    assert all(found["flag"].values)


def test_an_error_that_reaches_an_end_is_none():
    found = covariance(problem(quadratic, low=(0.9, -9.0, -9.0)), Minimum(0.0, TRUE))
    assert found["flag"].values.tolist() == ["its error reaches an end of its range: low", "", ""]
    assert np.isnan(found["covariance"][0]).all()
    assert np.isnan(found["error"][0])
    np.testing.assert_allclose(found["covariance"][1:, 1:], SPREAD[1:, 1:], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("modulus", [2.0, 0.0])
def test_a_modulus_and_its_phase(modulus):
    """Around (Re, Im) = modulus (cos 1, sin 1), each with error 0.1: of the phase it is 0.1 / modulus."""
    centre = np.array([modulus * np.cos(1), modulus * np.sin(1), 0.3])

    def cost(y):
        return float(((y - centre) ** 2).sum() / 0.01), 2 * (y - centre) / 0.01

    of = problem(cost, low=(0.0, -np.inf, -9.0), pairs=((0, 1),), angles=(1,))
    found = covariance(of, best_fit(of))
    assert float(found["error"].sel(parameter="c")) == pytest.approx(0.1, rel=1e-3)
    if modulus:
        assert found["error"].values[:2] == pytest.approx([0.1, 0.1 / modulus], rel=1e-3)
        assert float(found["best"][1]) == pytest.approx(1.0, abs=1e-4)
    else:
        assert np.isnan(found["error"].values[:2]).all()
        assert found["flag"].values.tolist()[1] == "a phase without meaning: a is zero"
