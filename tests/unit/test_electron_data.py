"""Fluxes, levels and counts of the experiments on electrons, as they are shipped."""

import csv
import tomllib
from itertools import pairwise

import numpy as np
import pytest

from bayesnu import catalog
from bayesnu.catalog import facts
from bayesnu.constants import ELECTRON_MASS_MEV
from bayesnu.physics import dipole, fluxes, nuclei, nucleus, radioactive, reactor, solar_survival
from bayesnu.physics.inverse_energy import over_spectrum
from bayesnu.schema import TabulatedSpectrum

SHELF = catalog.open_catalog()
SOLAR = catalog.read_flux(SHELF, "solar")[1].components
CHROMIUM = catalog.read_flux(SHELF, "cr51")[1].components
NUCLEI = catalog.read_isotopes(SHELF)
ISOTOPES = {isotope.name: isotope for isotope in NUCLEI.isotopes}
EXPOSURE_T_YR = 1.042 * 226.9 / 365.25


def bands(name):
    return [c for n, c in SOLAR.items() if name in (n, n.rpartition("-")[0])]


# --- the sun ----------------------------------------------------------------------------------------------------------

FLUXES = {"pp": 5.98e10, "b8": 5.46e6, "hep": 7980.0, "n13": 2.78e8, "o15": 2.05e8, "f17": 5.29e6}


@pytest.mark.parametrize(("name", "flux"), FLUXES.items())
def test_bands_hold_the_whole_flux(name, flux):
    assert sum(fluxes.neutrinos(band) for band in bands(name)) == pytest.approx(flux, rel=1e-12)
    assert all(fluxes.neutrinos(band) == pytest.approx(band.weight, rel=1e-13) for band in bands(name))


def test_beryllium_is_split_by_its_branches():
    lines = SOLAR["be7-862"], SOLAR["be7-384"]
    assert [line.weight / 4.93e9 for line in lines] == pytest.approx([0.897, 0.103], rel=1e-4)


@pytest.mark.parametrize(("name", "mean"), [("pp", 0.2667), ("b8", 6.735), ("n13", 0.7067), ("o15", 0.9965)])
def test_mean_energies(name, mean):
    parts = [(band.weight, fluxes.mean_energy_mev(band)) for band in bands(name)]
    assert sum(w * e for w, e in parts) / sum(w for w, _ in parts) == pytest.approx(mean, rel=5e-3)


def test_bands_have_flavour_and_density_of_their_source():
    assert {c.flavour for c in SOLAR.values()} == {"nu_solar"}
    assert {c.electron_density for c in bands("b8")} == {90.0}
    assert all(c.electron_density for c in SOLAR.values())


def survival(energy, density):
    angles = {"sin2_theta_12": 0.318, "sin2_theta_13": 0.022, "sin2_theta_14": 0.0}
    return solar_survival.mass_state_probabilities(energy, density, **angles, delta_m2_21_ev2=7.5e-5, xp=np)[:2]


def finely_banded(component, count):
    """The spectrum cut into many narrow bands, with its values on the same straight lines."""
    ends = np.linspace(component.points[0][0], component.points[-1][0], count + 1)
    for low, high in pairwise(ends):
        inner = [e for e, _ in component.points if low < e < high]
        energy = np.array([low, *inner, high])
        points = tuple(zip(energy.tolist(), np.interp(energy, *zip(*component.points, strict=True)), strict=True))
        if any(density > 0 for _, density in points):
            yield TabulatedSpectrum(flavour="nu_solar", file="", weight=component.weight, points=points)


@pytest.mark.parametrize("sterile_mev", [0.0, 0.05, 0.1, 0.15, 0.25, 0.35, 0.4])
def test_bands_are_narrow_enough(sterile_mev):
    """Electron recoils from 1 to 30 keV into a massive neutrino, from the first and the second mass state, to 1e-3."""
    recoil = np.linspace(1e-3, 30e-3, 30)
    lowest = dipole.dipole_energy_minimum_mev(recoil, ELECTRON_MASS_MEV, sterile_mev)
    section = dipole.dipole_section(recoil, ELECTRON_MASS_MEV, sterile_mev)

    def rates(component):
        """Counts per recoil energy, from each of the two mass states, with the survival at the mean energy."""
        chances = survival(fluxes.mean_energy_mev(component), density)
        return np.outer(chances, over_spectrum(section, fluxes.moments_above(component, lowest)))

    coarse, fine = np.zeros((2, recoil.size)), np.zeros((2, recoil.size))
    for component in SOLAR.values():
        density = component.electron_density
        one = rates(component)
        coarse += one
        many = finely_banded(component, 60) if isinstance(component, TabulatedSpectrum) else ()
        fine += sum(rates(part) for part in many) if many else one
    deviation = np.abs(coarse.sum(axis=1) / fine.sum(axis=1) - 1)
    print(sterile_mev, deviation)
    assert np.all(deviation < 1e-3)


# --- chromium ---------------------------------------------------------------------------------------------------------


def test_chromium_lines():
    assert sum(line.weight for line in CHROMIUM.values()) == pytest.approx(1, rel=1e-14)
    assert [line.energy_mev for line in CHROMIUM.values()] == [0.427, 0.432, 0.747, 0.752]


def declared(name):
    file = SHELF.roots[-1] / f"data/experiments/{name}/experiment.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


ENDS = [
    ("cr51-si", "", "28Si"), ("cr51-ge", "", "70Ge"), ("cr51-al2o3", "", "16O"),
    ("cr51-al2o3", "aluminium-end", "27Al"), ("cr51-cawo4", "", "16O"), ("cr51-cawo4", "calcium-end", "40Ca"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "variant", "isotope"), ENDS)
