"""Form factors against direct Fourier transforms of the densities they stand for."""

import warnings

import numpy as np
import pytest
from scipy import integrate, special

from bayesnu.errors import PredictionError
from bayesnu.physics.form_factors import proton_and_neutron
from bayesnu.physics.oscillator import (
    SHELLS,
    occupations,
    oscillator_form_factor,
    oscillator_length_fm,
)
from bayesnu.schema import (
    Helm,
    Isotope,
    KleinNystrand,
    ShellModel,
    SymmetrisedFermi,
    Unity,
)

MOMENTA = np.array([0.05, 0.3, 0.7, 1.1, 1.9])
FORMS = [Unity(), Helm(), KleinNystrand(), SymmetrisedFermi(), ShellModel()]


def isotope(element, charge, mass_number, charge_radius_fm):
    return Isotope(
        element=element,
        charge=charge,
        mass_number=mass_number,
        mass_u=float(mass_number),
        abundance=1.0,
        charge_radius_fm=charge_radius_fm,
        unpaired_protons=0,
        unpaired_neutrons=0,
    )


NEON = isotope("Ne", 10, 20, 3.0055)
ARGON = isotope("Ar", 18, 40, 3.4274)
GERMANIUM = isotope("Ge", 32, 76, 4.0811)
CAESIUM = isotope("Cs", 55, 133, 4.8041)
XENON = isotope("Xe", 54, 132, 4.7859)
TUNGSTEN = isotope("W", 74, 184, 5.3658)
NUCLEI = [NEON, ARGON, GERMANIUM, CAESIUM, XENON]


def transform(density, momentum_per_fm, cut_fm=60.0):
    """Fourier transform of a radial density at each momentum, divided by the one at zero."""
    radius, weight = np.polynomial.legendre.leggauss(2000)
    radius, weight = cut_fm * (radius + 1) / 2, weight * radius.size
    shell = weight * radius**2 * density(radius)
    waves = np.sinc(np.multiply.outer(momentum_per_fm, radius) / np.pi)
    return waves @ shell / shell.sum()


