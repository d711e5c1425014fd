"""Minimising chi2 over the free parameters: nuisances in closed form where they have one, L-BFGS for the rest.

A modulus with its own free phase is minimised as one complex number (smooth at zero), bounded by its prior's range.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis, is_angle
from bayesnu.predict.terms import INTERACTIONS

Array = NDArray[np.float64]
Cost = Callable[[Array], tuple[float, Array]]


TOLERANCES = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8}


class Coordinates(NamedTuple):
    """What the minimiser moves: names, bounds, typical sizes, and which pairs are (Re, Im) of one complex moment."""

    names: tuple[str, ...]
    low: Array
    high: Array
    size: Array
    pairs: tuple[tuple[int, int], ...]
    angles: tuple[int, ...]


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
    return Minimisation(analysis, where, solved, _differenced(analysis, where, solved))


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


def _cost(analysis: Analysis, where: Coordinates, solved: nuisances.Affine, y: Sequence[Any], xp: Any) -> Any:
    chi2, _ = nuisances.profiled_chi2(analysis, solved, _theta(analysis, where, y, xp), xp)
    return chi2 + nuisances.remaining_constraints(analysis, solved, dict(zip(where.names, y, strict=True)), xp)


def _compiled(analysis: Analysis, where: Coordinates, solved: nuisances.Affine) -> Cost:
    # Here, so that what needs no gradient does not wait for PyTensor.
    import pytensor.tensor as pt
    from pytensor.compile.maker import function
    from pytensor.gradient import grad
    from pytensor.graph.replace import graph_replace

    # Differentiated by scalars: the gradient of each element of a vector would be a vector of zeros and one number.
    scalars = [pt.scalar(name) for name in where.names]
    cost = _cost(analysis, where, solved, scalars, pt)
    slopes: Any = grad(cost, scalars, disconnected_inputs="ignore")
    y = pt.vector("y", shape=(len(where.names),))
    elements = [(scalar, y[i]) for i, scalar in enumerate(scalars)]
    outputs = graph_replace([cost, pt.stack(slopes)], elements, strict=False)
    compiled = function([y], outputs)
    # What comes in is made right here: checking it once more would cost a tenth of the call.
    compiled.trust_input = True

    def value_and_gradient(point: Array) -> tuple[float, Array]:
        value, gradient = compiled(np.asarray(point, dtype=np.float64))
        return float(value), np.asarray(gradient)

    return value_and_gradient


def _differenced(analysis: Analysis, where: Coordinates, solved: nuisances.Affine) -> Cost:
    def value(point: Array) -> float:
        return float(_cost(analysis, where, solved, list(point), np))

    def value_and_gradient(point: Array) -> tuple[float, Array]:
        step = 1e-5 * where.size
        shifts = np.diag(step)
        up, down = np.array([value(point + s) for s in shifts]), np.array([value(point - s) for s in shifts])
        return value(point), (up - down) / (2 * step)

    return value_and_gradient


# --- minimising -------------------------------------------------------------------------------------------------------


class Minimum(NamedTuple):
    """A minimum of the cost: its value and where, in (modulus, phase)."""

    cost: float
    x: Array


def minimise(problem: Minimisation, start: Array, held: NDArray[np.bool_]) -> Minimum:
    """The nearest minimum from a start (modulus, phase), some of whose coordinates are held."""
    where = problem.coordinates
    moves = _Moves.of(where, start, ~held)
    if not moves.moved.any():
        return Minimum(problem.cost(to_cartesian(where, start))[0], start)

    def cost(t: Array) -> tuple[float, Array]:
        y, jacobian = moves.point(t)
        value, gradient = problem.cost(y)
        return value, (jacobian.T @ gradient)[moves.moved]

    found = optimize.minimize(
        cost, moves.unfolded_start(), jac=True, method="L-BFGS-B", bounds=moves.bounds(), options=TOLERANCES
    )
    return Minimum(float(found.fun), to_polar(where, moves.point(found.x)[0]))


class _Moves(NamedTuple):
    """What a minimisation moves, in units of the typical sizes.

    A free complex moment is a point of the whole plane, folded into the disc that its prior allows; a pair with a held
    member moves by modulus or phase.
    """

    where: Coordinates
    start: Array
    moved: NDArray[np.bool_]
    discs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, where: Coordinates, start: Array, moved: NDArray[np.bool_]) -> "_Moves":
        return cls(where, start, moved, tuple((m, z) for m, z in where.pairs if moved[m] and moved[z]))

    def point(self, t: Array) -> tuple[Array, Array]:
        """The point y in (Re, Im), and dy/dt as a full matrix."""
        size = self.where.size
        x = np.array(self.start, dtype=float)
        x[self.moved] = t * size[self.moved]
        y, jacobian = x.copy(), np.diag(size)
        for m, z in self.where.pairs:
            both = np.ix_([m, z], [m, z])
            if (m, z) in self.discs:
                y[[m, z]], jacobian[both] = _folded(x[m] / size[m], x[z] / size[z], self.where.high[m], size[m])
            else:
                y[[m, z]], jacobian[both] = _turned(x[m], x[z], size[m], size[z])
        return y, jacobian

    def unfolded_start(self) -> Array:
        """The start in the coordinates that are moved."""
        t = self.start / self.where.size
        for m, z in self.discs:
            reach = self.where.high[m] / self.where.size[m]
            radius = min(self.start[m] / self.where.size[m], 0.999 * reach)
            unfolded = radius / np.sqrt(1.0 - (radius / reach) ** 2)
            t[m], t[z] = unfolded * np.cos(self.start[z]), unfolded * np.sin(self.start[z])
        return np.asarray(t[self.moved])

    def bounds(self) -> list[tuple[float, float]]:
        """Ends of the priors for what has ends; points of a plane and angles have none."""
        free = {i for pair in self.discs for i in pair} | set(self.where.angles)
        low, high = self.where.low / self.where.size, self.where.high / self.where.size
        return [(-np.inf, np.inf) if i in free else (low[i], high[i]) for i in np.flatnonzero(self.moved)]


def _folded(a: float, b: float, radius: float, size: float) -> tuple[Array, Array]:
    """A point of the plane folded into a disc (the plane itself where the radius is infinite), and its derivatives."""
    inverse = (size / radius) ** 2
    root = np.sqrt(1.0 + (a * a + b * b) * inverse)
    jacobian = np.eye(2) / root - np.outer([a, b], [a, b]) * inverse / root**3
    return size * np.array([a, b]) / root, size * jacobian


def _turned(modulus: float, phase: float, modulus_size: float, phase_size: float) -> tuple[Array, Array]:
    """(Re, Im) of a modulus and a phase, and its derivatives."""
    cosine, sine = np.cos(phase), np.sin(phase)
    along, across = np.array([cosine, sine]), np.array([-sine, cosine])
    return modulus * along, np.stack([along * modulus_size, modulus * across * phase_size], axis=1)


def image(where: Coordinates, x: Array) -> Array:
    """The CP image: all phases reversed, a minimum wherever the original is one."""
    mirrored = np.array(x)
    for i in where.angles:
        mirrored[i] = -mirrored[i] % priors.TWO_PI
    return mirrored


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
