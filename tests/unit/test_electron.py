"""Neutrinos on free and bound electrons: couplings, cross sections, and the electrons that a recoil sets free."""

import numpy as np
import pytest
from scipy import integrate

from bayesnu.constants import ELECTRON_MASS_MEV, FERMI_CONSTANT_PER_MEV2, HBAR_C_SQUARED_MEV2_CM2
from bayesnu.physics.binding import free_electrons
from bayesnu.physics.dipole import dipole_cross_section
from bayesnu.physics.electron import (
    ElectronCouplings,
    electron_couplings,
    energy_minimum_mev,
    is_antineutrino,
    magnetic_cross_section,
    recoil_maximum_mev,
    weak_section,
    weak_sections,
)
from bayesnu.physics.inverse_energy import at_energy

SIN2 = 0.2312


@pytest.mark.parametrize("flavour", ["nu_e", "nubar_e", "nu_mu", "nubar_mu", "nu_tau", "nubar_tau"])
def test_couplings(flavour):
    delta = 1 if flavour.endswith("_e") else 0
    vector, axial = -0.5 + 2 * SIN2 + delta, -0.5 + delta
    g = electron_couplings(flavour, SIN2)
    assert g.left + g.right == pytest.approx(vector, abs=1e-15)
    assert g.left - g.right == pytest.approx(axial, abs=1e-15)
    assert is_antineutrino(flavour) == ("bar" in flavour)


@pytest.mark.parametrize("flavour", ["nu_e", "nubar_e", "nu_mu", "nubar_mu"])
def test_weak_cross_section_as_printed(flavour):
    energy = 0.862
    recoils = np.linspace(0.01, 0.99, 9) * recoil_maximum_mev(energy)
    left, right = g = electron_couplings(flavour, SIN2)
    if is_antineutrino(flavour):
        left, right = right, left
    bracket = left**2 + right**2 * (1 - recoils / energy) ** 2 - left * right * ELECTRON_MASS_MEV * recoils / energy**2
    prefactor = 2 * FERMI_CONSTANT_PER_MEV2**2 * ELECTRON_MASS_MEV / np.pi * HBAR_C_SQUARED_MEV2_CM2
    section = weak_section(recoils, g, is_antineutrino(flavour))
    found = at_energy(section, energy, energy_minimum_mev(recoils))
    np.testing.assert_allclose(found, prefactor * bracket, rtol=1e-13)


def test_total_cross_section_at_high_energy():
    # Textbook: G_F^2 s/pi (g_L^2 + g_R^2/3) for s >> m_e^2, here 9.5e-45 cm2 E/MeV for electron neutrinos.
    energy, g = 1e4, electron_couplings("nu_e", SIN2)
    total, _ = integrate.quad(
        lambda t: float(at_energy(weak_section(t, g, False), energy, energy_minimum_mev(t))),
        0,
        float(recoil_maximum_mev(energy)),
    )
    assert total / energy == pytest.approx(9.5e-45, rel=0.01)


def test_terms_are_linear_in_the_couplings_and_broadcast():
    recoils = np.array([[0.1], [0.2]])
    sections = weak_sections(recoils, antineutrino=False)
    assert all(part.shape == (2, 1) for section in sections for part in section)
    whole = weak_section(recoils, ElectronCouplings(np.array([0.7, -0.3]), 0.2), antineutrino=False)
    assert whole.inverse_square.shape == (2, 2)
    expected = 0.04 * sections.right_right.inverse_square + 0.14 * sections.left_right.inverse_square
    np.testing.assert_allclose(whole.inverse_square[:, :1], expected, rtol=1e-15)


def test_zero_above_the_limit():
    energy = 0.862
    section = weak_section(0.7, electron_couplings("nu_e", SIN2), antineutrino=False)
    assert recoil_maximum_mev(energy) == pytest.approx(0.6648, abs=5e-4)
    assert at_energy(section, energy, energy_minimum_mev(0.7)) == 0
    assert at_energy(section, 0.0, energy_minimum_mev(0.7)) == 0


def test_magnetic_scattering():
    recoils, energy = np.array([1e-3, 0.1, 0.6, 0.9]), 0.862
    found = magnetic_cross_section(recoils, energy)
    np.testing.assert_allclose(found[:3], 2.49467e-45 * (1 / recoils[:3] - 1 / energy), rtol=1e-5)
    assert found[3] == 0
    dipole = dipole_cross_section(recoils, energy, ELECTRON_MASS_MEV, 0.0)
    np.testing.assert_allclose(found, dipole, rtol=1e-14)


# --- binding ----------------------------------------------------------------------------------------------------------

XENON_OUTER_EV = (12, 13.4, 27.5, 71.7, 73.8, 162.8, 175.6, 229.4)
XENON_INNER_EV = (649.9, 708.1, 961.2, 1024.8, 1170.5, 4835.6, 5161.5, 5509.8, 34759)
XENON_EV = np.array([*XENON_OUTER_EV, *XENON_INNER_EV])
XENON_ELECTRONS = np.array([4, 2, 2, 6, 4, 4, 2, 2, 6, 4, 4, 2, 2, 4, 2, 2, 2])
"""arXiv:1610.04177 as used by arXiv:2109.09545, Eq 16."""


def test_electrons_that_a_recoil_sets_free():
    recoils_kev = np.array([0.05, 0.1, 1.0, 2.0, 4.9, 5.6, 34.0, 34.8])
    free = free_electrons(recoils_kev, XENON_EV, XENON_ELECTRONS)
    np.testing.assert_allclose(free / 54, [0.148, 0.333, 0.741, 0.815, 0.889, 0.963, 0.963, 1], atol=5e-4)


def test_steps_of_one_atom():
    levels, electrons = np.array([500.0, 10.0]), np.array([2.0, 8.0])
    recoils_kev = np.array([[0.0, 0.00999], [0.01, 0.4], [0.5, 1e3]])
    assert free_electrons(recoils_kev, levels, electrons).tolist() == [[0, 0], [8, 8], [10, 10]]
    assert free_electrons(0.2, levels, electrons) == 8
