"""Visible energy of a recoil: a polynomial without a constant, and its inverse on the range where it rises."""

from collections.abc import Sequence

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from bayesnu.constants import KEV_PER_MEV
from bayesnu.errors import PredictionError

Array = NDArray[np.float64]

BISECTIONS = 100
"""Halvings that pin a recoil to the last bit of its bracket."""
FARTHEST_KEV = 1e9
"""No recoil of any use is above it."""


def visible_kev(quenching: Sequence[float], recoil_kev: Array) -> Array:
    """Visible energy E = c_1 T + c_2 T^2 + ... [keV] of a recoil T [keV]; the coefficients are for MeV.

    Reference: COHERENT, arXiv:2111.02477 (CsI); arXiv:2006.12659 (argon, E = (a + b T) T).

    >>> round(float(visible_kev((0.0878,), np.array(10.0))), 4)
    0.878
    """
    return np.asarray(KEV_PER_MEV * _polynomial(quenching)(np.asarray(recoil_kev) / KEV_PER_MEV))


def turning_point_kev(quenching: Sequence[float]) -> float:
    """Recoil [keV] up to which the visible energy rises; infinite where it always does."""
    slope = _polynomial(quenching).deriv()
    if slope(0.0) <= 0:
        return 0.0
    roots = slope.roots()
    real = np.sort(roots[np.isreal(roots)].real)
    turning = [root for root in real if root > 0 and slope(root * (1 + 1e-6)) < 0]
    return float(turning[0] * KEV_PER_MEV) if turning else float("inf")


def require_rising(quenching: Sequence[float], recoil_kev: Array) -> None:
    """A recoil beyond the turning point would be seen at the energy of a smaller one: the fit does not reach it."""
    turns = turning_point_kev(quenching)
    highest = float(np.max(recoil_kev, initial=0.0))
    if highest > turns:
        raise PredictionError(
            f"detector.response.quenching: the visible energy falls above a recoil of {turns:.4g} keV, and recoils of"
            f" {highest:.4g} keV occur; expected a polynomial that rises on their whole range; use another fit"
        )


def recoil_kev(quenching: Sequence[float], visible: Array) -> Array:
    """Recoil energy [keV] of a visible energy [keV]; NaN where no recoil below the turning point is as bright."""
    wanted = np.asarray(visible, dtype=np.float64)
    high = np.full_like(wanted, min(turning_point_kev(quenching), FARTHEST_KEV))
    reached = visible_kev(quenching, high) >= wanted
    low = np.zeros_like(wanted)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        below = visible_kev(quenching, middle) < wanted
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(wanted > 0, np.where(reached, 0.5 * (low + high), np.nan), 0.0)


def _polynomial(quenching: Sequence[float]) -> Polynomial:
    return Polynomial([0.0, *quenching])
