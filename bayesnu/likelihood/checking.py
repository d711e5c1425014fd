"""Check declarations: every problem of every variant, reading and model, collected and never raised."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from bayesnu import catalog
from bayesnu.catalog import Catalog, facts, files, layering, shelf
from bayesnu.catalog.validation import did_you_mean, raise_if
from bayesnu.errors import BayesnuError, DeclarationError, Problem
from bayesnu.likelihood import usage
from bayesnu.likelihood.analysis import from_resolved, held
from bayesnu.schema import Isotope, Resolved

KINDS = "an experiment, a flux, a table of nuclei, a published table, a model, a paper with readings"


Checker = Callable[[Catalog, Path], Iterable[Problem]]


def check(
    files: Sequence[Path] = (), root: str | PathLike[str] | None = None, of_paper: Checker | None = None
) -> list[Problem]:
    """What is wrong with these declarations, each problem once; with no files, with the whole catalog.

    `of_paper` checks what this layer knows nothing of: the tables that a paper recomputes.

    >>> check()
    []
    """
    found: list[Problem] = []
    try:
        on_shelf = shelf.open_catalog(root)
    except DeclarationError as error:
        return list(error.problems)
    for file in files or _everything(on_shelf):
        found += _caught(file, partial(_declaration, on_shelf, file, of_paper))
    return list(dict.fromkeys(found))


def _everything(on_shelf: Catalog) -> list[Path]:
    listed = [shelf.fluxes, shelf.published, shelf.papers, shelf.models]
    named = [file for listing in listed for file in listing(on_shelf).values()]
    return [shelf.nuclei(on_shelf), *shelf.experiment_files(on_shelf), *named]


def _caught(file: Path, action: Callable[[], Iterable[Problem]]) -> list[Problem]:
    """The problems that an action yields, and those at which it stops."""
    found: list[Problem] = []
    try:
        found.extend(action())
    except DeclarationError as error:
        found.extend(error.problems)
    except BayesnuError as error:
        found.append(Problem(str(file), "", str(error), "a prediction that can be made", "mend the declaration"))
    return found


# --- what kind of declaration a file is -------------------------------------------------------------------------------


def _declaration(on_shelf: Catalog, file: Path, of_paper: Checker | None) -> Iterable[Problem]:
    checker = _checker(file)
    yield from checker(on_shelf, file)
    if checker is _paper and of_paper:
        yield from of_paper(on_shelf, file)


def _checker(file: Path) -> Checker:
    """The check that fits a file: by where it lies, else by what only one kind of declaration has."""
    by_place: dict[tuple[str, str], Checker] = {
        ("data", "fluxes"): _flux, ("data", "nuclei"): _nuclei, ("data", "published"): _published,
        ("models", "papers"): _paper,
    }  # fmt: skip
    place = file.resolve().parent
    if file.suffix != ".toml":
        raise DeclarationError(_unrecognised(file, f"a file {file.name!r}"))
    if file.name == "experiment.toml":
        return _experiment
    if (place.parent.name, place.name) in by_place:
        return by_place[place.parent.name, place.name]
    return _model if place.name == "models" else _checker_of(file, files.read_toml(file))


def _checker_of(file: Path, tree: dict[str, Any]) -> Checker:
    telling: list[tuple[set[str], Checker]] = [
        ({"extends", "interaction", "couplings", "form_factor", "parameters", "nuisances"}, _model),
        ({"counts", "observable", "fluence", "detector", "dataset", "variants"}, _experiment),
        ({"components"}, _flux),
        ({"isotopes"}, _nuclei),
        ({"readings"}, _paper),
        ({"file"}, _published),
    ]
    for keys, checker in telling:
        if keys & tree.keys():
            return checker
    raise DeclarationError(_unrecognised(file, f"the keys {', '.join(tree) or 'none'}"))


def _unrecognised(file: Path, found: str) -> Problem:
    hint = "name the TOML file of a declaration, or none for the whole catalog"
    return Problem(str(file), "", found, KINDS, hint)


# --- one kind each ----------------------------------------------------------------------------------------------------


def _experiment(on_shelf: Catalog, file: Path) -> Iterable[Problem]:
    """An experiment and each of its variants, by itself: no model is needed."""
    isotopes = facts.read_isotopes(on_shelf)[1]
    for variant in ("", *shelf.variants_of(file)):
        yield from _caught(file, partial(_variant, on_shelf, file, variant, isotopes))


def _variant(on_shelf: Catalog, file: Path, variant: str, isotopes: Sequence[Isotope]) -> Iterable[Problem]:
    experiment, layers = facts.experiment_at(file, variant, ())
    named = {"standard_model": experiment.standard_model}
    named |= {f"checks[{index}].model": c.model for index, c in enumerate(experiment.checks)}
    known = shelf.models(on_shelf)
    problems = [
        Problem(str(file), field, repr(name), f"one of the models: {', '.join(known)}",
                did_you_mean(name, known) or "see `bayesnu list models`")
        for field, name in named.items()
        if name not in known
    ]  # fmt: skip
    yield from layering.relocated(problems, file, layers)
    facts.read_facts(on_shelf, file, variant, (), isotopes)


def _flux(on_shelf: Catalog, file: Path) -> Iterable[Problem]:
    facts.flux_at(file, ())
    return ()


def _nuclei(on_shelf: Catalog, file: Path) -> Iterable[Problem]:
    facts.isotopes_at(file)
    return ()


def _published(on_shelf: Catalog, file: Path) -> Iterable[Problem]:
    facts.published_at(file)
    return ()


def _paper(on_shelf: Catalog, file: Path) -> Iterable[Problem]:
    """A paper, and each of its readings laid over what it applies to."""
    isotopes = facts.read_isotopes(on_shelf)[1]
    for overlay in catalog.read_paper(file)[1]:
        yield from _caught(file, partial(_reading, on_shelf, file, overlay, isotopes))


def _reading(on_shelf: Catalog, file: Path, overlay: facts.Overlay, isotopes: Sequence[Isotope]) -> Iterable[Problem]:
    kind, _, name = overlay.applies_to.partition("/")
    field = f"{overlay.field.removesuffix('.overlay')}.applies_to"
    if kind == "experiments":
        experiment_file, variant = shelf.find_experiment(on_shelf, name, str(file), field)
        facts.read_facts(on_shelf, experiment_file, variant, [overlay], isotopes)
    elif kind == "fluxes":
        facts.flux_at(shelf.look_up("fluxes", name, shelf.fluxes(on_shelf), str(file), field), [overlay])
    else:
        expected = "experiments/NAME or fluxes/NAME"
        yield Problem(str(file), field, repr(overlay.applies_to), expected, "mend the name")


def _model(on_shelf: Catalog, file: Path) -> Iterable[Problem]:
    """A model with everything that it refers to, and its templates."""
    _, model, layers = catalog.read_layered(on_shelf, str(file))
    with layering.placed(file, layers):
        resolved = catalog.resolve_model(on_shelf, file, model)
        raise_if(usage.problems(resolved))
        from_resolved(held(resolved, _at_the_low_end(resolved)))
    return ()


def _at_the_low_end(resolved: Resolved) -> dict[str, float]:
    """Of each parameter on a long axis one value: its templates at hundreds of others would find nothing more."""
    every = [(name, knob) for setup in resolved.setups for name, knob in setup.knobs.items()]
    knobs = {name: knob.low for name, knob in every if knob.interpolation == "log-spline"}
    return {name: knobs[p.knob] for name, p in resolved.parameters.items() if p.knob in knobs}
