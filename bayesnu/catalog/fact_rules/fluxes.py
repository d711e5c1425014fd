"""What makes a flux a wrong one."""

import itertools
import math
from collections.abc import Iterator, Sequence

from bayesnu.catalog.validation import positive, source_problems
from bayesnu.errors import Problem
from bayesnu.schema import FissionIsotope, Flux, Line, MaxwellFit, ReactorSpectrum

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
            case ReactorSpectrum():
                yield from _reactor_problems(file, field, component)
            case MaxwellFit():
                yield from _fit_problems(file, field, component)
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
