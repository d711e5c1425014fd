"""The published tables, recomputed: what models/papers/PAPER.toml declares, cell by cell, beside what was printed."""

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from scipy import optimize

from bayesnu import catalog
from bayesnu.catalog import facts, shelf
from bayesnu.catalog.shelf import Catalog
from bayesnu.catalog.validation import did_you_mean, raise_if
from bayesnu.errors import DeclarationError, PredictionError, Problem
from bayesnu.likelihood import nuisances
from bayesnu.likelihood.analysis import Analysis, from_resolved
from bayesnu.physics import derived
from bayesnu.schema import (
    Block,
    DerivedCells,
    Deviation,
    ModelChange,
    Paper,
    ProtonsOnTarget,
    QuotedFlux,
    ReactorPower,
    Recipe,
    Resolved,
    Setup,
    ShapeScan,
    SolarBound,
)

Status = Literal["input", "agrees", "deviates", "not-reproducible"]
Key = tuple[str, str, str]
Compute = Callable[[], float]
Progress = Callable[[int, int], None]


class Cell(NamedTuple):
    """One printed number and ours."""

    paper: str
    table: str
    row: str
    column: str
    unit: str
    published: str
    published_value: float | None
    ours: float | None
    tolerance: float | None
    reading: str
    status: Status
    deviation: str | None
    exposure_power: float | None

    @property
    def ratio(self) -> float | None:
        """Ours over published."""
        return self.ours / self.published_value if self.ours is not None and self.published_value else None


def read(shelf_of: Catalog, name: str) -> tuple[Path, Paper]:
    """A paper's declaration."""
    file = shelf.look_up("papers", name, shelf.papers(shelf_of), "command line", "paper")
    return file, catalog.read_paper(file)[0]


def reproduce(
    name: str, *, table: str | None = None, exposure: float = 1.0, progress: Progress | None = None,
    shelf_of: Catalog | None = None,
) -> list[Cell]:  # fmt: skip
    """Every cell that a paper prints, with our number beside it; `exposure` multiplies every exposure.

    >>> cells = reproduce("tmm2019", table="Eq36")  # doctest: +SKIP
    """
    where = shelf_of or catalog.open_catalog()
    file, paper = read(where, name)
    recipes = dict(_recipes(where, paper, exposure))
    solar = {(b.table, b.row, column): (b, i) for b in paper.solar_bounds for column, i in b.columns.items()}
    everything = _printed(where, name)
    raise_if(_problems(file, paper, everything, recipes, table))
    printed = [row for row in everything if table is None or row["table"] == table]
    cells = []
    for done, row in enumerate(printed, start=1):
        key = (row["table"], row["row"], row["column"])
        if key in recipes:
            recipe, compute = recipes[key]
            cells.append(_recomputed(file, paper, name, row, recipe, recipe.scale * compute()))
        elif key in solar:
            cells.append(_from_solar_bound(name, row, *solar[key]))
        else:
            cells.append(_given(file, paper, name, row))
        if progress:
            progress(done, len(printed))
    return cells


def deviations(name: str, shelf_of: Catalog | None = None) -> dict[str, Deviation]:
    """The known disagreements with a paper."""
    return dict(read(shelf_of or catalog.open_catalog(), name)[1].deviations)


def _printed(where: Catalog, name: str) -> list[dict[str, str]]:
    file = shelf.look_up("published papers", name, shelf.published(where), "command line", "paper")
    return list(facts.published_at(file)[1].rows)


def _recipes(where: Catalog, paper: Paper, exposure: float) -> Iterator[tuple[Key, tuple[Recipe, Compute]]]:
    """Every recomputed cell with its recipe and the function that computes it, before its scale."""
    computed: dict[Key, tuple[Recipe, Compute]] = {}
    for block in paper.blocks:
        for key, parameter in _cells_of(block):
            compute = functools.partial(_from_counts, where, block, key[1], parameter, exposure)
            computed[key] = (block, compute)
    yield from computed.items()
    for derived_cells in paper.derived_cells:
        for row, numbers in derived_cells.rows.items():
            others = {name: computed[derived_cells.table, row, c][1] for name, c in derived_cells.cells.items()}
            compute = functools.partial(_from_formula, derived_cells, numbers, others)
            yield (derived_cells.table, row, derived_cells.column), (derived_cells, compute)
    for scan in paper.shape_scans:
        for column, end in scan.columns.items():
            compute = functools.partial(_from_shape, where, scan, end, exposure)
            yield (scan.table, scan.row, column), (scan, compute)
    for change in paper.model_changes:
        compute = functools.partial(_from_other_model, where, paper, change, exposure)
        yield (change.table, change.row, change.column), (change, compute)


Recipes = Mapping[Key, tuple[Recipe, Compute]]


