"""NUTS: nutpie where it is installed, else PyMC's own; the choice is explicit and recorded."""

import dataclasses
import importlib.util
import threading
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.infer import results
from bayesnu.infer.progress import Reporter
from bayesnu.likelihood.analysis import Analysis
from bayesnu.likelihood.marginal import Marginal, marginal

Array = NDArray[np.float64]

TOO_MANY_DIVERGENCES = 0.005
CAREFUL_TARGET_ACCEPT = 0.99
START_DRAWS = 100
"""Prior draws from which the start of a chain is chosen."""


class Options(NamedTuple):
    """How long and how carefully to sample."""

    draws: int = 5000
    tune: int = 1500
    chains: int = 4
    target_accept: float = 0.95


def nuts(analysis: Analysis, *, seed: int, options: Options | None = None, reporter: Reporter | None = None,
         sampler: str | None = None) -> xr.DataTree:  # fmt: skip
    """Posterior by NUTS in charts chosen by the priors, with the affine Gaussian nuisances integrated.

    `sampler` is 'nutpie' or 'pymc'; by default nutpie where it is installed.
    Where more than 0.5 % of the draws diverge, as near blind spots, it samples again with target_accept 0.99.

    >>> import bayesnu as bn
    >>> tree = bn.nuts(bn.load("coherent-csi-effective"), seed=1)  # doctest: +SKIP
    """
    wanted, report = options or Options(), reporter or Reporter(quiet=True)
    target = marginal(analysis)
    chosen = sampler or ("nutpie" if importlib.util.find_spec("nutpie") else "pymc")
    run = _nutpie if chosen == "nutpie" else _pymc
    with report.step(f"compiling the model for NUTS ({chosen})") as compiling:
        compiled = run(target)
    with report.step("sampling with NUTS") as sampling:
        drawn = compiled(wanted, seed)
        fraction = float(np.mean(drawn[1]["diverging"]))
        if fraction > TOO_MANY_DIVERGENCES and wanted.target_accept < CAREFUL_TARGET_ACCEPT:
            report.say(
                f"  {fraction:.1%} of the draws diverged: sampling again with target_accept {CAREFUL_TARGET_ACCEPT}"
            )
            wanted = wanted._replace(target_accept=CAREFUL_TARGET_ACCEPT)
            drawn = compiled(wanted, seed)
    seconds = {"compile": compiling.seconds, "sample": sampling.seconds}
    recorded = {**wanted._asdict(), "sampler": chosen, "integrated": list(target.solved.names)}
    draws = results.restored(target, drawn[0], seed)
    return results.to_tree(analysis, draws, drawn[1], engine="nuts", seed=seed, options=recorded, seconds=seconds)


def _nutpie(target: Marginal) -> Any:
    import nutpie

    from bayesnu.likelihood import pymc_model

    model = pymc_model.build_marginal(target)
    prior = nutpie.compile_pymc_model(model, backend="numba", default_initialization_strategy="prior")
    compiled = _dispersed(prior, target)

    def sample(options: Options, seed: int) -> tuple[dict[str, Array], dict[str, Array]]:
        tree = nutpie.sample(
            compiled, draws=options.draws, tune=options.tune, chains=options.chains, seed=seed,
            target_accept=options.target_accept, progress_bar=False, save_warmup=False,
        )  # fmt: skip
        return _drawn(target, tree)

    return sample


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


def _pymc(target: Marginal) -> Any:
    from bayesnu.likelihood import pymc_model

    model = pymc_model.build_marginal(target)

    def sample(options: Options, seed: int) -> tuple[dict[str, Array], dict[str, Array]]:
        return _drawn(target, pymc_model.sample(model, seed=seed, **options._asdict()))

    return sample


def _drawn(target: Marginal, tree: xr.DataTree) -> tuple[dict[str, Array], dict[str, Array]]:
    """Draws by name and the sampler's statistics, (chain, draw)."""
    posterior = tree["posterior"].to_dataset()
    stats = tree["sample_stats"].to_dataset()
    wanted = {"diverging", "energy", "n_steps", "depth", "tree_depth", "step_size", "logp", "lp"}
    kept = {str(n): np.asarray(stats[n].values) for n in stats.data_vars if n in wanted and stats[n].ndim == 2}
    draws = {n: np.asarray(posterior[n].transpose("chain", "draw").values) for n in target.names}
    return draws, {n: v.astype(np.int8) if v.dtype == bool else v for n, v in kept.items()}
