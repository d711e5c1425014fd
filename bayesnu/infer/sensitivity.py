"""How much a posterior leans on its parts: power-scaling of beliefs, of constraints and of the likelihood.

Each part of the density is raised to powers near one, and the change of the posterior is measured (Kallioinen et al.,
Stat. Comput. 34 (2024) 57). Beliefs are the priors of parameters of interest, constraints those of nuisances, which are
measurements. A prior that is flat on its range has no power to scale: what its range does, `infer.blind_spots` says.
"""

from typing import Final, NamedTuple

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.infer import results
from bayesnu.likelihood import priors
from bayesnu.schema import Circular, Nuisance, Parameter

Array = NDArray[np.float64]

DIMS: Final = ("chain", "draw")
GROUP: Final = "sensitivity"
PARTS: Final = ("beliefs", "constraints", "likelihood")
THRESHOLD: Final = 0.05
"""Above it the posterior depends on a part (ArviZ takes the same number)."""
ALPHAS: Final = (0.99, 1.01)


class Sensitivity(NamedTuple):
    """Change of one parameter's posterior with the power of each part."""

    beliefs: float
    constraints: float
    likelihood: float

    @property
    def verdict(self) -> str:
        """What ArviZ would say of it."""
        prior, data = self.beliefs >= THRESHOLD, self.likelihood >= THRESHOLD
        if prior and data:
            return "prior and data disagree, or share the work"
        return "strong prior or weak data" if prior else "the data, not the prior" if data else "weak data"


def record(tree: xr.DataTree) -> None:
    """Store the sensitivities of every parameter of interest in a result."""
    if _measurable(tree):
        tree[GROUP] = xr.DataTree(_dataset(tree))


def recorded(tree: xr.DataTree) -> dict[str, Sensitivity]:
    """Sensitivities of a result by parameter: as it stores them, else computed; empty without its likelihoods."""
    if GROUP in tree.children:
        held = tree[GROUP].to_dataset()
    elif _measurable(tree):
        held = _dataset(tree)
    else:
        return {}
    return {str(n): Sensitivity(*(float(v.sel(part=part)) for part in PARTS)) for n, v in held.data_vars.items()}


def _measurable(tree: xr.DataTree) -> bool:
    return {"log_likelihood", "posterior"} <= set(tree.children) and len(_wanted(tree)) > 0


def _wanted(tree: xr.DataTree) -> list[str]:
    """Every parameter of interest that is no angle, and every effective moment."""
    model = results.model_of(tree)
    angles = {n for n, p in model.parameters.items() if isinstance(p.prior, Circular)}
    return [str(n) for n in tree["posterior"].data_vars if n not in {*angles, *model.nuisances}]


def _dataset(tree: xr.DataTree) -> xr.Dataset:
    """One variable for each quantity of interest, over the parts."""
    model, posterior, wanted = results.model_of(tree), tree["posterior"].to_dataset(), _wanted(tree)
    likelihood = tree["log_likelihood"].to_dataset()
    parts = {
        "beliefs": _log_density(posterior, model.parameters),
        "constraints": _log_density(posterior, model.nuisances),
        "likelihood": sum(v.transpose(*DIMS).values for v in likelihood.data_vars.values()),
    }
    rows = [_scaled(posterior[wanted], np.asarray(values)) for values in parts.values()]
    return xr.concat(rows, dim=xr.Variable("part", list(PARTS)))


def _log_density(posterior: xr.Dataset, entries: dict[str, Parameter] | dict[str, Nuisance]) -> Array:
    shape = tuple(posterior.sizes[d] for d in DIMS)
    known = [(n, p.prior) for n, p in entries.items() if n in posterior and p.prior is not None]
    total = [priors.log_density(prior, posterior[n].transpose(*DIMS).values, np) for n, prior in known]
    return np.asarray(sum(total, np.zeros(shape)))


def _scaled(posterior: xr.Dataset, log_density: Array) -> xr.Dataset:
    """ArviZ's measure for one part; a part that is the same everywhere changes nothing."""
    if np.ptp(log_density) < 1e-9:
        return xr.Dataset(dict.fromkeys(posterior.data_vars, 0.0))
    part = xr.Dataset({"part": (DIMS, log_density)}, coords={d: posterior[d] for d in DIMS if d in posterior.coords})
    both = xr.DataTree.from_dict({"posterior": posterior, "log_prior": part})
    found: xr.Dataset = arviz_stats.psense(both, group="prior", sample_dims=list(DIMS), alphas=ALPHAS)
    return found
