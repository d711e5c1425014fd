"""Relations between published numbers, against those numbers."""

import numpy as np
import pytest

from bayesnu.physics import derived
from bayesnu.physics.mixing import Pair, pmns

SIN2_13 = 0.0216


# --- tensor couplings and magnetic moments ----------------------------------------------------------------------------

# arXiv:1506.05406, Table 1: couplings of u and d [1e-3] and the moment [1e-12 mu_B], rows e and mu.
TABLE_1 = {
    "e, 20Ne": (8.6, 8.6, "3.0"),
    "e, 40Ar": (8.1, 7.6, "2.7"),
    "e, 76Ge": (7.5, 6.8, "2.5"),
    "e, 132Xe": (9.8, 8.8, "3.2"),
    "mu, 20Ne": (7.1, 7.1, "2.5"),
    "mu, 40Ar": (6.7, 6.3, "2.3"),
    "mu, 76Ge": (6.2, 5.6, "2.1"),
    "mu, 132Xe": (8.1, 7.2, "2.7"),
}


@pytest.mark.parametrize("cell", TABLE_1)
def test_moments_of_printed_couplings_to_the_last_digit(cell: str) -> None:
    up, down, printed = TABLE_1[cell]
    assert f"{derived.moment_limit_of_light_quarks(up * 1e-3, down * 1e-3) / 1e-12:.1f}" == printed


def test_couplings_of_equal_sign_cancel_in_the_literal_sum() -> None:
    literal = derived.moment_of_light_quarks(8.6e-3, 8.6e-3)
    assert literal == pytest.approx(-0.04e-12, abs=0.005e-12)
    opposite = abs(derived.moment_of_light_quarks(8.6e-3, -8.6e-3))
    assert opposite == pytest.approx(derived.moment_limit_of_light_quarks(8.6e-3, 8.6e-3), rel=1e-14)


def test_a_quark_by_hand() -> None:
    # d: 2 sqrt2 G_F = 3.29902e-11 / MeV2; 3 (-1/3) 0.510999 4.8/pi^2 = -0.248520; ln(3.29902e-11 23.04) = -20.99797.
    assert derived.induced_moment(1.0, 4.8, charge=-1 / 3, colours=3) == pytest.approx(
        3.29902e-11 * 0.248520 * 20.99797, rel=1e-5
    )


# arXiv:1506.05406, Table 2: the coupling that gives the moment 0.74e-10 mu_B. Masses [MeV] of the PDG, 2014.
@pytest.mark.parametrize(
    ("mass", "charge", "colours", "printed"),
    [(105.6583745, -1, 1, 2.8e-2), (1776.82, -1, 1, 2.7e-3), (1275.0, 2 / 3, 3, 1.7e-3)],
    ids=["muon", "tau", "charm"],
)
def test_couplings_from_the_reactor_moment(mass: float, charge: float, colours: int, printed: float) -> None:
    assert derived.induced_coupling(7.4e-11, mass, charge, colours) == pytest.approx(printed, rel=0.02)


# --- from one limit to another ----------------------------------------------------------------------------------------


def test_millicharge_of_a_moment() -> None:
    # arXiv:1506.05406, Eq 21: 2.5e-12 mu_B at 400 eV, with the 3e-2 of Eq 20, and with the exact factor.
    assert derived.millicharge_limit(2.5e-12, 0.4, per_root_kev=3e-2) == pytest.approx(4.7e-14, rel=0.02)
    assert derived.millicharge_limit(1.0, 1.0) == pytest.approx(np.sqrt(1 / 1021.998), rel=1e-6)
    assert derived.millicharge_limit(2.5e-12, 0.4) == pytest.approx(4.946e-14, rel=1e-3)


