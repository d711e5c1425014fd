"""What a minimiser moves: a modulus with its own free phase as one complex number, all else in units of its spread.

A free complex moment is a point of the whole plane, folded into the disc that its prior allows: smooth at zero.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.likelihood import priors

Array = NDArray[np.float64]

AT_END = 1e-3
"""A value this fraction of a range (of its spread where the range is open) from an end is at that end."""
FOLDED_END = 0.99
"""The same for a modulus in a disc, whose edge is infinitely far in the plane that is searched."""
OFF_THE_WALL = 1e-3
"""A start on a wall is moved off it by this fraction of the spread: chi2, even in a moment, has no slope at zero."""


class Coordinates(NamedTuple):
    """What the minimiser moves: names, bounds, typical sizes, and which pairs are (Re, Im) of one complex moment."""

    names: tuple[str, ...]
    low: Array
    high: Array
    size: Array
    pairs: tuple[tuple[int, int], ...]
    angles: tuple[int, ...]


def to_cartesian(where: Coordinates, x: Array) -> Array:
    """(modulus, phase) pairs as (Re, Im)."""
    y = np.array(x, dtype=float)
    for m, z in where.pairs:
        y[m], y[z] = x[m] * np.cos(x[z]), x[m] * np.sin(x[z])
    return y


def to_polar(where: Coordinates, y: Array) -> Array:
    """(Re, Im) pairs as (modulus, phase in [0, 2 pi)); all angles wrapped."""
    x = np.array(y, dtype=float)
    for m, z in where.pairs:
        x[m], x[z] = np.hypot(y[m], y[z]), np.arctan2(y[z], y[m])
    for i in where.angles:
        x[i] %= priors.TWO_PI
    return x


def image(where: Coordinates, x: Array) -> Array:
    """The CP image: all phases reversed, a minimum wherever the original is one."""
    mirrored = np.array(x)
    for i in where.angles:
        mirrored[i] = -mirrored[i] % priors.TWO_PI
    return mirrored


def at_ends(where: Coordinates, x: Array, moved: NDArray[np.bool_]) -> str:
    """The moved coordinates at an end of their range, as "lambda_2 low, sns_flux high"; empty where none is.

    Zero is no end for a modulus that moves with its phase: there its plane has no edge.
    """
    folded = {m for m, z in where.pairs if moved[m] and moved[z]}
    found = []
    for i in np.flatnonzero(moved):
        if i in where.angles:
            continue
        span = where.high[i] - where.low[i]
        near = AT_END * (span if np.isfinite(span) else where.size[i])
        reach = FOLDED_END * where.high[i] if i in folded else where.high[i] - near
        if x[i] >= reach:
            found.append(f"{where.names[i]} high")
        elif x[i] <= where.low[i] + near and i not in folded:
            found.append(f"{where.names[i]} low")
    return ", ".join(found)


class Pair(NamedTuple):
    """A modulus and its phase: their positions and sizes, and 1 / R^2 of the disc in units of the modulus' size."""

    modulus: int
    phase: int
    size: float
    phase_size: float
    inverse: float


class Moves(NamedTuple):
    """The coordinates t of a minimisation in which some of x are held, and how gradients go over to them.

    A pair with a held member moves by modulus or phase.
    """

    start: Array
    moved: NDArray[np.int64]
    size: Array
    discs: tuple[Pair, ...]
    turned: tuple[Pair, ...]
    bounds: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, where: Coordinates, start: Array, moved: NDArray[np.bool_], *, folded: bool = True) -> "Moves":
        """Those of the coordinates that are moved, from a start in (modulus, phase).

        Unless `folded`, every pair moves by modulus and phase.
        """
        size, high = where.size.tolist(), where.high.tolist()
        pairs = [Pair(m, z, size[m], size[z], (size[m] / high[m]) ** 2) for m, z in where.pairs]
        discs = tuple(p for p in pairs if folded and moved[p.modulus] and moved[p.phase])
        free = {i for p in discs for i in (p.modulus, p.phase)} | set(where.angles)
        bounds = tuple(
            (-np.inf, np.inf) if i in free else (where.low[i] / size[i], where.high[i] / size[i])
            for i in np.flatnonzero(moved)
        )
        turned = tuple(p for p in pairs if p not in discs)
        return cls(np.array(start, dtype=float), np.flatnonzero(moved), where.size, discs, turned, bounds)

    def point(self, t: Array) -> Array:
        """The point y, its pairs as (Re, Im)."""
        y = self.start.copy()
        y[self.moved] = t * self.size[self.moved]
        # Plain floats: of two or six pairs, arrays would be slower.
        for m, z, size, phase_size, inverse in self.discs:
            a, b = float(y[m]) / size, float(y[z]) / phase_size
            scale = size / math.sqrt(1.0 + (a * a + b * b) * inverse)
            y[m], y[z] = scale * a, scale * b
        for m, z, *_ in self.turned:
            modulus, phase = float(y[m]), float(y[z])
            y[m], y[z] = modulus * math.cos(phase), modulus * math.sin(phase)
        return y

    def pulled_back(self, t: Array, gradient: Array) -> Array:
        """The gradient by t from that by y: dy/dt of a folded plane is (1 - w w' / (R^2 + w' w)) / root."""
        x = self.start.copy()
        x[self.moved] = t * self.size[self.moved]
        found = gradient * self.size
        for m, z, size, phase_size, inverse in self.discs:
            a, b, along, across = float(x[m]) / size, float(x[z]) / phase_size, float(gradient[m]), float(gradient[z])
            square = 1.0 + (a * a + b * b) * inverse
            radial, scale = (a * along + b * across) * inverse / square, size / math.sqrt(square)
            found[m], found[z] = scale * (along - a * radial), scale * (across - b * radial)
        for m, z, size, phase_size, _ in self.turned:
            cosine, sine, along, across = math.cos(x[z]), math.sin(x[z]), float(gradient[m]), float(gradient[z])
            found[m] = size * (cosine * along + sine * across)
            found[z] = phase_size * float(x[m]) * (cosine * across - sine * along)
        return found[self.moved]

    def begin(self) -> Array:
        """The start in t, off the walls."""
        t = self.start / self.size
        for m, z, _, _, inverse in self.discs:
            radius = min(float(t[m]), 0.999 / math.sqrt(inverse) if inverse else math.inf)
            unfolded, phase = radius / math.sqrt(1.0 - radius**2 * inverse), float(self.start[z])
            t[m], t[z] = unfolded * math.cos(phase), unfolded * math.sin(phase)
        low, high = np.array(self.bounds).reshape(-1, 2).T
        step = np.minimum(OFF_THE_WALL, 0.5 * (high - low))
        return np.clip(t[self.moved], low + step, high - step)
