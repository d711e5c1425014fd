"""Antineutrinos of reactors: shapes, integrals, the rule that integrates over them, and what a flux must keep."""

import msgspec
import numpy as np
import pytest
from scipy import integrate

from bayesnu import catalog
from bayesnu.catalog.fact_rules import flux_problems
from bayesnu.physics import fluxes, reactor
from bayesnu.schema import FissionIsotope, Flux, MaxwellFit, ReactorSpectrum, Source

EQ_17 = (11.36, 1.32, -3.33, 0.56)
"""arXiv:1506.05406, Eq 17: a E^b exp(c E^d)."""


def shipped(name: str) -> ReactorSpectrum | MaxwellFit:
    return catalog.read_flux(catalog.open_catalog(), name)[1].components["nubar_e"]


MUELLER, HUBER, MAXWELL = (shipped(f"reactor-{name}") for name in ("mueller", "huber", "maxwell"))
ALL = [MUELLER, HUBER, MAXWELL]
EXACT = [MUELLER, HUBER, MAXWELL]


def pure(spectrum: ReactorSpectrum, name: str) -> ReactorSpectrum:
    isotope = msgspec.structs.replace(spectrum.isotopes[name], fraction=1.0)
    return msgspec.structs.replace(spectrum, isotopes={name: isotope})


def eq_17(energy):
    a, b, c, d = EQ_17
    return a * energy**b * np.exp(c * energy**d)


# --- shapes -----------------------------------------------------------------------------------------------------------


def test_a_core_by_hand():
    energy = np.array([0.0, 0.003906, 0.625, 1.75, 2.0, 3.0, 8.0])
    uranium = pure(MUELLER, "235U")
    logarithm = 3.217 - 3.111 * 3 + 1.395 * 9 - 0.369 * 27 + 0.04445 * 81 - 0.002053 * 243
    density = fluxes.density_per_mev(uranium, energy)
    table = [0, 0.024 * 0.003906 / 0.007813, 2.66, (1.69 + 1.26) / 2]
    np.testing.assert_allclose(density[:4], table, rtol=1e-14)
    assert density[5] == pytest.approx(np.exp(logarithm), rel=1e-13)
    # At the switch the polynomial holds: 1.31, where the table says 1.26.
    assert density[4] == pytest.approx(1.31, abs=0.006)
    assert density[6] == pytest.approx(np.exp(np.polyval(uranium.isotopes["235U"].polynomial[::-1], 8.0)), rel=1e-13)


def test_a_core_is_the_sum_of_its_isotopes():
    energy = np.linspace(0, 9, 200)
    parts = [i.fraction * fluxes.density_per_mev(pure(MUELLER, n), energy) for n, i in MUELLER.isotopes.items()]
    np.testing.assert_allclose(fluxes.density_per_mev(MUELLER, energy), sum(parts), rtol=1e-14)


@pytest.mark.parametrize("component", ALL)
def test_nothing_outside(component):
    end = fluxes.highest_energy_mev(component)
    outside = np.array([-1e6, -1.0, -1e-9, end * (1 + 1e-12), 60.0, 1e6])
    assert np.all(fluxes.density_per_mev(component, outside) == 0)
    assert np.all(fluxes.density_per_mev(component, np.linspace(0.02, end, 300)) > 0)


def test_ends():
    assert [fluxes.highest_energy_mev(c) for c in ALL] == [8.0, 8.0, 9.5]
    assert fluxes.breaks_mev(MUELLER) == MUELLER.low_energy_mev[1:]
    assert fluxes.breaks_mev(MAXWELL) == ()


def test_the_fit_in_powers_is_the_printed_one():
    below, above = np.geomspace(0.02, 4, 200), np.linspace(4, 9.5, 200)
    np.testing.assert_allclose(fluxes.density_per_mev(MAXWELL, below), eq_17(below), rtol=2e-9)
    # The alternating terms cancel to about 1e-8 per MeV, 1e-7 of the peak.
    np.testing.assert_allclose(fluxes.density_per_mev(MAXWELL, above), eq_17(above), rtol=0, atol=3e-8)


def test_a_fit_by_hand():
    value = 11.36 * 2**1.32 * np.exp(-3.33 * 2**0.56)
    assert fluxes.density_per_mev(MAXWELL, np.array(2.0)) == pytest.approx(value)
    assert fluxes.density_per_mev(MAXWELL, np.array([0.0, 0.019, 9.6])).tolist() == [0, 0, 0]


