"""Solar neutrinos on Earth: the mass states that electron neutrinos become on an adiabatic way out of the sun.

Nothing but arithmetic and one square root acts on the mixing angles, so they may be arrays or symbolic tensors.
"""

from collections.abc import Sequence
from typing import Any, Final

from bayesnu.constants import AVOGADRO_PER_MOL, FERMI_CONSTANT_PER_MEV2, HBAR_C_MEV_FM
from bayesnu.physics.mixing import Pair, modulus_squared

_EV_PER_MEV: Final = 1e6
_CM_PER_FM: Final = 1e-13

POTENTIAL_EV: Final = (
    2**0.5 * FERMI_CONSTANT_PER_MEV2 * AVOGADRO_PER_MOL * (HBAR_C_MEV_FM * _CM_PER_FM) ** 3 * _EV_PER_MEV
)
"""Potential sqrt2 G_F n_e [eV] of electron neutrinos where n_e is one N_A/cm3."""


def matter_to_vacuum(
    energy_mev: Any, electrons_na_cm3: Any, delta_m2_21_ev2: Any, sin2_theta_13: Any, sin2_theta_14: Any
) -> Any:
    """Ratio b [1] of the potential that two flavours feel to their oscillation in vacuum.

    b = 2 sqrt2 G_F n_e c13^2 c14^2 E/Dm2_21 with the electron density [N_A/cm3] where the neutrino is born.
    Reference: PDG review "Neutrino masses, mixing, and oscillations", solar neutrinos.
    """
    potential_ev = POTENTIAL_EV * electrons_na_cm3 * (1 - sin2_theta_13) * (1 - sin2_theta_14)
    return 2 * potential_ev * energy_mev * _EV_PER_MEV / delta_m2_21_ev2


def two_flavour_probability(sin2_theta_12: Any, ratio: Any, xp: Any) -> Any:
    """Probability P_e1^(2nu) [1] that an electron neutrino leaves the sun as the first of two mass states.

    (1 + cos 2 theta_m)/2 with cos 2 theta_m = (cos 2 theta_12 - b)/sqrt((cos 2 theta_12 - b)^2 + sin^2 2 theta_12)
    where the neutrino is born: adiabatic. The ratio b is that of `matter_to_vacuum`; xp is numpy or pytensor.tensor.
    """
    above = 1 - 2 * sin2_theta_12 - ratio
    return (1 + above / xp.sqrt(above * above + 4 * sin2_theta_12 * (1 - sin2_theta_12))) / 2


def mass_state_probabilities(
    energy_mev: Any,
    electrons_na_cm3: Any,
    *,
    sin2_theta_12: Any,
    sin2_theta_13: Any,
    sin2_theta_14: Any,
    delta_m2_21_ev2: Any,
    xp: Any,
) -> tuple[Any, Any, Any, Any]:
    """Probabilities P_e1 to P_e4 [1] that a solar electron neutrino arrives as each mass state.

    P_e1 = c13^2 c14^2 P_e1^(2nu), P_e2 = c13^2 c14^2 (1 - P_e1^(2nu)), P_e3 = s13^2 c14^2, P_e4 = s14^2; with
    sin2_theta_14 = 0 three neutrinos are left. Matter mixes the first two states alone, which costs up to 3e-4 for pp,
    7Be and pep and 4e-3 at 15 MeV; that a sterile neutrino feels no neutral current is left out. Energies and angles
    broadcast: give energies an axis of their own where angles are arrays. Reference: arXiv:2109.09545, Eq 5.
    """
    ratio = matter_to_vacuum(energy_mev, electrons_na_cm3, delta_m2_21_ev2, sin2_theta_13, sin2_theta_14)
    first = two_flavour_probability(sin2_theta_12, ratio, xp)
    light = 1 - sin2_theta_14
    solar = light * (1 - sin2_theta_13)
    return solar * first, solar * (1 - first), light * sin2_theta_13, sin2_theta_14


def flavour_probabilities(probabilities: Sequence[Any], rows: Sequence[Sequence[Pair]]) -> tuple[Any, ...]:
    """Probabilities P_ea = sum_i P_ei |U_ai|^2 [1] of each flavour on Earth, one for each row of the mixing matrix.

    As many probabilities are read as the rows have columns: three for `mixing.pmns`, four for `mixing4.active_rows`.
    """
    return tuple(
        sum(p * modulus_squared(u) for p, u in zip(probabilities[: len(row)], row, strict=True)) for row in rows
    )
