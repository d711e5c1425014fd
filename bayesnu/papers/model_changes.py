"""Cells that print by how much a table changes under another model."""

import functools
from collections.abc import Iterator

import msgspec
import numpy as np

from bayesnu.errors import Problem
from bayesnu.papers import blocks
from bayesnu.papers.task import Claim, Task, key_of, unknown, unknown_model
from bayesnu.schema import ModelChange


def claims(task: Task, change: ModelChange) -> Iterator[Claim]:
    """The one cell of the change."""
    compute = functools.partial(_median_change, task, change)
    yield Claim(key_of(task, change, change.row, change.column), change, compute)


def _median_change(task: Task, change: ModelChange) -> float:
    """Median change in per cent of a table's cells under another model."""
    changes = []
    for block in (b for b in task.paper.blocks if b.table == change.of_table):
        other = msgspec.structs.replace(block, model=change.model)
        for row, _, parameter in blocks.cells_of(block):
            ours, theirs = (blocks.from_counts(task.where, b, row, parameter, task.exposure) for b in (block, other))
            changes.append(100 * abs(theirs / ours - 1))
    return float(np.median(changes))


def problems(task: Task, field: str, change: ModelChange) -> Iterator[Problem]:
    """Its model is there and fits the blocks of its table."""
    missing = unknown_model(task, field, change.model)
    yield from missing
    tables = {block.table for block in task.paper.blocks}
    if change.of_table not in tables:
        yield unknown(task, f"{field}.of_table", change.of_table, tables, "a table that blocks recompute")
    for block in (b for b in task.paper.blocks if b.table == change.of_table and not missing):
        yield from blocks.problems(task, field, msgspec.structs.replace(block, model=change.model))
