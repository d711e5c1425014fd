"""Coefficients of pairs of transition moments in the effective moment of muon neutrinos, four of them, as printed.

Reference: arXiv:2109.09545, Table II and Eqs 8 and 10, in the symbols of `coefficients4_electron`.
"""

import numpy as np
from numpy import cos

from bayesnu.physics.coefficients4_electron import Point, Printed

# fmt: off
# One line of the paper is one line here, so that they can be read side by side.


def table_2(p: Point) -> Printed:
    """Coefficients of muon neutrinos: Table II."""
    zero = np.zeros_like(p.delta)
    return {
        **_table_2_squares(p), **_table_2_products(p), **_table_2_products_with_massive(p),
        "12,34": zero, "13,24": zero, "14,23": zero,
    }


def _table_2_squares(p: Point) -> Printed:
    s12, c12, s13, c13, s23, c23, s14, c14, s24, c24 = p.angles
    S12, S13, _, _, S24 = p.doubles
    d, d14 = p.delta, p.delta_14
    return {
        "12,12": c24*s14*s23*s24*S13*cos(d - d14) + c24**2*(c23**2 + s13**2*s23**2) + c13**2*s14**2*s24**2,
        "13,13": c24**2*(c23*s13*s23*S12*cos(d) + c23**2*s12**2 + s23**2*(c12**2*s13**2 + c13**2))
            + c13*s14*S24*(c12*c23*s12*cos(d14) + (c12**2 - 1)*s13*s23*cos(d - d14))
            + s14**2*s24**2*(c12**2*c13**2 + s13**2),
        "14,14": c24**2*(c23*s13*s23*S12*cos(d) + c23**2*s12**2 + c12**2*s13**2*s23**2)
            + c12*c13*s14*S24*(c23*s12*cos(d14) + c12*s13*s23*cos(d - d14))
            + s24**2*(c12**2*c13**2*s14**2 + c14**2),
        "23,23": c24**2*(-c23*s13*s23*S12*cos(d) + s23**2*(c13**2 + s12**2*s13**2) + c12**2*c23**2)
            - c13*s14*S24*(c12*c23*s12*cos(d14) - (s12**2 - 1)*s13*s23*cos(d - d14))
            + s14**2*s24**2*(c13**2*s12**2 + s13**2),
        "24,24": c24**2*(-c23*s13*s23*S12*cos(d) + c12**2*c23**2 + s12**2*s13**2*s23**2)
            + c13*s12*s14*S24*(s12*s13*s23*cos(d - d14) - c12*c23*cos(d14))
            + s24**2*(c13**2*s12**2*s14**2 + c14**2),
        "34,34": -c24*s14*s24*s23*S13*cos(d - d14) + c13**2*c24**2*s23**2 + s24**2*(c14**2 + s13**2*s14**2),
    }


def _table_2_products(p: Point) -> Printed:
    s12, c12, s13, c13, s23, c23, s14, c14, s24, c24 = p.angles
    S12, S13, S23, _, S24 = p.doubles
    d, d14, (z12, z13, z14, z23, z24, z34) = p.delta, p.delta_14, p.zetas
    return {
        "12,13": -s12*(-c13**2*s14*s23*S24*cos(d14 - z12 + z13)
            + (s14**2*s24**2 - c24**2*s23**2)*S13*cos(d - z12 + z13)
            + s13**2*s14*s23*S24*cos(2*d - d14 - z12 + z13))
            - 2*c12*c23*c24*(c13*c24*s23*cos(z12 - z13) - s13*s14*s24*cos(d - d14 - z12 + z13)),
        "12,14": -2*c14*s24*(s12*(c24*s13*s23*cos(d - z12 + z14) + c13*s14*s24*cos(d14 - z12 + z14))
            - c12*c23*c24*cos(z12 - z14)),
        "12,23": c12*c13**2*s14*s23*S24*cos(d14 - z12 + z23)
            + c13*(2*c12*s13*(c24**2*s23**2 - s14**2*s24**2)*cos(d - z12 + z23) + c24**2*s12*cos(z12 - z23)*S23)
            - s13*s14*S24*(c23*s12*cos(d - d14 - z12 + z23) + c12*s13*s23*cos(2*d - d14 - z12 + z23)),
        "12,24": 2*c14*s24*(c12*(c24*s13*s23*cos(d - z12 + z24) + c13*s14*s24*cos(d14 - z12 + z24))
            + c23*c24*s12*cos(z12 - z24)),
        "13,14": 2*c14*s24*(s13*s14*s24*cos(d - d14 + z13 - z14) - c13*c24*s23*cos(z13 - z14)),
        "13,23": (-2*c13*c24*s13*s14*s23*s24*cos(d - d14) + c24**2*(c23**2 - s13**2*s23**2) - c13**2*s14**2*s24**2)
            * S12*cos(z13 - z23)
            + 2*c23*c24*c12**2*(c24*s13*s23*cos(d - z13 + z23) + c13*s14*s24*cos(d14 - z13 + z23))
            - 2*c23*c24*s12**2*(c24*s13*s23*cos(d + z13 - z23) + c13*s14*s24*cos(d14 + z13 - z23)),
        "13,34": -2*c14*s24*(c12*(c24*s13*s23*cos(d - z13 + z34) + c13*s14*s24*cos(d14 - z13 + z34))
            + c23*c24*s12*cos(z13 - z34)),
    }


