"""What a paper's declaration gets wrong: about what is printed, about its recipes, about its known disagreements."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path

from bayesnu import catalog
from bayesnu.catalog import shelf
from bayesnu.catalog.shelf import Catalog
from bayesnu.errors import Problem
from bayesnu.likelihood import checking
from bayesnu.papers import figures, kinds
from bayesnu.papers.printed import Key, Printed, printed_by
from bayesnu.papers.task import Claim, Task, unknown
from bayesnu.schema import Inputs, Paper


def check(files: Sequence[Path] = (), root: str | PathLike[str] | None = None) -> list[Problem]:
    """What is wrong with declarations (all that are found, if none is named), papers with all of their cells."""
    return checking.check(files, root, of_paper=paper_problems)


def paper_problems(where: Catalog, file: Path) -> Iterator[Problem]:
    """Everything that would keep a paper from being recomputed; nothing is computed."""
    paper = catalog.read_paper(file)[0]
    task = Task(where, file, paper)
    # A paper may lend its readings only.
    if file.stem in shelf.published(where) or paper.inputs or any(getattr(paper, kind) for kind in kinds.KINDS):
        yield from cell_problems(task, printed_by(where, file, paper))
        yield from kinds.problems(task)
    yield from figures.problems(task)


def table_problems(task: Task, printed: Sequence[Printed], table: str | None) -> Iterator[Problem]:
    """A table that is asked for is one of the paper's."""
    tables = dict.fromkeys(row.key[1] for row in printed)
    if table is not None and table not in tables:
        yield unknown(task, "--table", table, tables, "one of the tables")


def cell_problems(task: Task, printed: Sequence[Printed]) -> Iterator[Problem]:
    """Each printed cell is claimed once, by a recipe that fits it or as an input; nothing else is claimed."""
    claims = list(kinds.claims(task))
    by_key = {row.key: row for row in printed}
    for key, count in Counter(row.key for row in printed).items():
        if count > 1:
            yield Problem(str(task.file), "data/published", " | ".join(key), "each cell once", "drop the repeated one")
    yield from _claimed_twice(task, claims)
    for field, claim in claims:
        if claim.key in by_key:
            yield from _misfits(task, field, claim, by_key[claim.key])
        else:
            found, expected = " | ".join(claim.key[1:]), "a cell that the paper prints"
            yield Problem(str(task.file), field, found, expected, "mend table, row or column")
    yield from dict.fromkeys(_recipe_problems(task, claims))
    yield from _input_problems(task, printed, {claim.key for _, claim in claims})


def _claimed_twice(task: Task, claims: Iterable[tuple[str, Claim]]) -> Iterator[Problem]:
    first: dict[Key, str] = {}
    for field, claim in claims:
        if claim.key in first:
            found = f"{' | '.join(claim.key[1:])}, also in {first[claim.key]}"
            yield Problem(str(task.file), field, found, "a cell in one recipe only", "drop it from one of the two")
        first.setdefault(claim.key, field)


def _misfits(task: Task, field: str, claim: Claim, printed: Printed) -> Iterator[Problem]:
    """A recipe has the unit that is printed, and is compared only with a number."""
    recipe, file = claim.recipe, str(task.file)
    if printed.unit != recipe.unit:
        where = f"{field}: unit of {printed.place}"
        yield Problem(file, where, repr(recipe.unit), f"as printed: {printed.unit!r}", "mend the unit")
    if recipe.compares == "number" and recipe.reproducible and printed.number is None and printed.bound is None:
        found = f"{printed.place} = {printed.value}"
        yield Problem(file, field, found, "a number", "declare the cell reproducible = false")


def _recipe_problems(task: Task, claims: Iterable[tuple[str, Claim]]) -> Iterator[Problem]:
    """Known disagreements are known and bounded; a cell moves with the exposure by a power or says why not."""
    file, known = str(task.file), task.paper.deviations
    for field, recipe in ((field, claim.recipe) for field, claim in claims):
        if recipe.deviation and recipe.deviation not in known:
            yield unknown(task, f"{field}.deviation", recipe.deviation, known, "one of the deviations")
        elif recipe.deviation and recipe.reproducible and known[recipe.deviation].ratio is None:
            expected = f"a range deviations.{recipe.deviation}.ratio, or reproducible = false"
            found = f"{recipe.deviation!r}, which would excuse any number"
            yield Problem(file, f"{field}.deviation", found, expected, "say where ours / published lies")
        if not recipe.reproducible and not recipe.deviation:
            found, expected = "reproducible = false without a deviation", "a deviation that says why"
            yield Problem(file, f"{field}.reproducible", found, expected, "name it")
        if (recipe.exposure_power is None) == (not recipe.no_exposure_power):
            expected = "either exposure_power or, in words, no_exposure_power"
            found = "neither" if recipe.exposure_power is None else "both"
            yield Problem(file, f"{field}.exposure_power", found, expected, "say how the cells move with the exposure")


def _input_problems(task: Task, printed: Sequence[Printed], claimed: set[Key]) -> Iterator[Problem]:
    """Every cell that is not recomputed is an input; every input that is named is printed and not recomputed."""
    own = [row for row in printed if row.key[0] == task.file.stem]
    for index, inputs in enumerate(task.paper.inputs):
        field = f"inputs[{index}]"
        mine = [row.key for row in own if is_input(inputs, row)]
        rows, columns = ({key[i] for key in mine} for i in (2, 3))
        for name in (*(set(inputs.rows) - rows), *(set(inputs.columns) - columns)):
            yield Problem(str(task.file), field, repr(name), f"a cell of table {inputs.table}", "mend the name")
        if not mine:
            yield Problem(str(task.file), f"{field}.table", repr(inputs.table), "a table with such cells", "mend it")
        for key in mine:
            if key in claimed:
                found = f"{' | '.join(key[1:])}, also recomputed"
                yield Problem(str(task.file), field, found, "a cell that is given or recomputed", "name its rows")
    for row in printed:
        given = row.key[0] == task.file.stem and any(is_input(inputs, row) for inputs in task.paper.inputs)
        if row.key not in claimed and not given:
            expected = "every printed cell recomputed or an input"
            yield Problem(str(task.file), "blocks", row.place, expected, "add it to a block or to the inputs")


def is_input(inputs: Inputs, row: Printed) -> bool:
    """Whether a printed cell is among those taken as given."""
    _, table, name, column = row.key
    in_row, in_column = not inputs.rows or name in inputs.rows, not inputs.columns or column in inputs.columns
    return inputs.table == table and in_row and in_column


def reading_of_input(paper: Paper, row: Printed) -> str:
    """How a number that is given is read, in the words of the first of the inputs that it is among."""
    return next(inputs.reading for inputs in paper.inputs if is_input(inputs, row))
