"""Pairing against exact models, form factors against direct sums, analytic nuclei and charge densities."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize

from bayesnu.errors import PredictionError
from bayesnu.physics.bcs import (
    LARGEST_MOMENTUM_PER_FM,
    PairingGaps,
    form_factors,
    neighbours,
    occupations,
    oscillator_length_fm,
    pairing,
    pairing_gaps,
    predicted_radii_fm,
    three_point_gap_mev,
)
from bayesnu.physics.oscillator import oscillator_form_factor
from bayesnu.physics.woods_saxon import RADII_FM, levels
from bayesnu.schema import Isotope

NUCLEI_FOLDER = Path(__file__).parents[2] / "data" / "nuclei"
FUNCTIONS = ["oscillator", "woods-saxon"]
NO_PAIRING = PairingGaps(0.0, 0.0)
MOMENTA = np.array([0.2, 0.4, 0.6, 0.8, 1.0])


def rows(name):
    with (NUCLEI_FOLDER / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def isotope(row):
    return Isotope(
        element=row["element"],
        charge=int(row["charge"]),
        mass_number=int(row["mass_number"]),
        mass_u=float(row["mass_u"]),
        abundance=float(row["abundance"]),
        charge_radius_fm=float(row["charge_radius_fm"]),
        unpaired_protons=int(row["unpaired_protons"]),
        unpaired_neutrons=int(row["unpaired_neutrons"]),
    )


MASSES_U = {(int(row["charge"]), int(row["mass_number"])): float(row["mass_u"]) for row in rows("pairing.csv")}
ISOTOPES = {x.name: x for x in map(isotope, rows("isotopes.csv")) if x.mass_number >= 16}
NAMES = ["16O", "20Ne", "28Si", "40Ar", "40Ca", "48Ca", "72Ge", "76Ge", "127I", "132Xe", "136Xe", "133Cs"]
OPEN_SHELLS = ["40Ar", "72Ge", "76Ge", "127I", "132Xe", "133Cs"]


def gaps_of(nucleus):
    return pairing_gaps(nucleus, MASSES_U)


def paired(nucleus, species):
    """Levels of the model space and their BCS solution."""
    found = levels(nucleus.charge, nucleus.neutrons, species)
    particles, gap_mev = (
        (nucleus.charge, nucleus.neutrons)[species == "neutron"],
        gaps_of(nucleus)[species == "neutron"],
    )
    energies, places = np.array([x.energy_mev for x in found]), np.array([x.places for x in found])
    return found, places, particles, gap_mev, pairing(energies, places, particles, gap_mev)


def point_radius_squared_fm2(nucleus):
    cloud_fm2 = 0.8409**2 - 0.1155 * nucleus.neutrons / nucleus.charge + 0.033
    return nucleus.charge_radius_fm**2 - cloud_fm2


# --- gaps -------------------------------------------------------------------------------------------------------------


def test_gap_of_a_smooth_mass_surface_with_an_odd_even_step():
    # Binding energy 8 x - 0.01 x^2 + 1.3 [x even]: the gap is 1.3 MeV up to the curvature's third difference, zero.
    def separation(x):
        return 8 - 0.01 * (2 * x - 1) + (1.3 if x % 2 == 0 else -1.3)

    for x in (10, 11, 42, 43):
        gap_mev = three_point_gap_mev(x, separation(x - 1), separation(x), separation(x + 1))
        assert gap_mev == pytest.approx(1.3, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "proton_mev", "neutron_mev"),
    [("20Ne", 3.82, 3.83), ("40Ar", 1.76, 1.76), ("76Ge", 1.52, 1.57), ("132Xe", 1.20, 1.21)],
)
def test_gaps_from_masses(name, proton_mev, neutron_mev):
    assert gaps_of(ISOTOPES[name]) == pytest.approx((proton_mev, neutron_mev), abs=0.0051)


def test_no_gap_at_magic_numbers_and_none_below_zero_elsewhere():
    assert gaps_of(ISOTOPES["48Ca"]) == (0, 0)
    assert gaps_of(ISOTOPES["136Xe"]).neutron_mev == 0
    assert gaps_of(ISOTOPES["136Xe"]).proton_mev == pytest.approx(0.98, abs=0.01)
    assert all(min(gaps_of(x)) >= 0 for x in ISOTOPES.values())


def test_masses_are_those_needed_and_agree_with_the_table_of_isotopes():
    needed = {key for x in ISOTOPES.values() for chain in neighbours(x.charge, x.neutrons) for key in chain}
    assert set(MASSES_U) == needed
    for x in ISOTOPES.values():
        assert MASSES_U.get((x.charge, x.mass_number), x.mass_u) == x.mass_u


def test_a_missing_mass_is_named():
    masses = {key: mass for key, mass in MASSES_U.items() if key != (54, 131)}
    with pytest.raises(PredictionError, match=r"^132Xe: .*\(54, 131\)"):
        pairing_gaps(ISOTOPES["132Xe"], masses)


# --- occupations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("particles", [1, 4, 7, 11])
def test_single_shell_is_exact(particles):
    # Delta = G sqrt(n/2 (Omega - n/2)), E = G Omega/2.
    strength_mev, pairs, half = 0.3, 6.0, particles / 2
    gap_mev = strength_mev * np.sqrt(half * (pairs - half))
    solved = pairing(np.array([-7.0]), np.array([12]), particles, gap_mev)
    assert solved.strength_mev == pytest.approx(strength_mev, rel=1e-9)
    assert solved.quasiparticle_mev[0] == pytest.approx(strength_mev * pairs / 2, rel=1e-9)
    assert solved.occupations[0] == pytest.approx(particles / 12, rel=1e-9)


@pytest.mark.parametrize("gap_mev", [1e-4, 0.3, 2.0, 15.0])
def test_two_half_filled_shells_are_exact(gap_mev):
    # Delta^2 = (G Omega)^2 - (s/2)^2; the gap closes at G = s/(2 Omega).
    split_mev, pairs = 3.0, 5
    solved = pairing(np.array([-split_mev / 2, split_mev / 2]), np.array([10, 10]), 10, gap_mev)
    assert (solved.strength_mev * pairs) ** 2 - (split_mev / 2) ** 2 == pytest.approx(gap_mev**2, rel=1e-6, abs=1e-12)
    assert solved.fermi_mev == pytest.approx(0, abs=1e-9)


OPEN = [(name, kind) for name in ISOTOPES for kind in (0, 1) if gaps_of(ISOTOPES[name])[kind] > 0]


@pytest.mark.parametrize(("name", "kind"), OPEN)
def test_particle_number_and_gap_equation(name, kind):
    nucleus, species = ISOTOPES[name], ("proton", "neutron")[kind]
    found, places, particles, gap_mev, solved = paired(nucleus, species)
    share = solved.occupations
    assert places @ share == pytest.approx(particles, abs=1e-9)
    assert solved.strength_mev * (places / 2) @ np.sqrt(share * (1 - share)) == pytest.approx(gap_mev, abs=1e-8)
    assert np.all(np.diff(share) <= 0)
    np.testing.assert_array_equal(occupations(found, particles, gap_mev), share)


@pytest.mark.parametrize("species", ["proton", "neutron"])
@pytest.mark.parametrize("name", OPEN_SHELLS)
def test_strength_of_open_shells_is_that_of_nuclei(name, species):
    nucleus = ISOTOPES[name]
    assert 13 < paired(nucleus, species)[-1].strength_mev * nucleus.mass_number < 25


@pytest.mark.parametrize(
    ("name", "species", "fermi_mev", "partly"),
    [
        ("132Xe", "proton", -6.94, {(0, 4, 7): 0.256, (1, 2, 5): 0.233, (0, 5, 11): 0.045}),
        ("132Xe", "neutron", -7.52, {(2, 0, 1): 0.905, (1, 2, 3): 0.879, (0, 5, 11): 0.711}),
        ("76Ge", "neutron", -7.36, {(0, 3, 5): 0.953, (1, 1, 1): 0.921, (0, 4, 9): 0.403}),
        ("40Ar", "proton", -9.79, {(1, 0, 1): 0.830, (0, 2, 3): 0.530, (0, 3, 7): 0.036}),
    ],
)
def test_occupations_near_the_fermi_energy(name, species, fermi_mev, partly):
    found, _, _, _, solved = paired(ISOTOPES[name], species)
    share = {x[:3]: v for x, v in zip(found, solved.occupations, strict=True)}
    assert solved.fermi_mev == pytest.approx(fermi_mev, abs=0.011)
    assert {key: share[key] for key in partly} == pytest.approx(partly, abs=0.002)


def test_without_a_gap_levels_are_filled_in_order_and_the_last_one_evenly():
    found = levels(18, 22, "neutron")
    share = occupations(found, 22, 0.0)
    places = np.array([x.places for x in found])
    assert places @ share == pytest.approx(22, abs=1e-12)
    assert np.all(share[:6] == 1)
    assert share[6] == pytest.approx(2 / 8)
    assert np.all(share[7:] == 0)


def test_a_full_model_space_has_no_pairing():
    with pytest.raises(PredictionError, match="places"):
        pairing(np.array([-1.0]), np.array([4]), 4, 1.0)
    with pytest.raises(PredictionError, match="gap"):
        pairing(np.array([-1.0]), np.array([4]), 2, 0.0)
    with pytest.raises(PredictionError, match="places"):
        occupations(levels(8, 8, "proton")[:1], 3, 0.0)


# --- form factors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("functions", FUNCTIONS)
@pytest.mark.parametrize("name", sorted(ISOTOPES))
def test_one_at_zero_momentum_and_smooth_below(name, functions):
    momenta = np.concatenate([[0.0], np.logspace(-300, -2, 200)])
    with np.errstate(under="ignore"):
        for values in form_factors(ISOTOPES[name], gaps_of(ISOTOPES[name]), functions, momenta):
            assert values[0] == pytest.approx(1, abs=1e-15)
            assert np.all(values <= 1 + 1e-15)
            assert np.all(values >= 1 - momenta**2 * 49 / 6 - 1e-15)


def test_oxygen_is_analytic():
    oxygen = ISOTOPES["16O"]
    y = (MOMENTA * oscillator_length_fm(oxygen, NO_PAIRING)) ** 2 / 4
    for values in form_factors(oxygen, NO_PAIRING, "oscillator", MOMENTA):
        np.testing.assert_allclose(values, (1 - y / 2) * np.exp(-y + y / 16), rtol=1e-9)


@pytest.mark.parametrize("name", ["20Ne", "40Ar"])
def test_without_gap_and_centre_of_mass_the_shells_are_filled(name):
    nucleus = ISOTOPES[name]
    length_fm = oscillator_length_fm(nucleus, NO_PAIRING)
    centre = np.exp((MOMENTA * length_fm) ** 2 / 4 / nucleus.mass_number)
    values = form_factors(nucleus, NO_PAIRING, "oscillator", MOMENTA)
    for particles, value in zip((nucleus.charge, nucleus.neutrons), values, strict=True):
        np.testing.assert_allclose(value / centre, oscillator_form_factor(particles, length_fm, MOMENTA), atol=1e-12)


@pytest.mark.parametrize("functions", FUNCTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_a_vanishing_gap_is_no_gap(name, functions):
    small = form_factors(ISOTOPES[name], PairingGaps(1e-3, 1e-3), functions, MOMENTA)
    none = form_factors(ISOTOPES[name], NO_PAIRING, functions, MOMENTA)
    np.testing.assert_allclose(small, none, atol=3e-4)


@pytest.mark.parametrize("functions", FUNCTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_slope_at_zero_is_the_measured_radius_and_the_skin(name, functions):
    nucleus, momentum = ISOTOPES[name], np.array([0.02])

    def mean_square_fm2(value):
        # 1 - F = x - 3/10 x^2 for a uniform sphere, x = Q^2 <r^2>/6; other densities differ in the small second term.
        x = 1 - value[0]
        return 6 * (x + 0.3 * x**2) / momentum[0] ** 2

    proton, neutron = form_factors(nucleus, gaps_of(nucleus), functions, momentum, skin_fm=0.15)
    radius_fm = np.sqrt(point_radius_squared_fm2(nucleus))
    assert mean_square_fm2(proton) == pytest.approx(radius_fm**2, rel=1e-3)
    assert mean_square_fm2(neutron) == pytest.approx((radius_fm + 0.15) ** 2, rel=1e-3)


def test_a_skin_leaves_protons_alone_and_shrinks_the_neutron_form_factor():
    xenon = ISOTOPES["132Xe"]
    for functions in FUNCTIONS:
        thin, thick = (form_factors(xenon, gaps_of(xenon), functions, MOMENTA, skin_fm=x) for x in (0.0, 0.2))
        np.testing.assert_array_equal(thin[0], thick[0])
        assert np.all(thin[1][:3] > thick[1][:3])


@pytest.mark.parametrize("name", NAMES)
def test_unmatched_charge_radius(name):
    nucleus = ISOTOPES[name]
    limit = 0.02 if nucleus.mass_number >= 40 else 0.035
    assert predicted_radii_fm(nucleus, gaps_of(nucleus))[0] == pytest.approx(nucleus.charge_radius_fm, rel=limit)


@pytest.mark.parametrize(
    ("name", "percent"), [("16O", -2.4), ("40Ar", -3.2), ("76Ge", -2.6), ("132Xe", -1.2), ("133Cs", -1.1)]
)
def test_unmatched_charge_radius_of_the_seminole_well(name, percent):
    nucleus = ISOTOPES[name]
    radius_fm = predicted_radii_fm(nucleus, gaps_of(nucleus), "seminole")[0]
    assert 100 * (radius_fm / nucleus.charge_radius_fm - 1) == pytest.approx(percent, abs=0.06)


# b [fm] of the oscillator functions, from another implementation of the same equations.
LENGTHS_FM = [1.758, 1.830, 1.814, 1.951, 1.968, 1.969, 2.112, 2.125, 2.293, 2.304, 2.310, 2.305]


@pytest.mark.parametrize(("name", "length_fm"), list(zip(NAMES, LENGTHS_FM, strict=True)))
def test_oscillator_lengths(name, length_fm):
    nucleus = ISOTOPES[name]
    assert oscillator_length_fm(nucleus, gaps_of(nucleus)) == pytest.approx(length_fm, abs=6e-4)


# F at Q = 0.2, 0.4, 0.6, 0.8, 1.0 per fm, from another implementation of the same equations.
TABLE = [
    ("132Xe", "oscillator", 0, [0.8598, 0.5301, 0.2018, 0.0099, -0.0392]),
    ("132Xe", "oscillator", 1, [0.8441, 0.4878, 0.1563, -0.0108, -0.0331]),
    ("76Ge", "oscillator", 1, [0.8878, 0.6108, 0.3033, 0.0813, -0.0184]),
    ("40Ar", "oscillator", 1, [0.9234, 0.7224, 0.4677, 0.2354, 0.0740]),
    ("132Xe", "woods-saxon", 0, [0.8594, 0.5245, 0.1836, -0.0193, -0.0659]),
    ("132Xe", "woods-saxon", 1, [0.8451, 0.4878, 0.1479, -0.0296, -0.0527]),
    ("76Ge", "woods-saxon", 1, [0.8855, 0.6035, 0.2910, 0.0651, -0.0360]),
    ("40Ar", "woods-saxon", 1, [0.9217, 0.7175, 0.4607, 0.2277, 0.0654]),
]


@pytest.mark.parametrize(("name", "functions", "kind", "expected"), TABLE)
def test_form_factors_of_another_implementation(name, functions, kind, expected):
    nucleus = ISOTOPES[name]
    np.testing.assert_allclose(form_factors(nucleus, gaps_of(nucleus), functions, MOMENTA)[kind], expected, atol=5e-4)


@pytest.mark.parametrize(
    ("functions", "kind", "zero"),
    [("oscillator", 0, 0.819), ("oscillator", 1, 0.776), ("woods-saxon", 0, 0.770), ("woods-saxon", 1, 0.747)],
)
def test_first_zeros_of_xenon(functions, kind, zero):
    xenon = ISOTOPES["132Xe"]

    def value(momentum):
        return form_factors(xenon, gaps_of(xenon), functions, np.array([momentum]))[kind][0]

    assert optimize.brentq(value, 0.5, 0.9) == pytest.approx(zero, abs=1.1e-3)


@pytest.mark.parametrize("name", ["16O", "40Ar", "132Xe", "184W"])
def test_interpolation_against_direct_sums(name):
    nucleus = ISOTOPES[name]
    gaps = gaps_of(nucleus)
    momenta = np.linspace(0, 5, 1013)
    densities, quanta = [], []
    for species, particles, gap_mev in zip(
        ("proton", "neutron"), (nucleus.charge, nucleus.neutrons), gaps, strict=True
    ):
        bound = [x for x in levels(nucleus.charge, nucleus.neutrons, species) if x.energy_mev < 0]
        number = occupations(bound, particles, gap_mev) * [x.places for x in bound]
        density = sum(n * x.radial**2 for n, x in zip(number, bound, strict=True))
        densities.append(density / density.sum())
        quanta.append(sum(n * (2 * x.nodes + x.orbital + 1.5) for n, x in zip(number, bound, strict=True)) / particles)
    length_squared = densities[0] @ RADII_FM**2 / quanta[0]
    centred = densities[0] @ RADII_FM**2 - 1.5 * length_squared / nucleus.mass_number
    scaled = momenta * np.sqrt(point_radius_squared_fm2(nucleus) / centred)
    for density, value in zip(densities, form_factors(nucleus, gaps, "woods-saxon", momenta), strict=True):
        direct = np.sinc(np.multiply.outer(scaled, RADII_FM) / np.pi) @ density
        direct *= np.exp(scaled**2 * length_squared / (4 * nucleus.mass_number))
        np.testing.assert_allclose(value, direct, atol=1e-8)


def fermi_charge_form_factor(charge_radius_fm, momenta):
    """Transform of a two-parameter Fermi density of skin thickness 2.30 fm with this rms radius."""
    radii_fm = np.arange(0.005, 25, 0.01)

    def density(half_fm):
        return radii_fm**2 / (1 + np.exp((radii_fm - half_fm) * 4 * np.log(3) / 2.30))

    def excess(half_fm):
        shell = density(half_fm)
        return shell @ radii_fm**2 / shell.sum() - charge_radius_fm**2

    shell = density(optimize.brentq(excess, 1, 10))
    return np.sinc(np.multiply.outer(momenta, radii_fm) / np.pi) @ shell / shell.sum()


@pytest.mark.parametrize(("functions", "limit"), [("woods-saxon", 0.01), ("oscillator", 0.03)])
@pytest.mark.parametrize("name", OPEN_SHELLS)
def test_charge_form_factor_against_a_fermi_density(name, functions, limit):
    nucleus, momenta = ISOTOPES[name], np.linspace(0.02, 0.5, 25)
    cloud_fm2 = nucleus.charge_radius_fm**2 - point_radius_squared_fm2(nucleus)
    proton, _ = form_factors(nucleus, gaps_of(nucleus), functions, momenta)
    charge = proton * np.exp(-(momenta**2) * cloud_fm2 / 6)
    np.testing.assert_allclose(charge, fermi_charge_form_factor(nucleus.charge_radius_fm, momenta), rtol=limit)


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("functions", FUNCTIONS)
def test_any_shape_of_momenta(functions):
    argon = ISOTOPES["40Ar"]
    flat = form_factors(argon, gaps_of(argon), functions, MOMENTA[:4])
    square = form_factors(argon, gaps_of(argon), functions, MOMENTA[:4].reshape(2, 2))
    np.testing.assert_array_equal(np.reshape(square, (2, 4)), flat)
    assert form_factors(argon, gaps_of(argon), functions, np.empty(0))[0].shape == (0,)


def test_beyond_its_range_the_model_says_so():
    argon = ISOTOPES["40Ar"]
    with pytest.raises(PredictionError, match="end at"):
        form_factors(argon, gaps_of(argon), "woods-saxon", np.array([1.2 * LARGEST_MOMENTUM_PER_FM]))
    carbon = next(x for x in map(isotope, rows("isotopes.csv")) if x.name == "12C")
    with pytest.raises(PredictionError, match=r"^12C: .* A = 16"):
        form_factors(carbon, NO_PAIRING, "oscillator", MOMENTA)
    with pytest.raises(PredictionError, match=r"^12C: .* A = 16"):
        pairing_gaps(carbon, MASSES_U)
    with pytest.raises(PredictionError, match=r"^40Ar: a skin"):
        form_factors(argon, gaps_of(argon), "oscillator", MOMENTA, skin_fm=-4.0)
    small = isotope({**rows("isotopes.csv")[2], "charge_radius_fm": "0.5"})
    with pytest.raises(PredictionError, match="16O"):
        form_factors(small, NO_PAIRING, "oscillator", MOMENTA)
