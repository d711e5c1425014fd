"""What every kind of recipe is given, and what it gives: cells with the functions that compute them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from bayesnu.catalog import shelf
from bayesnu.catalog.shelf import Catalog
from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import Problem
from bayesnu.papers.printed import Key
from bayesnu.schema import Paper, Recipe

Compute = Callable[[], float]


class Task(NamedTuple):
    """A paper to recompute: where to look things up, its file, what it declares, the factor on every exposure."""

    where: Catalog
    file: Path
    paper: Paper
    exposure: float = 1.0


class Claim(NamedTuple):
    """A cell, the recipe that recomputes it, and the function that does, before the recipe's scale."""

    key: Key
    recipe: Recipe
    compute: Compute


def key_of(task: Task, recipe: Recipe, row: str, column: str) -> Key:
    """The cell of a recipe at a row and column."""
    return recipe.paper or task.file.stem, recipe.table, row, column


def unknown(task: Task, field: str, name: str, known: Iterable[str], what: str) -> Problem:
    """A name that is none of those that there are."""
    names = list(known)
    hint = did_you_mean(name, names) or "mend the name"
    return Problem(str(task.file), field, repr(name), f"{what}: {', '.join(sorted(names)) or 'none'}", hint)


def unknown_model(task: Task, field: str, name: str) -> list[Problem]:
    """The problem of a recipe whose model is not there."""
    known = shelf.models(task.where)
    return [] if name in known else [unknown(task, f"{field}.model", name, known, "one of the models")]
