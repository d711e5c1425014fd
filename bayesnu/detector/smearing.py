"""A Gaussian resolution around the visible energy, under an efficiency that is a function of one of the two energies.

The integral of a Gaussian times a straight line over a bin is known (erf and exp), so a tabulated efficiency of the
reconstructed energy costs no quadrature.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bayesnu.detector.efficiency import acceptance, breakpoints, opens_at, segments
from bayesnu.errors import PredictionError
from bayesnu.schema import Efficiency, SigmoidEfficiency, SmearedResponse

Array = NDArray[np.float64]
Bins = Sequence[tuple[float, float]]

REACH = 9.0
"""Standard deviations beyond which nothing is reconstructed: the chance is 1e-19."""
PANEL = 4.0
"""Standard deviations that one panel of the quadrature spans."""
RATIO = 2.0
"""Largest ratio of the ends of a panel."""


def sd_kev(response: SmearedResponse, visible_kev: Array) -> Array:
    """Standard deviation [keV] of the reconstructed energy, a sqrt(E) + b E (arXiv:2006.12659: a = 0.58, b = 0).

    >>> response = SmearedResponse(sqrt_kev=0.58, linear=0.0, efficiency_at="true")
    >>> float(sd_kev(response, np.array(4.0)))
    1.16
    """
    return np.asarray(response.sqrt_kev * np.sqrt(visible_kev) + response.linear * visible_kev)


def counted(response: SmearedResponse, efficiency: Efficiency, bins: Bins, visible_kev: Array) -> Array:
    """Probability [bin, recoil] that a visible energy E [keV] is accepted and reconstructed in each bin."""
    sd = sd_kev(response, visible_kev)
    low, high = np.array(bins).T[..., None]
    if response.efficiency_at == "true":
        inside = ndtr((high - visible_kev) / sd) - ndtr((low - visible_kev) / sd)
        return np.asarray(acceptance(efficiency, visible_kev) * inside)
    return _accepted(efficiency, bins, visible_kev, sd)


def _accepted(efficiency: Efficiency, bins: Bins, visible_kev: Array, sd: Array) -> Array:
    """Integral of Gaussian x efficiency over each bin: one closed form for each straight piece of the efficiency.

    With z = (x - E)/sd the integral of (v + s (x - x_0)) times the Gaussian is
    (v + s (E - x_0)) Phi(z) - s sd phi(z).
    """
    if isinstance(efficiency, SigmoidEfficiency):
        raise PredictionError("detector.efficiency: a sigmoid of the reconstructed energy has no closed form;"
                              " tabulate it, or declare efficiency_at = 'true'")  # fmt: skip
    starts, values, slopes = segments(efficiency)
    edges = np.unique(np.array(bins))
    cuts = np.unique(np.concatenate([edges, starts[(starts > edges[0]) & (starts < edges[-1])]]))
    piece = np.searchsorted(starts, cuts[:-1], side="right") - 1
    z = (cuts[:, None] - visible_kev) / sd
    # Below the first piece nothing is accepted.
    value = np.where(piece >= 0, values[piece], 0.0)[:, None]
    slope = np.where(piece >= 0, slopes[piece], 0.0)[:, None]
    # A flat efficiency starts nowhere; wherever it is anchored, its slope is zero.
    anchor = np.where(np.isfinite(starts), starts, edges[0])[piece][:, None]
    flat = value + slope * (visible_kev - anchor)
    parts = flat * np.diff(ndtr(z), axis=0) - slope * sd * np.diff(_normal(z), axis=0)
    low, high = np.array(bins).T
    inside = (cuts[:-1] >= low[:, None]) & (cuts[:-1] < high[:, None])
    return np.asarray(inside.astype(float) @ parts)


def _normal(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))


def cuts_kev(response: SmearedResponse, efficiency: Efficiency, bins: Bins) -> Array:
    """Visible energies [keV] that cut the range into panels on which the response is smooth.

    Panels are a few standard deviations wide; where the efficiency is one of the true energy they end at its jumps.
    """
    edges = np.unique(np.array(bins))
    at_true = response.efficiency_at == "true"
    opens = opens_at(efficiency)
    lowest = edges[0] if at_true else max(edges[0], opens)
    start = max(_faintest(response, lowest), opens if at_true else 0.0)
    if start <= 0:
        return np.append(0.0, _stepped(response, edges[-1] / 1e3, edges[-1]))
    stepped = _stepped(response, start, edges[-1])
    jumps = np.array(breakpoints(efficiency) if at_true else (), dtype=np.float64)
    return np.unique(np.concatenate([stepped, jumps[(jumps > start) & (jumps < stepped[-1])]]))


def _faintest(response: SmearedResponse, edge: float) -> float:
    """Visible energy [keV] that fluctuates up to an edge only beyond reach: E + reach sd(E) = edge."""
    if edge <= 0:
        return 0.0
    a, b = REACH * response.sqrt_kev, 1 + REACH * response.linear
    return float((2 * edge / (a + np.sqrt(a * a + 4 * b * edge))) ** 2)


def _stepped(response: SmearedResponse, start: float, top: float) -> Array:
    """Energies a few standard deviations apart, until they fluctuate down to the top edge only beyond reach."""
    cuts = [start]
    while cuts[-1] - REACH * _sd(response, cuts[-1]) < top and cuts[-1] < 1e3 * top:
        cuts.append(min(cuts[-1] + PANEL * _sd(response, cuts[-1]), RATIO * cuts[-1]))
    return np.array(cuts)


def _sd(response: SmearedResponse, visible_kev: float) -> float:
    return float(sd_kev(response, np.array(visible_kev)))
