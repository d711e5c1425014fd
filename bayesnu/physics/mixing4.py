"""Mixing of three active neutrinos and one sterile, in real arithmetic on numbers, arrays and symbolic tensors alike.

Angles and phases are (cosine, sine): then nothing but +, - and * is left, and no namespace is needed.
"""

from typing import Any, Final, NamedTuple

from bayesnu.physics.mixing import Pair, conjugate, times
from bayesnu.physics.moments import ZERO

Turn = tuple[Any, Any]
"""An angle or a phase: its cosine and its sine."""

Row = tuple[Pair, ...]

NO_TURN: Final = (1.0, 0.0)
"""The angle or phase zero."""


class Angles(NamedTuple):
    """Mixing angles, each as (cosine, sine); without the last three there is no sterile neutrino."""

    theta_12: Turn
    theta_13: Turn
    theta_23: Turn
    theta_14: Turn = NO_TURN
    theta_24: Turn = NO_TURN
    theta_34: Turn = NO_TURN


class Phases(NamedTuple):
    """Dirac phases, each as (cosine, sine): delta = d13, then those of the sterile neutrino.

    Three of the four are physical. arXiv:2109.09545 has d24 = 0; d34 is seen by tau neutrinos alone.
    """

    d13: Turn = NO_TURN
    d14: Turn = NO_TURN
    d24: Turn = NO_TURN
    d34: Turn = NO_TURN


def turn_of_sin2(sin2_theta: Any, xp: Any) -> Turn:
    """Cosine and sine of a mixing angle between 0 and pi/2 from its sin^2 [1]; xp is the namespace of the root."""
    return xp.sqrt(1 - sin2_theta), xp.sqrt(sin2_theta)


def active_rows(angles: Angles, phases: Phases) -> tuple[Row, Row, Row]:
    """Truncated mixing matrix K [1]: rows e, mu, tau and columns 1 to 4 of U.

    Reference: arXiv:2109.09545, Eq 4, where K is not written out; see `unitary_rows` for the form that its tables have.
    """
    electron, muon, tau, _ = unitary_rows(angles, phases)
    return electron, muon, tau


def unitary_rows(angles: Angles, phases: Phases) -> tuple[Row, Row, Row, Row]:
    """Unitary mixing matrix U = R34 R24 R14 R23 R13 R12 [1]: rows e, mu, tau, s and columns 1 to 4.

    (R_ij)_ij = s_ij exp(-i d_ij) and (R_ij)_ji = -s_ij exp(i d_ij), so that U_e3 = c14 s13 exp(-i delta), as in
    `mixing.pmns` without a sterile neutrino. There are no Majorana phases: those belong to the moments.
    """
    rows = [tuple(Pair(1.0, 0.0) if i == j else ZERO for j in range(4)) for i in range(4)]
    _rotate(rows, 0, 1, angles.theta_12, NO_TURN)
    _rotate(rows, 0, 2, angles.theta_13, phases.d13)
    _rotate(rows, 1, 2, angles.theta_23, NO_TURN)
    _rotate(rows, 0, 3, angles.theta_14, phases.d14)
    _rotate(rows, 1, 3, angles.theta_24, phases.d24)
    _rotate(rows, 2, 3, angles.theta_34, phases.d34)
    return rows[0], rows[1], rows[2], rows[3]


def _rotate(rows: list[Row], i: int, j: int, angle: Turn, phase: Turn) -> None:
    """Multiply the rows from the left by R_ij."""
    cosine, sine = angle
    along = Pair(cosine, 0.0)
    across = Pair(sine, 0.0) if phase is NO_TURN else Pair(sine * phase[0], -sine * phase[1])
    back = Pair(-across.re, across.im)
    rows[i], rows[j] = (
        tuple(_sum(_product(along, x), _product(across, y)) for x, y in zip(rows[i], rows[j], strict=True)),
        tuple(_sum(_product(back, x), _product(along, y)) for x, y in zip(rows[i], rows[j], strict=True)),
    )


# The zeros of the identity, and imaginary parts that are plain zeros, stay out: that keeps symbolic graphs small.


def _product(a: Pair, b: Pair) -> Pair:
    if a is ZERO or b is ZERO:
        return ZERO
    if _is_real(a):
        return Pair(a.re * b.re, 0.0 if _is_real(b) else a.re * b.im)
    return Pair(b.re * a.re, b.re * a.im) if _is_real(b) else times(a, b)


def _sum(a: Pair, b: Pair) -> Pair:
    if a is ZERO or b is ZERO:
        return b if a is ZERO else a
    if _is_real(a) or _is_real(b):
        return Pair(a.re + b.re, b.im if _is_real(a) else a.im)
    return Pair(a.re + b.re, a.im + b.im)


def _is_real(a: Pair) -> bool:
    return isinstance(a.im, float) and a.im == 0.0


def antineutrino_row(row: Row) -> Row:
    """Row of the mixing matrix of an antineutrino of the same flavour: the complex conjugate."""
    return tuple(map(conjugate, row))