# --- every model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("nucleus", [*NUCLEI, TUNGSTEN], ids=lambda n: n.name)
@pytest.mark.parametrize("form", FORMS, ids=lambda f: type(f).__name__)
def test_one_at_zero_momentum_and_smooth_below(form, nucleus):
    momenta = np.concatenate([[0.0], np.logspace(-300, -2, 500)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="warn", under="ignore"):
            for values in proton_and_neutron(form, nucleus, momenta):
                assert values[0] == pytest.approx(1.0, abs=4e-16)
                # 1 - Q^2 r^2/6 with r below 7 fm, everywhere down to the smallest momentum.
                assert np.all(values <= 1 + 1e-15)
                assert np.all(values >= 1 - momenta**2 * 49 / 6 - 1e-15)


@pytest.mark.parametrize("form", FORMS, ids=lambda f: type(f).__name__)
def test_no_step_where_the_bessel_series_takes_over(form):
    # The series ends at Q R = 1e-4, at 1.6e-5 / fm for caesium.
    momenta = np.linspace(1.2e-5, 2.2e-5, 101)
    parabola = 1 - momenta**2 * rms_radius_fm(form, CAESIUM) ** 2 / 6
    proton, _ = proton_and_neutron(form, CAESIUM, momenta)
    np.testing.assert_allclose(proton, parabola, rtol=0, atol=5e-15)


def test_no_step_where_the_hyperbolic_series_takes_over():
    # The series ends at pi Q a = 0.1, at 0.061 / fm; extended precision needs no series.
    momenta = np.linspace(0.03, 0.1, 301)
    c, a = np.longdouble(1.23 * np.cbrt(133.0) - 0.60), np.longdouble(0.52)
    printed = equation_23(momenta.astype(np.longdouble), c, a)
    proton, _ = proton_and_neutron(SymmetrisedFermi(), CAESIUM, momenta)
    np.testing.assert_allclose(proton, printed.astype(float), rtol=0, atol=1e-14)


def test_shapes_are_kept():
    momenta = np.linspace(0, 1, 12).reshape(3, 4)
    for form in FORMS:
        proton, neutron = proton_and_neutron(form, XENON, momenta)
        assert proton.shape == neutron.shape == (3, 4)


def test_only_the_shell_model_tells_protons_from_neutrons():
    for form in FORMS:
        proton, neutron = proton_and_neutron(form, XENON, MOMENTA)
        assert np.array_equal(proton, neutron) is not isinstance(form, ShellModel)
    assert np.all(proton[:2] > neutron[:2])


def test_no_overflow_at_large_momentum():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        proton, _ = proton_and_neutron(SymmetrisedFermi(), XENON, np.array([10.0, 1e3]))
    assert np.all(np.abs(proton) < 1e-6)


# --- liquid drops ---------------------------------------------------------------------------------


@pytest.mark.parametrize("nucleus", NUCLEI, ids=lambda n: n.name)
def test_symmetrised_fermi_is_the_transform_of_its_density(nucleus):
    c, a = 1.23 * nucleus.mass_number ** (1 / 3) - 0.60, 0.52

    def density(r):
        return 1 / (1 + np.exp((r - c) / a)) - 1 / (1 + np.exp((r + c) / a))

    # rho = sinh(c/a) / (cosh(r/a) + cosh(c/a)) is the same thing: 1/(1+e^((r-c)/a)) symmetrised.
    r = np.linspace(0, 8, 9)
    closed = np.sinh(c / a) / (np.cosh(r / a) + np.cosh(c / a))
    np.testing.assert_allclose(density(r), closed, rtol=1e-12)
    proton, _ = proton_and_neutron(SymmetrisedFermi(), nucleus, MOMENTA)
    np.testing.assert_allclose(proton, transform(density, MOMENTA), atol=1e-12)


def equation_23(q, c, a):
    """arXiv:1905.03750, Eq 23, as printed."""
    qc, qa = q * c, np.arccos(-np.ones_like(a)) * q * a
    bracket = qa * np.sin(qc) / np.tanh(qa) - qc * np.cos(qc)
    return 3 / (qc * (qc**2 + qa**2)) * qa / np.sinh(qa) * bracket


def test_symmetrised_fermi_is_equation_23():
    printed = equation_23(MOMENTA, 1.23 * 133 ** (1 / 3) - 0.60, np.array(0.52))
    proton, _ = proton_and_neutron(SymmetrisedFermi(), CAESIUM, MOMENTA)
    np.testing.assert_allclose(proton, printed, rtol=1e-10)


def folded_sphere(r, radius, s):
    """Uniform sphere folded with a Gaussian: quadrature of the shell-averaged Gaussian."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    inner, weight = radius * (nodes + 1) / 2, weights * radius / 2
    near = np.exp(-((r[:, None] - inner) ** 2) / (2 * s**2))
    far = np.exp(-((r[:, None] + inner) ** 2) / (2 * s**2))
    return ((near - far) * inner * weight).sum(1) / r


@pytest.mark.parametrize("nucleus", [NEON, CAESIUM], ids=lambda n: n.name)
def test_helm_is_a_sphere_folded_with_a_gaussian(nucleus):
    c, a, s = 1.23 * nucleus.mass_number ** (1 / 3) - 0.60, 0.52, 0.9
    radius = np.sqrt(c**2 + 7 / 3 * np.pi**2 * a**2 - 5 * s**2)
    expected = transform(lambda r: folded_sphere(r, radius, s), MOMENTA, cut_fm=20.0)
    proton, _ = proton_and_neutron(Helm(), nucleus, MOMENTA)
    np.testing.assert_allclose(proton, expected, atol=1e-12)


def test_klein_nystrand_is_a_sphere_folded_with_a_yukawa_potential():
    radius, a_k = 1.23 * 133 ** (1 / 3), 0.7

    def transform_of_sphere(q):
        value, _ = integrate.quad(lambda r: r**2 * np.sinc(q * r / np.pi), 0, radius, epsabs=1e-13)
        return value / (radius**3 / 3)

    def transform_of_yukawa(q):
        value, _ = integrate.quad(lambda r: np.exp(-r / a_k) * np.sin(q * r) / q, 0, 60, limit=400)
        return value / a_k**2

    expected = [transform_of_sphere(q) * transform_of_yukawa(q) for q in MOMENTA]
    proton, _ = proton_and_neutron(KleinNystrand(), CAESIUM, MOMENTA)
    np.testing.assert_allclose(proton, expected, atol=1e-11)


def rms_radius_fm(form, nucleus):
    """Radius from the curvature, F = 1 - Q^2 r^2/6 + O(Q^4), by Richardson extrapolation."""
    momenta = np.array([0.02, 0.04])
    coarse = 6 * (1 - proton_and_neutron(form, nucleus, momenta)[0]) / momenta**2
    return np.sqrt((4 * coarse[0] - coarse[1]) / 3)


def test_radii_from_the_curvature():
    c, a = 1.23 * 133 ** (1 / 3) - 0.60, 0.52
    fermi = np.sqrt(3 / 5 * c**2 + 7 / 5 * np.pi**2 * a**2)
    assert rms_radius_fm(SymmetrisedFermi(), CAESIUM) == pytest.approx(fermi, rel=1e-6)
    # Helm's radius is chosen to give the same.
    assert rms_radius_fm(Helm(), CAESIUM) == pytest.approx(fermi, rel=1e-6)
    yukawa = np.sqrt(3 / 5 * (1.23 * 133 ** (1 / 3)) ** 2 + 6 * 0.7**2)
    assert rms_radius_fm(KleinNystrand(), CAESIUM) == pytest.approx(yukawa, rel=1e-6)
    assert rms_radius_fm(Unity(), CAESIUM) == 0


# --- shell model ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nucleus", "length_fm"),
    [(NEON, 1.834), (ARGON, 1.946), (GERMANIUM, 2.124), (XENON, 2.305)],
    ids=lambda v: getattr(v, "name", v),
)
def test_oscillator_lengths(nucleus, length_fm):
    assert oscillator_length_fm(nucleus) == pytest.approx(length_fm, abs=6e-4)


def test_proton_radius_is_the_measured_one():
    # 40Ar: 3.4274^2 - 0.8409^2 + 0.1155 * 22/18 - 0.033 = 11.1481 fm^2.
    assert rms_radius_fm(ShellModel(), ARGON) ** 2 == pytest.approx(11.1481, abs=2e-4)


@pytest.mark.parametrize("shell", sorted({shell[:2] for shell in SHELLS}))
def test_each_shell_is_the_transform_of_its_wave_function(shell):
    """Numerical integrals of explicit R_nl^2 for every (n, l), through differences of fillings."""
    nodes, orbital = shell
    length_fm = 2.1

    def wave_squared(r):
        x2 = (r / length_fm) ** 2
        laguerre = special.eval_genlaguerre(nodes, orbital + 0.5, x2)
        return x2**orbital * np.exp(-x2) * laguerre**2

    before = np.cumsum([0] + [shell.places for shell in SHELLS])
    index = next(i for i, shell in enumerate(SHELLS) if shell[:2] == (nodes, orbital))
    low, high = int(before[index]), int(before[index + 1])
    difference = high * oscillator_form_factor(high, length_fm, MOMENTA)
    if low:
        difference = difference - low * oscillator_form_factor(low, length_fm, MOMENTA)
    expected = transform(wave_squared, MOMENTA, cut_fm=40.0)
    np.testing.assert_allclose(difference / (high - low), expected, atol=1e-12)


@pytest.mark.parametrize("nucleus", [*NUCLEI, TUNGSTEN], ids=lambda n: n.name)
def test_whole_nuclei_are_sums_of_normalised_wave_functions(nucleus):
    length_fm = oscillator_length_fm(nucleus)
    radius = np.linspace(1e-9, 30, 30001)
    waves = radius**2 * np.sinc(np.multiply.outer(MOMENTA, radius) / np.pi)
    expected = np.zeros(MOMENTA.size)
    for (nodes, orbital, _), number in occupations(nucleus.neutrons):
        x = radius / length_fm
        wave = x**orbital * np.exp(-(x**2) / 2) * special.eval_genlaguerre(nodes, orbital + 0.5, x**2)
        norm = 2 * special.factorial(nodes) / special.gamma(nodes + orbital + 1.5) / length_fm**3
        expected += number * integrate.simpson(waves * norm * wave**2, x=radius)
    _, neutron = proton_and_neutron(ShellModel(), nucleus, MOMENTA)
    np.testing.assert_allclose(neutron, expected / nucleus.neutrons, atol=1e-10)


def test_shells_hold_the_magic_numbers():
    filled = np.cumsum([shell.places for shell in SHELLS])
    assert {2, 8, 20, 28, 50, 82, 126} <= set(filled.tolist())


def test_shells_hold_each_level_completely():
    places = {}
    for nodes, orbital, number in SHELLS:
        places[nodes, orbital] = places.get((nodes, orbital), 0) + number
    full = {level: 2 * (2 * level[1] + 1) for level in places}
    # 0i11/2 and 1g lie above 126, so the 0i level has its lower half only.
    full[0, 6] = 14
    assert places == full


def test_order_above_50_matters_for_xenon():
    # 132Xe has 54 protons: 0g7/2 is open and 1d5/2 empty; of 78 neutrons two are in 1d3/2.
    assert [(*shell, number) for shell, number in occupations(54)][-1] == (0, 4, 8, 4)
    assert [(*shell, number) for shell, number in occupations(78)][-1] == (1, 2, 4, 2)
    assert sum(number for _, number in occupations(78)) == 78


def test_beyond_the_model_is_refused():
    with pytest.raises(PredictionError, match="126"):
        occupations(127)
    with pytest.raises(PredictionError, match="20Ne"):
        oscillator_length_fm(isotope("Ne", 10, 20, 0.5))
