"""The mixing matrix and the complex arithmetic on pairs."""

import cmath
import math

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesnu.physics.mixing import Pair, conjugate, modulus_squared, pmns, times
from bayesnu.physics.moments import effective_moment_squared, transition_matrix


def as_complex(matrix):
    return np.array([[complex(element.re, element.im) for element in row] for row in matrix])


def rotation(i, j, angle, phase=0.0):
    matrix = np.eye(3, dtype=complex)
    matrix[i, i] = matrix[j, j] = math.cos(angle)
    matrix[i, j] = math.sin(angle) * cmath.exp(-1j * phase)
    matrix[j, i] = -math.sin(angle) * cmath.exp(1j * phase)
    return matrix


def random_angles(count, seed=11):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(0, math.pi / 2, (count, 3)), rng.uniform(-4, 4, count)])


def matrix_at(theta_12, theta_13, theta_23, delta):
    squares = (math.sin(theta) ** 2 for theta in (theta_12, theta_13, theta_23))
    return pmns(*squares, (math.cos(delta), math.sin(delta)), np)


def test_pairs_multiply_like_complex_numbers():
    rng = np.random.default_rng(3)
    a, b = (Pair(*rng.normal(size=(2, 40))) for _ in range(2))
    product = (a.re + 1j * a.im) * (b.re + 1j * b.im)
    np.testing.assert_allclose(times(a, b), (product.real, product.imag), rtol=1e-12, atol=1e-14)
    assert conjugate(Pair(1.0, 2.0)) == (1.0, -2.0)
    assert modulus_squared(Pair(3.0, -4.0)) == 25.0


@pytest.mark.parametrize("angles", random_angles(25))
def test_mixing_matrix_is_unitary_and_a_product_of_rotations(angles):
    theta_12, theta_13, theta_23, delta = angles
    u = as_complex(matrix_at(*angles))
    np.testing.assert_allclose(u @ u.conj().T, np.eye(3), atol=1e-14)
    product = rotation(1, 2, theta_23) @ rotation(0, 2, theta_13, delta) @ rotation(0, 1, theta_12)
    np.testing.assert_allclose(u, product, atol=1e-14)


def test_known_elements():
    u = as_complex(pmns(0.320, 0.0216, 0.547, (0.0, 1.0), np))
    assert abs(u[0, 2]) ** 2 == pytest.approx(0.0216)
    assert abs(u[0, 1]) ** 2 == pytest.approx(0.320 * 0.9784)
    assert abs(u[1, 2]) ** 2 == pytest.approx(0.547 * 0.9784)
    # delta = pi/2: U_e3 = -i s13.
    assert u[0, 2] == pytest.approx(-1j * math.sqrt(0.0216))


def test_jarlskog_invariant_has_the_sign_of_sine_delta():
    theta_12, theta_13, theta_23, delta = 0.6, 0.15, 0.8, 1.1
    u = as_complex(matrix_at(theta_12, theta_13, theta_23, delta))
    found = (u[0, 0] * u[1, 1] * u[0, 1].conj() * u[1, 0].conj()).imag
    # PDG: Im(U_e1 U_mu2 U_e2* U_mu1*) = c12 s12 c23 s23 c13^2 s13 sin(delta).
    pairs = math.sin(2 * theta_12) * math.sin(2 * theta_23) / 4
    expected = pairs * math.cos(theta_13) ** 2 * math.sin(theta_13) * math.sin(delta)
    assert found == pytest.approx(expected, rel=1e-12)


def test_mixing_matrix_of_arrays():
    angles = random_angles(6)
    squares = np.sin(angles[:, :3].T) ** 2
    delta = (np.cos(angles[:, 3]), np.sin(angles[:, 3]))
    u = pmns(*squares, delta, np)
    single = matrix_at(*angles[4])
    for row, expected in zip(u, single, strict=True):
        for element, number in zip(row, expected, strict=True):
            assert np.broadcast_to(element.re, 6)[4] == pytest.approx(number.re, abs=1e-15)
            assert np.broadcast_to(element.im, 6)[4] == pytest.approx(number.im, abs=1e-15)


def test_symbolic_tensors_give_the_same_numbers_and_a_gradient():
    point = np.array([0.32, 0.0216, 0.547, 0.4, 1.0, 2.0, 3.0, 0.3, -0.7, 1.9])

    def moment_squared(x, xp):
        u = pmns(x[0], x[1], x[2], (xp.cos(x[3]), xp.sin(x[3])), xp)
        moments = [Pair(x[4 + i] * xp.cos(x[7 + i]), x[4 + i] * xp.sin(x[7 + i])) for i in range(3)]
        return effective_moment_squared(u[1], transition_matrix(moments))

    x = pt.dvector("x")
    symbolic = moment_squared(x, pt)
    compiled = pytensor.function([x], [symbolic, pt.grad(symbolic, x)], mode="FAST_COMPILE")
    value, gradient = compiled(point)
    assert value == pytest.approx(moment_squared(point, np), rel=1e-13)
    step = 1e-6 * np.eye(10)
    slopes = [(moment_squared(point + h, np) - moment_squared(point - h, np)) / 2e-6 for h in step]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-7)
