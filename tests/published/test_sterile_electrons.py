"""Dipoles on electrons and of chromium neutrinos, arXiv:2109.09545: what a second program finds, and the text.

The targets are those of a second program with the conventions of the paper. The paper does not say which threshold its
regions have: both delta chi2 = 2.71 and 4.61 are asked for, as levels chi2.cdf(2.71, 1) and chi2.cdf(4.61, 1), because
the profile here turns a level into the threshold of one parameter.
"""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize, stats

import bayesnu as bn
from bayesnu import catalog
from bayesnu.infer import minimise
from bayesnu.infer.profile import profile
from bayesnu.likelihood import nuisances
from bayesnu.likelihood.analysis import from_resolved, held

LEVEL = {threshold: float(stats.chi2.cdf(threshold, 1)) for threshold in (2.71, 4.61)}
XENON, GLOBAL_MINIMUM = "sterile2021-xenon1t", 40.77


@pytest.fixture
def declared(tmp_path):
    """The file of a shipped model with a few lines changed."""

    def write(base, lines):
        file = tmp_path / "changed.toml"
        file.write_text(f'extends = "{base}"\ntitle = "{base}, changed"\n{lines}', encoding="utf-8")
        return file

    return write


@pytest.fixture
def written(declared):
    """A shipped model with a few lines changed."""
    return lambda base, lines: bn.load(declared(base, lines))


def at_fixed_masses(file):
    """A model that is only fixed at one mass after the other: no axis of masses is built for it."""
    model = catalog.resolve(catalog.open_catalog(), str(file))
    return SimpleNamespace(fix=lambda **values: from_resolved(held(model, values)))


@functools.cache
def loaded(model):
    return bn.load(model)


def scan(analysis, mass, threshold):
    """The profile of the moment at a fixed mass."""
    (moment,) = (p.name for p in analysis.free if p.dimension == "moment")
    return profile(analysis.fix(m4=mass), moment, others="profiled", level=LEVEL[threshold], points=21).attrs


def upper(analysis, mass, threshold):
    return scan(analysis, mass, threshold)["limit"]


def widened(written, model, moment, high):
    """The prior of a moment bounds its profile: to go further, it is made longer."""
    prior = f'prior = {{ kind = "log-uniform", low = 0.1, high = {high} }}'
    return written(model, f"[parameters.{moment}]\n{prior}\n")


# --- XENON1T ----------------------------------------------------------------------------------------------------------


def costs(analysis, mass, moments):
    """chi2 at a mass and at some moments, nuisances profiled in closed form."""
    here = analysis.fix(m4=mass)
    solved = nuisances.affine(here)
    assert len(here.free) == 1 + len(solved.names)
    theta = here.theta({here.names[0]: moments, **dict.fromkeys(solved.names, 1.0)}, np)
    return nuisances.profiled_chi2(here, solved, theta, np.zeros(len(moments)), np)


def least(analysis, mass):
    return costs(analysis, mass, np.linspace(0.0, 15.0, 1501)).min()


def closing_kev(analysis, threshold, minimum):
    """The mass above which no moment is within a threshold of the minimum."""
    excess = functools.partial(least, analysis)
    return 1e3 * optimize.brentq(lambda mass: excess(mass) - minimum - threshold, 0.1, 0.2, xtol=3e-4)


def region(cost, masses, threshold, minimum):
    """Least and largest moment within a threshold of the minimum over all masses, on straight lines between moments."""
    moments, ends = np.arange(0.5, 12.0, 0.1), []
    for mass in masses:
        excess = cost(mass, moments) - minimum - threshold
        (inside,) = np.nonzero(excess <= 0)
        for i, step in [(inside[0], -1), (inside[-1], 1)] if inside.size else []:
            share = excess[i] / (excess[i] - excess[i + step])
            ends.append(moments[i] + share * (moments[i + step] - moments[i]))
    return min(ends), max(ends)


def test_the_background_alone():
    here = loaded(XENON).fix(m4=0.01)
    assert minimise.chi2_profiled(here, here.standard_point()) == pytest.approx(46.57, abs=0.02)


