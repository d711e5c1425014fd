"""Solar neutrinos against diagonalised Hamiltonians in matter."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from bayesnu.physics import solar_survival
from bayesnu.physics.mixing import pmns
from bayesnu.physics.mixing4 import Angles, Phases, active_rows

SIN2_12, SIN2_13, SIN2_23, DELTA = 0.318, 0.022, 0.574, 1.08 * np.pi
DM2_21, DM2_31 = 7.50e-5, 2.55e-3
DELTA_TURN = (np.cos(DELTA), np.sin(DELTA))
# Energy [MeV], electron density [N_A/cm3], P_e1 of two flavours, P_e1 to P_e3, P_ee, P_emu, P_etau, to the digits of a
# second implementation.
TABLE = {
    "pp": (0.267, 60.9, 0.6677, (0.6530, 0.3250, 0.0220), (0.537, 0.180, 0.282)),
    "7Be": (0.862, 81.0, 0.6174, (0.6038, 0.3742, 0.0220), (0.520, 0.194, 0.286)),
    "pep": (1.442, 67.0, 0.5906, (0.5776, 0.4004, 0.0220), (0.510, 0.202, 0.288)),
    "8B 6.7": (6.7, 90.0, 0.1660, (0.1624, 0.8156, 0.0220), (0.363, 0.319, 0.318)),
    "8B 10": (10.0, 90.0, 0.0813, (0.0795, 0.8985, 0.0220), (0.333, 0.343, 0.324)),
}
SOURCES = pytest.mark.parametrize("source", TABLE)


def probabilities(energy, density, sin2_12=SIN2_12, sin2_13=SIN2_13, sin2_14=0.0, dm2_21=DM2_21, xp=np):
    return solar_survival.mass_state_probabilities(
        energy,
        density,
        sin2_theta_12=sin2_12,
        sin2_theta_13=sin2_13,
        sin2_theta_14=sin2_14,
        delta_m2_21_ev2=dm2_21,
        xp=xp,
    )


def as_complex(rows):
    return np.array([[complex(*element) for element in row] for row in rows])


def diagonalised(u, masses_ev2, energy_mev, density):
    """Probabilities to leave the sun as each mass state: |<nu_e|i>|^2 of the states in matter, in order of energy."""
    potential = np.zeros((len(u), len(u)))
    potential[0, 0] = 7.6325e-14 * density
    hamiltonian = u @ np.diag(masses_ev2) @ u.conj().T / (2e6 * energy_mev) + potential
    return abs(np.linalg.eigh(hamiltonian)[1][0]) ** 2


@SOURCES
def test_two_flavours_at_five_points(source):
    energy, density, survival, *_ = TABLE[source]
    ratio = solar_survival.matter_to_vacuum(energy, density, DM2_21, SIN2_13, 0.0)
    assert solar_survival.two_flavour_probability(SIN2_12, ratio, np) == pytest.approx(survival, rel=1e-3)


@SOURCES
def test_mass_states_and_flavours_at_five_points(source):
    energy, density, _, mass_states, flavours = TABLE[source]
    found = probabilities(energy, density)
    # Printed to four digits with a potential rounded to three.
    np.testing.assert_allclose(found, (*mass_states, 0.0), rtol=1e-3, atol=5e-5)
    three = pmns(SIN2_12, SIN2_13, SIN2_23, DELTA_TURN, np)
    on_earth = solar_survival.flavour_probabilities(found, three)
    np.testing.assert_allclose(on_earth, flavours, atol=1e-3)
    assert sum(on_earth) == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize(
    ("energy", "density", "tolerance"),
    [(0.267, 60.9, 2e-4), (0.862, 81.0, 2e-4), (1.442, 67.0, 3e-4), (15.0, 90.0, 4e-3)],
)
def test_three_flavours_diagonalised(energy, density, tolerance):
    u = as_complex(pmns(SIN2_12, SIN2_13, SIN2_23, DELTA_TURN, np))
    exact = diagonalised(u, [0.0, DM2_21, DM2_31], energy, density)
    found = probabilities(energy, density)[:3]
    np.testing.assert_allclose(found, exact, atol=tolerance)
    # What is missing is the growth of theta_13 in matter, two flavours with Dm2_31 - s12^2 Dm2_21.
    ratio = solar_survival.matter_to_vacuum(energy, density, DM2_31 - SIN2_12 * DM2_21, 0.0, 0.0)
    third = 1 - solar_survival.two_flavour_probability(SIN2_13, ratio, np)
    assert exact[2] - found[2] == pytest.approx(third - SIN2_13, rel=0.01)


@pytest.mark.parametrize(("energy", "density"), [(0.267, 60.9), (0.862, 81.0), (1.442, 67.0), (6.7, 90.0)])
def test_a_heavy_sterile_neutrino_weakens_the_potential(energy, density):
    """Four flavours diagonalised, with the first and third far apart so that c13^2 c14^2 is what remains."""
    sin2_14 = 0.1
    angles = Angles(*((np.sqrt(1 - s), np.sqrt(s)) for s in (SIN2_12, SIN2_13, SIN2_23, sin2_14)))
    electron = as_complex(active_rows(angles, Phases(d13=DELTA_TURN)))[0]
    # Any unitary matrix with this first row will do: only the electron's row meets the potential.
    u = np.linalg.qr(np.column_stack([electron, np.eye(4)[:, 1:]]))[0].T
    u = u * (electron[0] / u[0, 0])
    exact = diagonalised(u, [0.0, DM2_21, 1.0, 10.0], energy, density)
    np.testing.assert_allclose(u[0], electron, atol=1e-14)
    np.testing.assert_allclose(probabilities(energy, density, sin2_14=sin2_14), exact, atol=2e-5)


def test_probabilities_add_to_one():
    rng = np.random.default_rng(6)
    sin2 = rng.uniform(0, 1, (3, 40))
    found = probabilities(rng.uniform(0.1, 15, 40), rng.uniform(0, 100, 40), *sin2)
    np.testing.assert_allclose(sum(found), 1, atol=1e-14)
    assert all(np.all((p >= 0) & (p <= 1)) for p in found)
    angles = Angles(*((np.sqrt(1 - s), np.sqrt(s)) for s in (sin2[0], sin2[1], sin2[0], sin2[2], sin2[1])))
    on_earth = solar_survival.flavour_probabilities(found, active_rows(angles, Phases()))
    assert len(on_earth) == 3
    # What is missing is sterile.
    assert np.all(sum(on_earth) <= 1 + 1e-14)


def test_no_matter_and_very_much_matter():
    vacuum = probabilities(5.0, 0.0)
    assert vacuum[0] == pytest.approx((1 - SIN2_13) * (1 - SIN2_12), rel=1e-14)
    assert probabilities(5.0, 1e7)[0] == pytest.approx(0, abs=1e-9)


def test_resonance_is_where_both_states_are_equal():
    """b = cos 2 theta_12."""
    assert solar_survival.two_flavour_probability(0.3, 1 - 2 * 0.3, np) == pytest.approx(0.5, abs=1e-15)


def test_potential_of_one_mole_of_electrons():
    assert pytest.approx(7.63e-14, rel=1e-3) == solar_survival.POTENTIAL_EV


def test_energies_and_angles_broadcast():
    energies, angles = np.array([0.3, 1.0, 7.0])[:, np.newaxis], np.linspace(0.25, 0.4, 5)
    first = probabilities(energies, 90.0, angles)[0]
    assert first.shape == (3, 5)
    assert first[2, 4] == pytest.approx(probabilities(7.0, 90.0, 0.4)[0], rel=1e-14)


def test_symbolic_tensors_give_the_same_numbers_and_a_gradient():
    x = pt.dvector("x")
    symbolic = probabilities(6.7, 90.0, x[0], x[1], x[2], x[3], pt)
    slopes = [pt.grad(p, x, disconnected_inputs="ignore") for p in symbolic[:2]]
    compiled = pytensor.function([x], [*symbolic, *slopes], mode="FAST_COMPILE")
    point = np.array([SIN2_12, SIN2_13, 0.01, DM2_21])
    *values, slope_1, slope_2 = compiled(point)
    np.testing.assert_allclose(values, probabilities(6.7, 90.0, *point), rtol=1e-13)
    steps = np.diag(1e-5 * point)
    up, down = ([probabilities(6.7, 90.0, *(point + s * h))[:2] for h in steps] for s in (1, -1))
    numerical = (np.array(up) - np.array(down)) / (2e-5 * point[:, np.newaxis])
    np.testing.assert_allclose(np.array([slope_1, slope_2]).T, numerical, rtol=1e-5)
