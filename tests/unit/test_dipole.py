"""Magnetic scattering into a massive neutrino: printed brackets, limits, and kinematics by brute force."""

import numpy as np
import pytest
from scipy import integrate, optimize

from bayesnu.constants import ELECTRON_MASS_MEV, MOMENT_UNIT_MU_B
from bayesnu.physics.dipole import (
    dipole_cross_section,
    dipole_energy_minimum_mev,
    dipole_recoil_range_mev,
    dipole_section,
    heaviest_sterile_mev,
)
from bayesnu.physics.nucleus import MAGNETIC_CM2, magnetic_cross_section, recoil_maximum_mev

ARGON_MEV, GERMANIUM_MEV, IODINE_MEV, CSI_MEV = 37211.0, 67640.0, 118184.0, 121000.0
UNIT_CM2 = MAGNETIC_CM2 * MOMENT_UNIT_MU_B**2
TARGETS = [ELECTRON_MASS_MEV, ARGON_MEV, IODINE_MEV]


def eq_17(t, e, m4, mass):
    first = 1 / t - 1 / e - m4**2 / (2 * e * t * mass) * (1 - t / (2 * e) + mass / (2 * e))
    return first + m4**4 * (t - mass) / (8 * e**2 * t**2 * mass**2)


def eq_18(t, e, m4, mass):
    return m4**2 / (8 * mass * e**2) * (1 + m4**2 / (mass * t)) - t / (4 * e**2)


def random_points(mass, count=50):
    random = np.random.default_rng(17)
    energy = 10 ** random.uniform(-1, 1.7, count)
    sterile = random.uniform(0, 1, count) * heaviest_sterile_mev(energy, mass)
    low, high = dipole_recoil_range_mev(energy, mass, sterile)
    return low * (high / low) ** random.uniform(0.3, 1, count), energy, sterile


# --- cross section ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mass", TARGETS)
def test_printed_bracket(mass):
    recoil, energy, sterile = random_points(mass)
    found = dipole_cross_section(recoil, energy, mass, sterile) / UNIT_CM2
    np.testing.assert_allclose(found, eq_17(recoil, energy, sterile, mass), rtol=1e-9)
    assert np.all(found > 0)


@pytest.mark.parametrize("mass", TARGETS)
def test_spin_zero(mass):
    recoil, energy, sterile = random_points(mass)
    half, zero = (dipole_section(recoil, mass, sterile, spin) for spin in ("half", "zero"))
    assert np.all(half.constant == zero.constant)
    assert np.all(half.inverse == zero.inverse)
    difference = (half.inverse_square - zero.inverse_square) / UNIT_CM2
    printed = eq_18(recoil, energy, sterile, mass) * energy**2
    factored = (sterile**2 - mass * recoil) * (sterile**2 + 2 * mass * recoil) / (8 * mass**2 * recoil)
    scale = np.abs(half.inverse_square) / UNIT_CM2 + recoil
    assert np.all(np.abs(difference - factored) < 1e-12 * scale)
    assert np.all(np.abs(difference - printed) < 1e-12 * scale)


def test_spin_zero_without_mass():
    found = dipole_cross_section(0.5, 30.0, ARGON_MEV * 1e-2, 0.0, "zero") / UNIT_CM2
    assert found == pytest.approx(1 / 0.5 - 1 / 30 + 0.5 / (4 * 30**2), rel=1e-14)


def test_unknown_spin_is_refused():
    with pytest.raises(KeyError, match="one"):
        dipole_section(0.1, ARGON_MEV, 1.0, "one")


@pytest.mark.parametrize("mass", TARGETS)
def test_massless_limit_is_the_magnetic_moment(mass):
    recoils, energy = np.geomspace(1e-6, 50, 200), 29.9
    magnetic = magnetic_cross_section(recoils, energy, mass)
    np.testing.assert_allclose(dipole_cross_section(recoils, energy, mass, 0.0), magnetic, rtol=1e-14)
    np.testing.assert_allclose(dipole_cross_section(recoils, energy, mass, 1e-8), magnetic, rtol=1e-8)


def test_bohr_magneton():
    # alpha mu_B^2 = 2.4947e-25 cm2, also on nuclei.
    found = dipole_cross_section(1e-3, 30.0, IODINE_MEV, 0.0) / (1e3 - 1 / 30) * 1e20
    assert found == pytest.approx(2.4947e-25, rel=1e-4)


def test_the_step_is_explicit():
    recoil, sterile = 1e-3, 0.3
    lowest = dipole_energy_minimum_mev(recoil, ELECTRON_MASS_MEV, sterile)
    just_above, just_below = lowest * (1 + 1e-9), lowest * (1 - 1e-9)
    assert dipole_cross_section(recoil, just_above, ELECTRON_MASS_MEV, sterile) > 0.001 * UNIT_CM2 / recoil
    assert dipole_cross_section(recoil, just_below, ELECTRON_MASS_MEV, sterile) == 0
    # Without the step the bracket would count where the reaction is closed.
    assert eq_17(recoil, just_below, sterile, ELECTRON_MASS_MEV) > 0


