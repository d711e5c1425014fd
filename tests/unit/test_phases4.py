"""Phases that can be seen, and orders by which interference is suppressed."""

import numpy as np
import pytest

from bayesnu.constants import ATOMIC_MASS_UNIT_MEV, FERMI_CONSTANT_PER_MEV2, FINE_STRUCTURE, HBAR_C_SQUARED_MEV2_CM2
from bayesnu.physics import derived, interference, nucleus
from bayesnu.physics.phases4 import physical_phases


@pytest.mark.parametrize("neutrinos", [3, 4])
def test_n_times_n_minus_two_phases_are_physical(neutrinos):
    assert physical_phases(neutrinos) == neutrinos * (neutrinos - 2)


def test_interference_of_light_masses_against_its_leading_order():
    """sqrt(alpha/pi) G_F m4 M/(sqrt2 E^2) over the leading alpha mu^2/T, from the amplitudes, for r << 1."""
    mass, energy, recoil, sterile, moment = 131 * ATOMIC_MASS_UNIT_MEV, 40.0, 0.02, 0.1, 1e-9
    weak, mixing = 54 * (0.5 - 2 * 0.23) - 0.5 * 77, np.sqrt(0.01 * 0.99)
    bohr = np.sqrt(np.pi * FINE_STRUCTURE) / 0.51099895
    per_moment = np.sqrt(FINE_STRUCTURE / np.pi) * bohr * FERMI_CONSTANT_PER_MEV2 * HBAR_C_SQUARED_MEV2_CM2
    vector = per_moment * sterile * mass / (np.sqrt(2) * energy**2)
    magnetic = nucleus.MAGNETIC_CM2 * (1 / recoil - 1 / energy)
    expected = np.abs(weak) * mixing * vector / (54 * moment * magnetic)
    found = interference.suppression_orders(54, 77, energy, recoil, sterile, moment, 0.01, 0.23)
    assert 10**-found == pytest.approx(expected, rel=2e-3)


def test_mass_of_a_volume():
    assert derived.mass_of_volume_kg(1e6, 1.0) == 1000.0
