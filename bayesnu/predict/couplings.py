"""How the couplings of every interaction follow from the parameters: the only place where parameters meet physics.

They are real, branch-free arithmetic on an array namespace, so that the same function serves NumPy, PyTensor and the
tests. What is added to the standard model coherently shifts the vector couplings of the nucleons before they are
squared; the shifts form a matrix in flavour space, and each final flavour is a square of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bayesnu.physics import mixing, moments, moments4, nucleus
from bayesnu.predict.beams import Beam, Theta, flavour_shares, mass_states, solar_of
from bayesnu.schema import Couplings

Values = dict[tuple[str, Beam], Any]
"""(term, flavour or solar beam) -> coupling; flavour '' stands for all of them."""

LEPTON: dict[Beam, int] = {"nu_e": 0, "nubar_e": 0, "nu_mu": 1, "nubar_mu": 1, "nu_tau": 2, "nubar_tau": 2}


class Nucleons(NamedTuple):
    """Vector couplings of proton and neutron [1], or what is added to them."""

    proton: Any
    neutron: Any


Shifts = Mapping[tuple[int, int], Nucleons]
"""(lepton in, lepton out) -> addition to the vector couplings, the same for neutrinos and antineutrinos.

The same, because both the weak and the electric vector charge of an antineutrino are opposite to the neutrino's.
"""


# --- interactions with terms of their own -----------------------------------------------------------------------------


def standard_model(
    couplings: Couplings, theta: Theta, flavours: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """Products of the nucleons' couplings (arXiv:1905.03750, Eqs 20 and 21), the vector ones with their shifts."""
    g = nucleus.nucleon_couplings(couplings, theta["sin2_theta_w"])
    values: Values = {
        ("sm-axial-pp", ""): g.axial_proton * g.axial_proton,
        ("sm-axial-pn", ""): g.axial_proton * g.axial_neutron,
        ("sm-axial-nn", ""): g.axial_neutron * g.axial_neutron,
    }
    for flavour in flavours if shifts else ("",):
        amplitudes = _amplitudes(g, flavour, shifts)
        values["sm-pp", flavour] = _total([a.proton * a.proton for a in amplitudes])
        values["sm-pn", flavour] = _total([a.proton * a.neutron for a in amplitudes])
        values["sm-nn", flavour] = _total([a.neutron * a.neutron for a in amplitudes])
    return values


def _amplitudes(g: nucleus.NucleonCouplings, flavour: Beam, shifts: Sequence[Shifts]) -> list[Nucleons]:
    """Vector couplings to each final flavour, the unchanged flavour first."""
    start = LEPTON.get(flavour, -1)
    found = {start: Nucleons(g.vector_proton, g.vector_neutron)}
    for table in shifts:
        for (lepton_in, lepton_out), shift in table.items():
            if lepton_in == start:
                before = found.get(lepton_out)
                found[lepton_out] = _plus(before, shift) if before else shift
    return list(found.values())


def _plus(a: Nucleons, b: Nucleons) -> Nucleons:
    return Nucleons(a.proton + b.proton, a.neutron + b.neutron)


