"""NUTS: nutpie where it is installed, else PyMC's own; the choice is explicit and recorded.

Each chain has a seed of its own, so that chains may run anywhere, and those that are finished need not run again.
"""

import dataclasses
import functools
import importlib.util
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.errors import is_interrupt
from bayesnu.infer import executors, results
from bayesnu.infer.checkpoint import NOWHERE, Checkpoint, Interrupted, finished
from bayesnu.infer.progress import Reporter, Step
from bayesnu.infer.threads import one_thread
from bayesnu.likelihood.analysis import Analysis
from bayesnu.likelihood.marginal import Marginal, marginal

Array = NDArray[np.float64]

TOO_MANY_DIVERGENCES = 0.005
CAREFUL_TARGET_ACCEPT = 0.99
START_DRAWS = 100
"""Prior draws from which the start of a chain is chosen."""
FEWEST_DRAWS = 20
"""Of an interrupted run, for which there is a result."""
POLL_SECONDS = 0.05


class Options(NamedTuple):
    """How long and how carefully to sample."""

    draws: int = 5000
    tune: int = 1500
    chains: int = 4
    target_accept: float = 0.95


class Chain(NamedTuple):
    """Draws (draw, parameter) of one chain and what the sampler says of each; PyMC's names are nutpie's here."""

    draws: Array
    diverging: NDArray[np.int8]
    energy: Array
    n_steps: NDArray[np.int64]
    depth: NDArray[np.int64]
    step_size: Array
    logp: Array


Run = Callable[[Options, Mapping[str, int], Step, Checkpoint], dict[str, Chain]]
"""Chains by name from their seeds, each kept when it is done; an interrupt raises Interrupted with those that are."""
Ready = tuple[Run, float]
"""What samples, and the seconds that it took to compile."""


@one_thread
def nuts(analysis: Analysis, *, seed: int, options: Options | None = None, reporter: Reporter | None = None,
         sampler: str | None = None, executor: Executor | None = None,
         checkpoint: Checkpoint = NOWHERE) -> xr.DataTree:  # fmt: skip
    """Posterior by NUTS in charts chosen by the priors, with the affine Gaussian nuisances integrated.

    `sampler` is 'nutpie' or 'pymc'; by default nutpie where it is installed. With an executor each worker compiles the
    model for itself. Where more than 0.5 % of the draws diverge, as near blind spots, it samples again with
    target_accept 0.99. A checkpoint keeps whole chains; an interrupt raises `checkpoint.Interrupted` with the result of
    those that are finished, or where none is, of all as far as they are.

    >>> import bayesnu as bn
    >>> tree = bn.nuts(bn.load("coherent-csi-effective"), seed=1)  # doctest: +SKIP
    """
    chosen = sampler or ("nutpie" if importlib.util.find_spec("nutpie") else "pymc")
    question = _Question(marginal(analysis), chosen, seed, executor, reporter or Reporter(quiet=True), checkpoint)
    wanted, ready = options or Options(), functools.cache(question.ready)
    chains, seconds = question.sampled(wanted, ready)
    fraction = float(np.mean([chain.diverging for chain in chains]))
    if fraction > TOO_MANY_DIVERGENCES and wanted.target_accept < CAREFUL_TARGET_ACCEPT:
        question.report.say(
            f"  {fraction:.1%} of the draws diverged: sampling again with target_accept {CAREFUL_TARGET_ACCEPT}"
        )
        wanted = wanted._replace(target_accept=CAREFUL_TARGET_ACCEPT)
        chains, more = question.sampled(wanted, ready)
        # Compiled once, whichever of the two had to.
        seconds = {"compile": max(seconds["compile"], more["compile"]), "sample": seconds["sample"] + more["sample"]}
    with question.report.step("evaluating the draws"):
        return question.result(chains, wanted, seconds)


