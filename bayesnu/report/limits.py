"""Limits of a result, computed from its groups alone: credible, profile and published, side by side."""

import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

import arviz_stats
import numpy as np
import xarray as xr
from scipy import interpolate, optimize, stats

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import blind_spots, checks, results
from bayesnu.infer import sensitivity as leaning
from bayesnu.likelihood.analysis import Free, is_angle
from bayesnu.report.labels import convert, number
from bayesnu.schema import Resolved

Others = Literal["profiled", "zero"]
Pair = tuple[float | None, float | None]

SAMPLE_DIMS = ("chain", "draw")
PUBLISHED_LEVEL = 0.90
"""The level of every published limit: beside another level none is shown."""

CAVEATS = {"recalled": "inputs recalled from memory", "inferred": "inputs inferred"}


class Limit(NamedTuple):
    """Limits on one parameter, the other parameters of interest free or at zero; None where the result has none."""

    parameter: str
    unit: str
    level: float
    prior: str
    range: Pair
    """Support of the prior."""
    credible_upper: float | None
    """Posterior quantile at `level`."""
    hdi: Pair
    """Shortest interval that holds `level` of the posterior."""
    profile_upper: float | None
    profile_interval: Pair
    profile_threshold: float | None
    """The delta chi2 at which the profile interval ends."""
    threshold_kind: str | None
    others: Others
    published: float | None
    """In `unit`, at 90 %, with the same `others`."""
    source: str | None
    converged: bool | None
    """None where there are no draws to judge."""
    ratio: float | None
    """profile_upper / published."""
    mcse: float | None
    """Monte Carlo error of credible_upper."""
    failures: list[str]
    latex: str
    caveats: tuple[str, ...]
    """Inputs of the model that nobody has checked against their source, and what the range of the prior decides."""
    half_range_upper: float | None
    """Posterior quantile with the ranges of all moduli halved."""
    limited_by_range: bool | None
    """Whether that is another limit: the data leave it to the prior."""
    sensitivity: leaning.Sensitivity | None
    """Power-scaling sensitivity to beliefs, constraints and likelihood."""


def limits(tree: xr.DataTree, *, level: float, parameter: str | None = None) -> list[Limit]:
    """Limits of every parameter of interest but the angles, or of one: a row per treatment of the others.

    >>> import bayesnu as bn
    >>> bn.limits(bn.open_result("result.nc"), level=0.90)  # doctest: +SKIP
    """
    if not 0 < level < 1:
        raise DeclarationError(Problem("limits", "level", f"{level:g}", "a probability", "give 0.90 for 90 %"))
    model, interesting = results.model_of(tree), results.parameters_of(tree)
    scanned = {p.name: p for p in interesting if not is_angle(p)}
    if parameter is not None and parameter not in scanned:
        raise _unknown(model, parameter, list(scanned))
    alone = len(interesting) == 1
    kinds: tuple[Others, ...] = ("zero",) if alone else ("profiled", "zero")
    chosen = scanned.values() if parameter is None else [scanned[parameter]]
    leans = leaning.recorded(tree)
    return [_limit(tree, model, p, others, level, alone, leans) for p in chosen for others in kinds]


def _unknown(model: Resolved, parameter: str, scanned: list[str]) -> DeclarationError:
    angle = parameter in model.parameters
    found = "an angle, which has no limit" if angle else f"unknown parameter {parameter!r}"
    hint = did_you_mean(parameter, scanned) or "name one of these"
    expected = f"one of {', '.join(scanned)}" if scanned else "a model with a parameter of interest"
    return DeclarationError(Problem(model.name, "parameter", found, expected, hint))


