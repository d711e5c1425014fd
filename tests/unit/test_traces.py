"""Cross sections on electrons and nuclei against explicit traces of gamma matrices with explicit momenta.

The Lagrangian: -sqrt2 G_F N gamma^a P_L nu (psi gamma_a (g_V - g_A gamma5) psi) - mu/2 N sigma^ab P_L nu F_ab + h.c., a
target of charge q e, and a final neutrino N of mass m4. Nothing here is shared with the package but constants.
"""

import numpy as np
import pytest

from bayesnu.constants import ELECTRON_MASS_MEV, FERMI_CONSTANT_PER_MEV2, FINE_STRUCTURE, HBAR_C_SQUARED_MEV2_CM2
from bayesnu.physics.dipole import (
    dipole_cross_section,
    dipole_energy_minimum_mev,
    dipole_recoil_range_mev,
    heaviest_sterile_mev,
)
from bayesnu.physics.electron import ElectronCouplings, energy_minimum_mev, weak_section
from bayesnu.physics.interference import INTERFERENCE_CM2_PER_MEV, interference_sections
from bayesnu.physics.inverse_energy import at_energy

GERMANIUM_MEV, CAESIUM_MEV = 67640.0, 123800.0
MOMENT_PER_MEV = 1e-10 * np.sqrt(np.pi * FINE_STRUCTURE) / ELECTRON_MASS_MEV
CHARGE = np.sqrt(4 * np.pi * FINE_STRUCTURE)

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ZERO, ONE = np.zeros((2, 2)), np.eye(2)
GAMMA = np.array([np.block([[ZERO, ONE], [ONE, ZERO]]), *(np.block([[ZERO, s], [-s, ZERO]]) for s in PAULI)])
GAMMA5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]
LEFT, RIGHT = (np.eye(4) - GAMMA5) / 2, (np.eye(4) + GAMMA5) / 2
METRIC = np.diag([1.0, -1.0, -1.0, -1.0])
SIGMA = np.array([[0.5j * (a @ b - b @ a) for b in GAMMA] for a in GAMMA])


def slash(momentum):
    return np.einsum("a,ab,bij->ij", momentum, METRIC, GAMMA)


def bar(matrices):
    return GAMMA[0] @ np.conj(np.swapaxes(matrices, -1, -2)) @ GAMMA[0]


def momenta(recoil, energy, mass, sterile):
    """Momenta k, p, k', p' for a target at rest; the recoil angle follows from the mass of N."""
    size = np.sqrt(recoil**2 + 2 * mass * recoil)
    cosine = (2 * (mass + energy) * recoil + sterile**2) / (2 * energy * size)
    k, p = np.array([energy, 0, 0, energy]), np.array([mass, 0, 0, 0])
    struck = np.array([mass + recoil, size * np.sqrt(1 - cosine**2), 0, size * cosine])
    return k, p, k + p - struck, struck


def dsigma(recoil, energy, mass, sterile, first, second, antineutrino):
    """Sum over spins of first x conj(second), over two for the target's spin, as dsigma/dT [cm2/MeV]."""
    k, p, k_out, p_out = momenta(recoil, energy, mass, sterile)
    (l1, h1), (l2, h2) = (make(k_out - k, antineutrino) for make in (first, second))
    own = np.eye(4)
    if antineutrino:
        lepton = np.einsum("ij,ajk,kl,blm->abim", slash(k), l1, slash(k_out) - sterile * own, bar(l2))
    else:
        lepton = np.einsum("ij,ajk,kl,blm->abim", slash(k_out) + sterile * own, l1, slash(k), bar(l2))
    target = np.einsum("ij,ajk,kl,blm->abim", slash(p_out) + mass * own, h1, slash(p) + mass * own, bar(h2))
    lepton, target = (np.trace(tensor, axis1=2, axis2=3) for tensor in (lepton, target))
    squared = np.einsum("ab,ac,bd,cd->", lepton, METRIC, METRIC, target) / 2
    return squared * HBAR_C_SQUARED_MEV2_CM2 / (32 * np.pi * mass * energy**2)


def weak(vector, axial):
    def vertices(transfer, antineutrino):
        strength = -np.sqrt(2) * FERMI_CONSTANT_PER_MEV2
        return strength * GAMMA @ LEFT, GAMMA @ (vector * np.eye(4) - axial * GAMMA5)

    return vertices


def magnetic(charge):
    def vertices(transfer, antineutrino):
        strength = 1j * CHARGE * charge * MOMENT_PER_MEV / (transfer @ METRIC @ transfer)
        vertex = np.einsum("abij,b->aij", SIGMA, METRIC @ transfer) @ (RIGHT if antineutrino else LEFT)
        return strength * vertex, GAMMA

    return vertices


POINTS = [  # target mass, energy, final mass, all in MeV
    (ELECTRON_MASS_MEV, 0.747, 0.0),
    (ELECTRON_MASS_MEV, 0.747, 0.1),
    (ELECTRON_MASS_MEV, 0.747, 0.45),
    (ELECTRON_MASS_MEV, 8.0, 1.7),
    (GERMANIUM_MEV, 0.747, 0.3),
    (CAESIUM_MEV, 40.0, 30.0),
]
SHARES = [0.02, 0.3, 0.7, 0.98]
"""Of the range of recoils, in its logarithm."""


