"""What makes a flux a wrong one."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from bayesnu.catalog.validation import file_problems, positive, source_problems
from bayesnu.errors import Problem
from bayesnu.schema import Component, FissionIsotope, Flux, Line, MaxwellFit, ReactorSpectrum, TabulatedSpectrum

FRACTION_ERROR = 1e-6
"""How far the fission fractions of a core may be from adding to one."""


def flux_problems(file: str, flux: Flux) -> Iterator[Problem]:
    """A flux needs components, energies and spectra that make sense, and a source."""
    if not flux.components:
        yield Problem(file, "components", "an empty table", "at least one component", "add [components.NAME]")
    for name, component in flux.components.items():
        field = f"components.{name}"
        match component:
            case Line():
                yield from positive(file, {f"{field}.energy_mev": component.energy_mev})
                yield from _weight_problems(file, field, component)
            case TabulatedSpectrum():
                yield from _table_problems(file, field, component)
                yield from _weight_problems(file, field, component)
                yield from file_problems(file, flux.sources, {f"{field}.file": component.file})
            case ReactorSpectrum():
                yield from _reactor_problems(file, field, component)
            case MaxwellFit():
                yield from _fit_problems(file, field, component)
        yield from _solar_problems(file, field, component)
    yield from source_problems(file, flux.sources, Flux.__struct_fields__, ["components"])


def _reactor_problems(file: str, field: str, spectrum: ReactorSpectrum) -> Iterator[Problem]:
    """The table starts at zero and increases, the spectrum ends above it, the fractions add to one."""
    table = spectrum.low_energy_mev
    if not table or table[0] != 0:
        found = f"a table from {table[0]:g} MeV" if table else "an empty table"
        yield Problem(file, f"{field}.low_energy_mev", found, "energies from 0 MeV", "add the point at 0")
    yield from _order_problems(file, f"{field}.low_energy_mev", table)
    if table and not spectrum.end_mev > table[-1]:
        expected = f"an end above {table[-1]:g} MeV, where the polynomials start"
        yield Problem(file, f"{field}.end_mev", f"{spectrum.end_mev:g}", expected, "raise it")
    if not spectrum.isotopes:
        hint = f"add [{field}.isotopes.NAME]"
        yield Problem(file, f"{field}.isotopes", "an empty table", "at least one isotope", hint)
    for name, isotope in spectrum.isotopes.items():
        yield from _fission_problems(file, f"{field}.isotopes.{name}", isotope, len(table))
    total = math.fsum(isotope.fraction for isotope in spectrum.isotopes.values())
    if spectrum.isotopes and abs(total - 1) > FRACTION_ERROR:
        expected = "fission fractions that add to 1"
        yield Problem(file, f"{field}.isotopes", f"fractions of {total:.9g} in all", expected, "mend the fractions")


def _fission_problems(file: str, field: str, isotope: FissionIsotope, points: int) -> Iterator[Problem]:
    """A share of the core, a positive energy, and a spectrum that is not negative."""
    if not 0 < isotope.fraction <= 1:
        yield Problem(file, f"{field}.fraction", f"{isotope.fraction:g}", "above 0, at most 1", "mend the value")
    yield from positive(file, {f"{field}.energy_per_fission_mev": isotope.energy_per_fission_mev})
    if not isotope.polynomial:
        yield Problem(file, f"{field}.polynomial", "no coefficients", "at least one coefficient", "give them")
    if len(isotope.low_energy) != points:
        expected = f"{points}, one an energy of low_energy_mev"
        yield Problem(file, f"{field}.low_energy", f"{len(isotope.low_energy)} numbers", expected, "mend the table")
    for index, value in enumerate(isotope.low_energy):
        if value < 0:
            expected = "a spectrum that is not negative"
            yield Problem(file, f"{field}.low_energy[{index}]", f"{value:g}", expected, "mend the value")


def _order_problems(file: str, field: str, values: Sequence[float]) -> Iterator[Problem]:
    for index, (before, after) in enumerate(itertools.pairwise(values), start=1):
        if not before < after:
            found = f"{after:g} after {before:g}"
            yield Problem(file, f"{field}[{index}]", found, "increasing energies", "sort them, each once")


def _fit_problems(file: str, field: str, fit: MaxwellFit) -> Iterator[Problem]:
    """A positive fit on a range that starts above zero, where its power may diverge."""
    for name in ("amplitude", "slope", "exponent", "start_mev"):
        yield from positive(file, {f"{field}.{name}": getattr(fit, name)})
    if not fit.start_mev < fit.end_mev:
        expected = f"an end above the start, {fit.start_mev:g}"
        yield Problem(file, f"{field}.end_mev", f"{fit.end_mev:g}", expected, "mend the range")


# --- lines and tables -------------------------------------------------------------------------------------------------


def _weight_problems(file: str, field: str, component: Line | TabulatedSpectrum) -> Iterator[Problem]:
    yield from positive(file, {f"{field}.weight": component.weight})
    if component.electron_density is not None:
        yield from positive(file, {f"{field}.electron_density": component.electron_density})


def _solar_problems(file: str, field: str, component: Component) -> Iterator[Problem]:
    """Solar neutrinos, and they alone, need the density of electrons where they are made."""
    density = getattr(component, "electron_density", None)
    if component.flavour == "nu_solar" and density is None:
        found, expected = "nu_solar without electron_density", "the density of electrons where the neutrinos are made"
        yield Problem(file, f"{field}.electron_density", found, expected, "add it, or name a flavour of neutrinos")
    if component.flavour != "nu_solar" and density is not None:
        found = f"electron_density beside flavour {component.flavour!r}"
        hint = 'drop it, or write flavour = "nu_solar"'
        yield Problem(file, f"{field}.electron_density", found, "a density of solar neutrinos alone", hint)


def _table_problems(file: str, field: str, spectrum: TabulatedSpectrum) -> Iterator[Problem]:
    """A table is a file, and the edges of its bands increase."""
    if not spectrum.file:
        expected = "the name of a CSV with the columns energy_mev and density"
        yield Problem(file, f"{field}.file", "an empty name", expected, "name the file")
    if spectrum.points:
        found = f"{len(spectrum.points)} points beside a file"
        yield Problem(file, f"{field}.points", found, "points from the file alone", "move them into the file")
    yield from _order_problems(file, f"{field}.bands_mev", spectrum.bands_mev)


def spectrum_problems(file: str, lines: Sequence[int], points: Sequence[tuple[float, float]]) -> Iterator[Problem]:
    """A table has energies from zero up that increase, and densities that are not negative and not all zero."""
    if len(points) < 2:
        yield Problem(file, "", f"{len(points)} row", "at least two points", "add the rows of the spectrum")
    for line, (energy, density) in zip(lines, points, strict=True):
        if energy < 0:
            yield Problem(file, f"line {line}, column energy_mev", f"{energy:g}", "an energy of 0 or more", "mend it")
        if density < 0:
            expected = "a spectrum that is not negative"
            yield Problem(file, f"line {line}, column density", f"{density:g}", expected, "mend the value")
    for line, (before, after) in zip(lines[1:], itertools.pairwise(points), strict=True):
        if not before[0] < after[0]:
            found = f"{after[0]:g} after {before[0]:g}"
            yield Problem(file, f"line {line}, column energy_mev", found, "increasing energies", "sort them, each once")
    if all(density == 0 for _, density in points):
        yield Problem(file, "column density", "zeros alone", "a spectrum of some neutrinos", "mend the column")


def edge_problems(file: str, field: str, spectrum: TabulatedSpectrum, ends: tuple[float, float]) -> Iterator[Problem]:
    """The inner edges of bands lie inside the table."""
    for index, edge in enumerate(spectrum.bands_mev):
        if not ends[0] < edge < ends[1]:
            expected = f"an edge inside the table, between {ends[0]:g} and {ends[1]:g} MeV"
            yield Problem(file, f"{field}.bands_mev[{index}]", f"{edge:g}", expected, "mend the edge, or drop it")


def band_problems(file: str, flux: Flux, components: Mapping[str, Component]) -> Iterator[Problem]:
    """No band has the name of another component, and none is empty."""
    names = [name for name in flux.components if name in components]
    bands = sum(len(c.bands_mev) + 1 if isinstance(c, TabulatedSpectrum) else 1 for c in flux.components.values())
    if bands != len(components):
        known = ", ".join(flux.components)
        expected = "names that none of the bands NAME-1, NAME-2, ... has"
        yield Problem(file, "components", f"a band with the name of a component: {known}", expected, "rename it")
    for name, component in components.items():
        if name not in names and isinstance(component, TabulatedSpectrum) and not component.weight > 0:
            found = f"no neutrinos in the band {name}"
            origin = f"components.{name.rpartition('-')[0]}.bands_mev"
            yield Problem(file, origin, found, "some neutrinos in each band", "drop an edge")
