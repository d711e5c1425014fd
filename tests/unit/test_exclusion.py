"""Exclusion curves: against the profile of one mass, known functions, and wherever they are computed."""

import functools

import msgspec
import numpy as np
import pytest

import bayesnu as bn
from bayesnu import catalog
from bayesnu.errors import DeclarationError
from bayesnu.infer import mass_grid, mass_scan, profile
from bayesnu.infer.exclusion import GLOBAL, ONE, TWO, Threshold, conventions, exclusion
from bayesnu.schema import LogUniform, TruncatedNormal

CSI, MASSES = "sterile2021-csi", (0.01, 20.0, 46.0, 55.0)


@functools.cache
def resolved(model):
    return catalog.resolve(catalog.open_catalog(), model)


@functools.cache
def curve():
    return exclusion(resolved(CSI), "mu_nu_mu", masses=MASSES)


def rows(found, convention, mass):
    chosen = (found["convention"] == convention) & np.isclose(found["interval_mass"], mass)
    picked = found.isel(interval=np.flatnonzero(chosen.values))
    return [tuple(v) for v in zip(*(picked[n].values for n in ("low", "high", "allowed")), strict=True)]


# --- pure functions ---------------------------------------------------------------------------------------------------


def wells(value):
    """Minima of 0 at 1 and of 1 at 100, in the logarithm; 4 at zero."""
    if value == 0:
        return 4.0
    t = np.log10(value)
    return float(min(8 * t**2, 1 + 8 * (t - 2) ** 2, 4.0 + 0.01 * (t + 5)))


def scanned(function, points):
    return mass_scan.refined(function, mass_scan.Scan(1.0, points, np.array([function(v) for v in points])))


def test_every_interval_is_found():
    points = np.concatenate([[0.0], np.logspace(-4, 4, 81)])
    scan = scanned(wells, points)
    assert scan.chi2.min() == pytest.approx(0, abs=1e-9)
    (low, high), (low2, high2) = mass_scan.intervals_below(wells, scan, 2.0)
    assert (low, high) == pytest.approx((10**-0.5, 10**0.5), rel=1e-6)
    assert (low2, high2) == pytest.approx((10 ** (2 - 8**-0.5), 10 ** (2 + 8**-0.5)), rel=1e-6)
    assert mass_scan.intervals_below(wells, scan, -1.0) == []
    ((start, end),) = mass_scan.intervals_below(wells, scan, 1e3)
    assert start == 0
    assert np.isnan(end)
    assert mass_scan.intervals_below(wells, scan, 4.0)[0][0] == 0


def test_a_well_between_two_points_is_found():
    points = np.concatenate([[0.0], np.logspace(-2, 2, 41)])

    def narrow(value):
        return float(4.0 + 3.0 * min(abs(value - 3.3) / 0.2 - 1.0, 0.0) if value else 4.0)

    ((low, high),) = mass_scan.intervals_below(narrow, scanned(narrow, points), 2.0)
    assert (low, high) == pytest.approx((3.3 - 0.2 / 3, 3.3 + 0.2 / 3), rel=1e-5)


def test_masses_are_finer_where_the_source_ends():
    grid = mass_grid.default_masses(resolved(CSI), number=30)
    assert (grid[0], grid[-1]) == (0.001, 60.0)
    assert (np.diff(grid) > 0).all()
    closing = mass_grid.closing_masses(resolved(CSI))
    # sqrt(M^2 + 2 M E) - M for the ends of the prompt and of the delayed neutrinos on caesium.
    mass = 132.905 * 931.494
    np.testing.assert_allclose(closing, [np.sqrt(mass**2 + 2 * mass * e) - mass for e in (29.79, 52.83)], rtol=3e-4)
    for edge in closing:
        assert ((grid > 0.995 * edge) & (grid < edge)).sum() >= 2


# --- a model ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mass", [0.01, 46.0])
def test_against_the_profile_of_that_mass(mass):
    analysis = bn.load(CSI).fix(m4=mass)
    for name in (ONE, TWO):
        delta = conventions()[name].delta_chi2
        level = {ONE: 0.90, TWO: float(profile.stats.chi2.cdf(delta, 1))}[name]
        found = profile.profile(analysis, "mu_nu_mu", others="zero", level=level)
        ((low, high, allowed),) = rows(curve(), name, mass)
        assert allowed == "upper limit"
        assert low == found.attrs["interval_low"] == 0
        assert high == pytest.approx(found.attrs["limit"], rel=1e-3)
        assert float(curve()["chi2_min"].sel(mass=mass)) == pytest.approx(found.attrs["chi2_min"], abs=1e-4)


