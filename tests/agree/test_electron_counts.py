"""Standard-model counts of the experiments on electrons, straight from moments of spectra: no prediction is built.

The expected numbers are those of an independent program with quadratures of its own.
"""

import csv
import tomllib

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss

from bayesnu import catalog
from bayesnu.catalog import facts
from bayesnu.constants import AVOGADRO_PER_MOL, ELECTRON_MASS_MEV, KEV_PER_MEV
from bayesnu.physics import binding, electron, fluxes, nucleus, radioactive, solar_survival
from bayesnu.physics.inverse_energy import over_spectrum

SHELF = catalog.open_catalog()
NUCLEI = catalog.read_isotopes(SHELF)
MOLAR_MASS_G = {"Xe": 131.293, "CsI": 259.809925}
FLAVOURS = ("nu_e", "nu_mu", "nu_tau")


def declared(name):
    file = SHELF.roots[-1] / f"data/experiments/{name}/experiment.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def per_electron(component, flavour, recoil_mev, sin2_theta_w=0.2312):
    """Counts per electron, MeV and unit fluence."""
    couplings = electron.electron_couplings(flavour, sin2_theta_w)
    section = electron.weak_section(recoil_mev, couplings, electron.is_antineutrino(flavour))
    return over_spectrum(section, fluxes.moments_above(component, electron.energy_minimum_mev(recoil_mev)))


def recoils(edges_mev, order=12):
    """Gauss-Legendre nodes and weights between all edges."""
    nodes, weights = leggauss(order)
    low, width = edges_mev[:-1, None], np.diff(edges_mev)[:, None]
    return (low + width * (1 + nodes) / 2).ravel(), (width / 2 * weights).ravel()


def xenon_edges(low_kev, high_kev, components, step_kev=1.0):
    """Cut at levels, at the largest recoils of the spectra and in steps."""
    ends = nucleus.recoil_maximum_mev(np.array([fluxes.highest_energy_mev(c) for c in components]), ELECTRON_MASS_MEV)
    levels = np.array([kev for _, kev, _ in NUCLEI.binding]) / KEV_PER_MEV
    steps = np.arange(low_kev, high_kev + step_kev / 2, step_kev) / KEV_PER_MEV
    edges = np.unique(np.concatenate((ends, levels, steps)))
    return edges[(edges >= steps[0]) & (edges <= steps[-1])]


def electrons_of_xenon(recoil_mev):
    _, kev, number = zip(*NUCLEI.binding, strict=True)
    return binding.free_electrons(recoil_mev * KEV_PER_MEV, np.array(kev) * 1e3, np.array(number))


def test_chromium_in_xenon():
    tree, components = declared("cr51-lxe"), catalog.read_flux(SHELF, "cr51")[1].components.values()
    recoil, weight = recoils(xenon_edges(1.0, 566.0, components, step_kev=5.0))
    rate = sum(per_electron(component, "nu_e", recoil) for component in components)
    atoms = tree["detector"]["target"]["mass_kg"] * 1e3 / MOLAR_MASS_G["Xe"] * AVOGADRO_PER_MOL
    file = SHELF.roots[-1] / "data/experiments/cr51-lxe/experiment.toml"
    for variant, expected in {"": 12117, "b": 9421, "c": 18841, "a-centre": 37198, "c-centre": 57841}.items():
        source = facts.experiment_at(file, variant, ())[0].fluence
        counts = atoms * radioactive.decays_per_cm2(source) * (electrons_of_xenon(recoil) * rate * weight).sum()
        print(variant, counts)
        assert counts == pytest.approx(expected, rel=2e-3)


def test_reactor_in_caesium_iodide():
    tree = declared("texono-electrons")
    fluence = tree["fluence"]
    reading = facts.Overlay(SHELF.roots[-1], "", "", {"components.nubar_e.end_mev": 10.0})
    file = SHELF.roots[-1] / "data/fluxes/reactor-mueller.toml"
    core = facts.flux_at(file, [reading]).components["nubar_e"]
    recoil, weight = recoils(np.linspace(3.0, 8.0, 6), order=30)
    molecules = tree["detector"]["target"]["mass_kg"] * 1e3 / MOLAR_MASS_G["CsI"] * AVOGADRO_PER_MOL
    fissions = fluence["flux_per_cm2_s"] * fluence["live_time_s"] / fluence["neutrinos_per_spectrum"]

    def counts(sin2_theta_w, component=core):
        rate = per_electron(component, "nubar_e", recoil, sin2_theta_w)
        return molecules * (55 + 53) * fissions * (rate * weight).sum()

    print(counts(0.2387), counts(0.2312))
    assert counts(0.2387) == pytest.approx(387.9, rel=5e-3)
    assert counts(0.2312) == pytest.approx(369.0, rel=5e-3)
    assert counts(0.251) / counts(0.2387) == pytest.approx(1.083, rel=1e-3)
    # The end of the spectrum.
    shorter = facts.flux_at(file, ()).components["nubar_e"]
    assert counts(0.2387, shorter) / counts(0.2387) - 1 == pytest.approx(-0.008, abs=5e-4)


def test_the_sun_in_xenon():
    tree = declared("xenon1t-2020")
    components = catalog.read_flux(SHELF, "solar")[1].components.values()
    with (SHELF.roots[-1] / "data/experiments/xenon1t-2020/efficiency.csv").open(encoding="utf-8") as lines:
        curve = np.array([[float(r["value"]), float(r["efficiency"])] for r in csv.DictReader(lines)]).T
    recoil, weight = recoils(xenon_edges(1.0, 210.0, components))
    angles = {"sin2_theta_12": 0.318, "sin2_theta_13": 0.022, "sin2_theta_14": 0.0}
    rate = np.zeros_like(recoil)
    for c in components:
        chances = solar_survival.mass_state_probabilities(
            fluxes.mean_energy_mev(c), c.electron_density, **angles, delta_m2_21_ev2=7.5e-5, xp=np
        )
        # The electron row of the mixing matrix; muon and tau neutrinos scatter alike.
        row = 0.978 * 0.682, 0.978 * 0.318, 0.022
        survival = sum(p * u for p, u in zip(chances, row, strict=False))
        rate += survival * per_electron(c, "nu_e", recoil) + (1 - survival) * per_electron(c, "nu_mu", recoil)
    atoms = tree["detector"]["target"]["mass_kg"] * 1e3 / MOLAR_MASS_G["Xe"] * AVOGADRO_PER_MOL
    seen = np.interp(recoil * KEV_PER_MEV, *curve) * electrons_of_xenon(recoil) * rate
    counts = atoms * tree["fluence"]["live_time_s"] * (seen * weight).sum()
    print(counts)
    # Without the resolution, which moves few events over the ends of so wide a range.
    assert counts == pytest.approx(230, rel=0.01)


def test_chi_square_of_the_background_of_xenon1t():
    with (SHELF.roots[-1] / "data/experiments/xenon1t-2020/spectrum.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    observed, sd, background = (np.array([float(r[name]) for r in rows]) for name in ("observed", "sd", "b0"))

    def chi_square(scale):
        return (((observed - scale * background) / sd) ** 2).sum() + ((scale - 1) / 0.026) ** 2

    best = ((observed * background / sd**2).sum() + 0.026**-2) / ((background**2 / sd**2).sum() + 0.026**-2)
    print(chi_square(1.0), chi_square(best))
    assert chi_square(1.0) == pytest.approx(46.90, abs=0.02)
    assert chi_square(best) == pytest.approx(46.57, abs=0.02)
