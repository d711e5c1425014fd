"""Interference of magnetic and weak production of a massive neutrino, nu + target -> nu_4 + target.

Both amplitudes lead to the same nu_4 only through its mass: the cross section is proportional to m_4.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import (
    ATOMIC_MASS_UNIT_MEV,
    ELECTRON_MASS_MEV,
    FERMI_CONSTANT_PER_MEV2,
    FINE_STRUCTURE,
    HBAR_C_SQUARED_MEV2_CM2,
    MOMENT_UNIT_MU_B,
)
from bayesnu.physics.dipole import dipole_cross_section, dipole_energy_minimum_mev
from bayesnu.physics.inverse_energy import InverseEnergy, at_energy, inverse_energy

Array = NDArray[np.float64]
Number = float | Array

INTERFERENCE_CM2_PER_MEV: Final = (
    FINE_STRUCTURE * FERMI_CONSTANT_PER_MEV2 / (np.sqrt(2) * ELECTRON_MASS_MEV) * HBAR_C_SQUARED_MEV2_CM2
)
"""alpha G_F/(sqrt2 m_e) [cm2/MeV] for a moment of one Bohr magneton, which is where m_e comes from."""


class InterferenceSections(NamedTuple):
    """Cross sections that the products of a moment with a vector or an axial weak coupling multiply."""

    vector: InverseEnergy
    axial: InverseEnergy


def interference_sections(
    recoil_mev: Number, mass_mev: float, sterile_mev: Number, antineutrino: bool
) -> InterferenceSections:
    """Interference dsigma/dT per 1e-10 mu_B and unit weak coupling on electrons, V and A apart, as powers of 1/E.

    alpha G_F m_4/(sqrt2 m_e E) [Re(lambda Z_V*) (M - T)(1 + r)/E +- Re(lambda Z_A*) (2 - T(1 + r)/E)] with
    r = m_4^2/(2MT), + for antineutrinos and - for neutrinos. Zero below physics.dipole.dipole_energy_minimum_mev.
    lambda is the moment from the incoming state to nu_4, Z the product of its weak coupling with the mixing of nu_4.

    A target of charge q e multiplies the moment by -q: 1 for electrons, -Z F_p for nuclei, whose weak couplings are
    Q_V and Q_A; the mass in the prefactor stays that of the Bohr magneton. The overall sign is a choice of the phase of
    lambda, here that of -(lambda/2) N sigma_ab P_L nu F^ab, of a positive magnetic moment; the sign between electrons
    and nuclei is not. arXiv:2109.09545, Eq 20, is the leading order in m_4; there A lacks lambda, and nuclei the -1.
    """
    recoil, sterile = np.asarray(recoil_mev, dtype=np.float64), np.asarray(sterile_mev, dtype=np.float64)
    grown = 1 + sterile**2 / (2 * mass_mev * recoil)
    scale = INTERFERENCE_CM2_PER_MEV * MOMENT_UNIT_MU_B
    sign = 1.0 if antineutrino else -1.0
    nothing = np.zeros_like(sterile * recoil)
    vector = inverse_energy(scale, nothing, 0.0, sterile * (mass_mev - recoil) * grown)
    axial = inverse_energy(sign * scale, nothing, 2 * sterile, -sterile * recoil * grown)
    return InterferenceSections(vector, axial)


def suppression_orders(
    charge: float, neutrons: float, energy_mev: float, recoil_mev: float, sterile_mev: float, moment_mu_b: float,
    sin2_theta_24: float, sin2_theta_w: float,
) -> float:  # fmt: skip
    """Orders of magnitude [1] by which interference is below magnetic scattering of muon neutrinos on a nucleus.

    -log10 |Q_V s_24 c_24 V/(Z mu D)|, with V and D the cross sections of `interference_sections` and
    dipole.dipole_cross_section, for one real moment and form factors of protons and neutrons that are alike.
    """
    mass = (charge + neutrons) * ATOMIC_MASS_UNIT_MEV
    weak = charge * (0.5 - 2 * sin2_theta_w) - 0.5 * neutrons
    mixing = np.sqrt(sin2_theta_24 * (1 - sin2_theta_24))
    section = interference_sections(recoil_mev, mass, sterile_mev, antineutrino=False).vector
    lowest = dipole_energy_minimum_mev(recoil_mev, mass, sterile_mev)
    magnetic = dipole_cross_section(recoil_mev, energy_mev, mass, sterile_mev) * moment_mu_b / MOMENT_UNIT_MU_B
    return float(-np.log10(np.abs(weak * mixing * at_energy(section, energy_mev, lowest) / (charge * magnetic))))
