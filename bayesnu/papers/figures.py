"""The contours and exclusion curves of a paper's figures, from what its file declares."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import msgspec
import numpy as np
from scipy import stats

from bayesnu import catalog
from bayesnu.catalog.shelf import Catalog
from bayesnu.catalog.validation import raise_if
from bayesnu.errors import Problem
from bayesnu.infer.contour import profile_pair, tabulated
from bayesnu.infer.exclusion import ONE, TWO
from bayesnu.likelihood.analysis import Analysis, from_resolved, held
from bayesnu.papers import exclusion_figures, setups
from bayesnu.papers.exclusion_figures import panels_of
from bayesnu.papers.printed import read
from bayesnu.papers.task import Task, unknown, unknown_model
from bayesnu.physics import derived
from bayesnu.report.contours import Panel
from bayesnu.report.exclusion_panels import ExclusionPanel
from bayesnu.schema import Block, Curve, Deviation, ExclusionFigure, Figure, Fixed, Paper, SolarFigure

Progress = Callable[[int, int], None]

SOLAR_POINTS = 101
SOLAR_LEVEL = 0.90
MOMENTS = ("lambda_1", "lambda_2", "lambda_3")


def contours_of(
    name: str, *, figure: str | None = None, executor: Executor | str | None = None, progress: Progress | None = None,
    shelf_of: Catalog | None = None,
) -> dict[str, list[Panel]]:  # fmt: skip
    """Panels of every figure that a paper declares, or of one of them, by the figure's number.

    >>> [panel.title for panel in contours_of("tmm2019", figure="8")["8"]]
    ['Borexino', 'Borexino', 'Borexino']
    """
    task = _task(name, figure, shelf_of)
    where, paper = task.where, task.paper
    wanted = [f for f in paper.figures if figure in (None, f.figure)]
    total, done = sum(len(f.pairs) * len(f.curves) for f in wanted), 0
    numbers = dict.fromkeys([*(f.figure for f in paper.figures), *(f.figure for f in paper.solar_figures)])
    found: dict[str, list[Panel]] = {number: [] for number in numbers if figure in (None, number)}
    for record in wanted:
        for pair in record.pairs:
            panel = Panel(record.panel, {}, (TWO, ONE) if len(record.levels) == 1 else (TWO,))
            for label in record.curves:
                panel.planes[label] = profile_pair(
                    analysis_of_curve(where, record, label), pair, others="zero", levels=record.levels,
                    points=(record.points, record.points), executor=executor,
                    ranges=(record.ranges.get(pair[0]), record.ranges.get(pair[1])),
                )  # fmt: skip
                done += 1
                if progress:
                    progress(done, total)
            found[record.figure].append(panel)
    for bound in paper.solar_figures:
        if bound.figure in found:
            found[bound.figure] += _solar(bound)
    return found


def exclusions_of(
    name: str, *, figure: str | None = None, executor: Executor | str | None = None, progress: Progress | None = None,
    shelf_of: Catalog | None = None,
) -> dict[str, list[ExclusionPanel]]:  # fmt: skip
    """Panels of every figure with exclusion curves that a paper declares, or of one of them, by the figure's number."""
    task = _task(name, figure, shelf_of)
    wanted = [f for f in task.paper.exclusion_figures if figure in (None, f.figure)]
    found: dict[str, list[ExclusionPanel]] = {}
    for record, panel in zip(wanted, panels_of(task.where, wanted, executor, progress), strict=True):
        found.setdefault(record.figure, []).append(panel)
    return found


def disagreements_of(name: str, *, figure: str | None = None, shelf_of: Catalog | None = None) -> dict[str, Deviation]:
    """The known disagreements that a paper's figures show, or one of them."""
    paper = read(shelf_of or catalog.open_catalog(), name)[1]
    shown = [n for f in _with_disagreements(paper) if figure in (None, f.figure) for n in f.deviations]
    return {n: paper.deviations[n] for n in dict.fromkeys(shown)}


def readings_of(name: str, *, figure: str | None = None, shelf_of: Catalog | None = None) -> dict[str, list[str]]:
    """What the paper leaves open, in words, and how it is read: each once, by the figure's number."""
    found: dict[str, list[str]] = {}
    for record in _every(read(shelf_of or catalog.open_catalog(), name)[1]):
        if figure in (None, record.figure) and record.reading not in found.setdefault(record.figure, []):
            found[record.figure].append(record.reading)
    return found


