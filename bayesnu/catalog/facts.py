"""Read and verify facts: experiments with their counts, fluxes, nuclei, published numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bayesnu.catalog import fact_rules, layering, shelf, spectra
from bayesnu.catalog.files import Table, convert, read_csv, read_toml
from bayesnu.catalog.hashes import verify_files
from bayesnu.catalog.layering import Layer
from bayesnu.catalog.shelf import Catalog
from bayesnu.catalog.validation import did_you_mean, file_problems, positive, raise_if, source_problems
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import (
    Experiment,
    Flux,
    GaussianStatistic,
    Isotope,
    IsotopeTable,
    PublishedLimit,
    Record,
    Source,
    TableEfficiency,
)

Numbers = tuple[float, ...]
TemplateRow = tuple[str, str, int, float]
PairingMass = tuple[int, int, float]
BindingLevel = tuple[str, float, float]
"""Element, binding energy [keV], electrons."""


class PublishedTable(Record):
    """The numbers that a paper prints."""

    title: str
    file: str
    sources: dict[str, Source]


class Overlay(NamedTuple):
    """Values laid over a declaration: who says so, for which declaration, and dotted path -> value."""

    file: Path
    field: str
    applies_to: str
    values: Mapping[str, object]


class Counted(NamedTuple):
    """What an experiment counted, per bin."""

    bins: tuple[tuple[float, float], ...]
    observed: Numbers
    backgrounds: dict[str, Numbers]
    variance: Numbers
    """Empty for Poisson counts."""
    shares: dict[str, Numbers]
    """Flux component -> the share of its events in each bin; empty where none is declared."""


class Nuclei(NamedTuple):
    """The table of nuclei with what goes with it."""

    file: Path
    isotopes: tuple[Isotope, ...]
    declared: IsotopeTable
    pairing_masses: tuple[PairingMass, ...]
    """Atomic masses of the nuclei that enter pairing gaps."""
    binding: tuple[BindingLevel, ...]
    """Levels of the electrons."""


class Facts(NamedTuple):
    """An experiment with everything that it refers to, read and verified."""

    experiment: Experiment
    flux_file: Path
    flux: Flux
    counted: Counted
    template_rows: tuple[TemplateRow, ...]


# --- experiments ------------------------------------------------------------------------------------------------------


def read_experiment(catalog: Catalog, name: str, overlays: Sequence[Overlay] = (),
                    asked_by: str = "command line", field: str = "experiment") -> tuple[Path, Experiment]:  # fmt: skip
    """One experiment by name: its file, its variant and the overlays laid over it, checked."""
    file, variant = shelf.find_experiment(catalog, name, asked_by, field)
    return file, experiment_at(file, variant, overlays)[0]


def experiment_at(file: Path, variant: str, overlays: Sequence[Overlay]) -> tuple[Experiment, list[Layer]]:
    """One experiment by file and variant, and the layers that it is made of."""
    tree = read_toml(file)
    variants = tree.pop("variants", {})
    if not isinstance(variants, dict) or not all(isinstance(v, dict) for v in variants.values()):
        raise DeclarationError(
            Problem(str(file), "variants", repr(variants), "tables [variants.NAME]", "write each variant as a table")
        )
    chosen = [Overlay(file, f"variants.{variant}", "", layering.flattened(variants[variant]))] if variant else []
    tree, layers = _laid_over(file, tree, [*chosen, *overlays])
    with layering.placed(file, layers):
        experiment = convert(file, tree, Experiment)
        raise_if(fact_rules.experiment_problems(str(file), experiment))
        verify_files(file, experiment.sources)
        experiment = _with_efficiency(file, experiment)
    return experiment, layers


def _with_efficiency(file: Path, experiment: Experiment) -> Experiment:
    """The experiment with the points of its efficiency table, where it has one."""
    detector = experiment.detector
    if detector is None or not isinstance(detector.efficiency, TableEfficiency):
        return experiment
    table = read_csv(file.parent / detector.efficiency.file, ["value", "efficiency"])
    points = tuple(zip(table.numbers("value"), table.numbers("efficiency"), strict=True))
    raise_if(fact_rules.table_problems(str(table.file), table.lines, points))
    efficiency = msgspec.structs.replace(detector.efficiency, points=points)
    return msgspec.structs.replace(experiment, detector=msgspec.structs.replace(detector, efficiency=efficiency))


def _laid_over(file: Path, tree: dict[str, Any], overlays: Sequence[Overlay]) -> tuple[dict[str, Any], list[Layer]]:
    layers = [Layer(file, "", tree)]
    for overlay in overlays:
        tree, layer = layering.overlaid(tree, overlay.file, overlay.field, overlay.values)
        layers.append(layer)
    return tree, layers


def read_facts(catalog: Catalog, file: Path, variant: str, overlays: Sequence[Overlay],
               isotopes: Sequence[Isotope]) -> Facts:  # fmt: skip
    """One experiment with its flux, counts and templates; overlays are taken where they apply."""
    name = f"{file.parent.name}-{variant}" if variant else file.parent.name
    mine = [o for o in overlays if o.applies_to == f"experiments/{name}"]
    experiment, layers = experiment_at(file, variant, mine)
    with layering.placed(file, layers):
        flux_file = shelf.look_up("fluxes", experiment.flux, shelf.fluxes(catalog), str(file), "flux")
        flux = flux_at(flux_file, [o for o in overlays if o.applies_to == f"fluxes/{experiment.flux}"])
        raise_if(fact_rules.fluence_problems(str(file), experiment, flux))
        raise_if(fact_rules.geometry_problems(str(file), experiment.fluence))
        raise_if(fact_rules.shared_flux_problems(str(file), experiment, flux))
        if experiment.detector:
            raise_if(fact_rules.target_problems(str(file), experiment.detector.target.formula, isotopes))
        counted = _counts(file, experiment, flux)
        rows = _template_rows(file, experiment, flux, len(counted.bins))
    return Facts(experiment, flux_file, flux, counted, rows)


def _counts(file: Path, experiment: Experiment, flux: Flux) -> Counted:
    """Bins, observed counts, backgrounds, errors and shares, from the declaration or from its CSV."""
    counts, statistic = experiment.counts, experiment.statistic
    table = read_csv(file.parent / counts.file, _columns(experiment)) if counts.file else None
    where = str(table.file) if table else str(file)
    if table:
        bins = tuple(zip(table.numbers("low"), table.numbers("high"), strict=True))
        observed = table.numbers(counts.observed_column)
    else:
        bins, observed = counts.bins, counts.observed
    declared = experiment.backgrounds.items()
    backgrounds = {name: table.numbers(b.column) if table and b.column else b.counts for name, b in declared}
    raise_if(fact_rules.count_problems(where, experiment, bins, observed, backgrounds))
    shares = _shares(file, experiment, flux, table, bins)
    if counts.asimov:
        # Projected data belong to a model, not to the experiment: an analysis computes them when it is built.
        return Counted(bins, (1.0,) * len(bins), backgrounds, (1.0,) * len(bins), shares)
    if isinstance(statistic, GaussianStatistic) and fact_rules.has_sd(experiment):
        sd = table.numbers(statistic.sd_column) if table and statistic.sd_column else statistic.sd
        raise_if(fact_rules.sd_problems(where if statistic.sd_column else str(file), experiment, sd, len(bins)))
        return Counted(bins, observed, backgrounds, tuple(value**2 for value in sd), shares)
    variance = fact_rules.variance(experiment, observed, backgrounds)
    weights = getattr(statistic, "variance", {})
    raise_if(fact_rules.variance_problems(str(file), weights, ["observed", *backgrounds], variance))
    return Counted(bins, observed, backgrounds, variance, shares)


def _columns(experiment: Experiment) -> list[str]:
    """The columns that the counts file must have."""
    named = [background.column for background in experiment.backgrounds.values()]
    named += [share.column for share in experiment.shares.values()]
    named.append(getattr(experiment.statistic, "sd_column", ""))
    return ["low", "high", experiment.counts.observed_column, *(column for column in named if column)]


def _shares(file: Path, experiment: Experiment, flux: Flux, table: Table | None,
            bins: tuple[tuple[float, float], ...]) -> dict[str, Numbers]:  # fmt: skip
    """Share of every flux component in each bin; a component that is not named has the share of '', else all."""
    if not experiment.shares:
        return {}
    found = {
        name: table.numbers(share.column) if table and share.column else (share.value,) * len(bins)
        for name, share in experiment.shares.items()
    }
    where = str(table.file) if table else str(file)
    raise_if(fact_rules.share_problems(str(file), where, experiment.shares, found, bins))
    others = found.get("", (1.0,) * len(bins))
    return {name: found.get(name, others) for name in flux.components}


def _template_rows(file: Path, experiment: Experiment, flux: Flux, bins: int) -> tuple[TemplateRow, ...]:
    if not experiment.templates:
        return ()
    table = read_csv(file.parent / experiment.templates, ["flux", "term", "bin", "counts"])
    names = [(row["flux"], row["term"]) for row in table.rows]
    numbers = zip(table.numbers("bin"), table.numbers("counts"), strict=True)
    rows = [(*name, *pair) for name, pair in zip(names, numbers, strict=True)]
    raise_if(fact_rules.template_problems(str(table.file), table.lines, rows, flux, bins))
    return tuple((component, term, int(index), counts) for component, term, index, counts in rows)


# --- fluxes and nuclei ------------------------------------------------------------------------------------------------


def read_flux(catalog: Catalog, name: str, asked_by: str = "command line", field: str = "flux") -> tuple[Path, Flux]:
    """One flux by name, checked."""
    file = shelf.look_up("fluxes", name, shelf.fluxes(catalog), asked_by, field)
    return file, flux_at(file, ())


def flux_at(file: Path, overlays: Sequence[Overlay]) -> Flux:
    """One flux by file, with overlays laid over it, checked."""
    tree, layers = _laid_over(file, read_toml(file), overlays)
    with layering.placed(file, layers):
        flux = convert(file, tree, Flux)
        raise_if(fact_rules.flux_problems(str(file), flux))
        verify_files(file, flux.sources)
        return spectra.with_spectra(file, flux)


def read_isotopes(catalog: Catalog) -> Nuclei:
    """The table of nuclei, the atomic masses around them that pairing gaps need, and the levels of their electrons."""
    return nuclei_at(shelf.nuclei(catalog))


def nuclei_at(file: Path) -> Nuclei:
    """A table of nuclei by file, with what goes with it, checked."""
    declared = convert(file, read_toml(file), IsotopeTable)
    raise_if(source_problems(str(file), declared.sources, Isotope.__struct_fields__))
    for field in ("isotopes", "pairing", "binding"):
        _require_source(file, field, getattr(declared, field), declared.sources)
    verify_files(file, declared.sources)
    table = read_csv(file.parent / declared.isotopes, Isotope.__struct_fields__)
    isotopes = tuple(_isotope(table, index) for index in range(len(table.rows)))
    raise_if(fact_rules.isotope_problems(str(table.file), isotopes))
    return Nuclei(file, isotopes, declared, _pairing_masses(file, declared), _binding(file, declared, isotopes))


def isotopes_at(file: Path) -> tuple[tuple[Isotope, ...], IsotopeTable, tuple[PairingMass, ...]]:
    """A table of nuclei by file, checked."""
    return nuclei_at(file)[1:4]


def _binding(file: Path, declared: IsotopeTable, isotopes: Sequence[Isotope]) -> tuple[BindingLevel, ...]:
    """Element, binding energy [keV] and electrons of each level."""
    if not declared.binding:
        return ()
    table = read_csv(file.parent / declared.binding, ["element", "level", "binding_ev", "electrons"])
    names = [(row["element"], row["level"]) for row in table.rows]
    numbers = zip(table.numbers("binding_ev"), table.numbers("electrons"), strict=True)
    levels = [(*name, *pair) for name, pair in zip(names, numbers, strict=True)]
    raise_if(fact_rules.level_problems(str(table.file), table.lines, levels, isotopes))
    return tuple((element, binding_ev / 1e3, electrons) for element, _, binding_ev, electrons in levels)


def _pairing_masses(file: Path, declared: IsotopeTable) -> tuple[PairingMass, ...]:
    """Charge, mass number and atomic mass [u] of the nuclei that enter pairing gaps, each once."""
    if not declared.pairing:
        return ()
    table = read_csv(file.parent / declared.pairing, ["charge", "mass_number", "mass_u"])
    masses: dict[tuple[int, int], float] = {}
    for index, line in enumerate(table.lines):
        key = table.whole_number(index, "charge"), table.whole_number(index, "mass_number")
        if key in masses:
            found = f"Z = {key[0]}, A = {key[1]} a second time"
            raise DeclarationError(Problem(str(table.file), f"line {line}", found, "each nucleus once", "drop a row"))
        masses[key] = table.number(index, "mass_u")
    raise_if(positive(str(table.file), {f"Z = {z}, A = {a}": mass_u for (z, a), mass_u in masses.items()}))
    return tuple((*key, mass_u) for key, mass_u in masses.items())


def _isotope(table: Table, index: int) -> Isotope:
    cells: dict[str, Any] = {"element": table.rows[index]["element"]}
    for name in ("charge", "mass_number", "unpaired_protons", "unpaired_neutrons"):
        cells[name] = table.whole_number(index, name)
    for name in ("mass_u", "abundance", "charge_radius_fm"):
        cells[name] = table.number(index, name)
    return Isotope(**cells)


def _require_source(file: Path, field: str, name: str, sources: Mapping[str, Source]) -> None:
    raise_if(file_problems(str(file), sources, {field: name}))


# --- published numbers ------------------------------------------------------------------------------------------------

CELL = ("table", "row", "column")


def published_at(file: Path) -> tuple[PublishedTable, Table]:
    """The numbers that a paper prints, by file."""
    declared = convert(file, read_toml(file), PublishedTable)
    raise_if(source_problems(str(file), declared.sources, PublishedTable.__struct_fields__))
    _require_source(file, "file", declared.file, declared.sources)
    verify_files(file, declared.sources)
    return declared, read_csv(file.parent / declared.file, [*CELL, "unit", "value"])


def published_cell(
    catalog: Catalog, file: Path, index: int, limit: PublishedLimit
) -> tuple[float, dict[str, str], Source]:
    """The cell of data/published/ that a published limit names, and where it comes from."""
    field = f"published[{index}]"
    table_file = shelf.look_up("published papers", limit.paper, shelf.published(catalog), str(file), f"{field}.paper")
    declared, table = published_at(table_file)
    chosen = list(range(len(table.rows)))
    for key in CELL:
        name, known = getattr(limit, key), {table.rows[n][key] for n in chosen}
        chosen = [n for n in chosen if table.rows[n][key] == name]
        if not chosen:
            expected = f"a {key} of {declared.file}: {', '.join(sorted(known))}"
            hint = did_you_mean(name, known) or "check table, row and column"
            raise DeclarationError(Problem(str(file), f"{field}.{key}", repr(name), expected, hint))
    return table.number(chosen[0], "value"), table.rows[chosen[0]], next(iter(declared.sources.values()))
