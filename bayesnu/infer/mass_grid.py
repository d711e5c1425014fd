"""Masses at which an exclusion curve is computed: even in the logarithm, finer where a source's energies end."""

import numpy as np
from numpy.typing import NDArray

from bayesnu.likelihood import priors
from bayesnu.predict import rates
from bayesnu.schema import Resolved

Array = NDArray[np.float64]

NEAR = (0.9, 0.97, 0.99, 0.997, 0.999, 1.001, 1.01)
"""Masses around a closing mass, in units of it: the limit rises steeply below and jumps there."""
APART = 0.03
"""Closing masses nearer than this, relatively, are refined as one: isotopes, the pieces of a spectrum."""


def even_masses(low: float, high: float, number: int) -> Array:
    """So many masses with even steps in the logarithm, both ends included."""
    return np.geomspace(low, high, number)


def default_masses(model: Resolved, mass: str = "m4", number: int = 90) -> Array:
    """Masses over the whole range that a model allows, more of them near each closing mass [unit of the mass].

    >>> from bayesnu import catalog
    >>> grid = default_masses(catalog.resolve(catalog.open_catalog(), "sterile2021-csi"))
    >>> bool(np.any(np.abs(grid / 52.817 - 0.999) < 1e-4))
    True
    """
    entry = model.parameters[mass]
    if entry.prior is None:
        return np.zeros(0)
    low, high = priors.support(entry.prior)
    around = np.outer(closing_masses(model, mass), NEAR).ravel()
    inside = around[(around > low) & (around < high)]
    return np.unique(np.concatenate([even_masses(float(low), float(high), number), inside]))


def closing_masses(model: Resolved, mass: str = "m4") -> Array:
    """Masses that the energies of some flux no longer make, well apart from each other."""
    knob = model.parameters[mass].knob
    found = [
        rates.edges(setup, setup.knobs[knob], flux)
        for setup in model.setups
        if knob in setup.knobs
        for flux in setup.flux.components
    ]
    edges = np.unique(np.concatenate([np.zeros(0), *found]))[::-1]
    kept: list[float] = []
    for edge in edges:
        if not kept or edge < (1 - APART) * kept[-1]:
            kept.append(float(edge))
    return np.array(kept[::-1])
