"""Cells that print a number of the form factor: templates are built anew at each of its values."""

import functools
from collections.abc import Callable, Iterator

import msgspec
from scipy import optimize

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood.analysis import from_resolved
from bayesnu.papers.scans import Chi2, chi2_at_standard_point, crossing
from bayesnu.papers.setups import projected_longer
from bayesnu.papers.task import Claim, Task, key_of, unknown, unknown_model
from bayesnu.schema import Resolved, ShapeScan


def claims(task: Task, scan: ShapeScan) -> Iterator[Claim]:
    """A cell for every column: the best value, its errors, or the ends of its interval."""
    for column, end in scan.columns.items():
        compute = functools.partial(_end, task.where, scan, end, task.exposure)
        yield Claim(key_of(task, scan, scan.row, column), scan, compute)


def _end(where: Catalog, scan: ShapeScan, end: str, exposure: float) -> float:
    """Best value of a number of the form factor, or where chi2 passes the threshold, as an end or as a distance."""
    chi2 = _chi2_of(where, msgspec.json.encode(scan), exposure)
    found = optimize.minimize_scalar(chi2, bounds=(scan.low, scan.high), method="bounded", options={"xatol": 1e-6})
    best, level = float(found.x), float(found.fun) + scan.delta_chi2
    return ENDS[end](chi2, best, level)


ENDS: dict[str, Callable[[Chi2, float, float], float]] = {
    "best": lambda chi2, best, level: best,
    "low": lambda chi2, best, level: crossing(chi2, best, -0.01, level),
    "high": lambda chi2, best, level: crossing(chi2, best, 0.01, level),
    "minus": lambda chi2, best, level: best - crossing(chi2, best, -0.01, level),
    "plus": lambda chi2, best, level: crossing(chi2, best, 0.01, level) - best,
}
"""What a column prints -> how it follows from chi2, its minimum and the threshold."""


@functools.cache
def _chi2_of(where: Catalog, encoded: bytes, exposure: float) -> Chi2:
    """chi2 as a function of one number of the form factor; projected data stay what they are at their own value."""
    scan = msgspec.json.decode(encoded, type=ShapeScan)
    resolved = catalog.resolve(where, scan.model)
    setups = tuple(projected_longer(setup, exposure) for setup in resolved.setups)
    resolved = msgspec.structs.replace(resolved, setups=setups)
    if scan.projected_at is not None:
        resolved = from_resolved(shaped(resolved, scan.number, scan.projected_at)).model

    @functools.cache
    def chi2(value: float) -> float:
        return chi2_at_standard_point(from_resolved(shaped(resolved, scan.number, value)))

    return chi2


def shaped(resolved: Resolved, number: str, value: float) -> Resolved:
    """The model with one number of its form factor at another value."""
    setups = []
    for setup in resolved.setups:
        form = msgspec.structs.replace(setup.form_factor, **{number: float(value)})
        setups.append(msgspec.structs.replace(setup, form_factor=form))
    return msgspec.structs.replace(resolved, setups=tuple(setups))


def problems(task: Task, field: str, scan: ShapeScan) -> Iterator[Problem]:
    """Its model is there, has a form factor with that number, and the range is one."""
    missing = unknown_model(task, field, scan.model)
    yield from missing
    if not scan.low < scan.high:
        found = f"[{scan.low:g}, {scan.high:g}]"
        yield Problem(str(task.file), f"{field}.low", found, "low below high", "swap or mend them")
    if scan.projected_at is not None and not scan.low <= scan.projected_at <= scan.high:
        expected = f"a value in [{scan.low:g}, {scan.high:g}]"
        yield Problem(str(task.file), f"{field}.projected_at", f"{scan.projected_at:g}", expected, "mend the value")
    if missing:
        return
    try:
        form = catalog.resolve(task.where, scan.model).setups[0].form_factor
    except DeclarationError as error:
        yield from error.problems
        return
    if scan.number not in form.__struct_fields__:
        yield unknown(task, f"{field}.number", scan.number, form.__struct_fields__, "a number of the form factor")
