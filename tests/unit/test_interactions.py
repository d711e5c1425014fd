"""Interactions beyond the standard model: couplings, cross sections, and what they do to the counts."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from numpy.typing import NDArray

import bayesnu as bn
from bayesnu.constants import FERMI_CONSTANT_PER_MEV2, FINE_STRUCTURE, HBAR_C_MEV_FM, HBAR_C_SQUARED_MEV2_CM2
from bayesnu.likelihood.analysis import Analysis, from_resolved
from bayesnu.physics import nucleus
from bayesnu.predict import cross_sections, templates, terms
from bayesnu.schema import (
    Couplings,
    Detector,
    Fixed,
    FlatEfficiency,
    Isotope,
    LinearResponse,
    Parameter,
    ProtonsOnTarget,
    RadiativeCouplings,
    Resolved,
    Setup,
    ShellModel,
    Target,
    TreeCouplings,
    Uniform,
)

SIN2 = 0.2312
RADIATIVE = RadiativeCouplings(
    rho=1.0082,
    kappa=0.9972,
    lambda_u_left=-0.0031,
    lambda_d_left=-0.0025,
    lambda_u_right=3.7e-5,
    lambda_d_right=7.5e-5,
)
CONVENTIONS: list[Couplings] = [TreeCouplings(), RADIATIVE]
UNITS = {"moment": "1e-10 mu_B", "angle": "rad", "number": "1", "area": "1e-32 cm2", "charge": "1e-12 e"}
BEYOND = [n for n in terms.INTERACTIONS if n != "sm"]
SHIFTING = [n for n in BEYOND if terms.INTERACTIONS[n].shifts]
# -sqrt2 pi alpha/(3 G_F) <r2> for 1e-32 cm2.
PER_RADIUS = -0.0237956


@pytest.fixture(scope="module")
def standard() -> Resolved:
    return bn.load("coherent-csi-sm").model


def with_setup(model: Resolved, **changes: object) -> Resolved:
    """The model with every setup changed alike."""
    setups = tuple(msgspec.structs.replace(s, **changes) for s in model.setups)
    return msgspec.structs.replace(model, setups=setups)


def analysis_of(model: Resolved, *names: str, **changes: object) -> Analysis:
    """The standard model and these interactions; every parameter that the model lacks is free."""
    names = tuple(dict.fromkeys(n for name in names for n in (terms.INTERACTIONS[name].interferes_with, name) if n))
    used = {p: d for n in names for p, d in terms.INTERACTIONS[n].parameters.items()}
    opened = {
        p: Parameter(unit=UNITS.get(d, "1"), prior=Uniform(low=0.0, high=1.0))
        for p, d in used.items()
        if p not in model.fixed
    }
    interaction = tuple(dict.fromkeys(("sm", *names)))
    changed = with_setup(model, interaction=interaction, sterile_mass_mev=1.0, **changes)
    return from_resolved(msgspec.structs.replace(changed, parameters=opened))


def counts_at(analysis: Analysis, **values: float) -> float:
    """Expected counts of the one bin, everything not named at zero and the nuisances at their centre."""
    centre = dict(zip(analysis.names, analysis.centre(), strict=True))
    point = {n: values.get(n, 0.0 if n in analysis.model.parameters else centre[n]) for n in analysis.names}
    assert values.keys() <= point.keys()
    return float(next(iter(analysis.expected(np.array(list(point.values()))).values())).sum())


def tau_beam(model: Resolved) -> Resolved:
    """The model with tau neutrinos in place of the prompt muon neutrinos."""
    setup = model.setups[0]
    line = msgspec.structs.replace(setup.flux.components["nu_mu"], flavour="nu_tau")
    flux = msgspec.structs.replace(setup.flux, components={**setup.flux.components, "nu_mu": line})
    return with_setup(model, flux=flux)


# --- every interaction ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BEYOND)
def test_without_new_physics_the_counts_are_those_of_the_standard_model(standard: Resolved, name: str) -> None:
    expected = counts_at(analysis_of(standard))
    assert counts_at(analysis_of(standard, name)) == pytest.approx(expected, rel=1e-15)


# The mixing of no moments is nothing: interactions with phases have tests of their own.
WITH_PHASES = [n for n in BEYOND if terms.INTERACTIONS[n].phases]
ONE_BY_ONE = [n for n in BEYOND if not {n, terms.INTERACTIONS[n].interferes_with} & set(WITH_PHASES)]
PARAMETERS = [(n, p) for n in ONE_BY_ONE for p in terms.INTERACTIONS[n].parameters if p != "sin2_theta_w"]


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_every_parameter_changes_the_counts(standard: Resolved, name: str, parameter: str) -> None:
    analysis = analysis_of(tau_beam(standard), name)
    size = {"area": 10.0, "charge": 1e5, "moment": 100.0}.get(terms.INTERACTIONS[name].parameters[parameter], 0.1)
    before = counts_at(analysis)
    assert abs(counts_at(analysis, **{parameter: size}) - before) > 1e-4 * before


@pytest.mark.parametrize("name", BEYOND)
def test_couplings_of_numpy_and_pytensor_agree(name: str) -> None:
    flavours = ("nu_e", "nubar_mu", "nu_tau")
    rng = np.random.default_rng(3)
    modifiers = (name,) if name in SHIFTING else tuple(SHIFTING) if name == "millicharge" else ()
    which = "sm" if name in SHIFTING else name
    used = {p: d for n in ("sm", name, *modifiers) for p, d in terms.INTERACTIONS[n].parameters.items()}
    plain = {p: float(rng.uniform(0.1, 0.6)) for p in used}
    symbols = {p: pt.dscalar(p) for p in used}
    angles = [p for p, d in used.items() if d == "angle"]
    theta = plain | {p: (np.cos(plain[p]), np.sin(plain[p])) for p in angles}
    symbolic = symbols | {p: (pt.cos(symbols[p]), pt.sin(symbols[p])) for p in angles}
    wanted = terms.evaluate(which, modifiers, RADIATIVE, theta, flavours, np)
    graph = terms.evaluate(which, modifiers, RADIATIVE, symbolic, flavours, pt)
    assert wanted.keys() == graph.keys()
    assert len(wanted) > 0
    outputs = [pt.as_tensor_variable(v) for v in graph.values()]
    function = pytensor.function(list(symbols.values()), outputs, mode="FAST_COMPILE", on_unused_input="ignore")
    for found, value in zip(function(*plain.values()), wanted.values(), strict=True):
        assert float(found) == pytest.approx(float(value), rel=1e-14)


@pytest.mark.parametrize("name", BEYOND)
def test_arrays_of_parameters_are_welcome(standard: Resolved, name: str) -> None:
    analysis = analysis_of(standard, name)
    points = np.random.default_rng(4).uniform(0.1, 0.3, (5, len(analysis.names)))
    together = analysis.expected(points)["coherent-csi-2017"]
    one_by_one = [analysis.expected(x)["coherent-csi-2017"] for x in points]
    np.testing.assert_allclose(together, np.stack(one_by_one, axis=1), rtol=1e-13)


def test_neutrinos_and_antineutrinos_share_their_couplings() -> None:
    theta: dict[str, object] = {"sin2_theta_w": SIN2, "q_nu": 1.0}
    for name in SHIFTING:
        theta |= {p: 0.1 * (i + 1) for i, p in enumerate(terms.INTERACTIONS[name].parameters)}
    for name, modifiers in (("sm", tuple(SHIFTING)), ("millicharge", tuple(SHIFTING))):
        values = terms.evaluate(name, modifiers, RADIATIVE, theta, tuple(terms.LEPTON), np)
        for (term, flavour), value in values.items():
            if flavour.startswith("nu_"):
                assert value == values[term, flavour.replace("nu_", "nubar_")]


# --- magnetic moments of flavours -------------------------------------------------------------------------------------


def test_equal_moments_of_flavours_are_one_effective_moment(standard: Resolved) -> None:
    one = counts_at(analysis_of(standard, "magnetic-moment"), mu_nu=40.0)
    each = counts_at(analysis_of(standard, "magnetic-moment-flavour"), mu_nu_e=40.0, mu_nu_mu=40.0, mu_nu_tau=7.0)
    assert each == pytest.approx(one, rel=1e-14)


def test_a_moment_of_a_flavour_acts_in_its_own_fluxes(standard: Resolved) -> None:
    muon = analysis_of(standard, "magnetic-moment-flavour")
    restricted = analysis_of(standard, "magnetic-moment", restrict={"magnetic-moment": ("nu_mu", "nubar_mu")})
    assert counts_at(muon, mu_nu_mu=40.0) == pytest.approx(counts_at(restricted, mu_nu=40.0), rel=1e-14)


# --- charge radii -----------------------------------------------------------------------------------------------------


def test_shift_of_a_unit_charge_radius() -> None:
    # sqrt2 pi alpha/(3 G_F) = sqrt2 pi/(3 137.036 1.1663788e-11) MeV2, times 1e-32 cm2/(1.97326980e-11 MeV cm)^2.
    assert pytest.approx(0.02380, abs=5e-6) == nucleus.CHARGE_RADIUS_SHIFT
    by_hand = np.sqrt(2) * np.pi / (3 * 137.035999 * 1.1663788e-11) * 1e-32 / 1.97326980e-11**2
    assert by_hand == pytest.approx(-PER_RADIUS, rel=1e-5)
    assert pytest.approx(by_hand, rel=1e-7) == nucleus.CHARGE_RADIUS_SHIFT


@pytest.mark.parametrize("conventions", CONVENTIONS)
@pytest.mark.parametrize("radius", [-40.0, 0.7, 25.0])
def test_shift_of_angle_is_a_shift_of_the_angle(standard: Resolved, conventions: Couplings, radius: float) -> None:
    model = with_setup(standard, couplings=conventions)
    analysis = analysis_of(model, "charge-radius-shift-of-angle")
    found = counts_at(analysis, r2_nu_e=radius, r2_nu_mu=radius, r2_nu_tau=radius)
    angle = Fixed(value=SIN2 + nucleus.CHARGE_RADIUS_SHIFT * radius, unit="1")
    if 0 <= angle.value <= 1:
        shifted = analysis_of(msgspec.structs.replace(model, fixed={**model.fixed, "sin2_theta_w": angle}))
        assert found == pytest.approx(counts_at(shifted), rel=1e-13)
    g = nucleus.nucleon_couplings(conventions, angle.value)
    theta = {"sin2_theta_w": SIN2, "r2_nu_e": radius, "r2_nu_mu": radius, "r2_nu_tau": radius}
    values = terms.evaluate("sm", ("charge-radius-shift-of-angle",), conventions, theta, ("nu_e",), np)
    assert values["sm-pp", "nu_e"] == pytest.approx(g.vector_proton**2, rel=1e-12)
    assert values["sm-pn", "nu_e"] == pytest.approx(g.vector_proton * g.vector_neutron, rel=1e-12)
    assert values["sm-nn", "nu_e"] == pytest.approx(g.vector_neutron**2, rel=1e-12)
    assert values["sm-axial-pp", ""] == pytest.approx(g.axial_proton**2, rel=1e-12)


def test_the_two_definitions_differ_by_two_at_tree_level(standard: Resolved) -> None:
    model = with_setup(standard, couplings=TreeCouplings())
    default = analysis_of(model, "charge-radius")
    of_angle = analysis_of(model, "charge-radius-shift-of-angle")
    for flavour in ("r2_nu_e", "r2_nu_mu"):
        assert counts_at(default, **{flavour: 30.0}) == pytest.approx(counts_at(of_angle, **{flavour: 15.0}), rel=1e-13)


@pytest.mark.parametrize("name", ["charge-radius", "charge-radius-shift-of-angle"])
@pytest.mark.parametrize("flavour", ["r2_nu_e", "r2_nu_mu"])
def test_counts_are_quadratic_in_a_charge_radius(standard: Resolved, name: str, flavour: str) -> None:
    analysis = analysis_of(standard, name)
    middle, low, high = (counts_at(analysis, **{flavour: r}) for r in (0.0, -1.0, 1.0))
    slope, curvature = (high - low) / 2, (high + low) / 2 - middle
    assert curvature > 0
    far = middle + slope * 60.0 + curvature * 60.0**2
    assert counts_at(analysis, **{flavour: 60.0}) == pytest.approx(far, rel=1e-10)


def test_a_charge_radius_by_hand(standard: Resolved) -> None:
    # Z g_p + N g_n with g_p moved by -0.0238 per unit, in the templates of the standard model.
    setup = msgspec.structs.replace(standard.setups[0], interaction=("sm",))
    built = templates.build(setup)
    g = nucleus.nucleon_couplings(RADIATIVE, SIN2)
    radius = {"nu_e": -35.0, "nubar_mu": 12.0, "nu_mu": 12.0}
    expected = 0.0
    for s, flavour in enumerate(built.beams):
        p, n = g.vector_proton + PER_RADIUS * radius[flavour], g.vector_neutron
        values = [p * p, p * n, n * n, g.axial_proton**2, g.axial_proton * g.axial_neutron, g.axial_neutron**2]
        expected += float(np.array(values) @ built.values[s, :, 0].sum(axis=-1))
    plain = counts_at(analysis_of(standard))
    other = plain - float(np.sum([v.sum() for v in analysis_signal(standard).values()]))
    found = counts_at(analysis_of(standard, "charge-radius"), r2_nu_e=-35.0, r2_nu_mu=12.0)
    assert found - other == pytest.approx(expected, rel=1e-6)


def analysis_signal(model: Resolved) -> Mapping[str, NDArray[np.float64]]:
    """Counts of the standard model by flux component."""
    analysis = analysis_of(model)
    return analysis.breakdown(analysis.centre())["coherent-csi-2017"]["sm"]


# Intervals at 90 % from the 2017 CsI data (arXiv:1907.11644; which row is which was inferred). Their outer ends have
# equal counts, so that the parabola of the counts has its vertex half-way: a check of size and sign. Radii: 1e-32 cm2.
VERTICES = [
    ("charge-radius", "r2_nu_e", (-76.0, 17.0), 1.0),
    ("nsi-vector", "eps_uV_ee", (-0.12, 0.53), 0.008),
    ("nsi-vector", "eps_dV_ee", (-0.11, 0.48), 0.008),
    ("nsi-vector", "eps_uV_mumu", (-0.07, 0.49), 0.008),
    ("nsi-vector", "eps_dV_mumu", (-0.06, 0.43), 0.008),
]


@pytest.mark.parametrize(("name", "parameter", "interval", "tolerance"), VERTICES)
def test_published_intervals_lie_around_the_vertex(
    standard: Resolved, name: str, parameter: str, interval: tuple[float, float], tolerance: float
) -> None:
    analysis = analysis_of(standard, name)
    middle, low, high = (counts_at(analysis, **{parameter: x}) for x in (0.0, -1.0, 1.0))
    vertex = (low - high) / (2 * (high + low - 2 * middle))
    assert vertex == pytest.approx(sum(interval) / 2, abs=tolerance)


def test_a_restricted_charge_radius_acts_in_its_fluxes_alone(standard: Resolved) -> None:
    everywhere = analysis_of(standard, "charge-radius")
    prompt = analysis_of(standard, "charge-radius", restrict={"charge-radius": ("nu_mu",)})
    assert counts_at(prompt, r2_nu_e=20.0) == pytest.approx(counts_at(prompt), rel=1e-15)
    parts = {a: a.breakdown(point(a, r2_nu_mu=20.0))["coherent-csi-2017"]["sm"] for a in (everywhere, prompt)}
    plain = analysis_signal(standard)
    np.testing.assert_allclose(parts[prompt]["nu_mu"], parts[everywhere]["nu_mu"], rtol=1e-14)
    np.testing.assert_allclose(parts[prompt]["nubar_mu"], plain["nubar_mu"], rtol=1e-14)
    assert parts[everywhere]["nubar_mu"][0] != pytest.approx(plain["nubar_mu"][0], rel=0.01)


def point(analysis: Analysis, **values: float) -> NDArray[np.float64]:
    """All parameters at zero but these; nuisances at their centre."""
    centre = zip(analysis.names, analysis.centre(), strict=True)
    return np.array([values.get(n, 0.0 if n in analysis.model.parameters else c) for n, c in centre])


def test_experiments_with_and_without_a_shift_live_in_one_model(standard: Resolved) -> None:
    shifted = analysis_of(standard, "charge-radius").model
    other = msgspec.structs.replace(standard.setups[0], name="other")
    both = from_resolved(msgspec.structs.replace(shifted, setups=(*shifted.setups, other)))
    counts = both.expected(point(both, r2_nu_mu=30.0))
    alone = analysis_of(standard, "charge-radius")
    assert counts["coherent-csi-2017"][0] == pytest.approx(counts_at(alone, r2_nu_mu=30.0), rel=1e-14)
    assert counts["other"][0] == pytest.approx(counts_at(analysis_of(standard)), rel=1e-14)


# --- vector couplings of quarks ---------------------------------------------------------------------------------------


def quarks_for(proton: float, neutron: float) -> tuple[float, float]:
    """(u, d) with 2u + d and u + 2d given."""
    return (2 * proton - neutron) / 3, (2 * neutron - proton) / 3


def test_vector_couplings_that_cancel_the_standard_model(standard: Resolved) -> None:
    g = nucleus.nucleon_couplings(RADIATIVE, SIN2)
    analysis = analysis_of(standard, "nsi-vector")
    axial_only = {}
    for factor in (-1.0, -2.0):
        up, down = quarks_for(factor * g.vector_proton, factor * g.vector_neutron)
        values = {"eps_uV_ee": up, "eps_dV_ee": down, "eps_uV_mumu": up, "eps_dV_mumu": down}
        axial_only[factor] = counts_at(analysis, **values)
    signal = sum(float(v.sum()) for v in analysis_signal(standard).values())
    without = sum(float(v.sum()) for v in analysis_signal(with_setup(standard, axial=False)).values())
    assert axial_only[-1.0] == pytest.approx(counts_at(analysis) - without, rel=1e-12)
    assert signal > without
    # Turning the sign of both couplings changes nothing.
    assert axial_only[-2.0] == pytest.approx(counts_at(analysis), rel=1e-13)


def test_vector_couplings_reach_any_pair_of_nucleon_couplings() -> None:
    g = nucleus.nucleon_couplings(TreeCouplings(), SIN2)
    up, down = quarks_for(0.31 - g.vector_proton, -0.72 - g.vector_neutron)
    theta = dict.fromkeys(terms.INTERACTIONS["nsi-vector"].parameters, 0.0) | {"sin2_theta_w": SIN2}
    theta |= {"eps_uV_mumu": up, "eps_dV_mumu": down}
    values = terms.evaluate("sm", ("nsi-vector",), TreeCouplings(), theta, ("nu_e", "nubar_mu"), np)
    found = [values[t, "nubar_mu"] for t in ("sm-pp", "sm-pn", "sm-nn")]
    np.testing.assert_allclose(found, [0.31**2, -0.31 * 0.72, 0.72**2], rtol=1e-13)
    assert values["sm-nn", "nu_e"] == pytest.approx(0.25, rel=1e-14)


@pytest.mark.parametrize(
    ("pair", "fluxes"),
    [("emu", ("nu_mu", "nubar_mu", "nu_e")), ("etau", ("nu_e",)), ("mutau", ("nu_mu", "nubar_mu"))],
)
def test_flavour_changing_couplings_add_a_square(standard: Resolved, pair: str, fluxes: Sequence[str]) -> None:
    # With the nucleon couplings of the standard model, and no other flavour: its counts once more, in these fluxes.
    model = with_setup(standard, axial=False)
    g = nucleus.nucleon_couplings(RADIATIVE, SIN2)
    analysis = analysis_of(model, "nsi-vector")
    up, down = quarks_for(g.vector_proton, g.vector_neutron)
    more = sum(float(analysis_signal(model)[f].sum()) for f in fluxes)
    for sign in (1, -1):
        found = counts_at(analysis, **{f"eps_uV_{pair}": sign * up, f"eps_dV_{pair}": sign * down})
        assert found - counts_at(analysis) == pytest.approx(more, rel=1e-12)


def test_shifts_of_several_interactions_add_before_they_are_squared(standard: Resolved) -> None:
    # A charge radius undone by quark couplings that move the proton alone.
    analysis = analysis_of(standard, "charge-radius", "nsi-vector")
    up, down = quarks_for(nucleus.CHARGE_RADIUS_SHIFT * 21.0, 0.0)
    found = counts_at(analysis, r2_nu_mu=21.0, eps_uV_mumu=up, eps_dV_mumu=down)
    assert found == pytest.approx(counts_at(analysis), rel=1e-13)


# --- traces -----------------------------------------------------------------------------------------------------------

# Dirac matrices in the Dirac representation.
_ONE, _NIL = np.eye(2), np.zeros((2, 2))
_PAULI = [np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.array([[1, 0], [0, -1]])]
GAMMA = [np.block([[_ONE, _NIL], [_NIL, -_ONE]])] + [np.block([[_NIL, s], [-s, _NIL]]) for s in _PAULI]
LEFT = (np.eye(4) - 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]) / 2
METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def slash(momentum: NDArray[np.float64]) -> NDArray[np.complex128]:
    return np.einsum("m,mij->ij", METRIC * momentum, np.array(GAMMA))


def sigma(m: int, n: int) -> NDArray[np.complex128]:
    return np.asarray(0.5j * (GAMMA[m] @ GAMMA[n] - GAMMA[n] @ GAMMA[m]))


def barred(matrix: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return GAMMA[0] @ matrix.conj().T @ GAMMA[0]


def momenta(recoil: float, energy: float, mass: float) -> tuple[NDArray[np.float64], ...]:
    """Neutrino and nucleus before, neutrino and nucleus after [MeV]; the nucleus starts at rest."""
    out = energy - recoil
    cosine = 1 - mass * recoil / (energy * out)
    k, p = np.array([energy, 0, 0, energy]), np.array([mass, 0, 0, 0])
    k_out = out * np.array([1, np.sqrt(1 - cosine**2), 0, cosine])
    return k, p, k_out, k + p - k_out


def cross_section(amplitude_squared: float, energy: float, mass: float) -> float:
    """dsigma/dT [cm2/MeV] of sum |M|^2: |M|^2/(32 pi M E^2)."""
    return amplitude_squared / (32 * np.pi * mass * energy**2) * HBAR_C_SQUARED_MEV2_CM2


POINTS = [(0.02, 30.0), (0.012, 52.0), (0.003, 20.0)]
GERMANIUM = Isotope(
    element="Ge",
    charge=32,
    mass_number=76,
    mass_u=75.921402725,
    abundance=1.0,
    charge_radius_fm=4.0811,
    unpaired_protons=0,
    unpaired_neutrons=0,
)
MASS_MEV = 70704.0


@pytest.mark.parametrize(("recoil", "energy"), POINTS)
@pytest.mark.parametrize("charge", [-3e4, 4e5])
def test_millicharge_against_the_squared_amplitude(recoil: float, energy: float, charge: float) -> None:
    # A left-handed neutrino and a nucleus without spin: the exchanged photon, e^2 q Z F/Q^2, and the weak coupling,
    # sqrt2 G_F (g_p Z F_p + g_n N F_n), multiply the same nu-bar gamma nu (p + p').
    proton, neutron, radius = 0.71, 0.66, 18.0
    k, p, k_out, p_out = momenta(recoil, energy, MASS_MEV)
    q2 = -float((METRIC * (k - k_out)) @ (k - k_out))
    assert q2 == pytest.approx(2 * MASS_MEV * recoil, rel=1e-9)
    g = nucleus.nucleon_couplings(TreeCouplings(), SIN2)
    # The charge at this momentum is q - Q^2 <r2>/6, with <r2> in MeV^-2 (1e-32 cm2 = 1e-6 fm2).
    form_factor = charge * 1e-12 - q2 * radius * 1e-6 / HBAR_C_MEV_FM**2 / 6
    weak = np.sqrt(2) * FERMI_CONSTANT_PER_MEV2 * (g.vector_proton * 32 * proton + g.vector_neutron * 44 * neutron)
    photon = 4 * np.pi * FINE_STRUCTURE * form_factor * 32 * proton / q2
    total = slash(p + p_out) @ LEFT
    squared = np.trace(slash(k_out) @ total @ slash(k) @ barred(total)).real * (weak + photon) ** 2
    expected = cross_section(float(squared), energy, MASS_MEV)

    theta = {"sin2_theta_w": SIN2, "q_nu": charge, "r2_nu_e": radius, "r2_nu_mu": 5.0, "r2_nu_tau": 0.0}
    factors = [np.array([[f]]) for f in (recoil, energy, proton, neutron)]
    at = cross_sections.Recoil(GERMANIUM, factors[0], factors[1], MASS_MEV, factors[2], factors[3], "exact")
    found = 0.0
    for name in ("sm", "millicharge"):
        values = terms.evaluate(name, ("charge-radius",), TreeCouplings(), theta, ("nubar_e", "nu_mu"), np)
        for (term, flavour), value in values.items():
            if flavour in ("", "nubar_e"):
                found += float(value * cross_sections.RATES[term](at).item())
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("recoil", "energy"), POINTS)
def test_tensor_cross_section_against_formula_and_trace(recoil: float, energy: float) -> None:
    # arXiv:1506.05406, Eqs 5 and 6, typed anew.
    up, down, proton, neutron = 6.8e-3, -2.1e-3, 0.71, 0.66
    bracket = (1 - recoil / (2 * energy)) ** 2 - MASS_MEV * recoil / (4 * energy**2)
    element = (2 * up + down) * 32 * proton + (up + 2 * down) * 44 * neutron
    fermi_cm2 = (1.1663787e-11) ** 2 * 0.3893793721e-27 * 1e6
    expected = 4 * fermi_cm2 * MASS_MEV / np.pi * bracket * element**2
    factors = [np.array([[f]]) for f in (recoil, energy, proton, neutron)]
    at = cross_sections.Recoil(GERMANIUM, factors[0], factors[1], MASS_MEV, factors[2], factors[3], "leading")
    values = terms.evaluate("tensor", (), TreeCouplings(), {"eps_uT": up, "eps_dT": down}, (), np)
    found = sum(float(v * cross_sections.RATES[t](at).item()) for (t, _), v in values.items())
    assert found == pytest.approx(expected, rel=1e-6)
    # The bracket is that of [nu-bar sigma nu][N-bar sigma N] with a nucleus of spin 1/2, whatever its strength.
    k, p, k_out, p_out = momenta(recoil, energy, MASS_MEV)
    pairs = [(m, n) for m in range(4) for n in range(4)]
    nucleus_in, nucleus_out = slash(p) + MASS_MEV * np.eye(4), slash(p_out) + MASS_MEV * np.eye(4)
    squared = 0.0
    for m, n in pairs:
        left = [slash(k_out) @ sigma(m, n) @ LEFT @ slash(k), nucleus_out @ sigma(m, n) @ nucleus_in]
        for a, b in pairs:
            lepton = np.trace(left[0] @ barred(sigma(a, b) @ LEFT))
            hadron = np.trace(left[1] @ barred(sigma(a, b)))
            squared += float((lepton * hadron).real * METRIC[m] * METRIC[n] * METRIC[a] * METRIC[b])
    # |2 sqrt2 G_F|^2, averaged over the spin of the nucleus; every ordered pair of indices makes it eight times Eq 5.
    literal = cross_section(8 * FERMI_CONSTANT_PER_MEV2**2 * squared / 2, energy, MASS_MEV) * element**2
    assert literal == pytest.approx(8 * expected, rel=1e-6)


def test_no_tensor_recoils_above_the_limit() -> None:
    energies = np.array([0.0, 1.0, 30.0])
    above = nucleus.recoil_maximum_mev(energies, MASS_MEV) * (1 + 1e-9) + 1e-12
    assert np.all(nucleus.tensor_cross_section(above, energies, MASS_MEV) == 0)
    below = nucleus.recoil_maximum_mev(energies[1:], MASS_MEV) * (1 - 1e-9)
    assert np.all(nucleus.tensor_cross_section(below, energies[1:], MASS_MEV) > 0)


def test_millicharge_dominates_at_small_recoils() -> None:
    recoils = np.array([1e-3, 1e-2])
    shift = nucleus.millicharge_shift(recoils, MASS_MEV)
    assert shift[0] / shift[1] == pytest.approx(10.0, rel=1e-14)
    # 2 sqrt2 pi alpha/(G_F 2 M T) = 0.0648426/(1.16638e-11 141.408) for 1 e at 1 keV.
    assert shift[0] == pytest.approx(0.0648426 / (1.1663788e-11 * 141.408) * 1e-12, rel=1e-5)


# --- tensor limits of arXiv:1506.05406, Table 1 -----------------------------------------------------------------------


def ideal_setup(setup: Setup, isotope: Isotope, flux_per_cm2_s: float) -> Setup:
    """One ton of one isotope for a year, everything above 1 keV counted."""
    detector = Detector(
        target=Target(formula={isotope.name: 1.0}, mass_kg=1000.0),
        response=LinearResponse(per_kev=1.0),
        efficiency=FlatEfficiency(value=1.0),
    )
    neutrinos = flux_per_cm2_s * 365.25 * 86400 * 4 * np.pi * (100 * 20.0) ** 2
    fluence = ProtonsOnTarget(protons_on_target=neutrinos, neutrinos_per_proton=1.0, baseline_m=20.0)
    experiment = msgspec.structs.replace(setup.experiment, detector=detector, fluence=fluence)
    return msgspec.structs.replace(
        setup,
        experiment=experiment,
        isotopes=(isotope,),
        interaction=("sm", "tensor"),
        couplings=TreeCouplings(),
        form_factor=ShellModel(),
        axial=False,
        bins=((1.0, 1e4),),
    )


ISOTOPES = {
    "20Ne": ("Ne", 10, 20, 19.992440175, 3.0055),
    "40Ar": ("Ar", 18, 40, 39.962383122, 3.4274),
    "76Ge": ("Ge", 32, 76, 75.921402725, 4.0811),
    "132Xe": ("Xe", 54, 132, 131.904155, 4.7859),
}
# Isotope -> limits [1e-3] on d and u from the nu_e beam, and from nu_mu and nubar_mu.
TENSOR_LIMITS = {
    "20Ne": (8.6, 8.6, 7.1, 7.1),
    "40Ar": (7.6, 8.1, 6.3, 6.7),
    "76Ge": (6.8, 7.5, 5.6, 6.2),
    "132Xe": (8.8, 9.8, 7.2, 8.1),
}


@pytest.mark.parametrize("name", ISOTOPES)
def test_published_tensor_limits(standard: Resolved, name: str) -> None:
    element, charge, mass_number, mass_u, radius = ISOTOPES[name]
    isotope = Isotope(
        element=element,
        charge=charge,
        mass_number=mass_number,
        mass_u=mass_u,
        abundance=1.0,
        charge_radius_fm=radius,
        unpaired_protons=0,
        unpaired_neutrons=0,
    )
    setup = ideal_setup(standard.setups[0], isotope, flux_per_cm2_s=6.3e6 if name == "132Xe" else 2.5e7)
    built = templates.build(setup)
    counts = built.values[:, :, 0, 0]
    weak = terms.evaluate("sm", (), TreeCouplings(), {"sin2_theta_w": SIN2}, (), np)
    found = []
    for fluxes in (("nu_e",), ("nu_mu", "nubar_mu")):
        for up, down in ((0.0, 1.0), (1.0, 0.0)):
            tensor = terms.evaluate("tensor", (), TreeCouplings(), {"eps_uT": up, "eps_dT": down}, (), np)
            chi2 = 0.0
            for flux in fluxes:
                row = dict(zip(built.terms, counts[built.fluxes.index(flux)], strict=True))
                n_tensor = sum(value * row[t] for (t, _), value in tensor.items())
                n_weak = sum(value * row[t] for (t, _), value in weak.items() if t in row)
                chi2 += n_tensor**2 / n_weak
            # chi2 = epsilon^4 N_T^2/N_SM, and 2.71 at 90 %.
            found.append((2.71 / chi2) ** 0.25 * 1e3)
    np.testing.assert_allclose(found, TENSOR_LIMITS[name], rtol=0.015)


# --- units ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "dimension", "factor"),
    [
        ("1e-32 cm2", "area", 1.0),
        ("1e-30 cm2", "area", 100.0),
        ("cm2", "area", 1e32),
        ("1e-12 e", "charge", 1.0),
        ("1e-8 e", "charge", 1e4),
        ("e", "charge", 1e12),
        ("1", "coupling", 1.0),
        ("1e-11 mu_B", "moment", 0.1),
        ("1", "number", 1.0),
        ("deg", "angle", np.pi / 180),
        ("1e-32 cm2", "charge", None),
        ("mu_B", "area", None),
        ("much cm2", "area", None),
        ("e", "coupling", None),
    ],
)
def test_units(unit: str, dimension: terms.Dimension, factor: float | None) -> None:
    found = terms.unit_factor(unit, dimension)
    assert found == (factor if factor is None else pytest.approx(factor, rel=1e-12))


def test_only_moments_and_squared_sines_are_bounded() -> None:
    assert terms.physical_range("number") == (0.0, 1.0)
    assert terms.physical_range("moment") == (0.0, np.inf)
    for dimension in ("angle", "area", "charge", "coupling"):
        assert terms.physical_range(dimension) == (-np.inf, np.inf)  # type: ignore[arg-type]
