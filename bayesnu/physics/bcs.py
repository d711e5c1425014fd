"""Nuclear form factors with pairing: constant-gap BCS occupations of Woods-Saxon levels.

The gaps come from the masses of the neighbouring nuclei; no number is fitted. At a magic number the gap is zero,
because there the mass formula measures the shell closure and not the pairing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from math import sqrt
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize

from bayesnu.constants import ATOMIC_MASS_UNIT_MEV
from bayesnu.errors import PredictionError
from bayesnu.physics import oscillator, woods_saxon
from bayesnu.physics.oscillator import nucleon_charge_fm2, point_proton_radius_fm
from bayesnu.physics.woods_saxon import RADII_FM, Level, Species, Well
from bayesnu.schema import Isotope

Array = NDArray[np.float64]
Functions = Literal["oscillator", "woods-saxon"]

MAGIC_NUMBERS: Final = frozenset({2, 8, 20, 28, 50, 82, 126})
LIGHTEST: Final = 16
"""Smallest mass number for which a well and a gap mean something."""
MOMENTUM_STEP_PER_FM: Final = 0.01
LARGEST_MOMENTUM_PER_FM: Final = 6.0
"""End of the table of Woods-Saxon form factors [1/fm]; 52 MeV neutrinos reach 0.53."""


# --- gaps -------------------------------------------------------------------------------------------------------------


class PairingGaps(NamedTuple):
    """Pairing gaps of protons and neutrons [MeV]; zero leaves the lowest levels filled."""

    proton_mev: float
    neutron_mev: float


def three_point_gap_mev(nucleons: int, below_mev: float, at_mev: float, above_mev: float) -> float:
    """Pairing gap [MeV] from the separation energies S(x - 1), S(x), S(x + 1) of the x-th nucleon of a kind.

    Delta = -(-1)^x [S(x - 1) - 2 S(x) + S(x + 1)]/4, the mean of the three-point mass differences at x and x - 1.
    Reference: Bohr and Mottelson, Nuclear Structure I (1969), Eqs 2-92 and 2-93.
    """
    sign = -1 if nucleons % 2 == 0 else 1
    return sign * (below_mev - 2 * at_mev + above_mev) / 4


def neighbours(charge: int, neutrons: int) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Nuclei (Z, A) whose masses give the proton and the neutron gap, x - 2 to x + 1; none at a magic number."""
    offsets = range(-2, 2)
    isotones = tuple((charge + k, charge + k + neutrons) for k in offsets if charge not in MAGIC_NUMBERS)
    isotopes = tuple((charge, charge + neutrons + k) for k in offsets if neutrons not in MAGIC_NUMBERS)
    return isotones, isotopes


def pairing_gaps(isotope: Isotope, masses_u: Mapping[tuple[int, int], float]) -> PairingGaps:
    """Pairing gaps [MeV] of a nucleus from atomic masses [u] by (charge, mass number), zero at magic numbers.

    The masses of the nucleon and of its electron cancel. A light nucleus or a missing neighbour raises
    PredictionError.
    """
    _require_heavy(isotope)
    particles, gaps = (isotope.charge, isotope.neutrons), []
    for nucleons, chain in zip(particles, neighbours(*particles), strict=True):
        missing = [f"(Z, A) = {key}" for key in chain if key not in masses_u]
        if missing:
            raise PredictionError(f"{isotope.name}: the pairing gap needs the atomic mass of {', '.join(missing)}")
        masses_mev = [masses_u[key] * ATOMIC_MASS_UNIT_MEV for key in chain]
        separation_mev = [lighter - heavier for lighter, heavier in pairwise(masses_mev)]
        gaps.append(three_point_gap_mev(nucleons, *separation_mev) if chain else 0.0)
    return PairingGaps(*gaps)


def _require_heavy(isotope: Isotope) -> None:
    if isotope.mass_number < LIGHTEST:
        raise PredictionError(f"{isotope.name}: the pairing model begins at A = {LIGHTEST}; choose another form factor")


# --- occupations ------------------------------------------------------------------------------------------------------


class Pairing(NamedTuple):
    """A solution of the BCS equations."""

    occupations: Array
    """Probability v^2 that a place of the level is occupied [1]."""
    fermi_mev: float
    quasiparticle_mev: Array
    strength_mev: float
    """Matrix element G of the constant pairing force that has this gap."""


