"""The convergence gate: what fails is named, recorded in the result, and marked in every output."""

import json
from typing import NamedTuple

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.errors import ConvergenceError
from bayesnu.infer.results import model_of
from bayesnu.schema import Circular

Array = NDArray[np.float64]


TAIL = (0.05, 0.95)
"""The quantiles whose effective sample sizes are asked for."""


class Gate(NamedTuple):
    """What a run must reach."""

    r_hat: float = 1.01
    ess: float = 400.0
    divergences: float = 0.005
    """Largest fraction of divergent draws."""
    steps_per_tau: float = 50.0
    evidence_sigmas: float = 4.0
    """Largest distance of one run's log evidence from that of all, in its own errors."""


class Diagnostics(NamedTuple):
    """What a run reached; None where the engine has no such number."""

    r_hat_max: float | None
    ess_bulk_min: float | None
    ess_tail_min: float | None
    divergences: int | None
    divergence_fraction: float | None
    ess_walkers_min: float | None
    """Walker steps over the autocorrelation time: what an ensemble has in place of an ESS."""
    steps_per_tau_min: float | None
    failures: tuple[str, ...]
    ess_weights: float | None = None
    """(sum w)^2 / sum w^2 of all runs: what nested sampling has in place of an ESS."""
    evidence_sigmas: float | None = None

    @property
    def converged(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


def diagnose(tree: xr.DataTree, gate: Gate) -> Diagnostics:
    """Diagnostics of a result against a gate; angles are judged by their cosine and sine."""
    values = {name: array for name, array in _linear(tree).items() if np.ptp(array) > 0}
    # An ESS is that of a chain: walkers depend on each other, draws of nested sampling on nothing.
    chains = tree.attrs["engine"] == "nuts"
    r_hat = {name: float(arviz_stats.rhat(array)) for name, array in values.items()}
    bulk = {n: float(arviz_stats.ess(a, method="bulk")) for n, a in values.items() if chains}
    tail = {n: float(arviz_stats.ess(a, method="tail", prob=TAIL)) for n, a in values.items() if chains}
    stats = tree["sample_stats"].to_dataset()
    divergent = int(stats["diverging"].sum()) if "diverging" in stats else None
    fraction = divergent / stats["diverging"].size if divergent is not None else None
    options = json.loads(tree.attrs["options"])
    steps, ess_walkers = options.get("steps_per_tau"), options.get("ess_walkers")
    ess_weights, sigmas = options.get("ess_weights"), options.get("evidence_sigmas")
    failures = [
        *([f"interrupted {tree.attrs['interrupted']}: --resume goes on"] if tree.attrs.get("partial") else []),
        *(f"R-hat of {n} is {v:.4f}, above {gate.r_hat:g}" for n, v in r_hat.items() if not v < gate.r_hat),
        *(f"bulk ESS of {n} is {v:.0f}, below {gate.ess:g}" for n, v in bulk.items() if not v > gate.ess),
        *(f"tail ESS of {n} is {v:.0f}, below {gate.ess:g}" for n, v in tail.items() if not v > gate.ess),
    ]
    if fraction is not None and not fraction < gate.divergences:
        failures.append(f"{fraction:.2%} of the draws diverged, above {gate.divergences:.2%}")
    if steps is not None and not steps > gate.steps_per_tau:
        failures.append(f"the ensembles are {steps:.0f} autocorrelation times long, below {gate.steps_per_tau:g}")
    if ess_walkers is not None and not ess_walkers > gate.ess:
        failures.append(f"walker steps over tau are {ess_walkers:.0f}, below {gate.ess:g}")
    if ess_weights is not None and not ess_weights > gate.ess:
        failures.append(f"the effective size of the weighted draws is {ess_weights:.0f}, below {gate.ess:g}")
    if sigmas is not None and not sigmas < gate.evidence_sigmas:
        failures.append(f"the log evidence of a run is {sigmas:.1f} of its errors away, above {gate.evidence_sigmas:g}")
    if not options.get("complete", True):
        failures.append("a nested run ended before it had explored the posterior: allow more evaluations")
    failures += json.loads(tree.attrs.get("modes", "{}")).get("failures", [])
    return Diagnostics(
        r_hat_max=max(r_hat.values(), default=None),
        ess_bulk_min=min(bulk.values(), default=None),
        ess_tail_min=min(tail.values(), default=None),
        divergences=divergent,
        divergence_fraction=fraction,
        ess_walkers_min=ess_walkers,
        steps_per_tau_min=steps,
        failures=tuple(failures),
        ess_weights=ess_weights,
        evidence_sigmas=sigmas,
    )


def _linear(tree: xr.DataTree) -> dict[str, Array]:
    """Every reported quantity, angles as cosine and sine."""
    model = model_of(tree)
    priors = {n: p.prior for n, p in model.parameters.items()} | {n: p.prior for n, p in model.nuisances.items()}
    found: dict[str, Array] = {}
    for name, array in tree["posterior"].to_dataset().data_vars.items():
        values = np.asarray(array.transpose("chain", "draw").values)
        if isinstance(priors.get(str(name)), Circular):
            found |= {f"cos {name}": np.cos(values), f"sin {name}": np.sin(values)}
        else:
            found[str(name)] = values
    return found


def record(tree: xr.DataTree, gate: Gate) -> Diagnostics:
    """Judge a result and write the verdict, with the gate, into its attributes."""
    found = diagnose(tree, gate)
    tree.attrs["gate"] = json.dumps(gate._asdict())
    tree.attrs["diagnostics"] = json.dumps(found._asdict())
    tree.attrs["converged"] = int(found.converged)
    return found


def recorded(tree: xr.DataTree) -> Diagnostics:
    """The verdict that a result carries."""
    content = json.loads(tree.attrs["diagnostics"])
    return Diagnostics(**{**content, "failures": tuple(content["failures"])})


def check(tree: xr.DataTree) -> None:
    """Raise ConvergenceError where a result failed its gate."""
    found = recorded(tree)
    if not found.converged:
        raise ConvergenceError(found.failures)
