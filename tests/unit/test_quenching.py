"""Lindhard quenching: its values, both ways to read an edge, and the response that counts with it."""

import msgspec
import numpy as np
import pytest
from scipy import optimize

from bayesnu import catalog
from bayesnu.catalog.fact_rules import experiment_problems
from bayesnu.detector import quenching
from bayesnu.detector.response import counted, cuts_kev
from bayesnu.schema import (
    Detector,
    FlatEfficiency,
    Isotope,
    LindhardResponse,
    LinearResponse,
    SigmoidEfficiency,
    Target,
)

ISOTOPES = {isotope.name: isotope for isotope in catalog.read_isotopes(catalog.open_catalog())[1]}
GE, SI, XE = ISOTOPES["73Ge"], ISOTOPES["28Si"], ISOTOPES["132Xe"]
SELF, AT = LindhardResponse(edges="self-consistent"), LindhardResponse(edges="at-threshold")
ENERGIES = np.geomspace(1e-4, 1e4, 400)


def by_hand(isotope: Isotope, energy: float, k: float | None = None) -> float:
    gamma = 11.5 * energy * isotope.charge ** (-7 / 3)
    g = 3 * gamma**0.15 + 0.7 * gamma**0.6 + gamma
    strength = (0.133 * isotope.charge ** (2 / 3) / isotope.mass_number**0.5 if k is None else k) * g
    return strength / (1 + strength)


@pytest.mark.parametrize("isotope", [GE, SI, XE])
def test_factor(isotope):
    for energy in (0.01, 1.0, 30.0):
        expected = by_hand(isotope, energy)
        assert quenching.quenching_factor(SELF, isotope, np.array(energy)) == pytest.approx(expected, rel=1e-14)
    rising = quenching.quenching_factor(SELF, isotope, ENERGIES)
    assert np.all(np.diff(rising) > 0)
    assert np.all((rising > 0) & (rising < 1))


def test_a_given_k():
    response = msgspec.structs.replace(SELF, k=0.162)
    assert quenching.lindhard_k(response, GE) == 0.162
    assert quenching.quenching_factor(response, GE, np.array(0.5)) == pytest.approx(by_hand(GE, 0.5, 0.162), rel=1e-14)
    assert quenching.lindhard_k(SELF, GE) == pytest.approx(0.133 * 32 ** (2 / 3) / 73**0.5, rel=1e-14)


@pytest.mark.parametrize(
    ("isotope", "threshold", "response", "recoil"),
    [(GE, 0.100, AT, 0.795), (GE, 0.100, SELF, 0.623), (SI, 0.028, AT, 0.217), (SI, 0.028, SELF, 0.170)],
)
def test_known_thresholds(isotope, threshold, response, recoil):
    """The recoils behind 100 eV in germanium and 28 eV in silicon."""
    assert quenching.recoil_kev(response, isotope, np.array(threshold)) == pytest.approx(recoil, abs=0.0005)


@pytest.mark.parametrize("isotope", [GE, SI, XE])
def test_self_consistent_inversion(isotope):
    recoil = quenching.recoil_kev(SELF, isotope, ENERGIES)
    np.testing.assert_allclose(recoil * quenching.quenching_factor(SELF, isotope, recoil), ENERGIES, rtol=1e-12)
    for energy in (0.01, 0.1, 3.0):
        root = optimize.brentq(lambda t, e=energy: t * by_hand(isotope, t) - e, 1e-6, 1e3, xtol=1e-15, rtol=1e-14)
        assert quenching.recoil_kev(SELF, isotope, np.array(energy)) == pytest.approx(root, rel=1e-12)


@pytest.mark.parametrize("isotope", [GE, SI, XE])
def test_at_threshold_divides(isotope):
    expected = [energy / by_hand(isotope, energy) for energy in ENERGIES]
    np.testing.assert_allclose(quenching.recoil_kev(AT, isotope, ENERGIES), expected, rtol=1e-13)


