"""The values at which a parameter is scanned: from its wall, or from where chi2 has risen enough, to where it has."""

import numpy as np
from numpy.typing import NDArray

from bayesnu.infer.conditional import Conditional
from bayesnu.infer.minimise import Minimum
from bayesnu.likelihood import priors

Array = NDArray[np.float64]

MARGIN = 1.5
"""A scan goes on until delta chi2 is this many thresholds."""
GROWTH = 1.35
"""Of the steps in which its end is sought."""


def values(line: Conditional, best: Minimum, threshold: float, points: int, *, from_wall: bool = True) -> Array:
    """Even steps of one parameter, from the wall or from well below the best value, to well above; an angle goes round.

    Without `from_wall` only a moment begins at its wall, which is zero.
    """
    where, i = line.problem.coordinates, line.scanned[0]
    if i in where.angles:
        return np.linspace(0.0, priors.TWO_PI, points)
    low, high = float(where.low[i]), float(where.high[i])
    moment = next(p for p in line.problem.analysis.free if p.name == where.names[i]).dimension == "moment"
    down = low if np.isfinite(low) and (from_wall or moment) else _reach(line, best, -1.0, low, threshold)
    return np.linspace(down, _reach(line, best, 1.0, high, threshold), points)


def _reach(line: Conditional, best: Minimum, sign: float, end: float, threshold: float) -> float:
    """Where delta chi2 first passes the threshold well, by steps that grow or shrink; or the end of the range."""
    i = line.scanned[0]
    centre, last = float(best.x[i]), best.x
    room, step = sign * (end - centre), 0.1 * float(line.problem.coordinates.size[i])

    def past(step: float) -> bool:
        nonlocal last
        there = line.minimum([centre + sign * step], last)
        last = there.x
        return there.cost - best.cost > MARGIN * threshold

    if step >= room or past(step):
        step = min(step, room)
        while step > 0 and past(step / GROWTH):
            step /= GROWTH
    else:
        while step < room and not past(min(step := GROWTH * step, room)):
            pass
    return centre + sign * min(step, room)
