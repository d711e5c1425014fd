"""Elastic scattering of neutrinos on free electrons: couplings, cross sections, kinematics.

Cross sections are per electron. How many electrons a recoil can set free is told by physics.binding; a massive
neutrino in the final state is in physics.dipole, its interference with the weak force in physics.interference.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import ELECTRON_MASS_MEV
from bayesnu.physics import nucleus
from bayesnu.physics.inverse_energy import InverseEnergy, inverse_energy
from bayesnu.physics.nucleus import WEAK_CM2_PER_MEV2

Array = NDArray[np.float64]
Number = float | Array


class ElectronCouplings(NamedTuple):
    """Left- and right-handed couplings g_L and g_R of the electron to a neutrino [1]."""

    left: Any
    right: Any


class ElectronSections(NamedTuple):
    """Cross sections that g_L^2, g_R^2 and g_L g_R multiply."""

    left_left: InverseEnergy
    right_right: InverseEnergy
    left_right: InverseEnergy


def electron_couplings(flavour: str, sin2_theta_w: Any) -> ElectronCouplings:
    """Couplings of the electron to a flavour [1]: g_L = -1/2 + sin2_theta_w + 1 for nu_e, g_R = sin2_theta_w.

    The +1 is the charged current, for electron neutrinos and antineutrinos alone; g_L = (g_V + g_A)/2 and
    g_R = (g_V - g_A)/2. Reference: arXiv:2109.09545, Eq 15.
    """
    charged_current = 1.0 if flavour in ("nu_e", "nubar_e") else 0.0
    return ElectronCouplings(left=-0.5 + sin2_theta_w + charged_current, right=sin2_theta_w)


def is_antineutrino(flavour: str) -> bool:
    """Whether a flavour is one of antineutrinos: nubar_e, nubar_mu, nubar_tau."""
    return flavour.startswith("nubar")


def weak_sections(recoil_mev: Number, antineutrino: bool) -> ElectronSections:
    """Weak cross sections dsigma/dT per electron, by the coupling that each multiplies, as powers of 1/E.

    2 G_F^2 m_e/pi [g_L^2 + g_R^2 (1 - T/E)^2 - g_L g_R m_e T/E^2]; antineutrinos exchange g_L and g_R.
    Reference: arXiv:2109.09545, Eq 14.
    """
    recoil = np.asarray(recoil_mev, dtype=np.float64)
    scale = 2 * WEAK_CM2_PER_MEV2 * ELECTRON_MASS_MEV
    nothing = np.zeros_like(recoil)
    same = inverse_energy(scale, 1.0, nothing, 0.0)
    opposite = inverse_energy(scale, 1.0, -2 * recoil, recoil**2)
    mixed = inverse_energy(scale, nothing, 0.0, -ELECTRON_MASS_MEV * recoil)
    return ElectronSections(opposite, same, mixed) if antineutrino else ElectronSections(same, opposite, mixed)


def weak_section(recoil_mev: Number, couplings: ElectronCouplings, antineutrino: bool) -> InverseEnergy:
    """Weak cross section dsigma/dT per electron for given couplings, as powers of 1/E (arXiv:2109.09545, Eq 14)."""
    left, right = couplings
    products = (left**2, right**2, left * right)
    sections = weak_sections(recoil_mev, antineutrino)
    terms = ([g * part for part in section] for g, section in zip(products, sections, strict=True))
    return InverseEnergy(*(sum(parts) for parts in zip(*terms, strict=True)))


def recoil_maximum_mev(energy_mev: Number) -> Array:
    """Largest recoil energy of an electron [MeV] for massless neutrinos, 2E^2/(m_e + 2E)."""
    return nucleus.recoil_maximum_mev(energy_mev, ELECTRON_MASS_MEV)


def energy_minimum_mev(recoil_mev: Number) -> Array:
    """Smallest energy [MeV] for a recoil and massless neutrinos, (T + sqrt(T^2 + 2 m_e T))/2 (2109.09545, Eq 22)."""
    return nucleus.energy_minimum_mev(recoil_mev, ELECTRON_MASS_MEV)


def magnetic_cross_section(recoil_mev: Number, energy_mev: Number) -> Array:
    """Magnetic cross section dsigma/dT [cm2/MeV] per electron and (1e-10 mu_B)^2, massless final neutrino.

    pi alpha^2/m_e^2 (1/T - 1/E): that of a nucleus (physics.nucleus) with Z F = 1 and the mass of the electron.
    """
    return nucleus.magnetic_cross_section(recoil_mev, energy_mev, ELECTRON_MASS_MEV)
