"""The chance that an event of a given observable is counted."""

import numpy as np
from numpy.typing import NDArray

from bayesnu.schema import FlatEfficiency, SigmoidEfficiency

Array = NDArray[np.float64]
Efficiency = FlatEfficiency | SigmoidEfficiency


def acceptance(efficiency: Efficiency, value: Array) -> Array:
    """Acceptance as a function of the observable (arXiv:1905.03750, Eqs 30, 31).

    >>> float(acceptance(FlatEfficiency(value=0.5), np.array(3.0)))
    0.5
    """
    if isinstance(efficiency, FlatEfficiency):
        return np.full_like(value, efficiency.value, dtype=float)
    rise = 1.0 / (1.0 + np.exp(-efficiency.slope * (value - efficiency.midpoint)))
    return np.asarray(efficiency.plateau * rise * _step(efficiency, value))


def _step(efficiency: SigmoidEfficiency, value: Array) -> Array:
    if not efficiency.steps:
        return np.ones_like(value)
    edges, factors = zip(*efficiency.steps, strict=True)
    return np.concatenate(([0.0], factors))[np.searchsorted(edges, value, side="right")]


def breakpoints(efficiency: Efficiency) -> tuple[float, ...]:
    """Values of the observable where the acceptance jumps: quadratures must not straddle them."""
    if isinstance(efficiency, FlatEfficiency):
        return ()
    return tuple(edge for edge, _ in efficiency.steps)


def opens_at(efficiency: Efficiency) -> float:
    """Lowest observable that can be counted."""
    if isinstance(efficiency, SigmoidEfficiency) and efficiency.steps:
        return efficiency.steps[0][0]
    return 0.0
