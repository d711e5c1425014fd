"""Single-particle levels of protons and neutrons in a Woods-Saxon well.

The well is U(r) = -V f(r) + W (1/r)(df/dr) l.s + Coulomb, with f(r) = 1/(1 + exp((r - R)/a)) and the Coulomb
potential of a uniform sphere of radius R and charge Z - 1.
"""

from functools import lru_cache
from math import cbrt, sqrt
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import constants as codata
from scipy import special

from bayesnu.constants import FINE_STRUCTURE, HBAR_C_MEV_FM

Array = NDArray[np.float64]
Species = Literal["proton", "neutron"]
Well = Literal["bohr-mottelson", "seminole"]

BASIS_SIZE: Final = 16
"""Oscillator functions per (l, j) in which the well is diagonalised."""
RADIUS_STEP_FM: Final = 0.05
RADII_FM: Final[Array] = np.arange(RADIUS_STEP_FM / 2, 24.0, RADIUS_STEP_FM)
"""Midpoints [fm]: plain sums over them are accurate because every integrand is even in the radius."""
RADII_FM.flags.writeable = False

_MASS_MEV: Final[dict[Species, float]] = {
    "proton": float(codata.physical_constants["proton mass energy equivalent in MeV"][0]),
    "neutron": float(codata.physical_constants["neutron mass energy equivalent in MeV"][0]),
}
_ISOSPIN: Final[dict[Species, int]] = {"proton": 1, "neutron": -1}


class Level(NamedTuple):
    """A level nlj: radial nodes n, orbital angular momentum l, twice the spin 2j, and its radial function."""

    nodes: int
    orbital: int
    twice_spin: int
    energy_mev: float
    radial: Array
    """u(r) = r R(r) at RADII_FM [fm^(-1/2)], positive near the origin."""

    @property
    def places(self) -> int:
        """Number of nucleons that the level holds, 2j + 1."""
        return self.twice_spin + 1

    @property
    def quanta(self) -> int:
        """Oscillator quanta 2n + l."""
        return 2 * self.nodes + self.orbital


class Parameters(NamedTuple):
    """The numbers of a well for one kind of nucleon in one nucleus."""

    depth_mev: float
    radius_fm: float
    diffuseness_fm: float
    spin_orbit_mev_fm2: float
    spin_orbit_radius_fm: float
    mass_mev: float
    """Mass in the kinetic energy."""


def last_shell(particles: int) -> int:
    """Oscillator quanta of the last of so many nucleons of one kind: shell N holds (N + 1)(N + 2)."""
    quanta = 0
    while (quanta + 1) * (quanta + 2) * (quanta + 3) // 3 < particles:
        quanta += 1
    return quanta


def parameters(charge: int, neutrons: int, species: Species, well: Well) -> Parameters:
    """Depth [MeV], radius [fm] and diffuseness [fm] of the well, its spin-orbit force [MeV fm2] and mass [MeV].

    References: Bohr and Mottelson, Nuclear Structure I (1969), Eqs 2-181 and 2-182; for "seminole" Schwierz,
    Wiedenhoever and Volya, arXiv:0709.3525.
    """
    mass_number, excess, isospin = charge + neutrons, neutrons - charge, _ISOSPIN[species]
    free_mev, size = _MASS_MEV[species], cbrt(mass_number)
    if well == "bohr-mottelson":
        depth_mev = 51 + 33 * isospin * excess / mass_number
        return Parameters(depth_mev, 1.27 * size, 0.67, 0.44 * depth_mev * 1.27**2, 1.27 * size, free_mev)
    # -4 <t.T'> of the nucleon and of the nucleus without it.
    isovector = 3 if excess == 0 else isospin * (excess + (1 if excess > 0 else -1)) + 2
    reduced_mev = free_mev * (mass_number - 1) / mass_number
    spin_orbit_mev_fm2 = 24.1 * 52.06 * (HBAR_C_MEV_FM / reduced_mev) ** 2 / 2
    depth_mev = 52.06 * (1 + 0.639 * isovector / mass_number)
    return Parameters(depth_mev, 1.260 * size, 0.662, spin_orbit_mev_fm2, 1.16 * size, reduced_mev)


