"""The printed coefficients of arXiv:2109.09545 against the matrix formula, and where they part."""

import numpy as np
import pytest

from bayesnu.physics import coefficients4
from bayesnu.physics.coefficients4 import Entry, largest_deviation, printed_entries
from bayesnu.physics.coefficients4_electron import Point
from bayesnu.physics.moments4 import SIGN_13

EXACT = [entry for entry in printed_entries() if entry.table not in ("Eq9", "Eq10")]
APPROXIMATE = [entry for entry in printed_entries() if entry.table in ("Eq9", "Eq10")]
TABLES = [entry for entry in printed_entries() if entry.table in ("I", "II")]
EXACTLY_ZERO = {"12,34", "13,24", "14,23"}
FLIPPED = {Entry(table, row) for table in ("I", "II") for row in ("12,13", "13,14", "13,23", "13,34")}


def rng():
    return np.random.default_rng(2021)


def test_there_are_as_many_entries_as_printed():
    assert len(TABLES) == 42
    assert len(EXACT) == 48
    assert len(set(printed_entries())) == 54
    assert TABLES[0] == ("I", "12,12")
    assert TABLES[-1] == ("II", "24,34")


@pytest.mark.parametrize("entry", EXACT, ids="-".join)
def test_printed_coefficients_hold_with_the_sign_of_the_tables(entry):
    assert largest_deviation(entry, rng()) < 1e-12


@pytest.mark.parametrize("entry", TABLES, ids="-".join)
def test_with_the_sign_of_the_matrix_eight_entries_have_the_wrong_sign(entry):
    deviation = largest_deviation(entry, rng(), sign_13=SIGN_13["matrix"])
    assert (deviation > 1e-12) == (entry in FLIPPED)
    if entry in FLIPPED:
        point = coefficients4.random_point(rng(), 50)
        printed = coefficients4.printed_coefficient(entry, point)
        ours = coefficients4.matrix_coefficient(entry, point, SIGN_13["matrix"])
        np.testing.assert_allclose(printed, -ours, atol=1e-12)


def test_entries_printed_as_zero():
    found = {e.row for e in TABLES if not coefficients4.printed_coefficient(e, random_point()).any()}
    assert found == EXACTLY_ZERO


def random_point():
    return coefficients4.random_point(rng(), 50)


def mirrored(point):
    """The point at which the mixing matrix, and nothing else, is the complex conjugate."""
    return point._replace(delta=-point.delta, delta_14=-point.delta_14)


def test_the_conjugate_of_the_mixing_matrix_is_needed():
    point, sign = random_point(), SIGN_13["tables"]
    failing = [
        entry
        for entry in TABLES
        if np.max(
            np.abs(
                coefficients4.printed_coefficient(entry, point)
                - coefficients4.matrix_coefficient(entry, mirrored(point), sign)
            )
        )
        > 1e-12
    ]
    assert len(failing) == 22


# --- small angles of the sterile neutrino -----------------------------------------------------------------------------


@pytest.mark.parametrize("entry", APPROXIMATE, ids="-".join)
def test_the_approximate_equations_are_exact_without_mixing(entry):
    assert largest_deviation(entry, rng()) < 1e-12


def point_of_the_paper():
    """sin^2 theta_i4 = 0.01 for every delta and delta_14, and the angles of a global fit."""
    delta, delta_14 = (axis.ravel() for axis in np.meshgrid(*[np.linspace(-np.pi, np.pi, 61)] * 2))
    theta = [np.full_like(delta, np.arcsin(np.sqrt(s))) for s in (0.318, 0.022, 0.574, 0.01, 0.01)]
    return Point(*theta, delta, delta_14, tuple(np.zeros_like(delta) for _ in range(6)))


@pytest.mark.parametrize(
    ("entry", "error", "tolerance"),
    [
        (Entry("Eq9", "14,14"), -0.005, 5e-4),
        (Entry("Eq9", "24,24"), -0.022, 5e-4),
        (Entry("Eq9", "34,34"), -0.31, 5e-3),
        (Entry("Eq10", "14,14"), -0.15, 5e-3),
        (Entry("Eq10", "24,24"), -0.054, 5e-4),
        (Entry("Eq10", "34,34"), -0.011, 5e-4),
    ],
    ids=lambda v: "-".join(v) if isinstance(v, Entry) else "",
)
def test_errors_of_the_approximate_equations_at_the_largest_mixing(entry, error, tolerance):
    point = point_of_the_paper()
    ratio = coefficients4.printed_coefficient(entry, point) / coefficients4.matrix_coefficient(entry, point, 1.0)
    worst = (ratio - 1)[np.argmax(np.abs(ratio - 1))]
    assert worst == pytest.approx(error, abs=tolerance)


def test_equations_7_and_8_repeat_the_tables():
    point = random_point()
    for equation, table in (("Eq7", "I"), ("Eq8", "II")):
        for row in ("14,14", "24,24", "34,34"):
            printed = coefficients4.printed_coefficient(Entry(equation, row), point)
            np.testing.assert_allclose(printed, coefficients4.printed_coefficient(Entry(table, row), point), atol=1e-14)
