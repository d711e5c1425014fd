"""Nuclear form factors: Fourier transforms of proton and neutron densities, one at zero momentum.

Every function is written so that it is exact and smooth down to zero momentum transfer: no 0/0 and
no cancellation between large terms.
"""

from functools import lru_cache
from math import cbrt
from typing import Final, NamedTuple, assert_never

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesnu.errors import PredictionError
from bayesnu.schema import (
    FormFactor,
    Helm,
    Isotope,
    KleinNystrand,
    ShellModel,
    SymmetrisedFermi,
    Unity,
)

Array = NDArray[np.float64]

PROTON_RADIUS_FM: Final = 0.8409
"""Root-mean-square charge radius of the proton [fm]."""
NEUTRON_RADIUS_SQUARED_FM2: Final = -0.1155
"""Mean-square charge radius of the neutron [fm2]."""
DARWIN_FOLDY_FM2: Final = 0.033
"""Relativistic Darwin-Foldy term 3 / (4 M_p^2) of the mean-square charge radius [fm2]."""


def proton_and_neutron(form: FormFactor, isotope: Isotope, momentum_per_fm: Array) -> tuple[Array, Array]:
    """Form factors of protons and neutrons [1] at momentum transfer Q [1/fm].

    The two differ for the shell model only; the other models give both the density of the nucleus.
    """
    if isinstance(form, ShellModel):
        length_fm = oscillator_length_fm(isotope)
        return (
            oscillator_form_factor(isotope.charge, length_fm, momentum_per_fm),
            oscillator_form_factor(isotope.neutrons, length_fm, momentum_per_fm),
        )
    common = _common(form, isotope.mass_number, momentum_per_fm)
    return common, common


def _common(form: Unity | Helm | KleinNystrand | SymmetrisedFermi, mass_number: int, momentum_per_fm: Array) -> Array:
    match form:
        case Unity():
            return np.ones_like(momentum_per_fm)
        case Helm():
            return helm(form, mass_number, momentum_per_fm)
        case KleinNystrand():
            return klein_nystrand(form, mass_number, momentum_per_fm)
        case SymmetrisedFermi():
            return symmetrised_fermi(form, mass_number, momentum_per_fm)
        case _:  # pragma: no cover
            assert_never(form)


# --- liquid drops ---------------------------------------------------------------------------------


def helm(form: Helm, mass_number: int, momentum_per_fm: Array) -> Array:
    """Helm form factor [1]: a uniform sphere of radius R0 folded with a Gaussian of width s.

    F = 3 j1(Q R0)/(Q R0) exp(-Q^2 s^2/2) with R0^2 = c^2 + 7/3 pi^2 a^2 - 5 s^2 [fm2] and
    c = 1.23 A^(1/3) - 0.60 fm. Reference: Lewin and Smith, Astropart. Phys. 6 (1996) 87, Eq 4.11.
    """
    skin_fm = form.skin_fm
    drop_fm = form.radius_slope_fm * cbrt(mass_number) + form.radius_offset_fm
    surface_fm = np.pi * form.diffuseness_fm
    radius_fm = np.sqrt(drop_fm**2 + 7 / 3 * surface_fm**2 - 5 * skin_fm**2)
    gaussian = np.exp(-0.5 * (momentum_per_fm * skin_fm) ** 2)
    return _uniform_sphere(momentum_per_fm * radius_fm) * gaussian


def klein_nystrand(form: KleinNystrand, mass_number: int, momentum_per_fm: Array) -> Array:
    """Klein-Nystrand form factor [1]: a hard sphere folded with a Yukawa potential of range a_k.

    F = 3 j1(Q R)/(Q R) / (1 + Q^2 a_k^2) with R = 1.23 A^(1/3) fm and a_k = 0.7 fm.
    Reference: Klein and Nystrand, Phys. Rev. C 60 (1999) 014903 (arXiv:hep-ph/9902259).
    """
    radius_fm = form.radius_slope_fm * cbrt(mass_number)
    yukawa = 1 / (1 + (momentum_per_fm * form.range_fm) ** 2)
    return _uniform_sphere(momentum_per_fm * radius_fm) * yukawa


