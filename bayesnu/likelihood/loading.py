"""Analyses from declarations: a whole model by name, or one experiment's likelihood term by hand."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from bayesnu import catalog
from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood import usage
from bayesnu.likelihood.analysis import Analysis, from_resolved
from bayesnu.predict.terms import INTERACTIONS
from bayesnu.schema import Nuisance, Parameter, Resolved, Setup

DEFAULT_UNIT = {
    "moment": "1e-10 mu_B", "angle": "rad", "number": "1", "area": "1e-32 cm2", "charge": "1e-12 e", "coupling": "1",
    "mass-squared": "1e-5 eV2",
}  # fmt: skip

SHARE_ERROR = 1e-6
"""How far the shares of two energy bins may differ by the digits of a released table."""


def load(model: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> Analysis:
    """The Analysis of a model, by name or by the path of its TOML file.

    >>> load("coherent-csi-effective").names
    ('mu_nu', 'signal', 'prompt_neutrons')
    """
    return from_resolved(catalog.resolve(catalog.open_catalog(root), os.fspath(model)))


def term(experiment: str, interaction: str, root: str | os.PathLike[str] | None = None, **priors: Any) -> Analysis:
    """One experiment's likelihood term with one interaction beside the standard model.

    Conventions and nuisances are those of the experiment's standard-model file. The interaction's parameters have no
    prior unless one is given by name (a record of bayesnu.schema): their user brings it.

    >>> term("coherent-csi-2017", interaction="magnetic-moment").names
    ('mu_nu', 'signal', 'prompt_neutrons')
    """
    if interaction not in INTERACTIONS:
        hint = did_you_mean(interaction, INTERACTIONS) or "see bayesnu.predict.terms"
        raise DeclarationError(
            Problem("term", "interaction", repr(interaction), f"one of {', '.join(INTERACTIONS)}", hint)
        )
    shelf = catalog.open_catalog(root)
    _, declared = catalog.read_experiment(shelf, experiment)
    file, model = catalog.read_model(shelf, declared.standard_model)
    known = {*model.parameters, *model.nuisances, *model.fixed}
    opened = {
        name: Parameter(unit=DEFAULT_UNIT[dimension], prior=priors.get(name))
        for name, dimension in INTERACTIONS[interaction].parameters.items()
        if name not in known
    }
    interactions = tuple(dict.fromkeys((*model.interaction, interaction)))
    changed = msgspec.structs.replace(
        model,
        experiments=(experiment,),
        interaction=interactions,
        parameters=model.parameters | opened,
        nuisances=_narrowed(model.nuisances, experiment),
        published=(),
    )
    return from_resolved(catalog.resolve_model(shelf, file, changed))


def _narrowed(nuisances: Mapping[str, Nuisance], experiment: str) -> dict[str, Nuisance]:
    """The nuisances of one experiment, without the names of the others that they scale."""
    kept: dict[str, Nuisance] = {}
    for name, nuisance in nuisances.items():
        scales = nuisance.scales
        if scales is None or not scales.experiments:
            kept[name] = nuisance
        elif experiment in scales.experiments:
            alone = msgspec.structs.replace(scales, experiments=(experiment,))
            kept[name] = msgspec.structs.replace(nuisance, scales=alone)
    return kept


def load_at(
    experiment: str, model: str | None = None, window: tuple[float, float] | None = None,
    root: str | os.PathLike[str] | None = None,
) -> Analysis:  # fmt: skip
    """A model narrowed to one experiment, or its physics carried over to an experiment that it does not have.

    Without a model it is the experiment's standard one. A window [low, high] of the observable takes the place of the
    bins; backgrounds have no shape to integrate, so they are left out.

    >>> load_at("coherent-csi-2017", window=(6.0, 30.0)).model.setups[0].bins
    ((6.0, 30.0),)
    """
    shelf = catalog.open_catalog(root)
    _, declared = catalog.read_experiment(shelf, experiment)
    file, read = catalog.read_model(shelf, model or declared.standard_model)
    if experiment not in read.experiments:
        free = {n: v for n, v in read.nuisances.items() if not v.scales and not v.knob}
        read = msgspec.structs.replace(read, experiments=(experiment,), nuisances=free, published=())
    resolved = catalog.resolve_model(shelf, file, read)
    setups = tuple(_restricted(s, resolved) for s in resolved.setups if s.name == experiment)
    alone = msgspec.structs.replace(resolved, setups=setups)
    # What concerns none of the experiments stays: it is a mistake, and named as one.
    idle = usage.used_parameters(resolved).keys() - usage.used_parameters(alone).keys()
    kept = {n: v for n, v in resolved.nuisances.items() if n not in idle and _concerns(v, setups[0])}
    narrowed = msgspec.structs.replace(alone, nuisances=kept)
    return from_resolved(narrowed if window is None else _in_window(narrowed, window))


def _restricted(setup: Setup, resolved: Resolved) -> Setup:
    """A setup whose restrictions name no fluxes that only other experiments of the model have."""
    elsewhere = {f for s in resolved.setups for f in s.flux.components} - setup.flux.components.keys()
    restrict = {name: tuple(f for f in fluxes if f not in elsewhere) for name, fluxes in setup.restrict.items()}
    return msgspec.structs.replace(setup, restrict=restrict)


def _concerns(nuisance: Nuisance, setup: Setup) -> bool:
    """Whether a nuisance scales or bends this experiment, or enters a coupling."""
    if nuisance.scales:
        return not nuisance.scales.experiments or setup.name in nuisance.scales.experiments
    return not nuisance.knob or nuisance.knob in setup.knobs


def _in_window(resolved: Resolved, window: tuple[float, float]) -> Resolved:
    low, high = window
    if not low < high:
        raise DeclarationError(Problem("window", "", f"{low:g} {high:g}", "LOW below HIGH", "swap them"))
    setup = resolved.setups[0]
    if setup.template_rows:
        hint = "leave the window out"
        raise DeclarationError(Problem(setup.file, "templates", "counts in fixed bins", "a detector", hint))
    variance = (1.0,) if setup.variance else ()
    changed = msgspec.structs.replace(
        setup, bins=(window,), observed=(0.0,), backgrounds={}, variance=variance, shares=_whole_shares(setup)
    )
    nuisances = {n: v for n, v in resolved.nuisances.items() if not (v.scales and v.scales.backgrounds)}
    return msgspec.structs.replace(resolved, setups=(changed,), nuisances=nuisances)


def _whole_shares(setup: Setup) -> dict[str, tuple[float, ...]]:
    """Shares of a window: what the rows of one bin have in all, which must be the same in every bin."""
    found: dict[str, tuple[float, ...]] = {}
    for name, values in setup.shares.items():
        totals = [sum(v for b, v in zip(setup.bins, values, strict=True) if b == each) for each in set(setup.bins)]
        if max(totals) - min(totals) > SHARE_ERROR:
            text = f"shares of {name} from {min(totals):g} to {max(totals):g}"
            expected = "one share for all bins, which a window can have too"
            raise DeclarationError(Problem(setup.file, "shares", text, expected, "leave the window out"))
        found[name] = (totals[0],)
    return found
