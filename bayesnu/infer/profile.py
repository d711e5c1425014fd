"""Profile likelihood of one parameter: every minimum found is followed in both directions; and its interval."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import optimize, stats

from bayesnu.infer.branches import Seed, Traced, trace
from bayesnu.infer.conditional import Conditional, Others, Progress, problem_of
from bayesnu.infer.minimise import Minimisation, Minimum
from bayesnu.infer.scan_values import values
from bayesnu.infer.threads import one_thread
from bayesnu.likelihood.analysis import Analysis

__all__ = ["Others", "Progress", "profile"]

Array = NDArray[np.float64]
Interval = tuple[float | None, float | None]

FRESH_STARTS = 1
"""Quasi-random starts at each point, besides the minima of its neighbours."""


@one_thread
def profile(
    analysis: Analysis | Minimisation, parameter: str, *, others: Others, level: float,
    points: int = 41, seed: int = 0, progress: Progress | None = None,
) -> xr.Dataset:  # fmt: skip
    """Profile chi-square of one parameter, and its interval where delta chi2 passes the asymptotic threshold.

    `others` says what becomes of the other parameters of interest: 'profiled', or held at 'zero'; nuisances are always
    profiled. Over `value` the result holds `delta_chi2`, the point of each minimum (`at_NAME`), which `branch` is
    lowest, how many of the `starts` have `reached` it, and which parameters stand at a `range_end`. Every branch has
    its own `branch_delta_chi2`. The interval is in the attributes.

    >>> import bayesnu as bn
    >>> found = profile(bn.load("coherent-csi-effective"), "mu_nu", others="zero", level=0.90)
    >>> found.attrs["interval_low"], found.attrs["threshold_kind"]
    (0.0, 'asymptotic, one parameter')
    """
    problem = problem_of(analysis, [parameter], others)
    scan = _Scan(Conditional.of(problem, [parameter], others), seed)
    threshold = float(stats.chi2.ppf(level, 1))
    first = scan.line.free_minima(seed)
    grid = values(scan.line, first[0], threshold, points)
    traced = scan.along(grid, first, progress)
    best = scan.polished(grid, traced, first[0])
    interval = scan.interval(grid, traced, best, threshold)
    entry = next(p for p in problem.analysis.free if p.name == parameter)
    attributes = {
        "parameter": parameter,
        "unit": entry.unit,
        "latex": entry.latex or parameter,
        "others": others,
        "level": level,
        "threshold": threshold,
        "threshold_kind": "asymptotic, one parameter",
        "delta_chi2_at_range_end": scan.at_range_end(traced) - best.cost,
    }
    return _dataset(scan, grid, traced, best, interval).assign_attrs(attributes)


class _Scan(NamedTuple):
    line: Conditional
    seed: int

    @property
    def position(self) -> int:
        return self.line.scanned[0]

    def along(self, grid: Array, first: Sequence[Minimum], progress: Progress | None) -> Traced:
        """Branches from the minima that are known already, and from a fresh start at each point."""
        drawn = self.line.random(FRESH_STARTS * len(grid), self.seed + 1) if not self.line.held.all() else []
        done = iter(range(1, 2 * len(grid) + 1))

        def fresh(i: int) -> list[Array]:
            return drawn[i :: len(grid)]

        def tick() -> None:
            if progress:
                progress(next(done), 2 * len(grid))

        nearest = [int(np.argmin(np.abs(grid - m.x[self.position]))) for m in first]
        seeds = [Seed(i, self.line.minimum([grid[i]], m.x)) for i, m in zip(nearest, first, strict=True)]
        ring = self.position in self.line.problem.coordinates.angles
        return trace(self.line, [[v] for v in grid], seeds, fresh, tick, ring)

    def polished(self, grid: Array, traced: Traced, first: Minimum) -> Minimum:
        """The minimum of all: let go from the first inner points and each dip of the scan, and sought within the dip.

        At the wall of a moment chi2 has no slope: what dips beside it is found from inside.
        """
        last = len(grid) - 1
        cost = np.array([traced.lowest(i).cost for i in range(len(grid))])
        padded = np.concatenate([[np.inf], cost, [np.inf]])
        dips = [int(i) for i in np.flatnonzero((cost <= padded[:-2]) & (cost <= padded[2:]))]
        let_go = [self.line.free_minimum(traced.lowest(i).x) for i in sorted({1, last - 1, *dips})]
        deepest = min(dips, key=lambda i: cost[i])
        within = self._within(grid[max(deepest - 1, 0)], grid[min(deepest + 1, last)], traced.lowest(deepest).x)
        return min(
            [first, within, self.line.free_minimum(within.x), *let_go, traced.lowest(deepest)], key=lambda m: m.cost
        )

    def _within(self, low: float, high: float, start: Array) -> Minimum:
        """The minimum between two values of the scanned parameter."""

        def cost(value: float) -> float:
            return self.line.minimum([value], start).cost

        tolerance = {"xatol": 1e-4 * (high - low)}
        found = optimize.minimize_scalar(cost, bounds=(low, high), method="bounded", options=tolerance)
        return self.line.minimum([float(found.x)], start)

    def at_range_end(self, traced: Traced) -> float:
        """The cost at the end of the prior's range: where it is low, a credible limit depends on that range."""
        end = self.line.problem.coordinates.high[self.position]
        last = len(traced.found) - 1
        return self.line.lowest([float(end)], _starts(traced, last)).cost if np.isfinite(end) else float("nan")

    def interval(self, grid: Array, traced: Traced, best: Minimum, threshold: float) -> Interval:
        """Where delta chi2 first passes the threshold on either side of the minimum; None where it never does."""
        excess = np.array([traced.lowest(i).cost - best.cost - threshold for i in range(len(grid))])
        top = int(np.argmin(np.abs(grid - best.x[self.position])))
        below = [i for i in range(top, 0, -1) if excess[i - 1] > 0 >= excess[i]]
        above = [i for i in range(top, len(grid) - 1) if excess[i] <= 0 < excess[i + 1]]
        level = best.cost + threshold
        low = self._crossing(grid, traced, level, below[0] - 1) if below else float(grid[0])
        high = self._crossing(grid, traced, level, above[0]) if above else None
        return low, high

    def _crossing(self, grid: Array, traced: Traced, level: float, i: int) -> float:
        starts = [*_starts(traced, i), *_starts(traced, i + 1)]

        @functools.cache
        def excess(value: float) -> float:
            return self.line.lowest([value], starts).cost - level

        return float(optimize.brentq(excess, grid[i], grid[i + 1], xtol=1e-6 * (grid[-1] - grid[0])))


