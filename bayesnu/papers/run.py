"""Recompute a paper: every number that it prints, ours beside it."""

from collections.abc import Callable

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.catalog.validation import raise_if
from bayesnu.papers import cells, checks, kinds
from bayesnu.papers.cells import Cell
from bayesnu.papers.printed import printed_by, read
from bayesnu.papers.task import Task

Progress = Callable[[int, int], None]


def reproduce(
    name: str, *, table: str | None = None, exposure: float = 1.0, progress: Progress | None = None,
    shelf_of: Catalog | None = None,
) -> list[Cell]:  # fmt: skip
    """Every cell that a paper prints, with our number beside it; `exposure` multiplies that of projected data.

    Observed counts belong to the exposure in which they were counted: cells that come from them stay as they are.

    >>> cells = reproduce("tmm2019", table="Eq36")  # doctest: +SKIP
    """
    where = shelf_of or catalog.open_catalog()
    file, paper = read(where, name)
    task = Task(where, file, paper, exposure)
    everything = printed_by(where, file, paper)
    raise_if([*checks.cell_problems(task, everything), *checks.table_problems(task, everything, table)])
    claimed = {claim.key: claim for _, claim in kinds.claims(task)}
    wanted = [row for row in everything if table is None or row.key[1] == table]
    found = []
    for done, row in enumerate(wanted, start=1):
        claim = claimed.get(row.key)
        if claim is None:
            found.append(cells.given(row, checks.reading_of_input(paper, row)))
        else:
            found.append(cells.compared(paper, row, claim.recipe, claim.recipe.scale * claim.compute()))
        if progress:
            progress(done, len(wanted))
    return found
