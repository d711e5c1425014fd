"""Mixing of three neutrinos in real arithmetic, for numbers, arrays and symbolic tensors alike.

Symbolic tensors are differentiated, and complex numbers are not: so a complex number is a pair of
real ones here, and nothing but +, -, * and a square root acts on it.
"""

from typing import Any, NamedTuple


class Pair(NamedTuple):
    """A complex number: its real and imaginary parts."""

    re: Any
    im: Any


def times(a: Pair, b: Pair) -> Pair:
    """Product of two complex numbers."""
    return Pair(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)


def conjugate(a: Pair) -> Pair:
    """Complex conjugate."""
    return Pair(a.re, -a.im)


def modulus_squared(a: Pair) -> Any:
    """Squared modulus of a complex number."""
    return a.re * a.re + a.im * a.im


def pmns(
    sin2_theta_12: Any,
    sin2_theta_13: Any,
    sin2_theta_23: Any,
    delta: tuple[Any, Any],
    xp: Any,
) -> tuple[tuple[Pair, Pair, Pair], ...]:
    """Lepton mixing matrix U [1] in the form of the PDG, rows e, mu, tau and columns 1, 2, 3.

    U = R23 R13 R12 with U_e3 = s13 exp(-i delta) and without Majorana phases; delta is given by
    its (cosine, sine), xp is the namespace of the square root (numpy or pytensor.tensor).
    Reference: PDG review "Neutrino masses, mixing, and oscillations"; arXiv:1905.03750, Eq 8.
    """
    s12, c12 = _sine_cosine(sin2_theta_12, xp)
    s13, c13 = _sine_cosine(sin2_theta_13, xp)
    s23, c23 = _sine_cosine(sin2_theta_23, xp)
    cosine, sine = delta
    twisted = Pair(s13 * cosine, s13 * sine)
    return (
        (_real(c12 * c13), _real(s12 * c13), conjugate(twisted)),
        (
            _real_minus(-s12 * c23, c12 * s23, twisted),
            _real_minus(c12 * c23, s12 * s23, twisted),
            _real(s23 * c13),
        ),
        (
            _real_minus(s12 * s23, c12 * c23, twisted),
            _real_minus(-c12 * s23, s12 * c23, twisted),
            _real(c23 * c13),
        ),
    )


def _sine_cosine(sin2: Any, xp: Any) -> tuple[Any, Any]:
    return xp.sqrt(sin2), xp.sqrt(1 - sin2)


def _real(value: Any) -> Pair:
    return Pair(value, 0.0)


def _real_minus(value: Any, factor: Any, twisted: Pair) -> Pair:
    """Complex number value - factor * twisted, the first two being real."""
    return Pair(value - factor * twisted.re, -factor * twisted.im)
