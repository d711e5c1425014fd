"""Profile likelihood of one parameter: a scan in both directions from several starts, and its interval."""

import functools
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import optimize, stats

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer.minimise import (
    Minimisation,
    Minimum,
    image,
    minimise,
    prepare,
    prepare_numpy,
    random_starts,
)
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis, Free

Array = NDArray[np.float64]
Others = Literal["profiled", "zero"]
Interval = tuple[float | None, float | None]
Progress = Callable[[int, int], None]

RANDOM_STARTS = 3
FIRST_STARTS = 16
MARGIN = 1.5
"""A scan goes on until delta chi2 is this many thresholds."""


def profile(
    analysis: Analysis | Minimisation, parameter: str, *, others: Others, level: float,
    points: int = 41, seed: int = 0, progress: Progress | None = None,
) -> xr.Dataset:  # fmt: skip
    """Profile chi-square of one parameter, and its interval where delta chi2 passes the asymptotic threshold.

    `others` says what becomes of the other parameters of interest: 'profiled', or held at 'zero'; nuisances are always
    profiled. The result holds `delta_chi2` over `value`, the point of each minimum, and the interval as attributes.
    """
    problem = _problem(analysis, parameter, others)
    scan = _Scan(problem, parameter, others, seed, progress or (lambda done, total: None), points)
    threshold = float(stats.chi2.ppf(level, 1))
    best = scan.global_minimum()
    grid = scan.grid(best, threshold)
    minima = scan.along(grid, best)
    best = min([best, *minima], key=lambda m: m.cost)
    found = _dataset(scan, grid, minima, best, scan.interval(grid, minima, best, threshold), level, threshold)
    return found.assign_attrs(delta_chi2_at_range_end=scan.at_range_end(minima[-1]) - best.cost)


def _problem(analysis: Analysis | Minimisation, parameter: str, others: Others) -> Minimisation:
    if isinstance(analysis, Minimisation):
        return analysis
    names = [p.name for p in analysis.free if p.role == "parameter"]
    if parameter not in names:
        hint = did_you_mean(parameter, names) or "see `bayesnu list models`"
        raise DeclarationError(
            Problem(analysis.model.name, "parameter", repr(parameter), f"one of {', '.join(names)}", hint)
        )
    solved = nuisances.affine(analysis)
    free = [p for p in analysis.free if p.name not in solved.names and (others == "profiled" or p.role == "nuisance")]
    return prepare(analysis) if {p.name for p in free} - {parameter} else prepare_numpy(analysis)


