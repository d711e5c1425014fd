"""Numbers that follow from a limit or a mass rather than from counts: small relations between published quantities."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from bayesnu.constants import (
    ELECTRON_MASS_MEV,
    FERMI_CONSTANT_PER_MEV2,
    KEV_PER_MEV,
    MUON_MASS_MEV,
)
from bayesnu.physics.mixing import Pair, conjugate, times

UP_QUARK_MASS_MEV: Final = 2.3
DOWN_QUARK_MASS_MEV: Final = 4.8
"""Current masses of the light quarks [MeV] (PDG 2014)."""
TAU_MASS_MEV: Final = 1776.86
W_MASS_MEV: Final = 80_377.0
"""Masses of the tau lepton and of the W boson [MeV] (PDG 2022)."""

_EV_PER_MEV: Final = 1e6
_MATRIX = tuple[tuple[float, ...], ...]


# --- tensor couplings and magnetic moments ----------------------------------------------------------------------------


def induced_moment(epsilon: float, mass_mev: float, charge: float, colours: int) -> float:
    """Transition moment [mu_B] that the tensor coupling of one quark or charged lepton induces in a loop.

    2 sqrt2 G_F epsilon N_c Q m_e m / pi^2 ln(2 sqrt2 G_F m^2); of a charged lepton N_c = 1 and Q = -1.
    Reference: arXiv:1506.05406, Eqs 11 (one quark) and 12 (one lepton).
    """
    strength = 2 * np.sqrt(2) * FERMI_CONSTANT_PER_MEV2
    loop = colours * charge * ELECTRON_MASS_MEV * mass_mev / np.pi**2
    return float(strength * epsilon * loop * np.log(strength * mass_mev**2))


def induced_coupling(moment_mu_b: float, mass_mev: float, charge: float, colours: int) -> float:
    """Size of the tensor coupling [1] that alone induces a moment [mu_B]: the inverse of `induced_moment`."""
    return abs(moment_mu_b / induced_moment(1.0, mass_mev, charge, colours))


def moment_of_light_quarks(epsilon_u: float, epsilon_d: float) -> float:
    """Transition moment [mu_B] of u and d together, with their relative sign: arXiv:1506.05406, Eq 11 to the letter.

    Couplings of equal sign cancel almost: 2 m_u is close to m_d, and the charges are opposite.
    """
    return _up(epsilon_u) + _down(epsilon_d)


def moment_limit_of_light_quarks(epsilon_u: float, epsilon_d: float) -> float:
    """Largest transition moment [mu_B] of limits on |epsilon_u| and |epsilon_d|, whatever their signs.

    |u term| + |d term| of arXiv:1506.05406, Eq 11: the reading that gives the moments of its Table 1.
    """
    return abs(_up(epsilon_u)) + abs(_down(epsilon_d))


def _up(epsilon: float) -> float:
    return induced_moment(epsilon, UP_QUARK_MASS_MEV, charge=2 / 3, colours=3)


def _down(epsilon: float) -> float:
    return induced_moment(epsilon, DOWN_QUARK_MASS_MEV, charge=-1 / 3, colours=3)


# --- from one limit to another ----------------------------------------------------------------------------------------


def millicharge_limit(moment_mu_b: float, recoil_kev: float, per_root_kev: float | None = None) -> float:
    """Neutrino charge [e] whose electron recoils are as many as those of a moment [mu_B], at one recoil energy.

    Where 2 pi alpha^2 q^2/(m_e T^2) equals pi alpha^2 mu^2/(m_e^2 T): q = sqrt(T/2 m_e) mu. The factor at 1 keV,
    0.0313, is printed as 3e-2: pass `per_root_kev` for it. Reference: arXiv:1506.05406, Eqs 18 to 21, where the
    q_nu of Eq 18 contains the factor sqrt(alpha).
    """
    exact = np.sqrt(1 / (2 * ELECTRON_MASS_MEV * KEV_PER_MEV))
    return float((exact if per_root_kev is None else per_root_kev) * np.sqrt(recoil_kev) * moment_mu_b)


def limit_with_exposure(limit: float, ratio: float) -> float:
    """Limit on a magnetic moment after `ratio` times the exposure, where only counting errors matter.

    The moment enters the counts squared, and their relative error falls as ratio^(-1/2): the limit, as ratio^(-1/4).
    """
    return float(limit * ratio**-0.25)


def solar_moment_squared(moduli: Sequence[float], sin2_theta_13: float, survival: float) -> float:
    """Squared effective moment of solar neutrinos [moment unit^2] from |Lambda_1|, |Lambda_2|, |Lambda_3|.

    `survival` is P_e1 of two flavours, P_e1^(2nu); that of three is cos^2(theta_13) times as large. No phase enters:
    the mass states arrive incoherent. Reference: arXiv:1905.03750, Eq 38.
    """
    first, second, third = (modulus**2 for modulus in moduli)
    cos2 = 1 - sin2_theta_13
    total = first + second + third
    return float(total - cos2 * second + (cos2 - 1) * third + cos2 * survival * (second - first))


# --- the smallest moments there are -----------------------------------------------------------------------------------


def minimal_majorana_moments(rows: Sequence[Sequence[Pair]], masses_ev: Sequence[float]) -> tuple[_MATRIX, _MATRIX]:
    """Transition moments of Majorana neutrinos in the minimal standard model [mu_B]: (magnetic, electric) matrices.

    Both matrices are imaginary and antisymmetric; returned are their imaginary parts. The rows are those of the mixing
    matrix, e, mu, tau; masses are of the neutrinos. Reference: arXiv:1905.03750, Eqs 3 and 4, with e = 2 m_e mu_B.
    """
    unit = 3 * FERMI_CONSTANT_PER_MEV2 * 2 * ELECTRON_MASS_MEV / (16 * np.pi**2 * np.sqrt(2)) / _EV_PER_MEV
    mass = tuple(masses_ev)
    sums = [[_lepton_sum(rows, i, j) for j in range(3)] for i in range(3)]
    magnetic = tuple(tuple(float(-unit * (mass[i] + mass[j]) * sums[i][j].im) for j in range(3)) for i in range(3))
    electric = tuple(tuple(float(unit * (mass[i] - mass[j]) * sums[i][j].re) for j in range(3)) for i in range(3))
    return magnetic, electric


def _lepton_sum(rows: Sequence[Sequence[Pair]], i: int, j: int) -> Pair:
    """Sum over the charged leptons of conj(U_ai) U_aj (m_a/M_W)^2."""
    squares = [(m / W_MASS_MEV) ** 2 for m in (ELECTRON_MASS_MEV, MUON_MASS_MEV, TAU_MASS_MEV)]
    products = [times(conjugate(row[i]), row[j]) for row in rows]
    return Pair(
        sum(p.re * s for p, s in zip(products, squares, strict=True)),
        sum(p.im * s for p, s in zip(products, squares, strict=True)),
    )


# --- set-ups ----------------------------------------------------------------------------------------------------------


def mass_of_volume_kg(volume_cm3: float, density_g_per_cm3: float) -> float:
    """Mass [kg] of a detector of a volume [cm3] and a density [g/cm3]."""
    return 1e-3 * volume_cm3 * density_g_per_cm3