def test_no_limit_where_no_neutrino_can_be_made():
    assert [row[2] for name in (ONE, TWO, GLOBAL) for row in rows(curve(), name, 55.0)] == ["no limit"] * 3
    ((low, high, _),) = rows(curve(), ONE, 55.0)
    assert low == 0
    assert np.isnan(high)
    assert float(curve()["chi2_min"].sel(mass=55.0)) == pytest.approx(float(curve()["chi2_standard"].sel(mass=55.0)))


def test_the_global_minimum_is_below_each():
    about = curve().attrs
    assert about["chi2_global"] == curve()["chi2_min"].min()
    assert about["global_mass"] == 20.0
    for mass in MASSES[:-1]:
        assert rows(curve(), GLOBAL, mass)[0][1] <= rows(curve(), TWO, mass)[0][1]
    assert rows(curve(), GLOBAL, 20.0) == rows(curve(), TWO, 20.0)


def test_processes_give_the_same_bits():
    again = exclusion(resolved(CSI), "mu_nu_mu", masses=MASSES, executor="processes:2")
    assert again.identical(curve())


def test_a_loaded_analysis_gives_the_same_bits_and_hash():
    analysis = bn.load(CSI)
    again = exclusion(analysis, "mu_nu_mu", masses=MASSES)
    assert again.identical(curve())
    assert again.attrs["model_hash"] == analysis.hash()


def test_thresholds_of_ones_own_and_progress():
    told: list[tuple[int, int]] = []
    mine = {"three": Threshold(3.0, "global")}
    found = exclusion(
        resolved(CSI), "mu_nu_mu", masses=[1.0], thresholds=mine, progress=lambda *n: told.append(n)
    )  # fmt: skip
    assert found["convention"].values.tolist() == ["three"]
    assert told == [(1, 2), (2, 2)]


def test_a_nuisance_without_a_closed_form_is_minimised(monkeypatch):
    """A normal prior cut far away from its centre is the same constraint, but has no closed form."""
    monkeypatch.setattr(mass_scan, "PER_DECADE", 3)
    model = resolved(CSI)
    cut = {
        name: msgspec.structs.replace(entry, prior=TruncatedNormal(1.0, entry.prior.sd, -4.0, 6.0))
        for name, entry in model.nuisances.items()
    }
    found = exclusion(msgspec.structs.replace(model, nuisances=cut), "mu_nu_mu", masses=[20.0])
    for convention in (ONE, TWO):
        (high,), (expected,) = rows(found, convention, 20.0), rows(curve(), convention, 20.0)
        assert high[1] == pytest.approx(expected[1], rel=1e-5)


def test_wrong_names_are_told():
    with pytest.raises(DeclarationError, match="mu_nu_mu"):
        exclusion(resolved(CSI), "mu_mu", masses=[1.0])
    with pytest.raises(DeclarationError, match="one of m4"):
        exclusion(resolved(CSI), "mu_nu_mu", mass="m5", masses=[1.0])
    with pytest.raises(DeclarationError, match="a free mass"):
        exclusion(resolved("coherent-csi-effective"), "mu_nu", masses=[1.0])
    for masses in ([], [-1.0], [np.nan]):
        with pytest.raises(DeclarationError, match="mend the grid"):
            exclusion(resolved(CSI), "mu_nu_mu", masses=masses)


def test_a_limit_may_lie_beyond_the_prior():
    narrow = msgspec.structs.replace(resolved(CSI).parameters["mu_nu_mu"], prior=LogUniform(low=0.1, high=10.0))
    model = msgspec.structs.replace(resolved(CSI), parameters=resolved(CSI).parameters | {"mu_nu_mu": narrow})
    found = exclusion(model, "mu_nu_mu", masses=[20.0])
    ((_, high, allowed),) = rows(found, ONE, 20.0)
    assert allowed == "upper limit"
    assert high == pytest.approx(rows(curve(), ONE, 20.0)[0][1], rel=1e-7)
