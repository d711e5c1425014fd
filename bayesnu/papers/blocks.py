"""Cells that come from counts: a limit, an interval or a number of events of a model on the experiments of a row."""

import functools
from collections.abc import Iterable, Iterator

import msgspec

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood import usage
from bayesnu.papers.quantities import QUANTITIES
from bayesnu.papers.setups import model_of, prepared
from bayesnu.papers.task import Claim, Task, key_of, unknown, unknown_model
from bayesnu.predict.terms import INTERACTIONS
from bayesnu.schema import Block, Resolved


def claims(task: Task, block: Block) -> Iterator[Claim]:
    """A cell for every row and column of the block."""
    for row, column, parameter in cells_of(block):
        compute = functools.partial(from_counts, task.where, block, row, parameter, task.exposure)
        yield Claim(key_of(task, block, row, column), block, compute)


def cells_of(block: Block) -> Iterator[tuple[str, str, str]]:
    """Row, column, and the parameter or component that the column prints."""
    for row in block.rows:
        for column, parameter in block.columns.items():
            yield row, column, parameter


def from_counts(where: Catalog, block: Block, row: str, parameter: str, exposure: float = 1.0) -> float:
    """The block's quantity of a parameter or component, from the experiments of a row."""
    analysis, at = prepared(where, block, row, exposure)
    return QUANTITIES[block.quantity](analysis, parameter, msgspec.structs.replace(block, at=at))


# --- what can be wrong ------------------------------------------------------------------------------------------------


def problems(task: Task, field: str, block: Block) -> Iterator[Problem]:
    """Its model, experiments, readings, fluxes, parameters and components are there."""
    missing = unknown_model(task, field, block.model)
    yield from missing
    if missing:
        return
    found: list[Problem] = []
    for row in block.rows:
        try:
            resolved = catalog.resolve_model(task.where, *model_of(task.where, block, row))
            problems_of_row = [*usage.problems(resolved), *_name_problems(task, field, block, resolved)]
        except DeclarationError as error:
            problems_of_row = list(error.problems)
        found += [_of_row(task, field, row, problem) for problem in problems_of_row]
    yield from dict.fromkeys(found)


def _of_row(task: Task, field: str, row: str, problem: Problem) -> Problem:
    """A problem of the model as this block changes it is one of the block."""
    if problem.file == str(task.file):
        return problem
    return problem._replace(file=str(task.file), field=f"{field}.rows.{row}: {problem.field}")


def _name_problems(task: Task, field: str, block: Block, resolved: Resolved) -> Iterator[Problem]:
    parameters = {*resolved.parameters, *resolved.nuisances}
    components = {INTERACTIONS[n].component for setup in resolved.setups for n in setup.interaction}
    fluxes = {f for setup in resolved.setups for f in setup.flux.components}
    wanted = components if block.quantity == "counts" else parameters
    what = f"a {'component' if block.quantity == 'counts' else 'parameter'} of {block.model}"
    named: list[tuple[str, Iterable[str], Iterable[str], str]] = [
        ("columns", block.columns.values(), wanted, what),
        ("at", block.at, parameters, f"a parameter of {block.model}"),
        ("together", block.together, parameters, f"a parameter of {block.model}"),
        ("beams", (flux for beam in block.beams for flux in beam), fluxes, "a flux component"),
    ]
    for key, names, known, expected in named:
        for name in names:
            if name not in known:
                yield unknown(task, f"{field}.{key}", name, known, expected)
