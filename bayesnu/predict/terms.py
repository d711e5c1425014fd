"""Interactions as terms: what each contributes per unit coupling, and which parameters it has.

A rate is linear in its couplings; how these follow from the parameters is in `bayesnu.predict.couplings`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import MOMENT_UNIT_MU_B
from bayesnu.physics import nucleus
from bayesnu.predict import couplings
from bayesnu.predict.couplings import LEPTON as LEPTON
from bayesnu.predict.couplings import Shifts, Theta, Values
from bayesnu.schema import Couplings, Isotope, Setup

Array = NDArray[np.float64]

Dimension = Literal["moment", "angle", "number", "area", "charge", "coupling"]


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
    """A name, the terms it adds, the parameters it uses, and its couplings.

    An interaction that is coherent with another has `interferes_with`, and a model must have both. It has terms of its
    own, or, where the recoil plays no part, only `shifts` of the other's vector couplings.
    """

    component: str
    terms: tuple[str, ...]
    parameters: Mapping[str, Dimension]
    couplings: Callable[[Couplings, Theta, Sequence[str], Sequence[Shifts], Any], Values] | None = None
    shifts: Callable[[Couplings, Theta], Shifts] | None = None
    interferes_with: str = ""
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


def _per_millicharge(point: Recoil) -> Array:
    return nucleus.millicharge_shift(point.recoil_mev, point.mass_mev)


def _tensor(point: Recoil, charge: Array) -> Array:
    return nucleus.tensor_cross_section(point.recoil_mev, point.energy_mev, point.mass_mev) * charge


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
    "tensor-pp": lambda point: _tensor(point, _vector_products(point)[0]),
    "tensor-pn": lambda point: _tensor(point, _vector_products(point)[1]),
    "tensor-nn": lambda point: _tensor(point, _vector_products(point)[2]),
    "millicharge": lambda point: _vector(point, _vector_products(point)[0] * _per_millicharge(point) ** 2),
    "millicharge-p": lambda point: _vector(point, 2 * _vector_products(point)[0] * _per_millicharge(point)),
    "millicharge-n": lambda point: _vector(point, _vector_products(point)[1] * _per_millicharge(point)),
}
"""Term -> cross section per unit coupling [cm2/MeV] at each point of the quadrature."""

MASSIVE: frozenset[str] = frozenset()
"""Terms whose final state is heavy: their counts depend on the sterile mass."""


# --- the table --------------------------------------------------------------------------------------------------------

INTERACTIONS: dict[str, Interaction] = {
    "sm": Interaction(
        component="sm",
        terms=("sm-pp", "sm-pn", "sm-nn", "sm-axial-pp", "sm-axial-pn", "sm-axial-nn"),
        parameters={"sin2_theta_w": "number"},
        couplings=couplings.standard_model,
    ),
    "magnetic-moment": Interaction(
        component="magnetic-moment",
        terms=("magnetic-moment",),
        parameters={"mu_nu": "moment"},
        couplings=couplings.effective_moment,
    ),
    "magnetic-moment-flavour": Interaction(
        component="magnetic-moment",
        terms=("magnetic-moment",),
        parameters={"mu_nu_e": "moment", "mu_nu_mu": "moment", "mu_nu_tau": "moment"},
        couplings=couplings.moment_of_flavour,
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
        couplings=couplings.transition_moments,
        phases={"lambda_2": "zeta_2", "lambda_3": "zeta_3"},
        anchor="lambda_1",
    ),
    "charge-radius": Interaction(
        component="sm",
        terms=(),
        parameters={"r2_nu_e": "area", "r2_nu_mu": "area", "r2_nu_tau": "area"},
        shifts=couplings.charge_radius,
        interferes_with="sm",
    ),
    "charge-radius-shift-of-angle": Interaction(
        component="sm",
        terms=(),
        parameters={"r2_nu_e": "area", "r2_nu_mu": "area", "r2_nu_tau": "area"},
        shifts=couplings.charge_radius_as_angle,
        interferes_with="sm",
    ),
    "nsi-vector": Interaction(
        component="sm",
        terms=(),
        parameters={f"eps_{q}V_{pair}": "coupling" for pair in couplings.NSI_FLAVOURS for q in ("u", "d")},
        shifts=couplings.vector_nsi,
        interferes_with="sm",
    ),
    "tensor": Interaction(
        component="tensor",
        terms=("tensor-pp", "tensor-pn", "tensor-nn"),
        parameters={"eps_uT": "coupling", "eps_dT": "coupling"},
        couplings=couplings.tensor,
    ),
    "millicharge": Interaction(
        component="millicharge",
        terms=("millicharge", "millicharge-p", "millicharge-n"),
        parameters={"q_nu": "charge", "sin2_theta_w": "number"},
        couplings=couplings.millicharge,
        interferes_with="sm",
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


def modifiers(setup: Setup, name: str, flux: str) -> tuple[str, ...]:
    """Interactions of a setup that shift the vector couplings which this one reads, in a flux component."""
    shifted = INTERACTIONS[name].interferes_with or name
    shifting = [n for n in setup.interaction if INTERACTIONS[n].shifts and INTERACTIONS[n].interferes_with == shifted]
    return tuple(n for n in shifting if flux in setup.restrict.get(n, (flux,)))


def evaluate(
    name: str, modified_by: Sequence[str], conventions: Couplings, theta: Theta, flavours: Sequence[str], xp: Any
) -> Values:
    """Couplings of an interaction in the presence of those that shift it."""
    function = INTERACTIONS[name].couplings
    shifts = [shift(conventions, theta) for n in modified_by if (shift := INTERACTIONS[n].shifts)]
    return function(conventions, theta, flavours, shifts, xp) if function else {}


# --- units ------------------------------------------------------------------------------------------------------------


PHYSICAL_RANGE: dict[Dimension, tuple[float, float]] = {"moment": (0.0, np.inf), "number": (0.0, 1.0)}
"""Dimension -> values that make sense: a plain number is a squared sine; every other dimension is any real number."""

UNIT: dict[Dimension, tuple[str, float]] = {
    "moment": ("mu_B", MOMENT_UNIT_MU_B),
    "area": ("cm2", nucleus.AREA_UNIT_CM2),
    "charge": ("e", nucleus.CHARGE_UNIT_E),
}
"""Dimension -> name of its unit, and how many of them the internal unit is."""


def physical_range(dimension: Dimension) -> tuple[float, float]:
    """Values that a parameter of this dimension can have.

    >>> physical_range("number")
    (0.0, 1.0)
    """
    return PHYSICAL_RANGE.get(dimension, (-np.inf, np.inf))


def unit_factor(unit: str, dimension: Dimension) -> float | None:
    """What a value in this unit is multiplied by to be in internal units, or None where the unit does not fit.

    >>> unit_factor("1e-11 mu_B", "moment")
    0.1
    """
    if dimension == "angle":
        return {"rad": 1.0, "deg": float(np.pi / 180)}.get(unit)
    if dimension not in UNIT:
        return 1.0 if unit == "1" else None
    wanted, internal = UNIT[dimension]
    number, _, name = unit.rpartition(" ")
    try:
        return round(float(number or "1") / internal, 12) if name == wanted else None
    except ValueError:
        return None