def _problems(
    file: Path, paper: Paper, printed: Sequence[dict[str, str]], recipes: Recipes, table: str | None
) -> Iterator[Problem]:
    """What a paper's declaration gets wrong about what the paper prints, and about itself."""
    keys = [(row["table"], row["row"], row["column"]) for row in printed]
    units = dict(zip(keys, (row["unit"] for row in printed), strict=True))
    if table is not None and table not in {key[0] for key in keys}:
        tables = dict.fromkeys(key[0] for key in keys)
        yield Problem(str(file), "--table", repr(table), f"one of {', '.join(tables)}", "mend the name")
    for key, count in Counter(keys).items():
        if count > 1:
            yield Problem(str(file), "data/published", " | ".join(key), "each cell once", "drop the repeated one")
    for key, (recipe, _) in recipes.items():
        cell = " | ".join(key)
        if key not in units:
            yield Problem(str(file), "blocks", cell, "a cell that the paper prints", "mend table, row or column")
        elif units[key] != recipe.unit:
            yield Problem(
                str(file), f"unit of {cell}", repr(recipe.unit), f"as printed: {units[key]!r}", "mend the unit"
            )
        if recipe.deviation and recipe.deviation not in paper.deviations:
            hint = did_you_mean(recipe.deviation, paper.deviations) or "declare it"
            expected = f"one of {', '.join(paper.deviations)}"
            yield Problem(str(file), f"deviation of {cell}", repr(recipe.deviation), expected, hint)


def _cells_of(block: Block) -> Iterator[tuple[Key, str]]:
    for row in block.rows:
        for column, parameter in block.columns.items():
            yield (block.table, row, column), parameter


# --- one cell ---------------------------------------------------------------------------------------------------------


def _given(file: Path, paper: Paper, name: str, row: dict[str, str]) -> Cell:
    """A cell that the paper takes as given; one that nothing declares is an error, never dropped."""
    for inputs in paper.inputs:
        if (
            inputs.table == row["table"]
            and (not inputs.rows or row["row"] in inputs.rows)
            and (not inputs.columns or row["column"] in inputs.columns)
        ):
            return _cell(name, row, None, None, "as printed", "input", None, None)
    found = f"{row['table']} | {row['row']} | {row['column']}"
    hint = "add it to a block or to the inputs"
    raise DeclarationError(Problem(str(file), "blocks", found, "every printed cell recomputed or an input", hint))


def _from_solar_bound(name: str, row: dict[str, str], bound: SolarBound, index: int) -> Cell:
    alone = [float(i == index) for i in (1, 2, 3)]
    ours = bound.bound / np.sqrt(derived.solar_moment_squared(alone, bound.sin2_theta_13, bound.survival))
    agrees = abs(ours - float(row["value"])) <= bound.tolerance_absolute
    status: Status = "agrees" if agrees else "deviates"
    return _cell(name, row, float(ours), bound.tolerance_absolute, bound.reading, status, None, None)


def _recomputed(file: Path, paper: Paper, name: str, row: dict[str, str], recipe: Recipe, ours: float) -> Cell:
    value, power = row["value"], recipe.exposure_power
    if not recipe.reproducible:
        return _cell(name, row, ours, None, recipe.reading, "not-reproducible", recipe.deviation or None, power)
    number = _number(value)
    if value.startswith("<"):
        tolerance, agrees = None, ours < float(value[1:])
    elif number is not None:
        tolerance = max(recipe.tolerance * abs(number), recipe.tolerance_absolute)
        agrees = abs(ours - number) <= tolerance
    else:
        found = f"{row['table']} | {row['row']} | {row['column']} = {value}"
        raise DeclarationError(Problem(str(file), "", found, "a number", "declare the cell reproducible = false"))
    if agrees:
        return _cell(name, row, ours, tolerance, recipe.reading, "agrees", None, power)
    excused = _excused(paper, recipe.deviation, ours, number)
    return _cell(name, row, ours, tolerance, recipe.reading, "deviates", recipe.deviation if excused else None, power)


def _excused(paper: Paper, name: str, ours: float, published: float | None) -> bool:
    """Whether a known disagreement says so much and no more."""
    if not name:
        return False
    ratio = paper.deviations[name].ratio
    return ratio is None or (published is not None and ratio[0] <= ours / published <= ratio[1])


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _cell(name: str, row: dict[str, str], ours: float | None, tolerance: float | None, reading: str, status: Status,
          deviation: str | None, exposure_power: float | None) -> Cell:  # fmt: skip
    printed = {key: row[key] for key in ("table", "row", "column", "unit")}
    return Cell(
        paper=name, **printed, published=row["value"], published_value=_number(row["value"]), ours=ours,
        tolerance=tolerance, reading=reading, status=status, deviation=deviation, exposure_power=exposure_power,
    )  # fmt: skip


