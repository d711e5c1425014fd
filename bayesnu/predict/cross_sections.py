"""What each term contributes per unit coupling: cross sections at the points of a quadrature, or as powers of 1/E."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.physics import dipole, electron, interference, nucleus
from bayesnu.physics.inverse_energy import InverseEnergy
from bayesnu.schema import Isotope

Array = NDArray[np.float64]


class Recoil(NamedTuple):
    """What a term's rate needs at each quadrature point."""

    isotope: Isotope
    recoil_mev: Array
    energy_mev: Array
    mass_mev: float
    proton_factor: Array
    neutron_factor: Array
    kinematics: str


class Struck(NamedTuple):
    """What a cross section needs at each recoil, where the spectrum enters through its moments."""

    recoil_mev: Array
    mass_mev: float
    sterile_mev: float | Array
    antineutrino: bool


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

SECTIONS: dict[str, Callable[[Struck], InverseEnergy]] = {
    "sm-electron-ll": lambda s: electron.weak_sections(s.recoil_mev, s.antineutrino).left_left,
    "sm-electron-rr": lambda s: electron.weak_sections(s.recoil_mev, s.antineutrino).right_right,
    "sm-electron-lr": lambda s: electron.weak_sections(s.recoil_mev, s.antineutrino).left_right,
    "magnetic-moment": lambda s: dipole.dipole_section(s.recoil_mev, s.mass_mev, 0.0),
    "dipole": lambda s: dipole.dipole_section(s.recoil_mev, s.mass_mev, s.sterile_mev),
    "interference-v": lambda s: _interference(s).vector,
    "interference-a": lambda s: _interference(s).axial,
    "interference-p": lambda s: _interference(s).vector,
    "interference-n": lambda s: _interference(s).vector,
}
"""Term -> cross section [cm2/MeV] as powers of 1/E, per electron or per what STRENGTHS says of a nucleus."""


def _interference(struck: Struck) -> interference.InterferenceSections:
    recoil, mass, sterile, antineutrino = struck
    return interference.interference_sections(recoil, mass, sterile, antineutrino)


STRENGTHS: dict[str, Callable[[Array, Array], Array]] = {
    "magnetic-moment": lambda protons, neutrons: protons * protons,
    "dipole": lambda protons, neutrons: protons * protons,
    "interference-p": lambda protons, neutrons: -protons * protons,
    "interference-n": lambda protons, neutrons: -protons * neutrons,
}
"""Term -> what a nucleus of charge Z F_p and neutrons N F_n multiplies: of interference, minus its charge comes in."""

MASSIVE: frozenset[str] = frozenset({"dipole", "interference-v", "interference-a", "interference-p", "interference-n"})
"""Terms whose final state is heavy: their counts depend on the sterile mass."""
