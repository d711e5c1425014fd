"""Couplings of the dipole that turns a neutrino into a heavy one (arXiv:2109.09545, Eqs 2 to 10)."""

from collections.abc import Sequence
from typing import Any

from bayesnu.physics import electron, mixing4, moments, moments4, nucleus
from bayesnu.predict.beams import Beam, Theta, mass_states, solar_of
from bayesnu.predict.couplings import LEPTON, Shifts, Values, each, squared_moments
from bayesnu.schema import Couplings


def one_moment(couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any) -> Values:
    """One moment for every flavour."""
    return {("dipole", ""): theta["mu_nu"] * theta["mu_nu"]}


def moment_of_flavour(
    couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """One moment for each flavour, shared by neutrino and antineutrino."""
    return {("dipole", beam): squared for beam, squared in squared_moments(theta, beams, xp).items()}


def transition_moments(
    couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """Moments from the light mass states to the heavy one, |sum_(i<4) conj(K_ai) lambda_i4|^2.

    Only what has the heavy state in the end: Eqs 7 and 8 have terms with sin^2 theta_i4 beside, in which it comes in.
    """
    matrix = _matrix(theta, ("14", "24", "34"))
    return {("dipole", beam): massive for beam, (massive, _) in _moments(theta, beams, matrix, xp).items()}


def interference(
    couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """On nuclei: the dipole times the weak way to the heavy state, which its mixing opens, with vector couplings."""
    g = nucleus.nucleon_couplings(couplings, theta["sin2_theta_w"])
    overlaps = _overlaps(theta, beams, xp)
    protons = {("interference-p", beam): overlap * g.vector_proton for beam, overlap in overlaps.items()}
    return protons | {("interference-n", beam): overlap * g.vector_neutron for beam, overlap in overlaps.items()}


def interference_on_electrons(
    couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """The same on electrons, with their vector and axial couplings g_L + g_R and g_L - g_R to the flavour."""
    values: Values = {}
    for beam, overlap in _overlaps(theta, beams, xp).items():
        g = electron.electron_couplings(str(beam), theta["sin2_theta_w"])
        values["interference-v", beam] = overlap * (g.left + g.right)
        values["interference-a", beam] = overlap * (g.left - g.right)
    return values


def _overlaps(theta: Theta, beams: Sequence[Beam], xp: Any) -> dict[Beam, Any]:
    """Re(K_a4 sum_i conj(K_ai) lambda_i4) of each flavour, the same for its antineutrino."""
    rows, matrix = _rows(theta, xp), _matrix(theta, ("14", "24", "34"))
    return {beam: moments4.interference_coefficient(rows[LEPTON[beam]], matrix).re for beam in beams}


def all_transition_moments(
    couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """Six moments: those among the light states make magnetic scattering, those to the heavy one the dipole."""
    values: Values = {}
    for beam, (massive, light) in _moments(theta, beams, _matrix(theta, moments4.ELEMENTS), xp).items():
        values["dipole", beam], values["magnetic-moment", beam] = massive, light
    return values


def _matrix(theta: Theta, present: Sequence[str]) -> moments4.Matrix:
    """Lambda of the moments that are there; the first of them has no phase, for one overall phase is unphysical."""
    found = [moments.ZERO] * len(moments4.ELEMENTS)
    for position, element in enumerate(moments4.ELEMENTS):
        if element in present:
            phase = mixing4.NO_TURN if element == present[0] else theta[f"zeta_{element}"]
            found[position] = moments4.polar(theta[f"lambda_{element}"], phase)
    return moments4.transition_matrix_4(found, moments4.SIGN_13["matrix"])


def _moments(
    theta: Theta, beams: Sequence[Beam], matrix: moments4.Matrix, xp: Any
) -> dict[Beam, tuple[Any, Any]]:  # fmt: skip
    """Squared moments to the heavy state and among the light ones, for each beam."""
    rows = _rows(theta, xp)
    by_lepton = {
        lepton: (moments4.massive_moment_squared(rows[lepton], matrix), _light(rows[lepton], matrix))
        for lepton in {LEPTON[beam] for beam in beams if beam in LEPTON}
    }
    found = {beam: by_lepton[LEPTON[beam]] for beam in beams if beam in LEPTON}
    if solar := solar_of(beams):
        chances = mass_states(solar, theta, xp)
        among_light = tuple(tuple(row[:3]) for row in matrix[:3])
        massive = each(solar, moments4.solar_massive_moment_squared(chances, matrix))
        light = each(solar, moments4.solar_moment_squared(chances[:3], among_light))
        found |= {beam: (massive[beam], light[beam]) for beam in solar}
    return found


def _rows(theta: Theta, xp: Any) -> tuple[mixing4.Row, ...]:
    """Rows e, mu, tau of the mixing matrix of four neutrinos."""
    return mixing4.active_rows(
        mixing4.Angles(*(mixing4.turn_of_sin2(theta[f"sin2_theta_{ij}"], xp) for ij in ANGLES)),
        mixing4.Phases(d13=theta["delta_cp"], d14=theta["delta_14"], d34=theta["delta_34"]),
    )


def _light(row: Sequence[Any], matrix: moments4.Matrix) -> Any:
    return moments4.light_moment_squared(row, matrix)


ANGLES = ("12", "13", "23", "14", "24", "34")
"""Order of the mixing angles in `mixing4.Angles`."""
