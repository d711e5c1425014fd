"""Exclusion curves of a paper's figures: its models with one moment free, over the mass of a heavy neutrino."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.errors import DeclarationError, Problem
from bayesnu.infer import executors, mass_grid
from bayesnu.infer.exclusion import exclusion, recipe
from bayesnu.infer.mass_scan import Recipe
from bayesnu.likelihood import usage
from bayesnu.papers.task import Task, unknown, unknown_model
from bayesnu.predict.terms import INTERACTIONS
from bayesnu.report.exclusion_panels import Drawn, ExclusionPanel
from bayesnu.schema import ExclusionCurve, ExclusionFigure, Model, Resolved

Progress = Callable[[int, int], None]


class Prepared(NamedTuple):
    """A curve before it is scanned."""

    about: Recipe
    masses: NDArray[np.float64]
    projected: bool


def panels_of(
    where: Catalog, figures: Sequence[ExclusionFigure], executor: Executor | str | None = None,
    progress: Progress | None = None,
) -> list[ExclusionPanel]:  # fmt: skip
    """A panel for each figure; all curves share one executor."""
    prepared = [{label: _prepared(where, figure, label) for label in figure.curves} for figure in figures]
    recipes = {curve.about.key: curve.about for curves in prepared for curve in curves.values()}
    with executors.given_or_own(executor, recipes) as pool:
        return _panels(figures, prepared, pool, progress)


def _panels(
    figures: Sequence[ExclusionFigure], prepared: Sequence[dict[str, Prepared]], executor: Executor,
    progress: Progress | None,
) -> list[ExclusionPanel]:  # fmt: skip
    # Each mass counts twice: it is scanned, then its intervals are looked for.
    lengths = [2 * len(curve.masses) for curves in prepared for curve in curves.values()]
    before = itertools.accumulate(lengths, initial=0)
    panels = []
    for figure, curves in zip(figures, prepared, strict=True):
        panel = ExclusionPanel(figure.panel, {})
        for label, (about, masses, projected) in curves.items():
            found = exclusion(
                about, figure.parameter, figure.mass, masses=masses, level=figure.level, others="zero",
                executor=executor, progress=_shifted(progress, next(before), sum(lengths)),
            )  # fmt: skip
            panel.curves[label] = Drawn(found, figure.curves[label].convention, projected)
        panels.append(panel)
    return panels


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    return (lambda n, _: progress(before + n, total)) if progress else None


def _prepared(where: Catalog, figure: ExclusionFigure, label: str) -> Prepared:
    curve = figure.curves[label]
    model = model_of_curve(where, figure, curve)
    named = np.array(curve.masses)
    masses = named if len(named) else mass_grid.default_masses(model, figure.mass, figure.number)
    projected = all(setup.experiment.counts.asimov for setup in model.setups)
    return Prepared(recipe(model, figure.parameter, figure.mass, "zero"), masses, projected)


def model_of_curve(where: Catalog, figure: ExclusionFigure, curve: ExclusionCurve) -> Resolved:
    """The curve's model with the figure's moment as the one that is free."""
    file, model = catalog.read_model(where, curve.model)
    return catalog.resolve_model(where, file, restated(model, figure, curve.experiments))


def restated(model: Model, figure: ExclusionFigure, experiments: Sequence[str] = ()) -> Model:
    """A model of one moment and a mass in terms of another moment, which takes the place, unit and range of its own."""
    free, title = {n: p for n, p in model.parameters.items() if n != figure.mass}, model.title
    if figure.parameter not in free:
        ((name, own),) = free.items()
        free = {figure.parameter: msgspec.structs.replace(own, latex=figure.latex)}
        title = f"{title}; {figure.parameter} in place of {name}"
    interaction = figure.interaction or model.interaction
    gone = _used(model.interaction) - _used(interaction)
    fixed = {n: f for n, f in (model.fixed | figure.fixed).items() if n not in free and n not in gone}
    return msgspec.structs.replace(
        model, title=title, experiments=tuple(experiments) or model.experiments, interaction=interaction, fixed=fixed,
        parameters=free | {figure.mass: model.parameters[figure.mass]}, published=(),
    )  # fmt: skip


def _used(interaction: Sequence[str]) -> set[str]:
    """Names that interactions use; one that there is not is found when the model is checked."""
    return {name for known in interaction if known in INTERACTIONS for name in INTERACTIONS[known].parameters}


# --- what can be wrong ------------------------------------------------------------------------------------------------


def problems(task: Task) -> Iterator[Problem]:
    """Models are there, have a mass and a moment to restate, and hold together when restated; masses increase."""
    for k, figure in enumerate(task.paper.exclusion_figures):
        for label, curve in figure.curves.items():
            field = f"exclusion_figures[{k}].curves.{label}"
            missing = unknown_model(task, field, curve.model)
            yield from missing
            if any(a >= b for a, b in itertools.pairwise(curve.masses)):
                expected = "masses that increase"
                yield Problem(str(task.file), f"{field}.masses", f"{list(curve.masses)}", expected, "put them in order")
            if not missing:
                yield from _restating_problems(task, f"exclusion_figures[{k}]", field, figure, curve)


def _restating_problems(
    task: Task, place: str, field: str, figure: ExclusionFigure, curve: ExclusionCurve
) -> Iterator[Problem]:
    file, model = catalog.read_model(task.where, curve.model)
    turning = [n for n, p in model.parameters.items() if p.knob]
    moments = [n for n in model.parameters if n != figure.mass]
    if figure.mass not in turning:
        yield unknown(task, f"{place}.mass", figure.mass, turning, f"a parameter of {curve.model} that turns a knob")
        return
    if figure.parameter not in moments and (len(moments) != 1 or not figure.latex):
        found = f"{figure.parameter!r} in place of {', '.join(moments) or 'nothing'}"
        expected = f"a parameter of {curve.model}, or one that takes the place of its only moment, with its latex"
        yield Problem(str(task.file), f"{place}.parameter", found, expected, "mend the name, or add latex")
        return
    try:
        resolved = catalog.resolve_model(task.where, file, restated(model, figure, curve.experiments))
        wrong = list(usage.problems(resolved))
    except DeclarationError as error:
        wrong = list(error.problems)
    yield from (_here(task.file, field, problem) for problem in wrong)


def _here(file: Path, field: str, problem: Problem) -> Problem:
    """A problem of a restated model, said of the curve that restates it."""
    return problem._replace(file=str(file), field=f"{field}: {problem.field}")
