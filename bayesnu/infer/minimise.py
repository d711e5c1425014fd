"""Minimising chi2 over the free parameters: nuisances in closed form where they have one, L-BFGS for the rest.

A modulus with its own free phase is minimised as one complex number (smooth at zero), bounded by its prior's range.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer.coordinates import Coordinates, Moves, image, to_cartesian, to_polar
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis, is_angle
from bayesnu.predict.terms import INTERACTIONS

__all__ = [
    "Coordinates", "Cost", "Minimisation", "Minimum", "chi2_profiled", "coordinates", "costs", "differenced",
    "image", "minimise", "prepare",
    "prepare_numpy", "random_starts", "to_cartesian", "to_polar",
]  # fmt: skip

Array = NDArray[np.float64]
Cost = Callable[[Array], tuple[float, Array]]

LARGE_BYTES = 1_000_000
"""Of an array that numba no longer writes into the code that it compiles."""
STEP = 1e-5
"""Of finite differences, in typical sizes."""
TOLERANCES = {"maxiter": 500, "maxcor": 20, "gtol": 1e-7}
FINE, ROUGH = 1e-13, 1e-8
"""A minimisation ends where an iteration gains less than this share of chi2; a rough one knows where it leads."""


class Minimisation(NamedTuple):
    """A cost in (Re, Im) and what it is a function of."""

    analysis: Analysis
    coordinates: Coordinates
    solved: nuisances.Affine
    cost: Cost


# --- coordinates ------------------------------------------------------------------------------------------------------


def coordinates(analysis: Analysis, solved: nuisances.Affine) -> Coordinates:
    """All free parameters but those solved in closed form."""
    free = [p for p in analysis.free if p.name not in solved.names]
    names = tuple(p.name for p in free)
    low, high, size = np.full(len(free), -np.inf), np.full(len(free), np.inf), np.ones(len(free))
    for i, p in enumerate(free):
        if p.prior is None:
            raise DeclarationError(Problem(analysis.model.name, p.name, "no prior", "a prior with a range", "add one"))
        least, most = priors.support(p.prior)
        # A parameter of interest is scanned from zero: the prior's lower end is a belief, not a boundary.
        low[i] = min(least, 0.0) if p.role == "parameter" and not p.knob else least
        high[i] = most
        spread = priors.quantile(p.prior, np.array([0.16, 0.84]))
        size[i] = 1.0 if is_angle(p) else float(0.5 * (spread[1] - spread[0]))
    # A phase that is constrained stays an angle: its constraint is not one of (Re, Im).
    unconstrained = {p.name for p in free if p.role == "parameter"}
    pairs = tuple(
        (names.index(m), names.index(z))
        for modulus_to_phase in _phases(analysis)
        for m, z in modulus_to_phase.items()
        if m in names and z in unconstrained
    )
    angles = tuple(i for i, p in enumerate(free) if p.dimension == "angle")
    return Coordinates(names, low, high, size, pairs, angles)


def _phases(analysis: Analysis) -> list[dict[str, str]]:
    found = dict.fromkeys(name for setup in analysis.model.setups for name in setup.interaction)
    return [dict(INTERACTIONS[name].phases) for name in found]


# --- the cost and its gradient ----------------------------------------------------------------------------------------


def prepare(analysis: Analysis) -> Minimisation:
    """The cost in (Re, Im), compiled with its gradient; it serves every scan of this analysis."""
    solved = nuisances.affine(analysis)
    where = coordinates(analysis, solved)
    return Minimisation(analysis, where, solved, _compiled(analysis, where, solved))


def prepare_numpy(analysis: Analysis) -> Minimisation:
    """The same with NumPy and finite differences: slower to minimise, nothing to compile."""
    solved = nuisances.affine(analysis)
    where = coordinates(analysis, solved)
    # Beyond its end a parameter may have no meaning: a squared sine below zero.
    cost = differenced(lambda y: costs(analysis, where, solved, y), where.size, *_ends(where))
    return Minimisation(analysis, where, solved, cost)


def _theta(analysis: Analysis, where: Coordinates, y: Sequence[Any], xp: Any) -> dict[str, Any]:
    """What the couplings read at y; of a pair, modulus 1 times (cosine, sine) = (Re, Im)."""
    columns = dict(zip(where.names, y, strict=True))
    columns |= {p.name: 1.0 for p in analysis.free if p.name not in columns}
    theta = analysis.theta(columns, xp)
    factor = {p.name: p.factor for p in analysis.free}
    for m, z in where.pairs:
        scale = factor[where.names[m]]
        theta[where.names[m]] = 1.0
        theta[where.names[z]] = (y[m] * scale, y[z] * scale)
    return theta


def _cost(
    analysis: Analysis, where: Coordinates, solved: nuisances.Affine, y: Sequence[Any], xp: Any, zero: Any = None
) -> Any:
    """The cost at one point y, or at each of n where `zero` is n zeros."""
    none = xp.zeros(()) if zero is None else zero
    chi2 = nuisances.profiled_chi2(analysis, solved, _theta(analysis, where, y, xp), none, xp)
    return chi2 + nuisances.remaining_constraints(analysis, solved, dict(zip(where.names, y, strict=True)), xp)


def costs(analysis: Analysis, where: Coordinates, solved: nuisances.Affine, y: Array) -> Array:
    """The cost at points (n, coordinates) in (Re, Im), all at once and with nothing compiled."""
    return np.asarray(_cost(analysis, where, solved, list(y.T), np, np.zeros(len(y))))


def _compiled(analysis: Analysis, where: Coordinates, solved: nuisances.Affine) -> Cost:
    # Here, so that what needs no gradient does not wait for PyTensor.
    import pytensor.tensor as pt
    from pytensor.compile.maker import function
    from pytensor.compile.sharedvalue import shared
    from pytensor.gradient import grad
    from pytensor.graph.replace import graph_replace
    from pytensor.graph.traversal import ancestors
    from pytensor.tensor.variable import TensorConstant

    # Differentiated by scalars: the gradient of each element of a vector would be a vector of zeros and one number.
    scalars = [pt.scalar(name) for name in where.names]
    cost = _cost(analysis, where, solved, scalars, pt)
    slopes: Any = grad(cost, scalars, disconnected_inputs="ignore")
    y = pt.vector("y", shape=(len(where.names),))
    elements = [(scalar, y[i]) for i, scalar in enumerate(scalars)]
    outputs = graph_replace([cost, pt.stack(slopes)], elements, strict=False)
    # Large tables enter as data: compiled code with a large constant inside cannot be kept from one run to the next.
    tables = [v for v in ancestors(outputs) if isinstance(v, TensorConstant) and v.data.nbytes > LARGE_BYTES]
    outputs = graph_replace(outputs, [(v, shared(v.data)) for v in tables], strict=False)  # type: ignore[no-untyped-call]
    compiled = function([y], outputs)
    # What comes in is made right here: checking it once more would cost a tenth of the call.
    compiled.trust_input = True

    def value_and_gradient(point: Array) -> tuple[float, Array]:
        value, gradient = compiled(np.asarray(point, dtype=np.float64))
        return float(value), np.asarray(gradient)

    return value_and_gradient


def differenced(costs_at: Callable[[Array], Array], size: Array, low: Array | float, high: Array | float) -> Cost:
    """A cost with central differences, evaluated together; steps in typical sizes, none beyond an end."""

    def value_and_gradient(point: Array) -> tuple[float, Array]:
        up, down = np.minimum(point + STEP * size, high), np.maximum(point - STEP * size, low)
        there = costs_at(np.concatenate([point[None], _each_replaced(point, up), _each_replaced(point, down)]))
        above, below = there[1 : 1 + len(point)], there[1 + len(point) :]
        return float(there[0]), (above - below) / (up - down)

    return value_and_gradient


def _ends(where: Coordinates) -> tuple[Array, Array]:
    """Where each coordinate of the cost ends: those of a plane and angles nowhere."""
    endless = sorted({i for pair in where.pairs for i in pair} | set(where.angles))
    low, high = where.low.copy(), where.high.copy()
    low[endless], high[endless] = -np.inf, np.inf
    return low, high


def _each_replaced(point: Array, values: Array) -> Array:
    """The point with one coordinate after the other at another value, (coordinate, coordinate)."""
    return np.where(np.eye(len(point), dtype=bool), values, point)


# --- minimising -------------------------------------------------------------------------------------------------------


class Minimum(NamedTuple):
    """A minimum of the cost: its value and where, in (modulus, phase)."""

    cost: float
    x: Array


def minimise(
    problem: Minimisation, start: Array, held: NDArray[np.bool_], stride: float = 1.0, tolerance: float = FINE
) -> Minimum:
    """The nearest minimum from a start (modulus, phase), some of whose coordinates are held.

    The first step is at most a stride long, in typical sizes: one that is long may leave the basin.
    """
    where = problem.coordinates
    if held.all():
        return Minimum(problem.cost(to_cartesian(where, start))[0], start)
    moves = Moves.of(where, start, ~held)

    def cost(u: Array) -> tuple[float, Array]:
        t = stride * u
        value, gradient = problem.cost(moves.point(t))
        return value, stride * moves.pulled_back(t, gradient)

    bounds = [(low / stride, high / stride) for low, high in moves.bounds]
    options = TOLERANCES | {"gtol": stride * TOLERANCES["gtol"], "ftol": tolerance}
    found = optimize.minimize(cost, moves.begin() / stride, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return Minimum(float(found.fun), to_polar(where, moves.point(stride * found.x)))


def random_starts(problem: Minimisation, number: int, seed: int) -> list[Array]:
    """Quasi-random points of the prior."""
    where = problem.coordinates
    if number == 0 or not where.names:
        return []
    # Sobol wants powers of two: draw the next one and keep the first few.
    points = stats.qmc.Sobol(len(where.names), seed=seed).random_base2(int(np.ceil(np.log2(number))))[:number]
    entries = {p.name: p for p in problem.analysis.free}
    prior = [entries[name].prior for name in where.names]
    columns = [priors.quantile(p, points[:, i]) for i, p in enumerate(prior) if p is not None]
    return list(np.stack(columns, axis=1))


def chi2_profiled(analysis: Analysis, x: Array) -> float:
    """chi2 minimised over the nuisances at one point of the parameters of interest."""
    problem = prepare_numpy(analysis)
    names = list(analysis.names)
    start = np.array([x[names.index(n)] for n in problem.coordinates.names])
    roles = {p.name: p.role for p in analysis.free}
    held = np.array([roles[n] == "parameter" for n in problem.coordinates.names], dtype=bool)
    return minimise(problem, start, held).cost