def symmetrised_fermi(form: SymmetrisedFermi, mass_number: int, momentum_per_fm: Array) -> Array:
    """Symmetrised Fermi form factor [1] with half-density radius c and diffuseness a [fm].

    Reference: arXiv:1905.03750, Eqs 23 and 24. With x = Q c and y = pi Q a, Eq 23 is rearranged to
    3 (y/sinh y) [y^2 (y coth y - 1)/y^2 sin(x)/x + x^2 j1(x)/x] / (x^2 + y^2), whose four factors
    are finite at Q = 0 and whose Q^2 cancels.
    """
    radius_fm = form.radius_slope_fm * cbrt(mass_number) + form.radius_offset_fm
    surface_fm = np.pi * form.diffuseness_fm
    x, y = momentum_per_fm * radius_fm, momentum_per_fm * surface_fm
    edge = 3 * surface_fm**2 * _langevin(y) * np.sinc(x / np.pi)
    bulk = radius_fm**2 * _uniform_sphere(x)
    return _over_sinh(y) * (edge + bulk) / (radius_fm**2 + surface_fm**2)


def _uniform_sphere(x: Array) -> Array:
    """3 j1(x)/x; below 1e-4 the series, whose next term is 1e-19."""
    small = x < 1e-4
    safe = np.where(small, 1.0, x)
    value = np.where(small, 1 - x**2 / 10, 3 * special.spherical_jn(1, safe) / safe)
    return np.asarray(value, dtype=np.float64)


def _langevin(y: Array) -> Array:
    """(y coth y - 1)/y^2; below 0.1 the series, whose next term is 1e-16."""
    small = y < 0.1
    safe, square = np.where(small, 1.0, y), np.where(small, y, 0.0) ** 2
    series = 1 / 3 - square / 45 * (1 - square * (2 / 21 - square * (1 / 105 - square * 2 / 2079)))
    return np.where(small, series, (safe / np.tanh(safe) - 1) / safe**2)


def _over_sinh(y: Array) -> Array:
    """Ratio y / sinh y, written with exp(-y) so that a large y cannot overflow."""
    safe = np.where(y == 0, 1.0, y)
    return np.where(y == 0, 1.0, -2 * safe * np.exp(-safe) / np.expm1(-2 * safe))


# --- oscillator shells ----------------------------------------------------------------------------


class Shell(NamedTuple):
    """An oscillator shell: radial nodes n, orbital angular momentum l, and places 2j + 1."""

    nodes: int
    orbital: int
    places: int


SHELLS: Final = (
    Shell(0, 0, 2),  # 0s1/2
    Shell(0, 1, 6),  # 0p
    Shell(0, 2, 6),  # 0d5/2
    Shell(1, 0, 2),  # 1s1/2
    Shell(0, 2, 4),  # 0d3/2
    Shell(0, 3, 8),  # 0f7/2
    Shell(1, 1, 4),  # 1p3/2
    Shell(0, 3, 6),  # 0f5/2
    Shell(1, 1, 2),  # 1p1/2
    Shell(0, 4, 10),  # 0g9/2
    # 50: from here to 82 the order that reproduces the xenon rows of arXiv:1505.03202, Table V.
    Shell(0, 4, 8),  # 0g7/2
    Shell(1, 2, 6),  # 1d5/2
    Shell(0, 5, 12),  # 0h11/2
    Shell(1, 2, 4),  # 1d3/2
    Shell(2, 0, 2),  # 2s1/2
    # 82: the textbook order, for tungsten; no published number tests it.
    Shell(0, 5, 10),  # 0h9/2
    Shell(1, 3, 8),  # 1f7/2
    Shell(0, 6, 14),  # 0i13/2
    Shell(2, 1, 4),  # 2p3/2
    Shell(1, 3, 6),  # 1f5/2
    Shell(2, 1, 2),  # 2p1/2
)
"""Order in which the shells are filled, up to 126 nucleons of one kind."""