# --- three ways to compute a cell -------------------------------------------------------------------------------------


def _from_counts(where: Catalog, block: Block, row: str, parameter: str, exposure: float) -> float:
    return QUANTITIES[block.quantity](_analysis(where, block, row, exposure), parameter, block)


def _from_formula(cells: DerivedCells, numbers: dict[str, float], others: dict[str, Compute]) -> float:
    return FORMULAS[cells.formula](**numbers, **{name: compute() for name, compute in others.items()})


def _from_other_model(where: Catalog, paper: Paper, change: ModelChange, exposure: float) -> float:
    """Median change in per cent of a table's cells under another model."""
    changes = []
    for block in (b for b in paper.blocks if b.table == change.of_table):
        other = msgspec.structs.replace(block, model=change.model)
        for (_, row, _), parameter in _cells_of(block):
            ours, theirs = (_from_counts(where, b, row, parameter, exposure) for b in (block, other))
            changes.append(100 * abs(theirs / ours - 1))
    return float(np.median(changes))


def _from_shape(where: Catalog, scan: ShapeScan, end: str, exposure: float) -> float:
    """Best value of a number of the form factor, or its distance to where chi2 passes the threshold."""
    chi2 = _chi2_of_shape(where, msgspec.json.encode(scan), exposure)
    found = optimize.minimize_scalar(chi2, bounds=(scan.low, scan.high), method="bounded", options={"xatol": 1e-6})
    best, level = float(found.x), float(found.fun) + scan.delta_chi2
    if end == "best":
        return best
    direction = 1.0 if end == "plus" else -1.0
    return abs(_crossing(chi2, best, direction * 0.01, level) - best)


@functools.cache
def _chi2_of_shape(where: Catalog, encoded: bytes, exposure: float) -> Callable[[float], float]:
    """chi2 as a function of one number of the form factor; projected data stay what they are at their own value."""
    scan = msgspec.json.decode(encoded, type=ShapeScan)
    resolved = catalog.resolve(where, scan.model)
    setups = tuple(_exposed(setup, exposure) for setup in resolved.setups)
    resolved = msgspec.structs.replace(resolved, setups=setups)
    if scan.projected_at is not None:
        resolved = from_resolved(_shaped(resolved, scan.number, scan.projected_at)).model

    @functools.cache
    def chi2(value: float) -> float:
        analysis = from_resolved(_shaped(resolved, scan.number, value))
        solved = nuisances.affine(analysis)
        theta = analysis.theta(dict(zip(analysis.names, analysis.standard_point(), strict=True)), np)
        return float(nuisances.profiled_chi2(analysis, solved, theta, np)[0])

    return chi2


def _shaped(resolved: Resolved, number: str, value: float) -> Resolved:
    """The model with one number of its form factor at another value."""
    setups = []
    for setup in resolved.setups:
        form = msgspec.structs.replace(setup.form_factor, **{number: float(value)})
        setups.append(msgspec.structs.replace(setup, form_factor=form))
    return msgspec.structs.replace(resolved, setups=tuple(setups))


FORMULAS: dict[str, Callable[..., float]] = {
    "induced-coupling": derived.induced_coupling,
    "moment-limit-of-light-quarks": derived.moment_limit_of_light_quarks,
    "millicharge-limit": derived.millicharge_limit,
}
"""What a cell follows from -> how it is computed."""


# --- the analysis behind a cell ---------------------------------------------------------------------------------------


def _analysis(where: Catalog, block: Block, row: str, exposure: float) -> Analysis:
    """The block's model on the row's experiments, each beam a chi-square of its own; memoised."""
    key = (where, msgspec.json.encode(block), row, exposure)
    if key not in _MEMORY:
        _MEMORY[key] = _built(where, block, row, exposure)
    return _MEMORY[key]


_MEMORY: dict[tuple[Catalog, bytes, str, float], Analysis] = {}


def _built(where: Catalog, block: Block, row: str, exposure: float) -> Analysis:
    file, model = catalog.read_model(where, block.model)
    restrict = model.restrict | dict(block.restrict)
    readings = tuple(dict.fromkeys(model.readings + block.readings))
    changed = msgspec.structs.replace(
        model, experiments=block.rows[row], restrict=restrict, readings=readings, published=()
    )
    resolved = catalog.resolve_model(where, file, changed)
    setups = [_exposed(setup, exposure) for setup in resolved.setups]
    if block.beams:
        setups = [_beam(setup, beam) for setup in setups for beam in block.beams]
    return from_resolved(msgspec.structs.replace(resolved, setups=tuple(setups)))


