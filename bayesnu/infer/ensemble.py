"""emcee with differential evolution: independent ensembles are the chains, the autocorrelation time is the gate.

A parameter whose prior is flat in its logarithm is walked in it: differences of walkers over many decades say nothing.
The snooker move of emcee 3.1 is wrong (its Jacobian has half the power it needs), so DEMove is used alone.
"""

import functools
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import NamedTuple

import emcee
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.errors import PredictionError
from bayesnu.infer import executors, results
from bayesnu.infer.checkpoint import NOWHERE, Checkpoint, Interrupted
from bayesnu.infer.progress import Reporter, Step
from bayesnu.infer.threads import one_thread
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import Analysis, is_angle
from bayesnu.likelihood.marginal import Marginal, marginal
from bayesnu.schema import LogUniform

Array = NDArray[np.float64]

FIRST_STEPS = 1000
BURN_IN_TAU = 8
START_DRAWS = 40
"""Prior draws per walker from which the starts are chosen."""
FIRST_CHUNK, LOST_SECONDS = 50, 5.0
"""Steps of the first portion, and how long one should take: so much is lost when a run is killed."""
FEWEST_STEPS = 20
"""Of an interrupted run, for which there is a result."""


class Options(NamedTuple):
    """How many ensembles and walkers, and how long: until the gate is passed, or `steps` where it is given."""

    ensembles: int = 4
    walkers: int | None = None
    steps: int | None = None
    max_steps: int = 40000
    steps_per_tau: float = 55.0
    ess: float = 2000.0


class PeriodicDEMove(emcee.moves.DEMove):  # type: ignore[misc]
    """Differential evolution on a torus: the proposals of angles are wrapped."""

    def __init__(self, angles: list[int]) -> None:
        super().__init__()
        self.angles = angles

    def get_proposal(self, s: Array, c: list[Array], random: np.random.RandomState) -> tuple[Array, Array]:
        """A proposal of the parent class with its angles in [0, 2 pi)."""
        proposed, factors = super().get_proposal(s, c, random)
        proposed[:, self.angles] %= priors.TWO_PI
        return proposed, factors


class Walk(NamedTuple):
    """Some steps of one ensemble, and all that it takes to go on from their end."""

    chain: Array
    """(step, walker, parameter), in the coordinates of the walkers."""
    accepted: Array
    """Proposals of each walker that were accepted."""
    coords: Array
    log_prob: Array
    keys: NDArray[np.uint32]
    """State of the random numbers, in four parts, as NumPy has it."""
    position: int
    has_gauss: int
    gauss: float

    def tip(self) -> "Walk":
        """The end alone."""
        return self._replace(chain=self.chain[:0], accepted=0.0 * self.accepted)


@one_thread
def ensemble(
    analysis: Analysis, *, seed: int, options: Options | None = None, reporter: Reporter | None = None,
    executor: Executor | None = None, checkpoint: Checkpoint = NOWHERE,
) -> xr.DataTree:  # fmt: skip
    """Posterior by emcee; each ensemble is a chain, thinned by half the longest autocorrelation time.

    Any `concurrent.futures.Executor` may run the ensembles. With a checkpoint the steps are kept every few seconds, and
    go on where they were; an interrupt raises `checkpoint.Interrupted` with the result so far.

    >>> import bayesnu as bn
    >>> tree = bn.ensemble(bn.load("coherent-csi-effective"), seed=1)  # doctest: +SKIP
    """
    wanted, report = options or Options(), reporter or Reporter(quiet=True)
    target = marginal(analysis)
    with report.step("sampling with emcee") as step:
        ensembles = _Ensembles.of(target, wanted, seed, executor or executors.Serial(), checkpoint)
        try:
            tau = _advance(target, ensembles, wanted, step)
        except KeyboardInterrupt:
            raise Interrupted(_so_far(target, ensembles, wanted, seed, step)) from None
    with report.step("evaluating the draws"):
        return _result(target, ensembles, tau, wanted, seed, step)


def _so_far(target: Marginal, ensembles: "_Ensembles", wanted: Options, seed: int, step: Step) -> xr.DataTree | None:
    length = ensembles.length
    if length < FEWEST_STEPS:
        return None
    tau = max(_tau(target, chain) for chain in ensembles.chains())
    tree = _result(target, ensembles, tau, wanted, seed, step)
    return results.partial(tree, f"after {length} steps of each ensemble")


