"""The Haar prior on mixing: the angles it draws give the moduli that random unitary matrices have."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesnu as bn
from bayesnu import schema
from bayesnu.infer import reweighting
from bayesnu.likelihood import priors
from bayesnu.likelihood.marginal import marginal
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


def drawn(analysis, rng, number=80_000):
    """Draws of the prior and their log-likelihood, nuisances integrated, as four chains."""
    target = marginal(analysis)
    x = target.sample_prior(number, rng)
    columns = {p.name: x[:, i] for i, p in enumerate(target.free)}
    columns["log_likelihood"] = np.concatenate([target.log_likelihood(part) for part in np.array_split(x, 20)])
    return xr.Dataset({name: (("chain", "draw"), v.reshape(4, -1)) for name, v in columns.items()})


def test_weights_turn_a_flat_prior_on_the_mixing_into_haars():
    """A posterior under flat sines, reweighted, against one whose angles are drawn from the Haar measure."""
    declared, rng = bn.load("coherent-csi-tmm"), np.random.default_rng(7)
    haar = reweighting.named(declared.model, "haar")
    sines = {n: schema.Uniform(low=0.0, high=1.0) for n in haar if n.startswith("sin2")}
    flat = reweighting.with_priors(declared, sines)
    old = reweighting.declared(flat.model, haar)
    assert reweighting.covered(old, haar)
    assert not reweighting.covered(reweighting.declared(declared.model, haar), haar)
    weighted, theirs = (drawn(a, rng) for a in (flat, reweighting.with_priors(declared, haar)))
    ratio = reweighting.log_ratio(weighted, old, haar)
    for name in ("lambda_3", "sin2_theta_13"):
        found = reweighting.limit(weighted[name], ratio + weighted["log_likelihood"], 0.9)
        exact = reweighting.limit(theirs[name], theirs["log_likelihood"], 0.9)
        assert found.upper == pytest.approx(exact.upper, abs=4 * np.hypot(found.mcse, exact.mcse))
    # Of the angle between the outer columns Haar prefers small sines: without its weight the limit is another.
    without = reweighting.limit(weighted["sin2_theta_13"], weighted["log_likelihood"], 0.9)
    assert without.upper > exact.upper + 8 * np.hypot(without.mcse, exact.mcse)