def _total(parts: Sequence[Any]) -> Any:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def effective_moment(
    couplings: Couplings, theta: Theta, flavours: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """One magnetic moment for every flavour (arXiv:1905.03750, Eq 25)."""
    return {("magnetic-moment", ""): theta["mu_nu"] * theta["mu_nu"]}


def moment_of_flavour(
    couplings: Couplings, theta: Theta, flavours: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """One magnetic moment for each flavour, shared by neutrino and antineutrino (arXiv:1505.03202, Eq 6)."""
    return {("magnetic-moment", beam): squared for beam, squared in squared_moments(theta, flavours, xp).items()}


def squared_moments(theta: Theta, beams: Sequence[Beam], xp: Any) -> dict[Beam, Any]:
    """Squared moment of each beam, of solar neutrinos the mean over the flavours that arrive."""
    squared = [theta[name] * theta[name] for name in ("mu_nu_e", "mu_nu_mu", "mu_nu_tau")]
    found = {beam: squared[LEPTON[beam]] for beam in beams if beam in LEPTON}
    if solar := solar_of(beams):
        mean = sum(p * mu2 for p, mu2 in zip(flavour_shares(solar, theta, xp), squared, strict=True))
        found |= each(solar, mean)
    return found


def each(beams: Sequence[Beam], values: Any) -> dict[Beam, Any]:
    """What is known of all beams at once, beam by beam."""
    return {beam: values[i] for i, beam in enumerate(beams)}


def transition_moments(
    couplings: Couplings, theta: Theta, flavours: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """Effective moments of three transition moments in the mass basis (arXiv:1905.03750, Eqs 6 to 9)."""
    sin2_12, sin2_13, sin2_23 = (theta[f"sin2_theta_{ij}"] for ij in ("12", "13", "23"))
    rows = mixing.pmns(sin2_12, sin2_13, sin2_23, theta["delta_cp"], xp)
    lambdas = [mixing.Pair(theta["lambda_1"], 0.0)]
    for i in (2, 3):
        cosine, sine = theta[f"zeta_{i}"]
        lambdas.append(mixing.Pair(theta[f"lambda_{i}"] * cosine, theta[f"lambda_{i}"] * sine))
    matrix = moments.transition_matrix(lambdas)
    leptons = {LEPTON[f] for f in flavours if f in LEPTON}
    squared = {lepton: moments.effective_moment_squared(rows[lepton], matrix) for lepton in leptons}
    # A pure flavour has the same effective moment as neutrino and as antineutrino (arXiv:1905.03750, Eqs 12, 18).
    values: Values = {("magnetic-moment", f): squared[LEPTON[f]] for f in flavours if f in LEPTON}
    if solar := solar_of(flavours):
        of_the_sun = moments4.solar_moment_squared(mass_states(solar, theta, xp)[:3], matrix)
        values |= {("magnetic-moment", beam): value for beam, value in each(solar, of_the_sun).items()}
    return values


def tensor(couplings: Couplings, theta: Theta, flavours: Sequence[Beam], shifts: Sequence[Shifts], xp: Any) -> Values:
    """Tensor couplings, which flip the helicity and so never meet the standard model (arXiv:1506.05406, Eq 6)."""
    g = _from_quarks(theta["eps_uT"], theta["eps_dT"])
    return {
        ("tensor-pp", ""): g.proton * g.proton,
        ("tensor-pn", ""): g.proton * g.neutron,
        ("tensor-nn", ""): g.neutron * g.neutron,
    }


def millicharge(
    couplings: Couplings, theta: Theta, flavours: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """Charge of the neutrino, alone and times the vector couplings that do not change the flavour.

    The charge q is a shift of the proton's coupling that depends on the recoil (`nucleus.millicharge_shift`), so it has
    terms of its own: [(g_p + q k) Z F_p + g_n N F_n]^2 less its value at q = 0 (arXiv:1403.6344; arXiv:2205.09484).
    """
    charge = theta["q_nu"]
    g = nucleus.nucleon_couplings(couplings, theta["sin2_theta_w"])
    values: Values = {("millicharge", ""): charge * charge}
    for flavour in flavours if shifts else ("",):
        same = _amplitudes(g, flavour, shifts)[0]
        values["millicharge-p", flavour] = charge * same.proton
        values["millicharge-n", flavour] = charge * same.neutron
    return values


# --- interactions that shift the vector couplings ---------------------------------------------------------------------


def charge_radius(couplings: Couplings, theta: Theta) -> Shifts:
    """Charge radii, g_p -> g_p - sqrt2 pi alpha/(3 G_F) <r2> of each flavour.

    The charge q^2 <r2>/6 that the vertex has at q^2 = -2 M T cancels the photon's propagator, so that no recoil is left
    (arXiv:1810.05606). This is the radius by its definition, <r2> = 6 dF/dq^2 at q^2 = 0.
    """
    return _of_protons(theta, -nucleus.CHARGE_RADIUS_SHIFT)


def charge_radius_as_angle(couplings: Couplings, theta: Theta) -> Shifts:
    """Charge radii as shifts of the mixing angle, sin2_theta_w -> sin2_theta_w + sqrt2 pi alpha/(3 G_F) <r2>.

    At tree level g_p moves by -2 sqrt2 pi alpha/(3 G_F) <r2>, twice as much as by `charge_radius`.
    Reference: arXiv:1505.03202, Eq A1.
    """
    one, zero = (nucleus.nucleon_couplings(couplings, s).vector_proton for s in (1.0, 0.0))
    return _of_protons(theta, nucleus.CHARGE_RADIUS_SHIFT * (one - zero))


def _of_protons(theta: Theta, factor: float) -> Shifts:
    names = ("r2_nu_e", "r2_nu_mu", "r2_nu_tau")
    return {(i, i): Nucleons(theta[name] * factor, 0.0) for i, name in enumerate(names)}


def vector_nsi(couplings: Couplings, theta: Theta) -> Shifts:
    """Vector couplings of u and d beyond the standard model, 2u + d for the proton and u + 2d for the neutron.

    The diagonal ones add to the standard model; the flavour-changing ones, taken real and symmetric, make a final
    flavour of their own. Reference: arXiv:1506.05406, Eqs 2 and 4; arXiv:hep-ph/0508299.
    """
    shifts: dict[tuple[int, int], Nucleons] = {}
    for pair, (i, j) in NSI_FLAVOURS.items():
        shifts[i, j] = shifts[j, i] = _from_quarks(theta[f"eps_uV_{pair}"], theta[f"eps_dV_{pair}"])
    return shifts


NSI_FLAVOURS = {"ee": (0, 0), "mumu": (1, 1), "emu": (0, 1), "etau": (0, 2), "mutau": (1, 2)}
"""Flavours that a vector coupling joins, as in the names of the parameters."""


def _from_quarks(up: Any, down: Any) -> Nucleons:
    return Nucleons(2.0 * up + down, up + 2.0 * down)
