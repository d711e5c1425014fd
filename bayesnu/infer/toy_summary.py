"""What follows from toys: thresholds with errors, coverage, p-values, the interval of the data, expected limits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bayesnu.infer.toy_interval import intervals

Array = NDArray[np.float64]

FORMAT = "bayesnu toys 2"
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
"""Of the expected limit: its median and its central 68 and 95 %."""


def asymptotic(levels: ArrayLike) -> Array:
    """Thresholds of q for one parameter without boundary (Wilks): 2.71 at 90 %."""
    return np.asarray(stats.chi2.ppf(np.asarray(levels), 1), dtype=float)


def thresholds(q: Array, level: float) -> tuple[Array, Array, Array]:
    """The quantile of q (value, toy) at a level, and where it may be by one sigma of its rank (infinite past the last).

    >>> [float(t[0]) for t in thresholds(np.arange(100.0)[None], 0.9)]
    [89.0, 86.0, 92.0]
    """
    number = q.shape[1]
    ordered = np.concatenate([np.sort(q, axis=1), np.full((len(q), 1), np.inf)], axis=1)
    # Without the last digits of the level, 0.9 of 100 toys may be 90.00000000000001 of them.
    middle, spread = round(level * number, 9), np.sqrt(number * level * (1.0 - level))
    ranks = [int(np.clip(np.ceil(r) - 1, 0, number)) for r in (middle, middle - spread, middle + spread)]
    return ordered[:, ranks[0]], ordered[:, ranks[1]], ordered[:, ranks[2]]


def binomial_error(fraction: Array, number: int) -> Array:
    """One sigma of a fraction of toys; never zero, because one toy more may be otherwise."""
    inside = (fraction * number + 1.0) / (number + 2.0)
    return np.sqrt(inside * (1.0 - inside) / number)


def summary(raw: xr.Dataset, about: xr.Dataset) -> xr.Dataset:
    """At each true value the threshold, the coverage of the asymptotic one, and the p-value of the data."""
    q, best, values = raw["q"].values, raw["best"].values, raw["value"].values
    levels, number = raw["level"].values, q.shape[1]
    wilks = asymptotic(levels)
    quantiles = np.array([thresholds(q, float(level)) for level in levels])
    covered = np.array([(q <= t).mean(axis=1) for t in wilks])
    below = np.array([((q <= t) | (best > values[:, None])).mean(axis=1) for t in wilks])
    # The data are one data set more: no p-value is zero.
    p_value = (1.0 + (q >= about["q"].values[:, None]).sum(axis=1)) / (1.0 + number)
    both = ("level", "value")
    return xr.Dataset(
        {
            "threshold": (both, quantiles[:, 0]),
            "threshold_low": (both, quantiles[:, 1]),
            "threshold_high": (both, quantiles[:, 2]),
            "asymptotic": ("level", wilks),
            "coverage": (both, covered),
            "coverage_error": (both, binomial_error(covered, number)),
            "coverage_of_upper_limit": (both, below),
            "coverage_of_upper_limit_error": (both, binomial_error(below, number)),
            "p_value": ("value", p_value),
            "p_value_error": ("value", binomial_error(p_value, number)),
        },
        coords={"value": values, "level": levels},
    )


def sensitivity(raw: xr.Dataset) -> xr.Dataset:
    """Median and central 68 and 95 % of the asymptotic upper limit without a signal."""
    limits = raw["limit_without_signal"].values
    bands = np.quantile(limits, QUANTILES, axis=1, method="inverted_cdf").T
    return xr.Dataset(
        {"limit": (("level", "quantile"), bands), "without_limit": ("level", np.isinf(limits).mean(axis=1))},
        coords={"level": raw["level"].values, "quantile": list(QUANTILES)},
    )


def tree(raw: xr.Dataset, about: xr.Dataset, attributes: Mapping[Any, Any]) -> xr.DataTree:
    """Raw toys, what the data give, and what follows from both; it is all that a file holds."""
    derived = summary(raw, about)
    interval = intervals(derived, about, (attributes["range_low"], attributes["range_high"]))
    groups = {"toys": raw, "observed": about, "summary": derived, "interval": interval, "sensitivity": sensitivity(raw)}
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attributes), **groups})
