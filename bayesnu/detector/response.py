"""The chance that a recoil is counted in a bin of the observable."""

from collections.abc import Sequence
from typing import assert_never

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from bayesnu.detector import quenching, smearing, visible
from bayesnu.detector.efficiency import acceptance, breakpoints, opens_at
from bayesnu.schema import (
    Detector,
    Efficiency,
    Isotope,
    LindhardResponse,
    LinearResponse,
    PhotoelectronResponse,
    SmearedResponse,
)

Array = NDArray[np.float64]
Bins = Sequence[tuple[float, float]]

NEGLIGIBLE_MEAN = 0.02
"""Mean photoelectrons below which a recoil cannot reach a bin that opens at 5: P(5 or more) < 3e-11."""


def observable(per_kev: float, recoil_kev: Array) -> Array:
    """Mean observable of a recoil [keV], such as 1.17 photoelectrons per keV (arXiv:1905.03750, Eq 29).

    >>> float(observable(1.17, np.array(10.0)))
    11.7
    """
    return np.asarray(per_kev * recoil_kev)


def counted(detector: Detector, bins: Bins, recoil_kev: Array, isotope: Isotope) -> Array:
    """Probability [bin, recoil] that a recoil of this isotope and energy [keV] is accepted in each bin.

    Bins beside the energy may repeat one range: each is computed once.
    """
    each, position = np.unique(np.array(bins), axis=0, return_inverse=True)
    ranges = [(float(low), float(high)) for low, high in each]
    return _counted(detector, ranges, recoil_kev, isotope)[position]


def _counted(detector: Detector, bins: Bins, recoil_kev: Array, isotope: Isotope) -> Array:
    response = detector.response
    match response:
        case LinearResponse():
            return _inside(detector.efficiency, bins, observable(response.per_kev, recoil_kev))
        case LindhardResponse():
            return _inside(detector.efficiency, bins, quenching.electron_kev(response, isotope, recoil_kev))
        case PhotoelectronResponse():
            return _photoelectrons(response, detector.efficiency, bins, recoil_kev)
        case SmearedResponse():
            visible.require_rising(response.quenching, recoil_kev)
            seen = visible.visible_kev(response.quenching, recoil_kev)
            return smearing.counted(response, detector.efficiency, bins, seen)
        case _:  # pragma: no cover
            assert_never(response)


def _inside(efficiency: Efficiency, bins: Bins, value: Array) -> Array:
    """Acceptance [bin, recoil] of an observable without fluctuations."""
    low, high = np.array(bins).T
    inside = (value >= low[:, None]) & (value < high[:, None])
    return np.asarray(inside * acceptance(efficiency, value))


def _photoelectrons(response: PhotoelectronResponse, efficiency: Efficiency, bins: Bins, recoil_kev: Array) -> Array:
    """Acceptance [bin, recoil] of whole photoelectrons, Poisson around their mean."""
    visible.require_rising(response.quenching, recoil_kev)
    mean = observable(response.per_kev, visible.visible_kev(response.quenching, recoil_kev))
    low, high = np.array(bins).T
    numbers = np.arange(np.ceil(low.min()), np.ceil(high.max()))
    accepted = acceptance(efficiency, numbers + response.acceptance_offset)
    chances = accepted[:, None] * _poisson(numbers[:, None], mean)
    inside = (numbers >= low[:, None]) & (numbers < high[:, None])
    return np.asarray(inside.astype(float) @ chances)


def _poisson(number: Array, mean: Array) -> Array:
    return np.asarray(np.exp(xlogy(number, mean) - mean - gammaln(number + 1)))


def cuts_kev(detector: Detector, bins: Bins, isotope: Isotope) -> Array:
    """Recoil energies [keV] where the response starts, jumps or, for a smooth one, merely is long: panel edges."""
    response, edges = detector.response, np.unique(np.array(bins))
    jumps = np.unique(np.append(edges, breakpoints(detector.efficiency)))
    jumps = jumps[jumps >= opens_at(detector.efficiency)]
    match response:
        case LinearResponse():
            return np.asarray(jumps / response.per_kev)
        case LindhardResponse():
            return quenching.recoil_kev(response, isotope, jumps)
        case PhotoelectronResponse():
            starts = NEGLIGIBLE_MEAN if edges[0] >= 5 else 0.0
            reach = edges[-1] + 10 * np.sqrt(edges[-1]) + 10
            smooth = np.geomspace(max(edges[0] / 8, 0.5), reach, 9)
            return _recoils(response.quenching, np.unique(np.append(starts, smooth)) / response.per_kev)
        case SmearedResponse():
            return _recoils(response.quenching, smearing.cuts_kev(response, detector.efficiency, bins))
        case _:  # pragma: no cover
            assert_never(response)


def _recoils(coefficients: Sequence[float], visible_kev: Array) -> Array:
    """The recoils [keV] of these visible energies [keV]; those that no recoil reaches are left out."""
    found = visible.recoil_kev(coefficients, visible_kev)
    return np.asarray(found[np.isfinite(found)])
