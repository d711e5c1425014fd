"""emcee with differential evolution: independent ensembles are the chains, the autocorrelation time is the gate.

A parameter whose prior is flat in its logarithm is walked in it: differences of walkers over many decades say nothing.
The snooker move of emcee 3.1 is wrong (its Jacobian has half the power it needs), so DEMove is used alone.
"""

import functools
from typing import NamedTuple

import emcee
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.errors import PredictionError
from bayesnu.infer import results
from bayesnu.infer.progress import Reporter, Step
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import Analysis, is_angle
from bayesnu.likelihood.marginal import Marginal, marginal
from bayesnu.schema import LogUniform

Array = NDArray[np.float64]

FIRST_STEPS = 1000
BURN_IN_TAU = 8
START_DRAWS = 40
"""Prior draws per walker from which the starts are chosen."""


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


def ensemble(
    analysis: Analysis, *, seed: int, options: Options | None = None, reporter: Reporter | None = None
) -> xr.DataTree:
    """Posterior by emcee; each ensemble is a chain, thinned by half the longest autocorrelation time.

    >>> import bayesnu as bn
    >>> tree = bn.ensemble(bn.load("coherent-csi-effective"), seed=1)  # doctest: +SKIP
    """
    wanted, report = options or Options(), reporter or Reporter(quiet=True)
    target = marginal(analysis)
    seeds = np.random.SeedSequence(seed).spawn(wanted.ensembles)
    with report.step("sampling with emcee") as step:
        runs = [_Run.start(target, wanted, np.random.default_rng(s)) for s in seeds]
        taus, length = _advance(target, runs, wanted, step)
    tau, burn = float(np.max(taus)), _burn_in(length, float(np.max(taus)))
    thin = max(int(tau / 2), 1)
    chain = np.stack([run.sampler.get_chain(discard=burn, thin=thin) for run in runs])
    draws = to_physical(target, chain.reshape(len(runs), -1, chain.shape[-1]))
    kept = length - burn
    walkers = chain.shape[2]
    recorded = {
        **wanted._asdict(), "walkers": walkers, "steps": length, "burn_in": burn, "thin": thin, "tau": tau,
        "steps_per_tau": kept / tau, "ess_walkers": len(runs) * walkers * kept / tau,
        "integrated": list(target.solved.names),
    }  # fmt: skip
    accepted = np.stack([run.sampler.acceptance_fraction for run in runs])
    return results.to_tree(
        analysis,
        results.restored(target, {name: draws[..., i] for i, name in enumerate(target.names)}, seed),
        {"acceptance_fraction_of_walker": np.tile(accepted, (1, draws.shape[1] // walkers))},
        engine="emcee",
        seed=seed,
        options=recorded,
        seconds={"compile": 0.0, "sample": step.seconds},
    )


class _Run(NamedTuple):
    sampler: emcee.EnsembleSampler

    @classmethod
    def start(cls, target: Marginal, options: Options, rng: np.random.Generator) -> "_Run":
        dimensions = len(target.names)
        walkers = options.walkers or max(4 * dimensions, 32)
        angles = [i for i, p in enumerate(target.free) if is_angle(p)]
        sampler = emcee.EnsembleSampler(
            walkers,
            dimensions,
            functools.partial(walked_log_prob, target),
            vectorize=True,
            moves=PeriodicDEMove(angles),
        )
        sampler.random_state = np.random.RandomState(rng.integers(2**32)).get_state()
        sampler.run_mcmc(
            to_walked(target, starts(target, walkers, rng)), 1, store=False, skip_initial_state_check=False
        )
        return cls(sampler)


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


def _advance(target: Marginal, runs: list[_Run], options: Options, step: Step) -> tuple[Array, int]:
    """Run until every ensemble is long enough, or the number of steps that was asked for."""
    length, goal = 0, options.steps or FIRST_STEPS
    while True:
        for k, run in enumerate(runs):
            run.sampler.run_mcmc(run.sampler._previous_state, goal - length, skip_initial_state_check=True)
            step.done(length * len(runs) + (k + 1) * (goal - length), goal * len(runs))
        length = goal
        taus = np.array([_tau(target, run.sampler.get_chain()) for run in runs])
        tau = float(taus.max())
        kept = length - _burn_in(length, tau)
        walkers = runs[0].sampler.nwalkers * len(runs)
        enough = kept > options.steps_per_tau * tau and walkers * kept / tau > options.ess
        if options.steps or enough or length >= options.max_steps:
            return taus, length
        goal = min(max(int(1.3 * (options.steps_per_tau + BURN_IN_TAU) * tau), length + 500), options.max_steps)


def _burn_in(length: int, tau: float) -> int:
    return int(min(BURN_IN_TAU * tau, length / 2))


def _tau(target: Marginal, chain: Array) -> float:
    """Longest autocorrelation time of a parameter, angles as cosine and sine; chain is (step, walker, parameter)."""
    half = chain[len(chain) // 4 :]
    angles = [i for i, p in enumerate(target.free) if is_angle(p)]
    linear = np.concatenate(
        [np.delete(half, angles, axis=2), np.cos(half[..., angles]), np.sin(half[..., angles])], axis=2
    )
    return float(np.max(emcee.autocorr.integrated_time(linear, quiet=True, tol=0)))
