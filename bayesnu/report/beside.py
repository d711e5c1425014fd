"""Limits of one model by several engines, side by side, in units of their Monte Carlo errors."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import xarray as xr

from bayesnu.errors import DeclarationError, Problem
from bayesnu.report.labels import number, percent
from bayesnu.report.limits import Limit, limits
from bayesnu.report.tables import Column


class Beside(NamedTuple):
    """The same limit from another result; `sigmas` is the difference in units of both Monte Carlo errors."""

    parameter: str
    others: str
    engine: str
    result: str
    credible_upper: float | None
    mcse: float | None
    sigmas: float | None


def beside(tree: xr.DataTree, rows: Sequence[Limit], more: Mapping[str, xr.DataTree]) -> list[Beside]:
    """For each row and each other result (name -> result of the same model) the credible limit that it has.

    >>> import bayesnu as bn
    >>> nuts, emcee = bn.open_result("nuts.nc"), bn.open_result("emcee.nc")  # doctest: +SKIP
    >>> beside(nuts, bn.limits(nuts, level=0.90), {"emcee.nc": emcee})  # doctest: +SKIP
    """
    found = []
    for name, other in more.items():
        if other.attrs["model"] != tree.attrs["model"]:
            expected = "a result of the same model, data and priors as the first"
            raise DeclarationError(Problem(name, "attributes.model", "another model", expected, "fit the same model"))
        for row in rows:
            (same,) = (r for r in limits(other, level=row.level, parameter=row.parameter) if r.others == row.others)
            found.append(_row(row, same, str(other.attrs["engine"]), name))
    return found


def _row(row: Limit, same: Limit, engine: str, name: str) -> Beside:
    sigmas = None
    if None not in (row.credible_upper, row.mcse, same.credible_upper, same.mcse):
        sigmas = (same.credible_upper - row.credible_upper) / math.hypot(same.mcse, row.mcse)  # type: ignore[operator,arg-type]
    return Beside(row.parameter, row.others, engine, name, same.credible_upper, same.mcse, sigmas)


def columns(found: Sequence[Beside], level: float) -> list[Column]:
    """A column of the table for each other result."""
    names = dict.fromkeys((b.engine, b.result) for b in found)
    return [
        Column(
            f"q{percent(level)} by {engine} (sigma)",
            {(b.parameter, b.others): _cell(b) for b in found if (b.engine, b.result) == (engine, result)},
            f"by {engine}: {result}; sigma: its difference in units of both Monte Carlo errors",
        )
        for engine, result in names
    ]


def _cell(b: Beside) -> str:
    if b.credible_upper is None or b.mcse is None:
        return "-"
    shown = f"{number(b.credible_upper)} +- {b.mcse:.1g}"
    return f"{shown} ({b.sigmas:+.1f})" if b.sigmas is not None else shown


def records(found: Sequence[Beside], row: Limit) -> list[dict[str, Any]]:
    """For JSON: what stands beside one row."""
    return [b._asdict() for b in found if (b.parameter, b.others) == (row.parameter, row.others)]
