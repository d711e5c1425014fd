"""Exact integrals of a neutrino spectrum times E^0, E^-1 and E^-2 above a smallest energy.

With them a cross section that is a polynomial in 1/E (physics.inverse_energy) meets a spectrum without any quadrature.
Sums of positive terms only, so that the tail of a spectrum keeps its relative accuracy up to the end point.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bayesnu.physics.inverse_energy import SpectrumMoments

Array = NDArray[np.float64]

_SERIES_BELOW = 0.1
"""Where the series of the logarithm replaces it: there 1 - log(1 + u)/u loses digits."""
_SERIES = tuple(1 / (2 * n + 3) for n in range(8))
"""Of (atanh(v)/v - 1)/v^2 in v^2; the first term left out is below 1e-17 at the border."""


def moments_above(lowest_mev: Array, energy_mev: Array, density_per_mev: Array) -> SpectrumMoments:
    """Integrals above lowest_mev of a tabulated spectrum, straight lines between its points and zero outside.

    The energies are positive and do not fall; two points at one energy make a jump. Closed form in each segment,
    also in the one that lowest_mev cuts; the segments above it come from a running sum.
    """
    left, right, start, end = energy_mev[:-1], energy_mev[1:], density_per_mev[:-1], density_per_mev[1:]
    if not (energy_mev[0] > 0 and np.all(right >= left)):
        raise ValueError("a tabulated spectrum needs positive energies that do not fall")
    above = [_sum_of_later(part) for part in _straight_line(left, right, start, end)]
    lowest = np.clip(np.asarray(lowest_mev, dtype=np.float64), energy_mev[0], energy_mev[-1])
    cut = np.clip(np.searchsorted(energy_mev, lowest, side="right") - 1, 0, left.size - 1)
    low, high = left[cut], right[cut]
    share = (high - lowest) / np.where(high > low, high - low, 1.0)
    density = start[cut] * share + end[cut] * (1 - share)
    pieces = _straight_line(lowest, high, density, end[cut])
    return SpectrumMoments(*(piece + part[cut] for piece, part in zip(pieces, above, strict=True)))


def polynomial_moments_above(
    lowest_mev: Array, first_mev: float, last_mev: float, coefficients: Sequence[float]
) -> SpectrumMoments:
    """Integrals above lowest_mev of a spectrum sum_n a_n E^n [1/MeV] between two energies.

    a_0 + a_1 E is a straight line; the rest, divided by E^2 at most, stays a polynomial, for which few
    Gauss-Legendre points are exact. first_mev may be zero if a_0 and a_1 are (Michel: a_2 and a_3 alone).
    """
    lowest = np.clip(np.asarray(lowest_mev, dtype=np.float64), first_mev, last_mev)
    constant, slope, *rest = (*coefficients, 0.0, 0.0)
    nodes, weights = np.polynomial.legendre.leggauss(len(rest) // 2 + 2)
    half = (last_mev - lowest)[..., np.newaxis] / 2
    energies = lowest[..., np.newaxis] + half * (1 + nodes)
    over_square = np.polynomial.polynomial.polyval(energies, rest) * half * weights
    moments = SpectrumMoments(*((over_square * energies**power).sum(axis=-1) for power in (2, 1, 0)))
    if constant == slope == 0.0:
        return moments
    end = np.full_like(lowest, last_mev)
    line = _straight_line(lowest, end, constant + slope * lowest, constant + slope * end)
    return SpectrumMoments(*(a + b for a, b in zip(line, moments, strict=True)))


def line_moments_above(lowest_mev: Array, energy_mev: Array, intensity: Array) -> SpectrumMoments:
    """Sums over the lines of higher energy than lowest_mev of their intensities times E^0, E^-1 and E^-2."""
    order = np.argsort(energy_mev)
    energies, intensities = energy_mev[order], intensity[order]
    first = np.searchsorted(energies, lowest_mev, side="right")
    terms = (intensities / energies**power for power in (0, 1, 2))
    return SpectrumMoments(*(_sum_of_later(np.concatenate(([0.0], term)))[first] for term in terms))


def _sum_of_later(terms: Array) -> Array:
    """Sum of all later terms, for each term; added from the end, where spectra are smallest."""
    return np.append(np.cumsum(terms[:0:-1])[::-1], 0.0)


def _straight_line(low: Array, high: Array, start: Array, end: Array) -> tuple[Array, Array, Array]:
    """Integrals from low to high of E^0, E^-1, E^-2 times a straight line from start to end.

    Each is a sum of the two end values with weights that are positive, so nothing cancels.
    """
    width = high - low
    far, near = _weights(width, low + high)
    inverse = start * near + end * far
    return (
        width * (start + end) / 2,
        width * inverse / low,
        width * (start * far / low + end * near / high) / low,
    )


def _weights(width: Array, double: Array) -> tuple[Array, Array]:
    """With u = high/low - 1: (u - log(1 + u))/u^2 and ((1 + u) log(1 + u) - u)/u^2, both 1/2 for u -> 0."""
    v = width / double
    series = np.polynomial.polynomial.polyval(v * v, _SERIES)
    small = v < _SERIES_BELOW
    u = np.where(small, 1.0, 2 * v / (1 - v))
    logarithm = np.where(small, (1 - v) * (1 + v * v * series), np.log1p(u) / u)
    far = np.where(small, (1 - v) / 2 - v * (1 - v) ** 2 * series / 2, (1 - logarithm) / u)
    return far, logarithm - far
