"""Spectra from tables beside a flux: read, normalised, and cut into bands."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import fsum
from pathlib import Path

import msgspec

from bayesnu.catalog import fact_rules
from bayesnu.catalog.files import read_csv
from bayesnu.catalog.validation import raise_if
from bayesnu.schema import Component, Flux, TabulatedSpectrum

Point = tuple[float, float]
"""Energy [MeV] and density [1/MeV]."""


def with_spectra(file: Path, flux: Flux) -> Flux:
    """A flux with the tables of its spectra read from beside its file, each band a component of its own."""
    components: dict[str, Component] = {}
    for name, component in flux.components.items():
        if isinstance(component, TabulatedSpectrum):
            components |= dict(_bands(name, _read(file, f"components.{name}", component)))
        else:
            components[name] = component
    raise_if(fact_rules.band_problems(str(file), flux, components))
    return msgspec.structs.replace(flux, components=components)


def _read(file: Path, field: str, spectrum: TabulatedSpectrum) -> TabulatedSpectrum:
    table = read_csv(file.parent / spectrum.file, ["energy_mev", "density"])
    points = list(zip(table.numbers("energy_mev"), table.numbers("density"), strict=True))
    raise_if(fact_rules.spectrum_problems(str(table.file), table.lines, points))
    raise_if(fact_rules.edge_problems(str(file), field, spectrum, (points[0][0], points[-1][0])))
    return msgspec.structs.replace(spectrum, points=normalised(points))


def _bands(name: str, spectrum: TabulatedSpectrum) -> Iterator[tuple[str, TabulatedSpectrum]]:
    """NAME itself, or NAME-1, NAME-2, ... with its share of the weight each."""
    if not spectrum.bands_mev:
        yield name, spectrum
        return
    edges = (spectrum.points[0][0], *spectrum.bands_mev, spectrum.points[-1][0])
    for index, (low, high) in enumerate(pairwise(edges), start=1):
        part = within(spectrum.points, low, high)
        weight = spectrum.weight * integral(part)
        yield f"{name}-{index}", msgspec.structs.replace(spectrum, weight=weight, bands_mev=(), points=normalised(part))


# --- straight lines between points ------------------------------------------------------------------------------------


def integral(points: Sequence[Point]) -> float:
    """Integral of straight lines between points."""
    return fsum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))


def normalised(points: Sequence[Point]) -> tuple[Point, ...]:
    """Points with densities that integrate to one; a spectrum of nothing stays as it is."""
    total = integral(points) or 1.0
    return tuple((energy, density / total) for energy, density in points)


def within(points: Sequence[Point], low: float, high: float) -> tuple[Point, ...]:
    """The part of straight lines between points that lies between two energies, with points at both ends."""
    inner = [point for point in points if low < point[0] < high]
    return ((low, _at(points, low)), *inner, (high, _at(points, high)))


def _at(points: Sequence[Point], energy: float) -> float:
    """Density on the straight lines between points whose energies increase."""
    a, b = next(pair for pair in pairwise(points) if energy <= pair[1][0])
    return a[1] + (b[1] - a[1]) * (energy - a[0]) / (b[0] - a[0])
