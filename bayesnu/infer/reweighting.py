"""The same posterior under other priors, by name: draws weighted by the ratio of the priors, or sampled again.

The weights are Pareto smoothed (Vehtari et al., J. Mach. Learn. Res. 25 (2024) 72); where their tail has an exponent k
of 0.7 or more, or the other prior allows what the first forbids, weights cannot tell and only a new run can.
"""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Final, Literal, NamedTuple

import arviz_stats
import msgspec
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import checks, ensemble, evidence, executors, results
from bayesnu.infer.checks import Gate
from bayesnu.infer.fit import alone, as_dataset
from bayesnu.likelihood import priors, usage
from bayesnu.likelihood.analysis import Analysis, from_resolved
from bayesnu.schema import Circular, Haar, LogUniform, Prior, Resolved, SquareUniform, Uniform

Array = NDArray[np.float64]
Name = Literal["flat", "square", "log", "haar"]
Chosen = Mapping[str, Prior]
"""Parameter -> its prior."""

NAMES: Final[dict[str, str]] = {
    "flat": "flat in every modulus",
    "square": "flat in the square of every modulus",
    "log": "flat in the logarithm of every modulus",
    "haar": "Haar measure of the mixing matrix, in place of what is known of the angles",
}
OF_EVIDENCE: Final = {"flat": "parameter", "square": "square", "log": "logarithm"}
"""What infer.evidence calls the same priors."""
PARETO_K: Final = 0.7
DIMS: Final = ("chain", "draw")


class Weighted(NamedTuple):
    """An upper limit from weighted draws, its Monte Carlo error, and the exponent of the weights' tail."""

    upper: float
    mcse: float
    pareto_k: float

    @property
    def usable(self) -> bool:
        """Whether the weights have a tail that allows a limit."""
        return self.pareto_k < PARETO_K


# --- priors by name ---------------------------------------------------------------------------------------------------


def named(model: Resolved, name: str, log_from: float | None = None) -> dict[str, Prior]:
    """The priors that a name stands for in a model: of every modulus on its declared range, or of the mixing.

    `log_from` is where a logarithmic prior starts, in the declared unit; by default a thousandth of its end.

    >>> import bayesnu as bn
    >>> [priors.describe(p) for p in named(bn.load("coherent-csi-effective").model, "log", 1.0).values()]
    ['log-uniform(1, 200)']
    """
    if name not in NAMES:
        hint = did_you_mean(name, NAMES) or "name one of these"
        raise DeclarationError(Problem("limits", "priors", repr(name), f"one of {', '.join(NAMES)}", hint))
    found = _of_mixing(model) if name == "haar" else _of_moduli(model, name, log_from)
    if not found:
        what = "a free mixing angle" if name == "haar" else "a modulus with a flat prior on a range"
        hint = "leave the mixing free in the model" if name == "haar" else "use another model"
        raise DeclarationError(Problem(model.name, f"priors {name}", "none", what, hint))
    return found


def _of_moduli(model: Resolved, name: str, log_from: float | None) -> dict[str, Prior]:
    found: dict[str, Prior] = {}
    for modulus, prior in moduli(model).items():
        low, high = priors.support(prior)
        if name == "log" and log_from is not None:
            low = log_from
        found[modulus] = evidence.named_priors(low, high)[OF_EVIDENCE[name]]
    return found


def _of_mixing(model: Resolved) -> dict[str, Prior]:
    """Haar measure: beta densities of the sines, every phase of the mixing flat."""
    found: dict[str, Prior] = {}
    for name in [*model.parameters, *model.nuisances]:
        if angle := re.fullmatch(r"sin2_theta_([1-4])([1-4])", name):
            found[name] = Haar(apart=int(angle[2]) - int(angle[1]))
    phases = [n for n in [*model.parameters, *model.nuisances] if n.startswith("delta_")]
    return found | dict.fromkeys(phases, Circular()) if found else {}


def moduli(model: Resolved) -> dict[str, Prior]:
    """Moments of interest whose prior is flat, in some power or the logarithm, on a range; with that prior."""
    moments = {name for name, dimension in usage.used_parameters(model).items() if dimension == "moment"}
    flat = Uniform | LogUniform | SquareUniform
    return {n: p.prior for n, p in model.parameters.items() if n in moments and isinstance(p.prior, flat)}


def declared(model: Resolved, chosen: Chosen) -> dict[str, Prior]:
    """The priors that a model itself gives to these parameters."""
    own = {n: p.prior for n, p in model.parameters.items()} | {n: p.prior for n, p in model.nuisances.items()}
    return {n: prior for n in chosen if (prior := own[n]) is not None}


# --- weights ----------------------------------------------------------------------------------------------------------


def covered(old: Chosen, new: Chosen) -> bool:
    """Whether the old priors allow everything that the new ones do: else no weight can stand for what is missing."""
    spans = [(priors.support(old[name]), priors.support(prior)) for name, prior in new.items()]
    return all(before[0] <= after[0] and after[1] <= before[1] for before, after in spans)


