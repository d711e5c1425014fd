"""Binding of electrons in atoms: how many of them a recoil can set free."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def free_electrons(recoil_kev: float | Array, binding_ev: Array, electrons: Array) -> Array:
    """Electrons of an atom [1] that are bound by less than the recoil energy, sum_i n_i Theta(T - B_i).

    It multiplies the cross section of a free electron, per atom. Levels come in any order.
    Reference: arXiv:2109.09545, Eq 16, times Z.
    """
    order = np.argsort(binding_ev)
    filled = np.concatenate(([0.0], np.cumsum(np.asarray(electrons, dtype=np.float64)[order])))
    levels_kev = np.asarray(binding_ev, dtype=np.float64)[order] / 1e3
    return filled[np.searchsorted(levels_kev, recoil_kev, side="right")]