def pairing(energies_mev: Array, places: Array, particles: int, gap_mev: float) -> Pairing:
    """Solution of the BCS equations for levels with 2j + 1 places at a given gap [MeV] and particle number.

    v^2 = (1 - (e - lambda)/E)/2 with E^2 = (e - lambda)^2 + Delta^2 and sum (2j + 1) v^2 = particles; the gap
    equation then gives G = 2/sum((j + 1/2)/E). An odd number is treated alike: no level is blocked.
    Reference: Suhonen, From Nucleons to Nucleus (2007), chapter 13.
    """
    if gap_mev <= 0 or not 0 < particles < places.sum():
        raise PredictionError(f"no pairing of {particles} particles in {int(places.sum())} places, gap {gap_mev} MeV")

    def excess(fermi_mev: float) -> float:
        return float(places @ _occupied(energies_mev - fermi_mev, gap_mev)) - particles

    fermi_mev = float(optimize.brentq(excess, energies_mev.min() - 1e3, energies_mev.max() + 1e3, xtol=1e-13))
    quasiparticle_mev = np.hypot(energies_mev - fermi_mev, gap_mev)
    strength_mev = 2 / float(np.sum(places / 2 / quasiparticle_mev))
    return Pairing(_occupied(energies_mev - fermi_mev, gap_mev), fermi_mev, quasiparticle_mev, strength_mev)


def _occupied(above_mev: Array, gap_mev: float) -> Array:
    """Occupation v^2 of a level so far above the Fermi energy."""
    return (1 - above_mev / np.hypot(above_mev, gap_mev)) / 2


def occupations(levels: Sequence[Level], particles: int, gap_mev: float) -> Array:
    """Occupation v^2 [1] of each level, with sum (2j + 1) v^2 = particles.

    Without a gap the levels, given by rising energy, are filled in order and the last one evenly.
    """
    places = np.array([level.places for level in levels], dtype=np.float64)
    if gap_mev > 0:
        return pairing(np.array([level.energy_mev for level in levels]), places, particles, gap_mev).occupations
    if particles > places.sum():
        raise PredictionError(f"{particles} particles in {int(places.sum())} places")
    return np.clip((particles - np.cumsum(places) + places) / places, 0, 1)


# --- form factors -----------------------------------------------------------------------------------------------------


class _Density(NamedTuple):
    """Density of point nucleons of one kind in its natural unit of length: b for oscillator functions, else fm."""

    mean_square: float
    """Mean square radius about the centre of mass, in that unit squared."""
    transform: Callable[[Array], Array]
    """Form factor about the centre of mass, against the momentum in the inverse unit."""


def form_factors(
    isotope: Isotope,
    gaps: PairingGaps,
    functions: Functions,
    momentum_per_fm: Array,
    skin_fm: float | None = None,
    well: Well = "bohr-mottelson",
) -> tuple[Array, Array]:
    """Form factors of point protons and neutrons [1] at momentum transfer Q [1/fm].

    F(Q) = exp(Q^2 b^2/4A) sum (2j + 1) v^2 int u^2 j0(Q r) dr / K, with b from <r^2> = b^2 <2n + l + 3/2> of the
    protons. The measured charge radius fixes the oscillator length, or the scale of the Woods-Saxon functions.
    A skin r_n - r_p [fm] rescales the neutron density; None leaves the skin of the well.
    Oscillator tails are too short: above 0.5/fm and A = 60 prefer "woods-saxon".
    References: arXiv:1505.03202, Eq 5; centre of mass: Tassie and Barker, Phys. Rev. 111 (1958) 940.
    """
    proton, neutron = _densities_of(isotope, gaps, functions, well)
    point_fm = point_proton_radius_fm(isotope)
    unit_fm = neutron_unit_fm = point_fm / sqrt(proton.mean_square)
    if skin_fm is not None:
        if point_fm + skin_fm <= 0:
            raise PredictionError(f"{isotope.name}: a skin of {skin_fm:g} fm leaves no neutrons")
        neutron_unit_fm = (point_fm + skin_fm) / sqrt(neutron.mean_square)
    return proton.transform(momentum_per_fm * unit_fm), neutron.transform(momentum_per_fm * neutron_unit_fm)


def oscillator_length_fm(isotope: Isotope, gaps: PairingGaps, well: Well = "bohr-mottelson") -> float:
    """Oscillator length b [fm] at which the paired protons have the measured charge radius.

    b^2 (<2n + l + 3/2>_p - 3/(2A)) = <r_p^2>; the second term is the motion of the centre of mass.
    """
    proton, _ = _densities_of(isotope, gaps, "oscillator", well)
    return point_proton_radius_fm(isotope) / sqrt(proton.mean_square)


def predicted_radii_fm(
    isotope: Isotope, gaps: PairingGaps, well: Well = "bohr-mottelson"
) -> tuple[float, float, float]:
    """Charge radius and radii of point protons and neutrons [fm] of the well itself, before any matching."""
    proton, neutron = _densities_of(isotope, gaps, "woods-saxon", well)
    charge_fm = sqrt(proton.mean_square + nucleon_charge_fm2(isotope))
    return charge_fm, sqrt(proton.mean_square), sqrt(neutron.mean_square)