# --- kinematics -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mass", [ELECTRON_MASS_MEV, 500.0, ARGON_MEV])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.95])
def test_recoils_by_brute_force(mass, share):
    # Boost the centre-of-momentum frame to the laboratory and look at all angles.
    energy = 3.0
    sterile = share * (np.sqrt(mass**2 + 2 * mass * energy) - mass)
    total = np.sqrt(mass**2 + 2 * mass * energy)
    boost, gamma = energy / (energy + mass), (energy + mass) / total
    struck = (total**2 + mass**2 - sterile**2) / (2 * total)
    momentum = np.sqrt(struck**2 - mass**2)
    angles = np.linspace(-1, 1, 2001)
    recoils = gamma * (struck + boost * momentum * angles) - mass
    low, high = dipole_recoil_range_mev(energy, mass, sterile)
    resolution = 1e-13 * (mass + energy)
    assert low == pytest.approx(recoils.min(), abs=resolution)
    assert high == pytest.approx(recoils.max(), abs=resolution, rel=1e-10)


@pytest.mark.parametrize("mass", TARGETS)
def test_smallest_energy_by_brute_force(mass):
    # The smallest energy at which the angle of the recoil becomes possible.
    for recoil, sterile in [(1e-3, 0.05), (0.1, 0.5), (1.0, 3.0)]:
        momentum = np.sqrt(recoil**2 + 2 * mass * recoil)

        def excess(energy, recoil=recoil, sterile=sterile, momentum=momentum):
            return (2 * (mass + energy) * recoil + sterile**2) / (2 * energy * momentum) - 1

        expected = optimize.brentq(excess, 1e-6, 1e6, xtol=1e-14, rtol=1e-14)
        assert dipole_energy_minimum_mev(recoil, mass, sterile) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("mass", TARGETS)
@pytest.mark.parametrize("share", [1e-6, 1e-2, 0.5, 0.99, 1 - 1e-9])
def test_range_and_smallest_energy_agree(mass, share):
    energy = np.array([0.05, 0.747, 8.0, 52.8])
    sterile = share * heaviest_sterile_mev(energy, mass)
    for edge in dipole_recoil_range_mev(energy, mass, sterile):
        # Near closing both edges are at the bottom of E_min(T): a double root costs half the digits of T, none of E.
        np.testing.assert_allclose(dipole_energy_minimum_mev(edge, mass, sterile), energy, rtol=1e-11)


def test_range_without_mass_and_when_closed():
    energies = np.array([0.1, 1.0, 30.0])
    low, high = dipole_recoil_range_mev(energies, ARGON_MEV, 0.0)
    assert np.all(low == 0)
    np.testing.assert_allclose(high, recoil_maximum_mev(energies, ARGON_MEV), rtol=1e-15)
    low, high = dipole_recoil_range_mev(np.array([0.0, 1.0]), ELECTRON_MASS_MEV, 5.0)
    assert np.all(low == 0)
    assert np.all(high == 0)


@pytest.mark.parametrize(
    ("energy", "mass", "closing"),
    [
        (0.752, ELECTRON_MASS_MEV, "0.5037"),
        (0.42341, ELECTRON_MASS_MEV, "0.3220"),
        (0.8622, ELECTRON_MASS_MEV, "0.5578"),
        (29.79, ARGON_MEV, "29.78"),
        (29.79, IODINE_MEV, "29.79"),
        (52.828, ARGON_MEV, "52.79"),
        (52.828, IODINE_MEV, "52.82"),
        (8.0, ELECTRON_MASS_MEV, "2.39"),
        (10.0, ELECTRON_MASS_MEV, "2.73"),
    ],
)
def test_heaviest_neutrino(energy, mass, closing):
    # To the last digit of a published number; pp neutrinos end at 423.41 keV in the table that it used.
    half_digit = 0.5 * 10.0 ** -len(closing.split(".")[1])
    assert heaviest_sterile_mev(energy, mass) == pytest.approx(float(closing), abs=half_digit)


@pytest.mark.parametrize(("energy", "closing"), [(8.0, 2.12), (10.0, 2.53)])
def test_heaviest_neutrino_above_three_mev_of_recoil(energy, closing):
    # The reach of a detector with a threshold of 3 MeV: the largest recoil falls to the threshold.
    found = optimize.brentq(lambda m: float(dipole_recoil_range_mev(energy, ELECTRON_MASS_MEV, m)[1]) - 3, 0.1, 2.7)
    assert found == pytest.approx(closing, abs=0.005)


@pytest.mark.parametrize(
    ("mass", "recoil", "share"), [(GERMANIUM_MEV, 1e-3, -9e-5), (CSI_MEV, 0.02, -3e-4), (ARGON_MEV, 0.1, -1.2e-3)]
)
def test_printed_limit_for_nuclei_is_low(mass, recoil, share):
    sterile = 5.0
    printed = np.sqrt(mass * recoil / 2) * (1 + sterile**2 / (2 * mass * recoil))
    exact = dipole_energy_minimum_mev(recoil, mass, sterile)
    assert printed / exact - 1 == pytest.approx(share, rel=0.06)


def test_total_cross_section_is_closed():
    # The integral over the whole range of recoils, with edges from the kinematics, against the antiderivative.
    energy, mass, sterile = 0.747, ELECTRON_MASS_MEV, 0.2
    low, high = (float(edge) for edge in dipole_recoil_range_mev(energy, mass, sterile))
    k = sterile**2 / (2 * mass)

    def antiderivative(t):
        linear = np.log(t) - (t + k * np.log(t)) / energy
        return linear - (k * (mass - k) * np.log(t) - mass * k**2 / t - k * t) / (2 * energy**2)

    found, _ = integrate.quad(
        lambda x: float(dipole_cross_section(np.exp(x), energy, mass, sterile)) * np.exp(x), np.log(low), np.log(high)
    )
    assert found / UNIT_CM2 == pytest.approx(antiderivative(high) - antiderivative(low), rel=1e-7)
