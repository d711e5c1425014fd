"""One call from an Analysis to a complete result: posterior, diagnostics, profiles, one-at-a-time limits."""

import concurrent.futures
import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.errors import is_interrupt
from bayesnu.infer import (
    checks,
    covariance,
    ensemble,
    executors,
    minimise,
    modes,
    nested,
    nuts,
    pieces,
    profile,
    results,
    sensitivity,
)
from bayesnu.infer.checkpoint import NOWHERE, Checkpoint, Interrupted, finished
from bayesnu.infer.checks import Gate
from bayesnu.infer.minimise import Minimisation
from bayesnu.infer.profile import Others, Progress
from bayesnu.infer.progress import Reporter
from bayesnu.infer.threads import one_thread
from bayesnu.likelihood.analysis import Analysis

Array = NDArray[np.float64]
Engine = Literal["nuts", "emcee", "nested"]
Scan = Callable[[Minimisation, Progress], xr.Dataset]

MODES = "modes"
"""The attribute that says how many there are, and the piece of a checkpoint that keeps it."""
LAST_SESSION = "the last session"
"""Whose `seconds` a resumed result has: one that was killed could not say how long it took."""


class Single(NamedTuple):
    """Draws (chain, draw) of one parameter taken alone; as JSON what is known of it, and its verdict."""

    draws: Array
    attributes: str
    converged: int
    failures: str


@one_thread
def fit(
    analysis: Analysis, *, engine: Engine, seed: int, profiles: bool = False, level: float = 0.90,
    draws: int | None = None, gate: Gate | None = None, reporter: Reporter | None = None,
    executor: Executor | None = None, checkpoint: Checkpoint = NOWHERE,
) -> xr.DataTree:  # fmt: skip
    """Posterior of an analysis with its verdict and, where asked for, the profiles of every modulus.

    With profiles, each parameter of interest is also taken alone, all others at zero: as most papers do. An executor
    (any `concurrent.futures.Executor`) runs those beside the rest; one with more than one worker runs the chains too.
    What a checkpoint kept is not done again; an interrupt raises `checkpoint.Interrupted` with the result so far.

    >>> import bayesnu as bn
    >>> tree = bn.fit(bn.load("coherent-csi-effective"), engine="emcee", seed=1)  # doctest: +SKIP
    """
    report, wanted = reporter or Reporter(quiet=True), gate or Gate()
    session: dict[str, str] = {"seconds_of": LAST_SESSION} if checkpoint.pieces else {}
    names = scanned(analysis) if profiles and len(_of_interest(analysis)) > 1 else []
    jobs = {f"alone-{name}": (alone, analysis, name, seed, wanted) for name in names}
    todo = {name: job for name, job in jobs.items() if checkpoint.load(name) is None}
    # One worker has nothing else to do while the chains run; several run the chains first.
    beside = executor if executors.workers(executor) == 1 else None
    with _ahead(beside, todo, checkpoint) as early:
        try:
            tree = _posterior(analysis, engine, seed, draws, report, executor, checkpoint)
            with report.step("counting modes"):
                _count_modes(tree, analysis, checkpoint)
            checks.record(tree, wanted)
            sensitivity.record(tree)
        except Interrupted as stopped:
            raise Interrupted(_judged(stopped.result, wanted, session)) from None
        try:
            if profiles:
                with _ahead(executor, {} if early else todo, checkpoint) as late:
                    seconds = add_profiles(tree, analysis, level, report, checkpoint)
                    _add_singles(tree, jobs, early | late, checkpoint, report)
                tree.attrs["seconds"] = json.dumps(json.loads(tree.attrs["seconds"]) | {"profile": seconds})
        except (KeyboardInterrupt, SystemError) as stopped:
            if not is_interrupt(stopped):
                raise
            partial = results.partial(tree, "before the profiles were complete")
            raise Interrupted(_judged(partial, wanted, session)) from None
    tree.attrs |= session
    return tree


def _count_modes(tree: xr.DataTree, analysis: Analysis, checkpoint: Checkpoint) -> None:
    """The verdict on modes, kept from before or found now: it may take longer than the profiles."""
    kept = checkpoint.load(MODES)
    if kept is None:
        modes.record(analysis, tree)
        checkpoint.save(MODES, {MODES: tree.attrs[MODES]})
    else:
        tree.attrs[MODES] = kept[MODES]


@contextlib.contextmanager
def _ahead(
    executor: Executor | None, jobs: Mapping[str, executors.Job], checkpoint: Checkpoint
) -> Iterator[dict[str, Future[Single]]]:  # fmt: skip
    """Parameters alone, beside what is done here; each is kept as soon as it is done."""
    with executors.ahead(executor, jobs) as futures:
        yield {name: _kept(future, name, checkpoint) for name, future in futures.items()}


def _kept(future: Future[Single], name: str, checkpoint: Checkpoint) -> Future[Single]:
    """Done once the result is kept: Python wakes those who wait for a future before it runs the future's callbacks."""
    kept: Future[Single] = Future()

    def keep(done: Future[Single]) -> None:
        try:
            checkpoint.save(name, done.result()._asdict())
            kept.set_result(done.result())
        except BaseException as error:
            kept.set_exception(error)

    future.add_done_callback(keep)
    return kept


