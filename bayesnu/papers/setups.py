"""The analysis behind a cell: a block's model on a row's experiments, its beams apart, its exposure multiplied."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.likelihood.analysis import Analysis, from_resolved, held
from bayesnu.schema import Block, Model, ProtonsOnTarget, QuotedFlux, ReactorPower, Setup, SourceBelowCylinder


class Prepared(NamedTuple):
    """The analysis of a row with the knobs of `at` turned, and the rest of `at`."""

    analysis: Analysis
    at: dict[str, float]


def analysis_of(where: Catalog, block: Block, row: str, exposure: float = 1.0) -> Analysis:
    """The block's model on the row's experiments, each beam a chi-square of its own, templates exact at its knobs."""
    return prepared(where, block, row, exposure).analysis


def prepared(where: Catalog, block: Block, row: str, exposure: float = 1.0) -> Prepared:
    """The analysis of a row, with what is left of `at`; memoised."""
    key = (where, msgspec.json.encode(block), row, exposure)
    if key not in _MEMORY:
        resolved = catalog.resolve_model(where, *model_of(where, block, row))
        setups = [projected_longer(setup, exposure) for setup in resolved.setups]
        if block.beams:
            setups = [_of_beam(setup, beam) for setup in setups for beam in block.beams]
        resolved = msgspec.structs.replace(resolved, setups=tuple(setups))
        turned = {n: v for n, v in block.at.items() if n in resolved.parameters and resolved.parameters[n].knob}
        rest = {n: v for n, v in block.at.items() if n not in turned}
        _MEMORY[key] = Prepared(from_resolved(held(resolved, turned)), rest)
    return _MEMORY[key]


_MEMORY: dict[tuple[Catalog, bytes, str, float], Prepared] = {}


def model_of(where: Catalog, block: Block, row: str) -> tuple[Path, Model]:
    """The block's model with the row's experiments and the block's own readings and restrictions."""
    file, model = catalog.read_model(where, block.model)
    restrict = model.restrict | dict(block.restrict)
    readings = tuple(dict.fromkeys(model.readings + block.readings))
    changed = {"experiments": block.rows[row], "restrict": restrict, "readings": readings, "published": ()}
    return file, msgspec.structs.replace(model, **changed)


def _of_beam(setup: Setup, beam: Sequence[str]) -> Setup:
    """An experiment that sees some flux components only."""
    components = {name: component for name, component in setup.flux.components.items() if name in beam}
    flux = msgspec.structs.replace(setup.flux, components=components)
    restrict = {n: tuple(f for f in fluxes if f in beam) for n, fluxes in setup.restrict.items()}
    return msgspec.structs.replace(setup, name=f"{setup.name} {'+'.join(beam)}", flux=flux, restrict=restrict)


def projected_longer(setup: Setup, factor: float) -> Setup:
    """A projected experiment with its exposure multiplied; one that has counted is what it is."""
    return with_exposure(setup, factor) if setup.experiment.counts.asimov else setup


def with_exposure(setup: Setup, factor: float) -> Setup:
    """An experiment with its exposure multiplied."""
    fluence = setup.experiment.fluence
    match fluence:
        case ProtonsOnTarget():
            longer: object = msgspec.structs.replace(fluence, protons_on_target=factor * fluence.protons_on_target)
        case QuotedFlux() | ReactorPower():
            longer = msgspec.structs.replace(fluence, live_time_s=factor * fluence.live_time_s)
        case SourceBelowCylinder():
            # A source decays: as many times the activity, not the time, is as many times the exposure.
            longer = msgspec.structs.replace(fluence, activity_mci=factor * fluence.activity_mci)
        case _:
            return setup
    return msgspec.structs.replace(setup, experiment=msgspec.structs.replace(setup.experiment, fluence=longer))
