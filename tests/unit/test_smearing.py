"""Smeared and quenched responses: closed forms against quadrature, bins against windows, panels against finer ones."""

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from bayesnu import catalog
from bayesnu.detector import smearing, visible
from bayesnu.detector.efficiency import acceptance, breakpoints, opens_at
from bayesnu.detector.response import counted, cuts_kev
from bayesnu.errors import PredictionError
from bayesnu.schema import (
    Detector,
    FlatEfficiency,
    LinearResponse,
    PhotoelectronResponse,
    SigmoidEfficiency,
    SmearedResponse,
    TableEfficiency,
    Target,
)

ISOTOPES = {isotope.name: isotope for isotope in catalog.read_isotopes(catalog.open_catalog())[1]}
AR, CS = ISOTOPES["40Ar"], ISOTOPES["133Cs"]
RISE = ((0.25, 0.0), (0.75, 1e-5), (1.25, 0.03), (2.0, 0.2), (5.0, 0.6), (9.0, 0.88), (20.0, 0.95))
TABLE = TableEfficiency(file="none.csv", points=RISE)
JUMP = TableEfficiency(file="none.csv", points=((0.8, 0.3), (2.0, 0.5), (6.0, 0.9)))
FLAT = FlatEfficiency(value=0.7)
SIGMOID = SigmoidEfficiency(plateau=0.6655, slope=0.4942, midpoint=10.8507, steps=((5.0, 0.5), (6.0, 1.0)))
ARGON_QUENCHING, CSI_QUENCHING = (0.246, 0.78), (0.0554628, 4.30681, -111.707, 840.384)
TEN = [(10.0 * b, 10.0 * b + 10.0) for b in range(12)]
ENERGIES = np.array([0.02, 0.3, 1.0, 4.0, 9.7, 23.0, 80.0])


def detector(response, efficiency, element="Ar", scatterer="nuclei"):
    return Detector(
        target=Target(formula={element: 1}, mass_kg=1.0, scatterer=scatterer), response=response, efficiency=efficiency
    )


def smeared(at="reconstructed", quenching=(1.0,), sqrt_kev=0.58, linear=0.0):
    return SmearedResponse(sqrt_kev=sqrt_kev, linear=linear, efficiency_at=at, quenching=quenching)


# --- efficiency tables ------------------------------------------------------------------------------------------------


def test_a_table_is_linear_between_zero_below_and_flat_beyond():
    found = acceptance(TABLE, np.array([0.0, 0.249, 0.25, 1.0, 3.5, 20.0, 500.0]))
    np.testing.assert_allclose(found, [0, 0, 0, 0.015005, 0.4, 0.95, 0.95], rtol=1e-14)
    assert acceptance(JUMP, np.array([0.79, 0.8])).tolist() == [0.0, 0.3]


def test_a_table_opens_at_its_last_zero():
    assert opens_at(TABLE) == 0.25
    assert opens_at(JUMP) == 0.8
    assert breakpoints(JUMP) == (0.8, 2.0, 6.0)
    dark = TableEfficiency(file="none.csv", points=((0.0, 0.0), (1.0, 0.0), (2.0, 0.5)))
    assert opens_at(dark) == 1.0


# --- quenching --------------------------------------------------------------------------------------------------------


def test_visible_energy_of_argon_and_caesium_iodide():
    """arXiv:2006.12659: (0.246 + 7.8e-4 T/keV) T; arXiv:2111.02477 at 20 keV by hand."""
    assert visible.visible_kev(ARGON_QUENCHING, np.array(50.0)) == pytest.approx((0.246 + 7.8e-4 * 50) * 50, rel=1e-14)
    by_hand = 0.0554628 * 0.02 + 4.30681 * 0.02**2 - 111.707 * 0.02**3 + 840.384 * 0.02**4
    assert visible.visible_kev(CSI_QUENCHING, np.array(20.0)) == pytest.approx(1e3 * by_hand, rel=1e-14)


@pytest.mark.parametrize("quenching", [(1.0,), ARGON_QUENCHING, CSI_QUENCHING])
def test_there_and_back(quenching):
    recoils = np.geomspace(1e-3, 60.0, 50)
    back = visible.recoil_kev(quenching, visible.visible_kev(quenching, recoils))
    np.testing.assert_allclose(back, recoils, rtol=1e-12)