# --- integrals --------------------------------------------------------------------------------------------------------


def test_antineutrinos_per_fission():
    assert fluxes.neutrinos(MUELLER) == pytest.approx(5.60, abs=0.005)
    # Huber's spectra differ above 2 MeV only, by a few per cent.
    assert fluxes.neutrinos(HUBER) == pytest.approx(fluxes.neutrinos(MUELLER), rel=0.01)


@pytest.mark.parametrize(("name", "number"), [("235U", 5.70), ("238U", 6.77), ("239Pu", 5.12), ("241Pu", 5.914)])
def test_antineutrinos_per_fission_of_each_isotope(name, number):
    assert fluxes.neutrinos(pure(MUELLER, name)) == pytest.approx(number, abs=0.006)


def test_the_fit_is_normalised():
    """In MeV it holds one antineutrino, 0.993 of them below 8 MeV and 0.698 below 2 MeV: so MeV is its unit."""
    whole = msgspec.structs.replace(MAXWELL, start_mev=0.0)
    to = {end: fluxes.neutrinos(msgspec.structs.replace(whole, end_mev=end)) for end in (2.0, 8.0)}
    assert to[2.0] == pytest.approx(0.698, abs=0.0005)
    assert to[8.0] == pytest.approx(0.993, abs=0.0005)
    beyond, _ = integrate.quad(eq_17, 9.5, np.inf)
    assert fluxes.neutrinos(whole) + beyond == pytest.approx(1.0002, abs=0.00005)


@pytest.mark.parametrize("component", EXACT)
@pytest.mark.parametrize("lowest", [0.0, 0.021, 0.4, 1.5, 2.0, 3.3, 7.9])
def test_rule_against_adaptive_quadrature(component, lowest):
    def integrand(energy, power):
        return energy**power * float(fluxes.density_per_mev(component, np.array(energy)))

    edges = [e for e in reactor.panels_mev(component) if e > lowest]
    energies, weights = fluxes.energy_rule(component, np.array(lowest), order=16)
    for power in (0, 1, 2):
        parts = zip([lowest, *edges[:-1]], edges, strict=True)
        whole = [integrate.quad(integrand, *part, args=(power,), epsrel=1e-12)[0] for part in parts]
        assert (weights * energies**power).sum() == pytest.approx(sum(whole), rel=1e-9)


@pytest.mark.parametrize("component", EXACT)
def test_rule_converges(component):
    lowest = np.array([0.0, 0.3, 1.0, 1.9, 2.5, 6.0])
    for power in (-2, -1, 0, 1):
        chosen = lowest if power >= 0 else lowest[1:]
        once, twice = (fluxes.energy_rule(component, chosen, order) for order in (16, 32))
        sums = [(weights * energies**power).sum(-1) for energies, weights in (once, twice)]
        np.testing.assert_allclose(sums[0], sums[1], rtol=1e-8)


@pytest.mark.parametrize("component", ALL)
def test_rule_shapes_and_empty_ranges(component):
    end = fluxes.highest_energy_mev(component)
    lowest = np.array([[-3.0, 0.0, 2.0], [end, 60.0, 1e3]])
    energies, weights = fluxes.energy_rule(component, lowest, order=7)
    panels = len(reactor.panels_mev(component)) - 1
    assert energies.shape == weights.shape == (2, 3, 7 * panels)
    assert np.all(weights[1] == 0)
    assert np.all((energies > 0) & (energies <= end))
    assert weights[0, 0].sum() == pytest.approx(weights[0, 1].sum(), rel=1e-14)


@pytest.mark.parametrize(("component", "mean"), list(zip(ALL, (1.5466, 1.5491, 1.6905), strict=True)))
def test_mean_energies(component, mean):
    end = fluxes.highest_energy_mev(component)
    energy = np.linspace(0, end, 400001)
    density = fluxes.density_per_mev(component, energy)
    expected = integrate.trapezoid(energy * density, energy) / integrate.trapezoid(density, energy)
    assert fluxes.mean_energy_mev(component) == pytest.approx(expected, rel=1e-5)
    assert fluxes.mean_energy_mev(component) == pytest.approx(mean, rel=1e-4)


# --- power ------------------------------------------------------------------------------------------------------------


