"""Cells that print how heavy a neutrino a source can make: a matter of kinematics, without counts."""

import functools
from collections.abc import Iterator

import msgspec

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.errors import DeclarationError, Problem
from bayesnu.papers.task import Claim, Task, key_of, unknown_model
from bayesnu.predict import rates
from bayesnu.schema import MassReach, Resolved


def claims(task: Task, reach: MassReach) -> Iterator[Claim]:
    """A cell for each row."""
    for row in reach.rows:
        compute = functools.partial(heaviest_mev, task.where, reach, row)
        yield Claim(key_of(task, reach, row, reach.column), reach, compute)


def heaviest_mev(where: Catalog, reach: MassReach, row: str) -> float:
    """Largest closing mass [MeV] of all fluxes and targets of the row's experiments."""
    setups = _resolved(where, reach, row).setups
    return max(float(rates.closing_masses_mev(s, flux).max(initial=0.0)) for s in setups for flux in s.flux.components)


def _resolved(where: Catalog, reach: MassReach, row: str) -> Resolved:
    file, model = catalog.read_model(where, reach.model)
    return catalog.resolve_model(where, file, msgspec.structs.replace(model, experiments=reach.rows[row], published=()))


def problems(task: Task, field: str, reach: MassReach) -> Iterator[Problem]:
    """Its model and the experiments of its rows are there."""
    missing = unknown_model(task, field, reach.model)
    yield from missing
    for row in reach.rows if not missing else ():
        try:
            _resolved(task.where, reach, row)
        except DeclarationError as error:
            for problem in error.problems:
                yield problem._replace(file=str(task.file), field=f"{field}.rows.{row}: {problem.field}")
