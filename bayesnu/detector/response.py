"""The chance that a nuclear recoil is counted in a bin of the observable."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from bayesnu.detector.efficiency import acceptance, breakpoints, opens_at
from bayesnu.schema import Detector, LinearResponse

Array = NDArray[np.float64]
Bins = Sequence[tuple[float, float]]

NEGLIGIBLE_MEAN = 0.02
"""Mean photoelectrons below which a recoil cannot reach a bin that opens at 5: P(5 or more) < 3e-11."""


def observable(per_kev: float, recoil_kev: Array) -> Array:
    """Mean observable of a nuclear recoil [keV], such as 1.17 photoelectrons per keV (arXiv:1905.03750, Eq 29).

    >>> float(observable(1.17, np.array(10.0)))
    11.7
    """
    return np.asarray(per_kev * recoil_kev)


def counted(detector: Detector, bins: Bins, recoil_kev: Array) -> Array:
    """Probability [bin, recoil] that a recoil of this energy [keV] is accepted in each bin."""
    mean = observable(detector.response.per_kev, recoil_kev)
    low, high = np.array(bins).T
    if isinstance(detector.response, LinearResponse):
        inside = (mean >= low[:, None]) & (mean < high[:, None])
        return np.asarray(inside * acceptance(detector.efficiency, mean))
    numbers = np.arange(np.ceil(low.min()), np.ceil(high.max()))
    accepted = acceptance(detector.efficiency, numbers + detector.response.acceptance_offset)
    chances = accepted[:, None] * _poisson(numbers[:, None], mean)
    inside = (numbers >= low[:, None]) & (numbers < high[:, None])
    return np.asarray(inside.astype(float) @ chances)


def _poisson(number: Array, mean: Array) -> Array:
    return np.asarray(np.exp(xlogy(number, mean) - mean - gammaln(number + 1)))


def cuts_kev(detector: Detector, bins: Bins) -> Array:
    """Recoil energies [keV] where the response starts, jumps or, for a smooth one, merely is long: panel edges."""
    per_kev = detector.response.per_kev
    edges = np.unique(np.array(bins))
    if isinstance(detector.response, LinearResponse):
        jumps = np.append(edges, breakpoints(detector.efficiency)) / per_kev
        return np.unique(jumps[jumps >= opens_at(detector.efficiency) / per_kev])
    starts = NEGLIGIBLE_MEAN if edges[0] >= 5 else 0.0
    reach = edges[-1] + 10 * np.sqrt(edges[-1]) + 10
    return np.unique(np.concatenate(([starts], np.geomspace(max(edges[0] / 8, 0.5), reach, 9)))) / per_kev