class _Question(NamedTuple):
    """What is sampled, how, and where."""

    target: Marginal
    sampler: str
    seed: int
    executor: Executor | None
    report: Reporter
    checkpoint: Checkpoint

    def sampled(self, wanted: Options, ready: Callable[[], Ready]) -> tuple[list[Chain], dict[str, float]]:
        """Every chain, kept from before or sampled now, and how long compiling and sampling took."""
        seeds = np.random.SeedSequence(self.seed).spawn(wanted.chains)
        numbers = {_name(k, wanted): int(s.generate_state(1)[0]) for k, s in enumerate(seeds)}
        kept = {name: Chain(**piece) for name in numbers if (piece := self.checkpoint.load(name))}
        todo = {name: number for name, number in numbers.items() if name not in kept}
        if not todo:
            return [kept[name] for name in numbers], {"compile": 0.0, "sample": 0.0}
        run, compiling = ready()
        with self.report.step("sampling with NUTS") as sampling:
            try:
                found = kept | run(wanted, todo, sampling, self.checkpoint)
            except Interrupted as stopped:
                raise Interrupted(self._so_far(kept, stopped.result, wanted, sampling)) from None
        return [found[name] for name in numbers], {"compile": compiling, "sample": sampling.seconds}

    def ready(self) -> Ready:
        """What samples, and how long it took to compile; nothing is compiled here where workers do it."""
        if executors.workers(self.executor) > 1 and self.executor is not None:
            return functools.partial(_in_workers, self.executor, self.target, self.sampler), 0.0
        with self.report.step(f"compiling the model for NUTS ({self.sampler})") as compiling:
            run = compiled(self.target, self.sampler)
        return run, compiling.seconds

    def _so_far(
        self, kept: Mapping[str, Chain], stopped: Mapping[str, Chain], wanted: Options, step: Step
    ) -> xr.DataTree | None:
        """Of finished chains; where none is, of all up to the shortest that has begun."""
        every = {**kept, **stopped}
        whole = [chain for chain in every.values() if len(chain.draws) == wanted.draws]
        begun = whole or [chain for chain in every.values() if len(chain.draws) >= FEWEST_DRAWS]
        if not begun:
            return None
        length = min(len(chain.draws) for chain in begun)
        chains = [Chain(**{name: values[:length] for name, values in chain._asdict().items()}) for chain in begun]
        where = f"with {len(whole)} of {wanted.chains} chains finished"
        return results.partial(self.result(chains, wanted, {"compile": 0.0, "sample": step.seconds}), where)

    def result(self, chains: list[Chain], wanted: Options, seconds: Mapping[str, float]) -> xr.DataTree:
        """The chains with all that follows from them."""
        recorded = {**wanted._asdict(), "sampler": self.sampler, "integrated": list(self.target.solved.names)}
        draws = {n: np.stack([chain.draws[:, i] for chain in chains]) for i, n in enumerate(self.target.names)}
        stats = {n: np.stack([getattr(chain, n) for chain in chains]) for n in Chain._fields if n != "draws"}
        full = results.restored(self.target, draws, self.seed)
        return results.to_tree(
            self.target.analysis, full, stats, engine="nuts", seed=self.seed, options=recorded, seconds=seconds
        )


def _name(chain: int, options: Options) -> str:
    return f"chain-{chain}-accept-{options.target_accept}"


# --- samplers ---------------------------------------------------------------------------------------------------------


def compiled(target: Marginal, sampler: str = "nutpie") -> Run:
    """What samples a model, compiled."""
    return _nutpie(target) if sampler == "nutpie" else _pymc(target)


def _nutpie(target: Marginal) -> Run:
    import nutpie

    from bayesnu.likelihood import pymc_model

    model = pymc_model.build_marginal(target)
    prior = nutpie.compile_pymc_model(model, backend="numba", default_initialization_strategy="prior")
    dispersed = _dispersed(prior, target)

    def begin(options: Options, seed: int, tell: Callable[[int], None]) -> Any:
        return nutpie.sample(
            dispersed, draws=options.draws, tune=options.tune, chains=1, cores=1, seed=seed,
            target_accept=options.target_accept, progress_bar=False, save_warmup=False, blocking=False,
            progress_callback=lambda chains: tell(chains[0].finished_draws),
        )  # fmt: skip

    def run(options: Options, seeds: Mapping[str, int], step: Step, checkpoint: Checkpoint) -> dict[str, Chain]:
        counts: dict[str, int] = {}
        starts = {
            name: functools.partial(begin, options, seed, functools.partial(counts.__setitem__, name))
            for name, seed in seeds.items()
        }
        whole = len(seeds) * (options.draws + options.tune)
        return _side_by_side(target, starts, checkpoint, lambda: step.done(sum(counts.values()), whole))

    return run


def _dispersed(compiled: Any, target: Marginal) -> Any:
    """Each chain starts at a prior draw, chosen with odds that follow the likelihood: so no mode is the favourite."""
    names, slices, _ = compiled.shape_info
    columns = [int(slices[names.index(name)].start) for name in target.names]
    one_at_a_time = threading.Lock()

    def start(seed: Any) -> Array:
        rng = np.random.default_rng(seed)
        with one_at_a_time:
            points = [compiled.initial_point_func(int(s)) for s in rng.integers(2**31, size=START_DRAWS)]
            x = np.stack([compiled.expand_func(point)[0] for point in points])[:, columns]
        log_likelihood = np.nan_to_num(target.log_likelihood(x), nan=-np.inf)
        return np.asarray(points[int(np.argmax(log_likelihood + rng.gumbel(size=len(points))))])

    return dataclasses.replace(compiled, initial_point_func=start)


