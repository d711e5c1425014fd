"""What makes a declaration a wrong one: each rule yields a Problem with file, field, found, expected, what to do."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bayesnu import schema
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import ControlCounts, Knob, Model, Nuisance, Parameter, Prior, Resolved, Source

Numbers = tuple[float, ...]


def raise_if(problems: Iterable[Problem]) -> None:
    """Raise all problems at once, or return."""
    found = tuple(problems)
    if found:
        raise DeclarationError(found)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest known name, or nothing."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


# --- raw values -------------------------------------------------------------------------------------------------------


def not_finite(file: str, value: object, path: str = "") -> Iterator[Problem]:
    """Every number of a TOML tree that is NaN or infinite."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from not_finite(file, inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from not_finite(file, inner, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(file, path, str(value), "a finite number", "give the number")


def finite_number(file: str, field: str, text: str) -> float:
    """A CSV cell as a finite number."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise DeclarationError(Problem(file, field, repr(text), "a finite number", "mend the cell"))
    return value


def column_problems(file: str, header: Sequence[str], columns: Iterable[str]) -> Iterator[Problem]:
    """A table has the columns that it must, and each name once."""
    present = ", ".join(header)
    for column in columns:
        if column not in header:
            hint = did_you_mean(column, header) or "add the column"
            yield Problem(file, f"column {column}", f"the columns {present}", f"a column {column}", hint)
    for column in sorted({c for c in header if header.count(c) > 1}):
        yield Problem(
            file, f"column {column}", f"{column!r} {header.count(column)} times", "each column once", "drop one"
        )


def positive(file: str, values: Mapping[str, float]) -> Iterator[Problem]:
    """Each of these fields is above zero."""
    for field, value in values.items():
        if not value > 0:
            yield Problem(file, field, f"{value:g}", "a positive number", "mend the value")


def source_problems(
    file: str, sources: Mapping[str, Source], fields: Iterable[str], tables: Iterable[str] = ()
) -> Iterator[Problem]:
    """Each source can be looked up and covers known fields; each of the tables is covered by one."""
    if not sources:
        yield Problem(file, "sources", "no source", "at least one [sources.NAME]", "say where the numbers come from")
        return
    for key, source in sources.items():
        if not (source.arxiv or source.doi):
            found = f"source {key!r} with neither arxiv nor doi"
            yield Problem(file, f"sources.{key}", found, "a reference that one can look up", "add arxiv or doi")
        yield from _covers_problems(file, f"sources.{key}.covers", source.covers, set(fields))
    covered = [path for source in sources.values() for path in source.covers]
    for table in tables:
        if not any(path == table or path.startswith(f"{table}.") or table.startswith(f"{path}.") for path in covered):
            found = f"{table!r} covered by no source"
            yield Problem(
                file, table, found, "a source whose `covers` names it", "add it to the `covers` of its source"
            )


def _covers_problems(file: str, field: str, covers: Iterable[str], fields: set[str]) -> Iterator[Problem]:
    for index, path in enumerate(covers):
        if path.partition(".")[0] not in fields:
            hint = did_you_mean(path.partition(".")[0], fields) or "mend the path"
            yield Problem(file, f"{field}[{index}]", repr(path), f"a path from {', '.join(sorted(fields))}", hint)


def file_problems(file: str, sources: Mapping[str, Source], needed: Mapping[str, str]) -> Iterator[Problem]:
    """Each file that a field names is in the `files` of a source."""
    declared = {name for source in sources.values() for name in source.files}
    for field, name in needed.items():
        if name and name not in declared:
            yield Problem(file, field, f"{name!r} without a source", "the file in `files` of a source, with its hash",
                          "add it there and run `bayesnu check --write-hashes`")  # fmt: skip


# --- beliefs ----------------------------------------------------------------------------------------------------------


def prior_problems(file: str, field: str, prior: Prior) -> Iterator[Problem]:
    """The support of a prior is one."""
    low, high = getattr(prior, "low", None), getattr(prior, "high", None)
    if low is not None and high is not None and not low < high:
        yield Problem(file, field, f"[{low:g}, {high:g}]", "low below high", "swap or mend them")
    if isinstance(prior, schema.LogUniform) and not prior.low > 0:
        expected = "a positive lower end for a prior flat in the logarithm"
        yield Problem(file, f"{field}.low", f"{prior.low:g}", expected, "raise it")
    if isinstance(prior, schema.SquareUniform) and prior.low < 0:
        yield Problem(file, f"{field}.low", f"{prior.low:g}", "0 or more for a prior flat in the square", "raise it")
    if isinstance(prior, schema.Normal | schema.HalfNormal | schema.TruncatedNormal) and not prior.sd > 0:
        yield Problem(file, f"{field}.sd", f"{prior.sd:g}", "a positive width", "mend it")
    if isinstance(prior, schema.TruncatedNormal) and not prior.low <= prior.mean <= prior.high:
        expected = f"a mean inside [{prior.low:g}, {prior.high:g}]"
        yield Problem(file, f"{field}.mean", f"{prior.mean:g}", expected, "widen the range or mend the mean")
    if isinstance(prior, schema.Circular) and prior.concentration < 0:
        yield Problem(file, f"{field}.concentration", f"{prior.concentration:g}", "0 or more", "mend it")
    if isinstance(prior, schema.Haar):
        yield from _haar_problems(file, field, prior.apart)


def _haar_problems(file: str, field: str, apart: int) -> Iterator[Problem]:
    """A Haar prior belongs to the sin^2 of a mixing angle, whose name says how far apart the two states are."""
    found = re.search(r"sin2_theta_([1-4])([1-4])\.", f"{field}.")
    if found is None:
        expected, hint = "sin2_theta_ij, a mixing angle", "use another kind of prior"
        yield Problem(file, field, "a haar prior of another parameter", expected, hint)
    elif apart != int(found[2]) - int(found[1]):
        expected = f"{int(found[2]) - int(found[1])}, which is {found[2]} - {found[1]}"
        yield Problem(file, f"{field}.apart", f"{apart}", expected, "mend it")


def model_problems(file: str, model: Model) -> Iterator[Problem]:
    """The rules that a model must keep by itself."""
    yield from _name_problems(file, model)
    for name, parameter in model.parameters.items():
        if parameter.prior is None:
            hint = "add prior = { kind = ... }"
            yield Problem(file, f"parameters.{name}.prior", f"no prior for {name!r}", "a prior", hint)
        else:
            yield from prior_problems(file, f"parameters.{name}.prior", parameter.prior)
    for name, nuisance in model.nuisances.items():
        yield from prior_problems(file, f"nuisances.{name}.prior", nuisance.prior)
        yield from _nuisance_problems(file, f"nuisances.{name}", nuisance)
    yield from _model_knob_problems(file, model)
    for key, listed in (("experiments", model.experiments), ("interaction", model.interaction)):
        if not listed:
            yield Problem(file, key, "an empty list", "at least one name", "name it")
        if len(set(listed)) != len(listed):
            yield Problem(file, key, ", ".join(listed), "each name once", "drop the repeated one")
    for name in model.form_factors:
        if name not in model.experiments:
            hint = did_you_mean(name, model.experiments) or "mend the name"
            expected = f"one of {', '.join(model.experiments)}"
            yield Problem(file, f"form_factors.{name}", repr(name), expected, hint)
    tables = [
        t for t in ("couplings", "form_factor", "form_factors", "fixed", "nuisances", "knobs") if getattr(model, t)
    ]
    yield from source_problems(file, model.sources, Model.__struct_fields__, tables)
    for index, limit in enumerate(model.published):
        if limit.parameter not in model.parameters:
            expected = f"one of {', '.join(model.parameters) or 'none'}"
            hint = did_you_mean(limit.parameter, model.parameters) or "declare it"
            yield Problem(file, f"published[{index}].parameter", repr(limit.parameter), expected, hint)


def _name_problems(file: str, model: Model) -> Iterator[Problem]:
    roles: dict[str, Mapping[str, object]]
    roles = {"parameters": model.parameters, "nuisances": model.nuisances, "fixed": model.fixed}
    seen: dict[str, str] = {}
    for role, table in roles.items():
        for name in table:
            if name in seen:
                found = f"{name!r}, also in [{seen[name]}]"
                yield Problem(file, f"{role}.{name}", found, "a name in one table only", "drop one of them")
            seen[name] = role


def _nuisance_problems(file: str, field: str, nuisance: Nuisance) -> Iterator[Problem]:
    if nuisance.scales and nuisance.knob:
        found = f"scales and the knob {nuisance.knob!r}"
        yield Problem(file, field, found, "one of the two", "split it in two nuisances")
    if nuisance.per_bin and not (nuisance.scales and nuisance.scales.backgrounds):
        expected = "scales.backgrounds beside per_bin"
        yield Problem(file, f"{field}.per_bin", "no backgrounds to scale", expected, "name the backgrounds")
    if isinstance(nuisance.prior, ControlCounts) and not nuisance.per_bin:
        found = "control-counts on a whole background"
        yield Problem(file, f"{field}.prior", found, "per_bin = true beside it", "add it, or use another prior")


def control_problems(file: str, name: str, columns: Mapping[str, Numbers], control: bool) -> Iterator[Problem]:
    """A per-bin nuisance scales one background, whose control counts are never zero."""
    if len(columns) != 1:
        found = f"{len(columns)} known backgrounds: {', '.join(columns) or 'none'}"
        field = f"nuisances.{name}.scales.backgrounds"
        yield Problem(file, field, found, "exactly one that is not subtracted", "name one background")
    for background, counts in columns.items():
        empty = [index for index, n in enumerate(counts) if not n > 0]
        if control and empty:
            found = f"no control counts of {background} in bin {empty[0]}"
            yield Problem(file, f"nuisances.{name}.prior", found, "control counts in every bin", "merge bins")


def resolved_problems(resolved: Resolved) -> Iterator[Problem]:
    """Selectors name what exists, knobs cover their priors, data sets are used once, projections stay apart."""
    projected = {s.name: s.experiment.counts.asimov for s in resolved.setups}
    if len(set(projected.values())) > 1:
        found = f"projected data of {', '.join(n for n, p in projected.items() if p)} beside real data"
        yield Problem(resolved.file, "experiments", found, "projected or real data, never both", "use two models")
    datasets: dict[str, str] = {}
    for setup in resolved.setups:
        dataset = setup.experiment.dataset
        if dataset in datasets:
            found = f"{datasets[dataset]} and {setup.name}, both of data set {dataset}"
            hint = "keep the most informative one"
            yield Problem(resolved.file, "experiments", found, "one likelihood of each data set", hint)
        datasets[dataset] = setup.name
    for name, nuisance in resolved.nuisances.items():
        yield from _selector_problems(resolved, f"nuisances.{name}", nuisance)
        yield from _axis_problems(resolved, f"nuisances.{name}", nuisance)
    for name, parameter in resolved.parameters.items():
        yield from _axis_problems(resolved, f"parameters.{name}", parameter)
    yield from _turning_problems(resolved)


def _selector_problems(resolved: Resolved, field: str, nuisance: Nuisance) -> Iterator[Problem]:
    if nuisance.scales is None:
        return
    known = {
        "experiments": {s.name for s in resolved.setups},
        "fluxes": {f for s in resolved.setups for f in s.flux.components},
        "backgrounds": {b for s in resolved.setups for b in s.backgrounds},
    }
    for key, names in known.items():
        for index, name in enumerate(getattr(nuisance.scales, key)):
            if name not in names:
                expected = f"one of {', '.join(sorted(names)) or 'none'}"
                hint = did_you_mean(name, names) or "mend the name"
                yield Problem(resolved.file, f"{field}.scales.{key}[{index}]", repr(name), expected, hint)
    most = max(len(s.bins) for s in resolved.setups)
    for index, number in enumerate(nuisance.scales.bins):
        if not 0 <= number < most:
            where = f"{field}.scales.bins[{index}]"
            yield Problem(resolved.file, where, f"bin {number}", f"0 to {most - 1}, counted from zero", "mend it")


def _axis_problems(resolved: Resolved, field: str, entry: Parameter | Nuisance) -> Iterator[Problem]:
    """A knob exists, its unit is that of the number that it bends, and its prior is bounded by its axis."""
    if not entry.knob:
        return
    knobs = [(n, k) for s in resolved.setups for n, k in s.knobs.items()]
    names = sorted({n for n, _ in knobs})
    if entry.knob not in names:
        expected = f"one of the knobs of the model and its experiments: {', '.join(names) or 'none'}"
        hint = did_you_mean(entry.knob, names) or "declare it in the experiment or in the model"
        yield Problem(resolved.file, f"{field}.knob", repr(entry.knob), expected, hint)
    mine = list(dict.fromkeys(k for n, k in knobs if n == entry.knob))
    low, high = getattr(entry.prior, "low", -math.inf), getattr(entry.prior, "high", math.inf)
    for knob in mine:
        if entry.prior is not None and (low < knob.low or high > knob.high):
            found = f"support [{low:g}, {high:g}]"
            expected = f"inside the axis [{knob.low:g}, {knob.high:g}] of the knob"
            hint = "bound the prior: a polynomial explodes outside its nodes"
            yield Problem(resolved.file, f"{field}.prior", found, expected, hint)
        unit = next((u for end, u in UNIT_OF_ENDING.items() if knob.bends.endswith(end)), entry.unit)
        if entry.unit != unit:
            hint = "mend the unit, and the numbers with it"
            yield Problem(resolved.file, f"{field}.unit", repr(entry.unit), f"{unit!r}, as {knob.bends} has", hint)


UNIT_OF_ENDING = {"_fm": "fm", "_mev": "MeV"}
"""End of a number's name -> its unit."""


