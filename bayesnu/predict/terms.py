"""Interactions as terms: what each contributes per unit coupling, and which parameters it has.

A rate is linear in its couplings; how these follow from the parameters is in `bayesnu.predict.couplings`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.constants import MOMENT_UNIT_MU_B
from bayesnu.physics import moments4, nucleus
from bayesnu.predict import couplings, dipole_couplings, electron_couplings
from bayesnu.predict.beams import MASS_SQUARED_UNIT_EV2, Beam, Theta
from bayesnu.predict.couplings import LEPTON as LEPTON
from bayesnu.predict.couplings import Shifts, Values
from bayesnu.schema import Couplings, Setup

Array = NDArray[np.float64]

Dimension = Literal["moment", "angle", "number", "area", "charge", "coupling", "mass-squared"]
CouplingsOf = Callable[[Couplings, Theta, Sequence[Beam], Sequence[Shifts], Any], Values]


class Interaction(NamedTuple):
    """A name, the terms it adds, the parameters it uses, and its couplings.

    An interaction that is coherent with another has `interferes_with`, and a model must have both. It has terms of its
    own, or, where the recoil plays no part, only `shifts` of the other's vector couplings.
    """

    component: str
    terms: tuple[str, ...]
    parameters: Mapping[str, Dimension]
    couplings: CouplingsOf | None = None
    shifts: Callable[[Couplings, Theta], Shifts] | None = None
    interferes_with: str = ""
    phases: Mapping[str, str] = {}
    """Modulus -> the phase that turns with it; the pair is one complex number."""
    anchor: str = ""
    """The modulus whose phase is zero: one overall phase is unphysical."""
    electron_terms: tuple[str, ...] = ()
    """Its terms where electrons recoil; none where it has no such form here."""
    electron_couplings: CouplingsOf | None = None
    """Its couplings to electrons, where they are not those to nuclei."""
    solar: bool = True
    """Whether its couplings of solar neutrinos depend on how these are mixed."""


# --- the table --------------------------------------------------------------------------------------------------------

MIXING_4: dict[str, Dimension] = {
    "sin2_theta_12": "number",
    "sin2_theta_13": "number",
    "sin2_theta_23": "number",
    "sin2_theta_14": "number",
    "sin2_theta_24": "number",
    "sin2_theta_34": "number",
    "delta_cp": "angle",
    "delta_14": "angle",
    "delta_34": "angle",
}
"""Mixing of four neutrinos; the phase of theta_24 can be moved into those of the moments."""

TO_THE_HEAVY: dict[str, Dimension] = {
    "lambda_14": "moment",
    "lambda_24": "moment",
    "lambda_34": "moment",
    "zeta_24": "angle",
    "zeta_34": "angle",
    **MIXING_4,
}
"""Moments from the light states to the heavy one; the phase of the first is the common one."""

INTERACTIONS: dict[str, Interaction] = {
    "sm": Interaction(
        component="sm",
        terms=("sm-pp", "sm-pn", "sm-nn", "sm-axial-pp", "sm-axial-pn", "sm-axial-nn"),
        parameters={"sin2_theta_w": "number"},
        couplings=couplings.standard_model,
        electron_terms=electron_couplings.TERMS,
        electron_couplings=electron_couplings.standard_model,
    ),
    "magnetic-moment": Interaction(
        component="magnetic-moment",
        terms=("magnetic-moment",),
        parameters={"mu_nu": "moment"},
        couplings=couplings.effective_moment,
        electron_terms=("magnetic-moment",),
        solar=False,
    ),
    "magnetic-moment-flavour": Interaction(
        component="magnetic-moment",
        terms=("magnetic-moment",),
        parameters={"mu_nu_e": "moment", "mu_nu_mu": "moment", "mu_nu_tau": "moment"},
        couplings=couplings.moment_of_flavour,
        electron_terms=("magnetic-moment",),
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
        electron_terms=("magnetic-moment",),
    ),
    "dipole": Interaction(
        component="dipole",
        terms=("dipole",),
        parameters={"mu_nu": "moment"},
        couplings=dipole_couplings.one_moment,
        electron_terms=("dipole",),
        solar=False,
    ),
    "dipole-flavour": Interaction(
        component="dipole",
        terms=("dipole",),
        parameters={"mu_nu_e": "moment", "mu_nu_mu": "moment", "mu_nu_tau": "moment"},
        couplings=dipole_couplings.moment_of_flavour,
        electron_terms=("dipole",),
    ),
    "dipole-tmm": Interaction(
        component="dipole",
        terms=("dipole",),
        parameters=TO_THE_HEAVY,
        couplings=dipole_couplings.transition_moments,
        phases={"lambda_24": "zeta_24", "lambda_34": "zeta_34"},
        anchor="lambda_14",
        electron_terms=("dipole",),
    ),
    "dipole-interference": Interaction(
        component="interference",
        terms=("interference-p", "interference-n"),
        parameters={**TO_THE_HEAVY, "sin2_theta_w": "number"},
        couplings=dipole_couplings.interference,
        interferes_with="dipole-tmm",
        electron_terms=("interference-v", "interference-a"),
        electron_couplings=dipole_couplings.interference_on_electrons,
    ),
    "tmm4": Interaction(
        component="magnetic-moment",
        terms=("magnetic-moment", "dipole"),
        parameters={
            **{f"lambda_{ij}": "moment" for ij in moments4.ELEMENTS},
            **{f"zeta_{ij}": "angle" for ij in moments4.ELEMENTS[1:]},
            **MIXING_4,
        },
        couplings=dipole_couplings.all_transition_moments,
        phases={f"lambda_{ij}": f"zeta_{ij}" for ij in moments4.ELEMENTS[1:]},
        anchor="lambda_12",
        electron_terms=("magnetic-moment", "dipole"),
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

SOLAR: dict[str, Dimension] = {
    "sin2_theta_12": "number",
    "sin2_theta_13": "number",
    "sin2_theta_23": "number",
    "delta_cp": "angle",
    "dm2_21": "mass-squared",
}
"""Parameters that say which flavours solar neutrinos have on Earth."""


def on_electrons(setup: Setup) -> bool:
    """Whether electrons recoil, not nuclei."""
    detector = setup.experiment.detector
    return detector is not None and detector.target.scatterer != "nuclei"


def terms_of_interaction(setup: Setup, name: str) -> tuple[str, ...]:
    """Terms of an interaction with what recoils in a setup."""
    interaction = INTERACTIONS[name]
    return interaction.electron_terms if on_electrons(setup) else interaction.terms


def terms_of(setup: Setup) -> tuple[str, ...]:
    """Terms of a setup, in the order of its interactions; the axial ones only where the model wants them."""
    found = [term for name in setup.interaction for term in terms_of_interaction(setup, name)]
    return tuple(dict.fromkeys(t for t in found if setup.axial or not t.startswith("sm-axial")))


def acts(setup: Setup, term: str, flux: str) -> bool:
    """Whether a term acts in a flux component: the model may restrict an interaction to some of them."""
    names = [n for n in setup.interaction if term in terms_of_interaction(setup, n)]
    return any(flux in setup.restrict.get(n, (flux,)) for n in names)


def modifiers(setup: Setup, name: str, flux: str) -> tuple[str, ...]:
    """Interactions of a setup that shift the vector couplings which this one reads, in a flux component."""
    shifted = INTERACTIONS[name].interferes_with or name
    shifting = [n for n in setup.interaction if INTERACTIONS[n].shifts and INTERACTIONS[n].interferes_with == shifted]
    return tuple(n for n in shifting if flux in setup.restrict.get(n, (flux,)))


def evaluate(
    name: str, modified_by: Sequence[str], conventions: Couplings, theta: Theta, beams: Sequence[Beam], xp: Any,
    electrons: bool = False,
) -> Values:  # fmt: skip
    """Couplings of an interaction to nuclei or electrons in the presence of those that shift it."""
    interaction = INTERACTIONS[name]
    function = (interaction.electron_couplings if electrons else None) or interaction.couplings
    shifts = [shift(conventions, theta) for n in modified_by if (shift := INTERACTIONS[n].shifts)]
    return function(conventions, theta, beams, shifts, xp) if function else {}


# --- units ------------------------------------------------------------------------------------------------------------


PHYSICAL_RANGE: dict[Dimension, tuple[float, float]] = {"moment": (0.0, np.inf), "number": (0.0, 1.0)}
"""Dimension -> values that make sense: a plain number is a squared sine; every other dimension is any real number."""

UNIT: dict[Dimension, tuple[str, float]] = {
    "moment": ("mu_B", MOMENT_UNIT_MU_B),
    "area": ("cm2", nucleus.AREA_UNIT_CM2),
    "charge": ("e", nucleus.CHARGE_UNIT_E),
    "mass-squared": ("eV2", MASS_SQUARED_UNIT_EV2),
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
