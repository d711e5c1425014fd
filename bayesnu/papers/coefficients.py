"""Cells that print the coefficients of a squared moment as formulas (arXiv:2109.09545, Tables I, II, Eqs 7 to 10)."""

import functools
from collections.abc import Iterator

import numpy as np

from bayesnu.errors import Problem
from bayesnu.papers.task import Claim, Task, key_of, unknown
from bayesnu.physics import coefficients4
from bayesnu.physics.coefficients4 import Entry
from bayesnu.physics.moments4 import SIGN_13
from bayesnu.schema import CoefficientCells


def claims(task: Task, cells: CoefficientCells) -> Iterator[Claim]:
    """A cell for each of the products of moments."""
    for row in cells.rows:
        yield Claim(key_of(task, cells, row, cells.column), cells, functools.partial(_largest_error, cells, row))


def _largest_error(cells: CoefficientCells, row: str) -> float:
    """Largest distance between the printed formula and the matrix product, over random angles and phases."""
    rng = np.random.default_rng(cells.seed)
    return coefficients4.largest_deviation(Entry(cells.table, row), rng, cells.points, SIGN_13[cells.sign_13])


def problems(task: Task, field: str, cells: CoefficientCells) -> Iterator[Problem]:
    """Each row is one of the entries of the table, as formulas that are known here."""
    known = [entry.row for entry in coefficients4.printed_entries() if entry.table == cells.table]
    for row in cells.rows:
        if row not in known:
            yield unknown(task, f"{field}.rows", row, known, f"an entry of {cells.table}")
    if cells.tolerance_absolute <= 0:
        found = f"{cells.tolerance_absolute:g}"
        yield Problem(str(task.file), f"{field}.tolerance_absolute", found, "a positive number", "such as 1e-12")
