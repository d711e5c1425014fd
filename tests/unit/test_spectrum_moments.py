"""Polynomials in 1/E and the moments of spectra: exact where a quadrature would only converge."""

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss

from bayesnu.constants import ELECTRON_MASS_MEV, MUON_MASS_MEV
from bayesnu.physics import nucleus
from bayesnu.physics.dipole import dipole_cross_section, dipole_energy_minimum_mev, dipole_section
from bayesnu.physics.fluxes import MICHEL_END_MEV, density_per_mev
from bayesnu.physics.interference import interference_sections
from bayesnu.physics.inverse_energy import at_energy, axial_section, over_spectrum, tensor_section, vector_section
from bayesnu.physics.spectrum_moments import line_moments_above, moments_above, polynomial_moments_above
from bayesnu.schema import MichelElectron, MichelMuon

ARGON_MEV = 37211.0
MICHEL = [
    (MichelElectron(flavour="nu_e"), (0, 0, 96 / MUON_MASS_MEV**3, -192 / MUON_MASS_MEV**4)),
    (MichelMuon(flavour="nubar_mu"), (0, 0, 48 / MUON_MASS_MEV**3, -64 / MUON_MASS_MEV**4)),
]


def by_quadrature(density, lowest, edges, order=40):
    """Gauss-Legendre between all edges above lowest, in log E; the integrals of density E^-k."""
    edges = np.log(np.unique(np.concatenate(([lowest], edges[edges > lowest]))))
    nodes, weights = leggauss(order)
    energy = np.exp((edges[1:, None] + edges[:-1, None] + np.diff(edges)[:, None] * nodes) / 2)
    weight = np.diff(edges)[:, None] / 2 * weights * energy * density(energy)
    return [(weight * energy**-power).sum() for power in (0.0, 1.0, 2.0)]


def spectrum(points=60, low=0.005, high=0.42):
    energies = np.linspace(low, high, points)
    return energies, energies**2 * (high - energies) * 100


# --- decomposition ----------------------------------------------------------------------------------------------------


def test_nuclear_cross_sections():
    recoils, energies = np.geomspace(1e-4, 0.2, 30)[:, None], np.linspace(1, 60, 40)
    lowest = nucleus.energy_minimum_mev(recoils, ARGON_MEV)
    arguments = (recoils, energies, ARGON_MEV)
    for kinematics in ("leading", "exact"):
        found = at_energy(vector_section(recoils, ARGON_MEV, kinematics), energies, lowest)
        expected = nucleus.vector_cross_section(*arguments, kinematics)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14 * expected.max())
    found = at_energy(axial_section(recoils, ARGON_MEV), energies, lowest)
    np.testing.assert_allclose(found, nucleus.axial_cross_section(*arguments), rtol=1e-12)
    found = at_energy(tensor_section(recoils, ARGON_MEV), energies, lowest)
    expected = nucleus.tensor_cross_section(*arguments)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14 * expected.max())


@pytest.mark.parametrize("mass", [ELECTRON_MASS_MEV, ARGON_MEV])
def test_spectrum_average_of_massive_final_states(mass):
    # Moments against a quadrature of the cross section itself, node by node of the table.
    energies, density = spectrum(high=4.0)
    recoils, sterile = (np.array([1e-3, 0.1, 1.0]) * (1 if mass < 1 else 1e-5)), 0.3
    lowest = dipole_energy_minimum_mev(recoils, mass, sterile)
    found = over_spectrum(dipole_section(recoils, mass, sterile), moments_above(lowest, energies, density))
    for recoil, start, value in zip(recoils, lowest, found, strict=True):

        def integrand(energy, recoil=recoil):
            section = dipole_cross_section(recoil, energy, mass, sterile)
            return np.interp(energy, energies, density) * section

        start = max(start, energies[0]) * (1 + 1e-13)
        assert value == pytest.approx(by_quadrature(integrand, start, energies)[0], rel=1e-11)


def test_interference_of_a_spectrum():
    energies, density = spectrum(high=4.0)
    recoil, sterile = 0.1, 0.3
    lowest = dipole_energy_minimum_mev(recoil, ELECTRON_MASS_MEV, sterile)
    for section in interference_sections(recoil, ELECTRON_MASS_MEV, sterile, antineutrino=False):
        found = over_spectrum(section, moments_above(lowest, energies, density))
        expected = by_quadrature(
            lambda e, section=section: np.interp(e, energies, density) * at_energy(section, e, lowest),
            float(lowest) * (1 + 1e-13),
            energies,
        )[0]
        assert found == pytest.approx(expected, rel=1e-11)


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", [4, 60, 3000])
def test_table_against_quadrature(points):
    energies, density = spectrum(points)
    lowest = np.concatenate((np.random.default_rng(1).uniform(0.005, 0.42, 20), [0.4199, 0.419999999]))
    found = moments_above(lowest, energies, density)
    for position, start in enumerate(lowest):
        expected = by_quadrature(lambda e: np.interp(e, energies, density), start, energies)
        # The quadrature loses digits with the width of the last piece, as E does; the closed form must not lose more.
        tolerance = 1e-12 if start < 0.4198 else 1e-15 / (0.42 - start)
        for value, integral in zip(found, expected, strict=True):
            assert value[position] == pytest.approx(integral, rel=tolerance)


