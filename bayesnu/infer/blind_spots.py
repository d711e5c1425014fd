"""Where a limit is the range of its prior: blind spots, in which moments cancel, and likelihoods that level off.

What the data leave open, the prior ends. A range of half the size is in the draws already: those within it. Where it
gives another limit, the limit says what was assumed; the effective moments, which the data see, are bounded still.
"""

from typing import Final, NamedTuple

import arviz_stats
import msgspec
import numpy as np
import xarray as xr

from bayesnu.infer.reweighting import DIMS, Chosen
from bayesnu.infer.reweighting import moduli as moduli
from bayesnu.schema import Resolved

RELATIVE: Final = 0.1
"""A limit that changes by more than this where the range is halved is one of the range."""
SIGMAS: Final = 3.0
"""And by more than its error."""
FEWEST: Final = 200
"""Draws within half the range, below which nothing is said."""


class Halved(NamedTuple):
    """A quantity's limits with the declared ranges of all moduli, and with ranges of half their size."""

    name: str
    unit: str
    upper: float
    at_half: float
    error: float
    """Monte Carlo error of the difference."""

    @property
    def limited(self) -> bool:
        """Whether the range makes the limit."""
        change = self.upper - self.at_half
        return change > RELATIVE * self.upper and change > SIGMAS * self.error


def halved(draws: xr.Dataset, model: Resolved, names: list[str], level: float) -> list[Halved]:
    """Limits of some quantities with the declared ranges and within half of them, from the same draws.

    >>> from bayesnu.likelihood.loading import load
    >>> x = xr.DataArray(np.random.default_rng(1).uniform(0.0, 200.0, (4, 1000)), dims=("chain", "draw"))
    >>> (found,) = halved(xr.Dataset({"mu_nu": x}), load("coherent-csi-effective").model, ["mu_nu"], 0.9)
    >>> round(found.upper), round(found.at_half), found.limited
    (180, 90, True)
    """
    inside = xr.ones_like(next(iter(draws.data_vars.values())), dtype=bool)
    for name, prior in moduli(model).items():
        if name in draws:
            inside &= draws[name] <= prior.low + 0.5 * (prior.high - prior.low)  # type: ignore[union-attr]
    kept = inside.values.ravel()
    if kept.sum() < FEWEST:
        return []
    return [_halved(draws[name], kept, level) for name in names if name in draws]


def _halved(draws: xr.DataArray, kept: np.ndarray, level: float) -> Halved:
    values = draws.values.ravel()
    upper, at_half = (float(np.quantile(v, level)) for v in (values, values[kept]))
    error = float(arviz_stats.mcse(draws, method="quantile", prob=level, sample_dims=DIMS))
    # Fewer draws within half the range, so a larger error of their quantile.
    combined = error * float(np.sqrt(1.0 + len(values) / kept.sum()))
    return Halved(str(draws.name), str(draws.attrs.get("unit", "")), upper, at_half, combined)


def effective_names(tree: xr.DataTree) -> list[str]:
    """Effective moments that a result has beside its parameters."""
    return [str(n) for n, v in tree["posterior"].data_vars.items() if v.attrs.get("role") == "derived"]


def doubled(model: Resolved) -> Chosen:
    """The priors of all moduli with ranges of twice the size.

    >>> from bayesnu.likelihood.loading import load
    >>> [p.high for p in doubled(load("texono-tmm").model).values()]
    [20.0, 20.0, 20.0]
    """
    return {n: msgspec.structs.replace(p, high=2 * p.high) for n, p in moduli(model).items()}  # type: ignore[union-attr]
