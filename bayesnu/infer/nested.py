"""Nested sampling by nautilus: independent runs are the chains, and how far their evidences agree is the check.

Importance nested sampling (Lange, MNRAS 525 (2023) 3181) in the quantiles of the priors, the affine nuisances
integrated. The points of the exploration are discarded, so that evidence and posterior are unbiased; what is left is an
independent, weighted sample.
"""

import hashlib
import itertools
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import executors, results
from bayesnu.infer.cube import Cube, cube
from bayesnu.infer.progress import Reporter
from bayesnu.likelihood.analysis import Analysis
from bayesnu.likelihood.marginal import marginal

Array = NDArray[np.float64]

BATCH = 512
"""Likelihoods evaluated at once."""
SLICE = 20 * BATCH
"""Evaluations between two checkpoints."""
SURPLUS = 2.0
"""Effective size of the weighted draws over the number that is kept: then the kept ones err as independent ones do."""
LEAST = 2
"""Axes that nautilus needs: a cube of one gets another that nothing depends on."""


class Options(NamedTuple):
    """How many runs, how many draws of each, and how carefully the space is explored."""

    runs: int = 4
    draws: int = 2500
    """Equally weighted draws of each run, from weighted ones whose effective size is `SURPLUS` times as large."""
    live: int = 500
    live_fraction: float = 0.1
    """The exploration ends when the live points hold this share of the evidence; what follows is unbiased anyway."""
    networks: int = 1
    """Neural networks that shape the bounds: around a thin curved shell, ellipsoids alone need ten times the points."""
    max_evaluations: int = 2_000_000
    """Of each run: one that needs more is not finished, and says so."""
    checkpoint: Path | None = None
    """Where a run leaves its state now and then; it goes on from there if it is called again."""


class Run(NamedTuple):
    """One run: equally weighted quantiles (draw, axis), and the logarithm of the evidence."""

    u: Array
    log_evidence: float
    n_eff: float
    """(sum w)^2 / sum w^2 of the weights."""
    evaluations: int
    complete: bool


class Evidence(NamedTuple):
    """Log evidence of several runs together, its error, and how far any run is from the others in its own errors."""

    value: float
    error: float
    sigmas: float


def nested(
    analysis: Analysis, *, seed: int, options: Options | None = None, reporter: Reporter | None = None,
    executor: Executor | None = None,
) -> xr.DataTree:  # fmt: skip
    """Posterior and evidence by nested sampling; each independent run is a chain. For up to about fifteen parameters.

    >>> import bayesnu as bn
    >>> tree = bn.nested(bn.load("coherent-csi-effective"), seed=1)  # doctest: +SKIP
    """
    wanted, report = options or Options(), reporter or Reporter(quiet=True)
    space = cube(marginal(analysis))
    with report.step("nested sampling") as step:
        runs = sample(space, seed, wanted, executor=executor, progress=step.done)
    x = np.stack([space.points(run.u) for run in runs])
    found = combined(runs)
    recorded = {
        # Where it was kept is no part of what was found.
        **wanted._replace(checkpoint=None)._asdict(), "integrated": list(space.target.solved.names),
        "log_evidence": found.value, "log_evidence_error": found.error, "evidence_sigmas": found.sigmas,
        "log_evidence_of_run": [run.log_evidence for run in runs], "ess_weights": sum(run.n_eff for run in runs),
        "evaluations": sum(run.evaluations for run in runs), "complete": all(run.complete for run in runs),
    }  # fmt: skip
    log_prob = np.stack([space.target.log_prob(points) for points in x])
    return results.to_tree(
        analysis,
        results.restored(space.target, {name: x[..., i] for i, name in enumerate(space.target.names)}, seed),
        {"lp": log_prob},
        engine="nested",
        seed=seed,
        options=recorded,
        seconds={"compile": 0.0, "sample": step.seconds},
    )


def sample(
    space: Cube, seed: int, options: Options, *, executor: Executor | None = None, progress: Any = None
) -> list[Run]:
    """Independent runs over a cube, with draws of equal number."""
    (runs,) = sample_each([space], seed, options, executor=executor, progress=progress)
    return runs


def sample_each(
    spaces: Sequence[Cube], seed: int, options: Options, *, executor: Executor | None = None, progress: Any = None
) -> list[list[Run]]:
    """Independent runs over each of several cubes, all of them side by side; seeds are those of each cube alone."""
    require_nautilus()
    # SeedSequence.spawn counts what it has spawned: each cube has a sequence of its own.
    seeds = [np.random.SeedSequence(seed).spawn(options.runs) for _ in spaces]
    jobs = [
        (run, space, options, child, _file(space, options, seed, k))
        for space, children in zip(spaces, seeds, strict=True)
        for k, child in enumerate(children)
    ]
    chosen = executor or executors.Serial()
    runs: list[Run] = executors.gathered(chosen, executors.counter(progress, len(jobs)), jobs)
    return [_of_equal_number(batch) for batch in itertools.batched(runs, options.runs)]


