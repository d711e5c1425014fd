"""chi2 along one parameter, and where it passes a level."""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy import optimize

from bayesnu.errors import PredictionError
from bayesnu.likelihood import nuisances
from bayesnu.likelihood.analysis import Analysis

Chi2 = Callable[[float], float]


def chi2_along(
    analysis: Analysis, parameter: str, together: Sequence[str] = (), at: Mapping[str, float] | None = None
) -> Chi2:
    """chi2 along a parameter and those equal to it, nuisances minimised in closed form.

    All other parameters are at their standard values, but for those in `at`.
    """
    solved = nuisances.affine(analysis)
    standard = dict(zip(analysis.names, analysis.standard_point(), strict=True))

    @functools.cache
    def chi2(value: float) -> float:
        columns = {**standard, **(at or {}), **dict.fromkeys((parameter, *together), np.float64(value))}
        return float(nuisances.profiled_chi2(analysis, solved, analysis.theta(columns, np), np.zeros(()), np))

    return chi2


def chi2_at_standard_point(analysis: Analysis) -> float:
    """chi2 with every parameter at its standard value, nuisances minimised in closed form."""
    solved = nuisances.affine(analysis)
    columns = dict(zip(analysis.names, analysis.standard_point(), strict=True))
    return float(nuisances.profiled_chi2(analysis, solved, analysis.theta(columns, np), np.zeros(()), np))


def crossing(chi2: Chi2, start: float, step: float, level: float) -> float:
    """Where chi2 first passes a level, going from a start in steps that grow."""
    if chi2(start) > level:
        raise PredictionError(f"no limit: chi2 is above its threshold already at {start:g}")
    inner = start
    for _ in range(200):
        outer = inner + step
        if chi2(outer) > level:
            return float(optimize.brentq(lambda v: chi2(v) - level, inner, outer, xtol=1e-12, rtol=1e-10))
        inner, step = outer, 1.5 * step
    raise PredictionError("no limit: chi2 does not pass its threshold")