def _limit(
    tree: xr.DataTree, model: Resolved, p: Free, others: Others, level: float, alone: bool,
    leans: Mapping[str, leaning.Sensitivity],
) -> Limit:  # fmt: skip
    draws, of_all = draws_of(tree, p.name, others, alone=alone), alone or others == "profiled"
    converged, failures = _verdict(tree, p.name, others, alone) if draws is not None else (None, [])
    upper, hdi, mcse = _credible(draws, level)
    scan = profile_of(tree, p.name, others)
    profile, threshold, kind = _profile(scan, level)
    published, source = _published(model, p, others, level)
    halved = _halved(tree, model, p.name, others, level, alone=alone) if draws is not None else None
    caveats = _caveats(model) + (_range_caveat(p, scan) + _modes(tree) if of_all else ())
    caveats += _effective(tree, model, halved, level) if halved is not None and of_all else ()
    return Limit(
        parameter=p.name, unit=p.unit, level=level, prior=results.prior_text(p), range=results.prior_range(p),
        credible_upper=upper, hdi=hdi, profile_upper=profile[1], profile_interval=profile, profile_threshold=threshold,
        threshold_kind=kind, others=others, published=published, source=source, converged=converged,
        ratio=profile[1] / published if profile[1] is not None and published else None,
        mcse=mcse, failures=failures, latex=p.latex or p.name, caveats=caveats,
        half_range_upper=halved.at_half if halved else None, limited_by_range=halved.limited if halved else None,
        sensitivity=leans[p.name] if of_all and p.name in leans and draws is not None else None,
    )  # fmt: skip


# --- what the result holds --------------------------------------------------------------------------------------------


def group_of(tree: xr.DataTree, path: str) -> xr.Dataset | None:
    """A group as a dataset, None where the result has no such group."""
    return tree[path].to_dataset() if f"/{path}" in tree.groups else None


def draws_of(tree: xr.DataTree, name: str, others: Others, *, alone: bool) -> xr.DataArray | None:
    """Posterior draws: of a model's only parameter of interest the full posterior is the one at a time."""
    group = group_of(tree, "posterior" if others == "profiled" or alone else f"one_at_a_time/{name}")
    if group is None or name not in group or group[name].size == 0:
        return None
    return group[name]


def profile_of(tree: xr.DataTree, name: str, others: Others) -> xr.Dataset | None:
    """The scan of a parameter."""
    return group_of(tree, f"profile/{name}_{others}")


def _verdict(tree: xr.DataTree, name: str, others: Others, alone: bool) -> tuple[bool, list[str]]:
    """Whether the draws passed their gate; draws that nobody judged did not."""
    unjudged = False, ["no verdict on convergence in this result"]
    if others == "profiled" or alone:
        if "diagnostics" not in tree.attrs:
            return unjudged
        return bool(tree.attrs.get("converged", 0)), list(checks.recorded(tree).failures)
    attributes = tree[f"one_at_a_time/{name}"].attrs
    if "converged" not in attributes:
        return unjudged
    return bool(attributes["converged"]), list(json.loads(attributes.get("failures", "[]")))


RANGE_MATTERS_BELOW = 15.0
"""Delta chi2 at the end of a prior's range below which the range itself shapes the credible limit."""


def _range_caveat(p: Free, scan: xr.Dataset | None) -> tuple[str, ...]:
    """A likelihood that saturates leaves weight up to the end of the prior's range."""
    at_end = float(scan.attrs.get("delta_chi2_at_range_end", np.nan)) if scan is not None else np.nan
    if not at_end < RANGE_MATTERS_BELOW:
        return ()
    end = results.prior_range(p)[1]
    return (
        f"{p.name}: Delta chi2 is only {at_end:.1f} at the end of the range, {end:g}: credible limits depend on it",
    )


def _halved(
    tree: xr.DataTree, model: Resolved, name: str, others: Others, level: float, *, alone: bool
) -> blind_spots.Halved | None:
    """The limit with half the range, from the same draws; None where the prior has none, or too few draws are left."""
    group = group_of(tree, "posterior" if others == "profiled" or alone else f"one_at_a_time/{name}")
    if group is None or name not in blind_spots.moduli(model):
        return None
    return next(iter(blind_spots.halved(group, model, [name], level)), None)


