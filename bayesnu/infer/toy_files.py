"""Files of toys: reading them, and putting toys of different seeds together."""

import json
import os
from typing import Any

import numpy as np
import xarray as xr

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer.results import read_tree
from bayesnu.infer.toy_summary import FORMAT, tree

SAME = ("format", "model_hash", "parameter", "nuisance", "block")
"""Attributes in which toys must agree to be merged."""


def merge(first: xr.DataTree, second: xr.DataTree) -> xr.DataTree:
    """The toys of both, with all that follows from them; equal seeds would be the same toys twice, and are refused."""
    _check_alike(first, second)
    raw = xr.concat([first["toys"].to_dataset(), second["toys"].to_dataset()], dim="toy")
    attributes = (
        second.attrs
        | first.attrs
        | {
            "seeds": json.dumps(_seeds(first) + _seeds(second)),
            "command": f"{first.attrs['command']}; {second.attrs['command']}",
        }
    )
    return tree(raw, first["observed"].to_dataset(), attributes)


def open_toys(path: str | os.PathLike[str]) -> xr.DataTree:
    """Read toys into memory; a file that holds none is an error that says so."""
    return read_tree(path, FORMAT, "name a file that `bayesnu toys` wrote")


def _seeds(of: xr.DataTree) -> list[int]:
    return [int(seed) for seed in json.loads(of.attrs["seeds"])]


def _values(of: xr.DataTree, name: str) -> Any:
    return of["toys"].to_dataset()[name].values


def _check_alike(first: xr.DataTree, second: xr.DataTree) -> None:
    for name in SAME:
        if first.attrs[name] != second.attrs[name]:
            found = f"{first.attrs[name]!r} and {second.attrs[name]!r}"
            raise DeclarationError(Problem("merge", name, found, "toys of one model", "run one of them again"))
    for name in ("value", "level"):
        ours, theirs = (_values(toys, name) for toys in (first, second))
        if not np.array_equal(ours, theirs):
            raise DeclarationError(Problem("merge", name, f"{ours} and {theirs}", "the same", "run one of them again"))
    shared = sorted(set(_seeds(first)) & set(_seeds(second)))
    if shared:
        hint = "run one of them again with another --seed"
        raise DeclarationError(Problem("merge", "seed", f"{shared} in both", "different seeds", hint))
