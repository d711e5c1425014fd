"""How many modes a posterior has, and whether every chain has been in each: R-hat is blind to a mode that all miss.

Minima of the profile chi2 are found from quasi-random points of the prior, from draws of every chain and from the CP
images of what is found. Two minima are one mode where a path leads from one to the other on which chi2 hardly rises:
along the segment between them chi2 is minimised across it, from image to image, so that curved valleys are followed.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import optimize, spatial

from bayesnu.infer.minimise import (
    Coordinates,
    Minimisation,
    Minimum,
    coordinates,
    differenced,
    image,
    minimise,
    random_starts,
    to_cartesian,
    to_polar,
)
from bayesnu.infer.minimise import costs as minimise_costs
from bayesnu.likelihood import nuisances
from bayesnu.likelihood.analysis import Analysis

Array = NDArray[np.float64]

STARTS = 8
"""Quasi-random points of the prior from which minima are sought."""
DRAWS = 3
"""Draws of each chain from which minima are sought."""
LABELLED = 30
"""Draws of each chain that are followed to their minimum, where there are several modes."""
BARRIER = 4.0
"""Rise of chi2 between two minima from which on they are two modes."""
RELEVANT = 9.0
"""Depth of a minimum above the best one beyond which it is no mode of the posterior."""
SEEN = 0.01
"""Share of all draws from which on every chain must have seen a mode."""
IMAGES, BETWEEN = 24, 4
REACHED = 3
"""Minima of a group to which a path is sought."""
WALL = 1e4
"""Penalty of a point outside the prior, in squares of its typical size."""
SAME = 1e-2
"""Minima no farther apart than this, in typical sizes, are one."""


class Modes(NamedTuple):
    """The modes of a result, the best first."""

    at: list[dict[str, float]]
    """The minimum of each mode, in declared units."""
    delta_chi2: list[float]
    image_of: list[int | None]
    """The mode whose CP image it is, with a lower number; None where it is nobody's, or its own."""
    mass: list[list[float]]
    """Share of each chain's draws in each mode: (mode, chain)."""

    @property
    def failures(self) -> list[str]:
        """Modes that some chain or all of them missed."""
        found = []
        for k, mass in enumerate(self.mass, start=1):
            missing = sum(m == 0.0 for m in mass)
            if missing == len(mass):
                found.append(f"mode {k} of {len(self.mass)} was visited by no chain")
            elif missing and np.mean(mass) > SEEN:
                found.append(f"mode {k} of {len(self.mass)} was missed by {missing} of {len(mass)} chains")
        return found

    @property
    def line(self) -> str:
        """One line for a report."""
        if len(self.at) == 1:
            return "1 mode"
        images = sum(k is not None for k in self.image_of)
        told = f"{len(self.at)} modes" + (f" ({images} the CP image of another)" if images else "")
        if self.failures:
            return f"{told}; {'; '.join(self.failures)}"
        share = ", ".join(f"{np.mean(m):.2g}" for m in self.mass)
        return f"{told}; all chains visited {'both' if len(self.at) == 2 else 'all'}, with masses {share}"


def modes(analysis: Analysis, tree: xr.DataTree, *, seed: int = 0) -> Modes:
    """Count the modes of a posterior and the share of every chain in each.

    >>> import bayesnu as bn
    >>> print(modes(bn.load("coherent-csi-tmm"), bn.open_result("tmm.nc")).line)  # doctest: +SKIP
    1 mode
    """
    problem = prepared(analysis)
    where = problem.coordinates
    chains = _chains(tree, where)
    if not where.names:
        return Modes([{}], [0.0], [None], [[1.0] * len(chains)])
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    starts = [*random_starts(problem, STARTS, seed), *(x for c in chains for x in _some(c, DRAWS, rng))]
    minima = _distinct(problem, starts)
    grouped = _grouped(problem, minima)
    best = [group[0] for group in grouped]
    return Modes(
        at=[dict(zip(where.names, map(float, m.x), strict=True)) for m in best],
        delta_chi2=[m.cost - best[0].cost for m in best],
        image_of=[_image_of(where, grouped, k) for k in range(len(grouped))],
        mass=_masses(problem, grouped, chains, rng),
    )


