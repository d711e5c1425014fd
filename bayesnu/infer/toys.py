"""Toys: simulated data give the thresholds, coverage and expected limits that asymptotic formulas only guess.

Feldman and Cousins, Phys. Rev. D 57 (1998) 3873, with profiled nuisances (Sen, Walker and Woodroofe, Statistica Sinica
19 (2009) 301). In each toy the counts fluctuate around the truth, and so do the auxiliary measurements of nuisances:
the centre of each constraint is drawn around the true nuisance, with the constraint's width, and control counts around
what is expected of them. Gaussian bins keep the variance of the observed data, in the simulation as in the fit.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from itertools import takewhile
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import executors
from bayesnu.infer import toy_statistic as statistic
from bayesnu.infer.checkpoint import NOWHERE, Checkpoint, Interrupted, finished
from bayesnu.infer.profile import Progress
from bayesnu.infer.results import command, partial, versions
from bayesnu.infer.threads import one_thread
from bayesnu.infer.toy_statistic import Counts, Scan
from bayesnu.infer.toy_summary import FORMAT, asymptotic, tree
from bayesnu.likelihood.analysis import Analysis, portable

Array = NDArray[np.float64]
Nuisance = Literal["profiled", "central"]

BLOCK = 250
"""Toys that share a random stream: the numbers depend on this, not on how many workers there are."""


class Recipe(NamedTuple):
    """All that a worker needs."""

    scan: Scan
    levels: tuple[float, ...]
    nuisance: Nuisance


class Block(NamedTuple):
    """Toys at one true value: q there, the best value, and the upper limits (level, toy) where they are wanted."""

    q: Array
    best: Array
    limit: Array


@one_thread
def toys(
    analysis: Analysis, parameter: str, *, true: ArrayLike, number: int, seed: int, levels: Sequence[float] = (0.90,),
    nuisance: Nuisance = "profiled", executor: Executor | str | None = None, progress: Progress | None = None,
    checkpoint: Checkpoint = NOWHERE,
) -> xr.DataTree:  # fmt: skip
    """Simulate `number` data sets at each true value and at no signal, and compare each with its own best fit.

    `nuisance` says where the true nuisances stand: 'profiled' to the observed data at that value, or 'central'. The
    constraint of each nuisance is drawn anew around them in every toy. Any `concurrent.futures.Executor` may do the
    work, or the name of one; the numbers depend on the seed alone. Blocks of toys that a checkpoint kept are not done
    again; an interrupt raises `checkpoint.Interrupted` with the toys so far.

    >>> import bayesnu as bn
    >>> found = toys(bn.load("coherent-csi-effective"), "mu_nu", true=[20.0], number=40, seed=1)
    >>> found["summary"].sizes["value"], found["sensitivity"].sizes["quantile"]
    (1, 5)
    """
    about = Recipe(statistic.scan(analysis, parameter), tuple(_checked_levels(levels)), nuisance)
    values = _checked_values(about.scan, true)
    _check_number(number)
    key = f"toys {analysis.hash()} {parameter} {about.levels} {nuisance}"
    wanted = _Wanted(about, key, values, number, seed)
    try:
        with executors.given_or_own(executor, {key: about}) as pool:
            rows = _simulated(wanted, pool, progress, checkpoint)
    except Interrupted as stopped:
        raise Interrupted(_so_far(wanted, stopped.result)) from None
    return _result(wanted, rows)


# --- one block, in a worker -------------------------------------------------------------------------------------------


def block_at(
    parcel: executors.Parcel, value: float, number: int, stream: np.random.SeedSequence, with_limits: bool
) -> Block:
    """Simulate and fit some toys at one true value, from a random stream of their own."""
    about: Recipe = executors.opened(parcel)
    data = simulate(about.scan, value, number, np.random.default_rng(stream), about.nuisance)
    least = statistic.minima(about.scan, data)
    wanted = asymptotic(about.levels) if with_limits else np.zeros(0)
    limits = [statistic.upper_limit(about.scan, data, least, t) for t in wanted]
    return Block(statistic.q(about.scan, data, value, least), least.best, np.reshape(limits, (len(wanted), number)))


def simulate(there: Scan, value: float, number: int, rng: np.random.Generator, nuisance: Nuisance) -> Counts:
    """Counts around their expectation at the truth, and centres of the constraints around the true nuisances."""
    _, pulls = statistic.profiled(there, observed(there), value)
    true = pulls if nuisance == "profiled" else 0.0 * pulls
    expected, jacobian = statistic.expectation(there, value)
    mean, scales = expected + (jacobian * true).sum(axis=1), np.ones((len(expected), 1))
    if there.controls.names and nuisance == "profiled":
        scales = statistic.best_controls(there, observed(there), mean)
        mean = mean + there.controls.background[:, None] * (scales - 1.0)
    data = there.analysis.data
    gaussian = mean + rng.standard_normal((len(mean), number)) * np.sqrt(data.variance)[:, None]
    counted = rng.poisson(np.clip(mean, 0.0, None), (len(mean), number)) if data.poisson.any() else gaussian
    centres = true + rng.standard_normal((len(true), number))
    measured = scales * there.controls.counts[:, None]
    controls = rng.poisson(measured, (len(mean), number)).astype(float) if there.controls.names else None
    return Counts(np.where(data.poisson[:, None], counted, gaussian), centres, controls)


def observed(there: Scan) -> Counts:
    """The data themselves, as one data set with its constraints as declared."""
    return Counts(there.analysis.data.counts[:, None], np.zeros((len(there.pulls.names), 1)))


# --- all blocks -------------------------------------------------------------------------------------------------------


class _Wanted(NamedTuple):
    """What was asked for."""

    about: Recipe
    key: str
    values: Array
    number: int
    seed: int

    def sizes(self) -> list[int]:
        """Toys of each block."""
        return [min(BLOCK, self.number - start) for start in range(0, self.number, BLOCK)]


def _simulated(
    wanted: _Wanted, executor: Executor, progress: Progress | None, checkpoint: Checkpoint
) -> list[list[Block]]:  # fmt: skip
    """Blocks of each value; the first stream of the seed is that of no signal, the next those of the true values."""
    sizes, parcel = wanted.sizes(), executors.parcel(executor, wanted.key, wanted.about)
    truths = [no_signal(wanted.about.scan), *wanted.values.tolist()]
    streams = [s.spawn(len(sizes)) for s in np.random.SeedSequence(wanted.seed).spawn(len(truths))]
    # Block by block, not value by value: what an interrupt leaves is then some toys at each value.
    jobs = {
        _name(i, j): (block_at, parcel, truths[i], size, streams[i][j], i == 0)
        for j, size in enumerate(sizes)
        for i in range(len(truths))
    }
    found = finished(checkpoint, executor, jobs, Block, progress)
    return [[found[_name(i, j)] for j in range(len(sizes))] for i in range(len(truths))]


def _name(value: int, block: int) -> str:
    return f"value-{value}-block-{block}"


def _so_far(wanted: _Wanted, found: Mapping[str, Block]) -> xr.DataTree | None:
    """The first blocks that are there at every value."""
    values, rows = range(1 + len(wanted.values)), range(len(wanted.sizes()))
    complete = list(takewhile(lambda j: all(_name(i, j) in found for i in values), rows))
    if not complete:
        return None
    there = _result(wanted, [[found[_name(i, j)] for j in complete] for i in values])
    return partial(there, f"after {there['toys'].sizes['toy']} of {wanted.number} toys at each value")


def _result(wanted: _Wanted, rows: list[list[Block]]) -> xr.DataTree:
    about = wanted.about
    return tree(_raw(wanted, rows), _observed(about, wanted.values), _attributes(about, [wanted.seed]))


def _raw(wanted: _Wanted, rows: list[list[Block]]) -> xr.Dataset:
    limits = np.concatenate([b.limit for b in rows[0]], axis=1)
    return xr.Dataset(
        {
            "q": (("value", "toy"), [np.concatenate([b.q for b in row]) for row in rows[1:]]),
            "best": (("value", "toy"), [np.concatenate([b.best for b in row]) for row in rows[1:]]),
            "limit_without_signal": (("level", "toy"), limits),
            "seed": ("toy", np.full(limits.shape[1], wanted.seed)),
        },
        coords={"value": wanted.values, "level": list(wanted.about.levels)},
    )


def no_signal(there: Scan) -> float:
    """The standard-model value of the parameter, or the end of its range that is nearest to it."""
    return float(np.clip(there.entry.standard, there.grid[0], there.grid[-1]))


def _observed(about: Recipe, values: Array) -> xr.Dataset:
    """For the data: q at each value and along the range, their best value and their asymptotic upper limits."""
    data = observed(about.scan)
    least = statistic.minima(about.scan, data)
    limits = [float(statistic.upper_limit(about.scan, data, least, t)[0]) for t in asymptotic(about.levels)]
    at_values = np.array([float(statistic.q(about.scan, data, float(v), least)[0]) for v in values])
    scan, along = _along(about.scan, least, values, at_values)
    return xr.Dataset(
        {
            "q": ("value", at_values),
            "q_along": ("scan", along),
            "limit": ("level", limits),
            "best": float(least.best[0]),
            "chi2_min": float(least.chi2[0]),
        },
        coords={"value": values, "scan": scan, "level": list(about.levels)},
    )


def _along(there: Scan, least: statistic.Minima, values: Array, at_values: Array) -> tuple[Array, Array]:
    """The data's q at the true values, the best value and the points of the grid."""
    above = least.along[:, 0] - least.chi2[0]
    on_grid = np.where(above < statistic.ROUNDING, 0.0, above)
    # Of equal values the first is kept: there q is zero at the best value, whatever rounding left elsewhere.
    where, first = np.unique(np.concatenate([least.best, values, there.grid]), return_index=True)
    return where, np.concatenate([[0.0], at_values, on_grid])[first]