def _effective(tree: xr.DataTree, model: Resolved, found: blind_spots.Halved, level: float) -> tuple[str, ...]:
    """Where a range decides the limit of a modulus, the effective moments, which the data see."""
    if not found.limited:
        return ()
    names = blind_spots.effective_names(tree)
    rows = blind_spots.halved(tree["posterior"].to_dataset(), model, names, level)
    listed = ", ".join(f"{row.name} {number(row.upper)} ({number(row.at_half)})" for row in rows)
    return (f"effective moments (with half the range of every modulus): {listed}",) if rows else ()


def _caveats(model: Resolved) -> tuple[str, ...]:
    """One line per status that stands for something unchecked, with what each source was used for."""
    lines = []
    for status, title in CAVEATS.items():
        cited = [c.source for c in model.citations if c.source.status == status]
        texts = dict.fromkeys(f"{s.reference}: {', '.join(s.covers) or s.where}" for s in cited)
        lines += [f"{title}: {'; '.join(texts)}"] if texts else []
    return tuple(lines)


def _modes(tree: xr.DataTree) -> tuple[str, ...]:
    """How many modes the posterior has, and whether the chains were in all of them."""
    counted = json.loads(tree.attrs.get("modes", "{}"))
    return (f"posterior: {counted['line']}",) if counted else ()


# --- numbers ----------------------------------------------------------------------------------------------------------


def _credible(draws: xr.DataArray | None, level: float) -> tuple[float | None, Pair, float | None]:
    """Quantile, HDI and the quantile's Monte Carlo error."""
    if draws is None:
        return None, (None, None), None
    bounds = arviz_stats.hdi(draws, prob=level, dim=SAMPLE_DIMS, method="nearest")
    low, high = (float(bounds.sel(ci_bound=end)) for end in ("lower", "upper"))
    error = float(arviz_stats.mcse(draws, method="quantile", prob=level, sample_dims=SAMPLE_DIMS))
    if "ess_walkers" in draws.attrs:
        # Walkers of one ensemble are not independent: what ArviZ takes for its sample size is too large.
        taken = float(arviz_stats.ess(draws, method="quantile", prob=level, sample_dims=SAMPLE_DIMS))
        error *= max(taken / float(draws.attrs["ess_walkers"]), 1.0) ** 0.5
    return float(np.quantile(draws.values, level)), (low, high), error if np.isfinite(error) else None


def _profile(scan: xr.Dataset | None, level: float) -> tuple[Pair, float | None, str | None]:
    """Interval, threshold and its kind: as the scan found them, or for another level from its curve."""
    if scan is None:
        return (None, None), None, None
    kind = str(scan.attrs["threshold_kind"])
    if np.isclose(level, scan.attrs["level"]):
        pair = _finite(scan.attrs["interval_low"]), _finite(scan.attrs["limit"])
        return pair, float(scan.attrs["threshold"]), kind
    threshold = float(stats.chi2.ppf(level, 1))
    return crossings(scan, threshold), threshold, f"{kind}, interpolated"


def crossings(scan: xr.Dataset, threshold: float) -> Pair:
    """Where a stored curve first passes a threshold on either side of its minimum.

    Below, the end of the scan where it never does; above, None: there the limit is unknown.
    """
    value, excess = scan["value"].values, scan["delta_chi2"].values - threshold
    top = int(np.argmin(np.abs(value - scan.attrs["best"])))
    below = [i for i in range(top, 0, -1) if excess[i - 1] > 0 >= excess[i]]
    above = [i for i in range(top, len(value) - 1) if excess[i] <= 0 < excess[i + 1]]
    curve = interpolate.PchipInterpolator(value, excess)
    low = float(optimize.brentq(curve, value[below[0] - 1], value[below[0]])) if below else float(value[0])
    high = float(optimize.brentq(curve, value[above[0]], value[above[0] + 1])) if above else None
    return low, high


def _published(model: Resolved, p: Free, others: Others, level: float) -> tuple[float | None, str | None]:
    """The published limit that asks the same question, in the parameter's unit."""
    if not np.isclose(level, PUBLISHED_LEVEL):
        return None, None
    for entry in model.published:
        value = convert(entry.value, entry.unit, p.unit)
        if (entry.parameter, entry.others) == (p.name, others) and value is not None:
            return value, entry.source
    return None, None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
