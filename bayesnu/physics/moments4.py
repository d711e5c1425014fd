"""Transition moments of four Majorana neutrinos, one of them massive, and the moments that experiments see.

Rows are those of the mixing matrix (`mixing4.active_rows`). `moments.effective_moment_squared` holds for four neutrinos
as it stands, while the fourth is light; the functions here are for a fourth with a mass. Moments keep their caller's
unit.
"""

from collections.abc import Sequence
from typing import Any, Final

from bayesnu.physics.mixing import Pair, conjugate, modulus_squared, times
from bayesnu.physics.moments import ZERO, effective_moment_squared

Matrix = tuple[tuple[Pair, ...], ...]

ELEMENTS: Final = ("12", "13", "14", "23", "24", "34")
"""Order of the six independent elements of lambda."""

SIGN_13: Final = {"matrix": 1.0, "tables": -1.0}
"""Sign of lambda_13 = sign |lambda_13| exp(i zeta_13): as in arXiv:2109.09545, Eqs 2 and 3, or in its Tables I and II.

The sign of the tables continues lambda_13 = -Lambda_2 of arXiv:1905.03750, Eq 6. Limits on one modulus do not see it.
"""


def polar(modulus: Any, phase: tuple[Any, Any]) -> Pair:
    """Complex moment |lambda| exp(i zeta) of its modulus [moment unit] and its phase as (cosine, sine)."""
    cosine, sine = phase
    return Pair(modulus * cosine, modulus * sine)


def transition_matrix_4(moments: Sequence[Pair], sign_13: float) -> Matrix:
    """Antisymmetric matrix of six complex moments in the mass basis, in the order of ELEMENTS [moment unit].

    sign_13 multiplies the second moment: one of SIGN_13. Reference: arXiv:2109.09545, Eqs 2 and 3.
    """
    m12, m13, m14, m23, m24, m34 = moments
    m13 = Pair(sign_13 * m13.re, sign_13 * m13.im)
    return (
        (ZERO, m12, m13, m14),
        (_minus(m12), ZERO, m23, m24),
        (_minus(m13), _minus(m23), ZERO, m34),
        (_minus(m14), _minus(m24), _minus(m34), ZERO),
    )


def antineutrino_matrix(matrix: Matrix) -> Matrix:
    """Transition moments of antineutrinos: the complex conjugate."""
    return tuple(tuple(map(conjugate, line)) for line in matrix)


# --- short baselines --------------------------------------------------------------------------------------------------


def massive_amplitude(row: Sequence[Pair], matrix: Matrix) -> Pair:
    """Amplitude of a flavour's transition to the massive state alone, sum_(i<4) conj(K_ai) lambda_i4 [moment unit]."""
    first, second, third = (times(conjugate(k), line[3]) for k, line in zip(row[:3], matrix[:3], strict=True))
    return Pair(first.re + second.re + third.re, first.im + second.im + third.im)


def massive_moment_squared(row: Sequence[Pair], matrix: Matrix) -> Any:
    """Squared effective moment of a flavour's transition to the massive state, |sum_(i<4) conj(K_ai) lambda_i4|^2.

    The only moment that belongs with the cross section of a massive final state. Eqs 7 and 8 of arXiv:2109.09545 have
    more: their terms |K_a4|^2 |lambda_i4|^2 are an incoming fourth neutrino that turns into a light one.
    """
    return effective_moment_squared(row[:3], [line[3:] for line in matrix[:3]])


def light_moment_squared(row: Sequence[Pair], matrix: Matrix) -> Any:
    """Squared effective moment among the three light neutrinos, sum_(j<4) |sum_(i<4) conj(K_ai) lambda_ij|^2.

    Reference: arXiv:2109.09545, Eq 4 at L = 0, without the states that are too heavy to be coherent with the light.
    """
    return effective_moment_squared(row[:3], [line[:3] for line in matrix[:3]])


def interference_coefficient(row: Sequence[Pair], matrix: Matrix) -> Pair:
    """Complex factor K_a4 sum_(i<4) conj(K_ai) lambda_i4 that dipole times weak production of the fourth neutrino has.

    The incoming flavour reaches the fourth state weakly with amplitude conj(K_a4), times g_V or g_A of that flavour,
    and by the dipole with `massive_amplitude`; the cross section contains the real part of the second times the
    conjugate of the first [moment unit]. That of antineutrinos is the complex conjugate. Left out is what is smaller by
    |K_b4|^2. Reference: arXiv:2109.09545, Eq 20, which prints U_aj lambda_j4 where Eq 4 has conj(K): that would change
    with the phases of the light fields, which are a matter of convention.
    """
    return times(row[3], massive_amplitude(row, matrix))


# --- neutrinos from the sun -------------------------------------------------------------------------------------------


def solar_moment_squared(probabilities: Sequence[Any], matrix: Matrix) -> Any:
    """Squared effective moment of solar neutrinos, sum_i P_ei sum_j |lambda_ij|^2: the mass states arrive incoherent.

    Reference: arXiv:2109.09545, Eq 5, with P_e1 to P_e4 [1].
    """
    return sum(p * sum(map(modulus_squared, line)) for p, line in zip(probabilities, matrix, strict=True))


def solar_massive_moment_squared(probabilities: Sequence[Any], matrix: Matrix) -> Any:
    """Squared effective moment of solar neutrinos that turn into the massive state, sum_(i<4) P_ei |lambda_i4|^2.

    Reference: the part of arXiv:2109.09545, Eq 5, that has the fourth neutrino in the final state.
    """
    return sum(p * modulus_squared(line[3]) for p, line in zip(probabilities[:3], matrix[:3], strict=True))


def _minus(a: Pair) -> Pair:
    return Pair(-a.re, -a.im)
