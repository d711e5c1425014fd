"""Axes along which templates bend: functions of a parameter whose weighted sum is the template at any value of it.

A knob of the detector or of the form factor has Chebyshev polynomials on a few nodes. The sterile mass has cubic
polynomials in log m4 on many nodes, finer near the masses at which a source's energies no longer suffice, compressed to
the few combinations that the tolerance asks for. Function 0 is the constant one; it is not among those counted here.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy import interpolate

from bayesnu.schema import Knob

Array = NDArray[np.float64]

REFINEMENTS: Final = 30
"""Nodes on each side of a kinematic edge."""
NEARER: Final = 0.5
"""Each of them is nearer by this factor than the one before; the first is three steps of the even nodes away."""
FAINT: Final = 0.01
"""Counts below this share of those of the lightest mass need no better absolute accuracy."""
BETWEEN: Final = 4
"""Intervals between one crossing and the next."""
COMPRESSED: Final = 0.25
"""Share of a spline's tolerance that its compression may use."""


class Axis(NamedTuple):
    """The functions of one axis: Chebyshev polynomials on its range, or cubic polynomials between knots in log."""

    knob: Knob
    knots: Array
    """Logarithms of the nodes; empty for Chebyshev polynomials."""
    table: Array
    """Coefficients (interval, power from 0 to 3, function)."""

    @property
    def size(self) -> int:
        """How many functions there are besides the constant."""
        return self.table.shape[2] if self.knob.interpolation == "log-spline" else self.knob.nodes - 1


def nodes(knob: Knob, edges: ArrayLike = (), crossings: ArrayLike = ()) -> Array:
    """Values of a knob at which its templates are built.

    A spline is refined at the `edges`, where counts end, and has nodes at and between the `crossings`, where the ends
    of a recoil spectrum pass from one panel of the response to the next.
    """
    if knob.interpolation == "chebyshev":
        unit = chebyshev.chebpts1(knob.nodes)
        return np.asarray(0.5 * (knob.low + knob.high) + 0.5 * (knob.high - knob.low) * unit)
    even, step = np.linspace(np.log(knob.low), np.log(knob.high), knob.nodes, retstep=True)
    nearer = 3 * step * NEARER ** np.arange(REFINEMENTS)
    around = (np.log(np.asarray(edges, dtype=np.float64))[:, None] + np.concatenate([-nearer, [0.0], nearer])).ravel()
    passed = np.log(np.unique(np.asarray(crossings, dtype=np.float64)))
    between = (passed[:-1, None] + np.diff(passed)[:, None] * np.arange(BETWEEN) / BETWEEN).ravel()
    more = np.concatenate([around, between, passed])
    every = np.unique(np.concatenate([even, more[(more > even[0]) & (more < even[-1])]]))
    # Neighbours that differ by rounding only would make a division by nothing.
    distinct = np.concatenate([[True], np.diff(every) > 0.5 * nearer[-1]])
    distinct[-1] = True
    values = np.exp(every[distinct])
    values[[0, -1]] = knob.low, knob.high
    return np.asarray(values)


def chebyshev_axis(knob: Knob, values: Array) -> tuple[Axis, Array]:
    """The axis of some templates (node, ...) and their coefficients (1 + function, ...)."""
    to_coefficients = np.linalg.inv(chebyshev.chebvander(chebyshev.chebpts1(knob.nodes), knob.nodes - 1))
    return Axis(knob, np.zeros(0), np.zeros((0, 4, 0))), np.tensordot(to_coefficients, values, (1, 0))


