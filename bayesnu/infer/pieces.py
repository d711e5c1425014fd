"""A dataset as a piece of a checkpoint, and back: bit by bit, so that a resumed run gives the same numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

ATTRIBUTE = "attribute "


def as_piece(found: xr.Dataset) -> dict[str, Any]:
    """Each variable under its name and dimensions, as "branch_delta_chi2 follows value"; then the attributes."""
    variables = {" ".join(map(str, [name, *v.dims])): v.values for name, v in found.variables.items()}
    return variables | {f"{ATTRIBUTE}{name}": value for name, value in found.attrs.items()}


def as_dataset(piece: Mapping[str, Any]) -> xr.Dataset:
    """What `as_piece` took apart; a variable named as its dimension is a coordinate.

    >>> found = xr.Dataset({"delta_chi2": ("value", [0.1, 2.7])}, {"value": [1.0, 2.0]}, {"level": 0.9})
    >>> as_dataset(as_piece(found)).identical(found)
    True
    """
    variables = {key: value for key, value in piece.items() if not key.startswith(ATTRIBUTE)}
    named = {name: (dims, value) for key, value in variables.items() for name, *dims in [key.split()]}
    attributes = {key.removeprefix(ATTRIBUTE): value for key, value in piece.items() if key not in variables}
    return xr.Dataset({name: (dims, np.asarray(value)) for name, (dims, value) in named.items()}, attrs=attributes)
