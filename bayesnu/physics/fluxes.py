"""Energy spectra of neutrinos, of decays at rest, of reactors, of lines and of tables, and integrals over them."""

from functools import lru_cache, partial
from itertools import pairwise
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import MUON_MASS_MEV
from bayesnu.physics import reactor, spectrum_moments
from bayesnu.physics.inverse_energy import SpectrumMoments
from bayesnu.physics.smooth_moments import smooth_moments_above
from bayesnu.schema import (
    Component,
    Line,
    MaxwellFit,
    MichelElectron,
    MichelMuon,
    ReactorSpectrum,
    TabulatedSpectrum,
)

Array = NDArray[np.float64]

MICHEL_END_MEV: Final = MUON_MASS_MEV / 2
"""End point of both Michel spectra [MeV]."""
INTEGRAL_ORDER: Final = 24
"""Gauss-Legendre nodes a panel; three are exact for E times a Michel spectrum, which is quartic in E."""
SEGMENT_ORDER: Final = 8
"""Most Gauss-Legendre nodes a segment of a table, in which its spectrum is a straight line."""
NEARLY_ZERO: Final = 1e-9
"""Where a table that starts at zero is cut, in units of its second energy: the integral of E^-2 diverges there."""


def density_per_mev(component: Component, energy_mev: Array) -> Array:
    """Spectrum [1/MeV] of one neutrino, of one fission of a reactor's core, or of a table's weight; zero outside.

    For muons at rest 192 E^2 (1/2 - E/m)/m^3 of electron and 64 E^2 (3/4 - E/m)/m^3 of muon (anti)neutrinos in
    [0, m_mu/2]. Reference: arXiv:1905.03750, Eq 28. A line has no density and raises TypeError.
    """
    match component:
        case MichelElectron() | MichelMuon():
            return _michel_per_mev(component, energy_mev)
        case ReactorSpectrum() | MaxwellFit():
            return reactor.density_per_mev(component, energy_mev)
        case TabulatedSpectrum():
            energies, densities = _table(component)
            return component.weight * np.interp(energy_mev, energies, densities, left=0.0, right=0.0)
        case Line():
            raise TypeError("a line has no energy density")
        case _:  # pragma: no cover
            assert_never(component)


def _michel_per_mev(component: MichelElectron | MichelMuon, energy_mev: Array) -> Array:
    x = energy_mev / MUON_MASS_MEV
    inside = (x >= 0) & (energy_mev <= MICHEL_END_MEV)
    shape = 192 * x**2 * (0.5 - x) if isinstance(component, MichelElectron) else 64 * x**2 * (0.75 - x)
    return np.where(inside, shape / MUON_MASS_MEV, 0.0)


def _table(spectrum: TabulatedSpectrum) -> tuple[Array, Array]:
    """Energies [MeV] and normalised densities [1/MeV] of a table."""
    energies, densities = np.array(spectrum.points, dtype=np.float64).T
    return energies, densities


# --- integrals --------------------------------------------------------------------------------------------------------


def moments_above(component: Component, lowest_mev: Array) -> SpectrumMoments:
    """Integrals of a spectrum times E^0, E^-1 and E^-2 above lowest_mev [1, 1/MeV, 1/MeV2], in the shape of lowest_mev.

    In closed form for lines, tables and Michel spectra, by polynomials that interpolate to 1e-12 for fits. The units
    are those of `density_per_mev`. A spectrum that does not vanish at zero has no E^-2 integral from there on.
    """
    lowest = np.asarray(lowest_mev, dtype=np.float64)
    match component:
        case Line():
            energy, weight = np.array([component.energy_mev]), np.array([component.weight])
            return spectrum_moments.line_moments_above(lowest, energy, weight)
        case TabulatedSpectrum():
            energies, densities = _table(component)
            return _table_moments(lowest, energies, component.weight * densities)
        case MichelElectron() | MichelMuon():
            coefficients = _michel_coefficients(component)
            return spectrum_moments.polynomial_moments_above(lowest, 0.0, MICHEL_END_MEV, coefficients)
        case ReactorSpectrum():
            table = _table_moments(lowest, np.array(component.low_energy_mev), reactor.low_energy_table(component))
            return SpectrumMoments(*(a + b for a, b in zip(table, _fit_moments(lowest, component), strict=True)))
        case MaxwellFit():
            return _fit_moments(lowest, component)
        case _:  # pragma: no cover
            assert_never(component)


def _table_moments(lowest_mev: Array, energy_mev: Array, density_per_mev: Array) -> SpectrumMoments:
    if energy_mev[0] == 0:
        cut = NEARLY_ZERO * energy_mev[1]
        density_per_mev = np.append(np.interp(cut, energy_mev, density_per_mev), density_per_mev[1:])
        energy_mev = np.append(cut, energy_mev[1:])
    return spectrum_moments.moments_above(lowest_mev, energy_mev, density_per_mev)