def _turning_problems(resolved: Resolved) -> Iterator[Problem]:
    """No two parameters turn one knob, and no knob of a model is left alone."""
    turning: dict[str, str] = {}
    for role in ("parameters", "nuisances"):
        for name, entry in getattr(resolved, role).items():
            if entry.knob and entry.knob in turning:
                found = f"the knob {entry.knob!r}, which {turning[entry.knob]} turns"
                yield Problem(resolved.file, f"{role}.{name}.knob", found, "one parameter a knob", "drop one of them")
            turning[entry.knob] = name


def _model_knob_problems(file: str, model: Model) -> Iterator[Problem]:
    """A model's knob bends a number of its form factor, or the sterile mass, and a parameter turns it."""
    numbers = [f"form_factor.{n}" for n in model.form_factor.__struct_fields__] + ["sterile_mass_mev"]
    used = {p.knob for p in model.parameters.values()} | {n.knob for n in model.nuisances.values()}
    for name, knob in model.knobs.items():
        field = f"knobs.{name}"
        if knob.bends not in numbers:
            hint = did_you_mean(knob.bends, numbers) or "mend the path"
            yield Problem(file, f"{field}.bends", repr(knob.bends), f"one of {', '.join(numbers)}", hint)
        yield from axis_problems(file, field, knob)
        if name not in used:
            hint = f'add knob = "{name}" to a parameter, or drop the knob'
            yield Problem(file, field, "a knob that nothing turns", "a parameter or nuisance that turns it", hint)
    if model.sterile_mass_mev is not None:
        yield from positive(file, {"sterile_mass_mev": model.sterile_mass_mev})


LEAST_SPLINE_NODES = 120


def axis_problems(file: str, field: str, knob: Knob) -> Iterator[Problem]:
    """An axis has a range, a tolerance, and as many nodes as its interpolation needs."""
    least, most = (LEAST_SPLINE_NODES, 2000) if knob.interpolation == "log-spline" else (3, 99)
    if not least <= knob.nodes <= most:
        yield Problem(file, f"{field}.nodes", str(knob.nodes), f"{least} to {most} nodes", "mend it")
    if not knob.low < knob.high:
        yield Problem(file, field, f"[{knob.low:g}, {knob.high:g}]", "low below high", "swap or mend them")
    yield from positive(file, {f"{field}.tolerance": knob.tolerance, f"{field}.low": knob.low})