def _task(name: str, figure: str | None, shelf_of: Catalog | None) -> Task:
    """The paper, with nothing wrong in its figures and the one that is asked for among them."""
    where = shelf_of or catalog.open_catalog()
    file, paper = read(where, name)
    task = Task(where, file, paper)
    numbers = dict.fromkeys(record.figure for record in _every(paper))
    known = [] if figure is None or figure in numbers else [figure]
    raise_if([*problems(task), *(unknown(task, "--figure", n, numbers, "one of the figures") for n in known)])
    return task


def _with_disagreements(paper: Paper) -> tuple[Figure | ExclusionFigure, ...]:
    return (*paper.figures, *paper.exclusion_figures)


def _every(paper: Paper) -> tuple[Figure | ExclusionFigure | SolarFigure, ...]:
    return (*_with_disagreements(paper), *paper.solar_figures)


def analysis_of_curve(where: Catalog, figure: Figure, label: str) -> Analysis:
    """The figure's model on a curve's experiments, with some parameters where the curve says."""
    curve = figure.curves[label]
    analysis = setups.analysis_of(where, _block(figure, label, curve), label)
    fixed = analysis.model.fixed
    other = {n: Fixed(value=v, unit=fixed[n].unit) for n, v in curve.at.items() if n in fixed}
    model = msgspec.structs.replace(analysis.model, fixed=fixed | other)
    return from_resolved(held(model, {n: v for n, v in curve.at.items() if n not in fixed}), analysis.observed)


def _block(figure: Figure, label: str, curve: Curve) -> Block:
    return Block(
        table=figure.figure, unit="", reading=figure.reading, tolerance=0.0, rows={label: curve.experiments},
        columns={}, model=curve.model or figure.model, quantity="upper-limit", beams=figure.beams,
        restrict=figure.restrict, readings=figure.readings,
    )  # fmt: skip


def _solar(figure: SolarFigure) -> Iterator[Panel]:
    """A bound on the effective moment as a chi-square that grows with its fourth power: a panel for each pair."""
    for i, j in ((0, 1), (0, 2), (1, 2)):
        unit = [derived.solar_moment_squared(row, figure.sin2_theta_13, figure.survival) for row in np.eye(3).tolist()]
        axes = [np.linspace(0.0, 1.3 * figure.bound / np.sqrt(unit[k]), SOLAR_POINTS) for k in (i, j)]
        squared = np.add.outer(unit[i] * axes[0] ** 2, unit[j] * axes[1] ** 2)
        chi2 = stats.chi2.ppf(SOLAR_LEVEL, 1) * (squared / figure.bound**2) ** 2
        latex = [f"|\\Lambda_{k + 1}|" for k in (i, j)]
        plane = tabulated(
            chi2, axes, (MOMENTS[i], MOMENTS[j]), (figure.unit, figure.unit), latex, figure.reading, [SOLAR_LEVEL]
        )
        yield Panel(figure.panel, {figure.panel: plane}, (ONE,))


def problems(task: Task) -> Iterator[Problem]:
    """Models, parameters and pairs of the figures are there, and so are the disagreements that they show."""
    yield from exclusion_figures.problems(task)
    known = task.paper.deviations
    for record in _with_disagreements(task.paper):
        for name in (n for n in record.deviations if n not in known):
            yield unknown(task, f"figure {record.figure}: deviations", name, known, "one of the deviations")
    for k, figure in enumerate(task.paper.figures):
        for label, curve in figure.curves.items():
            field = f"figures[{k}].curves.{label}"
            missing = unknown_model(task, field, curve.model or figure.model)
            yield from missing
            if not missing:
                yield from _unknown_parameters(task, field, figure, label, curve)


def _unknown_parameters(task: Task, field: str, figure: Figure, label: str, curve: Curve) -> Iterator[Problem]:
    file, model = setups.model_of(task.where, _block(figure, label, curve), label)
    resolved = catalog.resolve_model(task.where, file, model)
    free, fixed = list(resolved.parameters), list(resolved.fixed)
    for name in curve.at:
        if name not in (*free, *fixed):
            yield unknown(task, f"{field}.at", name, [*free, *fixed], "a parameter of the model")
    for name in dict.fromkeys(n for pair in figure.pairs for n in pair):
        if name not in free or name in curve.at:
            yield unknown(task, f"{field}.pairs", name, [n for n in free if n not in curve.at], "a free parameter")