def _fit_moments(lowest_mev: Array, spectrum: ReactorSpectrum | MaxwellFit) -> SpectrumMoments:
    edges = reactor.smooth_edges_mev(spectrum)
    return smooth_moments_above(lowest_mev, edges, partial(reactor.density_per_mev, spectrum))


def _michel_coefficients(component: MichelElectron | MichelMuon) -> tuple[float, ...]:
    """a_n of a Michel spectrum sum_n a_n E^n [1/MeV^(n+1)]."""
    half = 96.0 if isinstance(component, MichelElectron) else 48.0
    whole = 192.0 if isinstance(component, MichelElectron) else 64.0
    return 0.0, 0.0, half / MUON_MASS_MEV**3, -whole / MUON_MASS_MEV**4


def energy_rule(component: Component, lowest_mev: Array, order: int) -> tuple[Array, Array]:
    """Energies [MeV] and weights [1] that integrate a spectrum from lowest_mev to its end point.

    Both have the shape of lowest_mev and one more axis; the weights contain the spectrum, so that
    (weights * f(energies)).sum(-1) is the mean of f over the spectrum above lowest_mev, or its sum over the
    antineutrinos of a fission or over the weight of a line or a table. A line has one energy; the other spectra have
    `order` Gauss-Legendre nodes in each panel in which they are smooth: one for the Michel spectra, several for those
    of reactors, every segment of a table, where SEGMENT_ORDER of them suffice.
    """
    lowest = np.asarray(lowest_mev, dtype=np.float64)[..., np.newaxis]
    if isinstance(component, Line):
        energies = np.full(lowest.shape, component.energy_mev)
        return energies, np.where(energies > lowest, component.weight, 0.0)
    if isinstance(component, TabulatedSpectrum):
        return _segment_rule(component, lowest, min(order, SEGMENT_ORDER))
    nodes, node_weights = _gauss_legendre(order)
    if isinstance(component, ReactorSpectrum | MaxwellFit):
        return reactor.panel_rule(component, lowest, nodes, node_weights)
    lowest = np.maximum(lowest, 0.0)
    half_width = np.maximum(MICHEL_END_MEV - lowest, 0.0) / 2
    energies = lowest + half_width * (1 + nodes)
    return energies, half_width * node_weights * density_per_mev(component, energies)


def _segment_rule(spectrum: TabulatedSpectrum, lowest_mev: Array, order: int) -> tuple[Array, Array]:
    """Energies and weights above lowest_mev, which has a last axis of length one, with nodes in each segment."""
    nodes, node_weights = _gauss_legendre(order)
    energies, densities = _table(spectrum)
    start = np.clip(lowest_mev, energies[:-1], energies[1:])[..., np.newaxis]
    half = (energies[1:, np.newaxis] - start) / 2
    energy = start + half * (1 + nodes)
    # Each segment by itself, because a table may jump.
    width = np.where(energies[1:] > energies[:-1], energies[1:] - energies[:-1], 1.0)
    density = (
        densities[:-1, np.newaxis] + (energy - energies[:-1, np.newaxis]) * (np.diff(densities) / width)[:, np.newaxis]
    )
    weights = spectrum.weight * half * node_weights * density
    return energy.reshape(*lowest_mev.shape[:-1], -1), weights.reshape(*lowest_mev.shape[:-1], -1)


@lru_cache(maxsize=32)
def _gauss_legendre(order: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    # The cache hands out the same arrays again and again.
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def highest_energy_mev(component: Component) -> float:
    """End point of a spectrum [MeV]: the line, m_mu/2 (arXiv:1905.03750, Eq 28), a reactor's cut, a table's end."""
    match component:
        case Line():
            return component.energy_mev
        case TabulatedSpectrum():
            return component.points[-1][0]
        case ReactorSpectrum() | MaxwellFit():
            return component.end_mev
        case _:
            return MICHEL_END_MEV


def breaks_mev(component: Component) -> tuple[float, ...]:
    """Energies [MeV] at which a spectrum kinks or jumps: a recoil spectrum does so at their largest recoils.

    Of a table only those at which it jumps, such as the lower end of a band: its many small kinks are left to the
    recoil quadrature.
    """
    match component:
        case ReactorSpectrum():
            return component.low_energy_mev[1:]
        case TabulatedSpectrum():
            first = [component.points[0][0]] if component.points[0][1] > 0 else []
            return tuple(first + [a[0] for a, b in pairwise(component.points) if a[0] == b[0]])
        case _:
            return ()


def neutrinos(component: Component) -> float:
    """Neutrinos of the whole spectrum [1]: one, but those of a fission for a core, or what a fit or a weight says."""
    return float(energy_rule(component, np.array(0.0), order=INTEGRAL_ORDER)[1].sum())


def mean_energy_mev(component: Component) -> float:
    """Mean neutrino energy [MeV] of the spectrum."""
    energies, weights = energy_rule(component, np.array(0.0), order=INTEGRAL_ORDER)
    return float((energies * weights).sum() / weights.sum())