def test_table_across_decades():
    energies = np.array([1e-3, 0.1, 3.0, 1e4])
    density = np.array([1.0, 5.0, 0.2, 3.0])
    for start in (1e-3, 0.02, 0.1, 0.5, 2.99, 3.0, 5e3):
        steps = np.unique(np.concatenate((energies, np.geomspace(1e-3, 1e4, 40))))
        expected = by_quadrature(lambda e: np.interp(e, energies, density), start, steps)
        np.testing.assert_allclose(moments_above(np.array(start), energies, density), expected, rtol=1e-12)


def test_table_below_and_above():
    energies, density = spectrum()
    whole = moments_above(np.array([0.0, 1e-9, 0.005]), energies, density)
    for part in whole:
        assert part[0] == part[1] == part[2]
    assert whole.number[0] == pytest.approx(np.trapezoid(density, energies), rel=1e-14)
    assert all(np.all(part == 0) for part in moments_above(np.array([0.42, 1.0, np.inf]), energies, density))


def test_table_with_a_jump():
    energies, density = np.array([1.0, 2.0, 2.0, 3.0]), np.array([1.0, 1.0, 5.0, 5.0])
    found = moments_above(np.array([0.5, 1.5, 2.0, 2.5]), energies, density)
    np.testing.assert_allclose(found.number, [6, 5.5, 5, 2.5], rtol=1e-15)
    np.testing.assert_allclose(found.inverse[0], np.log(2) + 5 * np.log(1.5), rtol=1e-14)
    np.testing.assert_allclose(found.inverse_square[0], 0.5 + 5 / 6, rtol=1e-14)


@pytest.mark.parametrize("energies", [[0.0, 1.0, 2.0], [1.0, 3.0, 2.0]])
def test_table_refuses(energies):
    with pytest.raises(ValueError, match="positive energies"):
        moments_above(np.array(1.0), np.array(energies), np.ones(3))


# --- polynomials and lines --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("component", "coefficients"), MICHEL)
def test_michel_spectra(component, coefficients):
    lowest = np.array([0.0, 1e-3, 3.0, 30.0, 52.0, 52.82, 60.0])
    found = polynomial_moments_above(lowest, 0.0, MICHEL_END_MEV, coefficients)
    assert found.number[0] == pytest.approx(1, rel=1e-14)
    assert all(part[-1] == 0 for part in found)
    for position, start in enumerate(lowest[1:-1], start=1):
        expected = by_quadrature(
            lambda e: density_per_mev(component, e), start, np.append(np.geomspace(1e-3, 52, 30), MICHEL_END_MEV)
        )
        # The density itself cancels close to the end, in the package as here.
        tolerance = 1e-12 if start < 50 else 1e-10
        for value, integral in zip(found, expected, strict=True):
            assert value[position] == pytest.approx(integral, rel=tolerance)


@pytest.mark.parametrize("degree", range(6))
def test_polynomials_with_logarithms(degree):
    coefficients = np.random.default_rng(degree).uniform(0.1, 1, degree + 1)
    lowest = np.array([0.1, 0.7, 2.0, 2.9])
    found = polynomial_moments_above(lowest, 0.5, 3.0, coefficients)
    for position, start in enumerate(lowest):
        expected = by_quadrature(
            lambda e: np.polynomial.polynomial.polyval(e, coefficients), max(start, 0.5), np.array([3.0])
        )
        np.testing.assert_allclose([part[position] for part in found], expected, rtol=1e-12)


def test_lines():
    energies, intensity = np.array([0.747, 0.427, 0.432, 0.752]), np.array([0.81, 0.09, 0.01, 0.09])
    found = line_moments_above(np.array([0.0, 0.43, 0.75, 0.752, 1.0]), energies, intensity)
    np.testing.assert_allclose(found.number, [1, 0.91, 0.09, 0, 0], rtol=1e-14)
    np.testing.assert_allclose(found.inverse[1:3], [0.81 / 0.747 + 0.01 / 0.432 + 0.09 / 0.752, 0.09 / 0.752])
    np.testing.assert_allclose(found.inverse_square[2], 0.09 / 0.752**2)