def _attributes(about: Recipe, seeds: list[int]) -> dict[str, Any]:
    there = about.scan
    return {
        "format": FORMAT,
        "model": msgspec.json.encode(portable(there.analysis.model)).decode(),
        "model_name": there.analysis.model.name,
        "model_hash": there.analysis.hash(),
        "parameter": there.entry.name,
        "unit": there.entry.unit,
        "latex": there.entry.latex or there.entry.name,
        "range_low": float(there.grid[0]),
        "range_high": float(there.grid[-1]),
        "no_signal": no_signal(there),
        "projected": int(any(setup.experiment.counts.asimov for setup in there.analysis.model.setups)),
        "nuisance": about.nuisance,
        "auxiliary": "constraint centres drawn around the true nuisances"
        + (", control counts around what is expected of them" if there.controls.names else ""),
        "closed_form": ", ".join(there.pulls.names if there.closed else there.controls.names),
        "newton": "" if there.closed else ", ".join(there.pulls.names),
        "boundary": f"best value within [{there.grid[0]:g}, {there.grid[-1]:g}]",
        "block": BLOCK,
        "seeds": json.dumps(seeds),
        "versions": json.dumps(versions()),
        "command": command(),
    }


# --- what was asked for -----------------------------------------------------------------------------------------------


def _checked_levels(levels: Sequence[float]) -> Array:
    found = np.unique(np.asarray(levels, dtype=float))
    if not len(found) or not ((found > 0) & (found < 1)).all():
        raise DeclarationError(Problem("toys", "level", str(found), "levels between 0 and 1", "write for instance 0.9"))
    return found


def _checked_values(there: Scan, true: ArrayLike) -> Array:
    values, (low, high) = np.unique(np.asarray(true, dtype=float)), there.grid[[0, -1]]
    if not len(values) or not ((values >= low) & (values <= high)).all():
        expected = f"values of {there.entry.name} in [{low:g}, {high:g}] {there.entry.unit}"
        raise DeclarationError(Problem(there.analysis.model.name, "true", str(values), expected, "mend the values"))
    return values


def _check_number(number: int) -> None:
    if number < 1:
        raise DeclarationError(Problem("toys", "number", str(number), "at least one toy", "ask for some thousand"))