def spline_axis(knob: Knob, grids: Sequence[Array], values: Sequence[Array]) -> tuple[Axis, Array]:
    """One axis for templates (node, term, ...) of each flux on its own nodes; coefficients (1 + function, flux, ...).

    Each flux and term has functions of its own, because a line closes elsewhere than a continuum; between the knots of
    all fluxes together they are the same polynomials as between their own.
    """
    knots = np.log(np.unique(np.concatenate(grids)))
    constant = np.zeros((len(grids), *values[0].shape[1:]))
    parts: list[tuple[int, int, Array, Array]] = []
    for s, (grid, of_flux) in enumerate(zip(grids, values, strict=True)):
        for t in range(of_flux.shape[1]):
            matrix = of_flux[:, t].reshape(len(grid), -1)
            if (matrix == matrix[0]).all():
                constant[s, t] = of_flux[0, t]
            else:
                along, across = _compressed(matrix, COMPRESSED * knob.tolerance)
                parts.append((s, t, _polynomials(np.log(grid), along, knots), across))
    coefficients = np.zeros((1 + sum(len(across) for *_, across in parts), *constant.shape))
    coefficients[0], first = constant, 1
    for s, t, _, across in parts:
        coefficients[first : first + len(across), s, t] = across.reshape(-1, *constant.shape[2:])
        first += len(across)
    tables = [table for _, _, table, _ in parts] or [np.zeros((len(knots) - 1, 4, 0))]
    return Axis(knob, knots, np.concatenate(tables, axis=2)), coefficients


def _polynomials(own: Array, values: Array, knots: Array) -> Array:
    """Cubic spline through values (node, function) as polynomials (interval, power, function) between more knots."""
    spline = interpolate.CubicSpline(own, values, axis=0)
    # On an interval inside one of its own, a polynomial is its Taylor series at the interval's start.
    middle = 0.5 * (knots[1:] + knots[:-1])
    piece = np.clip(np.searchsorted(own, middle) - 1, 0, len(own) - 2)
    c3, c2, c1, c0 = spline.c[:, piece]
    t = (knots[:-1] - own[piece])[:, None]
    taylor = [((c3 * t + c2) * t + c1) * t + c0, (3 * c3 * t + 2 * c2) * t + c1, 3 * c3 * t + c2, c3]
    return np.stack(taylor, axis=1)


def _compressed(matrix: Array, tolerance: float) -> tuple[Array, Array]:
    """Factors (node, function) x (function, rest) of a matrix, to a tolerance relative to each row's largest entry.

    A row that has all but vanished counts as a hundredth of the first one.
    """
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    largest = np.maximum(largest, FAINT * largest[0])
    scaled = matrix / largest
    left, singular, right = np.linalg.svd(scaled, full_matrices=False)
    # The sum of the dropped singular values bounds every entry of what they made.
    dropped = np.cumsum(singular[::-1])[::-1]
    rank = max(int((dropped > tolerance).sum()), 1)
    return largest * left[:, :rank] * singular[:rank], right[:rank]


def functions(axis: Axis, value: Any, zero: Any, xp: Any) -> Any:
    """The functions of an axis at a value: (function,), or (function, n) where `zero` is an array of n zeros."""
    if axis.knob.interpolation == "chebyshev":
        return _chebyshev(axis, value, zero, xp)
    x = xp.clip(xp.log(value + zero), axis.knots[0], axis.knots[-1])
    # A sum of comparisons is a search that has no gradient to be asked for.
    inner = axis.knots[1:-1].reshape(-1, *(1,) * zero.ndim)
    interval = (x >= inner).sum(axis=0)
    t = x - xp.take(axis.knots, interval, axis=0)
    # Whole rows of the table: a slice of each power would be copied before anything is taken from it.
    here = xp.take(axis.table, interval, axis=0)
    result: Any = 0.0
    for power in (3, 2, 1, 0):
        result = result * t + here[..., power, :].T
    return result


def _chebyshev(axis: Axis, value: Any, zero: Any, xp: Any) -> Any:
    """Polynomials by their recurrence."""
    low, high = axis.knob.low, axis.knob.high
    unit = (2.0 * value - (low + high)) / (high - low) + zero
    polynomials = [zero + 1.0, unit]
    for _ in range(axis.knob.nodes - 2):
        polynomials.append(2.0 * unit * polynomials[-1] - polynomials[-2])
    return xp.stack(polynomials[1:])
