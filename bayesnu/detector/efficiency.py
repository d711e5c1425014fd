"""The chance that an event of a given observable is counted."""

import itertools

import numpy as np
from numpy.typing import NDArray

from bayesnu.schema import Efficiency, FlatEfficiency, SigmoidEfficiency, TableEfficiency

Array = NDArray[np.float64]


def acceptance(efficiency: Efficiency, value: Array) -> Array:
    """Acceptance as a function of the observable (arXiv:1905.03750, Eqs 30, 31, or a published table).

    >>> float(acceptance(FlatEfficiency(value=0.5), np.array(3.0)))
    0.5
    """
    if isinstance(efficiency, FlatEfficiency):
        return np.full_like(value, efficiency.value, dtype=float)
    if isinstance(efficiency, TableEfficiency):
        points, accepted = zip(*efficiency.points, strict=True)
        return np.asarray(np.interp(value, points, accepted, left=0.0))
    rise = 1.0 / (1.0 + np.exp(-efficiency.slope * (value - efficiency.midpoint)))
    return np.asarray(efficiency.plateau * rise * _step(efficiency, value))


def _step(efficiency: SigmoidEfficiency, value: Array) -> Array:
    if not efficiency.steps:
        return np.ones_like(value)
    edges, factors = zip(*efficiency.steps, strict=True)
    return np.concatenate(([0.0], factors))[np.searchsorted(edges, value, side="right")]


def segments(efficiency: FlatEfficiency | TableEfficiency) -> tuple[Array, Array, Array]:
    """Starts, values there and slopes of the straight pieces that an acceptance is made of; the last has no end."""
    if isinstance(efficiency, FlatEfficiency):
        return np.array([-np.inf]), np.array([efficiency.value]), np.array([0.0])
    points, accepted = np.array(efficiency.points).T
    return points, accepted, np.append(np.diff(accepted) / np.diff(points), 0.0)


def breakpoints(efficiency: Efficiency) -> tuple[float, ...]:
    """Values of the observable where the acceptance jumps or bends: quadratures must not straddle them."""
    if isinstance(efficiency, FlatEfficiency):
        return ()
    if isinstance(efficiency, TableEfficiency):
        return tuple(value for value, _ in efficiency.points)
    return tuple(edge for edge, _ in efficiency.steps)


def opens_at(efficiency: Efficiency) -> float:
    """Lowest observable that can be counted."""
    if isinstance(efficiency, SigmoidEfficiency) and efficiency.steps:
        return efficiency.steps[0][0]
    if isinstance(efficiency, TableEfficiency):
        dark = sum(1 for _ in itertools.takewhile(lambda point: point[1] <= 0, efficiency.points))
        return efficiency.points[max(dark - 1, 0)][0]
    return 0.0