def _beam(setup: Setup, beam: Sequence[str]) -> Setup:
    """An experiment that sees some flux components only."""
    components = {name: component for name, component in setup.flux.components.items() if name in beam}
    flux = msgspec.structs.replace(setup.flux, components=components)
    restrict = {n: tuple(f for f in fluxes if f in beam) for n, fluxes in setup.restrict.items()}
    return msgspec.structs.replace(setup, name=f"{setup.name} {'+'.join(beam)}", flux=flux, restrict=restrict)


def _exposed(setup: Setup, factor: float) -> Setup:
    """An experiment with its exposure multiplied."""
    fluence = setup.experiment.fluence
    match fluence:
        case ProtonsOnTarget():
            longer: object = msgspec.structs.replace(fluence, protons_on_target=factor * fluence.protons_on_target)
        case QuotedFlux() | ReactorPower():
            longer = msgspec.structs.replace(fluence, live_time_s=factor * fluence.live_time_s)
        case _:
            return setup
    return msgspec.structs.replace(setup, experiment=msgspec.structs.replace(setup.experiment, fluence=longer))


# --- quantities -------------------------------------------------------------------------------------------------------


def _chi2_of(analysis: Analysis, parameter: str) -> Callable[[float], float]:
    """chi2 along one parameter, all others at their standard values, nuisances minimised in closed form."""
    solved = nuisances.affine(analysis)
    standard = dict(zip(analysis.names, analysis.standard_point(), strict=True))

    @functools.cache
    def chi2(value: float) -> float:
        columns = {**standard, parameter: np.float64(value)}
        return float(nuisances.profiled_chi2(analysis, solved, analysis.theta(columns, np), np)[0])

    return chi2


def _crossing(chi2: Callable[[float], float], start: float, step: float, level: float) -> float:
    """Where chi2 first passes a level, going from a start in steps that grow."""
    inner = start
    for _ in range(200):
        outer = inner + step
        if chi2(outer) > level:
            return float(optimize.brentq(lambda v: chi2(v) - level, inner, outer, xtol=1e-12, rtol=1e-10))
        inner, step = outer, 1.5 * step
    raise PredictionError("no limit: chi2 does not pass its threshold")


def _best(analysis: Analysis, parameter: str) -> tuple[Callable[[float], float], float, float]:
    """chi2 along the parameter, its minimum, and a step that is small beside the interval."""
    chi2 = _chi2_of(analysis, parameter)
    p = next((q for q in analysis.free if q.name == parameter), None)
    if p is None:
        expected = f"a parameter of {analysis.model.name}: {', '.join(analysis.names)}"
        raise DeclarationError(Problem("blocks", "columns", repr(parameter), expected, "mend the column"))
    step = 1e-3 * (0.05 if p.dimension == "number" else 1.0)
    if p.dimension == "moment" or chi2(p.standard) < 1e-12:
        return chi2, p.standard, step
    found = optimize.minimize_scalar(chi2, bracket=(p.standard - 10 * step, p.standard + 10 * step), tol=1e-12)
    return chi2, float(found.x), step


def _upper(analysis: Analysis, parameter: str, block: Block) -> float:
    chi2, best, step = _best(analysis, parameter)
    return _crossing(chi2, best, step, chi2(best) + block.delta_chi2)


def _lower(analysis: Analysis, parameter: str, block: Block) -> float:
    chi2, best, step = _best(analysis, parameter)
    return _crossing(chi2, best, -step, chi2(best) + block.delta_chi2)


def _half_width(analysis: Analysis, parameter: str, block: Block) -> float:
    return 0.5 * (_upper(analysis, parameter, block) - _lower(analysis, parameter, block))


def _half_width_percent(analysis: Analysis, parameter: str, block: Block) -> float:
    standard = next(q.standard for q in analysis.free if q.name == parameter)
    return 100.0 * _half_width(analysis, parameter, block) / standard


def _counts(analysis: Analysis, component: str, block: Block) -> float:
    """Counts of one component at the standard point but for `at`, all experiments, bins and fluxes."""
    standard = dict(zip(analysis.names, analysis.standard_point(), strict=True))
    if unknown := ", ".join(sorted(block.at.keys() - standard.keys())):
        raise DeclarationError(
            Problem(block.model, "parameters", f"no {unknown}", "all of the block's `at`", "mend `at`")
        )
    point = np.array(list((standard | block.at).values()))
    parts = analysis.breakdown(point).values()
    return float(sum(v.sum() for components in parts for v in components.get(component, {}).values()))


QUANTITIES: dict[str, Callable[[Analysis, str, Block], float]] = {
    "upper-limit": _upper,
    "interval-low": _lower,
    "interval-high": _upper,
    "half-width": _half_width,
    "half-width-percent": _half_width_percent,
    "best": lambda analysis, parameter, block: _best(analysis, parameter)[1],
    "counts": _counts,
}
"""What a cell prints -> how it is computed."""
