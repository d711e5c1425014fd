"""One layout for every result, whatever the engine: an xarray.DataTree, written at once or not at all.

Groups: posterior, sample_stats, prior, log_prior, log_likelihood (per experiment), log_likelihood_per_bin and
posterior_predictive (a few hundred draws), observed_data, profile/PARAMETER_OTHERS, covariance,
one_at_a_time/PARAMETER.
Attributes: the model as JSON, hashes, versions, seeds, command, diagnostics. Every table and figure is drawn from it.
"""

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer.atomic import in_one_move
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import Analysis, Free, portable
from bayesnu.likelihood.marginal import Marginal
from bayesnu.predict import counts, terms
from bayesnu.schema import Resolved

Array = NDArray[np.float64]

FORMAT = "bayesnu result 1"
KEPT_DRAWS = 400
"""Draws for which per-bin likelihoods and replicated counts are kept."""

# Random streams of their own: those of the chains are the children 0, 1, 2, ... of the seed.
REPLICAS, NUISANCES = 1_000_001, 1_000_002

PRIOR_DRAWS = 4000
PACKAGES = (
    "bayesnu",
    "pymc",
    "pytensor",
    "nutpie",
    "arviz",
    "emcee",
    "nautilus-sampler",
    "numpy",
    "scipy",
    "xarray",
    "numba",
)


def to_tree(
    analysis: Analysis, draws: Mapping[str, Array], sample_stats: Mapping[str, Array], *, engine: str, seed: int,
    options: Mapping[str, Any], seconds: Mapping[str, float],
) -> xr.DataTree:  # fmt: skip
    """A result from draws of shape (chain, draw) in declared units."""
    x = np.stack([draws[name] for name in analysis.names], axis=-1)
    flat = x.reshape(-1, x.shape[-1])
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(REPLICAS,)))
    kept = flat[np.sort(rng.choice(len(flat), min(KEPT_DRAWS, len(flat)), replace=False))]
    groups = {
        "posterior": _chains(dict(draws) | _derived(analysis, x), _attributes(analysis, options)),
        "sample_stats": _chains(sample_stats, {}),
        "log_prior": _chains({"log_prior": _chunked(analysis.log_prior, flat).reshape(x.shape[:2])}, {}),
        "log_likelihood": _chains(_likelihoods(analysis, flat, x.shape[:2]), {}),
        "log_likelihood_per_bin": _bins(analysis.log_likelihood_per_bin(kept)),
        "posterior_predictive": _bins(analysis.simulate(kept, rng)),
        "expected_counts": _bins(analysis.expected(kept)),
        "observed_data": xr.Dataset({name: (f"{name}_bin", n) for name, n in analysis.observed.items()}),
        "prior": _chains(
            dict(zip(analysis.names, analysis.sample_prior(PRIOR_DRAWS, rng).T[:, None], strict=True)), {}
        ),
    }
    attributes = {
        "format": FORMAT,
        "engine": engine,
        "seed": seed,
        "options": json.dumps(options),
        "seconds": json.dumps(dict(seconds)),
        "model": msgspec.json.encode(portable(analysis.model)).decode(),
        "model_hash": analysis.hash(),
        "versions": json.dumps(versions()),
        "command": command(),
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attributes), **groups})


def restored(target: Marginal, draws: Mapping[str, Array], seed: int) -> dict[str, Array]:
    """Draws of all parameters, (chain, draw): the nuisances that were integrated are drawn given the others."""
    x = np.stack([draws[name] for name in target.names], axis=-1)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(NUISANCES,)))
    full = target.restore(x.reshape(-1, x.shape[-1]), rng).reshape(*x.shape[:2], -1)
    return {name: full[..., i] for i, name in enumerate(target.analysis.names)}


def command() -> str:
    """The command line of this process."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def versions() -> dict[str, str]:
    """Installed versions of what a result depends on."""
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found | {"python": sys.version.split()[0]}


def _attributes(analysis: Analysis, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Unit, label and role of each quantity; of an ensemble, its sample size, which ArviZ cannot tell."""
    size = {"ess_walkers": options["ess_walkers"]} if "ess_walkers" in options else {}
    named = {p.name: {"unit": p.unit, "latex": p.latex or p.name, "role": p.role} for p in analysis.free}
    derived = {f"mu_eff_{f}": {"unit": "1e-10 mu_B", "latex": f"\\mu_{{{f}}}", "role": "derived"} for f in terms.LEPTON}
    return {name: attributes | size for name, attributes in (named | derived).items()}


def _chains(values: Mapping[str, Array], attributes: Mapping[str, Mapping[str, Any]]) -> xr.Dataset:
    data = {name: (("chain", "draw"), v, attributes.get(name, {})) for name, v in values.items()}
    if not data:
        return xr.Dataset()
    chains, draws = next(iter(values.values())).shape
    return xr.Dataset(data, coords={"chain": np.arange(chains), "draw": np.arange(draws)})


