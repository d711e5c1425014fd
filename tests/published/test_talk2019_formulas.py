"""Formulas that the 2019 talk prints beside its results: moments of the form factors, and the factor of a moment."""

from math import cbrt, factorial

import numpy as np
import pytest

from bayesnu.constants import (
    ELECTRON_MASS_MEV,
    FERMI_CONSTANT_PER_MEV2,
    FINE_STRUCTURE,
    MOMENT_UNIT_MU_B,
)
from bayesnu.physics import nucleus
from bayesnu.physics.form_factors import proton_and_neutron
from bayesnu.schema import Helm, Isotope, KleinNystrand, SymmetrisedFermi

CAESIUM = Isotope(element="Cs", charge=55, mass_number=133, mass_u=132.905, abundance=1.0, charge_radius_fm=4.8041,
                  unpaired_protons=0, unpaired_neutrons=0)  # fmt: skip
IODINE = Isotope(element="I", charge=53, mass_number=127, mass_u=126.904, abundance=1.0, charge_radius_fm=4.7500,
                 unpaired_protons=0, unpaired_neutrons=0)  # fmt: skip
DEGREE = 16


def series(form, isotope):
    """<R^2>, <R^4>, <R^6> [fm^n] from F = 1 - Q^2 <R^2>/3! + Q^4 <R^4>/5! - Q^6 <R^6>/7!, F as a polynomial in Q^2."""
    polynomial = np.polynomial.Chebyshev.interpolate(
        lambda x: proton_and_neutron(form, isotope, np.sqrt(x))[1], DEGREE, domain=[0, 1]
    )
    taylor = [polynomial.deriv(k)(0.0) / factorial(k) for k in (1, 2, 3)]
    return [(-1) ** k * factorial(2 * k + 1) * c for k, c in zip((1, 2, 3), taylor, strict=True)]


def helm(form, isotope):
    c, w, s = 1.23 * cbrt(isotope.mass_number) - 0.60, np.pi * form.diffuseness_fm, form.skin_fm
    R = np.sqrt(c**2 + 7 / 3 * w**2 - 5 * s**2)
    return [
        3 / 5 * R**2 + 3 * s**2,
        3 / 7 * R**4 + 6 * R**2 * s**2 + 15 * s**4,
        1 / 3 * R**6 + 9 * R**4 * s**2 + 63 * R**2 * s**4 + 105 * s**6,
    ]


def symmetrised_fermi(form, isotope):
    c, w = 1.23 * cbrt(isotope.mass_number) - 0.60, np.pi * form.diffuseness_fm
    return [
        3 / 5 * c**2 + 7 / 5 * w**2,
        3 / 7 * c**4 + 18 / 7 * w**2 * c**2 + 31 / 7 * w**4,
        1 / 3 * c**6 + 11 / 3 * w**2 * c**4 + 239 / 15 * w**4 * c**2 + 127 / 5 * w**6,
    ]


def klein_nystrand(form, isotope):
    R, a = form.radius_slope_fm * cbrt(isotope.mass_number), form.range_fm
    return [
        3 / 5 * R**2 + 6 * a**2,
        3 / 7 * R**4 + 12 * R**2 * a**2 + 120 * a**4,
        1 / 3 * R**6 + 18 * R**4 * a**2 + 504 * R**2 * a**4 + 5040 * a**6,
    ]


FORMS = [(Helm(), helm), (SymmetrisedFermi(), symmetrised_fermi), (KleinNystrand(), klein_nystrand)]


@pytest.mark.parametrize("isotope", [CAESIUM, IODINE], ids=lambda i: i.name)
@pytest.mark.parametrize(("form", "printed"), FORMS, ids=lambda v: getattr(v, "__name__", ""))
def test_moments_of_the_density(form, printed, isotope):
    """Each derivative at zero loses two to three digits of the sixteen."""
    for ours, formula, tolerance in zip(
        series(form, isotope), printed(form, isotope), (1e-11, 1e-10, 1e-8), strict=True
    ):
        assert ours == pytest.approx(formula, rel=tolerance)


def test_a_wrong_moment_would_be_seen():
    """With the range counted once, <R^4> of Klein and Nystrand would be off by more than any tolerance here."""
    form, R, a = KleinNystrand(), 1.23 * cbrt(133), 0.7
    assert series(form, CAESIUM)[1] != pytest.approx(3 / 7 * R**4 + 12 * R**2 * a**2 + 60 * a**4, rel=1e-3)


@pytest.mark.parametrize("recoil_kev", [5.0, 15.0, 25.0])
def test_the_factor_of_a_moment_is_the_sum_of_the_two_cross_sections(recoil_kev):
    """G_EM = 1 + Q_EM^2/(G_F^2 M Q_W^2) (1 - T/E)/T/(1 - M T/2E^2) with Q_EM = pi alpha mu Z/m_e, where F_p = F_n."""
    recoil, energy, mass = 1e-3 * recoil_kev, 40.0, 123_800.0
    weak_charge, moment_mu_b = -38.0, 30 * MOMENT_UNIT_MU_B
    standard = weak_charge**2 * nucleus.vector_cross_section(recoil, energy, mass, "leading")
    magnetic = 30**2 * 55**2 * nucleus.magnetic_cross_section(recoil, energy, mass)
    electric_charge = np.pi * FINE_STRUCTURE * moment_mu_b * 55 / ELECTRON_MASS_MEV
    kinematics = (1 - recoil / energy) / recoil / (1 - mass * recoil / (2 * energy**2))
    factor = 1 + (electric_charge / (FERMI_CONSTANT_PER_MEV2 * weak_charge)) ** 2 / mass * kinematics
    assert (standard + magnetic) / standard == pytest.approx(factor, rel=1e-10)