class _Scan(NamedTuple):
    problem: Minimisation
    parameter: str
    others: Others
    seed: int
    progress: Progress
    points: int

    @property
    def position(self) -> int:
        return self.problem.coordinates.names.index(self.parameter)

    @property
    def held(self) -> NDArray[np.bool_]:
        """With others at zero, every parameter of interest is held; else only the scanned one."""
        roles = {p.name: p.role for p in self.problem.analysis.free}
        names = self.problem.coordinates.names
        return np.array([n == self.parameter or (self.others == "zero" and roles[n] == "parameter") for n in names])

    def centre(self) -> Array:
        """Every nuisance at its centre; parameters of interest at their standard-model values."""
        entries = {p.name: p for p in self.problem.analysis.free}
        names = self.problem.coordinates.names
        return np.array([_centre(entries[n]) for n in names])

    def starts(self, number: int, seed: int) -> list[Array]:
        zero = self.held.copy()
        zero[self.position] = False
        starts = [self.centre(), *random_starts(self.problem, number, seed)]
        for x in starts:
            x[zero] = self.centre()[zero]
        return starts

    def global_minimum(self) -> Minimum:
        held = self.held.copy()
        held[self.position] = False
        number = FIRST_STARTS if (~held).sum() > 1 else 2
        return min((minimise(self.problem, x, held) for x in self.starts(number, self.seed)), key=lambda m: m.cost)

    def at(self, value: float, starts: Sequence[Array]) -> Minimum:
        """Best minimum at one value of the scanned parameter, from several starts and their CP images."""
        found = []
        where = self.problem.coordinates
        for start in starts:
            x = np.array(start)
            x[self.position] = value
            found.append(minimise(self.problem, x, self.held))
            if where.angles and not self.held[list(where.angles)].all():
                mirrored = image(where, x)
                mirrored[self.position] = value
                found.append(minimise(self.problem, mirrored, self.held))
        return min(found, key=lambda m: m.cost)

    def grid(self, best: Minimum, threshold: float) -> Array:
        """Values from the lower end to where delta chi2 is well past the threshold, or to the end of the range."""
        where = self.problem.coordinates
        if self.position in where.angles:
            return np.linspace(0.0, priors.TWO_PI, self.points)
        low, high = where.low[self.position], where.high[self.position]
        reach, last = max(best.x[self.position], low) + 0.1 * where.size[self.position], best.x
        while reach < high:
            there = self.at(reach, [last])
            if there.cost - best.cost > MARGIN * threshold:
                break
            reach, last = low + 1.35 * (reach - low), there.x
        return np.linspace(low if np.isfinite(low) else best.x[self.position] - reach, min(reach, high), self.points)

    def along(self, grid: Array, best: Minimum) -> list[Minimum]:
        """Both directions, each point starting from its neighbours, from the centre and from quasi-random points."""
        many = (~self.held).sum() > 0
        minima: list[Minimum] = []
        last = best.x
        for i, value in enumerate(grid):
            starts = [last, *self.starts(RANDOM_STARTS if many else 0, self.seed + i + 1)]
            minima.append(self.at(value, starts))
            last = minima[-1].x
            self.progress(i + 1, 2 * len(grid))
        for i in range(len(grid) - 2, -1, -1):
            back = self.at(grid[i], [minima[i + 1].x])
            minima[i] = min(minima[i], back, key=lambda m: m.cost)
            self.progress(2 * len(grid) - i, 2 * len(grid))
        return minima

    def at_range_end(self, last: Minimum) -> float:
        """The cost at the end of the prior's range: where it is low, a credible limit depends on that range."""
        end = self.problem.coordinates.high[self.position]
        return self.at(float(end), [last.x]).cost if np.isfinite(end) else float("nan")

    def interval(
        self, grid: Array, minima: Sequence[Minimum], best: Minimum, threshold: float
    ) -> tuple[float | None, float | None]:
        """Where delta chi2 first passes the threshold on either side of the minimum; None where it never does."""
        excess = np.array([m.cost - best.cost - threshold for m in minima])
        top = int(np.argmin(np.abs(grid - best.x[self.position])))
        below = [i for i in range(top, 0, -1) if excess[i - 1] > 0 >= excess[i]]
        above = [i for i in range(top, len(grid) - 1) if excess[i] <= 0 < excess[i + 1]]
        low = self._crossing(grid, minima, best, threshold, below[0] - 1) if below else float(grid[0])
        high = self._crossing(grid, minima, best, threshold, above[0]) if above else None
        return low, high

    def _crossing(self, grid: Array, minima: Sequence[Minimum], best: Minimum, threshold: float, i: int) -> float:
        neighbours = [minima[i].x, minima[i + 1].x]

        @functools.cache
        def excess(value: float) -> float:
            return self.at(value, neighbours).cost - best.cost - threshold

        return float(optimize.brentq(excess, grid[i], grid[i + 1], xtol=1e-6 * (grid[-1] - grid[0])))


def _centre(p: Free) -> float:
    return priors.central(p.prior) if p.role == "nuisance" and p.prior is not None else p.standard


def _dataset(
    scan: _Scan,
    grid: Array,
    minima: Sequence[Minimum],
    best: Minimum,
    interval: Interval,
    level: float,
    threshold: float,
) -> xr.Dataset:
    names = scan.problem.coordinates.names
    free = {p.name: p for p in scan.problem.analysis.free}
    low, high = interval
    data = {"delta_chi2": ("value", [m.cost - best.cost for m in minima])}
    data |= {
        f"at_{name}": ("value", [m.x[i] for m in minima]) for i, name in enumerate(names) if name != scan.parameter
    }
    attributes = {
        "parameter": scan.parameter,
        "unit": free[scan.parameter].unit,
        "others": scan.others,
        "level": level,
        "threshold": threshold,
        "threshold_kind": "asymptotic, one parameter",
        "chi2_min": best.cost,
        "best": float(best.x[scan.position]),
        "interval_low": np.nan if low is None else low,
        "limit": np.nan if high is None else high,
        "closed_form": ", ".join(scan.problem.solved.names),
        "range_low": float(scan.problem.coordinates.low[scan.position]),
        "range_high": float(scan.problem.coordinates.high[scan.position]),
    }
    return xr.Dataset(data, coords={"value": grid}, attrs=attributes)
