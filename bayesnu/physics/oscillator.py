"""Densities of oscillator functions: filled shells, the length that fixes them, and their Fourier transforms."""

from collections.abc import Iterable
from functools import lru_cache
from math import sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesnu.errors import PredictionError
from bayesnu.schema import Isotope

Array = NDArray[np.float64]

PROTON_RADIUS_FM: Final = 0.8409
"""Root-mean-square charge radius of the proton [fm]."""
NEUTRON_RADIUS_SQUARED_FM2: Final = -0.1155
"""Mean-square charge radius of the neutron [fm2]."""
DARWIN_FOLDY_FM2: Final = 0.033
"""Relativistic Darwin-Foldy term 3 / (4 M_p^2) of the mean-square charge radius [fm2]."""


# --- filled shells ----------------------------------------------------------------------------------------------------


class Shell(NamedTuple):
    """An oscillator shell: radial nodes n, orbital angular momentum l, and places 2j + 1."""

    nodes: int
    orbital: int
    places: int


SHELLS: Final = (
    Shell(0, 0, 2),  # 0s1/2
    Shell(0, 1, 6),  # 0p
    Shell(0, 2, 6),  # 0d5/2
    Shell(1, 0, 2),  # 1s1/2
    Shell(0, 2, 4),  # 0d3/2
    Shell(0, 3, 8),  # 0f7/2
    Shell(1, 1, 4),  # 1p3/2
    Shell(0, 3, 6),  # 0f5/2
    Shell(1, 1, 2),  # 1p1/2
    Shell(0, 4, 10),  # 0g9/2
    # 50: from here to 82 the order that reproduces the xenon rows of arXiv:1505.03202, Table V.
    Shell(0, 4, 8),  # 0g7/2
    Shell(1, 2, 6),  # 1d5/2
    Shell(0, 5, 12),  # 0h11/2
    Shell(1, 2, 4),  # 1d3/2
    Shell(2, 0, 2),  # 2s1/2
    # 82: the textbook order, for tungsten; no published number tests it.
    Shell(0, 5, 10),  # 0h9/2
    Shell(1, 3, 8),  # 1f7/2
    Shell(0, 6, 14),  # 0i13/2
    Shell(2, 1, 4),  # 2p3/2
    Shell(1, 3, 6),  # 1f5/2
    Shell(2, 1, 2),  # 2p1/2
)
"""Order in which the shells are filled, up to 126 nucleons of one kind."""


@lru_cache(maxsize=256)
def occupations(nucleons: int) -> tuple[tuple[Shell, int], ...]:
    """Occupied shells and the number of nucleons in each, filled from the bottom [1]."""
    filled: list[tuple[Shell, int]] = []
    left = nucleons
    for shell in SHELLS:
        filled.append((shell, min(left, shell.places)))
        left -= filled[-1][1]
    if left:
        raise PredictionError(f"the shell model ends at {nucleons - left} nucleons: {nucleons}")
    return tuple((shell, number) for shell, number in filled if number)


def oscillator_length_fm(isotope: Isotope) -> float:
    """Oscillator length b [fm] at which the filled proton shells have the measured charge radius.

    b^2 = <r_p^2> / <2n + l + 3/2>_p, without a centre-of-mass factor.
    Reference: Ong, Berengut and Flambaum, Phys. Rev. C 82 (2010) 014320 (arXiv:1006.5508).
    """
    quanta = sum(number * (2 * shell.nodes + shell.orbital + 1.5) for shell, number in occupations(isotope.charge))
    return point_proton_radius_fm(isotope) * sqrt(isotope.charge / quanta)


def oscillator_form_factor(nucleons: int, length_fm: float, momentum_per_fm: Array) -> Array:
    """Form factor [1] of filled oscillator shells of length b [fm] at momentum transfer Q [1/fm].

    Reference for the shells: arXiv:1505.03202, Eq 5.
    """
    return transform(_filled_weights(nucleons), momentum_per_fm * length_fm)


@lru_cache(maxsize=256)
def _filled_weights(nucleons: int) -> tuple[float, ...]:
    return power_weights((shell.nodes, shell.orbital, number) for shell, number in occupations(nucleons))


# --- charge radius ----------------------------------------------------------------------------------------------------


def point_proton_radius_fm(isotope: Isotope) -> float:
    """Measured root-mean-square radius of point protons [fm]: <r_p^2> = r_ch^2 less the nucleons' own charge."""
    point_fm2 = isotope.charge_radius_fm**2 - nucleon_charge_fm2(isotope)
    if point_fm2 <= 0:
        raise PredictionError(f"{isotope.name}: no density of point protons has this charge radius")
    return sqrt(point_fm2)


def nucleon_charge_fm2(isotope: Isotope) -> float:
    """Share of the nucleons' own charge in the mean square charge radius [fm2], without the spin-orbit term.

    R_p^2 + (N/Z) R_n^2 + 3/(4 M_p^2), as in arXiv:1006.5508.
    """
    return PROTON_RADIUS_FM**2 + NEUTRON_RADIUS_SQUARED_FM2 * isotope.neutrons / isotope.charge + DARWIN_FOLDY_FM2


# --- densities --------------------------------------------------------------------------------------------------------


def power_weights(occupied: Iterable[tuple[int, int, float]]) -> tuple[float, ...]:
    """Shares of the powers x^(2m) exp(-x^2), m = 0, 1, ..., x = r/b, in a density; they add to one.

    Given are the radial nodes n, the orbital angular momentum l and the number of nucleons of each level.
    """
    levels = list(occupied)
    weights = np.zeros(1 + max(2 * nodes + orbital for nodes, orbital, _ in levels))
    for nodes, orbital, number in levels:
        share = _level_weights(nodes, orbital)
        weights[orbital : orbital + share.size] += number * share
    return tuple((weights / weights.sum()).tolist())


def _level_weights(nodes: int, orbital: int) -> Array:
    """Shares of x^(2l), x^(2l+2), ... in x^(2l) [L_n^(l+1/2)(x^2)]^2 exp(-x^2), adding to one."""
    index = np.arange(nodes + 1)
    choose = special.binom(nodes + orbital + 0.5, nodes - index)
    laguerre = (-1.0) ** index * choose / special.factorial(index)
    square = np.convolve(laguerre, laguerre)
    integral = square * special.gamma(orbital + np.arange(square.size) + 1.5)
    return np.asarray(integral / integral.sum(), dtype=np.float64)


def transform(weights: tuple[float, ...], momentum: Array, recoil: float = 0.0) -> Array:
    """Form factor [1] of a density of powers x^(2m) exp(-x^2) at momentum Q b.

    Each power gives exp(-z) L_m^(1/2)(z) / L_m^(1/2)(0) with z = (Q b)^2/4; `recoil` = 1/A takes out the motion
    of the centre of mass, exp(z/A).
    Reference: Gradshteyn and Ryzhik, 6.631.10.
    """
    z = momentum**2 / 4
    total = np.zeros_like(z)
    for power, weight in enumerate(weights):
        total += weight / special.binom(power + 0.5, power) * special.eval_genlaguerre(power, 0.5, z)
    return total * np.exp(-z * (1 - recoil))