def record(analysis: Analysis, tree: xr.DataTree) -> Modes:
    """Count the modes and write them into the attributes of a result, for its verdict and its report."""
    found = modes(analysis, tree, seed=int(tree.attrs["seed"]))
    tree.attrs["modes"] = json.dumps({**found._asdict(), "line": found.line, "failures": found.failures})
    return found


# --- the cost, all of its shifted points at once ----------------------------------------------------------------------


def prepared(analysis: Analysis) -> Minimisation:
    """The profile chi2 with a wall around the prior, for paths that know no bounds; nothing to compile."""
    solved = nuisances.affine(analysis)
    where = coordinates(analysis, solved)
    cost = differenced(lambda y: costs(analysis, where, solved, y), where.size, -np.inf, np.inf)
    return Minimisation(analysis, where, solved, cost)


def costs(analysis: Analysis, where: Coordinates, solved: nuisances.Affine, y: Array) -> Array:
    """Profile chi2 at points (n, coordinates) in (Re, Im), rising steeply outside the prior's range."""
    # Beyond its end a parameter may have no meaning, as a squared sine below zero: there the wall stands.
    with np.errstate(invalid="ignore"):
        total = minimise_costs(analysis, where, solved, y) + _outside(where, to_polar(where, y.T))
    return np.nan_to_num(total, nan=WALL, posinf=WALL)


def _outside(where: Coordinates, x: Array) -> Array:
    """Penalty for what lies beyond the ends of a prior; angles have none."""
    bounded = [i for i in range(len(where.names)) if i not in where.angles]
    beyond = np.maximum(where.low[bounded, None] - x[bounded], x[bounded] - where.high[bounded, None])
    return np.asarray(WALL * (np.maximum(beyond, 0.0) ** 2 / where.size[bounded, None] ** 2).sum(axis=0))


# --- minima -----------------------------------------------------------------------------------------------------------


def _distinct(problem: Minimisation, starts: Sequence[Array]) -> list[Minimum]:
    """Different minima from several starts and from the CP images of what they lead to, the lowest first."""
    free = np.zeros(len(problem.coordinates.names), dtype=bool)
    found: list[Minimum] = []
    for start in starts:
        one = minimise(problem, start, free)
        for m in (one, minimise(problem, image(problem.coordinates, one.x), free)):
            if not any(_apart(problem.coordinates, m.x, other.x) < SAME for other in found):
                found.append(m)
    lowest = min(m.cost for m in found)
    return sorted((m for m in found if m.cost - lowest < RELEVANT), key=lambda m: m.cost)


def _apart(where: Coordinates, x: Array, other: Array) -> float:
    """Largest distance in one coordinate, in typical sizes."""
    return float(np.max(np.abs(_step(where, x, other)) / where.size))


def _step(where: Coordinates, x: Array, other: Array) -> Array:
    """The way from one point to another in (Re, Im); angles take the shorter one."""
    step = to_cartesian(where, other) - to_cartesian(where, x)
    for i in _bare_angles(where):
        step[i] = (step[i] + np.pi) % (2 * np.pi) - np.pi
    return step


def _bare_angles(where: Coordinates) -> list[int]:
    paired = {z for _, z in where.pairs}
    return [i for i in where.angles if i not in paired]


def _grouped(problem: Minimisation, minima: Sequence[Minimum]) -> list[list[Minimum]]:
    """Minima, the lowest first, that are connected, together.

    Most minima of a flat valley see one another, which saves the paths that have to be sought.
    """
    groups: list[list[Minimum]] = []
    for m in minima:
        seen = (g for g in groups if any(_in_sight(problem, other, m) for other in g))
        reached = (g for g in groups if any(_connected(problem, other, m) for other in g[:REACHED]))
        home = next(itertools.chain(seen, reached), None)
        if home is None:
            groups.append([m])
        else:
            home.append(m)
    return groups


def _image_of(where: Coordinates, groups: Sequence[Sequence[Minimum]], k: int) -> int | None:
    """The number of an earlier mode whose CP image this one is."""
    mirrored = image(where, groups[k][0].x)
    near = [min(_apart(where, mirrored, m.x) for m in group) for group in groups]
    closest = int(np.argmin(near))
    return closest if closest < k and near[closest] < 10 * SAME else None


# --- paths ------------------------------------------------------------------------------------------------------------


def _connected(problem: Minimisation, a: Minimum, b: Minimum) -> bool:
    """Whether a path, found from one end or from the other, stays low."""
    limit = max(a.cost, b.cost) + BARRIER
    return any(highest(problem, one.x, other.x) < limit for one, other in ((a, b), (b, a)))