def _bins(values: Mapping[str, Array]) -> xr.Dataset:
    return xr.Dataset({name: (("kept_draw", f"{name}_bin"), v.T) for name, v in values.items()})


def _chunked(function: Any, flat: Array) -> Array:
    return np.concatenate([function(part) for part in np.array_split(flat, max(len(flat) // 2000, 1))])


def _likelihoods(analysis: Analysis, flat: Array, shape: tuple[int, ...]) -> dict[str, Array]:
    parts = [analysis.log_likelihoods(part) for part in np.array_split(flat, max(len(flat) // 2000, 1))]
    return {name: np.concatenate([p[name] for p in parts]).reshape(shape) for name in analysis.experiments}


def _derived(analysis: Analysis, x: Array) -> dict[str, Array]:
    """Effective moments per flavour [1e-10 mu_B], where they differ from a parameter."""
    flat = x.reshape(-1, x.shape[-1])
    theta = analysis.theta(dict(zip(analysis.names, flat.T, strict=True)), np)
    values = counts.couplings(analysis.plan, theta, np)
    wanted = {
        terms.LEPTON[slot.beam]: (slot.beam, value)
        for slot, value in sorted(values.items(), key=lambda item: "nubar" not in str(item[0].beam))
        if terms.INTERACTIONS[slot.function.interaction].phases and slot.beam in terms.LEPTON
        if slot.term == "magnetic-moment"
    }
    # A neutrino and its antineutrino have one effective moment: the neutrino's name is kept where both are there.
    return {f"mu_eff_{f}": np.sqrt(np.maximum(v, 0)).reshape(x.shape[:2]) for f, v in wanted.values()}


# --- reading back -----------------------------------------------------------------------------------------------------


def model_of(tree: xr.DataTree) -> Resolved:
    """The resolved model that a result was made with."""
    return msgspec.json.decode(tree.attrs["model"], type=Resolved)


def parameters_of(tree: xr.DataTree) -> list[Free]:
    """The parameters of interest of a result, as they were declared."""
    model = model_of(tree)
    return [Free(n, p.unit, p.prior, "parameter", None, 1.0, p.latex) for n, p in model.parameters.items()]


def prior_text(p: Free) -> str:
    """A prior for a table."""
    return priors.describe(p.prior) if p.prior is not None else "none"


def prior_range(p: Free) -> tuple[float | None, float | None]:
    """A prior's support, None where it has no end."""
    if p.prior is None:
        return None, None
    low, high = priors.support(p.prior)
    return (low if np.isfinite(low) else None), (high if np.isfinite(high) else None)


def partial(tree: xr.DataTree, where: str) -> xr.DataTree:
    """A result of a run that was interrupted: it says so, and no gate lets it pass."""
    tree.attrs |= {"partial": 1, "interrupted": where}
    return tree


def save_result(tree: xr.DataTree, path: str | os.PathLike[str], beside: Path | None = None) -> Path:
    """Write a result as netCDF: first elsewhere, then in one move, so that no half-written file is ever seen.

    Elsewhere is the same folder, or `beside`, where a file is swept away whose process was killed.
    """
    target = Path(path)
    with in_one_move(target, beside) as temporary:
        tree.to_netcdf(temporary, engine="netcdf4")
    return target


def open_result(path: str | os.PathLike[str]) -> xr.DataTree:
    """Read a result into memory; a file that is not one, or is cut short, is an error that says so."""
    hint = "run `bayesnu fit` again, or name a file that it wrote"
    tree = read_tree(path, FORMAT, hint)
    missing = [g for g in ("posterior", "sample_stats", "observed_data") if g not in tree.children]
    if missing:
        raise DeclarationError(Problem(str(path), missing[0], "no such group", _expected(FORMAT), hint))
    return tree


def read_tree(path: str | os.PathLike[str], wanted: str, hint: str) -> xr.DataTree:
    """Read a netCDF file of one of our formats into memory; any other is an error that says so."""
    if not Path(path).is_file():
        raise DeclarationError(Problem(str(path), "", "no such file", _expected(wanted), hint))
    try:
        with xr.open_datatree(path, engine="netcdf4") as opened:
            tree = opened.load()
    except Exception as error:
        # Any failure of the netCDF library on this file means one thing to its reader.
        raise DeclarationError(Problem(str(path), "", f"unreadable: {error}", _expected(wanted), hint)) from None
    if tree.attrs.get("format") != wanted:
        found = f"format {tree.attrs.get('format', 'none')!r}"
        raise DeclarationError(Problem(str(path), "attributes.format", found, _expected(wanted), hint))
    return tree


def _expected(wanted: str) -> str:
    return f"a netCDF file with format {wanted!r}"
