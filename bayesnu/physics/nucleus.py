"""Coherent elastic neutrino-nucleus scattering: couplings, cross sections, kinematics."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import (
    ELECTRON_MASS_MEV,
    FERMI_CONSTANT_PER_MEV2,
    FINE_STRUCTURE,
    HBAR_C_MEV_FM,
    HBAR_C_SQUARED_MEV2_CM2,
    MOMENT_UNIT_MU_B,
)
from bayesnu.schema import Couplings, RadiativeCouplings, TreeCouplings

Array = NDArray[np.float64]
Number = float | Array

WEAK_CM2_PER_MEV2: Final = FERMI_CONSTANT_PER_MEV2**2 / np.pi * HBAR_C_SQUARED_MEV2_CM2
"""G_F^2 / pi [cm2/MeV2]."""
MAGNETIC_CM2: Final = np.pi * (FINE_STRUCTURE / ELECTRON_MASS_MEV) ** 2 * HBAR_C_SQUARED_MEV2_CM2
"""pi alpha^2 / m_e^2 [cm2], for a moment of one Bohr magneton."""

AREA_UNIT_CM2: Final = 1e-32
"""Charge radii squared inside the package are in units of 1e-32 cm2."""
CHARGE_UNIT_E: Final = 1e-12
"""Charges of neutrinos inside the package are in units of 1e-12 elementary charges."""
CHARGE_RADIUS_SHIFT: Final = (
    np.sqrt(2) * np.pi * FINE_STRUCTURE / (3 * FERMI_CONSTANT_PER_MEV2) * AREA_UNIT_CM2 / HBAR_C_SQUARED_MEV2_CM2
)
"""sqrt2 pi alpha / (3 G_F) (hbar c)^-2 [1] per 1e-32 cm2: 0.0238 (arXiv:1505.03202, Eq A1)."""

_TREE: Final = RadiativeCouplings(
    rho=1.0,
    kappa=1.0,
    lambda_u_left=0.0,
    lambda_d_left=0.0,
    lambda_u_right=0.0,
    lambda_d_right=0.0,
)
_RECOIL_OVER_ENERGY: Final = {"leading": 0.0, "exact": 1.0}


# --- couplings ------------------------------------------------------------------------------------


class NucleonCouplings(NamedTuple):
    """Weak charges of the nucleons [1], vector and axial (arXiv:1905.03750, Eq 21)."""

    vector_proton: Any
    vector_neutron: Any
    axial_proton: Any
    axial_neutron: Any


class QuarkCouplings(NamedTuple):
    """Neutrino couplings of left- and right-handed u and d quarks [1] (arXiv:1905.03750, Eq 22)."""

    u_left: Any
    d_left: Any
    u_right: Any
    d_right: Any


def nucleon_couplings(couplings: Couplings, sin2_theta_w: Any) -> NucleonCouplings:
    """Weak charges of the nucleons [1]: 2u + d for the proton, u + 2d for the neutron.

    The vector charges take L + R of each quark, the axial ones L - R. At tree level the vector
    charges are 1/2 - 2 sin2_theta_w and -1/2. Reference: arXiv:1905.03750, Eqs 21 and 22.
    """
    quarks = quark_couplings(couplings, sin2_theta_w)
    u_vector, u_axial = quarks.u_left + quarks.u_right, quarks.u_left - quarks.u_right
    d_vector, d_axial = quarks.d_left + quarks.d_right, quarks.d_left - quarks.d_right
    return NucleonCouplings(
        vector_proton=2 * u_vector + d_vector,
        vector_neutron=u_vector + 2 * d_vector,
        axial_proton=2 * u_axial + d_axial,
        axial_neutron=u_axial + 2 * d_axial,
    )


def quark_couplings(couplings: Couplings, sin2_theta_w: Any) -> QuarkCouplings:
    """Neutrino couplings of the quarks [1], at tree level or with radiative corrections.

    g = rho (T3 - Q kappa sin2_theta_w) + lambda, with T3 = 0 for R.
    Reference: arXiv:1905.03750, Eq 22.
    """
    numbers = _TREE if isinstance(couplings, TreeCouplings) else couplings
    third = numbers.kappa * sin2_theta_w / 3
    return QuarkCouplings(
        u_left=numbers.rho * (0.5 - 2 * third) + numbers.lambda_u_left,
        d_left=numbers.rho * (-0.5 + third) + numbers.lambda_d_left,
        u_right=numbers.rho * (-2 * third) + numbers.lambda_u_right,
        d_right=numbers.rho * third + numbers.lambda_d_right,
    )


# --- cross sections -------------------------------------------------------------------------------


def vector_cross_section(recoil_mev: Number, energy_mev: Number, mass_mev: float, kinematics: str) -> Array:
    """Standard-model vector cross section dsigma/dT [cm2/MeV] per unit Q_V^2 F^2.

    G_F^2 M/pi (1 - M T/2E^2) for "leading" kinematics and with the further term -T/E for "exact";
    zero for T above the kinematic limit. Reference: arXiv:1905.03750, Eq 20.
    """
    allowed, energy = _allowed(recoil_mev, energy_mev, mass_mev)
    curvature = mass_mev * recoil_mev / (2 * energy**2)
    shape = 1 - _RECOIL_OVER_ENERGY[kinematics] * recoil_mev / energy - curvature
    return np.where(allowed, WEAK_CM2_PER_MEV2 * mass_mev * shape, 0.0)


def axial_cross_section(recoil_mev: Number, energy_mev: Number, mass_mev: float) -> Array:
    """Standard-model axial cross section dsigma/dT [cm2/MeV] per unit Q_A^2 F^2.

    G_F^2 M/pi (1 + M T/2E^2), zero for T above the kinematic limit.
    Reference: arXiv:1905.03750, Eq 20.
    """
    allowed, energy = _allowed(recoil_mev, energy_mev, mass_mev)
    shape = 1 + mass_mev * recoil_mev / (2 * energy**2)
    return np.where(allowed, WEAK_CM2_PER_MEV2 * mass_mev * shape, 0.0)


def magnetic_cross_section(recoil_mev: Number, energy_mev: Number, mass_mev: float = 0.0) -> Array:
    """Magnetic cross section dsigma/dT [cm2/MeV] per Z^2 F^2 and per (1e-10 mu_B)^2.

    pi alpha^2/m_e^2 (1/T - 1/E), zero for T above the kinematic limit of a nucleus of mass_mev. The
    default mass gives the weakest limit, T = E. Reference: arXiv:1905.03750, Eq 25.
    """
    allowed, energy = _allowed(recoil_mev, energy_mev, mass_mev)
    unit_cm2 = MAGNETIC_CM2 * MOMENT_UNIT_MU_B**2
    return np.where(allowed, unit_cm2 * (1 / recoil_mev - 1 / energy), 0.0)


def tensor_cross_section(recoil_mev: Number, energy_mev: Number, mass_mev: float) -> Array:
    """Cross section of tensor couplings dsigma/dT [cm2/MeV] per unit Q_T^2 F^2.

    4 G_F^2 M/pi [(1 - T/2E)^2 - M T/4E^2], zero for T above the kinematic limit; Q_T F is
    (2 eps_u + eps_d) Z F_p + (eps_u + 2 eps_d) N F_n. Reference: arXiv:1506.05406, Eqs 5 and 6.
    """
    allowed, energy = _allowed(recoil_mev, energy_mev, mass_mev)
    shape = (1 - recoil_mev / (2 * energy)) ** 2 - mass_mev * recoil_mev / (4 * energy**2)
    return np.where(allowed, 4 * WEAK_CM2_PER_MEV2 * mass_mev * shape, 0.0)


def millicharge_shift(recoil_mev: Number, mass_mev: float) -> Array:
    """Shift of the proton's vector coupling [1] by a neutrino of charge +1e-12 e, at a recoil.

    2 sqrt2 pi alpha/(G_F Q^2) with Q^2 = 2 M T: one-photon exchange, 4 pi alpha/Q^2, measured in the weak
    coupling sqrt2 G_F. It is positive, as like charges repel and so does a positive weak coupling; it grows
    as 1/T. References: arXiv:1403.6344, section on millicharges; -Q of arXiv:2205.09484 with q^2 = -2 M T.
    """
    photon = 2 * np.sqrt(2) * np.pi * FINE_STRUCTURE * CHARGE_UNIT_E / FERMI_CONSTANT_PER_MEV2
    return np.asarray(photon / (2 * mass_mev * recoil_mev), dtype=np.float64)


def _allowed(recoil_mev: Number, energy_mev: Number, mass_mev: float) -> tuple[NDArray[np.bool_], Array]:
    """Where the recoil is possible, and the energies with zero replaced by a harmless one."""
    energy = np.asarray(energy_mev, dtype=np.float64)
    safe = np.where(energy > 0, energy, 1.0)
    allowed = (energy > 0) & (recoil_mev <= recoil_maximum_mev(safe, mass_mev))
    return allowed, safe


# --- kinematics -----------------------------------------------------------------------------------


def recoil_maximum_mev(energy_mev: Number, mass_mev: float) -> Array:
    """Largest recoil energy of a nucleus [MeV], 2E^2/(M + 2E), in back-to-back scattering."""
    return np.asarray(2 * energy_mev**2 / (mass_mev + 2 * energy_mev), dtype=np.float64)


def energy_minimum_mev(recoil_mev: Number, mass_mev: float) -> Array:
    """Smallest neutrino energy that gives a recoil [MeV], (T + sqrt(T^2 + 2MT))/2.

    arXiv:1905.03750 uses its limit for T << M, sqrt(M T/2), below Eq 33.
    """
    momentum_mev = np.sqrt(recoil_mev**2 + 2 * mass_mev * recoil_mev)
    return np.asarray((recoil_mev + momentum_mev) / 2, dtype=np.float64)


def momentum_per_fm(recoil_mev: Number, mass_mev: float) -> Array:
    """Momentum transfer Q [1/fm] of a recoil, Q^2 = 2MT (arXiv:1905.03750, above Eq 23)."""
    return np.asarray(np.sqrt(2 * mass_mev * recoil_mev) / HBAR_C_MEV_FM, dtype=np.float64)
