"""Integrals of a smooth neutrino spectrum times E^0, E^-1 and E^-2 above thousands of smallest energies at once.

Where a spectrum is no polynomial and no table (fits of reactor spectra), its integrals up to the end of a panel are
interpolated by Chebyshev polynomials, to the accuracy of floating-point numbers.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.polynomial import chebyshev, legendre
from numpy.typing import NDArray

from bayesnu.physics.inverse_energy import SpectrumMoments

Array = NDArray[np.float64]

ORDER: Final = 24
"""Chebyshev nodes, and Gauss-Legendre nodes above each of them, in one panel."""


def smooth_moments_above(
    lowest_mev: Array, edges_mev: Sequence[float], density_per_mev: Callable[[Array], Array]
) -> SpectrumMoments:
    """Integrals above lowest_mev of a spectrum that is smooth between these edges and zero outside them.

    From E to the end b of a panel they are (b - E) times the mean of the spectrum over that range, which is smooth and
    of one sign: the factor in front keeps the relative accuracy up to the end point.
    """
    lowest = np.asarray(lowest_mev, dtype=np.float64)
    moments = np.zeros((3, lowest.size))
    for low, high in pairwise(edges_mev):
        start = np.clip(lowest.ravel(), low, high)
        inside = np.flatnonzero((start > low) & (start < high))
        means = _means(low, high, density_per_mev)
        whole = (high - low) * chebyshev.chebval(np.array([-1.0]), means)
        moments += np.where(start > low, 0.0, whole)
        position = (2 * start[inside] - low - high) / (high - low)
        moments[:, inside] += (high - start[inside]) * chebyshev.chebval(position, means)
    return SpectrumMoments(*(part.reshape(lowest.shape) for part in moments))


def _means(low: float, high: float, density_per_mev: Callable[[Array], Array]) -> Array:
    """Chebyshev coefficients of the mean of the spectrum times each power of E, from E to the end of a panel."""
    nodes, to_coefficients, unit_nodes, unit_weights = _rules()
    start = low + (high - low) * (1 + nodes) / 2
    energies = start[:, np.newaxis] + (high - start)[:, np.newaxis] * unit_nodes
    weighted = density_per_mev(energies) * unit_weights
    means = np.stack([(weighted * energies**-power).sum(axis=1) for power in (0.0, 1.0, 2.0)], axis=1)
    return np.asarray(to_coefficients @ means)


@lru_cache(maxsize=1)
def _rules() -> tuple[Array, Array, Array, Array]:
    """Chebyshev nodes, values at them to coefficients, and Gauss-Legendre nodes and weights on [0, 1]."""
    nodes = chebyshev.chebpts1(ORDER)
    gauss, weights = (np.asarray(part, dtype=np.float64) for part in legendre.leggauss(ORDER))
    to_coefficients = np.asarray(np.linalg.inv(chebyshev.chebvander(nodes, ORDER - 1)), dtype=np.float64)
    return nodes, to_coefficients, (1 + gauss) / 2, weights / 2
