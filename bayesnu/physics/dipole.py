"""Magnetic scattering into a massive neutrino, nu + target -> nu_4 + target: cross section and exact kinematics.

The target may be any: an electron (charge 1) or a nucleus (charge Z F). In all formulas r = m_4^2/(2 M T).
"""

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import MOMENT_UNIT_MU_B
from bayesnu.physics import nucleus
from bayesnu.physics.inverse_energy import InverseEnergy, at_energy, inverse_energy
from bayesnu.physics.nucleus import MAGNETIC_CM2

Array = NDArray[np.float64]
Number = float | Array


def dipole_section(recoil_mev: Number, mass_mev: float, sterile_mev: Number, spin: str = "half") -> InverseEnergy:
    """Cross section dsigma/dT per (Z F)^2 and (1e-10 mu_B)^2, as powers of 1/E, on targets of spin "half" or "zero".

    pi alpha^2/m_e^2 [1/T - (1 + r)/E - (M - T) r (1 + r)/2E^2], which is the bracket of arXiv:2109.09545, Eqs 17
    and 19, in r = m_4^2/(2 M T). Spin 0 has less, by (2r - 1)(1 + r) T/4E^2 (Eq 18, factored). m_e is that of the
    Bohr magneton, whatever the target. Massless nu_4 give physics.nucleus.magnetic_cross_section.
    """
    recoil = np.asarray(recoil_mev, dtype=np.float64)
    ratio = _ratio(recoil, mass_mev, sterile_mev)
    quadratic = {"half": (recoil - mass_mev) * ratio / 2, "zero": recoil / 4 - mass_mev * ratio / 2}[spin]
    return inverse_energy(MAGNETIC_CM2 * MOMENT_UNIT_MU_B**2, 1 / recoil, -(1 + ratio), (1 + ratio) * quadratic)


def dipole_cross_section(
    recoil_mev: Number, energy_mev: Number, mass_mev: float, sterile_mev: Number, spin: str = "half"
) -> Array:
    """Cross section dsigma/dT [cm2/MeV] per (Z F)^2 and (1e-10 mu_B)^2; zero below the smallest energy.

    It ends in a step there, not at zero. Reference: arXiv:2109.09545, Eqs 17, 18, 19 and 22.
    """
    lowest = dipole_energy_minimum_mev(recoil_mev, mass_mev, sterile_mev)
    return at_energy(dipole_section(recoil_mev, mass_mev, sterile_mev, spin), energy_mev, lowest)


# --- kinematics -------------------------------------------------------------------------------------------------------


def dipole_energy_minimum_mev(recoil_mev: Number, mass_mev: float, sterile_mev: Number) -> Array:
    """Smallest neutrino energy [MeV] for a recoil, (T + sqrt(T^2 + 2MT))/2 (1 + m_4^2/(2MT)).

    Exact for every target; arXiv:2109.09545, Eq 22, prints it for electrons and its limit T << M for nuclei.
    """
    return nucleus.energy_minimum_mev(recoil_mev, mass_mev) * (1 + _ratio(recoil_mev, mass_mev, sterile_mev))


def dipole_recoil_range_mev(energy_mev: Number, mass_mev: float, sterile_mev: Number) -> tuple[Array, Array]:
    """Smallest and largest recoil [MeV] at an energy; both zero where nu_4 is too heavy.

    The roots of 4M(M + 2E) T^2 - 4(2ME^2 - (M + E) m_4^2) T + m_4^4 = 0, which is E = E_min(T). The smaller root comes
    from their product, and the discriminant from its factors: no digits are lost for small or for closing masses.
    """
    energy, square = np.asarray(energy_mev, dtype=np.float64), np.asarray(sterile_mev, dtype=np.float64) ** 2
    heaviest = heaviest_sterile_mev(energy, mass_mev)
    product = 2 * mass_mev * energy - square + 2 * mass_mev * sterile_mev
    spread = (heaviest - sterile_mev) * (heaviest + sterile_mev + 2 * mass_mev) * product
    open_ = (heaviest >= sterile_mev) & (energy > 0)
    middle = 2 * mass_mev * energy**2 - (mass_mev + energy) * square
    doubled = 2 * mass_mev * (mass_mev + 2 * energy)
    largest = np.where(open_, (middle + energy * np.sqrt(np.where(open_, spread, 0.0))) / doubled, 0.0)
    smallest = square**2 / (2 * doubled * np.where(open_, largest, 1.0))
    return np.where(open_, smallest, 0.0), largest


def heaviest_sterile_mev(energy_mev: Number, mass_mev: float) -> Array:
    """Largest mass of nu_4 [MeV] that an energy can make, sqrt(M^2 + 2ME) - M."""
    total = np.sqrt(mass_mev**2 + 2 * mass_mev * np.asarray(energy_mev, dtype=np.float64))
    return np.asarray(2 * mass_mev * energy_mev / (total + mass_mev), dtype=np.float64)


def _ratio(recoil_mev: Number, mass_mev: float, sterile_mev: Number) -> Array:
    """m_4^2/(2MT) [1]."""
    return np.asarray(np.asarray(sterile_mev) ** 2 / (2 * mass_mev * np.asarray(recoil_mev)), dtype=np.float64)
