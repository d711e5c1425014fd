"""Couplings of neutrinos to electrons, from the parameters (arXiv:2109.09545, Eqs 14 and 15)."""

from collections.abc import Sequence
from typing import Any

from bayesnu.physics.electron import ElectronCouplings, electron_couplings
from bayesnu.predict.beams import Beam, SolarBeam, Theta, flavour_shares
from bayesnu.predict.couplings import Shifts, Values
from bayesnu.schema import Couplings


def standard_model(
    couplings: Couplings, theta: Theta, beams: Sequence[Beam], shifts: Sequence[Shifts], xp: Any
) -> Values:
    """Products of g_L and g_R; of solar neutrinos their mean over the flavours that arrive."""
    values: Values = {}
    for beam in beams:
        if isinstance(beam, SolarBeam):
            electron = flavour_shares(beam, theta, xp)[0]
            products = [
                electron * own + (1.0 - electron) * other
                for own, other in zip(_products("nu_e", theta), _products("nu_mu", theta), strict=True)
            ]
        else:
            products = _products(beam, theta)
        values |= {(term, beam): product for term, product in zip(TERMS, products, strict=True)}
    return values


TERMS = ("sm-electron-ll", "sm-electron-rr", "sm-electron-lr")


def _products(flavour: str, theta: Theta) -> list[Any]:
    g: ElectronCouplings = electron_couplings(flavour, theta["sin2_theta_w"])
    return [g.left * g.left, g.right * g.right, g.left * g.right]
