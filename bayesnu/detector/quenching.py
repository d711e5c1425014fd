"""Ionisation of nuclear recoils: the Lindhard quenching factor, and the energies that it relates."""

from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from bayesnu.errors import PredictionError
from bayesnu.schema import Isotope, LindhardResponse

Array = NDArray[np.float64]

STEPS: Final = 50
"""Newton steps allowed; five to ten are needed."""
CONVERGED: Final = 1e-13
"""Relative change of the energy at which the inversion stops."""


def lindhard_k(response: LindhardResponse, isotope: Isotope) -> float:
    """Lindhard's k [1]: the declared one, else 0.133 Z^(2/3) A^(-1/2) (arXiv:1905.03750, below Eq 27)."""
    usual = 0.133 * isotope.charge ** (2 / 3) / isotope.mass_number**0.5
    return float(usual if response.k is None else response.k)


def quenching_factor(response: LindhardResponse, isotope: Isotope, energy_kev: Array) -> Array:
    """Quenching factor Q = k g/(1 + k g) [1] at a nuclear recoil energy [keV].

    g = 3 gamma^0.15 + 0.7 gamma^0.6 + gamma with gamma = 11.5 T Z^(-7/3).
    Reference: arXiv:1905.03750, Eq 27.
    """
    strength = lindhard_k(response, isotope) * _g(_gamma(isotope, energy_kev))
    return np.asarray(strength / (1 + strength))


def recoil_kev(response: LindhardResponse, isotope: Isotope, electron_kev: Array) -> Array:
    """Nuclear recoil energy [keV] that is seen as an electron-equivalent energy [keV].

    'self-consistent' solves E = Q(T) T for T, 'at-threshold' takes T = E/Q(E).
    """
    energy = np.asarray(electron_kev, dtype=np.float64)
    match response.edges:
        case "self-consistent":
            return _solved(response, isotope, energy, power=1)
        case "at-threshold":
            return _times_quenching(response, isotope, energy, power=-1)
        case _:  # pragma: no cover
            assert_never(response.edges)


def electron_kev(response: LindhardResponse, isotope: Isotope, recoil_kev: Array) -> Array:
    """Electron-equivalent energy [keV] of a nuclear recoil [keV], the inverse of `recoil_kev`."""
    recoil = np.asarray(recoil_kev, dtype=np.float64)
    match response.edges:
        case "self-consistent":
            return _times_quenching(response, isotope, recoil, power=1)
        case "at-threshold":
            return _solved(response, isotope, recoil, power=-1)
        case _:  # pragma: no cover
            assert_never(response.edges)


def _times_quenching(response: LindhardResponse, isotope: Isotope, energy_kev: Array, power: int) -> Array:
    """The energy times Q (power 1) or divided by it (power -1), zero at zero."""
    safe = np.where(energy_kev > 0, energy_kev, 1.0)
    return np.where(energy_kev > 0, safe * quenching_factor(response, isotope, safe) ** power, 0.0)


def _solved(response: LindhardResponse, isotope: Isotope, target_kev: Array, power: int) -> Array:
    """The energy x [keV] with x Q(x)^power = target.

    Newton's method in ln x: the slope 1 + power d ln Q/d ln x is positive, because Q rises less than linearly.
    """
    safe = np.where(target_kev > 0, target_kev, 1.0)
    logarithm = np.log(safe)
    for _ in range(STEPS):
        energy = np.exp(logarithm)
        miss = np.log(energy * quenching_factor(response, isotope, energy) ** power / safe)
        step = miss / (1 + power * _slope(response, isotope, energy))
        logarithm = logarithm - step
        if not np.any(np.abs(step) > CONVERGED):
            return np.where(target_kev > 0, np.exp(logarithm), 0.0)
    raise PredictionError(f"{isotope.name}: the Lindhard quenching cannot be inverted with k = {response.k}")


def _slope(response: LindhardResponse, isotope: Isotope, energy_kev: Array) -> Array:
    """Logarithmic slope d ln Q/d ln T [1], between zero and one."""
    gamma = _gamma(isotope, energy_kev)
    rise = (3 * 0.15 * gamma**0.15 + 0.7 * 0.6 * gamma**0.6 + gamma) / _g(gamma)
    return np.asarray(rise / (1 + lindhard_k(response, isotope) * _g(gamma)))


def _gamma(isotope: Isotope, energy_kev: Array) -> Array:
    return np.asarray(11.5 * energy_kev * isotope.charge ** (-7 / 3))


def _g(gamma: Array) -> Array:
    return np.asarray(3 * gamma**0.15 + 0.7 * gamma**0.6 + gamma)