@pytest.mark.parametrize(("threshold", "low", "high"), [(2.71, 2.67, 6.17), (4.61, 1.57, 6.54)])
def test_two_sided_interval_of_muon_neutrinos(threshold, low, high):
    found = scan(loaded(XENON), 0.01, threshold)
    assert found["chi2_min"] == pytest.approx(GLOBAL_MINIMUM, abs=0.02)
    assert found["interval_low"] == pytest.approx(low, rel=0.01)
    assert found["limit"] == pytest.approx(high, rel=0.01)


@pytest.mark.parametrize(("threshold", "mass_kev"), [(2.71, 135), (4.61, 157)])
def test_where_the_region_closes(threshold, mass_kev):
    assert closing_kev(loaded(XENON), threshold, GLOBAL_MINIMUM) == pytest.approx(mass_kev, abs=1)


def test_a_lower_effective_moment_for_electron_neutrinos(written):
    electron = written(XENON, """[fixed.mu_nu_mu]
value = 0.0
unit = "mu_B"
[parameters.mu_nu_e]
unit = "1e-11 mu_B"
prior = { kind = "log-uniform", low = 0.1, high = 50.0 }
""")  # fmt: skip
    found = scan(electron, 0.001, 4.61)
    assert found["interval_low"] == pytest.approx(0.914, rel=0.01)
    assert found["limit"] == pytest.approx(3.81, rel=0.01)
    assert found["limit"] / upper(loaded(XENON), 0.001, 4.61) == pytest.approx(0.585, rel=0.02)


MASSES = (0.01, 0.1, 0.12, 0.125, 0.13, 0.135, 0.14)


def test_the_text():
    """"2 to 8 times 1e-11", "up to 150 keV", "90 % C.L.": at 4.61."""  # fmt: skip
    cost = functools.partial(costs, loaded(XENON))
    low, high = region(cost, MASSES, 4.61, GLOBAL_MINIMUM)
    assert 1.4 < low < high < 9.2
    assert (low, high) == pytest.approx((1.56, 7.83), abs=0.06)
    assert 130 < closing_kev(loaded(XENON), 4.61, GLOBAL_MINIMUM) < 170
    # With 2.71 the region would be 3 to 7, and end at 135 keV.
    assert region(cost, MASSES, 2.71, GLOBAL_MINIMUM) == pytest.approx((2.67, 7.00), abs=0.06)


@pytest.mark.parametrize(
    ("variant", "low", "high", "mass_kev"), [("true-energy", 1.45, 7.82, 159), ("second-background", 1.72, 7.76, 154)]
)
def test_other_readings_of_the_data(declared, variant, low, high, mass_kev):
    analysis = at_fixed_masses(declared(XENON, f'experiments = ["xenon1t-2020-{variant}"]\n'))
    minimum = least(analysis, 0.01)
    found = region(functools.partial(costs, analysis), MASSES, 4.61, minimum)
    assert found == pytest.approx((low, high), abs=0.06)
    assert closing_kev(analysis, 4.61, minimum) == pytest.approx(mass_kev, abs=2)


def costs_with_efficiency_of_everything(analysis, mass, moments):
    """Eq 23 with a1 on signal and background together, (1 + a1)(S + B0) + a2 B0.

    A declared scale multiplies signals or backgrounds, not both, so the chi2 is written here.
    """
    here = analysis.fix(m4=mass)
    (setup,) = here.model.setups
    background, variance = np.array(setup.backgrounds["b0"]), np.array(setup.variance)
    x = np.ones((len(moments), 3))
    x[:, here.names.index("mu_nu_mu")] = moments
    found = []
    for signal in (here.expected(x)[setup.name] - background[:, None]).T:
        shifts = np.stack([0.03 * (signal + background), 0.026 * background])
        covariance = np.diag(variance) + shifts.T @ shifts
        residual = setup.observed - signal - background
        found.append(residual @ np.linalg.solve(covariance, residual))
    return np.array(found)


