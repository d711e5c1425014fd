"""How many phases of the mixing and of the transition moments can be seen in effective moments."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bayesnu.physics.mixing4 import Angles, Phases, Row, Turn, active_rows
from bayesnu.physics.moments import ZERO, effective_moment_squared
from bayesnu.physics.moments4 import ELEMENTS, SIGN_13, polar, transition_matrix_4

Array = NDArray[np.float64]

_STEP, _SMALLEST = 1e-4, 1e-6
"""Of the derivatives [rad], and of a singular value that is not zero."""


def physical_phases(neutrinos: float, flavours: float = 3) -> float:
    """Combinations of phases [1] that the squared moments of the first flavours (e, mu, tau) depend on.

    The rank of the derivatives of all coefficients with respect to four Dirac phases and those of six moments, at
    angles and phases without a symmetry; n (n - 2) of n = 3 or 4 neutrinos if all three flavours are seen.
    """
    number = round(neutrinos)
    rng = np.random.default_rng(5)
    thetas = rng.uniform(0.3, 1.2, 6) * np.array([1.0] * 3 + [float(number > 3)] * 3)
    start = rng.uniform(-3, 3, 10)[:, np.newaxis]
    elements = [name for name in ELEMENTS if int(name[1]) <= number]
    up, down = (_coefficients(start + s * _STEP * np.eye(10), thetas, round(flavours), elements) for s in (1, -1))
    return float(np.linalg.matrix_rank((up - down) / (2 * _STEP), tol=_SMALLEST))


def _coefficients(phases: Array, thetas: Array, flavours: int, elements: list[str]) -> Array:
    """Squared moments of one or two moduli of one, in the columns of phases: four Dirac phases, then six of moments."""
    rows = active_rows(Angles(*map(_turn, thetas)), Phases(*map(_turn, phases[:4])))
    present = [{i, j} for i, j in combinations(elements, 2)] + [{i} for i in elements]
    return np.array([_moment_squared(rows[a], phases[4:], names) for a in range(flavours) for names in present])


def _moment_squared(row: Row, zetas: Array, present: set[str]) -> Array:
    moments = [polar(1.0, _turn(z)) if name in present else ZERO for name, z in zip(ELEMENTS, zetas, strict=True)]
    found = effective_moment_squared(row, transition_matrix_4(moments, SIGN_13["matrix"]))
    return np.broadcast_to(np.asarray(found, dtype=np.float64), zetas.shape[1:])


def _turn(angle: Array) -> Turn:
    return np.cos(angle), np.sin(angle)