def test_beyond_the_turning_point():
    falling = (1.0, -10.0)  # E = T - 10 T^2 turns at T = 0.05 MeV, where E = 0.025 MeV
    assert visible.turning_point_kev(falling) == pytest.approx(50.0, rel=1e-12)
    assert visible.turning_point_kev(CSI_QUENCHING) == np.inf
    assert np.isnan(visible.recoil_kev(falling, np.array(25.1)))
    assert visible.recoil_kev(falling, np.array(24.9)) < 50.0
    for response in (smeared(quenching=falling), PhotoelectronResponse(per_kev=13.0, acceptance_offset=0.5,
                                                                       quenching=falling)):  # fmt: skip
        here = detector(response, FLAT)
        assert counted(here, [(6.0, 30.0)], np.array([40.0]), AR).shape == (1, 1)
        with pytest.raises(PredictionError, match="falls above a recoil of 50 keV"):
            counted(here, [(6.0, 30.0)], np.array([40.0, 51.0]), AR)


# --- the response -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("efficiency", [TABLE, JUMP, FLAT])
@pytest.mark.parametrize("resolution", [(0.58, 0.0), (0.3, 0.02)])
def test_the_closed_form_is_the_quadrature(efficiency, resolution):
    response = smeared(sqrt_kev=resolution[0], linear=resolution[1])
    bins = [(0.0, 1.7), (1.7, 12.0), (12.0, 30.0)]
    found = counted(detector(response, efficiency), bins, ENERGIES, AR)
    for b, (low, high) in enumerate(bins):
        for k, energy in enumerate(ENERGIES):
            sd = resolution[0] * np.sqrt(energy) + resolution[1] * energy
            kinks = [low, *(p for p in breakpoints(efficiency) if low < p < high), high]
            cuts = [max(a, min(energy + s * sd, z)) for a, z in itertools.pairwise(kinks)
                    for s in (-9, -3, 0, 3, 9)]  # fmt: skip
            edges = np.unique([*kinks, *cuts])
            by_hand = sum(
                integrate.quad(
                    lambda x, e=energy, s=sd: stats.norm.pdf(x, e, s) * float(acceptance(efficiency, np.array(x))),
                    a, np.nextafter(z, a), epsabs=1e-13, epsrel=1e-12,
                )[0]
                for a, z in itertools.pairwise(edges)
            )  # fmt: skip
            assert found[b, k] == pytest.approx(by_hand, abs=1e-11)


@pytest.mark.parametrize("efficiency", [TABLE, SIGMOID, FLAT])
def test_the_efficiency_of_the_true_energy_is_a_factor(efficiency):
    bins = [(2.0, 7.0), (7.0, 30.0)]
    found = counted(detector(smeared("true"), efficiency), bins, ENERGIES, AR)
    for b, (low, high) in enumerate(bins):
        gaussian = stats.norm(ENERGIES, 0.58 * np.sqrt(ENERGIES))
        np.testing.assert_allclose(
            found[b], (gaussian.cdf(high) - gaussian.cdf(low)) * acceptance(efficiency, ENERGIES), atol=1e-15
        )


@pytest.mark.parametrize("at", ["true", "reconstructed"])
@pytest.mark.parametrize("efficiency", [TABLE, FLAT])
def test_bins_add_to_their_window(at, efficiency):
    here = detector(smeared(at, ARGON_QUENCHING), efficiency)
    recoils = np.geomspace(0.1, 200.0, 60)
    parts, whole = counted(here, TEN, recoils, AR), counted(here, [(0.0, 120.0)], recoils, AR)
    np.testing.assert_allclose(parts.sum(axis=0), whole[0], atol=1e-14)


def test_all_energies_together_are_the_mean_efficiency():
    """A Gaussian is somewhere: over all bins, the flat efficiency itself; in its flat part, that of a table."""
    wide = [(-200.0, 100.0), (100.0, 1e3)]
    for efficiency, value in ((FLAT, 0.7), (TABLE, 0.95)):
        found = smearing.counted(smeared(), efficiency, wide, np.array([60.0, 90.0]))
        np.testing.assert_allclose(found.sum(axis=0), value, atol=1e-9)


def test_a_straight_efficiency_is_read_at_the_mean_energy():
    """Far from its ends a straight line averages to its value at the middle, whatever the width."""
    line = TableEfficiency(file="none.csv", points=((0.0, 0.0), (100.0, 1.0)))
    found = smearing.counted(smeared(), line, [(0.0, 100.0)], np.array([40.0, 50.0]))
    np.testing.assert_allclose(found[0], [0.40, 0.50], atol=1e-13)


def test_a_sharp_resolution_is_none():
    sharp = detector(smeared(sqrt_kev=1e-9, quenching=ARGON_QUENCHING), TABLE)
    recoils = np.array([3.0, 17.0, 41.3])
    seen = visible.visible_kev(ARGON_QUENCHING, recoils)
    by_hand = np.array([(seen >= low) & (seen < high) for low, high in TEN]) * acceptance(TABLE, seen)
    np.testing.assert_allclose(counted(sharp, TEN, recoils, AR), by_hand, atol=1e-8)


def test_a_sigmoid_of_the_reconstructed_energy_is_refused():
    with pytest.raises(PredictionError, match="no closed form"):
        counted(detector(smeared(), SIGMOID), TEN, ENERGIES, AR)