def _in_sight(problem: Minimisation, a: Minimum, b: Minimum) -> bool:
    """Whether the straight path stays low."""
    where, shares = problem.coordinates, np.linspace(0.0, 1.0, IMAGES + 1)[:, None]
    straight = to_cartesian(where, a.x) + shares * _step(where, a.x, b.x)
    return _highest_on(problem, straight) < max(a.cost, b.cost) + BARRIER


def highest(problem: Minimisation, start: Array, end: Array) -> float:
    """Highest chi2 on a path between two points that follows the valley between them."""
    return _highest_on(problem, np.array(list(_path(problem, start, _step(problem.coordinates, start, end)))))


def _highest_on(problem: Minimisation, path: Array) -> float:
    """Highest chi2 on the straight lines between points, all at once."""
    share = np.linspace(0.0, 1.0, BETWEEN, endpoint=False)[:, None, None]
    points = path[None, :-1] + share * (path[1:] - path[:-1])[None]
    return float(costs(problem.analysis, problem.coordinates, problem.solved, points.reshape(-1, path.shape[1])).max())


def _path(problem: Minimisation, start: Array, step: Array) -> Iterator[Array]:
    """Points of the lowest chi2 across the segment, each sought from the one before, and both ends."""
    size = problem.coordinates.size
    first = to_cartesian(problem.coordinates, start)
    _, _, rows = np.linalg.svd((step / size)[None])
    across = rows[1:].T * size[:, None]
    s = np.zeros(across.shape[1])
    yield first
    for t in np.linspace(0.0, 1.0, IMAGES + 1)[1:-1]:
        s = _lowest_across(problem, first + t * step, across, s)
        yield first + t * step + across @ s
    yield first + step


def _lowest_across(problem: Minimisation, origin: Array, across: Array, s: Array) -> Array:
    if not len(s):
        return s

    def cost(t: Array) -> tuple[float, Array]:
        value, gradient = problem.cost(origin + across @ t)
        return value, across.T @ gradient

    return np.asarray(optimize.minimize(cost, s, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x)


# --- draws ------------------------------------------------------------------------------------------------------------


def _chains(tree: xr.DataTree, where: Coordinates) -> list[Array]:
    """Draws (draw, coordinates) of each chain."""
    posterior = tree["posterior"].to_dataset()
    number = posterior.sizes["chain"]
    columns = [posterior[name].transpose("chain", "draw").values for name in where.names]
    return list(np.stack(columns, axis=-1)) if columns else [np.zeros((1, 0))] * number


def _some(chain: Array, number: int, rng: np.random.Generator) -> Array:
    return np.asarray(chain[rng.choice(len(chain), min(number, len(chain)), replace=False)])


def _masses(
    problem: Minimisation, groups: Sequence[Sequence[Minimum]], chains: Sequence[Array], rng: np.random.Generator
) -> list[list[float]]:
    """Share of each chain in each mode: some draws are followed to their minimum, the others go with the nearest."""
    if len(groups) == 1:
        return [[1.0] * len(chains)]
    where = problem.coordinates
    free = np.zeros(len(where.names), dtype=bool)
    minima = spatial.cKDTree(np.array([_scaled(where, m.x) for g in groups for m in g]))
    owner = np.array([k for k, g in enumerate(groups) for _ in g])
    followed = np.concatenate([_some(chain, LABELLED, rng) for chain in chains])
    ends = np.array([_scaled(where, minimise(problem, x, free).x) for x in followed])
    labels = owner[minima.query(ends)[1]]
    nearest = spatial.cKDTree(np.array([_scaled(where, x) for x in followed]))
    of_chain = [labels[nearest.query(_scaled(where, chain.T).T)[1]] for chain in chains]
    return [[float(np.mean(mine == k)) for mine in of_chain] for k in range(len(groups))]


def _scaled(where: Coordinates, x: Array) -> Array:
    """Coordinates in which neighbours are near: (Re, Im) of pairs, cosine and sine of other angles."""
    y, bare = to_cartesian(where, x), _bare_angles(where)
    size = where.size.reshape(-1, *(1,) * (y.ndim - 1))
    rest = np.delete(y / size, bare, axis=0)
    return np.concatenate([rest, np.cos(y[bare]), np.sin(y[bare])])