def test_an_efficiency_that_multiplies_the_background_too():
    cost = functools.partial(costs_with_efficiency_of_everything, loaded(XENON))
    minimum = cost(0.01, np.arange(3.0, 8.0, 0.1)).min()
    assert region(cost, MASSES, 4.61, minimum) == pytest.approx((2.49, 9.15), rel=0.005)
    assert region(cost, MASSES, 2.71, minimum) == pytest.approx((3.38, 8.19), rel=0.005)


# --- TEXONO, one bin --------------------------------------------------------------------------------------------------

TEXONO = "sterile2021-texono"


def test_standard_model_of_texono(written):
    counts = {}
    for angle in (0.2387, 0.2312, 0.251):
        there = written("sterile2021-texono-sm", f'[fixed.sin2_theta_w]\nvalue = {angle}\nunit = "1"\n')
        counts[angle] = float(there.expected(there.standard_point())["texono-electrons"].sum())
    assert counts[0.2387] == pytest.approx(387.9, rel=0.005)
    assert counts[0.2312] == pytest.approx(369.0, rel=0.005)
    assert counts[0.251] / counts[0.2387] == pytest.approx(1.083, rel=0.001)


@pytest.mark.parametrize(("threshold", "limit"), [(2.71, 2.64), (4.61, 3.13)])
def test_limits_of_texono(threshold, limit):
    assert upper(loaded(TEXONO), 0.001, threshold) == pytest.approx(limit, rel=0.005)


@pytest.mark.parametrize(("threshold", "limit"), [(2.71, 2.28), (4.61, 2.65)])
def test_limits_with_the_systematic_error_of_texono(written, threshold, limit):
    lines = """[fixed.sin2_theta_w]
value = 0.2387
unit = "1"
[nuisances.signal]
prior = { kind = "normal", mean = 1.0, sd = 0.148 }
"""
    found = upper(written(TEXONO, lines), 0.001, threshold)
    assert found == pytest.approx(limit, rel=0.005)
    if threshold == 2.71:  # the paper: 2.2
        assert found == pytest.approx(2.2, rel=0.25)


TEXONO_MASSES = {0.001: 2.64, 0.1: 2.65, 0.5: 2.98, 1.0: 4.46, 1.6: 12.7, 2.0: 56.8, 2.2: 212.0}


def test_limits_of_texono_at_each_mass(written):
    analysis = widened(written, TEXONO, "mu_nu_e", 1000.0)
    found = [upper(analysis, mass, 2.71) for mass in TEXONO_MASSES]
    assert found == pytest.approx(list(TEXONO_MASSES.values()), rel=0.01)


def dipole_counts(analysis, mass):
    """Counts of a moment of one declared unit."""
    here = analysis.fix(m4=mass)
    point = here.standard_point()
    (none,) = here.expected(point).values()
    point[0] = 1.0
    (some,) = here.expected(point).values()
    return float((some - none).sum())


def test_reach_of_texono():
    """2.53 MeV, not the 10 MeV of the text: the heaviest neutrino that 10 MeV can make on an electron."""
    analysis = loaded(TEXONO)
    assert dipole_counts(analysis, 2.52) > 0
    assert dipole_counts(analysis, 2.54) == 0


# --- chromium ---------------------------------------------------------------------------------------------------------

CHROMIUM = [
    ("si", "", 1269, 1.86, 2.16, 1.20), ("ge", "", 3820, 1.42, 1.63, 1.08), ("al2o3", "", 1913, 2.11, 2.46, 1.13),
    ("al2o3", "aluminium-end", None, 2.60, 3.07, None), ("cawo4", "", 1033, 2.40, 2.82, 1.27),
    ("cawo4", "calcium-end", None, 3.22, 3.89, None),
]  # fmt: skip