def test_a_range_given_twice_is_counted_twice():
    here = detector(smeared(), TABLE)
    once = counted(here, TEN[:3], ENERGIES, AR)
    twice = counted(here, [TEN[0], TEN[0], TEN[1], TEN[2], TEN[2]], ENERGIES, AR)
    np.testing.assert_array_equal(twice, once[[0, 0, 1, 2, 2]])


def test_quenched_photoelectrons_are_poisson_around_the_quenched_mean():
    here = detector(PhotoelectronResponse(per_kev=13.348, acceptance_offset=0.5, quenching=CSI_QUENCHING), SIGMOID)
    recoil = np.array([12.0])
    mean = 13.348 * float(visible.visible_kev(CSI_QUENCHING, recoil)[0])
    by_hand = sum(stats.poisson.pmf(n, mean) * acceptance(SIGMOID, np.array(n + 0.5)) for n in range(6, 30))
    assert counted(here, [(6.0, 30.0)], recoil, CS)[0, 0] == pytest.approx(float(by_hand), rel=1e-13)


def test_a_constant_quenching_is_a_lower_light_yield():
    quenched = PhotoelectronResponse(per_kev=13.348, acceptance_offset=0.5, quenching=(0.0878,))
    plain = PhotoelectronResponse(per_kev=13.348 * 0.0878, acceptance_offset=0.5)
    recoils, bins = np.geomspace(1.0, 50.0, 20), [(6.0, 14.0), (14.0, 30.0)]
    one, other = (counted(detector(r, SIGMOID), bins, recoils, CS) for r in (quenched, plain))
    np.testing.assert_allclose(one, other, rtol=1e-12)


# --- panels -----------------------------------------------------------------------------------------------------------

PANELS = {
    "argon": (detector(smeared(quenching=ARGON_QUENCHING), TABLE), TEN),
    "argon, true": (detector(smeared("true", ARGON_QUENCHING), TABLE), TEN),
    "argon, sharp": (detector(smeared(quenching=ARGON_QUENCHING, sqrt_kev=0.05), TABLE), TEN),
    "argon, jump": (detector(smeared(quenching=ARGON_QUENCHING), JUMP), TEN),
    "argon, flat": (detector(smeared(quenching=ARGON_QUENCHING), FLAT), TEN[1:]),
    "xenon electrons": (
        detector(smeared("true", sqrt_kev=0.31, linear=0.0037), JUMP, "Xe", "free-electrons"),
        [(1.0 + b, 2.0 + b) for b in range(29)],
    ),
    "caesium iodide": (
        detector(PhotoelectronResponse(per_kev=13.348, acceptance_offset=0.5, quenching=CSI_QUENCHING), SIGMOID),
        [(6.0 + 2 * b, 8.0 + 2 * b) for b in range(12)],
    ),
    "linear table": (detector(LinearResponse(per_kev=0.25), TABLE), [(1.0, 4.0), (4.0, 15.0)]),
}


def integral(here, bins, order, power, split=1):
    """Integral of a falling spectrum T^power exp(-T/15) by the panels of the response."""
    cuts = cuts_kev(here, bins, AR)
    cuts = np.append(cuts[cuts < 55.0], 55.0)
    cuts = np.concatenate([np.geomspace(a, z, split + 1)[:-1] for a, z in itertools.pairwise(cuts)] + [[55.0]])
    unit, weight = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.log(cuts[1:] / cuts[:-1])[:, None]
    recoil = np.exp(0.5 * np.log(cuts[1:] * cuts[:-1])[:, None] + half * unit)
    rate = recoil**power * np.exp(-recoil / 15.0) * half * weight * recoil
    return counted(here, bins, recoil.ravel(), AR) @ rate.ravel()


@pytest.mark.parametrize("power", [0, -1])
@pytest.mark.parametrize("name", PANELS)
def test_twenty_four_nodes_a_panel_are_enough(name, power):
    here, bins = PANELS[name]
    coarse, fine = integral(here, bins, 24, power), integral(here, bins, 48, power, split=2)
    assert np.max(fine) > 0.01
    np.testing.assert_allclose(coarse, fine, rtol=1e-9, atol=1e-10 * fine.max())


@pytest.mark.parametrize("name", PANELS)
def test_nothing_is_counted_below_the_first_panel(name):
    here, bins = PANELS[name]
    below = cuts_kev(here, bins, AR)[0] * np.array([0.5, 0.9, 0.999])
    assert counted(here, bins, below, AR).max() < 1e-10


def test_a_window_that_reaches_zero_says_so():
    """A flat efficiency at zero energy: the first panel starts there, and the quadrature refuses it."""
    assert cuts_kev(detector(smeared(), FLAT), TEN, AR)[0] == 0.0
