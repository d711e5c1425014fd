"""Shipped axes of the sterile mass hold their tolerance off their nodes; many masses at once are each of them alone."""

import msgspec
import numpy as np
import pytest

import bayesnu as bn
from bayesnu import catalog
from bayesnu.predict import axes, rates, templates

MODELS = [
    name for name in catalog.models(catalog.open_catalog()) if name.startswith(("sterile2021-", "sterile-dipole-"))
]
SAMPLED = [name for name in MODELS if not name.endswith("-sm")]
FAINT = 0.01
"""As in predict.axes: counts below this share of those of the lightest mass need no better absolute accuracy."""


def knob_of(setup):
    ((name, knob),) = ((n, k) for n, k in setup.knobs.items() if k.bends == "sterile_mass_mev")
    return name, knob


@pytest.mark.parametrize("model", SAMPLED)
def test_a_sampled_mass_holds_its_tolerance(model):
    """Dipole counts of all fluxes together, at random masses of the last e-folds of the axis, where fluxes end."""
    for setup in bn.load(model).model.setups:
        name, knob = knob_of(setup)
        built = templates.build(setup, (name,))
        dipole = built.terms.index("dipole")
        faintest = FAINT * at(setup, knob.low).sum(axis=0).max()
        rng = np.random.default_rng(29)
        for mass in knob.high * np.exp(-rng.uniform(0, 3, 12)):
            exact = at(setup, mass).sum(axis=0)
            functions = axes.functions(built.axes[0], np.asarray(mass), np.zeros(()), np)
            values = built.values[:, dipole].sum(axis=0)
            error = np.abs(values[0] + functions @ values[1:] - exact).max()
            assert error <= knob.tolerance * max(exact.max(), faintest), (setup.name, mass)


def at(setup, mass):
    """Dipole counts (flux, bin) at one mass, by themselves."""
    return rates.exact(msgspec.structs.replace(setup, sterile_mass_mev=float(mass)), ["dipole"])[:, 0]


@pytest.mark.parametrize("model", ["sterile2021-xenon1t", "sterile2021-cr51-ge", "sterile2021-csi"])
def test_many_masses_at_once_are_each_one(model):
    (setup,) = bn.load(model).model.setups
    _, knob = knob_of(setup)
    masses = np.geomspace(knob.low, knob.high, 5)
    alone = [at(setup, mass) for mass in masses]
    for position, flux in enumerate(setup.flux.components):
        together = rates.at_masses(setup, ["dipole"], flux, masses.tolist())[:, 0]
        np.testing.assert_allclose(together, [counts[position] for counts in alone], rtol=1e-13, atol=1e-300)
