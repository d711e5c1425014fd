"""Interactions as terms: what each contributes per unit coupling, and how its couplings follow from the parameters.

A rate is linear in its couplings; the couplings are the only place where parameters meet physics. They are real
arithmetic on an array namespace, so that the same function serves NumPy, PyTensor and the tests.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import MOMENT_UNIT_MU_B
from bayesnu.physics import mixing, moments, nucleus
from bayesnu.schema import Couplings, Isotope, Setup

Array = NDArray[np.float64]
Theta = Mapping[str, Any]
"""Parameter -> value in internal units; an angle -> (cosine, sine)."""

Values = dict[tuple[str, str], Any]
"""(term, flavour) -> coupling; flavour '' stands for all of them."""

Dimension = Literal["moment", "angle", "number"]

LEPTON = {"nu_e": 0, "nubar_e": 0, "nu_mu": 1, "nubar_mu": 1, "nu_tau": 2, "nubar_tau": 2}


class Recoil(NamedTuple):
    """What a term's rate needs at each quadrature point."""

    isotope: Isotope
    recoil_mev: Array
    energy_mev: Array
    mass_mev: float
    proton_factor: Array
    neutron_factor: Array
    kinematics: str


class Interaction(NamedTuple):
    """A name, the terms it adds, the parameters it uses, and its couplings."""

    component: str
    terms: tuple[str, ...]
    parameters: Mapping[str, Dimension]
    couplings: Callable[[Couplings, Theta, Sequence[str], Any], Values]
    phases: Mapping[str, str] = {}
    """Modulus -> the phase that turns with it; the pair is one complex number."""
    anchor: str = ""
    """The modulus whose phase is zero: one overall phase is unphysical."""


# --- counts per unit coupling -----------------------------------------------------------------------------------------


def _vector(point: Recoil, charge: Array) -> Array:
    section = nucleus.vector_cross_section(point.recoil_mev, point.energy_mev, point.mass_mev, point.kinematics)
    return section * charge


def _axial(point: Recoil, charge: Array) -> Array:
    return nucleus.axial_cross_section(point.recoil_mev, point.energy_mev, point.mass_mev) * charge


def _products(protons: float, neutrons: float, point: Recoil) -> tuple[Array, Array, Array]:
    """Squares and twice the product of Z F_p and N F_n, or of the unpaired nucleons."""
    p, n = protons * point.proton_factor, neutrons * point.neutron_factor
    return p * p, 2 * p * n, n * n


def _vector_products(point: Recoil) -> tuple[Array, Array, Array]:
    return _products(point.isotope.charge, point.isotope.neutrons, point)


def _axial_products(point: Recoil) -> tuple[Array, Array, Array]:
    return _products(point.isotope.unpaired_protons, point.isotope.unpaired_neutrons, point)


RATES: dict[str, Callable[[Recoil], Array]] = {
    "sm-pp": lambda point: _vector(point, _vector_products(point)[0]),
    "sm-pn": lambda point: _vector(point, _vector_products(point)[1]),
    "sm-nn": lambda point: _vector(point, _vector_products(point)[2]),
    "sm-axial-pp": lambda point: _axial(point, _axial_products(point)[0]),
    "sm-axial-pn": lambda point: _axial(point, _axial_products(point)[1]),
    "sm-axial-nn": lambda point: _axial(point, _axial_products(point)[2]),
    "magnetic-moment": lambda point: (
        nucleus.magnetic_cross_section(point.recoil_mev, point.energy_mev, point.mass_mev)
        * (point.isotope.charge * point.proton_factor) ** 2
    ),
}
"""Term -> cross section per unit coupling [cm2/MeV] at each point of the quadrature."""


# --- couplings --------------------------------------------------------------------------------------------------------


def _standard_model(couplings: Couplings, theta: Theta, flavours: Sequence[str], xp: Any) -> Values:
    g = nucleus.nucleon_couplings(couplings, theta["sin2_theta_w"])
    return {
        ("sm-pp", ""): g.vector_proton * g.vector_proton,
        ("sm-pn", ""): g.vector_proton * g.vector_neutron,
        ("sm-nn", ""): g.vector_neutron * g.vector_neutron,
        ("sm-axial-pp", ""): g.axial_proton * g.axial_proton,
        ("sm-axial-pn", ""): g.axial_proton * g.axial_neutron,
        ("sm-axial-nn", ""): g.axial_neutron * g.axial_neutron,
    }


