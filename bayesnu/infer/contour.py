"""Profile likelihood of two parameters on a grid: rows, then columns, each minimum handed on to its neighbours."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import executors
from bayesnu.infer.branches import Seed, both_ways, trace
from bayesnu.infer.conditional import SAME, Conditional, Others, Progress, problem_of
from bayesnu.infer.coordinates import to_cartesian
from bayesnu.infer.exclusion import ONE, TWO
from bayesnu.infer.minimise import Minimisation, Minimum, costs
from bayesnu.infer.scan_values import values
from bayesnu.infer.threads import one_thread
from bayesnu.likelihood.analysis import Analysis

Array = NDArray[np.float64]
Range = tuple[float, float]

CONVENTIONS = {ONE: 1, TWO: 2}
"""Name of a threshold -> for how many parameters it is."""
EVERY = 4
"""A fresh quasi-random start at one point of so many, at other ones in each row."""
CHUNK = 500
"""Points whose closed form is taken at once."""


class Recipe(NamedTuple):
    """All that a worker needs to profile a pair of parameters."""

    analysis: Analysis
    pair: tuple[str, str]
    others: Others
    seed: int
    key: str


class Row(NamedTuple):
    """The best minimum at each point of a row or column, how many starts there were, and how many reached it."""

    minima: list[Minimum]
    starts: list[int]
    reached: list[int]


@one_thread
def profile_pair(
    analysis: Analysis | Minimisation, parameters: tuple[str, str], *, others: Others,
    levels: Sequence[float] = (0.90,), points: tuple[int, int] = (41, 41),
    ranges: tuple[Range | None, Range | None] = (None, None), seed: int = 0, executor: Executor | str | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:  # fmt: skip
    """Profile chi-square of two parameters over a grid, with the thresholds of one and of two parameters by name.

    `delta_chi2` is over (`first`, `second`), counted from the minimum over everything. `threshold` is over
    `convention` (one-parameter: where a contour's extremes are the limits of each; two-parameter: where it holds both)
    and `level`. Ranges that are not given go to where delta chi2 is past every threshold; an angle goes round. As in
    `profile`: `starts`, `reached`, `range_end` and the other parameters `at_NAME`.

    >>> import bayesnu as bn
    >>> found = profile_pair(
    ...     bn.load("coherent-csi-full"), ("lambda_1", "lambda_2"), others="zero", points=(5, 5)
    ... )
    >>> found["delta_chi2"].shape, found["threshold"].sel(convention="two-parameter").values.round(3).tolist()
    ((5, 5), [4.605])
    """
    if parameters[0] == parameters[1]:
        raise DeclarationError(
            Problem("a pair", "parameters", f"{parameters[0]} twice", "another second one", "mend it")
        )
    problem = problem_of(analysis, parameters, others)
    plane = Conditional.of(problem, parameters, others)
    highest = max(float(stats.chi2.ppf(level, 2)) for level in levels)
    first = plane.free_minima(seed)
    axes = [_axis(plane, k, first[0], highest, points[k], ranges[k]) for k in (0, 1)]
    recipe = Recipe(problem.analysis, parameters, others, seed, "")
    if plane.held.all():
        rows = _closed_form(plane, axes)
    else:
        recipe = recipe._replace(key=f"{problem.analysis.hash()} {'+'.join(parameters)} {others}")
        _READY[recipe.key] = plane
        rows = _scanned(recipe, axes, first, executor, progress)
    best = min([first[0], *(m for row in rows for m in row.minima)], key=lambda m: m.cost)
    return _dataset(plane, recipe, axes, rows, best, levels)


def _axis(plane: Conditional, k: int, best: Minimum, threshold: float, points: int, wanted: Range | None) -> Array:
    """Values of one of the two parameters: as wanted, or as far as the other one, let go, allows."""
    if wanted is not None:
        return np.linspace(*wanted, points)
    held = plane.released
    held[plane.scanned[k]] = True
    return values(plane._replace(scanned=(plane.scanned[k],), held=held), best, threshold, points, from_wall=False)


def tabulated(
    delta_chi2: Array, axes: Sequence[Array], parameters: tuple[str, str], units: tuple[str, str], latex: Sequence[str],
    title: str, levels: Sequence[float],
) -> xr.Dataset:  # fmt: skip
    """A plane like that of `profile_pair` from a chi-square that is known as a table, such as a published bound."""
    single = np.ones(delta_chi2.shape, dtype=int)
    data: dict[str, Any] = {
        "delta_chi2": (("first", "second"), delta_chi2),
        "starts": (("first", "second"), single),
        "reached": (("first", "second"), single),
        "range_end": (("first", "second"), np.full(delta_chi2.shape, "")),
        "threshold": _thresholds(levels),
    }
    lowest = np.unravel_index(int(np.argmin(delta_chi2)), delta_chi2.shape)
    attributes = {
        "model": "a table", "title": title, "parameters": list(parameters), "units": list(units), "latex": list(latex),
        "others": "zero", "threshold_kind": "asymptotic", "chi2_min": float(delta_chi2.min()),
        "best": [float(axis[i]) for axis, i in zip(axes, lowest, strict=True)], "closed_form": "",
    }  # fmt: skip
    return xr.Dataset(data, coords=_coordinates(axes, levels), attrs=attributes)


def _thresholds(levels: Sequence[float]) -> tuple[tuple[str, str], Array]:
    return ("convention", "level"), np.array([stats.chi2.ppf(levels, n) for n in CONVENTIONS.values()])


def _coordinates(axes: Sequence[Array], levels: Sequence[float]) -> dict[str, Any]:
    return {"first": axes[0], "second": axes[1], "convention": list(CONVENTIONS), "level": list(levels)}


# --- nothing left to minimise numerically -----------------------------------------------------------------------------


def _closed_form(plane: Conditional, axes: Sequence[Array]) -> list[Row]:
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    flat = grid.reshape(-1, 2)
    cost = np.concatenate([_costs(plane, part) for part in np.array_split(flat, max(len(flat) // CHUNK, 1))])
    minima = [[Minimum(float(c), plane.put(v, plane.centre)) for c, v in zip(*column, strict=True)]
              for column in zip(cost.reshape(grid.shape[:2]).T, grid.transpose(1, 0, 2), strict=True)]  # fmt: skip
    return [Row(row, [1] * len(row), [1] * len(row)) for row in minima]


def _costs(plane: Conditional, points: Array) -> Array:
    analysis, where, solved, _ = plane.problem
    x = np.tile(plane.centre[:, None], len(points))
    x[list(plane.scanned)] = points.T
    return costs(analysis, where, solved, to_cartesian(where, x).T)


# --- rows and columns, in workers -------------------------------------------------------------------------------------

_READY: dict[str, Conditional] = {}
"""What this process has compiled already."""


def _ready(recipe: Recipe) -> Conditional:
    if recipe.key not in _READY:
        problem = problem_of(recipe.analysis, recipe.pair, recipe.others)
        _READY[recipe.key] = Conditional.of(problem, recipe.pair, recipe.others)
    return _READY[recipe.key]


def _scanned(
    recipe: Recipe, axes: Sequence[Array], first: Sequence[Minimum], executor: Executor | str | None,
    progress: Progress | None,
) -> list[Row]:  # fmt: skip
    with executors.given_or_own(executor, {recipe.key: recipe}) as pool:
        return _swept(recipe, axes, first, pool, progress)


def _swept(
    recipe: Recipe, axes: Sequence[Array], first: Sequence[Minimum], executor: Executor, progress: Progress | None
) -> list[Row]:
    """Every row by itself, then every column with what its rows have found."""
    parcel, tick = executors.parcel(executor, recipe.key, recipe), executors.counter(progress, sum(map(len, axes)))
    along = [(row_at, parcel, k, float(v), axes[0], list(first)) for k, v in enumerate(axes[1])]
    rows = executors.gathered(executor, tick, along)
    columns = [[row.minima[i] for row in rows] for i in range(len(axes[0]))]
    across = [(column_at, parcel, float(v), axes[1], columns[i]) for i, v in enumerate(axes[0])]
    better = executors.gathered(executor, tick, across)
    return [_merged(row, [column[k] for column in better]) for k, row in enumerate(rows)]


def _merged(row: Row, handed_on: Sequence[Sequence[Minimum]]) -> Row:
    """A row with what its neighbours in the columns led to."""
    minima, starts, reached = [], [], []
    for old, n, r, new in zip(*row, handed_on, strict=True):
        best = min([old, *new], key=lambda m: m.cost)
        again = sum(m.cost - best.cost < SAME for m in new)
        minima.append(best)
        starts.append(n + len(new))
        reached.append(again + (r if old.cost - best.cost < SAME else 0))
    return Row(minima, starts, reached)


def row_at(parcel: executors.Parcel, k: int, second: float, firsts: Array, known: Sequence[Minimum]) -> Row:
    """A row of the grid: branches from the minima of the whole plane, and from fresh starts at a few points."""
    recipe: Recipe = executors.opened(parcel)
    plane = _ready(recipe)
    drawn = plane.random(len(firsts) // EVERY + 1, recipe.seed + 1 + k)
    nearest = [int(np.argmin(np.abs(firsts - m.x[plane.scanned[0]]))) for m in known]
    seeds = [Seed(i, plane.minimum([firsts[i], second], m.x)) for i, m in zip(nearest, known, strict=True)]

    def fresh(i: int) -> list[Array]:
        return [drawn[i // EVERY]] if (i + k) % EVERY == 0 else []

    ring = plane.scanned[0] in plane.problem.coordinates.angles
    traced = trace(plane, [[v, second] for v in firsts], seeds, fresh, lambda: None, ring)
    every = range(len(firsts))
    return Row([traced.lowest(i) for i in every], [len(traced.found[i]) for i in every], [*map(traced.reached, every)])


def column_at(parcel: executors.Parcel, first: float, seconds: Array, minima: Sequence[Minimum]) -> list[list[Minimum]]:
    """What the neighbours in a column lead to at each of its points: upwards, then downwards."""
    plane = _ready(executors.opened(parcel))
    lowest, found = list(minima), list[list[Minimum]]([] for _ in seconds)
    last = len(seconds) - 1
    seam = [(last, 0), (0, last)] if plane.scanned[1] in plane.problem.coordinates.angles else []
    for i, neighbour in [*seam, *both_ways(len(seconds))]:
        m = plane.continued([first, seconds[i]], lowest[neighbour].x)
        found[i].append(m)
        lowest[i] = min(lowest[i], m, key=lambda m: m.cost)
    return found


# --- what comes out ---------------------------------------------------------------------------------------------------


def _dataset(
    plane: Conditional, recipe: Recipe, axes: Sequence[Array], rows: Sequence[Row], best: Minimum,
    levels: Sequence[float],
) -> xr.Dataset:  # fmt: skip
    over = ("second", "first")
    free = {p.name: p for p in recipe.analysis.free}
    names = plane.problem.coordinates.names
    data: dict[str, Any] = {
        "delta_chi2": (over, np.array([[m.cost - best.cost for m in row.minima] for row in rows])),
        "starts": (over, np.array([row.starts for row in rows])),
        "reached": (over, np.array([row.reached for row in rows])),
        "range_end": (over, np.array([[plane.at_ends(m.x) for m in row.minima] for row in rows], dtype=str)),
        "threshold": _thresholds(levels),
    }
    data |= {
        f"at_{name}": (over, np.array([[m.x[i] for m in row.minima] for row in rows]))
        for i, name in enumerate(names)
        if not plane.held[i]
    }
    attributes = {
        "model": recipe.analysis.model.name,
        "title": recipe.analysis.model.title,
        "parameters": list(recipe.pair),
        "units": [free[n].unit for n in recipe.pair],
        "latex": [free[n].latex or n for n in recipe.pair],
        "others": recipe.others,
        "threshold_kind": "asymptotic",
        "chi2_min": best.cost,
        "best": [float(best.x[i]) for i in plane.scanned],
        "closed_form": ", ".join(plane.problem.solved.names),
    }
    return xr.Dataset(data, coords=_coordinates(axes, levels), attrs=attributes).transpose("first", "second", ...)
