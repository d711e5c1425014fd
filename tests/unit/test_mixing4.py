"""Mixing of four neutrinos against the product of complex rotations."""

import cmath
import math

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesnu.physics import mixing4
from bayesnu.physics.mixing import pmns
from bayesnu.physics.mixing4 import Angles, Phases, active_rows, antineutrino_row, unitary_rows

PLANES = {"12": (0, 1), "13": (0, 2), "23": (1, 2), "14": (0, 3), "24": (1, 3), "34": (2, 3)}
RNG = np.random.default_rng(2109)
POINTS = [(RNG.uniform(0, math.pi / 2, 6), RNG.uniform(-math.pi, math.pi, 4)) for _ in range(25)]


def turn(angle, xp=np):
    return xp.cos(angle), xp.sin(angle)


def rows_at(rows, thetas, deltas, xp=np):
    return rows(Angles(*(turn(thetas[i], xp) for i in range(6))), Phases(*(turn(deltas[i], xp) for i in range(4))))


def as_complex(rows):
    return np.array([[complex(*element) for element in row] for row in rows])


def rotation(i, j, angle, phase):
    matrix = np.eye(4, dtype=complex)
    matrix[i, i] = matrix[j, j] = math.cos(angle)
    matrix[i, j] = math.sin(angle) * cmath.exp(-1j * phase)
    matrix[j, i] = -math.sin(angle) * cmath.exp(1j * phase)
    return matrix


def product_of_rotations(thetas, deltas):
    """R34 R24 R14 R23 R13 R12."""
    phases = dict(zip(("13", "14", "24", "34"), deltas, strict=True))
    product = np.eye(4)
    for (name, plane), theta in zip(PLANES.items(), thetas, strict=True):
        product = rotation(*plane, theta, phases.get(name, 0.0)) @ product
    return product


@pytest.mark.parametrize(("thetas", "deltas"), POINTS)
def test_mixing_is_unitary_and_a_product_of_rotations(thetas, deltas):
    u = as_complex(rows_at(unitary_rows, thetas, deltas))
    np.testing.assert_allclose(u @ u.conj().T, np.eye(4), atol=1e-14)
    np.testing.assert_allclose(u, product_of_rotations(thetas, deltas), atol=1e-14)
    np.testing.assert_array_equal(as_complex(rows_at(active_rows, thetas, deltas)), u[:3])


@pytest.mark.parametrize(("thetas", "deltas"), POINTS[:5])
def test_without_a_sterile_neutrino_the_matrix_is_that_of_three(thetas, deltas):
    angles = Angles(*(turn(theta) for theta in thetas[:3]))
    four = as_complex(unitary_rows(angles, Phases(d13=turn(deltas[0]))))
    three = as_complex(pmns(*np.sin(thetas[:3]) ** 2, turn(deltas[0]), np))
    np.testing.assert_allclose(four[:3, :3], three, atol=1e-15)
    np.testing.assert_array_equal(four[3], [0, 0, 0, 1])
    np.testing.assert_array_equal(four[:3, 3], 0)


def test_mixing_with_the_fourth_state():
    (thetas, deltas), k = POINTS[0], as_complex(rows_at(active_rows, *POINTS[0]))
    s, c = np.sin(thetas), np.cos(thetas)
    assert k[0, 3] == pytest.approx(s[3] * cmath.exp(-1j * deltas[1]))
    assert k[0, 2] == pytest.approx(c[3] * s[1] * cmath.exp(-1j * deltas[0]))
    assert k[1, 3] == pytest.approx(c[3] * s[4] * cmath.exp(-1j * deltas[2]))
    assert k[2, 3] == pytest.approx(c[3] * c[4] * s[5] * cmath.exp(-1j * deltas[3]))


@pytest.mark.parametrize(("thetas", "deltas"), POINTS[:5])
def test_electrons_and_muons_do_not_see_the_last_rotation(thetas, deltas):
    full = as_complex(rows_at(active_rows, thetas, deltas))
    thetas, deltas = thetas.copy(), deltas.copy()
    thetas[5] = deltas[3] = 0.3
    np.testing.assert_allclose(as_complex(rows_at(active_rows, thetas, deltas))[:2], full[:2], atol=1e-15)


def test_a_phase_of_zero_and_no_phase_agree():
    thetas = POINTS[0][0]
    angles = Angles(*(turn(theta) for theta in thetas))
    none, zero = (as_complex(unitary_rows(angles, p)) for p in (Phases(), Phases(*[turn(0.0)] * 4)))
    np.testing.assert_allclose(none, zero, atol=1e-16)


def test_angles_from_their_squared_sines():
    np.testing.assert_allclose(mixing4.turn_of_sin2(np.sin(0.7) ** 2, np), turn(0.7), rtol=1e-14)


def test_antineutrinos_have_the_conjugate_row():
    row = rows_at(active_rows, *POINTS[0])[1]
    np.testing.assert_array_equal(as_complex([antineutrino_row(row)]), as_complex([row]).conj())


def test_arrays_have_their_points_on_the_last_axis():
    thetas, deltas = (np.array(column).T for column in zip(*POINTS, strict=True))
    together = rows_at(unitary_rows, thetas, deltas)
    for n, point in enumerate(POINTS):
        here = [[complex(*(np.broadcast_to(part, len(POINTS))[n] for part in x)) for x in row] for row in together]
        np.testing.assert_allclose(here, as_complex(rows_at(unitary_rows, *point)), atol=1e-15)


def test_symbolic_tensors_give_the_same_numbers():
    thetas, deltas = pt.dvector("thetas"), pt.dvector("deltas")
    rows = rows_at(unitary_rows, thetas, deltas, pt)
    parts = [pt.as_tensor_variable(part) for row in rows for element in row for part in element]
    compiled = pytensor.function([thetas, deltas], parts, mode="FAST_COMPILE")
    for point in POINTS[:5]:
        expected = np.array(rows_at(unitary_rows, *point)).ravel()
        np.testing.assert_allclose(compiled(*point), expected, rtol=1e-13, atol=1e-15)
