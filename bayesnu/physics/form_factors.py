"""Nuclear form factors: Fourier transforms of proton and neutron densities, one at zero momentum.

Every function is written so that it is exact and smooth down to zero momentum transfer: no 0/0 and
no cancellation between large terms.
"""

from math import cbrt
from typing import assert_never

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bayesnu.errors import PredictionError
from bayesnu.physics import bcs, oscillator
from bayesnu.physics.bcs import PairingGaps
from bayesnu.schema import (
    Bcs,
    BcsWoodsSaxon,
    FormFactor,
    Helm,
    Isotope,
    KleinNystrand,
    ShellModel,
    SymmetrisedFermi,
    Unity,
)

Array = NDArray[np.float64]


def proton_and_neutron(
    form: FormFactor, isotope: Isotope, momentum_per_fm: Array, gaps: PairingGaps | None = None
) -> tuple[Array, Array]:
    """Form factors of protons and neutrons [1] at momentum transfer Q [1/fm].

    The two differ for the shell model and for pairing, which needs the gaps; the other models give both the
    density of the nucleus.
    """
    match form:
        case ShellModel():
            length_fm = form.length_fm or oscillator.oscillator_length_fm(isotope)
            return (
                oscillator.oscillator_form_factor(isotope.charge, length_fm, momentum_per_fm),
                oscillator.oscillator_form_factor(isotope.neutrons, length_fm, momentum_per_fm),
            )
        case Bcs() | BcsWoodsSaxon():
            if gaps is None:
                raise PredictionError(f"{isotope.name}: the form factor needs pairing gaps")
            functions: bcs.Functions = "oscillator" if isinstance(form, Bcs) else "woods-saxon"
            return bcs.form_factors(isotope, gaps, functions, momentum_per_fm, form.skin_fm)
        case Helm(neutron_rms_fm=float(neutron_rms_fm)):
            return (
                helm_of_radius(isotope.charge_radius_fm, form.skin_fm, momentum_per_fm),
                helm_of_radius(neutron_rms_fm, form.skin_fm, momentum_per_fm),
            )
        case _:
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


def helm_of_radius(rms_fm: float, skin_fm: float, momentum_per_fm: Array) -> Array:
    """Helm form factor [1] of a given rms radius: R0^2 = 5/3 (R_rms^2 - 3 s^2)."""
    radius_fm = np.sqrt(5 / 3 * (rms_fm**2 - 3 * skin_fm**2))
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
