"""Neutrinos of a radioactive source: its decays, and how many of them cross a detector beside it."""

from math import atan, expm1, log, log1p, pi
from typing import Final

from bayesnu.constants import CM_PER_M
from bayesnu.schema import SourceBelowCylinder

BECQUEREL_IN_MCI: Final = 3.7e16
"""Decays per second of a megacurie."""
S_PER_D: Final = 86400.0


def decays(activity_mci: float, half_life_d: float, live_time_d: float) -> float:
    """Decays in a live time, A_0 tau (1 - exp(-t/tau)) with tau = half-life/log 2."""
    lifetime_d = half_life_d / log(2)
    return -activity_mci * BECQUEREL_IN_MCI * lifetime_d * S_PER_D * expm1(-live_time_d / lifetime_d)


def mean_dilution_per_m2(height_m: float, diameter_m: float, distance_to_centre_m: float) -> float:
    """Mean over a cylinder of 1/(4 pi r^2) [1/m2], r measured from a point on its axis outside it.

    The integral over the discs is that of log(1 + R^2/z^2)/(4 R^2 h) over their distances z, in closed form.
    """
    nearest, farthest = distance_to_centre_m - height_m / 2, distance_to_centre_m + height_m / 2
    if not nearest > 0:
        raise ValueError(
            f"a source {distance_to_centre_m:g} m from the centre of a cylinder {height_m:g} m high, in it"
        )
    radius_m = diameter_m / 2
    whole = _over_discs(farthest, radius_m) - _over_discs(nearest, radius_m)
    return whole / (4 * pi * radius_m**2 * height_m)


def _over_discs(z: float, radius: float) -> float:
    """Antiderivative of log(1 + R^2/z^2)."""
    return z * log1p((radius / z) ** 2) + 2 * radius * atan(z / radius)


def decays_per_cm2(source: SourceBelowCylinder) -> float:
    """Decays of a source x mean of 1/(4 pi r^2) over the detector [1/cm2]: a fluence for one neutrino a decay."""
    number = decays(source.activity_mci, source.half_life_d, source.live_time_d)
    dilution = mean_dilution_per_m2(source.height_m, source.diameter_m, source.distance_to_centre_m)
    return number * dilution / CM_PER_M**2