@pytest.mark.parametrize("k", [None, 1e-4, 0.1, 0.3, 50.0])
@pytest.mark.parametrize("response", [SELF, AT])
def test_there_and_back(response, k):
    response = msgspec.structs.replace(response, k=k)
    energy = quenching.electron_kev(response, GE, ENERGIES)
    np.testing.assert_allclose(quenching.recoil_kev(response, GE, energy), ENERGIES, rtol=1e-12)
    assert np.all(np.diff(energy) > 0)
    assert np.all(energy < ENERGIES)


@pytest.mark.parametrize("response", [SELF, AT])
def test_zero_stays_zero(response):
    assert quenching.recoil_kev(response, GE, np.array([0.0, 0.1]))[0] == 0
    assert quenching.electron_kev(response, GE, np.array([0.0, 0.1]))[0] == 0


# --- response ---------------------------------------------------------------------------------------------------------


def detector(response, efficiency=None) -> Detector:
    target = Target(formula={"Ge": 1.0}, mass_kg=1.0)
    return Detector(target=target, response=response, efficiency=efficiency or FlatEfficiency(value=0.5))


@pytest.mark.parametrize("isotope", [GE, SI])
@pytest.mark.parametrize("response", [SELF, AT])
def test_a_window_in_electron_energy_is_one_in_recoil(response, isotope):
    bins = [(0.1, 0.3), (0.3, 1000.0)]
    edges = quenching.recoil_kev(response, isotope, np.array([0.1, 0.3, 1000.0]))
    recoils = np.concatenate([edges * (1 - 1e-9), edges * (1 + 1e-9), np.geomspace(0.01, 3000, 100)])
    linear = detector(LinearResponse(per_kev=1.0))
    in_recoil = [(edges[0], edges[1]), (edges[1], edges[2])]
    found = counted(detector(response), bins, recoils, isotope)
    np.testing.assert_array_equal(found, counted(linear, in_recoil, recoils, isotope))
    np.testing.assert_allclose(cuts_kev(detector(response), bins, isotope), edges, rtol=1e-13)


def test_the_efficiency_is_one_of_the_electron_energy():
    efficiency = SigmoidEfficiency(plateau=0.8, slope=20.0, midpoint=0.2, steps=((0.15, 0.5), (0.4, 1.0)))
    bent = detector(SELF, efficiency)
    cuts = cuts_kev(bent, [(0.1, 1.0)], GE)
    expected = quenching.recoil_kev(SELF, GE, np.array([0.15, 0.4, 1.0]))
    np.testing.assert_allclose(cuts, expected, rtol=1e-13)
    recoil = quenching.recoil_kev(SELF, GE, np.array([0.12, 0.2, 0.5]))
    accepted = counted(bent, [(0.1, 1.0)], recoil, GE)[0]
    np.testing.assert_allclose(accepted, [0, 0.8 / 2 / 2, 0.8 / (1 + np.exp(-6))], rtol=1e-12)


def test_linear_and_photoelectrons_ignore_the_isotope():
    linear = detector(LinearResponse(per_kev=1.17))
    recoil = np.linspace(1, 40, 50)
    np.testing.assert_array_equal(counted(linear, [(5, 30)], recoil, GE), counted(linear, [(5, 30)], recoil, XE))
    np.testing.assert_array_equal(cuts_kev(linear, [(5, 30)], GE), np.array([5, 30]) / 1.17)


# --- rules ------------------------------------------------------------------------------------------------------------


def with_response(response):
    experiment = catalog.read_experiment(catalog.open_catalog(), "conus")[1]
    return msgspec.structs.replace(experiment, detector=msgspec.structs.replace(experiment.detector, response=response))


def test_k_is_positive_where_it_is_given():
    assert list(experiment_problems("x", with_response(SELF))) == []
    [problem] = experiment_problems("x", with_response(msgspec.structs.replace(SELF, k=0.0)))
    assert problem.field == "detector.response.k"
    [problem] = experiment_problems("x", with_response(LinearResponse(per_kev=-1.0)))
    assert problem.field == "detector.response.per_kev"