def _effective_moment(couplings: Couplings, theta: Theta, flavours: Sequence[str], xp: Any) -> Values:
    return {("magnetic-moment", ""): theta["mu_nu"] * theta["mu_nu"]}


def _transition_moments(couplings: Couplings, theta: Theta, flavours: Sequence[str], xp: Any) -> Values:
    sin2_12, sin2_13, sin2_23 = (theta[f"sin2_theta_{ij}"] for ij in ("12", "13", "23"))
    rows = mixing.pmns(sin2_12, sin2_13, sin2_23, theta["delta_cp"], xp)
    lambdas = [mixing.Pair(theta["lambda_1"], 0.0)]
    for i in (2, 3):
        cosine, sine = theta[f"zeta_{i}"]
        lambdas.append(mixing.Pair(theta[f"lambda_{i}"] * cosine, theta[f"lambda_{i}"] * sine))
    matrix = moments.transition_matrix(lambdas)
    leptons = {LEPTON[f] for f in flavours}
    squared = {lepton: moments.effective_moment_squared(rows[lepton], matrix) for lepton in leptons}
    # A pure flavour has the same effective moment as neutrino and as antineutrino (arXiv:1905.03750, Eqs 12, 18).
    return {("magnetic-moment", f): squared[LEPTON[f]] for f in flavours}


INTERACTIONS: dict[str, Interaction] = {
    "sm": Interaction(
        component="sm",
        terms=("sm-pp", "sm-pn", "sm-nn", "sm-axial-pp", "sm-axial-pn", "sm-axial-nn"),
        parameters={"sin2_theta_w": "number"},
        couplings=_standard_model,
    ),
    "magnetic-moment": Interaction(
        component="magnetic-moment",
        terms=("magnetic-moment",),
        parameters={"mu_nu": "moment"},
        couplings=_effective_moment,
    ),
    "tmm": Interaction(
        component="magnetic-moment",
        terms=("magnetic-moment",),
        parameters={
            "lambda_1": "moment",
            "lambda_2": "moment",
            "lambda_3": "moment",
            "zeta_2": "angle",
            "zeta_3": "angle",
            "delta_cp": "angle",
            "sin2_theta_12": "number",
            "sin2_theta_13": "number",
            "sin2_theta_23": "number",
        },
        couplings=_transition_moments,
        phases={"lambda_2": "zeta_2", "lambda_3": "zeta_3"},
        anchor="lambda_1",
    ),
}
"""Every interaction by name; a new one is a cross section above, a couplings function, and a row here."""


def terms_of(setup: Setup) -> tuple[str, ...]:
    """Terms of a setup, in the order of its interactions; the axial ones only where the model wants them."""
    found = [term for name in setup.interaction for term in INTERACTIONS[name].terms]
    return tuple(dict.fromkeys(t for t in found if setup.axial or not t.startswith("sm-axial")))


def acts(setup: Setup, term: str, flux: str) -> bool:
    """Whether a term acts in a flux component: the model may restrict an interaction to some of them."""
    names = [n for n in setup.interaction if term in INTERACTIONS[n].terms]
    return any(flux in setup.restrict.get(n, (flux,)) for n in names)


PHYSICAL_RANGE: dict[str, tuple[float, float]] = {"moment": (0.0, np.inf), "angle": (-np.inf, np.inf)}
"""Dimension -> values that make sense; a plain number is a squared sine in [0, 1]."""


def physical_range(dimension: Dimension) -> tuple[float, float]:
    """Values that a parameter of this dimension can have.

    >>> physical_range("number")
    (0.0, 1.0)
    """
    return PHYSICAL_RANGE.get(dimension, (0.0, 1.0))


def unit_factor(unit: str, dimension: Dimension) -> float | None:
    """What a value in this unit is multiplied by to be in internal units, or None where the unit does not fit.

    >>> unit_factor("1e-11 mu_B", "moment")
    0.1
    """
    if dimension == "angle":
        return {"rad": 1.0, "deg": float(np.pi / 180)}.get(unit)
    if dimension == "number":
        return 1.0 if unit == "1" else None
    number, _, name = unit.rpartition(" ")
    try:
        return round(float(number or "1") / MOMENT_UNIT_MU_B, 12) if name == "mu_B" else None
    except ValueError:
        return None
