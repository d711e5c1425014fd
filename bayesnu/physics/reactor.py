"""Antineutrinos of reactors: spectra per fission of a core, and fits to them."""

from itertools import pairwise
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import constants

from bayesnu.schema import FissionIsotope, MaxwellFit, ReactorSpectrum

Array = NDArray[np.float64]

PANEL_MEV: Final = 2.0
"""Longest panel of a quadrature over the polynomials' range [MeV]."""
OCTAVES: Final = 12
"""Panels of a quadrature over a fit: each is half as long as the next one."""
MEV_PER_S_IN_GW: Final = float(constants.giga / (constants.mega * constants.elementary_charge))
"""Energy that a gigawatt releases [MeV/s]."""


# --- spectra ----------------------------------------------------------------------------------------------------------


def density_per_mev(spectrum: ReactorSpectrum | MaxwellFit, energy_mev: Array) -> Array:
    """Spectrum [1/MeV] of a core, per fission, or of a fit."""
    if isinstance(spectrum, MaxwellFit):
        return fit_density_per_mev(spectrum, energy_mev)
    return fission_density_per_mev(spectrum, energy_mev)


def fission_density_per_mev(spectrum: ReactorSpectrum, energy_mev: Array) -> Array:
    """Antineutrinos per MeV and fission of a core, sum_i f_i s_i(E), zero outside [0, end].

    Above the last energy of the table s_i = exp(sum_k a_k E^k), below it the straight lines between the table's points.
    References: Mueller et al., Phys. Rev. C 83 (2011) 054615 (arXiv:1101.2663), Table VI;
    Vogel and Engel, Phys. Rev. D 39 (1989) 3378, Table I.
    """
    inside = (energy_mev >= 0) & (energy_mev <= spectrum.end_mev)
    # The polynomials are asked inside only: far outside they overflow.
    energy = np.where(inside, energy_mev, 0.0)
    shape = sum(i.fraction * _isotope_density(i, spectrum.low_energy_mev, energy) for i in spectrum.isotopes.values())
    return np.where(inside, shape, 0.0)


def _isotope_density(isotope: FissionIsotope, table_mev: tuple[float, ...], energy_mev: Array) -> Array:
    table = np.interp(energy_mev, table_mev, isotope.low_energy)
    polynomial = np.exp(np.polynomial.polynomial.polyval(energy_mev, isotope.polynomial))
    return np.where(energy_mev >= table_mev[-1], polynomial, table)


def fit_density_per_mev(fit: MaxwellFit, energy_mev: Array) -> Array:
    """Spectrum [1/MeV] a E^b exp(-c E^d), E in MeV, zero outside [start, end] (arXiv:1506.05406, Eq 17)."""
    inside = (energy_mev >= fit.start_mev) & (energy_mev <= fit.end_mev)
    energy = np.where(inside, energy_mev, 1.0)
    shape = fit.amplitude * energy**fit.power * np.exp(-fit.slope * energy**fit.exponent)
    return np.where(inside, shape, 0.0)


def low_energy_table(spectrum: ReactorSpectrum) -> Array:
    """Antineutrinos per MeV and fission of a core at the energies of its table."""
    isotopes = spectrum.isotopes.values()
    return np.sum([i.fraction * np.asarray(i.low_energy, dtype=np.float64) for i in isotopes], axis=0)


# --- quadrature -------------------------------------------------------------------------------------------------------


def panels_mev(spectrum: ReactorSpectrum | MaxwellFit) -> tuple[float, ...]:
    """Edges [MeV] of the panels in which a spectrum is smooth, from its start to its end.

    Those of a core are the energies of its table, where the spectrum kinks, and equal steps over the polynomials; those
    of a fit halve towards its start, because E^k is no polynomial.
    """
    if isinstance(spectrum, MaxwellFit):
        halved = (spectrum.end_mev * 0.5**octave for octave in reversed(range(OCTAVES)))
        return (spectrum.start_mev, *(edge for edge in halved if edge > spectrum.start_mev))
    switch = spectrum.low_energy_mev[-1]
    steps = ceil((spectrum.end_mev - switch) / PANEL_MEV)
    return (*spectrum.low_energy_mev, *(float(e) for e in np.linspace(switch, spectrum.end_mev, steps + 1)[1:]))


def smooth_edges_mev(spectrum: ReactorSpectrum | MaxwellFit) -> tuple[float, ...]:
    """Edges [MeV] of those panels in which the spectrum is no straight line: all of a fit, a core's polynomials."""
    start = spectrum.low_energy_mev[-1] if isinstance(spectrum, ReactorSpectrum) else spectrum.start_mev
    return tuple(edge for edge in panels_mev(spectrum) if edge >= start)


def panel_rule(
    spectrum: ReactorSpectrum | MaxwellFit, lowest_mev: Array, nodes: Array, node_weights: Array
) -> tuple[Array, Array]:
    """Energies [MeV] and weights that integrate a spectrum above lowest_mev, with Gauss-Legendre nodes in each panel.

    lowest_mev has a last axis of length one, on which the panels are laid side by side. A panel below lowest_mev
    shrinks to nothing.
    """
    energies, weights = [], []
    for low, high in pairwise(panels_mev(spectrum)):
        start = np.clip(lowest_mev, low, high)
        half = (high - start) / 2
        energies.append(start + half * (1 + nodes))
        weights.append(half * node_weights)
    energy = np.concatenate(energies, axis=-1)
    return energy, np.concatenate(weights, axis=-1) * density_per_mev(spectrum, energy)


# --- power ------------------------------------------------------------------------------------------------------------


def energy_per_fission_mev(spectrum: ReactorSpectrum) -> float:
    """Mean energy that a fission of the core releases [MeV], sum_i f_i E_i."""
    return sum(isotope.fraction * isotope.energy_per_fission_mev for isotope in spectrum.isotopes.values())


def fissions_per_s(spectrum: ReactorSpectrum, thermal_power_gw: float) -> float:
    """Fissions per second of a core: thermal power / mean energy per fission.

    Reference: Kopeikin, Mikaelyan, Sinev, Phys. Atom. Nucl. 67 (2004) 1892.
    """
    return thermal_power_gw * MEV_PER_S_IN_GW / energy_per_fission_mev(spectrum)