def _starts(traced: Traced, point: int) -> list[Array]:
    """The lowest minimum of a point, and those of its branches."""
    return [traced.lowest(point).x, *traced.starts_at(point)]


def _dataset(scan: _Scan, grid: Array, traced: Traced, best: Minimum, interval: Interval) -> xr.Dataset:
    line, points = scan.line, range(len(grid))
    lowest = [traced.lowest(i) for i in points]
    low, high = interval
    data: dict[str, Any] = {
        "delta_chi2": ("value", [m.cost - best.cost for m in lowest]),
        "branch": ("value", [traced.branch_of(i) for i in points]),
        "branch_delta_chi2": (
            ("follows", "value"),
            np.array([[b[i].cost - best.cost if i in b else np.nan for i in points] for b in traced.branches]),
        ),
        "starts": ("value", [len(traced.found[i]) for i in points]),
        "reached": ("value", [traced.reached(i) for i in points]),
        "range_end": ("value", np.array([line.at_ends(m.x) for m in lowest], dtype=str)),
    }
    names = line.problem.coordinates.names
    data |= {f"at_{name}": ("value", [m.x[i] for m in lowest]) for i, name in enumerate(names) if i != scan.position}
    attributes = {
        "chi2_min": best.cost,
        "best": float(best.x[scan.position]),
        "interval_low": np.nan if low is None else low,
        "limit": np.nan if high is None else high,
        "closed_form": ", ".join(line.problem.solved.names),
        "range_low": float(line.problem.coordinates.low[scan.position]),
        "range_high": float(line.problem.coordinates.high[scan.position]),
    }
    return xr.Dataset(data, coords={"value": grid}, attrs=attributes)
