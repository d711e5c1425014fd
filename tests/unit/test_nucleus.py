"""Couplings, cross sections and kinematics of one nucleus."""

import warnings

import numpy as np
import pytest
from scipy import integrate

from bayesnu.physics.nucleus import (
    MAGNETIC_CM2,
    axial_cross_section,
    energy_minimum_mev,
    magnetic_cross_section,
    momentum_per_fm,
    nucleon_couplings,
    recoil_maximum_mev,
    vector_cross_section,
)
from bayesnu.schema import RadiativeCouplings, TreeCouplings

SIN2 = 0.23120
CAESIUM_MEV = 123800.0
RADIATIVE = RadiativeCouplings(
    rho=1.0082,
    kappa=0.9972,
    lambda_u_left=-0.0031,
    lambda_d_left=-0.0025,
    lambda_u_right=3.7e-5,
    lambda_d_right=7.5e-5,
)
# G_F = 1.1663787e-5 GeV^-2 and (hbar c)^2 = 0.3893793721 GeV^2 mb, typed from the PDG.
FERMI_CM2_PER_MEV2 = (1.1663787e-11) ** 2 * 0.3893793721e-27 * 1e6


# --- couplings ------------------------------------------------------------------------------------


def test_tree_couplings():
    g = nucleon_couplings(TreeCouplings(), SIN2)
    assert g.vector_proton == pytest.approx(0.5 - 2 * SIN2, abs=1e-15)
    assert g.vector_neutron == pytest.approx(-0.5, abs=1e-15)
    assert g.axial_proton == pytest.approx(0.5, abs=1e-15)
    assert g.axial_neutron == pytest.approx(-0.5, abs=1e-15)


def test_radiative_couplings_by_hand():
    # kappa s2 = 0.23055264; u = 1.0082 (1/2 - 4/3 * 0.23055264) - 0.0031 + 3.7e-5 = 0.1911128
    #                        d = 1.0082 (-1/2 + 2/3 * 0.23055264) - 0.0025 + 7.5e-5 = -0.3515629
    g = nucleon_couplings(RADIATIVE, SIN2)
    assert g.vector_proton == pytest.approx(2 * 0.1911128 - 0.3515629, abs=2e-7)
    assert g.vector_neutron == pytest.approx(0.1911128 - 2 * 0.3515629, abs=2e-7)
    # L - R: u = 1.0082/2 - 0.0031 - 3.7e-5 = 0.500963, d = -1.0082/2 - 0.0025 - 7.5e-5 = -0.506675.
    assert g.axial_proton == pytest.approx(2 * 0.500963 - 0.506675, abs=1e-12)
    assert g.axial_neutron == pytest.approx(0.500963 - 2 * 0.506675, abs=1e-12)


def test_radiative_couplings_without_corrections_are_the_tree():
    bare = RadiativeCouplings(rho=1, kappa=1, lambda_u_left=0, lambda_d_left=0, lambda_u_right=0, lambda_d_right=0)
    assert nucleon_couplings(bare, SIN2) == nucleon_couplings(TreeCouplings(), SIN2)


def test_mixing_angle_moves_the_proton_by_minus_two():
    low, high = (nucleon_couplings(RADIATIVE, s) for s in (0.20, 0.25))
    slope = (high.vector_proton - low.vector_proton) / 0.05
    assert slope == pytest.approx(-2 * 1.0082 * 0.9972, rel=1e-12)
    assert high.vector_neutron == pytest.approx(low.vector_neutron, abs=1e-15)


def test_couplings_take_arrays():
    g = nucleon_couplings(TreeCouplings(), np.array([0.2, 0.25]))
    np.testing.assert_allclose(g.vector_proton, [0.1, 0.0], atol=1e-15)


# --- cross sections -------------------------------------------------------------------------------


@pytest.mark.parametrize("energy", [2.0, 29.9, 52.0])
def test_total_vector_cross_section(energy):
    # Integrals of 1 - MT/2E^2 and 1 - T/E - MT/2E^2 from 0 to 2E^2/(M + 2E), by hand.
    mass, top = CAESIUM_MEV, 2 * energy**2 / (CAESIUM_MEV + 2 * energy)
    leading = top - mass * top**2 / (4 * energy**2)
    by_hand = {"leading": leading, "exact": top / 2}
    for kinematics, length_mev in by_hand.items():
        total, _ = integrate.quad(lambda t, k=kinematics: float(vector_cross_section(t, energy, mass, k)), 0, top)
        expected = FERMI_CM2_PER_MEV2 / np.pi * mass * length_mev
        assert total == pytest.approx(expected, rel=1e-6)


