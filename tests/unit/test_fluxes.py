"""Spectra of pions and muons at rest, and the rule that integrates over them."""

import numpy as np
import pytest
from scipy import integrate

from bayesnu.constants import MUON_MASS_MEV
from bayesnu.physics.fluxes import (
    breaks_mev,
    density_per_mev,
    energy_rule,
    highest_energy_mev,
    mean_energy_mev,
    neutrinos,
)
from bayesnu.schema import Line, MichelElectron, MichelMuon

ELECTRON = MichelElectron(flavour="nu_e")
MUON = MichelMuon(flavour="nubar_mu")
LINE = Line(flavour="nu_mu", energy_mev=29.9)
MICHEL = [ELECTRON, MUON]
END = MUON_MASS_MEV / 2


@pytest.mark.parametrize("component", MICHEL)
def test_spectra_hold_one_neutrino(component):
    total, _ = integrate.quad(lambda e: float(density_per_mev(component, np.array(e))), -10, 80)
    assert total == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize(("component", "share"), [(ELECTRON, 3 / 10), (MUON, 7 / 20)])
def test_mean_energies(component, share):
    assert mean_energy_mev(component) == pytest.approx(share * MUON_MASS_MEV, rel=1e-14)


def test_mean_energies_in_mev():
    assert mean_energy_mev(ELECTRON) == pytest.approx(31.7, abs=0.05)
    assert mean_energy_mev(MUON) == pytest.approx(37.0, abs=0.05)
    assert mean_energy_mev(LINE) == 29.9


@pytest.mark.parametrize("component", [*MICHEL, LINE])
def test_one_neutrino_without_a_kink(component):
    assert neutrinos(component) == pytest.approx(1, rel=1e-14)
    assert breaks_mev(component) == ()


def test_end_points():
    assert highest_energy_mev(MUON) == highest_energy_mev(ELECTRON) == pytest.approx(52.83, abs=0.005)
    assert highest_energy_mev(LINE) == 29.9
    # Electron neutrinos fade out at the end point, muon antineutrinos peak there.
    assert density_per_mev(ELECTRON, np.array(END)) == pytest.approx(0, abs=1e-16)
    assert density_per_mev(MUON, np.array(END)) == pytest.approx(4 / MUON_MASS_MEV)


@pytest.mark.parametrize("component", MICHEL)
def test_nothing_outside(component):
    outside = np.array([-5.0, -1e-9, END * (1 + 1e-12), 60.0, 200.0])
    assert np.all(density_per_mev(component, outside) == 0)
    assert np.all(density_per_mev(component, np.linspace(0.1, 52.8, 50)) > 0)


def test_a_line_has_no_density():
    with pytest.raises(TypeError, match="line"):
        density_per_mev(LINE, np.array(29.9))


@pytest.mark.parametrize("component", MICHEL)
@pytest.mark.parametrize("lowest", [0.0, 3.0, 17.5, 40.0, 52.0, 52.82])
def test_rule_against_adaptive_quadrature(component, lowest):
    def smooth(energy):
        return 1 / (20 + energy) + np.sin(energy / 10)

    def integrand(energy):
        return smooth(energy) * float(density_per_mev(component, np.array(energy)))

    expected, _ = integrate.quad(integrand, lowest, END, epsabs=0, epsrel=1e-12)
    energies, weights = energy_rule(component, np.array(lowest), order=24)
    assert (weights * smooth(energies)).sum() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("component", MICHEL)
def test_rule_shapes_and_empty_ranges(component):
    lowest = np.array([[-3.0, 0.0, 20.0], [END, 60.0, 1e3]])
    energies, weights = energy_rule(component, lowest, order=7)
    assert energies.shape == weights.shape == (2, 3, 7)
    np.testing.assert_allclose(weights.sum(-1)[0, :2], 1, rtol=1e-13)
    assert np.all(weights[1] == 0)
    assert np.all((energies[0] > 0) & (energies[0] < END))


def test_rule_of_a_line():
    lowest = np.array([0.0, 29.8, 29.9, 30.0])
    energies, weights = energy_rule(LINE, lowest, order=12)
    assert energies.shape == weights.shape == (4, 1)
    assert np.all(energies == 29.9)
    assert weights[:, 0].tolist() == [1, 1, 0, 0]
