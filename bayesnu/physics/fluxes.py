"""Energy spectra of neutrinos, of pions and muons that decay at rest and of reactors, and integrals over them."""

from functools import lru_cache
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import MUON_MASS_MEV
from bayesnu.physics import reactor
from bayesnu.schema import Component, Line, MaxwellFit, MichelElectron, MichelMuon, ReactorSpectrum

Array = NDArray[np.float64]

MICHEL_END_MEV: Final = MUON_MASS_MEV / 2
"""End point of both Michel spectra [MeV]."""
INTEGRAL_ORDER: Final = 24
"""Gauss-Legendre nodes a panel; three are exact for E times a Michel spectrum, which is quartic in E."""


def density_per_mev(component: Component, energy_mev: Array) -> Array:
    """Spectrum [1/MeV] of one neutrino, or of one fission of a reactor's core; zero outside its range.

    For muons at rest 192 E^2 (1/2 - E/m)/m^3 of electron and 64 E^2 (3/4 - E/m)/m^3 of muon (anti)neutrinos in
    [0, m_mu/2]. Reference: arXiv:1905.03750, Eq 28. A line has no density and raises TypeError.
    """
    match component:
        case MichelElectron() | MichelMuon():
            return _michel_per_mev(component, energy_mev)
        case ReactorSpectrum() | MaxwellFit():
            return reactor.density_per_mev(component, energy_mev)
        case Line():
            raise TypeError("a line has no energy density")
        case _:  # pragma: no cover
            assert_never(component)


def _michel_per_mev(component: MichelElectron | MichelMuon, energy_mev: Array) -> Array:
    x = energy_mev / MUON_MASS_MEV
    inside = (x >= 0) & (energy_mev <= MICHEL_END_MEV)
    shape = 192 * x**2 * (0.5 - x) if isinstance(component, MichelElectron) else 64 * x**2 * (0.75 - x)
    return np.where(inside, shape / MUON_MASS_MEV, 0.0)


def energy_rule(component: Component, lowest_mev: Array, order: int) -> tuple[Array, Array]:
    """Energies [MeV] and weights [1] that integrate a spectrum from lowest_mev to its end point.

    Both have the shape of lowest_mev and one more axis; the weights contain the spectrum, so that
    (weights * f(energies)).sum(-1) is the mean of f over the spectrum above lowest_mev, or its sum over the
    antineutrinos of a fission. A line has one energy; the other spectra have `order` Gauss-Legendre nodes in each panel
    in which they are smooth: one for the Michel spectra, several for those of reactors.
    """
    lowest = np.asarray(lowest_mev, dtype=np.float64)[..., np.newaxis]
    if isinstance(component, Line):
        energies = np.full(lowest.shape, component.energy_mev)
        return energies, np.where(energies > lowest, 1.0, 0.0)
    nodes, node_weights = _gauss_legendre(order)
    if isinstance(component, ReactorSpectrum | MaxwellFit):
        return reactor.panel_rule(component, lowest, nodes, node_weights)
    lowest = np.maximum(lowest, 0.0)
    half_width = np.maximum(MICHEL_END_MEV - lowest, 0.0) / 2
    energies = lowest + half_width * (1 + nodes)
    return energies, half_width * node_weights * density_per_mev(component, energies)


@lru_cache(maxsize=32)
def _gauss_legendre(order: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    # The cache hands out the same arrays again and again.
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def highest_energy_mev(component: Component) -> float:
    """End point of the spectrum [MeV]: the line itself, m_mu/2 (arXiv:1905.03750, Eq 28), or a reactor's cut."""
    match component:
        case Line():
            return component.energy_mev
        case ReactorSpectrum() | MaxwellFit():
            return component.end_mev
        case _:
            return MICHEL_END_MEV


def breaks_mev(component: Component) -> tuple[float, ...]:
    """Energies [MeV] at which a spectrum kinks or jumps: a recoil spectrum does so at their largest recoils."""
    return component.low_energy_mev[1:] if isinstance(component, ReactorSpectrum) else ()


def neutrinos(component: Component) -> float:
    """Neutrinos of the whole spectrum [1]: one, but those of a fission for a core, and what a fit integrates to."""
    return float(energy_rule(component, np.array(0.0), order=INTEGRAL_ORDER)[1].sum())


def mean_energy_mev(component: Component) -> float:
    """Mean neutrino energy [MeV] of the spectrum."""
    energies, weights = energy_rule(component, np.array(0.0), order=INTEGRAL_ORDER)
    return float((energies * weights).sum() / weights.sum())
