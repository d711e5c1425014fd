"""Effective moments against every closed form of arXiv:1905.03750, Eqs 10 to 19."""

from math import cos, sin
from typing import NamedTuple

import numpy as np
import pytensor.tensor as pt
import pytest

from bayesnu.physics.mixing import Pair, pmns
from bayesnu.physics.moments import effective_moment_squared, transition_matrix

E, MU, TAU = range(3)


class Point(NamedTuple):
    """Mixing angles, CP phase, moduli and phases of the moments."""

    t12: float
    t13: float
    t23: float
    delta: float
    size: tuple[float, float, float]
    zeta: tuple[float, float, float]


def random_points(count=60, seed=1905):
    rng = np.random.default_rng(seed)
    return [
        Point(
            *rng.uniform(0, np.pi / 2, 3),
            rng.uniform(-np.pi, np.pi),
            tuple(rng.uniform(0, 3, 3)),
            tuple(rng.uniform(-np.pi, np.pi, 3)),
        )
        for _ in range(count)
    ]


POINTS = random_points()


def mixing(p):
    squares = (sin(theta) ** 2 for theta in (p.t12, p.t13, p.t23))
    return pmns(*squares, (cos(p.delta), sin(p.delta)), np)


def moments(p):
    return [Pair(size * cos(z), size * sin(z)) for size, z in zip(p.size, p.zeta, strict=True)]


def ours(p, flavour):
    return effective_moment_squared(mixing(p)[flavour], transition_matrix(moments(p)))


def complex_matrix(pairs):
    return np.array([[complex(*element) for element in row] for row in pairs])


def flavour_moments(p):
    """|Lambda_e|, |Lambda_mu|, |Lambda_tau| squared: lambda = U* lambda_mass U^dagger, Eqs 6, 8."""
    u, mass = complex_matrix(mixing(p)), complex_matrix(transition_matrix(moments(p)))
    flavour = u.conj() @ mass @ u.conj().T
    np.testing.assert_allclose(flavour, -flavour.T, atol=1e-13)
    return abs(flavour[MU, TAU]) ** 2, abs(flavour[TAU, E]) ** 2, abs(flavour[E, MU]) ** 2


def close(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12)


# --- the closed forms -----------------------------------------------------------------------------


def equation_11(p):
    l1, l2, l3 = p.size
    z1, z2, z3 = p.zeta
    s12, c12, s13, c13 = sin(p.t12), cos(p.t12), sin(p.t13), cos(p.t13)
    return (
        l1**2
        + l2**2
        + l3**2
        - c12**2 * c13**2 * l1**2
        - s12**2 * c13**2 * l2**2
        - s13**2 * l3**2
        - c13**2 * sin(2 * p.t12) * l1 * l2 * cos(z1 - z2)
        - c12 * sin(2 * p.t13) * l1 * l3 * cos(p.delta + z1 - z3)
        - s12 * sin(2 * p.t13) * l2 * l3 * cos(p.delta + z2 - z3)
    )


def xi(p):
    z1, z2, z3 = p.zeta
    return z3 - z2, z3 - z1, z1 - z2


def equation_12(p):
    l1, l2, l3 = p.size
    xi1, xi2, xi3 = xi(p)
    s12, c12, s13, c13 = sin(p.t12), cos(p.t12), sin(p.t13), cos(p.t13)
    return (
        l1**2
        + l2**2
        + l3**2
        - c12**2 * c13**2 * l1**2
        - s12**2 * c13**2 * l2**2
        - s13**2 * l3**2
        - c13**2 * sin(2 * p.t12) * l1 * l2 * cos(xi3)
        - c12 * sin(2 * p.t13) * l1 * l3 * cos(p.delta - xi2)
        - s12 * sin(2 * p.t13) * l2 * l3 * cos(p.delta - xi1)
    )


def equation_17(p):
    l1, l2, l3 = p.size
    xi1, xi2, xi3 = xi(p)
    s12, c12, s13, c13 = sin(p.t12), cos(p.t12), sin(p.t13), cos(p.t13)
    s23, c23, d = sin(p.t23), cos(p.t23), p.delta
    return (
        l1**2 * (-2 * c12 * c23 * s12 * s13 * s23 * cos(d) + s23**2 * (c13**2 + s12**2 * s13**2) + c12**2 * c23**2)
        + l2**2 * (2 * c12 * c23 * s13 * s23 * s12 * cos(d) + c23**2 * s12**2 + s23**2 * (c12**2 * s13**2 + c13**2))
        + l3**2 * (c23**2 + s13**2 * s23**2)
        + 2
        * l1
        * l2
        * (
            c23 * c12**2 * s13 * s23 * cos(d + xi3)
            - c23 * s12**2 * s13 * s23 * cos(d - xi3)
            + c12 * s12 * (c23**2 - s13**2 * s23**2) * cos(xi3)
        )
        + 2 * l1 * l3 * c13 * s23 * (c12 * s13 * s23 * cos(d - xi2) + c23 * s12 * cos(xi2))
        + 2 * l2 * l3 * c13 * s23 * (s12 * s13 * s23 * cos(d - xi1) - c12 * c23 * cos(xi1))
    )