def _of_equal_number(runs: Sequence[Run]) -> list[Run]:
    fewest = min(len(r.u) for r in runs)
    return [r._replace(u=r.u[:fewest]) for r in runs]


def combined(runs: list[Run]) -> Evidence:
    """The mean of the runs' evidences; its error is what the weights say or what the spread says, the larger.

    >>> runs = [Run(np.zeros((1, 1)), value, 10_000.0, 0, True) for value in (1.00, 1.02)]
    >>> [round(number, 4) for number in combined(runs)]
    [1.01, 0.01, 1.005]
    """
    logs = np.array([run.log_evidence for run in runs])
    errors = np.array([1.0 / math.sqrt(run.n_eff) for run in runs])
    value = float(logsumexp(logs) - math.log(len(runs)))
    by_weights = float(np.sqrt((errors**2).sum())) / len(runs)
    by_spread = float(np.std(logs, ddof=1)) / math.sqrt(len(runs)) if len(runs) > 1 else 0.0
    return Evidence(value, max(by_weights, by_spread), float(np.max(np.abs(logs - value) / errors)))


def require_nautilus() -> None:
    """Say what to install where nautilus is missing: it is an extra."""
    try:
        import nautilus  # noqa: F401
    except ImportError:
        hint = "pip install 'bayesnu[evidence]'"
        problem = Problem("this environment", "engine", "no nautilus", "the package nautilus-sampler", hint)
        raise DeclarationError(problem) from None


# --- one run, in a worker -----------------------------------------------------------------------------------------


def run(space: Cube, options: Options, seed: np.random.SeedSequence, checkpoint: Path | None) -> Run:
    """One run, from its checkpoint if there is one."""
    import nautilus

    # The sampler's stream and the one that thins its weights to draws.
    of_sampler, of_draws = (np.random.default_rng(child) for child in seed.spawn(2))
    sampler = nautilus.Sampler(
        _cube_itself, space.log_likelihood if space.dimensions >= LEAST else _Padded(space),
        n_dim=max(space.dimensions, LEAST), n_live=options.live, n_networks=options.networks, n_batch=BATCH,
        vectorized=True, periodic=np.array(space.angles, dtype=int) if space.angles else None, seed=of_sampler,
        filepath=checkpoint, resume=True,
    )  # fmt: skip
    # nautilus would write its file piece by piece: a run killed meanwhile could not be read.
    sampler.filepath = None
    complete = _advance(sampler, options, checkpoint)
    u, log_weights, _ = sampler.posterior()
    draws = equally_weighted(u, log_weights, min(options.draws, int(sampler.n_eff / SURPLUS)), of_draws)
    log_evidence, n_eff = float(sampler.log_z), float(sampler.n_eff)
    return Run(draws[:, : space.dimensions], log_evidence, n_eff, int(sampler.n_like), complete)


def _advance(sampler: Any, options: Options, checkpoint: Path | None) -> bool:
    """Run until there are enough effective draws or too many evaluations; at each stop the state is written."""
    complete = False
    while not complete and sampler.n_like < options.max_evaluations:
        most = options.max_evaluations if checkpoint is None else sampler.n_like + SLICE
        wanted = {"f_live": options.live_fraction, "n_eff": SURPLUS * options.draws, "discard_exploration": True}
        complete = bool(sampler.run(n_like_max=min(most, options.max_evaluations), **wanted))
        if checkpoint is not None:
            beside = checkpoint.with_name(f".{checkpoint.name}")
            sampler.write(beside, overwrite=True)
            beside.replace(checkpoint)
    return complete


def equally_weighted(u: Array, log_weights: Array, number: int, rng: np.random.Generator) -> Array:
    """A sample of given size from a weighted one, by systematic resampling, in random order.

    >>> u = np.array([[0.0], [1.0]])
    >>> float(equally_weighted(u, np.log([0.25, 0.75]), 400, np.random.default_rng(1)).mean())
    0.75
    """
    cumulative = np.cumsum(np.exp(log_weights - logsumexp(log_weights)))
    wanted = (rng.uniform() + np.arange(number)) / number
    chosen = np.searchsorted(cumulative, wanted * cumulative[-1])
    return np.asarray(u[rng.permutation(chosen)])


def _cube_itself(u: Array) -> Array:
    return u


class _Padded(NamedTuple):
    """A likelihood of one quantile, and of another that it does not depend on."""

    space: Cube

    def __call__(self, u: Array) -> Array:
        return self.space.log_likelihood(u[:, : self.space.dimensions])


def _file(space: Cube, options: Options, seed: int, k: int) -> Path | None:
    """A checkpoint of its own for each run of each problem: what another problem left there is never read."""
    if options.checkpoint is None:
        return None
    about = options._replace(checkpoint=None)
    told = repr((space.target.analysis.hash(), dict(space.priors), dict(space.held), about, seed, k))
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    return options.checkpoint.with_name(f"{options.checkpoint.stem}-{key}.h5")
