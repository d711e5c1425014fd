"""chi2 minimised over everything but some parameters, which are held: from several starts and their CP images."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer.coordinates import at_ends, image, to_cartesian
from bayesnu.infer.minimise import ROUGH, Minimisation, Minimum, minimise, prepare, prepare_numpy, random_starts
from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis, Free

Array = NDArray[np.float64]
Others = Literal["profiled", "zero"]
Progress = Callable[[int, int], None]

SAME = 1e-3
"""Minima whose chi2 differ by less are one and the same."""
SYMMETRIC = 1e-9
"""A CP image whose chi2 differs by less, relatively, can lead to nothing new."""
FIRST_STARTS = 8
SHORT = 0.05
"""First step of a minimisation that continues another, in typical sizes."""


def problem_of(analysis: Analysis | Minimisation, parameters: Sequence[str], others: Others) -> Minimisation:
    """The cost, with compiled gradients where there is anything to minimise over."""
    if isinstance(analysis, Minimisation):
        return analysis
    names = [p.name for p in analysis.free if p.role == "parameter"]
    for parameter in parameters:
        if parameter not in names:
            hint = did_you_mean(parameter, names) or "see `bayesnu list models`"
            expected = f"one of {', '.join(names)}"
            raise DeclarationError(Problem(analysis.model.name, "parameter", repr(parameter), expected, hint))
    solved = nuisances.affine(analysis)
    free = {p.name for p in analysis.free if others == "profiled" or p.role == "nuisance"}
    return prepare(analysis) if free - {*solved.names, *parameters} else prepare_numpy(analysis)


class Conditional(NamedTuple):
    """Which coordinates are scanned and which are held, and where the others begin."""

    problem: Minimisation
    scanned: tuple[int, ...]
    held: NDArray[np.bool_]
    """The scanned ones, and with others at zero every parameter of interest."""
    centre: Array
    """Nuisances at their centres, parameters of interest at their standard-model values."""

    @classmethod
    def of(cls, problem: Minimisation, parameters: Sequence[str], others: Others) -> "Conditional":
        """With others at zero, only nuisances are minimised over."""
        names, free = problem.coordinates.names, {p.name: p for p in problem.analysis.free}
        still = [n in parameters or (others == "zero" and free[n].role == "parameter") for n in names]
        centre = np.array([centre_of(free[n]) for n in names])
        return cls(problem, tuple(names.index(p) for p in parameters), np.array(still, dtype=bool), centre)

    @property
    def released(self) -> NDArray[np.bool_]:
        """What stays when the scanned parameters are let go."""
        held = self.held.copy()
        held[list(self.scanned)] = False
        return held

    def minimum(self, values: Sequence[float], start: Array) -> Minimum:
        """The nearest minimum with the scanned parameters at these values."""
        return minimise(self.problem, self.put(values, start), self.held)

    def roughly(self, values: Sequence[float], start: Array) -> Minimum:
        """About where a start leads: enough to tell whether that is known already."""
        return minimise(self.problem, self.put(values, start), self.held, tolerance=ROUGH)

    def continued(self, values: Sequence[float], neighbour: Array) -> Minimum:
        """The same minimum a little further on: by short steps, so that it is not lost."""
        return minimise(self.problem, self.put(values, neighbour), self.held, SHORT)

    def lowest(self, values: Sequence[float], starts: Sequence[Array]) -> Minimum:
        """The best of the minima from several starts."""
        return min((self.minimum(values, start) for start in starts), key=lambda m: m.cost)

    def free_minimum(self, start: Array) -> Minimum:
        """The nearest minimum with the scanned parameters let go."""
        return minimise(self.problem, start, self.released)

    def free_minima(self, seed: int) -> list[Minimum]:
        """All the distinct minima that are found from the centre and from quasi-random points, the lowest first."""
        number = FIRST_STARTS if (~self.released).sum() > 1 else 2
        found = distinct([self.free_minimum(x) for x in [self.centre, *self.random(number, seed)]])
        return distinct([*found, *(self.free_minimum(x) for m in found for x in self.with_image(m.x)[1:])])

    def random(self, number: int, seed: int) -> list[Array]:
        """Quasi-random points of the prior, with what stays at its centre."""
        return [np.where(self.released, self.centre, x) for x in random_starts(self.problem, number, seed)]

    def with_image(self, start: Array, values: Sequence[float] | None = None) -> list[Array]:
        """A start and its CP image; without it where chi2 there is the same, for it leads to the mirrored minimum."""
        where = self.problem.coordinates
        first = start if values is None else self.put(values, start)
        second = image(where, first) if values is None else self.put(values, image(where, first))
        if not where.angles or self.held[list(where.angles)].all():
            return [first]
        here, there = (self.problem.cost(to_cartesian(where, x))[0] for x in (first, second))
        return [first] if abs(here - there) <= SYMMETRIC * max(abs(here), 1.0) else [first, second]

    def at_ends(self, x: Array) -> str:
        """What is minimised over and ended at an end of its range."""
        return at_ends(self.problem.coordinates, x, ~self.held)

    def put(self, values: Sequence[float], start: Array) -> Array:
        """A point with the scanned parameters at these values."""
        x = np.array(start, dtype=float)
        x[list(self.scanned)] = values
        return x


def distinct(minima: Sequence[Minimum]) -> list[Minimum]:
    """Minima that differ in chi2, the lowest first."""
    found: list[Minimum] = []
    for m in sorted(minima, key=lambda m: m.cost):
        if not found or m.cost - found[-1].cost > SAME:
            found.append(m)
    return found


def centre_of(p: Free) -> float:
    """Where a parameter begins: a nuisance at its centre, a parameter of interest at its standard-model value."""
    return priors.central(p.prior) if p.role == "nuisance" and p.prior is not None else p.standard
