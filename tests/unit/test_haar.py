"""The Haar prior on mixing: the angles it draws give the moduli that random unitary matrices have."""

import numpy as np
import pytest
from scipy import stats

from bayesnu import schema
from bayesnu.likelihood import priors
from bayesnu.physics import mixing4

DRAWS = 20_000


def angles(states, rng):
    """cos and sin of every angle of so many states, each from its Haar prior."""
    names = [(i, j) for i in range(1, states + 1) for j in range(i + 1, states + 1)]
    drawn = {
        f"theta_{i}{j}": priors.quantile(schema.Haar(apart=j - i), rng.uniform(size=DRAWS)) for i, j in names
    }  # fmt: skip
    return mixing4.Angles(**{name: mixing4.turn_of_sin2(x, np) for name, x in drawn.items()})


def phases(rng, sterile):
    """Flat phases; that of theta_24 can be absorbed, those of the sterile state are absent without one."""
    drawn = {"d13": rng.uniform(0, 2 * np.pi, DRAWS)}
    drawn |= {name: rng.uniform(0, 2 * np.pi, DRAWS) for name in ("d14", "d34") if sterile}
    return mixing4.Phases(**{name: (np.cos(x), np.sin(x)) for name, x in drawn.items()})


def complex_matrix(rows, states):
    """U, (draw, row, column)."""
    flat = [[np.broadcast_to(p.re + 1j * np.asarray(p.im), DRAWS) for p in row[:states]] for row in rows[:states]]
    return np.moveaxis(np.array(flat), -1, 0)


@pytest.mark.parametrize("states", [3, 4])
def test_moduli_and_invariant_phases_are_those_of_random_unitary_matrices(states):
    rng = np.random.default_rng(5)
    ours = complex_matrix(mixing4.unitary_rows(angles(states, rng), phases(rng, states == 4)), states)
    np.testing.assert_allclose(ours @ ours.conj().transpose(0, 2, 1), np.broadcast_to(np.eye(states), ours.shape),
                               atol=1e-12)  # fmt: skip
    theirs = stats.unitary_group.rvs(states, size=DRAWS, random_state=rng)
    for i in range(states):
        for j in range(states):
            pair = (np.abs(u[:, i, j]) for u in (ours, theirs))
            assert stats.ks_2samp(*pair).pvalue > 1e-3, (i, j)
    for i, j in ((0, 1), (0, states - 1), (1, states - 1)):
        k = (i + 1) % states if (i + 1) % states != j else (i + 2) % states
        pair = [u[:, i, j] * u[:, k, k] * np.conj(u[:, i, k] * u[:, k, j]) for u in (ours, theirs)]
        assert stats.ks_2samp(pair[0].imag, pair[1].imag).pvalue > 1e-3
        assert stats.ks_2samp(pair[0].real, pair[1].real).pvalue > 1e-3


def test_angles_that_are_flat_in_their_sines_are_no_random_matrix():
    """The test above can fail: with sin^2 theta_13 uniform the element U_e3 is too large too often."""
    rng = np.random.default_rng(6)
    wrong = np.sqrt(rng.uniform(size=DRAWS))
    theirs = stats.unitary_group.rvs(3, size=DRAWS, random_state=rng)
    assert stats.ks_2samp(wrong, np.abs(theirs[:, 0, 2])).pvalue < 1e-12


def test_the_named_densities_of_three_neutrinos_are_flat():
    """Uniform in sin^2 theta_12, sin^2 theta_23 and cos^4 theta_13: Haba and Murayama, hep-ph/0009174."""
    u = np.linspace(0.01, 0.99, 7)
    np.testing.assert_allclose(priors.quantile(schema.Haar(apart=1), u), u, rtol=1e-14)
    np.testing.assert_allclose((1 - priors.quantile(schema.Haar(apart=2), u)) ** 2, 1 - u, rtol=1e-14)
