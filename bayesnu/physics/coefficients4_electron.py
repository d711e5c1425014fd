"""Coefficients of pairs of transition moments in the effective moment of electron neutrinos, four of them, as printed.

Reference: arXiv:2109.09545, Table I and Eqs 7 and 9, symbol by symbol: s, c, S are sin, cos, and sin of twice an angle,
d is delta, z is zeta. `coefficients4` compares them with the matrix formula that they expand.
"""

from typing import NamedTuple

import numpy as np
from numpy import cos
from numpy.typing import NDArray

Array = NDArray[np.float64]

Printed = dict[str, Array]
"""Entry such as '12,34', for |lambda_12||lambda_34|, -> coefficient [1]."""


class Point(NamedTuple):
    """Angles, Dirac phases and phases of the moments [rad], an array each."""

    theta_12: Array
    theta_13: Array
    theta_23: Array
    theta_14: Array
    theta_24: Array
    delta: Array
    delta_14: Array
    zetas: tuple[Array, ...]

    @property
    def angles(self) -> tuple[Array, ...]:
        """Sine and cosine of theta_12, theta_13, theta_23, theta_14, theta_24, in turn."""
        return tuple(part for theta in self[:5] for part in (np.sin(theta), cos(theta)))

    @property
    def doubles(self) -> tuple[Array, ...]:
        """Sine of twice theta_12, theta_13, theta_23, theta_14, theta_24."""
        return tuple(np.sin(2 * theta) for theta in self[:5])


# fmt: off
# One line of the paper is one line here, so that they can be read side by side.


def table_1(p: Point) -> Printed:
    """Coefficients of electron neutrinos: Table I."""
    s12, c12, s13, c13, _, _, s14, c14, _, _ = p.angles
    S12, S13, _, S14, _ = p.doubles
    d, d14, (z12, z13, z14, z23, z24, z34) = p.delta, p.delta_14, p.zetas
    zero = np.zeros_like(d)
    return {
        "12,12": c13**2*c14**2,
        "13,13": c14**2*(c12**2*c13**2 + s13**2),
        "14,14": c12**2*c13**2*c14**2 + s14**2,
        "23,23": c14**2*(s12**2*c13**2 + s13**2),
        "24,24": s12**2*c13**2*c14**2 + s14**2,
        "34,34": c14**2*s13**2 + s14**2,
        "12,13": -c14**2*s12*S13*cos(d - z12 + z13),
        "12,14": c13*s12*S14*cos(d14 - z12 + z14),
        "12,23": -c14**2*c12*S13*cos(d - z12 + z23),
        "12,24": -c13*c12*S14*cos(d14 - z12 + z24),
        "12,34": zero,
        "13,14": -s13*S14*cos(d - d14 + z13 - z14),
        "13,23": -c13**2*c14**2*S12*cos(z13 - z23),
        "13,24": zero,
        "13,34": c12*c13*S14*cos(d14 - z13 + z34),
        "14,23": zero,
        "14,24": c13**2*c14**2*S12*cos(z14 - z24),
        "14,34": c12*c14**2*S13*cos(d - z14 + z34),
        "23,24": s13*S14*cos(d - d14 + z23 - z24),
        "23,34": -c13*s12*S14*cos(d14 - z23 + z34),
        "24,34": c14**2*s12*S13*cos(d - z24 + z34),
    }


def equation_7(p: Point) -> Printed:
    """Coefficients of |lambda_i4|^2 of electron neutrinos: Eq 7."""
    s12, c12, s13, c13, _, _, s14, c14, _, _ = p.angles
    return {
        "14,14": c12**2*c13**2*c14**2 + s14**2,
        "24,24": s12**2*c13**2*c14**2 + s14**2,
        "34,34": s13**2*c14**2 + s14**2,
    }


def equation_9(p: Point) -> Printed:
    """Coefficients of |lambda_i4|^2 of electron neutrinos for small angles of the sterile neutrino: Eq 9."""
    s12, c12, s13, c13, *_ = p.angles
    return {"14,14": c13**2*c12**2, "24,24": c13**2*s12**2, "34,34": s13**2}


# fmt: on