def _side_by_side(
    target: Marginal, starts: Mapping[str, Callable[[], Any]], checkpoint: Checkpoint, tick: Callable[[], None]
) -> dict[str, Chain]:
    """Chains in threads of nutpie, as many at once as there are cores."""
    waiting, running, done = dict(starts), dict[str, Any](), dict[str, Chain]()
    try:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                name = next(iter(waiting))
                running[name] = waiting.pop(name)()
            for name in [name for name, sampler in running.items() if _ended(sampler)]:
                done[name] = _chain(target, running.pop(name).wait())
                checkpoint.save(name, done[name]._asdict())
            tick()
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        stopped = {name: _aborted(target, running.pop(name)) for name in list(running)}
        raise Interrupted({name: (done | stopped)[name] for name in starts if name in done | stopped}) from None
    finally:
        for sampler in running.values():
            sampler.cancel()
    return done


def _ended(sampler: Any) -> bool:
    # nutpie 0.16 raises where it means no.
    try:
        return bool(sampler.is_finished)
    except TimeoutError:
        return False


def _aborted(target: Marginal, sampler: Any) -> Chain:
    """A chain as far as it is."""
    with warnings.catch_warnings():
        # ArviZ wonders at a chain that has no draw yet.
        warnings.filterwarnings("ignore", "Found chain dimension to be longer", UserWarning)
        return _chain(target, sampler.abort())


def _in_workers(
    executor: Executor, target: Marginal, sampler: str, options: Options, seeds: Mapping[str, int], step: Step,
    checkpoint: Checkpoint,
) -> dict[str, Chain]:  # fmt: skip
    parcel = executors.parcel(executor, f"{sampler} {target.analysis.hash()}", target)
    jobs = {name: (chain_at, parcel, sampler, options, seed) for name, seed in seeds.items()}
    return finished(checkpoint, executor, jobs, Chain, step.done)


_COMPILED: dict[str, Run] = {}
"""In a worker: models that it has compiled."""


def chain_at(parcel: executors.Parcel, sampler: str, options: Options, seed: int) -> Chain:
    """In a worker: one chain of a model that is compiled once."""
    if parcel.key not in _COMPILED:
        _COMPILED[parcel.key] = compiled(executors.opened(parcel), sampler)
    return _COMPILED[parcel.key](options, {"chain": seed}, Step("one chain"), NOWHERE)["chain"]


def _pymc(target: Marginal) -> Run:
    """One chain after the other, each by itself: PyMC would start those of one call from the mean of all."""
    from bayesnu.likelihood import pymc_model

    model = pymc_model.build_marginal(target)

    def one(options: Options, seed: int) -> Chain:
        settings = options._replace(chains=1)._asdict()
        try:
            return _chain(target, pymc_model.sample(model, seed=seed, **settings))
        except ValueError as error:
            # PyMC keeps an interrupt to itself; before the first draw it then has nothing to return.
            if "Not enough samples" in str(error):
                raise KeyboardInterrupt from None
            raise

    def run(options: Options, seeds: Mapping[str, int], step: Step, checkpoint: Checkpoint) -> dict[str, Chain]:
        chains = dict[str, Chain]()
        try:
            for name, seed in seeds.items():
                chains[name] = one(options, seed)
                if len(chains[name].draws) < options.draws:
                    raise KeyboardInterrupt
                checkpoint.save(name, chains[name]._asdict())
                step.done(len(chains), len(seeds))
        except (KeyboardInterrupt, SystemError) as stopped:
            if not is_interrupt(stopped):
                raise
            raise Interrupted(chains) from None
        return chains

    return run


def _chain(target: Marginal, tree: xr.DataTree) -> Chain:
    """The one chain of a sampler's result."""
    posterior, stats = (tree[group].to_dataset().isel(chain=0) for group in ("posterior", "sample_stats"))
    found = {str(name): np.asarray(stats[name].values) for name in stats.data_vars}
    draws = np.stack([np.asarray(posterior[name].values) for name in target.names], axis=-1)
    depth, logp = (found[new if new in found else old] for new, old in (("depth", "tree_depth"), ("logp", "lp")))
    steps, diverging = found["n_steps"].astype(np.int64), found["diverging"].astype(np.int8)
    return Chain(draws, diverging, found["energy"], steps, depth.astype(np.int64), found["step_size"], logp)