def log_ratio(draws: xr.Dataset, old: Chosen, new: Chosen) -> xr.DataArray:
    """Log of (new prior / old prior) of each draw (chain, draw); a parameter that was held has none."""
    total = xr.zeros_like(next(iter(draws.data_vars.values())), dtype=float)
    for name in [n for n in new if n in draws and old[n] != new[n]]:
        x = draws[name].values
        with np.errstate(divide="ignore"):
            ratio = priors.log_density(new[name], x, np) - priors.log_density(old[name], x, np)
        total = total + xr.DataArray(ratio, dims=draws[name].dims)
    return total.transpose(*DIMS)


def limit(draws: xr.DataArray, log_weights: xr.DataArray, level: float) -> Weighted:
    """The quantile of weighted draws, with the Monte Carlo error that follows from their autocorrelation.

    >>> x = xr.DataArray(np.linspace(0.0, 1.0, 4000).reshape(4, 1000), dims=("chain", "draw"))
    >>> round(limit(x, 0.0 * x, 0.9).upper, 3)
    0.9
    """
    draws = draws.transpose(*DIMS)
    weights, pareto_k = _smoothed(log_weights, _efficiency(draws))
    upper = _quantile(draws, weights, level)
    share = xr.DataArray(weights * ((draws.values <= upper) - level), dims=DIMS)
    spread = float(arviz_stats.mcse(share, method="mean", sample_dims=DIMS)) * _walkers(draws)
    low, high = (_quantile(draws, weights, min(max(level + s * spread, 0.0), 1.0)) for s in (-1, 1))
    return Weighted(upper, 0.5 * (high - low), pareto_k)


def _smoothed(log_weights: xr.DataArray, efficiency: float) -> tuple[Array, float]:
    """Weights of mean one (chain, draw) and Pareto's k; equal weights have no tail."""
    values = log_weights.transpose(*DIMS).values
    if np.ptp(values) == 0:
        return np.ones(values.shape), float("-inf")
    # ArviZ takes log-likelihoods left out, which are the negative logarithms of the ratios; it returns log weights.
    negative = xr.DataArray(np.minimum(-values, 600.0 - np.max(values)), dims=DIMS)
    smooth, k = negative.azstats.psislw(r_eff=efficiency, dim=list(DIMS))
    weights = np.exp(smooth.transpose(*DIMS).values)
    return np.asarray(weights / weights.mean()), float(k)


def _efficiency(draws: xr.DataArray) -> float:
    """Independent draws per draw."""
    size = draws.attrs.get("ess_walkers") or arviz_stats.ess(draws, method="mean", sample_dims=DIMS)
    return float(min(float(size) / draws.size, 1.0))


def _walkers(draws: xr.DataArray) -> float:
    """Walkers of an ensemble are not independent: how much larger an error is than ArviZ takes it to be."""
    if "ess_walkers" not in draws.attrs:
        return 1.0
    taken = float(arviz_stats.ess(draws, method="mean", sample_dims=DIMS))
    return float(max(taken / float(draws.attrs["ess_walkers"]), 1.0) ** 0.5)


def _quantile(draws: xr.DataArray, weights: Array, level: float) -> float:
    return float(np.quantile(draws.values.ravel(), level, weights=weights.ravel(), method="inverted_cdf"))


# --- a new run --------------------------------------------------------------------------------------------------------


def analysis_of(tree: xr.DataTree) -> Analysis:
    """The analysis that made a result, from the result alone."""
    observed = {str(n): v.values for n, v in tree["observed_data"].to_dataset().items()}
    return from_resolved(results.model_of(tree), observed)


def with_priors(analysis: Analysis, chosen: Chosen) -> Analysis:
    """The same likelihood with other priors of some parameters.

    >>> import bayesnu as bn
    >>> other = with_priors(bn.load("coherent-csi-effective"), {"mu_nu": Uniform(low=0.0, high=400.0)})
    >>> other.free[0].prior.high
    400.0
    """
    model = analysis.model
    changed = {n: msgspec.structs.replace(p, prior=chosen.get(n, p.prior)) for n, p in model.parameters.items()}
    nuisances = {n: msgspec.structs.replace(p, prior=chosen.get(n, p.prior)) for n, p in model.nuisances.items()}
    return from_resolved(msgspec.structs.replace(model, parameters=changed, nuisances=nuisances), analysis.observed)


def rerun(analysis: Analysis, chosen: Chosen, *, seed: int, names: Sequence[str] = (), steps: int | None = None,
          gate: Gate | None = None, executor: Executor | None = None) -> xr.DataTree:  # fmt: skip
    """Posterior under other priors, by emcee with its verdict; `names` are also taken alone, the others at zero.

    An executor takes the ensembles, and then each parameter alone.

    >>> import bayesnu as bn
    >>> wider = {"mu_nu": Uniform(low=0.0, high=400.0)}
    >>> tree = rerun(bn.load("coherent-csi-effective"), wider, seed=1)  # doctest: +SKIP
    """
    other, wanted = with_priors(analysis, chosen), gate or Gate()
    tree = ensemble.ensemble(other, seed=seed, options=ensemble.Options(steps=steps), executor=executor)
    checks.record(tree, wanted)
    jobs = {name: (alone, other, name, seed, wanted) for name in names}
    singles = dict(executors.completed(executor or executors.Serial(), jobs))
    for name in names:
        tree[f"one_at_a_time/{name}"] = xr.DataTree(as_dataset(singles[name], name))
    return tree