def _densities_of(isotope: Isotope, gaps: PairingGaps, functions: Functions, well: Well) -> tuple[_Density, _Density]:
    """Densities of protons and of neutrons, before the charge radius is matched."""
    _require_heavy(isotope)
    return _densities(isotope.charge, isotope.neutrons, gaps, functions, well)


@lru_cache(maxsize=256)
def _densities(
    charge: int, neutrons: int, gaps: PairingGaps, functions: Functions, well: Well
) -> tuple[_Density, _Density]:
    mass_number = charge + neutrons
    protons = _occupied_levels(charge, neutrons, "proton", gaps.proton_mev, functions, well)
    others = _occupied_levels(charge, neutrons, "neutron", gaps.neutron_mev, functions, well)
    if functions == "oscillator":
        return _oscillator_density(protons, mass_number), _oscillator_density(others, mass_number)
    quanta = sum(number * (level.quanta + 1.5) for level, number in protons) / charge
    shift_fm2 = _mean_square_fm2(_radial_weights(protons)) / quanta / mass_number
    return _woods_saxon_density(protons, shift_fm2), _woods_saxon_density(others, shift_fm2)


def _occupied_levels(
    charge: int, neutrons: int, species: Species, gap_mev: float, functions: Functions, well: Well
) -> list[tuple[Level, float]]:
    """Levels of the model space and the number of nucleons in each.

    Woods-Saxon functions need bound levels, because box states would put a gas of nucleons at large radii; yet
    there are always more places than nucleons.
    """
    particles = charge if species == "proton" else neutrons
    kept: list[Level] = []
    for level in woods_saxon.levels(charge, neutrons, species, well):
        if functions == "oscillator" or level.energy_mev < 0 or sum(x.places for x in kept) <= particles:
            kept.append(level)
    shares = occupations(kept, particles, gap_mev)
    return [(level, float(share) * level.places) for level, share in zip(kept, shares, strict=True)]


def _oscillator_density(occupied: Sequence[tuple[Level, float]], mass_number: int) -> _Density:
    """Density of oscillator functions."""
    weights = oscillator.power_weights((level.nodes, level.orbital, number) for level, number in occupied)
    mean_square = float(np.dot(weights, np.arange(len(weights)) + 1.5)) - 1.5 / mass_number
    return _Density(mean_square, partial(oscillator.transform, weights, recoil=1 / mass_number))


def _radial_weights(occupied: Sequence[tuple[Level, float]]) -> Array:
    """Share of the nucleons at each of RADII_FM [1]; they add to one."""
    weights = np.sum([number * level.radial**2 for level, number in occupied], axis=0)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _mean_square_fm2(weights: Array) -> float:
    """Mean square radius [fm2] about the centre of the well."""
    return float(weights @ RADII_FM**2)


def _woods_saxon_density(occupied: Sequence[tuple[Level, float]], shift_fm2: float) -> _Density:
    """Density of Woods-Saxon functions; the motion of the centre of mass is exp(Q^2 b^2/4A) with b^2/A given.

    The transform is tabulated with its slope and interpolated by cubics.
    """
    weights = _radial_weights(occupied)
    momentum, waves, slopes = _waves()
    centre, bare = np.exp(momentum**2 * shift_fm2 / 4), waves @ weights
    slope = centre * (slopes @ weights + bare * momentum * shift_fm2 / 2)
    table = interpolate.CubicHermiteSpline(momentum, centre * bare, slope)
    return _Density(_mean_square_fm2(weights) - 1.5 * shift_fm2, partial(_tabulated, table))


@lru_cache(maxsize=1)
def _waves() -> tuple[Array, Array, Array]:
    """Momenta Q of the table [1/fm], j0(Q r) [1] and its slope in Q [fm] at RADII_FM."""
    momentum = np.arange(0, LARGEST_MOMENTUM_PER_FM + MOMENTUM_STEP_PER_FM / 2, MOMENTUM_STEP_PER_FM)
    x = np.multiply.outer(momentum, RADII_FM)
    waves, slopes = np.sinc(x / np.pi), np.zeros_like(x)
    slopes[1:] = (np.cos(x[1:]) - waves[1:]) / momentum[1:, np.newaxis]
    return momentum, waves, slopes


def _tabulated(table: interpolate.CubicHermiteSpline, momentum_per_fm: Array) -> Array:
    """Interpolated form factor [1]; beyond the table the tails of the basis are not those of the well."""
    if np.any(momentum_per_fm > LARGEST_MOMENTUM_PER_FM):
        raise PredictionError(
            f"Woods-Saxon form factors end at {LARGEST_MOMENTUM_PER_FM}/fm: {np.max(momentum_per_fm):.3g}/fm"
        )
    return np.asarray(table(momentum_per_fm), dtype=np.float64)