def _table_2_products_with_massive(p: Point) -> Printed:
    s12, c12, s13, c13, s23, c23, s14, c14, s24, c24 = p.angles
    S12, S13, S23, _, S24 = p.doubles
    d, d14, (_, _, z14, z23, z24, z34) = p.delta, p.delta_14, p.zetas
    return {
        "14,24": (2*c13*c24*s13*s14*s23*s24*cos(d - d14) + c24**2*(s13**2*s23**2 - c23**2) + c13**2*s14**2*s24**2)
            * S12*cos(z14 - z24)
            - 2*c23*c24*c12**2*(c24*s13*s23*cos(d - z14 + z24) + c13*s14*s24*cos(d14 - z14 + z24))
            + 2*c23*c24*s12**2*(c24*s13*s23*cos(d + z14 - z24) + c13*s14*s24*cos(d14 + z14 - z24)),
        "14,34": -c12*c13**2*s14*s23*S24*cos(d14 - z14 + z34)
            - c13*(2*c12*s13*(c24**2*s23**2 - s14**2*s24**2)*cos(d - z14 + z34) + c24**2*s12*cos(z14 - z34)*S23)
            + s13*s14*S24*(c23*s12*cos(d - d14 - z14 + z34) + c12*s13*s23*cos(2*d - d14 - z14 + z34)),
        "23,24": 2*c14*s24*(c13*c24*s23*cos(z23 - z24) - s13*s14*s24*cos(d - d14 + z23 - z24)),
        "23,34": 2*c14*s24*(s12*(c24*s13*s23*cos(d - z23 + z34) + c13*s14*s24*cos(d14 - z23 + z34))
            - c12*c23*c24*cos(z23 - z34)),
        # The brackets of this entry do not match as printed; the factor s12 must reach all three terms.
        "24,34": s12*(-c13**2*s14*s23*S24*cos(d14 - z24 + z34)
            + (s14**2*s24**2 - c24**2*s23**2)*S13*cos(d - z24 + z34)
            + s13**2*s14*s23*S24*cos(2*d - d14 - z24 + z34))
            + 2*c12*c23*c24*(c13*c24*s23*cos(z24 - z34) - s13*s14*s24*cos(d - d14 - z24 + z34)),
    }


def equation_8(p: Point) -> Printed:
    """Coefficients of |lambda_i4|^2 of muon neutrinos: Eq 8."""
    s12, c12, s13, c13, s23, c23, s14, c14, s24, c24 = p.angles
    S12, S13, _, _, S24 = p.doubles
    d, d14 = p.delta, p.delta_14
    return {
        "14,14": c24**2*(S12*s13*c23*s23*cos(d) + s12**2*c23**2 + c12**2*s13**2*s23**2)
            + c12*c13*s14*S24*(s12*c23*cos(d14) + c12*s13*s23*cos(d - d14))
            + s24**2*(c12**2*c13**2*s14**2 + c14**2),
        "24,24": c24**2*(-S12*s13*c23*s23*cos(d) + c12**2*c23**2 + s12**2*s13**2*s23**2)
            + s12*c13*s14*S24*(s12*s13*s23*cos(d - d14) - c12*c23*cos(d14))
            + s24**2*(s12**2*c13**2*s14**2 + c14**2),
        "34,34": -S13*s23*s14*c24*s24*cos(d - d14) + c13**2*s23**2*c24**2 + s24**2*(s13**2*s14**2 + c14**2),
    }


def equation_10(p: Point) -> Printed:
    """Coefficients of |lambda_i4|^2 of muon neutrinos for small angles of the sterile neutrino: Eq 10."""
    s12, c12, s13, c13, s23, c23, *_ = p.angles
    S12, d = p.doubles[0], p.delta
    return {
        "14,14": c23*s13*s23*S12*cos(d) + c23**2*s12**2 + c12**2*s13**2*s23**2,
        "24,24": -c23*s13*s23*S12*cos(d) + c23**2*c12**2 + s12**2*s13**2*s23**2,
        "34,34": c13**2*s23**2,
    }


# fmt: on