def test_coherent_cross_section_of_caesium():
    # sigma = G_F^2 E^2 / pi x Q_V^2 for F = 1 and E << M, about 1e-38 cm2 at 30 MeV.
    charge = 55 * (0.5 - 2 * SIN2) - 78 * 0.5
    top = float(recoil_maximum_mev(30.0, CAESIUM_MEV))
    recoils = np.linspace(0, top, 2001)
    total = integrate.simpson(vector_cross_section(recoils, 30.0, CAESIUM_MEV, "exact"), x=recoils)
    point = FERMI_CM2_PER_MEV2 * 30.0**2 / np.pi
    assert total == pytest.approx(point, rel=1e-3)
    assert total * charge**2 == pytest.approx(2.05e-38, rel=0.01)


def test_total_axial_cross_section():
    energy, mass = 40.0, 68000.0
    top = 2 * energy**2 / (mass + 2 * energy)
    total, _ = integrate.quad(lambda t: float(axial_cross_section(t, energy, mass)), 0, top)
    expected = FERMI_CM2_PER_MEV2 / np.pi * mass * (top + mass * top**2 / (4 * energy**2))
    assert total == pytest.approx(expected, rel=1e-6)


def test_magnetic_prefactor():
    # pi r_e^2 with the classical electron radius 2.8179403 fm.
    assert pytest.approx(2.4947e-25, rel=1e-4) == MAGNETIC_CM2
    assert pytest.approx(np.pi * 2.8179403262e-13**2, rel=1e-8) == MAGNETIC_CM2


def test_magnetic_cross_section_integrates_to_a_logarithm():
    energy, low, high = 29.9, 1e-3, 1e-2
    total, _ = integrate.quad(lambda t: float(magnetic_cross_section(t, energy, CAESIUM_MEV)), low, high)
    # One 1e-10 mu_B: the factor 1e-20 of the moment squared.
    expected = 2.494672e-45 * (np.log(high / low) - (high - low) / energy)
    assert total == pytest.approx(expected, rel=1e-6)


def test_zero_where_forbidden():
    energies = np.array([0.0, 1.0, 10.0, 30.0, 50.0])
    top = recoil_maximum_mev(energies, CAESIUM_MEV)
    above, below = top * (1 + 1e-9) + 1e-12, top[1:] * (1 - 1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kinematics in ("leading", "exact"):
            assert np.all(vector_cross_section(above, energies, CAESIUM_MEV, kinematics) == 0)
            inside = vector_cross_section(below, energies[1:], CAESIUM_MEV, kinematics)
            assert np.all(inside > 0)
        assert np.all(axial_cross_section(above, energies, CAESIUM_MEV) == 0)
        assert np.all(magnetic_cross_section(above, energies, CAESIUM_MEV) == 0)
        assert np.all(magnetic_cross_section(below, energies[1:], CAESIUM_MEV) > 0)
        assert np.all(magnetic_cross_section(np.array([2.0, 40.0]), np.array([1.0, 30.0])) == 0)


def test_unknown_kinematics_are_refused():
    with pytest.raises(KeyError, match="newtonian"):
        vector_cross_section(0.001, 30.0, CAESIUM_MEV, "newtonian")


def test_exact_kinematics_vanish_at_the_limit():
    # Helicity forbids backward scattering.
    top = recoil_maximum_mev(30.0, CAESIUM_MEV) * (1 - 1e-14)
    forward = vector_cross_section(0.0, 30.0, CAESIUM_MEV, "exact")
    assert vector_cross_section(top, 30.0, CAESIUM_MEV, "exact") < 1e-12 * forward


def test_cross_sections_broadcast():
    recoils, energies = np.linspace(1e-3, 1e-2, 4)[:, None], np.linspace(20, 50, 3)
    assert vector_cross_section(recoils, energies, CAESIUM_MEV, "leading").shape == (4, 3)
    assert axial_cross_section(recoils, energies, CAESIUM_MEV).shape == (4, 3)
    assert magnetic_cross_section(recoils, energies).shape == (4, 3)


# --- kinematics -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mass", [18600.0, CAESIUM_MEV])
def test_kinematic_round_trip(mass):
    energies = np.array([0.01, 1.0, 29.9, 52.8, 500.0])
    back = energy_minimum_mev(recoil_maximum_mev(energies, mass), mass)
    np.testing.assert_allclose(back, energies, rtol=1e-12)


def test_largest_recoil_conserves_energy_and_momentum():
    energy, mass = 52.8, 18600.0
    recoil = float(recoil_maximum_mev(energy, mass))
    out = energy - recoil
    momentum = np.sqrt((mass + recoil) ** 2 - mass**2)
    assert momentum == pytest.approx(energy + out, rel=1e-9)


def test_momentum_transfer():
    # 10 keV on caesium: sqrt(2 * 0.01 * 123800) = 49.76 MeV = 0.25217 / fm.
    assert momentum_per_fm(0.010, CAESIUM_MEV) == pytest.approx(0.25217, abs=1e-5)
    assert np.all(momentum_per_fm(np.zeros(3), CAESIUM_MEV) == 0)
