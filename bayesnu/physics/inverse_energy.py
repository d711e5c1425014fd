"""Cross sections at a fixed recoil as polynomials in 1/E: a spectrum enters only through three of its integrals.

Every cross section here is c0(T) + c1(T)/E + c2(T)/E^2 for neutrino energies E above a smallest one, E_min(T), and
zero below it. Its integral over any spectrum phi is then exactly c0 m0 + c1 m1 + c2 m2, where m_k is the integral of
phi E^-k above E_min (physics.spectrum_moments).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.physics.nucleus import WEAK_CM2_PER_MEV2

Array = NDArray[np.float64]
Number = float | Array

_RECOIL_OVER_ENERGY = {"leading": 0.0, "exact": 1.0}


class InverseEnergy(NamedTuple):
    """Coefficients of E^0, E^-1 and E^-2 of a cross section dsigma/dT [cm2/MeV, cm2, cm2 MeV]."""

    constant: Array
    inverse: Array
    inverse_square: Array


class SpectrumMoments(NamedTuple):
    """Integrals of a spectrum times E^0, E^-1 and E^-2 above some energy [1, 1/MeV, 1/MeV2]."""

    number: Array
    inverse: Array
    inverse_square: Array


def inverse_energy(scale: float, constant: Number, inverse: Number, inverse_square: Number) -> InverseEnergy:
    """A common factor times c0 + c1/E + c2/E^2, with coefficients of one shape."""
    parts = np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in (constant, inverse, inverse_square)))
    return InverseEnergy(*(scale * part for part in parts))


def at_energy(section: InverseEnergy, energy_mev: Number, lowest_mev: Number) -> Array:
    """Cross section dsigma/dT [cm2/MeV] at an energy: c0 + c1/E + c2/E^2, zero for E below lowest_mev.

    The step is explicit because a cross section need not vanish there, nor stay negative below it.
    """
    allowed = np.asarray(energy_mev >= np.asarray(lowest_mev))
    inverse = 1 / np.where(allowed, energy_mev, 1.0)
    value = section.constant + inverse * (section.inverse + inverse * section.inverse_square)
    return np.where(allowed, value, 0.0)


def over_spectrum(section: InverseEnergy, moments: SpectrumMoments) -> Array:
    """Integral over the spectrum of dsigma/dT [cm2/MeV], with the moments above E_min(T)."""
    return np.asarray(
        section.constant * moments.number
        + section.inverse * moments.inverse
        + section.inverse_square * moments.inverse_square,
        dtype=np.float64,
    )


# --- nuclei -----------------------------------------------------------------------------------------------------------


def vector_section(recoil_mev: Number, mass_mev: float, kinematics: str) -> InverseEnergy:
    """physics.nucleus.vector_cross_section, G_F^2 M/pi (1 - T/E - M T/2E^2) per unit Q_V^2 F^2, as powers of 1/E."""
    linear = -_RECOIL_OVER_ENERGY[kinematics] * np.asarray(recoil_mev, dtype=np.float64)
    return inverse_energy(WEAK_CM2_PER_MEV2 * mass_mev, 1.0, linear, -mass_mev * recoil_mev / 2)


def axial_section(recoil_mev: Number, mass_mev: float) -> InverseEnergy:
    """physics.nucleus.axial_cross_section, G_F^2 M/pi (1 + M T/2E^2) per unit Q_A^2 F^2, as powers of 1/E."""
    return inverse_energy(WEAK_CM2_PER_MEV2 * mass_mev, 1.0, 0.0, mass_mev * recoil_mev / 2)


def tensor_section(recoil_mev: Number, mass_mev: float) -> InverseEnergy:
    """physics.nucleus.tensor_cross_section, 4 G_F^2 M/pi ((1 - T/2E)^2 - M T/4E^2) per unit Q_T^2 F^2, likewise."""
    quadratic = recoil_mev * (recoil_mev - mass_mev) / 4
    return inverse_energy(4 * WEAK_CM2_PER_MEV2 * mass_mev, 1.0, -np.asarray(recoil_mev), quadratic)
