"""Cells that follow from other numbers by a formula, without counts of their own."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping

from bayesnu.errors import Problem
from bayesnu.papers import blocks
from bayesnu.papers.printed import Key
from bayesnu.papers.task import Claim, Compute, Task, key_of
from bayesnu.physics import derived, interference, phases4
from bayesnu.schema import DerivedCells

FORMULAS: dict[str, Callable[..., float]] = {
    "induced-coupling": derived.induced_coupling,
    "moment-limit-of-light-quarks": derived.moment_limit_of_light_quarks,
    "millicharge-limit": derived.millicharge_limit,
    "mass-of-volume": derived.mass_of_volume_kg,
    "physical-phases": phases4.physical_phases,
    "interference-suppression": interference.suppression_orders,
}
"""What a cell follows from -> how it is computed."""


def claims(task: Task, cells: DerivedCells) -> Iterator[Claim]:
    """A cell for every row, from its own arguments and from cells of the same row."""
    computed = _from_counts(task)
    for row, numbers in cells.rows.items():
        keys = {argument: key_of(task, cells, row, column) for argument, column in cells.cells.items()}
        others = {argument: computed[key] for argument, key in keys.items() if key in computed}
        compute = functools.partial(_from_formula, cells.formula, numbers, others)
        yield Claim(key_of(task, cells, row, cells.column), cells, compute)


def _from_counts(task: Task) -> dict[Key, Compute]:
    return {claim.key: claim.compute for block in task.paper.blocks for claim in blocks.claims(task, block)}


def _from_formula(formula: str, numbers: Mapping[str, float], others: Mapping[str, Compute]) -> float:
    return FORMULAS[formula](**numbers, **{name: compute() for name, compute in others.items()})


def problems(task: Task, field: str, cells: DerivedCells) -> Iterator[Problem]:
    """Its arguments are those of the formula, and the cells that it needs come from counts."""
    computed = _from_counts(task)
    for row, numbers in cells.rows.items():
        for argument, column in cells.cells.items():
            if key_of(task, cells, row, column) not in computed:
                found, expected = f"{row} | {column}", "a cell of the same table that a block recomputes"
                yield Problem(str(task.file), f"{field}.cells.{argument}", found, expected, "mend the column")
        given = [*numbers, *cells.cells]
        signature = inspect.signature(FORMULAS[cells.formula])
        try:
            signature.bind(**dict.fromkeys(given, 0.0))
        except TypeError:
            found, expected = ", ".join(given) or "no argument", f"the arguments {', '.join(signature.parameters)}"
            yield Problem(str(task.file), f"{field}.rows.{row}", found, expected, "mend the arguments")