def recoils(mass, energy, sterile):
    low, high = dipole_recoil_range_mev(energy, mass, sterile)
    low = max(float(low), 1e-4 * float(high))
    return [low * (float(high) / low) ** share for share in SHARES]


@pytest.mark.parametrize("antineutrino", [False, True])
@pytest.mark.parametrize("energy", [0.3, 0.862, 7.0])
def test_weak_scattering_on_electrons(energy, antineutrino):
    left, right = 0.73, 0.23
    amplitude = weak(left + right, left - right)
    for recoil in recoils(ELECTRON_MASS_MEV, energy, 0.0):
        expected = dsigma(recoil, energy, ELECTRON_MASS_MEV, 0.0, amplitude, amplitude, antineutrino).real
        section = weak_section(recoil, ElectronCouplings(left, right), antineutrino)
        assert at_energy(section, energy, energy_minimum_mev(recoil)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("antineutrino", [False, True])
@pytest.mark.parametrize(("mass", "energy", "sterile"), POINTS)
def test_massive_final_state(mass, energy, sterile, antineutrino):
    amplitude = magnetic(charge=-1)
    for recoil in recoils(mass, energy, sterile):
        expected = dsigma(recoil, energy, mass, sterile, amplitude, amplitude, antineutrino).real
        assert dipole_cross_section(recoil, energy, mass, sterile) == pytest.approx(expected, rel=1e-10)


def interference(recoil, energy, mass, sterile, antineutrino):
    lowest = dipole_energy_minimum_mev(recoil, mass, sterile)
    sections = interference_sections(recoil, mass, sterile, antineutrino)
    return np.array([float(at_energy(section, energy, lowest)) for section in sections])


def traced(recoil, energy, mass, sterile, charge, antineutrino):
    """Interference for a unit vector and a unit axial coupling."""
    arguments = (recoil, energy, mass, sterile, magnetic(charge))
    return np.array([2 * dsigma(*arguments, w, antineutrino).real for w in (weak(1, 0), weak(0, 1))])


@pytest.mark.parametrize("antineutrino", [False, True])
@pytest.mark.parametrize(("mass", "energy", "sterile"), POINTS)
def test_interference_on_electrons_and_nuclei(mass, energy, sterile, antineutrino):
    charge = -1 if mass == ELECTRON_MASS_MEV else 32
    for recoil in recoils(mass, energy, sterile):
        expected = traced(recoil, energy, mass, sterile, charge, antineutrino)
        found = -charge * interference(recoil, energy, mass, sterile, antineutrino)
        np.testing.assert_allclose(found, expected, rtol=1e-8)
        # Neutrinos and antineutrinos differ in the sign of the axial term, and in nothing else.
        other = -charge * interference(recoil, energy, mass, sterile, not antineutrino)
        np.testing.assert_array_equal(other, found * [1, -1])


def test_never_negative():
    # 300 points: weak + magnetic + interference, at the moment that makes weak and magnetic equal.
    random = np.random.default_rng(20210925)
    for _ in range(300):
        mass = random.choice([ELECTRON_MASS_MEV, GERMANIUM_MEV])
        energy = 10 ** random.uniform(-1, 1.5)
        sterile = random.uniform(0.05, 0.98) * float(heaviest_sterile_mev(energy, mass))
        vector, axial, antineutrino = *random.normal(size=2), bool(random.integers(2))
        recoil = random.choice(recoils(mass, energy, sterile))
        pull = weak(vector, axial)
        weak_part = dsigma(recoil, energy, mass, sterile, pull, pull, antineutrino).real
        magnetic_part = float(dipole_cross_section(recoil, energy, mass, sterile))
        mixed = interference(recoil, energy, mass, sterile, antineutrino) @ [vector, axial]
        smallest = weak_part + magnetic_part * (ratio := weak_part / magnetic_part) - abs(mixed) * np.sqrt(ratio)
        assert smallest >= -1e-9 * weak_part


# --- the printed forms, as negative controls --------------------------------------------------------------------------


def test_printed_interference_is_the_leading_order_in_the_mass():
    recoil, energy, sterile = 1e-3, 0.747, 0.1
    prefactor = INTERFERENCE_CM2_PER_MEV * 1e-10 * sterile / energy
    printed = prefactor * np.array([(ELECTRON_MASS_MEV - recoil) / energy, 2 - recoil / energy])
    exact = traced(recoil, energy, ELECTRON_MASS_MEV, sterile, -1, antineutrino=True)
    assert exact[0] / printed[0] == pytest.approx(10.8, abs=0.05)
    light = traced(0.1, energy, ELECTRON_MASS_MEV, 1e-4, -1, antineutrino=True)
    leading = prefactor * 1e-3 * np.array([(ELECTRON_MASS_MEV - 0.1) / energy, 2 - 0.1 / energy])
    np.testing.assert_allclose(light, leading, rtol=1e-6)


def test_the_mass_of_the_nucleus_stays_out_of_the_prefactor():
    arguments = (5e-6, 0.747, GERMANIUM_MEV, 0.01)
    exact = traced(*arguments, charge=-1, antineutrino=True)
    literal = interference(*arguments, antineutrino=True) * ELECTRON_MASS_MEV / GERMANIUM_MEV
    np.testing.assert_allclose(exact / literal, 1.32e5, rtol=0.01)
