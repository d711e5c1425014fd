"""The axis of the sterile mass holds between its nodes, for every shipped model that samples the mass."""

import functools

import msgspec
import numpy as np
import pytest

from bayesnu import catalog
from bayesnu.predict import axes, rates, templates

FAINT = 0.01
"""Counts below this share of those of the lightest mass need no better absolute accuracy: see Knob.tolerance."""
EVEN, NEAR = 60, (1e-3, 1e-2)


def is_mass(setup, name):
    return name in setup.knobs and setup.knobs[name].bends == "sterile_mass_mev"


@functools.cache
def setups():
    """Each different set-up whose mass some shipped model samples, with the knob's name and the first such model."""
    found, seen, shelf = {}, set(), catalog.open_catalog()
    for model in sorted(catalog.models(shelf)):
        resolved = catalog.resolve(shelf, model)
        turned = {p.knob for p in (*resolved.parameters.values(), *resolved.nuisances.values()) if p.knob}
        for setup in resolved.setups:
            for name in sorted(turned):
                if is_mass(setup, name) and (setup.name, setup.knobs[name]) not in seen:
                    seen.add((setup.name, setup.knobs[name]))
                    found[f"{model} {setup.name}"] = setup, name
    return found


def off_nodes(setup, knob):
    """Masses from end to end and around every closing one, none of them a node of any flux."""
    even = np.geomspace(knob.low, knob.high, EVEN + 2)[1:-1]
    closing = np.unique(np.concatenate([rates.edges(setup, knob, flux) for flux in setup.flux.components]))
    around = closing[:, None] * (1 + np.array([s * d for d in NEAR for s in (1, -1)]))
    masses = np.concatenate([even, around.ravel()])
    masses = np.unique(masses[(masses > knob.low) & (masses < knob.high)])
    nodes = np.concatenate([templates.spline_nodes(setup, knob, flux) for flux in setup.flux.components])
    return masses[np.abs(masses[:, None] / nodes - 1).min(axis=1) > 1e-9]


def at(built, mass):
    (axis,) = built.axes
    functions = axes.functions(axis, np.asarray(mass), np.zeros(()), np)
    return built.values[:, :, 0] + np.tensordot(built.values[:, :, 1:], functions, (2, 0))


def test_the_models_of_both_nuclei_and_of_electrons_are_among_them():
    names = {name.split()[1] for name in setups()}
    assert names >= {"coherent-csi-2017-sterile2021", "coherent-csi-2017-pe-time", "coherent-lar-2020",
                     "coherent-lar-2020-3d", "xenon1t-2020"}  # fmt: skip


@pytest.mark.parametrize("case", setups())
def test_the_mass_axis_holds_off_its_nodes(case):
    setup, name = setups()[case]
    knob, built = setup.knobs[name], templates.build(setup, (name,))
    masses = off_nodes(setup, knob)
    assert len(masses) >= 60
    lightest = np.abs(templates.at_knobs(setup, {name: knob.low}).values[:, :, 0]).max(axis=-1, keepdims=True)
    for mass in masses:
        exact = templates.at_knobs(setup, {name: mass}).values[:, :, 0]
        allowed = knob.tolerance * np.maximum(np.abs(exact).max(axis=-1, keepdims=True), FAINT * lightest)
        assert (np.abs(at(built, mass) - exact) <= allowed).all(), mass


@pytest.mark.parametrize("model", ["sterile2021-xenon1t", "sterile2021-cr51-ge", "sterile2021-csi"])
def test_many_masses_at_once_are_each_one(model):
    resolved = catalog.resolve(catalog.open_catalog(), model)
    (setup,) = resolved.setups
    (knob,) = (k for n, k in setup.knobs.items() if is_mass(setup, n))
    masses = np.geomspace(knob.low, knob.high, 5)
    alone = [rates.exact(msgspec.structs.replace(setup, sterile_mass_mev=float(m)), ["dipole"])[:, 0] for m in masses]
    for position, flux in enumerate(setup.flux.components):
        together = rates.at_masses(setup, ["dipole"], flux, masses.tolist())[:, 0]
        np.testing.assert_allclose(together, [counts[position] for counts in alone], rtol=1e-13, atol=1e-300)
