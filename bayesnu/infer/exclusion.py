"""Exclusion curves: what one parameter may be at each mass of a heavy neutrino, by three conventions.

At each mass the templates are exact and chi2 is minimised over everything but the parameter. A value is allowed where
chi2 exceeds a minimum by no more than a threshold: the minimum at that mass, or the one over all masses scanned.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import executors, results
from bayesnu.infer.checkpoint import NOWHERE, Checkpoint, Interrupted, finished
from bayesnu.infer.mass_scan import Interval, Recipe, Scan, intervals_at, scan_at
from bayesnu.infer.profile import Others, Progress
from bayesnu.infer.threads import one_thread
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import Analysis, fingerprint, from_resolved, held
from bayesnu.schema import Resolved

Array = NDArray[np.float64]
ONE, TWO, GLOBAL = "one-parameter", "two-parameter", "two-parameter-global"
"""Names of the conventions; where a paper prints none, its curve may be any of them."""


class Threshold(NamedTuple):
    """A rise of chi2, and from which minimum: that at each mass, or that over all masses."""

    delta_chi2: float
    reference: Literal["mass", "global"]


def conventions(level: float = 0.90) -> dict[str, Threshold]:
    """The usual thresholds: asymptotic, for one parameter and for two.

    >>> {name: round(t.delta_chi2, 6) for name, t in conventions().items()}
    {'one-parameter': 2.705543, 'two-parameter': 4.60517, 'two-parameter-global': 4.60517}
    """
    one, two = (float(stats.chi2.ppf(level, n)) for n in (1, 2))
    return {ONE: Threshold(one, "mass"), TWO: Threshold(two, "mass"), GLOBAL: Threshold(two, "global")}


def recipe(analysis: Analysis | Resolved, parameter: str, mass: str = "m4", others: Others = "profiled") -> Recipe:
    """What a scan needs; a model that is only resolved is not made to build templates for all masses."""
    model = analysis.model if isinstance(analysis, Analysis) else analysis
    _require(model, parameter, list(model.parameters))
    _require(model, mass, [n for n, p in model.parameters.items() if p.knob and n != parameter])
    there = analysis if isinstance(analysis, Analysis) else from_resolved(held(model, {mass: _ends(model, mass)[0]}))
    # Data that the standard model makes do not know the mass: from now on they are data like any other.
    data = {"observed", "variance", "projected"}
    known = [msgspec.structs.asdict(setup) for setup in there.model.setups]
    setups = [
        msgspec.structs.replace(setup, **{field: value[field] for field in data})
        for setup, value in zip(model.setups, known, strict=True)
    ]
    complete = msgspec.structs.replace(model, setups=tuple(setups))
    return Recipe(complete, there.observed, parameter, mass, others, fingerprint(complete, there.observed))


@one_thread
def exclusion(
    analysis: Analysis | Resolved | Recipe, parameter: str, mass: str = "m4", *, masses: ArrayLike,
    thresholds: Mapping[str, Threshold] | None = None, level: float = 0.90, others: Others = "profiled",
    executor: Executor | str | None = None, progress: Progress | None = None, checkpoint: Checkpoint = NOWHERE,
) -> xr.Dataset:  # fmt: skip
    """Allowed values of a parameter at each mass, and the minimum of chi2 there.

    `chi2_min`, `best` and `chi2_standard` are over `mass`. The allowed values are rows over `interval`: its mass, its
    convention, `low`, `high` and what it is (`allowed`): an 'upper limit' begins at zero, an 'interval' does not; where
    chi2 never rises enough within the range, `high` is NaN ('no limit', or 'lower limit'); where no value is allowed
    there is one row of two NaN ('none'). Any `concurrent.futures.Executor` may run the masses, or the name of one.
    Masses that a checkpoint kept are not scanned again; an interrupt raises `checkpoint.Interrupted` with the curve of
    those that were done.

    >>> import bayesnu as bn
    >>> curve = exclusion(bn.load("sterile2021-csi"), "mu_nu_mu", masses=[0.01, 20.0])  # doctest: +SKIP
    """
    about = analysis if isinstance(analysis, Recipe) else recipe(analysis, parameter, mass, others)
    wanted = dict(thresholds) if thresholds is not None else conventions(level)
    grid = _in_range(about, np.unique(np.asarray(masses, dtype=float)))
    with executors.given_or_own(executor, {about.key: about}) as pool:
        return _curve(about, grid, wanted, level, pool, progress, checkpoint)


def _curve(
    about: Recipe, masses: Array, wanted: Mapping[str, Threshold], level: float, executor: Executor,
    progress: Progress | None, checkpoint: Checkpoint,
) -> xr.Dataset:  # fmt: skip
    parcel, whole = executors.parcel(executor, about.key, about), 2 * len(masses)
    jobs = {f"{about.model.name}-mass-{m!r}": (scan_at, parcel, m) for m in masses.tolist()}
    try:
        found = finished(checkpoint, executor, jobs, Scan, lambda n, _: progress(n, whole) if progress else None)
        tick = executors.counter(lambda n, _: progress(n + len(masses), whole) if progress else None, whole)
        return _of_scans(about, list(found.values()), wanted, level, executor, tick)
    except KeyboardInterrupt as stopped:
        scans = list((stopped.result if isinstance(stopped, Interrupted) else found).values())
        raise Interrupted(_so_far(about, scans, wanted, level, len(masses))) from None


def _so_far(
    about: Recipe, scans: list[Scan], wanted: Mapping[str, Threshold], level: float, number: int
) -> xr.Dataset | None:
    """The curve of the masses that were scanned before an interrupt."""
    if not scans:
        return None
    curve = _of_scans(about, scans, wanted, level, executors.Serial(), lambda future: None)
    return curve.assign_attrs(partial=1, interrupted=f"after {len(scans)} of {number} masses")


def _of_scans(
    about: Recipe, scans: list[Scan], wanted: Mapping[str, Threshold], level: float, executor: Executor,
    tick: Callable[[Future[Any]], None],
) -> xr.Dataset:  # fmt: skip
    """What is allowed at each mass, given the scans of all."""
    parcel = executors.parcel(executor, about.key, about)
    lowest = min(float(s.chi2.min()) for s in scans)
    levels = [[_level(t, s, lowest) for t in wanted.values()] for s in scans]
    found = executors.gathered(
        executor, tick, [(intervals_at, parcel, s, h) for s, h in zip(scans, levels, strict=True)]
    )
    rows = [
        (s.mass, name, *interval)
        for s, of_mass in zip(scans, found, strict=True)
        for name, intervals in zip(wanted, of_mass, strict=True)
        for interval in intervals or [(np.nan, np.nan)]
    ]
    return _dataset(about, scans, rows, wanted, level)


def _level(threshold: Threshold, scan: Scan, lowest: float) -> float:
    return threshold.delta_chi2 + (lowest if threshold.reference == "global" else float(scan.chi2.min()))


# --- what comes out ---------------------------------------------------------------------------------------------------


def _require(model: Resolved, name: str, known: Sequence[str]) -> None:
    if name not in known:
        hint = did_you_mean(name, known) or "see `bayesnu list models`"
        expected = f"one of {', '.join(known)}" if known else "a model with a free mass"
        raise DeclarationError(Problem(model.name, "parameter", repr(name), expected, hint))


def _ends(model: Resolved, name: str) -> Interval:
    prior = model.parameters[name].prior
    if prior is None:
        raise DeclarationError(Problem(model.file, f"parameters.{name}", "no prior", "a prior with a range", "add one"))
    low, high = priors.support(prior)
    return float(low), float(high)


def _in_range(about: Recipe, masses: Array) -> Array:
    if not len(masses) or not (np.isfinite(masses) & (masses >= 0)).all():
        expected = f"numbers of at least zero [{about.model.parameters[about.mass].unit}]"
        raise DeclarationError(Problem(about.model.name, "masses", str(masses), expected, "mend the grid"))
    return masses


def _kind(low: float, high: float, least: float) -> str:
    if np.isnan(low):
        return "none"
    if np.isnan(high):
        return "no limit" if low <= least else "lower limit"
    return "upper limit" if low <= least else "interval"


def _dataset(
    about: Recipe, scans: Sequence[Scan], rows: Sequence[tuple[float, str, float, float]],
    wanted: Mapping[str, Threshold], level: float,
) -> xr.Dataset:  # fmt: skip
    lowest = min(scans, key=lambda s: float(s.chi2.min()))
    least, entry = float(scans[0].points[0]), about.model.parameters
    masses, names, lows, highs = (list(column) for column in zip(*rows, strict=True))
    along = {
        "chi2_min": [s.chi2[s.best] for s in scans],
        "best": [s.points[s.best] for s in scans],
        "chi2_standard": [s.chi2[0] for s in scans],
    }
    of_rows = {
        "interval_mass": masses,
        "convention": names,
        "low": lows,
        "high": highs,
        "allowed": [_kind(low, high, least) for low, high in zip(lows, highs, strict=True)],
    }
    attributes = {
        "model": about.model.name,
        "title": about.model.title,
        "label": " + ".join(
            dict.fromkeys(re.split("[:,(]", s.experiment.title)[0].strip() for s in about.model.setups)
        ),
        "model_hash": about.key,
        "parameter": about.parameter,
        "unit": entry[about.parameter].unit,
        "latex": entry[about.parameter].latex or about.parameter,
        "mass": about.mass,
        "mass_unit": entry[about.mass].unit,
        "mass_latex": entry[about.mass].latex or about.mass,
        "others": about.others,
        "level": level,
        "conventions": list(wanted),
        "delta_chi2": [t.delta_chi2 for t in wanted.values()],
        "reference": [t.reference for t in wanted.values()],
        "threshold_kind": "asymptotic",
        "boundary": f"{about.parameter} >= {least:g}, threshold as away from it",
        "range_high": max(float(s.points[-1]) for s in scans),
        "chi2_global": float(lowest.chi2.min()),
        "global_mass": lowest.mass,
        "global_best": float(lowest.points[lowest.best]),
        "command": results.command(),
        "versions": json.dumps(results.versions()),
        "source": "; ".join(dict.fromkeys(p.source for p in about.model.published if p.parameter == about.parameter)),
    }
    found = {k: ("mass", v) for k, v in along.items()} | {k: ("interval", v) for k, v in of_rows.items()}
    return xr.Dataset(found, coords={"mass": [s.mass for s in scans]}, attrs=attributes)
