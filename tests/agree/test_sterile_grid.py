"""A sampled sterile mass: NUTS and emcee find the posterior that a grid in (log m4, log mu) has.

Both priors are flat in the logarithm, so the posterior is flat wherever the moment is too small to be seen, falls at
the exclusion line, and runs up a narrow corridor above 52.8 MeV, where nothing is seen at all. The nuisances are
Gaussian and affine: their integral is in closed form, and the grid is exact but for its cells.
"""

import functools
from typing import NamedTuple

import arviz_stats
import numpy as np
import pytest

import bayesnu as bn
from bayesnu.infer import checks
from bayesnu.infer.nuts import Options
from bayesnu.likelihood.marginal import marginal

MASSES, MOMENTS = 1600, 400
SHARES = (0.05, 0.16, 0.5, 0.84, 0.95)
WORSE = 1.353
"""Excluded is what has a log-likelihood lower than the standard model by half a delta chi2 of 2.71."""
LAST_MASS_MEV = 52.8
PLACES = ("sterile2021-csi", "sterile2021-lar", "both")


class Grid(NamedTuple):
    """Masses and moments at the middles of cells that are even in the logarithm, and their posterior mass."""

    masses: np.ndarray
    moments: np.ndarray
    mass: np.ndarray
    excluded: np.ndarray
    standard: float
    """Log-likelihood of the smallest moment."""


@functools.cache
def analysis(place):
    return bn.load("sterile2021-csi") + bn.load("sterile2021-lar") if place == "both" else bn.load(place)


def middles(prior, number):
    edges = np.linspace(np.log(prior.low), np.log(prior.high), number + 1)
    return np.exp(0.5 * (edges[1:] + edges[:-1]))


def columns(target, masses, moments):
    values = {"m4": masses, "mu_nu_mu": moments}
    return np.stack([values[name] for name in target.names], axis=1)


@functools.cache
def grid(place, coarser=1):
    """The posterior on the grid, or on one with fewer cells along both sides."""
    rows, steps = MASSES // coarser, MOMENTS // coarser
    target = marginal(analysis(place))
    prior = {p.name: p.prior for p in target.free}
    masses, moments = middles(prior["m4"], rows), middles(prior["mu_nu_mu"], steps)
    points = columns(target, np.repeat(masses, steps), np.tile(moments, rows))
    log = np.concatenate([target.log_likelihood(part) for part in np.array_split(points, 400)])
    log = log.reshape(rows, steps)
    mass = np.exp(log - log.max())
    return Grid(masses, moments, mass / mass.sum(), log < log[0, 0] - WORSE, log[0, 0])


def quantiles(values, mass, shares):
    """Quantiles of a density that is flat in the logarithm within each cell."""
    return np.exp(np.interp(shares, np.concatenate([[0.0], np.cumsum(mass)]), log_edges(values)))


def shares_below(values, mass, ends):
    """Mass below some values."""
    return np.interp(np.log(ends), log_edges(values), np.concatenate([[0.0], np.cumsum(mass)]))


def log_edges(values):
    half = 0.5 * np.log(values[1] / values[0])
    return np.concatenate([[np.log(values[0]) - half], np.log(values) + half])


# --- the samplers -----------------------------------------------------------------------------------------------------


def nuts(place):
    """Long chains: beyond the last mass is a corridor, and of fewer visits than a hundred no error can be told."""
    tree = bn.nuts(analysis(place), seed=3, options=Options(draws=16000, tune=1000, chains=4))
    return tree, lambda seen: float(arviz_stats.mcse(seen.astype(float), method="mean"))


def emcee(place):
    """Draws of an ensemble are ordered by walker, so its own effective size stands in for that of a chain."""
    tree = bn.ensemble(analysis(place), seed=3)
    return tree, lambda seen: float(np.sqrt(seen.mean() * (1 - seen.mean()) / effective(tree)))


def effective(tree):
    return checks.recorded(tree).ess_walkers_min


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("engine", [nuts, emcee])
def test_a_sampler_finds_what_the_grid_has(place, engine):
    tree, error = engine(place)
    assert checks.record(tree, checks.Gate()).failures == ()
    exact, target = grid(place), marginal(analysis(place))
    drawn = {name: tree["posterior"][name].transpose("chain", "draw").values for name in ("m4", "mu_nu_mu")}
    likelihood = target.log_likelihood(columns(target, drawn["m4"].ravel(), drawn["mu_nu_mu"].ravel()))
    of_mass, of_moment = exact.mass.sum(axis=1), exact.mass.sum(axis=0)
    worse = (likelihood < exact.standard - WORSE).reshape(drawn["m4"].shape)
    light = shares_below(exact.masses, of_mass, LAST_MASS_MEV)
    rows = [("excluded", worse, exact.mass[exact.excluded].sum()),
            ("beyond the last mass", drawn["m4"] > LAST_MASS_MEV, 1 - light)]  # fmt: skip
    for name, values, mass in (("m4", exact.masses, of_mass), ("mu_nu_mu", exact.moments, of_moment)):
        ends = quantiles(values, mass, SHARES)
        rows += [(f"{name} below {end:.3g}", drawn[name] < end, p) for end, p in zip(ends, SHARES, strict=True)]
    for what, seen, expected in rows:
        assert seen.mean() == pytest.approx(expected, abs=4 * error(seen)), what
        assert error(seen) < 0.025, what


@pytest.mark.parametrize("place", PLACES)
def test_the_grid_is_fine_enough(place):
    """With half as many cells along both sides no share moves by what a sampler could tell."""
    fine, coarse = grid(place), grid(place, 2)
    for side in (0, 1):
        ends = quantiles(fine[side], fine.mass.sum(axis=1 - side), SHARES)
        again = shares_below(coarse[side], coarse.mass.sum(axis=1 - side), ends)
        np.testing.assert_allclose(again, SHARES, atol=0.001)
    assert coarse.mass[coarse.excluded].sum() == pytest.approx(fine.mass[fine.excluded].sum(), abs=0.001)


def test_what_is_excluded():
    """Of the prior's mass, in both logarithms: argon, whose data exceed the expectation, adds nothing to CsI."""
    csi, lar, both = (grid(place).excluded for place in PLACES)
    assert both.mean() > lar.mean()
    assert both.mean() == pytest.approx(csi.mean(), abs=0.005)
    # The corridor above the last mass is nobody's.
    assert not both[grid("both").masses > 52.83].any()