def test_energy_per_fission():
    assert reactor.energy_per_fission_mev(MUELLER) == pytest.approx(
        0.55 * 201.92 + 0.07 * 205.52 + 0.32 * 209.99 + 0.06 * 213.60, rel=1e-14
    )


def test_fissions():
    joule_per_fission = reactor.energy_per_fission_mev(MUELLER) * 1.602176634e-13
    assert reactor.fissions_per_s(MUELLER, 2.9) == pytest.approx(2.9e9 / joule_per_fission, rel=1e-12)


@pytest.mark.parametrize(
    ("power", "baseline", "per_fission", "flux"),
    [(3.9, 17, 5.60, 1.83e13), (2.9, 28, 6.8, 6.1e12), (2.9, 28, 5.6, 5.0e12)],
)
def test_known_fluxes(power, baseline, per_fission, flux):
    area = 4 * np.pi * (100 * baseline) ** 2
    assert reactor.fissions_per_s(MUELLER, power) * per_fission / area == pytest.approx(flux, rel=0.01)


# --- rules ------------------------------------------------------------------------------------------------------------

SOURCES = {"x": Source(reference="x", where="x", status="typed", doi="x", covers=("components",))}


def problems(component) -> list[tuple[str, str]]:
    flux = Flux(title="x", components={"a": component}, sources=SOURCES)
    return [(p.field, p.found) for p in flux_problems("x.toml", flux)]


def core(**changes) -> ReactorSpectrum:
    isotopes = {
        "235U": FissionIsotope(fraction=0.6, energy_per_fission_mev=200.0, polynomial=(1.0,), low_energy=(0.0, 1.0)),
        "239Pu": FissionIsotope(fraction=0.4, energy_per_fission_mev=210.0, polynomial=(1.0,), low_energy=(0.0, 1.0)),
    }
    record = ReactorSpectrum(flavour="nubar_e", isotopes=isotopes, low_energy_mev=(0.0, 2.0), end_mev=8.0)
    return msgspec.structs.replace(record, **changes)


def with_uranium(**changes) -> ReactorSpectrum:
    record = core()
    return core(isotopes={**record.isotopes, "235U": msgspec.structs.replace(record.isotopes["235U"], **changes)})


def test_a_right_core_and_a_right_fit():
    assert problems(core()) == problems(MAXWELL) == []
    # 1e-6 is close enough to one.
    assert problems(with_uranium(fraction=0.6 + 9e-7)) == []


@pytest.mark.parametrize(
    ("component", "field", "found"),
    [
        (core(low_energy_mev=(0.1, 2.0)), "low_energy_mev", "0.1"),
        (core(low_energy_mev=(0.0, 0.0)), "low_energy_mev[1]", "0 after 0"),
        (core(end_mev=2.0), "end_mev", "2"),
        (core(isotopes={}), "isotopes", "empty"),
        (with_uranium(fraction=0.61), "isotopes", "1.01"),
        (with_uranium(energy_per_fission_mev=0.0), "isotopes.235U.energy_per_fission_mev", "0"),
        (with_uranium(polynomial=()), "isotopes.235U.polynomial", "no coefficients"),
        (with_uranium(low_energy=(0.0, 1.0, 2.0)), "isotopes.235U.low_energy", "3 numbers"),
        (with_uranium(low_energy=(0.0, -1.0)), "isotopes.235U.low_energy[1]", "-1"),
        (msgspec.structs.replace(MAXWELL, amplitude=0.0), "amplitude", "0"),
        (msgspec.structs.replace(MAXWELL, slope=-1.0), "slope", "-1"),
        (msgspec.structs.replace(MAXWELL, exponent=0.0), "exponent", "0"),
        (msgspec.structs.replace(MAXWELL, start_mev=9.5), "end_mev", "9.5"),
        (msgspec.structs.replace(MAXWELL, start_mev=0.0), "start_mev", "0"),
    ],
)
def test_a_wrong_component_is_one_problem(component, field, found):
    [(where, what)] = problems(component)
    assert where == f"components.a.{field}"
    assert found in what


def test_fractions_are_shares():
    record, shares = core(), {"235U": 1.5, "239Pu": -0.5}
    isotopes = {n: msgspec.structs.replace(record.isotopes[n], fraction=f) for n, f in shares.items()}
    found = problems(core(isotopes=isotopes))
    assert [field for field, _ in found] == [f"components.a.isotopes.{n}.fraction" for n in shares]
