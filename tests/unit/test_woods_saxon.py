"""Woods-Saxon levels against finite differences, separation energies and textbook limits."""

import numpy as np
import pytest
from scipy import linalg

from bayesnu.constants import HBAR_C_MEV_FM
from bayesnu.physics.woods_saxon import RADII_FM, RADIUS_STEP_FM, last_shell, levels, parameters, potential_mev

NUCLEI = [(8, 8), (18, 22), (32, 44), (54, 78), (74, 110)]
SPECIES = ["proton", "neutron"]
WELLS = ["bohr-mottelson", "seminole"]


@pytest.mark.parametrize(("particles", "shell"), [(2, 0), (3, 1), (8, 1), (9, 2), (20, 2), (40, 3), (54, 4), (82, 5)])
def test_last_shell_of_the_oscillator(particles, shell):
    assert last_shell(particles) == shell


@pytest.mark.parametrize("well", WELLS)
@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize(("charge", "neutrons"), NUCLEI)
def test_levels_against_finite_differences(charge, neutrons, species, well):
    step_fm = 0.01
    radii_fm = np.arange(1, 2400) * step_fm
    shape = parameters(charge, neutrons, species, well)
    unit_mev_fm2 = HBAR_C_MEV_FM**2 / (2 * shape.mass_mev)
    for level in levels(charge, neutrons, species, well):
        if level.energy_mev > -1:
            continue
        well_mev = (
            potential_mev(shape, charge if species == "proton" else 0, level.orbital, level.twice_spin, radii_fm)
            + unit_mev_fm2 * level.orbital * (level.orbital + 1) / radii_fm**2
        )
        energy_mev = linalg.eigh_tridiagonal(
            2 * unit_mev_fm2 / step_fm**2 + well_mev,
            np.full(radii_fm.size - 1, -unit_mev_fm2 / step_fm**2),
            eigvals_only=True,
            select="i",
            select_range=(level.nodes, level.nodes),
        )[0]
        assert level.energy_mev == pytest.approx(energy_mev, abs=0.020)


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize(("charge", "neutrons"), NUCLEI)
def test_the_basis_is_large_enough(charge, neutrons, species):
    def deep(basis_size):
        found = levels(charge, neutrons, species, basis_size=basis_size)
        return {(x.nodes, x.orbital, x.twice_spin): x.energy_mev for x in found if x.energy_mev < -5}

    assert deep(16) == pytest.approx(deep(24), abs=0.005)


# Separation energies of AME2020 [MeV]: the last nucleon of a closed shell, and the first one above it.
SEPARATION = [
    (20, 20, "neutron", (0, 2, 3), 15.64),
    (20, 21, "neutron", (0, 3, 7), 8.36),
    (20, 20, "proton", (0, 2, 3), 8.33),
    (21, 20, "proton", (0, 3, 7), 1.09),
    (82, 126, "neutron", (2, 1, 1), 7.37),
    (82, 127, "neutron", (1, 4, 9), 3.94),
    (82, 126, "proton", (2, 0, 1), 8.00),
    (83, 126, "proton", (0, 5, 9), 3.80),
]


@pytest.mark.parametrize(("well", "limit_mev"), [("bohr-mottelson", 1.6), ("seminole", 0.8)])
@pytest.mark.parametrize(("charge", "neutrons", "species", "name", "separation_mev"), SEPARATION)
def test_levels_of_closed_shells_are_separation_energies(
    charge, neutrons, species, name, separation_mev, well, limit_mev
):
    found = {(x.nodes, x.orbital, x.twice_spin): x.energy_mev for x in levels(charge, neutrons, species, well)}
    assert -found[name] == pytest.approx(separation_mev, abs=limit_mev)


@pytest.mark.parametrize("species", SPECIES)
def test_radial_functions_are_orthonormal_with_n_nodes(species):
    found = levels(54, 78, species)
    for level in found:
        assert level.radial[0] > 0
        assert not level.radial.flags.writeable
        others = [x for x in found if (x.orbital, x.twice_spin) == (level.orbital, level.twice_spin)]
        for other in others:
            overlap = level.radial @ other.radial * RADIUS_STEP_FM
            assert overlap == pytest.approx(float(other is level), abs=1e-10)
        if level.energy_mev < -1:
            inside = level.radial[RADII_FM < 12]
            assert np.sum(np.diff(np.sign(inside)) != 0) == level.nodes


@pytest.mark.parametrize(("charge", "neutrons"), NUCLEI)
@pytest.mark.parametrize("well", WELLS)
def test_levels_rise_and_stop_one_shell_above_the_last_nucleon(charge, neutrons, well):
    for species, particles in (("proton", charge), ("neutron", neutrons)):
        found = levels(charge, neutrons, species, well)
        energies = [x.energy_mev for x in found]
        assert energies == sorted(energies)
        highest = last_shell(particles) + 1
        assert max(x.quanta for x in found) == highest
        assert sum(x.places for x in found) == (highest + 1) * (highest + 2) * (highest + 3) // 3
        # The spin-orbit force lowers j = l + 1/2.
        energy = {(x.nodes, x.orbital, x.twice_spin): x.energy_mev for x in found}
        for nodes, orbital, twice_spin in energy:
            if orbital and twice_spin > 2 * orbital and energy[nodes, orbital, twice_spin] < 0:
                assert energy[nodes, orbital, twice_spin] < energy[nodes, orbital, twice_spin - 2]


def test_wells_as_printed():
    # 51 + 33 (N - Z)/A MeV for the protons of 208Pb, 51 - 33 (N - Z)/A for its neutrons.
    assert parameters(82, 126, "proton", "bohr-mottelson").depth_mev == pytest.approx(57.98, abs=0.01)
    assert parameters(82, 126, "neutron", "bohr-mottelson").depth_mev == pytest.approx(44.02, abs=0.01)
    # N = Z: the two kinds have one depth; mirror nuclei exchange theirs.
    assert parameters(20, 20, "proton", "seminole").depth_mev == parameters(20, 20, "neutron", "seminole").depth_mev
    assert parameters(20, 22, "proton", "seminole").depth_mev == parameters(22, 20, "neutron", "seminole").depth_mev


def test_coulomb_potential_joins_a_point_charge_at_the_radius():
    shape = parameters(54, 78, "proton", "bohr-mottelson")
    radii_fm = np.array([shape.radius_fm * (1 - 1e-9), shape.radius_fm * (1 + 1e-9), 50.0])
    coulomb = potential_mev(shape, 54, 0, 1, radii_fm) - potential_mev(shape, 0, 0, 1, radii_fm)
    assert coulomb[0] == pytest.approx(coulomb[1], rel=1e-8)
    assert coulomb[2] == pytest.approx(53 * 1.4399645 / 50, rel=1e-6)