def test_bins_end_at_the_largest_recoil(name, variant, isotope):
    tree = declared(name)
    bins = tree["variants"][variant]["counts.bins"] if variant else tree["counts"]["bins"]
    end = float(nucleus.recoil_maximum_mev(0.752, nuclei.nuclear_mass_mev(ISOTOPES[isotope]))) * 1e6
    edges = np.linspace(8, end, 13)
    np.testing.assert_allclose(bins, np.stack([edges[:-1], edges[1:]], axis=1), atol=1e-3)


def test_bins_in_xenon_end_with_the_recoils():
    bins = declared("cr51-lxe")["counts"]["bins"]
    end = float(nucleus.recoil_maximum_mev(0.752, ELECTRON_MASS_MEV)) * 1e3
    assert end == pytest.approx(561.3, abs=0.05)
    assert bins == [[1.0 + 5 * n, 6.0 + 5 * n] for n in range(113)]
    assert bins[-1][0] < end < bins[-1][1]


def fluence(variant):
    file = SHELF.roots[-1] / "data/experiments/cr51-lxe/experiment.toml"
    return radioactive.decays_per_cm2(facts.experiment_at(file, variant, ())[0].fluence)


def test_configurations_in_xenon():
    # Counts of the standard model are proportional to these: 12117, 9421, 18841 and 37198, 28921, 57841.
    near = [fluence(v) for v in ("", "b", "c")]
    centre = [fluence(v) for v in ("a-centre", "b-centre", "c-centre")]
    np.testing.assert_allclose(np.array(near) / near[0], [1, 9421 / 12117, 18841 / 12117], rtol=1e-4)
    np.testing.assert_allclose(np.array(centre) / near[0], np.array([37198, 28921, 57841]) / 12117, rtol=1e-4)
    assert np.pi * 0.69**2 * 1.38 * 2.9 == pytest.approx(6.0, rel=0.01)


# --- xenon ------------------------------------------------------------------------------------------------------------


def test_levels_of_xenon():
    assert sum(electrons for element, _, electrons in NUCLEI.binding if element == "Xe") == 54
    bound = {
        kev: sum(n for _, b, n in NUCLEI.binding if b < kev) / 54 for kev in (0.05, 0.1, 1.0, 2.0, 4.9, 20.0, 35.0)
    }
    assert list(bound.values()) == pytest.approx([0.148, 0.333, 0.741, 0.815, 0.889, 0.963, 1.0], abs=5e-4)


def rows(name):
    file = SHELF.roots[-1] / "data/experiments/xenon1t-2020" / name
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_exposure_of_xenon1t():
    tree = declared("xenon1t-2020")
    years = tree["fluence"]["live_time_s"] / (365.25 * 86400)
    assert tree["detector"]["target"]["mass_kg"] / 1e3 * years == pytest.approx(EXPOSURE_T_YR, rel=1e-12)
    # One event of the released file, in events per ton, year and keV.
    assert pytest.approx(1.544856, rel=1e-6) == 1 / EXPOSURE_T_YR


def test_counts_of_xenon1t():
    spectrum = rows("spectrum.csv")
    assert [(float(row["low"]), float(row["high"])) for row in spectrum] == [(n, n + 1) for n in range(1, 30)]
    low_energies = [row for row in spectrum if float(row["high"]) <= 7]
    assert sum(float(row["observed"]) for row in low_energies) == 285
    assert sum(float(row["b0"]) for row in low_energies) == pytest.approx(231.6, abs=1)
    assert sum(float(row["b0_second"]) for row in low_energies) == pytest.approx(231.2, abs=1)
    for row in spectrum:
        assert float(row["sd"]) == pytest.approx(float(row["observed"]) ** 0.5, abs=1e-6)


@pytest.mark.parametrize(("curve", "column"), [("1", "b0"), ("2", "b0_second")])
def test_background_of_xenon1t_is_the_integral_of_its_curve(curve, column):
    points = [row for row in rows("background_digitised.csv") if row["curve"] == curve]
    energy = np.array([float(row["energy_kev"]) for row in points])
    rate = np.array([float(row["events_per_t_yr_kev"]) for row in points])
    for row in rows("spectrum.csv"):
        low, high = float(row["low"]), float(row["high"])
        x = np.unique(np.concatenate(([low, high], energy[(energy > low) & (energy < high)])))
        expected = np.trapezoid(np.interp(x, energy, rate), x) * EXPOSURE_T_YR
        assert float(row[column]) == pytest.approx(expected, abs=1e-4)


# --- reactor ----------------------------------------------------------------------------------------------------------


def test_flux_and_exposure_of_texono():
    tree = declared("texono-electrons")
    core = catalog.read_flux(SHELF, "reactor-mueller")[1].components["nubar_e"]
    days = tree["fluence"]["live_time_s"] / 86400
    assert tree["detector"]["target"]["mass_kg"] * days == pytest.approx(29882, rel=1e-9)
    # 6.4e12 at 28 m from 2.9 GW is 7.16 antineutrinos a fission; 6.80 are used.
    fissions = reactor.fissions_per_s(core, 2.9) / (4 * np.pi * 2800.0**2)
    assert tree["fluence"]["flux_per_cm2_s"] / fissions == pytest.approx(7.16, abs=0.01)
    assert tree["fluence"]["neutrinos_per_spectrum"] == 6.80
    assert fluxes.neutrinos(core) + 1.2 == pytest.approx(6.80, abs=0.005)
