"""Cells that follow from a published bound on the moment of solar neutrinos."""

import functools
from collections.abc import Iterator

import numpy as np

from bayesnu.errors import Problem
from bayesnu.papers.task import Claim, Task, key_of
from bayesnu.physics import derived
from bayesnu.schema import SolarBound


def claims(task: Task, bound: SolarBound) -> Iterator[Claim]:
    """A cell for each of the moments."""
    for column, index in bound.columns.items():
        yield Claim(key_of(task, bound, bound.row, column), bound, functools.partial(limit_on, bound, index))


def limit_on(bound: SolarBound, index: int) -> float:
    """Limit on one of three moments, the others zero, from the effective one (arXiv:1905.03750, Eq 38)."""
    alone = [float(i == index) for i in (1, 2, 3)]
    return float(bound.bound / np.sqrt(derived.solar_moment_squared(alone, bound.sin2_theta_13, bound.survival)))


def problems(task: Task, field: str, bound: SolarBound) -> Iterator[Problem]:
    """Each column is one of three moments, and the probabilities are some."""
    for column, index in bound.columns.items():
        if index not in (1, 2, 3):
            yield Problem(str(task.file), f"{field}.columns.{column}", str(index), "1, 2 or 3", "mend the number")
    for name in ("sin2_theta_13", "survival"):
        if not 0 <= getattr(bound, name) <= 1:
            found = f"{getattr(bound, name):g}"
            yield Problem(str(task.file), f"{field}.{name}", found, "a value in [0, 1]", "mend the value")