@lru_cache(maxsize=256)
def occupations(nucleons: int) -> tuple[tuple[Shell, int], ...]:
    """Occupied shells and the number of nucleons in each, filled from the bottom [1]."""
    filled: list[tuple[Shell, int]] = []
    left = nucleons
    for shell in SHELLS:
        filled.append((shell, min(left, shell.places)))
        left -= filled[-1][1]
    if left:
        raise PredictionError(f"the shell model ends at {nucleons - left} nucleons: {nucleons}")
    return tuple((shell, number) for shell, number in filled if number)


def oscillator_length_fm(isotope: Isotope) -> float:
    """Oscillator length b [fm] at which the filled proton shells have the measured charge radius.

    b^2 = <r_p^2> / <2n + l + 3/2>_p, with the point-proton radius
    <r_p^2> = r_ch^2 - R_p^2 - (N/Z) R_n^2 - 3/(4 M_p^2); neither the spin-orbit
    term nor a centre-of-mass factor.
    Reference: Ong, Berengut and Flambaum, Phys. Rev. C 82 (2010) 014320 (arXiv:1006.5508).
    """
    neutron_cloud_fm2 = NEUTRON_RADIUS_SQUARED_FM2 * isotope.neutrons / isotope.charge
    proton_fm2 = PROTON_RADIUS_FM**2 + neutron_cloud_fm2 + DARWIN_FOLDY_FM2
    point_fm2 = isotope.charge_radius_fm**2 - proton_fm2
    if point_fm2 <= 0:
        raise PredictionError(f"{isotope.name}: no oscillator length has this charge radius")
    quanta = sum(number * (2 * shell.nodes + shell.orbital + 1.5) for shell, number in occupations(isotope.charge))
    return float(np.sqrt(point_fm2 * isotope.charge / quanta))


def oscillator_form_factor(nucleons: int, length_fm: float, momentum_per_fm: Array) -> Array:
    """Form factor [1] of filled oscillator shells of length b [fm] at momentum transfer Q [1/fm].

    The density is a sum of x^(2m) exp(-x^2), x = r/b, and each power has the transform
    exp(-z) L_m^(1/2)(z) / L_m^(1/2)(0) with z = (Q b)^2/4.
    Reference: Gradshteyn and Ryzhik, 6.631.10; shells as in arXiv:1505.03202, Eq 5.
    """
    z = (momentum_per_fm * length_fm) ** 2 / 4
    total = np.zeros_like(z)
    for power, weight in enumerate(_power_weights(nucleons)):
        at_zero = special.binom(power + 0.5, power)
        total += weight / at_zero * special.eval_genlaguerre(power, 0.5, z)
    return total * np.exp(-z)


@lru_cache(maxsize=256)
def _power_weights(nucleons: int) -> tuple[float, ...]:
    """Shares of the powers x^(2m) exp(-x^2), m = 0, 1, ..., in the density; they add to one."""
    filled = occupations(nucleons)
    highest = max(2 * shell.nodes + shell.orbital for shell, _ in filled)
    weights = np.zeros(highest + 1)
    for shell, number in filled:
        share = _shell_weights(shell)
        weights[shell.orbital : shell.orbital + share.size] += number / nucleons * share
    return tuple(weights.tolist())


def _shell_weights(shell: Shell) -> Array:
    """Shares of x^(2l), x^(2l+2), ... in x^(2l) [L_n^(l+1/2)(x^2)]^2 exp(-x^2), adding to one."""
    index = np.arange(shell.nodes + 1)
    choose = special.binom(shell.nodes + shell.orbital + 0.5, shell.nodes - index)
    laguerre = (-1.0) ** index * choose / special.factorial(index)
    square = np.convolve(laguerre, laguerre)
    integral = square * special.gamma(shell.orbital + np.arange(square.size) + 1.5)
    return np.asarray(integral / integral.sum(), dtype=np.float64)