def test_millicharge_and_moment_give_equally_many_recoils() -> None:
    alpha, mass_kev, recoil_kev, moment = 1 / 137.036, 510.999, 0.7, 3e-12
    charge = derived.millicharge_limit(moment, recoil_kev)
    of_charge = 2 * np.pi * alpha**2 * charge**2 / (mass_kev * recoil_kev**2)
    of_moment = np.pi * alpha**2 * moment**2 / (mass_kev**2 * recoil_kev)
    assert of_charge == pytest.approx(of_moment, rel=1e-5)


def test_limits_fall_with_the_fourth_root_of_the_exposure() -> None:
    assert derived.limit_with_exposure(50.0, 16.0) == 25.0
    assert derived.limit_with_exposure(50.0, 1.0) == 50.0


def test_solar_limits() -> None:
    # arXiv:1905.03750, Section 6: 2.8e-11 mu_B and P_e1^(2nu) = 0.604, one modulus at a time.
    squared = [derived.solar_moment_squared(list(modulus), SIN2_13, 0.604) for modulus in np.eye(3)]
    found = 0.28 / np.sqrt(squared)
    np.testing.assert_allclose(found, [0.438, 0.358, 0.283], atol=6e-4)


def test_solar_moment_is_the_incoherent_sum_over_mass_states() -> None:
    moduli, survival = np.array([1.3, 0.4, 2.1]), 0.37
    chance = np.array([(1 - SIN2_13) * survival, (1 - SIN2_13) * (1 - survival), SIN2_13])
    # Mass state i has the squared moment sum of the other two |Lambda|^2.
    expected = float(chance @ (np.sum(moduli**2) - moduli**2))
    assert derived.solar_moment_squared(list(moduli), SIN2_13, survival) == pytest.approx(expected, rel=1e-14)


# --- the smallest moments there are -----------------------------------------------------------------------------------


def test_minimal_moments_against_complex_arithmetic() -> None:
    delta, masses = 1.1, np.array([0.01, 0.0132, 0.0512])
    rows = pmns(0.320, SIN2_13, 0.547, (np.cos(delta), np.sin(delta)), np)
    magnetic, electric = (np.array(m) for m in derived.minimal_majorana_moments(rows, list(masses)))
    u = np.array([[p.re + 1j * p.im for p in row] for row in rows])
    squares = np.diag((np.array([0.51099895, 105.6583755, 1776.86]) / 80377.0) ** 2)
    sums = u.conj().T @ squares @ u
    # 3 e G_F/(16 pi^2 sqrt2) = 3 (1.1663788e-11/MeV2) (2 m_e mu_B)/(16 pi^2 sqrt2) = 1.6014e-19 mu_B/eV.
    unit = 3 * 1.1663788e-11 * 2 * 0.51099895 / (16 * np.pi**2 * np.sqrt(2)) * 1e-6
    assert unit == pytest.approx(1.6014e-19, rel=1e-4)
    total, difference = masses[:, None] + masses, masses[:, None] - masses
    np.testing.assert_allclose(magnetic, -unit * total * sums.imag, atol=1e-9 * np.abs(magnetic).max())
    np.testing.assert_allclose(electric, unit * difference * sums.real, atol=1e-9 * np.abs(electric).max())
    for matrix in (magnetic, electric):
        np.testing.assert_allclose(matrix, -matrix.T, atol=1e-38)
        assert 1e-26 < np.abs(matrix).max() < 1e-22


def test_minimal_magnetic_moments_need_a_phase() -> None:
    rows = pmns(0.320, SIN2_13, 0.547, (1.0, 0.0), np)
    magnetic, electric = derived.minimal_majorana_moments(rows, [0.01, 0.0132, 0.0512])
    assert np.abs(magnetic).max() == 0.0
    assert np.abs(electric).max() > 0.0
    # Equal leptons would leave nothing: the mixing matrix is unitary.
    same = tuple(tuple(Pair(float(i == j), 0.0) for j in range(3)) for i in range(3))
    assert np.abs(derived.minimal_majorana_moments(same, [0.01, 0.0132, 0.0512])[1]).max() == 0.0