def _result(
    target: Marginal, ensembles: "_Ensembles", tau: float, wanted: Options, seed: int, step: Step
) -> xr.DataTree:  # fmt: skip
    length, number = ensembles.length, wanted.ensembles
    burn = _burn_in(length, tau)
    thin = max(min(int(tau / 2), length - burn), 1)
    # As emcee thins: the last of each `thin` steps.
    chain = np.stack([run[burn + thin - 1 :: thin] for run in ensembles.chains()])
    draws = to_physical(target, chain.reshape(number, -1, chain.shape[-1]))
    kept, walkers = length - burn, chain.shape[2]
    recorded = {
        **wanted._asdict(), "walkers": walkers, "steps": length, "burn_in": burn, "thin": thin, "tau": tau,
        "steps_per_tau": kept / tau, "ess_walkers": number * walkers * kept / tau,
        "integrated": list(target.solved.names),
    }  # fmt: skip
    return results.to_tree(
        target.analysis,
        results.restored(target, {name: draws[..., i] for i, name in enumerate(target.names)}, seed),
        {"acceptance_fraction_of_walker": np.tile(ensembles.accepted(), (1, draws.shape[1] // walkers))},
        engine="emcee",
        seed=seed,
        options=recorded,
        seconds={"compile": 0.0, "sample": step.seconds},
    )


# --- the ensembles ----------------------------------------------------------------------------------------------------


class _Ensembles(NamedTuple):
    """Where each ensemble is, who moves it, and what is kept of it."""

    executor: Executor
    parcel: executors.Parcel
    checkpoint: Checkpoint
    walks: list[list[Walk]]

    @classmethod
    def of(
        cls, target: Marginal, options: Options, seed: int, executor: Executor, checkpoint: Checkpoint
    ) -> "_Ensembles":
        """Begun, or as they were kept."""
        parcel = executors.parcel(executor, f"ensembles {target.analysis.hash()}", target)
        walks = [_kept(checkpoint, k) for k in range(options.ensembles)]
        seeds = np.random.SeedSequence(seed).spawn(options.ensembles)
        begun = zip(walks, seeds, strict=True)
        jobs = [(start, parcel, options.walkers, of_one) for walk, of_one in begun if not walk]
        new = iter(executors.gathered(executor, lambda future: None, jobs))
        return cls(executor, parcel, checkpoint, [walk or [next(new)] for walk in walks])

    @property
    def length(self) -> int:
        """Steps that all of them have."""
        return min(sum(len(w.chain) for w in walk) for walk in self.walks)

    def reach(self, goal: int, chunk: int) -> None:
        """Some steps more for each that has not yet reached the goal."""
        lengths = [sum(len(w.chain) for w in walk) for walk in self.walks]
        jobs = {
            str(k): (advanced, self.parcel, walk[-1].tip(), min(chunk, goal - length))
            for k, (walk, length) in enumerate(zip(self.walks, lengths, strict=True))
            if length < goal
        }
        for name, walk in executors.completed(self.executor, jobs):
            self.checkpoint.save(_name(int(name), lengths[int(name)]), walk._asdict())
            self.walks[int(name)].append(walk)

    def chains(self) -> Iterator[Array]:
        """(step, walker, parameter) of one after the other, all of one length; all at once would not fit twice."""
        for walk in self.walks:
            yield np.concatenate([w.chain for w in walk])[: self.length]

    def accepted(self) -> Array:
        """Fraction of the proposals of each walker that was accepted, (ensemble, walker)."""
        each = [(sum(w.accepted for w in walk), sum(len(w.chain) for w in walk)) for walk in self.walks]
        return np.stack([number / steps for number, steps in each])


def _name(which: int, first_step: int) -> str:
    return f"ensemble-{which}-from-{first_step}"


def _kept(checkpoint: Checkpoint, which: int) -> list[Walk]:
    """The steps of an ensemble that were kept, without a gap."""
    walks: list[Walk] = []
    while piece := checkpoint.load(_name(which, sum(len(w.chain) for w in walks))):
        walks.append(Walk(**piece))
    return walks


def start(parcel: executors.Parcel, walkers: int | None, stream: np.random.SeedSequence) -> Walk:
    """An ensemble after its first step, from a random stream of its own."""
    target: Marginal = executors.opened(parcel)
    rng = np.random.default_rng(stream)
    sampler = _sampler(target, walkers or max(4 * len(target.names), 32))
    sampler.random_state = np.random.RandomState(rng.integers(2**32)).get_state()
    first = to_walked(target, starts(target, sampler.nwalkers, rng))
    end = sampler.run_mcmc(first, 1, store=False, skip_initial_state_check=False)
    return _walk(end, np.zeros((0, *first.shape)), np.zeros(len(first)))


def advanced(parcel: executors.Parcel, tip: Walk, steps: int) -> Walk:
    """The next steps of an ensemble; in how many portions they are done does not change them."""
    sampler = _sampler(executors.opened(parcel), len(tip.coords))
    random_state = ("MT19937", tip.keys, tip.position, tip.has_gauss, tip.gauss)
    state = emcee.State(tip.coords, log_prob=tip.log_prob, random_state=random_state)
    end = sampler.run_mcmc(state, steps, skip_initial_state_check=True)
    return _walk(end, sampler.get_chain(), sampler.backend.accepted)


def _walk(end: emcee.State, chain: Array, accepted: Array) -> Walk:
    return Walk(chain, accepted, end.coords, end.log_prob, *end.random_state[1:])


def _sampler(target: Marginal, walkers: int) -> emcee.EnsembleSampler:
    angles = [i for i, p in enumerate(target.free) if is_angle(p)]
    log_prob = functools.partial(walked_log_prob, target)
    sampler = emcee.EnsembleSampler(walkers, len(target.names), log_prob, vectorize=True, moves=PeriodicDEMove(angles))
    # Without emcee's wrapper, which prints all walkers when an interrupt comes.
    sampler.log_prob_fn = log_prob
    return sampler


def walked_log_prob(target: Marginal, y: Array) -> Array:
    """Log density of points (n, parameters left) in the coordinates that the walkers have."""
    return np.asarray(target.log_prob(to_physical(target, y)) + y[:, in_log(target)].sum(axis=1))


def in_log(target: Marginal) -> list[int]:
    """Positions of the parameters that are walked in their logarithm."""
    return [i for i, p in enumerate(target.free) if isinstance(p.prior, LogUniform)]


def to_walked(target: Marginal, x: Array) -> Array:
    """Coordinates of the walkers, (..., parameters left), from physical ones."""
    y, logs = x.copy(), in_log(target)
    y[..., logs] = np.log(x[..., logs])
    return y


def to_physical(target: Marginal, y: Array) -> Array:
    """Physical values, (..., parameters left), from the walkers' coordinates."""
    x, logs = y.copy(), in_log(target)
    x[..., logs] = np.exp(y[..., logs])
    return x


def starts(target: Marginal, walkers: int, rng: np.random.Generator) -> Array:
    """Distinct prior draws, chosen with odds that follow the posterior: dispersed, finite, of full rank."""
    x = target.sample_prior(START_DRAWS * walkers, rng)
    log_likelihood = target.log_likelihood(x)
    finite = np.isfinite(log_likelihood)
    if finite.sum() < walkers:
        raise PredictionError(
            f"{target.analysis.model.name}: only {finite.sum()} of {len(x)} prior draws have a finite likelihood"
        )
    # Gumbel top-k: draws without replacement, weighted by the likelihood.
    keys = np.where(finite, log_likelihood + rng.gumbel(size=len(x)), -np.inf)
    return np.asarray(x[np.argsort(-keys)[:walkers]])


def _advance(target: Marginal, ensembles: _Ensembles, options: Options, step: Step) -> float:
    """Run until every ensemble is long enough, or the number of steps that was asked for; the autocorrelation time."""
    goal, number = options.steps or FIRST_STEPS, options.ensembles
    while True:
        _reach(ensembles, goal, step)
        tau = max(_tau(target, chain[:goal]) for chain in ensembles.chains())
        kept = goal - _burn_in(goal, tau)
        walkers = len(ensembles.walks[0][0].coords) * number
        enough = kept > options.steps_per_tau * tau and walkers * kept / tau > options.ess
        if options.steps or enough or goal >= options.max_steps:
            return tau
        goal = min(max(int(1.3 * (options.steps_per_tau + BURN_IN_TAU) * tau), goal + 500), options.max_steps)


def _reach(ensembles: _Ensembles, goal: int, step: Step) -> None:
    """Step by step, each portion about as long as what may be lost."""
    chunk = FIRST_CHUNK
    while ensembles.length < goal:
        began = time.perf_counter()
        ensembles.reach(goal, chunk)
        seconds = time.perf_counter() - began
        chunk = int(np.clip(chunk * LOST_SECONDS / max(seconds, 1e-3), chunk / 2, 4 * chunk)) or 1
        step.done(ensembles.length, goal)


def _burn_in(length: int, tau: float) -> int:
    return int(min(BURN_IN_TAU * tau, length / 2))


def _tau(target: Marginal, chain: Array) -> float:
    """Longest autocorrelation time of a parameter, angles as cosine and sine; chain is (step, walker, parameter)."""
    half = chain[len(chain) // 4 :]
    angles = [i for i, p in enumerate(target.free) if is_angle(p)]
    linear = np.concatenate(
        [np.delete(half, angles, axis=2), np.cos(half[..., angles]), np.sin(half[..., angles])], axis=2
    )
    # A walker that never moved, in a run of a few steps, has no autocorrelation: the run is then too short to tell.
    with np.errstate(invalid="ignore"):
        taus = emcee.autocorr.integrated_time(linear, quiet=True, tol=0)
    return float(np.max(np.where(np.isfinite(taus), taus, len(half))))
