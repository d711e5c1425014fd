"""Cells that print a region of moments and masses of a heavy neutrino: chi2 on templates exact at each mass."""

import functools
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec
import numpy as np
from scipy import optimize

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.errors import DeclarationError, PredictionError, Problem
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import from_resolved, held
from bayesnu.papers.scans import Chi2, chi2_along, crossing
from bayesnu.papers.setups import projected_longer
from bayesnu.papers.task import Claim, Task, key_of, unknown, unknown_model
from bayesnu.schema import MassScan, Resolved

MOMENTS: Final = 60
"""Moments, even in log over their prior, among which the smallest chi2 is looked for first: there may be two minima."""


class Region(NamedTuple):
    """A scan as functions of the mass: chi2 along the moment, and its smallest value."""

    scan: MassScan
    chi2: Callable[[float], Chi2]
    best: Callable[[float], tuple[float, float]]
    """Moment and chi2 at the minimum of one mass."""

    def level(self) -> float:
        """chi2 at the border: delta chi2 above the smallest of all masses."""
        return min(self.best(mass)[1] for mass in self.scan.masses) + self.scan.delta_chi2

    def allowed(self) -> list[float]:
        """Masses, from the first on and without a gap, at which some moment is allowed."""
        level = self.level()
        inside = [self.best(mass)[1] < level for mass in self.scan.masses]
        return list(self.scan.masses[: (inside.index(False) if False in inside else len(inside))])


def claims(task: Task, scan: MassScan) -> Iterator[Claim]:
    """A cell for every column."""
    for column, end in scan.columns.items():
        compute = functools.partial(from_region, task.where, scan, end, task.exposure)
        yield Claim(key_of(task, scan, scan.row, column), scan, compute)


def from_region(where: Catalog, scan: MassScan, end: str, exposure: float = 1.0) -> float:
    """One end of the region or of the limits of a scan, in the model's unit."""
    return ENDS[end](_region_of(where, scan, exposure))


# --- ends -------------------------------------------------------------------------------------------------------------


def lowest(region: Region) -> float:
    """Smallest moment that is allowed at any mass; zero where none is excluded."""
    return min(_lower_edge(region, mass, region.level()) for mass in region.allowed())


def _lower_edge(region: Region, mass: float, level: float) -> float:
    chi2, best = region.chi2(mass), region.best(mass)[0]
    if chi2(0.0) <= level:
        return 0.0
    return float(optimize.brentq(lambda moment: chi2(moment) - level, 0.0, best, rtol=1e-10))


def highest(region: Region) -> float:
    """Largest moment that is allowed at any mass."""
    return max(upper_edge(region, mass, region.level()) for mass in region.allowed())


def upper_edge(region: Region, mass: float, level: float) -> float:
    """Moment above the best of a mass where chi2 passes a level."""
    best = region.best(mass)[0]
    return crossing(region.chi2(mass), best, 1e-3 * best + 1e-3, level)


def closing(region: Region) -> float:
    """Mass at which the region of the lightest one ends: no moment of a heavier one is allowed."""
    level, allowed = region.level(), region.allowed()
    heavier = [mass for mass in region.scan.masses if mass > allowed[-1]]
    if not heavier:
        raise PredictionError("the allowed region does not end at any of the masses: name heavier ones")
    return float(optimize.brentq(lambda m: region.best(m)[1] - level, allowed[-1], heavier[0], xtol=1e-6, rtol=1e-5))


def limit(region: Region) -> float:
    """Upper limit at the lightest mass alone."""
    return _limit(region, region.scan.masses[0])


def doubling(region: Region) -> float:
    """Mass at which the upper limit, of that mass alone, is twice the one of the lightest."""
    first, *others = region.scan.masses
    target = 2 * _limit(region, first)
    inner = first
    for mass in others:
        if _limit(region, mass) > target:
            return float(optimize.brentq(lambda m: _limit(region, m) - target, inner, mass, xtol=1e-6, rtol=1e-4))
        inner = mass
    raise PredictionError("the limit does not double at any of the masses: name heavier ones")


def _limit(region: Region, mass: float) -> float:
    return upper_edge(region, mass, region.best(mass)[1] + region.scan.delta_chi2)


