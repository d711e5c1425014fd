"""chi2 along one parameter at one mass of a heavy neutrino, on exact templates; and where it is below a level.

A worker scans a mass: even steps in the logarithm of the parameter, everything else minimised, each minimum refined.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bayesnu.infer import executors
from bayesnu.infer.conditional import Conditional
from bayesnu.infer.minimise import Minimisation, image, minimise, prepare_numpy, random_starts
from bayesnu.infer.profile import Others
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Free, from_resolved, held
from bayesnu.schema import Resolved

Array = NDArray[np.float64]
Interval = tuple[float, float]

DECADES, PER_DECADE = 8, 20
"""The scan: its lower end, and from this far below its upper one."""
BEYOND = 100.0
"""A moment is scanned so far beyond its prior, which is a belief: near a closing mass its limit has no bound."""
LOUDEST = 1e11
"""A closed form subtracts two large numbers: where they are larger than this, its result has no digits to trust."""
RANDOM_STARTS = 4
"""Starts of the minimisation, besides the standard model, where other parameters of interest are free."""


class Recipe(NamedTuple):
    """All that a worker needs to scan one mass."""

    model: Resolved
    observed: Mapping[str, Array]
    parameter: str
    mass: str
    others: Others
    key: str


class Scan(NamedTuple):
    """chi2 along the parameter at one mass, at ascending points."""

    mass: float
    points: Array
    chi2: Array

    @property
    def best(self) -> int:
        """Position of the lowest minimum."""
        return int(np.argmin(self.chi2))


class _Line(NamedTuple):
    """chi2 as a function of the parameter at one mass."""

    problem: Minimisation
    position: int
    held: NDArray[np.bool_]
    starts: tuple[Array, ...]
    ends: Interval

    def chi2(self, value: float) -> float:
        """At one value, minimised over everything else."""
        return float(self.along(np.array([value]))[0])

    def along(self, values: Array) -> Array:
        """At many values, in one go where only nuisances with a closed form are left."""
        if self.held.all():
            return self._closed_form(values)
        return np.array([min(self._from(start, v) for start in self.starts) for v in values])

    def _from(self, start: Array, value: float) -> float:
        x = np.array(start)
        x[self.position] = value
        return minimise(self.problem, x, self.held).cost

    def _closed_form(self, values: Array) -> Array:
        analysis, _, solved, _ = self.problem
        return np.asarray(nuisances.profiled_chi2(analysis, solved, self._theta(values), np.zeros(len(values)), np))

    def _theta(self, values: Array) -> dict[str, Any]:
        analysis, where, _, _ = self.problem
        point = dict(zip(where.names, self.starts[0], strict=True)) | {where.names[self.position]: values}
        return analysis.theta(dict.fromkeys(analysis.names, 1.0) | point, np)

    def _loud(self, values: Array) -> NDArray[np.bool_]:
        """Where the closed form, a difference of large numbers, has lost its digits."""
        analysis, _, solved, _ = self.problem
        form = nuisances.normal_equations(analysis, solved, self._theta(values), np.zeros(len(values)), np)
        return np.asarray(form.chi2 >= LOUDEST)

    def points(self) -> Array:
        """The lower end of the range, and even steps in the logarithm of the distance from it, as far as digits go."""
        low, high = self.ends
        above = (high - low) * np.logspace(-DECADES, 0, DECADES * PER_DECADE + 1)
        every = np.concatenate([[low], low + above])
        return every[~self._loud(every)] if self.held.all() else every


def _line(about: Recipe, mass: float) -> _Line:
    analysis = from_resolved(held(about.model, {about.mass: mass}), about.observed)
    problem = prepare_numpy(analysis)
    where, free = problem.coordinates, {p.name: p for p in analysis.free}
    about_line = Conditional.of(problem, [about.parameter], about.others)
    several = any(free[n].role == "parameter" for n, s in zip(where.names, about_line.held, strict=True) if not s)
    drawn = random_starts(problem, RANDOM_STARTS, 1) if several else []
    starts = [about_line.centre, *drawn, *(image(where, x) for x in drawn if where.angles)]
    (position,) = about_line.scanned
    ends = float(where.low[position]), _upper_end(free[about.parameter])
    stays = tuple(np.where(about_line.held, about_line.centre, x) for x in starts)
    return _Line(problem, position, about_line.held, stays, ends)


def _upper_end(p: Free) -> float:
    """Where the scan ends: with the prior, or where a prior without an end has fallen off; of a moment, far beyond."""
    if p.prior is None:
        return float("nan")
    high = priors.support(p.prior)[1]
    end = high if np.isfinite(high) else float(priors.quantile(p.prior, np.array([0.9999]))[0])
    return float(end * (BEYOND if p.dimension == "moment" else 1.0))


def scan_at(parcel: executors.Parcel, mass: float) -> Scan:
    """chi2 along the parameter at one mass: even steps in the logarithm, and each minimum between them."""
    line = _line(executors.opened(parcel), mass)
    points = line.points()
    return refined(line.chi2, Scan(mass, points, line.along(points)))


def refined(chi2: Callable[[float], float], scan: Scan) -> Scan:
    """A scan with each minimum between its points as one point more."""
    mass, points, values = scan
    lows = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] <= values[2:])) + 1
    minima = [_lowest(chi2, points[i - 1], points[i + 1]) for i in lows]
    every = np.concatenate([points, [x for x, _ in minima]])
    order = np.argsort(every, kind="stable")
    return Scan(mass, every[order], np.concatenate([values, [cost for _, cost in minima]])[order])


def _lowest(chi2: Callable[[float], float], low: float, high: float) -> tuple[float, float]:
    found = optimize.minimize_scalar(chi2, bounds=(low, high), method="bounded", options={"xatol": 1e-7 * high})
    return float(found.x), float(found.fun)


def intervals_at(parcel: executors.Parcel, scan: Scan, levels: Sequence[float]) -> list[list[Interval]]:
    """For each height of chi2 all the intervals that lie below it."""
    line = _line(executors.opened(parcel), scan.mass)
    return [intervals_below(line.chi2, scan, level) for level in levels]


def intervals_below(chi2: Callable[[float], float], scan: Scan, level: float) -> list[Interval]:
    """All intervals in which chi2 is at most a level, in ascending order; an open end is NaN."""
    inside = scan.chi2 <= level
    crossings = [
        _crossing(chi2, scan.points[i], scan.points[i + 1], level)
        for i, (here, there) in enumerate(pairwise(inside))
        if here != there
    ]
    ends = [*scan.points[:1][inside[:1]].tolist(), *crossings, *([float("nan")] if inside[-1] else [])]
    return list(zip(ends[::2], ends[1::2], strict=True))


def _crossing(chi2: Callable[[float], float], low: float, high: float, level: float) -> float:
    ends = chi2(low) - level, chi2(high) - level
    # By rounding, a point of the scan may be on the other side when it is looked at alone.
    if ends[0] * ends[1] >= 0:
        return float(low if abs(ends[0]) < abs(ends[1]) else high)
    return float(optimize.brentq(lambda v: chi2(v) - level, low, high, xtol=1e-9 * high))
