"""Couplings of neutrinos to electrons, from the parameters (arXiv:2109.09545, Eqs 14 and 15)."""

from collections.abc import Sequence
from typing import Any

from bayesnu.physics.electron import ElectronCouplings, electron_couplings
from bayesnu.predict.beams import Beam, Theta, flavour_shares, solar_of
from bayesnu.predict.couplings import LEPTON, Shifts, Values, each
from bayesnu.schema import Couplings


def standard_model(
    couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """Products of g_L and g_R; of solar neutrinos their mean over the flavours that arrive."""
    values: Values = {
        (term, beam): product
        for beam in beams
        if beam in LEPTON
        for term, product in zip(TERMS, _products(str(beam), theta), strict=True)
    }
    if solar := solar_of(beams):
        electron = flavour_shares(solar, theta, xp)[0]
        for term, own, other in zip(TERMS, _products("nu_e", theta), _products("nu_mu", theta), strict=True):
            mean = electron * own + (1.0 - electron) * other
            values |= {(term, beam): value for beam, value in each(solar, mean).items()}
    return values


TERMS = ("sm-electron-ll", "sm-electron-rr", "sm-electron-lr")


def _products(flavour: str, theta: Theta) -> list[Any]:
    g: ElectronCouplings = electron_couplings(flavour, theta["sin2_theta_w"])
    return [g.left * g.left, g.right * g.right, g.left * g.right]