def equation_18(p):
    l1, l2, l3 = p.size
    xi1, xi2, xi3 = xi(p)
    s12, c12, s13, c13 = sin(p.t12), cos(p.t12), sin(p.t13), cos(p.t13)
    return (
        l1**2 * (c13**2 * s12**2 + s13**2)
        + l2**2 * (c12**2 * c13**2 + s13**2)
        + l3**2 * c13**2
        - l1 * l2 * c13**2 * sin(2 * p.t12) * cos(xi3)
        - l1 * l3 * c12 * sin(2 * p.t13) * cos(p.delta - xi2)
        - l2 * l3 * s12 * sin(2 * p.t13) * cos(p.delta - xi1)
    )


def equation_19(p):
    l1, l2, l3 = p.size
    xi1, xi2, xi3 = xi(p)
    s12, c12, s13, c13 = sin(p.t12), cos(p.t12), sin(p.t13), cos(p.t13)
    s23, c23, d = sin(p.t23), cos(p.t23), p.delta
    return (
        l1**2 * (-2 * c12 * c23 * s12 * s13 * s23 * cos(d) + s23**2 * (c13**2 + s12**2 * s13**2) + c12**2 * c23**2)
        + l2**2 * (2 * c12 * c23 * s12 * s13 * s23 * cos(d) + s23**2 * (c13**2 + c12**2 * s13**2) + s12**2 * c23**2)
        + l3**2 * (2 * c13**2 * cos(2 * p.t23) - cos(2 * p.t13) + 3) / 4
        + 2
        * l1
        * l2
        * (
            c23 * s13 * s23 * (c12**2 * cos(d + xi3) - s12**2 * cos(d - xi3))
            + c12 * c23**2 * s12 * cos(xi3)
            - c12 * s12 * s13**2 * s23**2 * cos(xi3)
        )
        + 2 * l1 * l3 * c13 * s23 * (c12 * s13 * s23 * cos(d - xi2) + c23 * s12 * cos(xi2))
        + 2 * l2 * l3 * c13 * s23 * (s12 * s13 * s23 * cos(d - xi1) - c12 * c23 * cos(xi1))
    )


def test_electron_flavour_in_the_flavour_basis():
    for p in POINTS:
        _, moment_mu, moment_tau = flavour_moments(p)
        assert ours(p, E) == close(moment_mu + moment_tau)  # Eq 10, and Eq 16 for nu_e


def test_muon_flavour_in_the_flavour_basis():
    for p in POINTS:
        moment_e, _, moment_tau = flavour_moments(p)
        assert ours(p, MU) == close(moment_e + moment_tau)  # Eq 15, and Eq 16 for nubar_mu


@pytest.mark.parametrize(
    ("equation", "flavour"),
    [(equation_11, E), (equation_12, E), (equation_18, E), (equation_17, MU), (equation_19, MU)],
    ids=lambda v: getattr(v, "__name__", v),
)
def test_mass_basis(equation, flavour):
    for p in POINTS:
        assert ours(p, flavour) == close(equation(p))


def aligned(p):
    """The same point with the phases at which all cosines of Eq 12 are one."""
    _, z2, _ = p.zeta
    return p._replace(zeta=(z2, z2, z2 + p.delta))


def test_aligned_phases():
    for p in map(aligned, POINTS):
        l1, l2, l3 = p.size
        s12, c12, s13, c13 = sin(p.t12), cos(p.t12), sin(p.t13), cos(p.t13)
        overlap = c12 * c13 * l1 + s12 * c13 * l2 + s13 * l3
        assert ours(p, E) == close(l1**2 + l2**2 + l3**2 - overlap**2)  # Eq 13


