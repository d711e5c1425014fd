"""The kinds of recipes, by their field in a paper's file: which cells each claims, how, and what can be wrong.

A new kind is a record in the schema, a file beside this one with its two functions, and a row here.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bayesnu.errors import Problem
from bayesnu.papers import blocks, coefficients, derivations, masses, model_changes, reaches, shapes, solar
from bayesnu.papers.task import Claim, Task


class Kind(NamedTuple):
    """What there is to know of a kind of recipe."""

    claims: Callable[[Task, Any], Iterator[Claim]]
    """The cells that a recipe recomputes, each with the function that does so."""
    problems: Callable[[Task, str, Any], Iterator[Problem]]
    """What is wrong with a recipe at a field of the file, beside its cells."""


KINDS: dict[str, Kind] = {
    "blocks": Kind(blocks.claims, blocks.problems),
    "derived_cells": Kind(derivations.claims, derivations.problems),
    "shape_scans": Kind(shapes.claims, shapes.problems),
    "model_changes": Kind(model_changes.claims, model_changes.problems),
    "solar_bounds": Kind(solar.claims, solar.problems),
    "mass_scans": Kind(masses.claims, masses.problems),
    "mass_reaches": Kind(reaches.claims, reaches.problems),
    "coefficient_cells": Kind(coefficients.claims, coefficients.problems),
}
"""Field of a paper's file -> its kind of recipe."""


def claims(task: Task) -> Iterator[tuple[str, Claim]]:
    """Every cell that a paper's recipes recompute, with the field of the recipe."""
    for name, kind in KINDS.items():
        for index, recipe in enumerate(getattr(task.paper, name)):
            for claim in kind.claims(task, recipe):
                yield f"{name}[{index}]", claim


def problems(task: Task) -> Iterator[Problem]:
    """What is wrong with the recipes of a paper, each by itself."""
    for name, kind in KINDS.items():
        for index, recipe in enumerate(getattr(task.paper, name)):
            yield from kind.problems(task, f"{name}[{index}]", recipe)
