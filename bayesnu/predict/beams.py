"""Who arrives at a detector: one flavour, or solar neutrinos, whose flavours follow from energy and mixing."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bayesnu.physics import fluxes, mixing, solar_survival
from bayesnu.schema import Component

Theta = Mapping[str, Any]
"""Parameter -> value in internal units; an angle -> (cosine, sine)."""


class SolarBeam(NamedTuple):
    """Solar neutrinos of one mean energy, made where the electrons have one density [Avogadro's number per cm3]."""

    energy_mev: float
    electron_density: float


Beam = str | SolarBeam
"""A flavour, or solar neutrinos; '' stands for any flavour."""


def beam_of(component: Component) -> Beam:
    """What a flux component is to a coupling."""
    density = getattr(component, "electron_density", None)
    if component.flavour != "nu_solar" or density is None:
        return component.flavour
    return SolarBeam(fluxes.mean_energy_mev(component), density)


def solar_of(beams: Sequence[Beam]) -> tuple[SolarBeam, ...]:
    """Those of the beams that come from the sun."""
    return tuple(beam for beam in beams if isinstance(beam, SolarBeam))


def mass_states(beams: Sequence[SolarBeam], theta: Theta, xp: Any) -> tuple[Any, Any, Any, Any]:
    """Probabilities [1] that solar neutrinos arrive as each mass state, the fourth one sterile; beams come first.

    All beams at once: a graph of one vector compiles many times faster than one of twenty numbers.
    """
    shape = (-1, *(1,) * _batch_axes(theta))
    return solar_survival.mass_state_probabilities(
        np.array([beam.energy_mev for beam in beams]).reshape(shape),
        np.array([beam.electron_density for beam in beams]).reshape(shape),
        sin2_theta_12=theta["sin2_theta_12"],
        sin2_theta_13=theta["sin2_theta_13"],
        sin2_theta_14=theta.get("sin2_theta_14", 0.0),
        delta_m2_21_ev2=theta["dm2_21"] * MASS_SQUARED_UNIT_EV2,
        xp=xp,
    )


def _batch_axes(theta: Theta) -> int:
    """How many axes the parameters have: none for one point, one for many."""
    parts = [part for value in theta.values() for part in (value if isinstance(value, tuple) else (value,))]
    return max((getattr(part, "ndim", 0) for part in parts), default=0)


MASS_SQUARED_UNIT_EV2 = 1e-5
"""Differences of squared masses inside the package are in units of 1e-5 eV2."""


def flavour_shares(beams: Sequence[SolarBeam], theta: Theta, xp: Any) -> tuple[Any, ...]:
    """Shares of nu_e, nu_mu and nu_tau [1] of solar neutrinos on Earth (arXiv:2109.09545, Eq 5 and below)."""
    sin2_12, sin2_13, sin2_23 = (theta[f"sin2_theta_{ij}"] for ij in ("12", "13", "23"))
    rows = mixing.pmns(sin2_12, sin2_13, sin2_23, theta["delta_cp"], xp)
    return solar_survival.flavour_probabilities(mass_states(beams, theta, xp), rows)
