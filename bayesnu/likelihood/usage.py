"""Whether a model's names fit its interactions: everything used is declared, everything declared is used."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import Problem
from bayesnu.likelihood import priors
from bayesnu.predict.cross_sections import MASSIVE
from bayesnu.predict.terms import (
    INTERACTIONS,
    SOLAR,
    Dimension,
    on_electrons,
    physical_range,
    terms_of,
    unit_factor,
)
from bayesnu.schema import Circular, Nuisance, Parameter, Prior, Resolved, Setup

UNITS = {
    "moment": "mu_B, such as '1e-10 mu_B'",
    "angle": "rad or deg",
    "number": "'1'",
    "area": "cm2, such as '1e-32 cm2'",
    "charge": "e, such as '1e-12 e'",
    "coupling": "'1'",
    "mass-squared": "eV2, such as '1e-5 eV2'",
}
UNIT_EXAMPLES = {
    "moment": ("1e-10 mu_B", "1e-11 mu_B", "mu_B"),
    "angle": ("rad", "deg"),
    "number": ("1",),
    "area": ("1e-32 cm2", "cm2"),
    "charge": ("1e-12 e", "1e-8 e", "e"),
    "coupling": ("1",),
    "mass-squared": ("1e-5 eV2", "eV2"),
}


def problems(resolved: Resolved) -> Iterator[Problem]:
    """What is wrong with the names, units and supports of a model, seen from its interactions."""
    unknown = list(_unknown_interactions(resolved))
    yield from unknown
    if unknown:
        return
    used = used_parameters(resolved)
    yield from _lonely(resolved)
    yield from _formless(resolved)
    yield from _massless(resolved)
    yield from _missing(resolved, used)
    yield from _idle(resolved, used)
    yield from _misfits(resolved, used)
    yield from _restrictions(resolved)
    yield from _template_terms(resolved)
    for name, nuisance in resolved.nuisances.items():
        if nuisance.scales:
            yield from _scale_problems(resolved, name, nuisance)


def used_parameters(resolved: Resolved) -> dict[str, Dimension]:
    """Parameters that the interactions use, with their dimensions."""
    names = {name for setup in resolved.setups for name in setup.interaction}
    found = {p: d for name in sorted(names) for p, d in INTERACTIONS[name].parameters.items()}
    return found | (SOLAR if any(_mixed(setup) for setup in resolved.setups) else {})


def _mixed(setup: Setup) -> bool:
    """Whether some coupling of a setup depends on which flavours solar neutrinos have."""
    solar = any(component.flavour == "nu_solar" for component in setup.flux.components.values())
    flavoured = [n for n in setup.interaction if INTERACTIONS[n].solar and (n != "sm" or on_electrons(setup))]
    return solar and bool(flavoured)


def _unknown_interactions(resolved: Resolved) -> Iterator[Problem]:
    found = {(i, name): None for setup in resolved.setups for i, name in enumerate(setup.interaction)}
    for index, name in found:
        if name not in INTERACTIONS:
            hint = did_you_mean(name, INTERACTIONS) or "mend the name"
            yield Problem(resolved.file, f"interaction[{index}]", repr(name), f"one of {', '.join(INTERACTIONS)}", hint)


def _lonely(resolved: Resolved) -> Iterator[Problem]:
    """Interactions that add to the amplitude of another one, which the model does not have."""
    found = {name: setup for setup in resolved.setups for name in setup.interaction}
    for name, setup in found.items():
        partner = INTERACTIONS[name].interferes_with
        if partner and partner not in setup.interaction:
            yield Problem(resolved.file, "interaction", repr(name), f"{partner!r} beside it", f"add {partner!r}")


def _formless(resolved: Resolved) -> Iterator[Problem]:
    """Interactions that have no form for what recoils, or for solar neutrinos whose flavours they tell apart."""
    for setup in resolved.setups:
        solar = any(component.flavour == "nu_solar" for component in setup.flux.components.values())
        for name in setup.interaction:
            interaction = INTERACTIONS[name]
            if on_electrons(setup) and not interaction.electron_terms:
                hint = "leave the interaction or the experiment out"
                yield Problem(resolved.file, "interaction", f"{name!r} on the electrons of {setup.name}",
                              "an interaction that has couplings to electrons here", hint)  # fmt: skip
            elif solar and interaction.interferes_with:
                hint = "leave the interaction or the experiment out"
                yield Problem(resolved.file, "interaction", f"{name!r} of solar neutrinos in {setup.name}",
                              "an interaction whose solar form is known here", hint)  # fmt: skip


def _massless(resolved: Resolved) -> Iterator[Problem]:
    """A dipole makes a heavy neutrino, whose mass the model gives or lets a parameter turn."""
    turned = {p.knob for p in resolved.parameters.values()} | {n.knob for n in resolved.nuisances.values()}
    for setup in resolved.setups:
        heavy = sorted(MASSIVE.intersection(terms_of(setup)))
        knobs = {name for name, knob in setup.knobs.items() if knob.bends == "sterile_mass_mev"}
        if heavy and setup.sterile_mass_mev is None and not knobs & turned:
            found = f"{heavy[0]!r} without the mass of the heavy neutrino"
            hint = "add sterile_mass_mev, or a knob that bends it and a parameter that turns the knob"
            yield Problem(resolved.file, "sterile_mass_mev", found, "a mass in MeV", hint)
            return


def _missing(resolved: Resolved, used: Mapping[str, Dimension]) -> Iterator[Problem]:
    declared = {*resolved.parameters, *resolved.nuisances, *resolved.fixed}
    for name, dimension in used.items():
        if name not in declared:
            hint = did_you_mean(name, declared - used.keys()) or f"add [parameters.{name}] or [fixed.{name}]"
            found = f"{name!r} used by an interaction, not declared"
            yield Problem(resolved.file, f"parameters.{name}", found, f"a declaration in {UNITS[dimension]}", hint)


def _idle(resolved: Resolved, used: Mapping[str, Dimension]) -> Iterator[Problem]:
    idle = {f"parameters.{n}": n for n, v in resolved.parameters.items() if not v.knob}
    idle |= {f"fixed.{n}": n for n in resolved.fixed}
    idle |= {f"nuisances.{n}": n for n, v in resolved.nuisances.items() if not v.scales and not v.knob}
    declared = {*resolved.parameters, *resolved.nuisances, *resolved.fixed}
    for field, name in idle.items():
        if name not in used:
            expected = f"a parameter of the interactions: {', '.join(used)}"
            hint = did_you_mean(name, used.keys() - declared) or "remove it"
            yield Problem(resolved.file, field, f"{name!r} declared, used by no coupling", expected, hint)


def _misfits(resolved: Resolved, used: Mapping[str, Dimension]) -> Iterator[Problem]:
    """Units and supports that do not fit what the parameter is."""
    for name, value in resolved.fixed.items():
        if name in used:
            yield from _unit(resolved.file, f"fixed.{name}.unit", value.unit, used[name])
            yield from _value(resolved.file, f"fixed.{name}.value", value.value, used[name])
    varied: dict[str, tuple[str, Parameter | Nuisance]]
    varied = {name: (f"parameters.{name}", entry) for name, entry in resolved.parameters.items()}
    varied |= {name: (f"nuisances.{name}", entry) for name, entry in resolved.nuisances.items()}
    for name, (field, entry) in varied.items():
        if name in used:
            yield from _unit(resolved.file, f"{field}.unit", entry.unit, used[name])
            if entry.prior is not None:
                yield from _support(resolved.file, f"{field}.prior", entry.prior, used[name])
            if isinstance(entry.prior, Circular) and entry.unit == "deg":
                hint = "give the angle in rad"
                yield Problem(resolved.file, f"{field}.unit", "'deg' with a circular prior", "'rad'", hint)


def _unit(file: str, field: str, unit: str, dimension: Dimension) -> Iterator[Problem]:
    factor = unit_factor(unit, dimension)
    if factor is None or not 0 < factor < math.inf:
        hint = did_you_mean(unit, UNIT_EXAMPLES[dimension]) or "mend the unit"
        yield Problem(file, field, repr(unit), UNITS[dimension], hint)


def _value(file: str, field: str, value: float, dimension: Dimension) -> Iterator[Problem]:
    low, high = physical_range(dimension)
    if not low <= value <= high:
        yield Problem(file, field, f"{value:g}", f"a value in [{low:g}, {high:g}]", "mend the value")


def _support(file: str, field: str, prior: Prior, dimension: Dimension) -> Iterator[Problem]:
    if isinstance(prior, Circular) and dimension != "angle":
        hint = "use a prior on a range, such as uniform"
        yield Problem(file, field, "a circular prior", f"a prior for a {dimension}, which is no angle", hint)
        return
    low, high = priors.support(prior)
    least, most = physical_range(dimension)
    if low < least or high > most:
        found = f"support [{low:g}, {high:g}]"
        yield Problem(file, field, found, f"a support inside [{least:g}, {most:g}]", "truncate the prior")


def _restrictions(resolved: Resolved) -> Iterator[Problem]:
    """Interactions are restricted to fluxes that some experiment of the model has."""
    restricted = {name: fluxes for setup in resolved.setups for name, fluxes in setup.restrict.items()}
    interactions = {name for setup in resolved.setups for name in setup.interaction}
    known = list(dict.fromkeys(flux for setup in resolved.setups for flux in setup.flux.components))
    for name, fluxes in restricted.items():
        if name not in interactions:
            hint = did_you_mean(name, interactions) or "mend the name"
            expected = f"one of {', '.join(sorted(interactions))}"
            yield Problem(resolved.file, f"restrict.{name}", repr(name), expected, hint)
        for index, flux in enumerate(fluxes):
            if flux not in known:
                hint = did_you_mean(flux, known) or "mend the name"
                yield Problem(
                    resolved.file, f"restrict.{name}[{index}]", repr(flux), f"one of {', '.join(known)}", hint
                )


def _scale_problems(resolved: Resolved, name: str, nuisance: Nuisance) -> Iterator[Problem]:
    assert nuisance.scales is not None
    field, scales = f"nuisances.{name}", nuisance.scales
    known = {t for s in resolved.setups for t in (*terms_of(s), *(INTERACTIONS[i].component for i in s.interaction))}
    for index, term in enumerate(scales.terms):
        if term not in known:
            hint = did_you_mean(term, known) or "mend the name"
            expected = f"one of {', '.join(sorted(known))}"
            yield Problem(resolved.file, f"{field}.scales.terms[{index}]", repr(term), expected, hint)
    if isinstance(nuisance.prior, Circular):
        found, expected = "a circular prior", "a prior for a scale, which is no angle"
        yield Problem(resolved.file, f"{field}.prior", found, expected, "use truncated-normal or another kind")
        return
    chosen = [s for s in resolved.setups if not scales.experiments or s.name in scales.experiments]
    if scales.backgrounds:
        chosen = [s for s in chosen if set(scales.backgrounds) & s.backgrounds.keys()]
    low, high = priors.support(nuisance.prior)
    if low < 0 and any(not s.variance for s in chosen):
        found = f"a scale of Poisson counts with support [{low:g}, {high:g}]"
        hint = "use a truncated-normal prior with low = 0"
        yield Problem(resolved.file, f"{field}.prior", found, "a scale that is never negative", hint)


def _template_terms(resolved: Resolved) -> Iterator[Problem]:
    """Templates that an experiment brings along are of terms that exist."""
    known = list(dict.fromkeys(t for interaction in INTERACTIONS.values() for t in interaction.terms))
    for setup in resolved.setups:
        file = str(Path(setup.file).parent / setup.experiment.templates)
        for term in dict.fromkeys(row[1] for row in setup.template_rows):
            if term not in known:
                hint = did_you_mean(term, known) or "mend the name"
                yield Problem(file, "column term", repr(term), f"one of {', '.join(known)}", hint)
