"""Read, resolve and cite models: beliefs of models/ on the facts of data/, as one plain record."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bayesnu.catalog import layering, shelf, validation
from bayesnu.catalog.fact_rules import binding_problems
from bayesnu.catalog.facts import Facts, Nuclei, Overlay, published_cell, read_facts, read_isotopes
from bayesnu.catalog.files import convert, read_toml
from bayesnu.catalog.layering import Layer
from bayesnu.catalog.shelf import Catalog
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import (
    Citation,
    ControlCounts,
    Experiment,
    Isotope,
    Knob,
    Model,
    Nuisance,
    Paper,
    PublishedLimit,
    PublishedValue,
    Resolved,
    Setup,
    Source,
)

# --- models -----------------------------------------------------------------------------------------------------------


def read_model(catalog: Catalog, name: str) -> tuple[Path, Model]:
    """One model, by name or by the path of its TOML file, with what it extends, checked."""
    file, model, _ = read_layered(catalog, name)
    return file, model


def read_layered(catalog: Catalog, name: str) -> tuple[Path, Model, list[Layer]]:
    """One model and the files that it is made of, from the first ancestor to itself."""
    file = shelf.find_model(catalog, name, "command line", "model")
    layers = _ancestry(catalog, file, ())
    tree = functools.reduce(layering.merged, (layer.tree for layer in layers))
    with layering.placed(file, layers):
        model = convert(file, tree, Model)
        validation.raise_if(validation.model_problems(str(file), model))
    return file, model, layers


def _ancestry(catalog: Catalog, file: Path, children: tuple[Path, ...]) -> list[Layer]:
    tree = read_toml(file)
    base = tree.pop("extends", None)
    layer = Layer(file, "", tree)
    if base is None:
        return [layer]
    if not isinstance(base, str):
        raise DeclarationError(Problem(str(file), "extends", repr(base), "the name of a model", "mend the value"))
    # A base given by its path lies where the file that names it says, not where the program runs.
    beside = str(file.parent / base) if base.endswith(".toml") else base
    parent = shelf.find_model(catalog, beside, str(file), "extends")
    if parent.resolve() in (file.resolve(), *children):
        hint = "break the circle"
        raise DeclarationError(Problem(str(file), "extends", repr(base), "a model that does not extend this one", hint))
    return [*_ancestry(catalog, parent, (*children, file.resolve())), layer]


# --- readings ---------------------------------------------------------------------------------------------------------


def read_paper(file: Path) -> tuple[Paper, list[Overlay]]:
    """A paper and its readings as overlays, in the order of its file."""
    paper = convert(file, read_toml(file), Paper)
    return paper, [
        Overlay(file, f"readings.{name}.overlay", target, reading.overlay)
        for name, reading in paper.readings.items()
        for target in reading.applies_to
    ]


def _readings(catalog: Catalog, file: Path, names: Sequence[str]) -> tuple[list[Overlay], list[Citation]]:
    found, citations = [], []
    for index, name in enumerate(names):
        paper_name, _, reading_name = name.partition("/")
        field = f"readings[{index}]"
        paper_file = shelf.look_up("papers", paper_name, shelf.papers(catalog), str(file), field)
        paper, overlays = read_paper(paper_file)
        if reading_name not in paper.readings:
            known = [f"{paper_name}/{reading}" for reading in sorted(paper.readings)]
            hint = validation.did_you_mean(name, known) or "check the name"
            raise DeclarationError(Problem(str(file), field, repr(name), f"one of {', '.join(known)}", hint))
        found += [o for o in overlays if o.field == f"readings.{reading_name}.overlay"]
        evidence = " ".join(paper.readings[reading_name].evidence.split())
        source = Source(reference=paper.reference, arxiv=paper.arxiv, where=f"reading {reading_name}",
                        status="inferred", note=evidence)  # fmt: skip
        citations.append(Citation(file=paper_file.name, source=source))
    return found, citations


# --- resolving --------------------------------------------------------------------------------------------------------


def resolve(catalog: Catalog, name: str) -> Resolved:
    """A model with its experiments, fluxes, nuclei, readings and published values: one plain record."""
    file, model, layers = read_layered(catalog, name)
    with layering.placed(file, layers):
        return resolve_model(catalog, file, model)


def resolve_model(catalog: Catalog, file: Path, model: Model) -> Resolved:
    """The plain record behind a model that has been read already."""
    readings, reading_citations = _readings(catalog, file, model.readings)
    nuclei = read_isotopes(catalog)
    citations = [Citation(file=file.name, source=s) for s in model.sources.values()]
    citations += [Citation(file=nuclei.file.name, source=s) for s in nuclei.declared.sources.values()]
    setups = []
    for index, name in enumerate(model.experiments):
        experiment_file, variant = shelf.find_experiment(catalog, name, str(file), f"experiments[{index}]")
        facts = read_facts(catalog, experiment_file, variant, readings, nuclei.isotopes)
        if facts.experiment.detector:
            known = {element for element, _, _ in nuclei.binding}
            target = facts.experiment.detector.target
            validation.raise_if(binding_problems(str(experiment_file), target, known, nuclei.isotopes))
        setups.append(_setup(name, experiment_file, facts, model, nuclei))
        citations += [Citation(file=name, source=s) for s in facts.experiment.sources.values()]
        citations += [Citation(file=facts.flux_file.name, source=s) for s in facts.flux.sources.values()]
    published, published_citations = _published(catalog, file, model.published)
    resolved = Resolved(
        name=file.stem,
        file=str(file),
        title=model.title,
        setups=tuple(setups),
        parameters=model.parameters,
        nuisances=_per_bin(file, model.nuisances, setups),
        fixed=model.fixed,
        published=published,
        citations=_each_once(citations + reading_citations + published_citations),
    )
    validation.raise_if(validation.resolved_problems(resolved))
    return resolved


def _setup(name: str, file: Path, facts: Facts, model: Model, nuclei: Nuclei) -> Setup:
    experiment, counted = facts.experiment, facts.counted
    wanted = experiment.detector.target.formula if experiment.detector else {}
    targets = tuple(i for i in nuclei.isotopes if i.element in wanted or i.name in wanted)
    beside = (m for m in nuclei.pairing_masses if any(_beside(i, charge=m[0], mass_number=m[1]) for i in targets))
    return Setup(
        name=name,
        file=str(file),
        experiment=experiment,
        flux=facts.flux,
        isotopes=targets,
        interaction=model.interaction,
        restrict=model.restrict,
        couplings=model.couplings,
        form_factor=model.form_factors.get(name, model.form_factor),
        kinematics=model.kinematics,
        axial=model.axial,
        bins=counted.bins,
        observed=counted.observed,
        backgrounds={k: v for k, v in counted.backgrounds.items() if not experiment.backgrounds[k].subtracted},
        variance=counted.variance,
        template_rows=facts.template_rows,
        pairing_masses=tuple(beside),
        knobs=_knobs(experiment, model),
        sterile_mass_mev=model.sterile_mass_mev,
        shares=counted.shares,
        binding=tuple(level for level in nuclei.binding if level[0] in {i.element for i in targets}),
    )


def _knobs(experiment: Experiment, model: Model) -> dict[str, Knob]:
    """Knobs of the experiment and of the model, their paths as the set-up has them."""
    own = {
        name: msgspec.structs.replace(knob, bends=f"experiment.detector.{knob.bends}")
        for name, knob in experiment.knobs.items()
    }
    return own | model.knobs


def _beside(isotope: Isotope, charge: int, mass_number: int) -> bool:
    """Whether a nucleus is an isotope or isotone at most two nucleons away: those whose masses make a pairing gap."""
    same_kind = charge == isotope.charge or mass_number - charge == isotope.neutrons
    return same_kind and abs(mass_number - isotope.mass_number) <= 2


def _per_bin(file: Path, nuisances: Mapping[str, Nuisance], setups: Sequence[Setup]) -> dict[str, Nuisance]:
    """Each per-bin nuisance as one copy a bin, with the control counts of its bin."""
    expanded: dict[str, Nuisance] = {}
    for name, nuisance in nuisances.items():
        if not nuisance.per_bin or nuisance.scales is None:
            expanded[name] = nuisance
            continue
        control = isinstance(nuisance.prior, ControlCounts)
        columns = {b: s.backgrounds[b] for s in setups for b in nuisance.scales.backgrounds if b in s.backgrounds}
        validation.raise_if(validation.control_problems(str(file), name, columns, control))
        for index, counts in enumerate(next(iter(columns.values()))):
            scales = msgspec.structs.replace(nuisance.scales, bins=(index,))
            prior = ControlCounts(counts=counts) if control else nuisance.prior
            latex = f"{nuisance.latex or name}_{{{index + 1}}}"
            copy = msgspec.structs.replace(nuisance, scales=scales, prior=prior, latex=latex, per_bin=False)
            expanded[f"{name}_{index + 1:02d}"] = copy
    return expanded


def _published(
    catalog: Catalog, file: Path, limits: Sequence[PublishedLimit]
) -> tuple[tuple[PublishedValue, ...], list[Citation]]:
    found: list[PublishedValue] = []
    citations: dict[str, Citation] = {}
    for index, limit in enumerate(limits):
        value, row, source = published_cell(catalog, file, index, limit)
        label = f"{source.reference}, {limit.table}" + (f" (arXiv:{source.arxiv})" if source.arxiv else "")
        found.append(PublishedValue(parameter=limit.parameter, others=limit.others, value=value,
                                    unit=row["unit"], source=label))  # fmt: skip
        citations[limit.paper] = Citation(file=f"{limit.paper}.csv", source=source)
    return tuple(found), list(citations.values())


def cite(resolved: Resolved) -> list[Citation]:
    """Every source behind a model, each once."""
    return list(resolved.citations)


def _each_once(citations: Sequence[Citation]) -> tuple[Citation, ...]:
    seen = {msgspec.json.encode(citation): citation for citation in citations}
    return tuple(seen.values())