@pytest.mark.parametrize(("target", "variant", "events", "loose", "tight", "sure"), CHROMIUM)
def test_coherent_scattering_of_chromium_neutrinos(written, target, variant, events, loose, tight, sure):
    base = f"sterile2021-cr51-{target}"
    analysis = written(base, f'experiments = ["cr51-{target}-{variant}"]\n') if variant else loaded(base)
    if events:
        assert analysis.expected(analysis.standard_point())[f"cr51-{target}"].sum() == pytest.approx(events, rel=0.005)
    limits = [upper(analysis, 0.001, threshold) for threshold in (2.71, 4.61)]
    assert limits == pytest.approx([loose, tight], rel=0.01)
    if sure:
        assert without_nuisance(analysis.fix(m4=0.001), 2.71) == pytest.approx(sure, rel=0.01)
    # The "1e-12" of the text is not reproduced.
    assert min(limits) > 1.0


def without_nuisance(analysis, threshold):
    """The limit where the 20 % on the signal are left out."""
    best = float(analysis.log_likelihood(mu_nu_e=np.array([0.0]))[0])

    def excess(mu):
        return 2 * (best - float(analysis.log_likelihood(mu_nu_e=np.array([mu]))[0])) - threshold

    return optimize.brentq(excess, 0.0, 10.0)


def test_limits_of_silicon_and_germanium_at_each_mass(written):
    silicon = {0.01: 2.2, 0.1: 2.3, 0.3: 3.5, 0.5: 3.4, 0.7: 2.9, 0.75: 13.0}
    found = [upper(loaded("sterile2021-cr51-si"), mass, 4.61) for mass in silicon]
    assert found == pytest.approx(list(silicon.values()), rel=0.03)
    germanium = {0.01: 1.6, 0.1: 1.8, 0.3: 3.0, 0.5: 2.8, 0.7: 64.0}
    analysis = widened(written, "sterile2021-cr51-ge", "mu_nu_e", 1000.0)
    found = [upper(analysis, mass, 4.61) for mass in germanium]
    assert found == pytest.approx(list(germanium.values()), rel=0.03)
    # The threshold of 8 eV ends it before the energy does.
    assert dipole_counts(analysis, 0.7) > 0
    assert dipole_counts(analysis, 0.703) == 0


def test_where_chromium_neutrinos_are_too_light():
    assert dipole_counts(loaded("sterile2021-cr51-si"), 0.7519) > 0
    assert dipole_counts(loaded("sterile2021-cr51-si"), 0.752) == 0
    assert np.isnan(upper(loaded("sterile2021-cr51-si"), 0.752, 4.61))
    # Electrons: 503.7 keV, where the text has 750.
    assert dipole_counts(loaded("sterile2021-cr51-lxe"), 0.5036) > 0
    assert dipole_counts(loaded("sterile2021-cr51-lxe"), 0.5038) == 0
    assert np.isnan(upper(loaded("sterile2021-cr51-lxe"), 0.504, 4.61))


XENON_SETS = [
    ("", 12117, 4.29, 4.90), ("b", 9421, 4.57, 5.22), ("c", 18841, 3.84, 4.39), ("a-centre", 37198, 3.24, 3.70),
    ("b-centre", 28921, 3.45, 3.94), ("c-centre", 57841, 2.90, 3.31),
]  # fmt: skip


@pytest.mark.parametrize(("variant", "events", "loose", "tight"), XENON_SETS)
def test_chromium_beside_liquid_xenon(written, variant, events, loose, tight):
    base = "sterile2021-cr51-lxe"
    analysis = written(base, f'experiments = ["cr51-lxe-{variant}"]\n') if variant else loaded(base)
    (counts,) = analysis.expected(analysis.standard_point()).values()
    assert counts.sum() == pytest.approx(events, rel=1e-3)
    limits = [upper(analysis, 0.001, threshold) for threshold in (2.71, 4.61)]
    assert limits == pytest.approx([loose, tight], rel=0.005)


def test_limits_of_liquid_xenon_at_each_mass():
    expected = {0.01: 4.9, 0.1: 5.0, 0.3: 10.6, 0.5: 41.6}
    found = [upper(loaded("sterile2021-cr51-lxe"), mass, 4.61) for mass in expected]
    assert found == pytest.approx(list(expected.values()), rel=0.01)
