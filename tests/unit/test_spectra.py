"""Moments of every kind of spectrum above a smallest energy, and the rules over tables and weighted lines."""

import time

import msgspec
import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss

from bayesnu import catalog
from bayesnu.physics import fluxes, reactor
from bayesnu.schema import Line, MichelElectron, MichelMuon, TabulatedSpectrum

SHELF = catalog.open_catalog()
MUELLER, HUBER, MAXWELL = (
    catalog.read_flux(SHELF, f"reactor-{name}")[1].components["nubar_e"] for name in ("mueller", "huber", "maxwell")
)
LINE = Line(flavour="nu_e", energy_mev=0.747, weight=0.81)
TRAPEZIUM = TabulatedSpectrum(
    flavour="nu_e", file="", weight=3.0, points=((1.0, 0.2), (2.0, 0.6), (2.0, 0.1), (5.0, 0.3), (6.0, 0.0))
)
SMOOTH = [MichelElectron(flavour="nu_e"), MichelMuon(flavour="nubar_mu"), MUELLER, HUBER, MAXWELL, TRAPEZIUM]


def kinks(component):
    if isinstance(component, TabulatedSpectrum):
        return [e for e, _ in component.points]
    if isinstance(component, MichelElectron | MichelMuon):
        return [fluxes.MICHEL_END_MEV]
    return list(reactor.panels_mev(component))


def by_quadrature(component, lowest, order=60):
    """Gauss-Legendre in log E between all kinks and octaves above lowest: integrals of the density times E^-k."""
    edges = np.concatenate(([lowest], np.geomspace(1e-3, 60, 17), kinks(component)))
    edges = np.log(np.unique(edges[(edges >= lowest) & (edges <= fluxes.highest_energy_mev(component))]))
    nodes, weights = leggauss(order)
    energy = np.exp((edges[1:, None] + edges[:-1, None] + np.diff(edges)[:, None] * nodes) / 2)
    weight = np.diff(edges)[:, None] / 2 * weights * energy * fluxes.density_per_mev(component, energy)
    return [(weight * energy**-power).sum() for power in (0.0, 1.0, 2.0)]


@pytest.mark.parametrize("component", SMOOTH)
def test_moments_against_quadrature(component):
    end = fluxes.highest_energy_mev(component)
    lowest = np.concatenate(([0.003, 0.021, 0.4, 1.7, 2.0, 2.0001], np.linspace(0.05, 0.999, 13) * end))
    found = fluxes.moments_above(component, lowest)
    for position, start in enumerate(lowest):
        expected = by_quadrature(component, start)
        np.testing.assert_allclose([part[position] for part in found], expected, rtol=1e-10)


@pytest.mark.parametrize("component", SMOOTH)
def test_moments_keep_their_accuracy_up_to_the_end(component):
    end = fluxes.highest_energy_mev(component)
    lowest = end * (1 - np.geomspace(1e-2, 1e-6, 5))
    found = fluxes.moments_above(component, lowest)
    for position, start in enumerate(lowest):
        nodes, weights = leggauss(20)
        energy = start + (end - start) * (1 + nodes) / 2
        expected = ((end - start) / 2 * weights * fluxes.density_per_mev(component, energy)).sum()
        # Of the densities themselves, which fade out, only so many digits are left.
        assert found.number[position] == pytest.approx(expected, rel=1e-10 + 1e-15 / (1 - start / end))


@pytest.mark.parametrize("component", [*SMOOTH, LINE])
def test_moments_shapes_and_ends(component):
    end = fluxes.highest_energy_mev(component)
    found = fluxes.moments_above(component, np.array([[-1.0, 1e-7, end / 2], [end, end * 1.01, np.inf]]))
    assert all(part.shape == (2, 3) and np.all(part[1] == 0) for part in found)
    assert found.number[0, 1] == pytest.approx(fluxes.neutrinos(component), rel=1e-9)
    assert fluxes.moments_above(component, np.array(end / 2)).number.shape == ()


def test_moments_of_a_line():
    number, inverse, inverse_square = fluxes.moments_above(LINE, np.array([0.0, 0.746, 0.747]))
    assert number.tolist() == [0.81, 0.81, 0.0]
    np.testing.assert_allclose(inverse[:2], 0.81 / 0.747, rtol=1e-15)
    np.testing.assert_allclose(inverse_square[:2], 0.81 / 0.747**2, rtol=1e-15)


@pytest.mark.parametrize("component", [*SMOOTH, LINE])
def test_moments_are_fast(component):
    lowest = np.random.default_rng(2).uniform(0, 1.1, 100_000) * fluxes.highest_energy_mev(component)
    fluxes.moments_above(component, lowest[:10])
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        fluxes.moments_above(component, lowest)
        best = min(best, time.process_time() - start)
    print(f"{type(component).__name__}: {best * 1e3:.1f} ms")
    assert best < 0.05


# --- tables and weighted lines ----------------------------------------------------------------------------------------


def test_a_table_by_hand():
    energy = np.array([0.99, 1.0, 1.5, 3.5, 5.5, 6.0, 6.01])
    np.testing.assert_allclose(
        fluxes.density_per_mev(TRAPEZIUM, energy), [0, 0.6, 1.2, 0.6, 0.45, 0, 0], rtol=1e-14, atol=0
    )
    assert fluxes.neutrinos(TRAPEZIUM) == pytest.approx(3 * (0.4 + 0.6 + 0.15), rel=1e-14)
    assert fluxes.highest_energy_mev(TRAPEZIUM) == 6.0
    assert fluxes.breaks_mev(TRAPEZIUM) == (1.0, 2.0)
    assert fluxes.breaks_mev(msgspec.structs.replace(TRAPEZIUM, points=((0.1, 0.0), (1.0, 1.0)))) == ()


def test_mean_energy_of_a_table_does_not_know_its_weight():
    triangle = TabulatedSpectrum(flavour="nu_e", file="", weight=7.0, points=((0.0, 0.0), (3.0, 2 / 3)))
    assert fluxes.neutrinos(triangle) == pytest.approx(7.0, rel=1e-14)
    assert fluxes.mean_energy_mev(triangle) == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize("lowest", [0.1, 1.0, 1.4, 2.0, 4.9, 5.99])
def test_rule_of_a_table(lowest):
    energies, weights = fluxes.energy_rule(TRAPEZIUM, np.array(lowest), order=16)
    expected = fluxes.moments_above(TRAPEZIUM, np.array(lowest))
    for power, moment in enumerate(expected):
        assert (weights * energies**-power).sum() == pytest.approx(float(moment), rel=1e-9)


def test_rule_shapes_of_a_table():
    energies, weights = fluxes.energy_rule(TRAPEZIUM, np.array([[-3.0, 1.0, 3.0], [6.0, 7.0, 1e3]]), order=16)
    assert energies.shape == weights.shape == (2, 3, 4 * fluxes.SEGMENT_ORDER)
    assert np.all(weights[1] == 0)


def test_a_weighted_line():
    energies, weights = fluxes.energy_rule(LINE, np.array([0.0, 0.75]), order=3)
    assert energies.tolist() == [[0.747], [0.747]]
    assert weights.tolist() == [[0.81], [0.0]]
    assert fluxes.neutrinos(LINE) == 0.81
    assert fluxes.mean_energy_mev(LINE) == 0.747
