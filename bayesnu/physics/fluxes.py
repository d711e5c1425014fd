"""Energy spectra of neutrinos from pions and muons that decay at rest, and integrals over them."""

from functools import lru_cache
from typing import Final, assert_never

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import MUON_MASS_MEV
from bayesnu.schema import Component, Line, MichelElectron, MichelMuon

Array = NDArray[np.float64]

MICHEL_END_MEV: Final = MUON_MASS_MEV / 2
"""End point of both Michel spectra [MeV]."""


def density_per_mev(component: Component, energy_mev: Array) -> Array:
    """Spectrum [1/MeV] of one neutrino of muon decay at rest, zero outside [0, m_mu/2].

    192 E^2 (1/2 - E/m)/m^3 for electron and 64 E^2 (3/4 - E/m)/m^3 for muon (anti)neutrinos.
    Reference: arXiv:1905.03750, Eq 28. A line has no density and raises TypeError.
    """
    x = energy_mev / MUON_MASS_MEV
    inside = (x >= 0) & (energy_mev <= MICHEL_END_MEV)
    match component:
        case MichelElectron():
            shape = 192 * x**2 * (0.5 - x)
        case MichelMuon():
            shape = 64 * x**2 * (0.75 - x)
        case Line():
            raise TypeError("a line has no energy density")
        case _:  # pragma: no cover
            assert_never(component)
    return np.where(inside, shape / MUON_MASS_MEV, 0.0)


def energy_rule(component: Component, lowest_mev: Array, order: int) -> tuple[Array, Array]:
    """Energies [MeV] and weights [1] that integrate a spectrum from lowest_mev to its end point.

    Both have the shape of lowest_mev and one more axis; the weights contain the spectrum, so that
    (weights * f(energies)).sum(-1) is the mean of f over the spectrum above lowest_mev. A line has
    one energy; the Michel spectra have the `order` Gauss-Legendre nodes of [lowest, m_mu/2].
    """
    lowest = np.asarray(lowest_mev, dtype=np.float64)[..., np.newaxis]
    if isinstance(component, Line):
        energies = np.full(lowest.shape, component.energy_mev)
        return energies, np.where(energies > lowest, 1.0, 0.0)
    nodes, node_weights = _gauss_legendre(order)
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
    """End point of the spectrum [MeV]: the line itself, or m_mu/2 (arXiv:1905.03750, Eq 28)."""
    return component.energy_mev if isinstance(component, Line) else MICHEL_END_MEV


def mean_energy_mev(component: Component) -> float:
    """Mean neutrino energy [MeV] of the spectrum."""
    # The Michel spectra are cubic: three nodes integrate E times the spectrum exactly.
    energies, weights = energy_rule(component, np.array(0.0), order=3)
    return float((energies * weights).sum())