@lru_cache(maxsize=512)
def levels(
    charge: int,
    neutrons: int,
    species: Species,
    well: Well = "bohr-mottelson",
    highest_quanta: int | None = None,
    basis_size: int = BASIS_SIZE,
) -> tuple[Level, ...]:
    """Levels of the well by rising energy, those with 2n + l up to one shell above the last nucleon.

    Each (l, j) is diagonalised in oscillator functions of length 1.01 A^(1/6) fm. Unbound levels, which are
    levels of that basis only, are included. The radial functions are read-only.
    """
    if highest_quanta is None:
        highest_quanta = last_shell(charge if species == "proton" else neutrons) + 1
    shape = parameters(charge, neutrons, species, well)
    length_fm = 1.01 * (charge + neutrons) ** (1 / 6)
    found: list[Level] = []
    for orbital in range(highest_quanta + 1):
        basis = _oscillator_functions(orbital, length_fm, basis_size)
        kinetic = _kinetic_matrix_mev(orbital, HBAR_C_MEV_FM**2 / (2 * shape.mass_mev * length_fm**2), basis_size)
        for twice_spin in (2 * orbital - 1, 2 * orbital + 1)[orbital == 0 :]:
            potential = potential_mev(shape, charge if species == "proton" else 0, orbital, twice_spin, RADII_FM)
            energies, vectors = np.linalg.eigh(kinetic + (basis * potential) @ basis.T * RADIUS_STEP_FM)
            for nodes in range((highest_quanta - orbital) // 2 + 1):
                radial = vectors[:, nodes] @ basis
                radial *= np.sign(radial[0])
                radial.flags.writeable = False
                found.append(Level(nodes, orbital, twice_spin, float(energies[nodes]), radial))
    return tuple(sorted(found, key=lambda level: level.energy_mev))


def potential_mev(shape: Parameters, charge: int, orbital: int, twice_spin: int, radii_fm: Array) -> Array:
    """Central, spin-orbit and Coulomb potential [MeV] at radii [fm]; the charge is zero for neutrons."""
    central = -shape.depth_mev * special.expit((shape.radius_fm - radii_fm) / shape.diffuseness_fm)
    surface = special.expit((shape.spin_orbit_radius_fm - radii_fm) / shape.diffuseness_fm)
    slope_per_fm = -surface * (1 - surface) / shape.diffuseness_fm
    along = orbital / 2 if twice_spin > 2 * orbital else -(orbital + 1) / 2
    spin_orbit = shape.spin_orbit_mev_fm2 * along * slope_per_fm / radii_fm
    ratio = radii_fm / shape.radius_fm
    sphere = np.where(ratio < 1, (3 - ratio**2) / 2, 1 / np.maximum(ratio, 1))
    coulomb = max(charge - 1, 0) * FINE_STRUCTURE * HBAR_C_MEV_FM / shape.radius_fm * sphere
    return np.asarray(central + spin_orbit + coulomb, dtype=np.float64)


def _oscillator_functions(orbital: int, length_fm: float, size: int) -> Array:
    """Radial oscillator functions u_nl [fm^(-1/2)] at RADII_FM, positive near the origin, one row per n."""
    nodes = np.arange(size)[:, np.newaxis]
    x = RADII_FM / length_fm
    log_norm = (np.log(2 / length_fm) + special.gammaln(nodes + 1) - special.gammaln(nodes + orbital + 1.5)) / 2
    wave = np.exp(log_norm + (orbital + 1) * np.log(x) - x**2 / 2)
    return np.asarray(wave * special.eval_genlaguerre(nodes, orbital + 0.5, x**2), dtype=np.float64)


def _kinetic_matrix_mev(orbital: int, unit_mev: float, size: int) -> Array:
    """Kinetic energy [MeV] between oscillator functions, tridiagonal, in units of hbar^2/(2 m b^2)."""
    beside = [sqrt((n + 1) * (n + orbital + 1.5)) for n in range(size - 1)]
    return unit_mev * (np.diag(2 * np.arange(size) + orbital + 1.5) + np.diag(beside, 1) + np.diag(beside, -1))