ENDS: dict[str, Callable[[Region], float]] = {
    "low": lowest,
    "high": highest,
    "closing": closing,
    "limit": limit,
    "doubling": doubling,
}
"""What a column prints -> how it follows from the region."""


# --- chi2 -------------------------------------------------------------------------------------------------------------


class Masses(NamedTuple):
    """chi2 of a model as functions of the mass."""

    chi2: Callable[[float], Chi2]
    best: Callable[[float], tuple[float, float]]


def _region_of(where: Catalog, scan: MassScan, exposure: float) -> Region:
    return Region(scan, *_masses_of(where, scan.model, scan.experiments, scan.parameter, scan.mass, exposure))


@functools.cache
def _masses_of(
    where: Catalog, model: str, experiments: tuple[str, ...], parameter: str, mass_name: str, exposure: float
) -> Masses:
    """chi2 of a model on experiments, remembered at each mass: the cells of a region share it."""
    resolved = _resolved(where, model, experiments)
    setups = tuple(projected_longer(setup, exposure) for setup in resolved.setups)
    resolved = msgspec.structs.replace(resolved, setups=setups)

    @functools.cache
    def chi2(mass: float) -> Chi2:
        return chi2_along(from_resolved(held(resolved, {mass_name: mass})), parameter)

    low, high = _range_of(resolved, parameter)

    @functools.cache
    def best(mass: float) -> tuple[float, float]:
        return smallest(chi2(mass), low, high)

    return Masses(chi2, best)


def _range_of(resolved: Resolved, parameter: str) -> tuple[float, float]:
    """Where moments are looked for: the support of their prior."""
    prior = resolved.parameters[parameter].prior
    low, high = priors.support(prior) if prior else (0.0, np.inf)
    if not 0 < low < high < np.inf:
        expected = "a prior from a positive moment to a finite one, such as log-uniform"
        hint = "declare its range: moments are looked for in it"
        raise DeclarationError(Problem(resolved.file, f"parameters.{parameter}.prior", f"{prior}", expected, hint))
    return low, high


def _resolved(where: Catalog, name: str, experiments: tuple[str, ...]) -> Resolved:
    file, model = catalog.read_model(where, name)
    changed = msgspec.structs.replace(model, experiments=experiments or model.experiments, published=())
    return catalog.resolve_model(where, file, changed)


def smallest(chi2: Chi2, low: float, high: float) -> tuple[float, float]:
    """Moment and value at the smallest chi2 over a range of moments and zero."""
    grid = [0.0, *np.geomspace(low, high, MOMENTS).tolist()]
    values = [chi2(moment) for moment in grid]
    at = int(np.argmin(values))
    around = grid[max(at - 1, 0)], grid[min(at + 1, MOMENTS)]
    found = optimize.minimize_scalar(chi2, bounds=around, method="bounded", options={"xatol": 1e-6 * around[1]})
    return (float(found.x), float(found.fun)) if found.fun < values[at] else (grid[at], values[at])


# --- what can be wrong ------------------------------------------------------------------------------------------------


def problems(task: Task, field: str, scan: MassScan) -> Iterator[Problem]:
    """Its model is there, the mass turns a knob of it, and the masses increase."""
    missing = unknown_model(task, field, scan.model)
    yield from missing
    if list(scan.masses) != sorted(set(scan.masses)) or not scan.masses:
        found, expected = f"{list(scan.masses)}", "masses that increase"
        yield Problem(str(task.file), f"{field}.masses", found, expected, "put them in order")
    if missing:
        return
    try:
        resolved = _resolved(task.where, scan.model, scan.experiments)
    except DeclarationError as error:
        for problem in error.problems:
            yield problem._replace(file=str(task.file), field=f"{field}.experiments: {problem.field}")
        return
    knobs = [name for name, parameter in resolved.parameters.items() if parameter.knob]
    if scan.mass not in knobs:
        yield unknown(task, f"{field}.mass", scan.mass, knobs, f"a parameter of {scan.model} that turns a knob")
    if scan.parameter not in resolved.parameters:
        expected = f"a parameter of {scan.model}"
        yield unknown(task, f"{field}.parameter", scan.parameter, resolved.parameters, expected)
        return
    try:
        _range_of(resolved, scan.parameter)
    except DeclarationError as error:
        yield from error.problems
