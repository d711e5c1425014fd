"""Transition magnetic moments of Majorana neutrinos and the moment that an experiment sees.

Moments carry the unit of their caller; inside the package that is 1e-10 Bohr magnetons. Everything
is real arithmetic, so numbers, arrays and symbolic tensors are all welcome.
"""

from collections.abc import Sequence
from typing import Any

from bayesnu.physics.mixing import Pair, conjugate, modulus_squared, times

ZERO = Pair(0.0, 0.0)
"""A matrix element that is absent: sums leave it out, which keeps symbolic graphs small."""


def transition_matrix(moments: Sequence[Pair]) -> tuple[tuple[Pair, ...], ...]:
    """Antisymmetric matrix of the moments in the mass basis, lambda_jk = epsilon_jki Lambda_i.

    Reference: arXiv:1905.03750, Eq 6; three complex moments Lambda_i in the unit of the result.
    """
    first, second, third = moments
    return (
        (ZERO, third, _minus(second)),
        (_minus(third), ZERO, first),
        (second, _minus(first), ZERO),
    )


def effective_moment_squared(row: Sequence[Pair], matrix: Sequence[Sequence[Pair]]) -> Any:
    """Squared effective moment of a flavour, sum_j |sum_i conj(U_ai) lambda_ij|^2 [moment unit^2].

    The row is U_a1, U_a2, ... of the mixing matrix, for any number of neutrinos; the neutrinos have
    had no time to oscillate. Reference: arXiv:1905.03750, Eq 37 at L = 0, which is Eq 9 for one
    flavour of neutrinos; antineutrinos of that flavour have the same moment.
    """
    total: Any = 0.0
    for column in zip(*matrix, strict=True):
        amplitude = _overlap(row, column)
        if not _absent(amplitude):
            total = modulus_squared(amplitude) + total
    return total


def _overlap(row: Sequence[Pair], column: Sequence[Pair]) -> Pair:
    """Sum over i of conj(U_i) lambda_i, leaving out what is absent."""
    total = ZERO
    for element, moment in zip(row, column, strict=True):
        if not (_absent(element) or _absent(moment)):
            term = times(conjugate(element), moment)
            total = term if _absent(total) else Pair(total.re + term.re, total.im + term.im)
    return total


def _minus(a: Pair) -> Pair:
    return Pair(-a.re, -a.im)


def _absent(a: Pair) -> bool:
    """Whether both parts are plain zeros; an array or a tensor is never absent."""
    return all(isinstance(part, float) and part == 0.0 for part in a)
