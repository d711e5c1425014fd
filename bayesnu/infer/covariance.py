"""Covariance at the best fit from the second derivatives of chi2; what is at a limit or not positive has no numbers."""

import warnings
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.infer.conditional import SAME, Conditional
from bayesnu.infer.coordinates import AT_END, Moves
from bayesnu.infer.minimise import Minimisation, Minimum
from bayesnu.infer.threads import one_thread

Array = NDArray[np.float64]

DEFINED = ""
"""The flag of a parameter whose numbers are there."""


@one_thread
def best_fit(problem: Minimisation, seed: int = 0) -> Minimum:
    """The lowest minimum of chi2 with nothing held, from several starts."""
    return Conditional.of(problem, [], "profiled").free_minima(seed)[0]


@one_thread
def covariance(problem: Minimisation, best: Minimum) -> xr.Dataset:
    """Covariance of moduli, phases and the other free parameters at the best fit: twice the inverse Hessian of chi2.

    MIGRAD and HESSE, with the compiled gradient. Over `parameter`: the `error`, and a `flag` that says why there is
    none. A parameter at an end of its range is held there, and so is a phase whose modulus is zero: what is given for
    the others is conditional on that. Where one error reaches an end of the range or goes round the circle, it is no
    error; where HESSE is not positive or MIGRAD leaves the minimum, nothing is given at all.

    >>> import bayesnu as bn
    >>> from bayesnu.infer.minimise import prepare_numpy
    >>> problem = prepare_numpy(bn.load("coherent-csi-effective"))
    >>> covariance(problem, best_fit(problem))["flag"].values.tolist()
    ['at an end of its range: low']
    """
    where = problem.coordinates
    flags = _flags(problem, best)
    moved = np.array([flag == DEFINED for flag in flags])
    found, failure = np.full((len(flags), len(flags)), np.nan), ""
    if moved.any():
        found[np.ix_(moved, moved)], failure = _hesse(problem, best, moved)
    flags = [flag or failure or _too_far(problem, best, i, found[i, i]) for i, flag in enumerate(flags)]
    without = np.array([flag != DEFINED for flag in flags])
    found[without] = found[:, without] = np.nan
    names = list(where.names)
    diagonal = np.diag(found)
    data: dict[str, Any] = {
        "covariance": (("parameter", "other"), found),
        "error": ("parameter", np.sqrt(np.where(diagonal > 0, diagonal, np.nan))),
        "best": ("parameter", best.x),
        "flag": ("parameter", np.array(flags, dtype=str)),
    }
    attributes = {"chi2_min": best.cost, "profiled_in_closed_form": ", ".join(problem.solved.names)}
    return xr.Dataset(data, coords={"parameter": names, "other": names}, attrs=attributes)


def _flags(problem: Minimisation, best: Minimum) -> list[str]:
    where = problem.coordinates
    flags = [DEFINED for _ in where.names]
    for i in range(len(flags)):
        if i in where.angles:
            continue
        span = where.high[i] - where.low[i]
        near = AT_END * (span if np.isfinite(span) else where.size[i])
        if best.x[i] <= where.low[i] + near:
            flags[i] = "at an end of its range: low"
        elif best.x[i] >= where.high[i] - near:
            flags[i] = "at an end of its range: high"
    for m, z in where.pairs:
        if flags[m].endswith("low"):
            flags[z] = f"a phase without meaning: {where.names[m]} is zero"
    return flags


def _too_far(problem: Minimisation, best: Minimum, i: int, variance: float) -> str:
    """Whether one error reaches an end of the range, or round the circle: there chi2 is no parabola."""
    where, error = problem.coordinates, float(np.sqrt(variance))
    if i in where.angles:
        return "its error goes round the circle" if error > np.pi else DEFINED
    if best.x[i] - error < where.low[i]:
        return "its error reaches an end of its range: low"
    return "its error reaches an end of its range: high" if best.x[i] + error > where.high[i] else DEFINED


def _hesse(problem: Minimisation, best: Minimum, moved: NDArray[np.bool_]) -> tuple[Array, str]:
    # Here, because only a covariance needs it.
    from iminuit import Minuit

    moves = Moves.of(problem.coordinates, best.x, moved, folded=False)
    size = problem.coordinates.size[moved]
    start = moves.begin()

    def cost(t: Array) -> float:
        return problem.cost(moves.point(np.asarray(t)))[0]

    def gradient(t: Array) -> Array:
        return moves.pulled_back(np.asarray(t), problem.cost(moves.point(np.asarray(t)))[1])

    fit = Minuit(cost, start, grad=gradient)
    fit.errordef, fit.strategy, fit.errors, fit.limits = Minuit.LEAST_SQUARES, 2, 0.1, list(moves.bounds)
    with warnings.catch_warnings():
        # What it warns of is in its verdict, which is passed on.
        warnings.simplefilter("ignore")
        fit.migrad()
        fit.hesse()
    nothing = np.full((len(size), len(size)), np.nan)
    verdict = fit.fmin
    if verdict is None or verdict.hesse_failed or verdict.has_made_posdef_covar or not verdict.has_covariance:
        return nothing, "HESSE is not positive"
    if abs(fit.fval - best.cost) > SAME:
        return nothing, f"MIGRAD left the minimum: chi2 moved by {fit.fval - best.cost:.3g}"
    return np.asarray(fit.covariance) * np.outer(size, size), DEFINED