def test_reactors_are_blind_to_one_direction():
    for p in map(aligned, POINTS):
        s12, c12, s13, c13 = sin(p.t12), cos(p.t12), sin(p.t13), cos(p.t13)
        blind = p._replace(size=(1.7 * c12 * c13, 1.7 * s12 * c13, 1.7 * s13))
        assert ours(blind, E) == pytest.approx(0, abs=1e-12)  # Eq 14
        assert ours(blind, MU) == close(1.7**2)


# --- identities -----------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", [E, MU, TAU])
def test_all_that_is_not_along_the_flavour(flavour):
    # mu^2 = sum |L|^2 - |sum_i U_ai L_i|^2
    for p in POINTS:
        vector = np.array([complex(*moment) for moment in moments(p)])
        row = complex_matrix(mixing(p))[flavour]
        assert ours(p, flavour) == close(np.sum(abs(vector) ** 2) - abs(row @ vector) ** 2)


@pytest.mark.parametrize("flavour", [E, MU, TAU])
def test_neutrinos_and_antineutrinos_of_one_flavour_agree(flavour):
    # Eq 9 with one amplitude: a_- with lambda^dagger lambda, a_+ with lambda lambda^dagger.
    for p in POINTS:
        u, mass = complex_matrix(mixing(p)), complex_matrix(transition_matrix(moments(p)))
        minus, plus = u.conj().T[:, flavour], u.T[:, flavour]
        assert ours(p, flavour) == close((minus.conj() @ mass.conj().T @ mass @ minus).real)
        assert ours(p, flavour) == close((plus.conj() @ mass @ mass.conj().T @ plus).real)


def test_flavours_add_to_the_trace():
    for p in POINTS:
        assert sum(ours(p, flavour) for flavour in range(3)) == close(2 * sum(np.square(p.size)))


def test_one_real_moment_at_a_time():
    # Eq 36 and Table II read one moment alone: (1 - |U_ai|^2) |L_i|^2.
    p = POINTS[0]
    for i in range(3):
        alone = [Pair(2.5, 0.0) if j == i else Pair(0.0, 0.0) for j in range(3)]
        share = abs(complex_matrix(mixing(p))[MU, i]) ** 2
        found = effective_moment_squared(mixing(p)[MU], transition_matrix(alone))
        assert found == close((1 - share) * 2.5**2)


def test_matrix_is_antisymmetric_with_plain_zeros_on_the_diagonal():
    matrix = transition_matrix([Pair(1.0, 2.0), Pair(3.0, 4.0), Pair(5.0, 6.0)])
    for i in range(3):
        assert matrix[i][i] == (0.0, 0.0)
        for j in range(3):
            assert complex(*matrix[i][j]) == -complex(*matrix[j][i])
    assert [matrix[0][1], matrix[1][2], matrix[2][0]] == [(5.0, 6.0), (1.0, 2.0), (3.0, 4.0)]


def test_arrays_and_no_moment_at_all():
    phase = np.linspace(0, 6, 5)
    u = pmns(0.32, 0.0216, 0.547, (np.cos(phase), np.sin(phase)), np)
    many = effective_moment_squared(u[E], transition_matrix([Pair(1.0, 0.5)] * 3))
    assert many.shape == (5,)
    assert effective_moment_squared(u[E], transition_matrix([Pair(0.0, 0.0)] * 3)) == 0.0


def test_four_neutrinos():
    rng = np.random.default_rng(4)
    upper = np.triu(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)), 1)
    mass = upper - upper.T
    row = rng.normal(size=4) + 1j * rng.normal(size=4)
    found = effective_moment_squared(
        [Pair(x.real, x.imag) for x in row],
        [[Pair(x.real, x.imag) for x in line] for line in mass],
    )
    assert found == close(np.sum(abs(row.conj() @ mass) ** 2))


def test_absent_moments_stay_out_of_the_graph():
    size = pt.dscalar("size")
    u = pmns(0.32, 0.0216, 0.547, (1.0, 0.0), np)
    one = transition_matrix([Pair(size, 0.0), Pair(0.0, 0.0), Pair(0.0, 0.0)])
    all_three = transition_matrix([Pair(size, 0.0)] * 3)
    shorter, longer = (effective_moment_squared(u[E], matrix) for matrix in (one, all_three))
    assert count_nodes(shorter) < count_nodes(longer) / 2
    found = shorter.eval({size: 2.0}, mode="FAST_COMPILE")
    assert found == pytest.approx(4 * (1 - 0.68 * (1 - 0.0216)))


def count_nodes(variable):
    return 0 if variable.owner is None else 1 + sum(map(count_nodes, variable.owner.inputs))
