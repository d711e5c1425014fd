"""Charts: the coordinates in which NUTS samples, chosen by the priors.

A modulus and its own flat phase are one complex number: a signed modulus (no wall at zero) with a point near the unit
circle, or a point of a disc. What a chart adds to the prior density is known in closed form: its log density.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesnu.likelihood.priors import LOG_SQRT_TWO_PI, PRIORS, TWO_PI
from bayesnu.schema import Circular, HalfNormal, Prior, SquareUniform, Uniform

Array = NDArray[np.float64]
Kind = Literal["plain", "log", "root", "ring", "signed", "disc", "disc-phase"]

RING_MEAN = 1.0
RING_SD = 0.2
"""Radius of the ring: the angle is exactly flat and the sampler never meets the origin."""


class Chart(NamedTuple):
    """How one parameter is sampled; `partner` is the phase of a disc's modulus, or the modulus of a phase."""

    kind: Kind
    partner: str = ""


def charts(priors: Mapping[str, Prior], phases: Mapping[str, str], anchor: str) -> dict[str, Chart]:
    """Chart of each parameter; `phases` maps moduli to their phases, `anchor` is the modulus whose phase is zero."""
    found: dict[str, Chart] = {name: Chart(PRIORS[type(p)].chart) for name, p in priors.items()}  # type: ignore[arg-type]
    free = {m: z for m, z in phases.items() if m in priors and _is_flat_angle(priors.get(z))}
    for modulus, phase in free.items():
        kind = _complex_kind(priors[modulus])
        found[modulus] = Chart(kind or found[modulus].kind, phase)
        found[phase] = Chart("disc-phase" if kind == "disc" else "ring", modulus)
    # A sign of the anchor is a common phase of all the others: harmless where those are all free and flat.
    if anchor in priors and phases and len(free) == len(phases) and _complex_kind(priors[anchor]) == "signed":
        found[anchor] = Chart("signed")
    return found


def _is_flat_angle(prior: Prior | None) -> bool:
    return isinstance(prior, Circular) and prior.concentration == 0


def _complex_kind(prior: Prior) -> Kind | None:
    from_zero = getattr(prior, "low", 0.0) == 0.0
    if isinstance(prior, Uniform | HalfNormal) and from_zero:
        return "signed"
    return "disc" if isinstance(prior, SquareUniform) and from_zero else None


# --- log densities, on an array namespace -----------------------------------------------------------------------------


def ring_log_density(point: Any, mean: float, concentration: float, xp: Any) -> Any:
    """Log density of (x, y): von Mises in the angle, N(1, 0.2) in the radius, 1/r from the area element."""
    x, y = point[..., 0], point[..., 1]
    radius = xp.sqrt(x * x + y * y)
    along = (x * math.cos(mean) + y * math.sin(mean)) / radius
    angle = concentration * (along - 1.0) - math.log(TWO_PI * special.i0e(concentration))
    return angle + radius_log_density(radius) - xp.log(radius)


def radius_log_density(radius: Any) -> Any:
    """Log density of the ring's radius: a Gaussian cut at zero; integrates to one."""
    inside = math.log(special.ndtr(RING_MEAN / RING_SD))
    return -0.5 * ((radius - RING_MEAN) / RING_SD) ** 2 - math.log(RING_SD) - LOG_SQRT_TWO_PI - inside


def disc_log_density(point: Any, xp: Any) -> Any:
    """Log density of (a, b) whose image R (a, b)/sqrt(1 + a^2 + b^2) is flat on the disc of radius R."""
    squared = point[..., 0] ** 2 + point[..., 1] ** 2
    return -2.0 * xp.log(1.0 + squared) - math.log(math.pi)


def draw_ring(rng: np.random.Generator, mean: float, concentration: float, size: int) -> Array:
    """Points of the ring, (size, 2)."""
    angle = rng.vonmises(mean, concentration, size) if concentration > 0 else rng.uniform(0, TWO_PI, size)
    cut = special.ndtr(-RING_MEAN / RING_SD)
    radius = RING_MEAN + RING_SD * special.ndtri(cut + (1 - cut) * rng.uniform(size=size))
    return np.asarray(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1))


def draw_disc(rng: np.random.Generator, size: int) -> Array:
    """Points (a, b) whose image is flat on the disc, (size, 2)."""
    squared = rng.uniform(size=size)
    radius, angle = np.sqrt(squared / (1 - squared)), rng.uniform(0, TWO_PI, size)
    return np.asarray(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1))


# --- what a chart adds to the prior -----------------------------------------------------------------------------------


def chart_log_density(kind: Kind, value: float, point: Array, high: float) -> float:
    """Log of (density of the sampled point) / (prior density of the parameter), at one point.

    `value` is the parameter, `point` what is sampled in its place, `high` the upper end of a disc's modulus.
    """
    match kind:
        case "log":
            return math.log(value)
        case "root":
            return -math.log(2.0 * value)
        case "signed":
            return -math.log(2.0)
        case "ring":
            radius = float(np.hypot(*point))
            return float(radius_log_density(radius)) - math.log(radius)
        case "disc":
            density = float(disc_log_density(point, np))
            return density - math.log(2.0 * value / high**2) + math.log(TWO_PI)
        case _:
            return 0.0