def _judged(tree: xr.DataTree | None, gate: Gate, session: dict[str, str]) -> xr.DataTree | None:
    if tree is not None:
        checks.record(tree, gate)
        tree.attrs |= session
    return tree


def _posterior(
    analysis: Analysis, engine: Engine, seed: int, draws: int | None, report: Reporter, executor: Executor | None,
    checkpoint: Checkpoint,
) -> xr.DataTree:  # fmt: skip
    spread = executor if executors.workers(executor) > 1 else None
    if engine == "emcee":
        options = ensemble.Options(steps=draws)
        return ensemble.ensemble(
            analysis, seed=seed, options=options, reporter=report, executor=spread, checkpoint=checkpoint
        )
    if engine == "nested":
        runs = nested.Options(draws=draws) if draws else nested.Options()
        kept = runs._replace(checkpoint=checkpoint.file("nested.h5"))
        return nested.nested(analysis, seed=seed, options=kept, reporter=report, executor=spread)
    wanted = nuts.Options(draws=draws) if draws else nuts.Options()
    return nuts.nuts(analysis, seed=seed, options=wanted, reporter=report, executor=spread, checkpoint=checkpoint)


def _add_singles(
    tree: xr.DataTree, jobs: Mapping[str, executors.Job], ahead: Mapping[str, Future[Single]], checkpoint: Checkpoint,
    report: Reporter,
) -> None:  # fmt: skip
    """Each parameter alone: kept from before, done beside the rest, or done now."""
    with report.step("taking each parameter alone") as step:
        concurrent.futures.wait(ahead.values())
        here = {name: job for name, job in jobs.items() if name not in ahead}
        done = finished(checkpoint, executors.Serial(), here, Single, step.done)
    for name in jobs:
        single = ahead[name].result() if name in ahead else done[name]
        tree[f"one_at_a_time/{name.removeprefix('alone-')}"] = xr.DataTree(
            as_dataset(single, name.removeprefix("alone-"))
        )


def as_dataset(single: Single, name: str) -> xr.Dataset:
    """A parameter taken alone as it stands in a result."""
    chains, draws = single.draws.shape
    return xr.Dataset(
        {name: (("chain", "draw"), single.draws, json.loads(single.attributes))},
        coords={"chain": np.arange(chains), "draw": np.arange(draws)},
        attrs={"converged": single.converged, "failures": single.failures},
    )


def scanned(analysis: Analysis) -> list[str]:
    """Parameters of interest that get limits: all but the angles, whose profile is a circle."""
    return [p.name for p in analysis.free if p.role == "parameter" and p.dimension != "angle"]


def add_profiles(
    tree: xr.DataTree, analysis: Analysis, level: float, report: Reporter, checkpoint: Checkpoint = NOWHERE
) -> float:
    """Profiles of each scanned parameter, the others profiled and at zero; the seconds that they took.

    Each scan is kept as soon as it is done, and what was kept is not done again.
    """
    scans = _scans(analysis, level)
    kept = {path: piece for path in scans if (piece := checkpoint.load(_piece(path))) is not None}
    for path, piece in kept.items():
        tree[path] = xr.DataTree(pieces.as_dataset(piece))
    todo = {path: scan for path, scan in scans.items() if path not in kept}
    if not todo:
        return 0.0
    with report.step("compiling the cost and its gradient") as compiling:
        problem = minimise.prepare(analysis)
        problem.cost(np.ones(len(problem.coordinates.names)))
    with report.step("profiling") as step:
        for k, (path, scan) in enumerate(todo.items()):
            step.text = f"profiling: {path}"
            found = scan(problem, step.done)
            checkpoint.save(_piece(path), pieces.as_piece(found))
            tree[path] = xr.DataTree(found)
            step.done(k + 1, len(todo))
        step.text = "profiling"
    return compiling.seconds + step.seconds


def _scans(analysis: Analysis, level: float) -> dict[str, Scan]:
    """Where each scan stands in a result, and what makes it."""
    kinds: list[Others] = ["zero"] if len(_of_interest(analysis)) == 1 else ["profiled", "zero"]

    def scan(name: str, others: Others, problem: Minimisation, progress: Progress) -> xr.Dataset:
        return profile.profile(problem, name, others=others, level=level, progress=progress)

    scans: dict[str, Scan] = {
        f"profile/{name}_{others}": functools.partial(scan, name, others)
        for name in scanned(analysis)
        for others in kinds
    }
    return scans | {"covariance": lambda problem, _: covariance.covariance(problem, covariance.best_fit(problem))}


def _piece(path: str) -> str:
    return path.replace("/", "-")


def _of_interest(analysis: Analysis) -> list[str]:
    return [p.name for p in analysis.free if p.role == "parameter"]


def alone(analysis: Analysis, name: str, seed: int, gate: Gate) -> Single:
    """Posterior of one parameter with every other parameter of interest at zero, by emcee, with its verdict."""
    standard = {p.name: p.standard for p in analysis.free if p.role == "parameter" and p.name != name}
    single = analysis.fix(**standard)
    tree = ensemble.ensemble(single, seed=seed, options=ensemble.Options(walkers=32))
    verdict = checks.record(tree, gate)
    draws = tree["posterior"].to_dataset()[name].transpose("chain", "draw")
    failures = json.dumps(list(verdict.failures))
    return Single(np.asarray(draws.values), json.dumps(draws.attrs), int(verdict.converged), failures)
