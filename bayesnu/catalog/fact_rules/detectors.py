"""What makes a detector a wrong one: its target, its response, its efficiency and the table of it."""

import itertools
from collections.abc import Iterator, Sequence

from bayesnu.catalog.validation import positive
from bayesnu.errors import Problem
from bayesnu.schema import (
    Detector,
    FlatEfficiency,
    LindhardResponse,
    LinearResponse,
    SigmoidEfficiency,
    SmearedResponse,
    TableEfficiency,
)


def detector_problems(file: str, detector: Detector) -> Iterator[Problem]:
    """Elements and a mass, positive scales, a response that fits what recoils, an efficiency from 0 to 1."""
    formula = detector.target.formula
    if not formula:
        yield Problem(file, "detector.target.formula", "an empty table", "atoms per formula unit", "name the elements")
    yield from positive(file, {f"detector.target.formula.{k}": v for k, v in formula.items()})
    yield from positive(file, {"detector.target.mass_kg": detector.target.mass_kg})
    scales = {name: getattr(detector.response, name, None) for name in ("per_kev", "k")}
    yield from positive(file, {f"detector.response.{n}": v for n, v in scales.items() if v is not None})
    yield from _quenching_problems(file, detector)
    if isinstance(detector.response, SmearedResponse):
        yield from _resolution_problems(file, detector)
    yield from _efficiency_problems(file, detector)


def _quenching_problems(file: str, detector: Detector) -> Iterator[Problem]:
    """The visible energy rises from zero; that of an electron is the recoil itself."""
    electrons = detector.target.scatterer != "nuclei"
    if isinstance(detector.response, LindhardResponse):
        if electrons:
            expected = "a response without quenching: only nuclei are quenched"
            yield Problem(file, "detector.response.kind", "lindhard for electrons", expected, "use linear or smeared")
        return
    if isinstance(detector.response, LinearResponse):
        return
    field, quenching = "detector.response.quenching", detector.response.quenching
    if not quenching or quenching[0] <= 0:
        found = f"{quenching[0]:g} first" if quenching else "no coefficients"
        expected = "a positive first coefficient: the visible energy rises from zero"
        yield Problem(file, field, found, expected, "mend the coefficients")
    elif electrons and quenching != (1.0,):
        expected = "[1.0]: the visible energy of an electron is its recoil"
        yield Problem(file, field, f"{list(quenching)} for electrons", expected, "leave it out")


def _resolution_problems(file: str, detector: Detector) -> Iterator[Problem]:
    response = detector.response
    assert isinstance(response, SmearedResponse)
    widths = {f"detector.response.{name}": getattr(response, name) for name in ("sqrt_kev", "linear")}
    for field, value in widths.items():
        if value < 0:
            yield Problem(file, field, f"{value:g}", "0 or more", "mend the value")
    if not any(widths.values()):
        expected = "a width above zero from sqrt_kev or linear"
        yield Problem(file, "detector.response", "a resolution of zero width", expected, "use the linear response")
    if response.efficiency_at == "reconstructed" and isinstance(detector.efficiency, SigmoidEfficiency):
        expected = "flat or table, whose integral over a Gaussian is known"
        found, hint = "a sigmoid of the reconstructed energy", "tabulate it, or declare efficiency_at = 'true'"
        yield Problem(file, "detector.efficiency.kind", found, expected, hint)


def _efficiency_problems(file: str, detector: Detector) -> Iterator[Problem]:
    field = "detector.efficiency"
    match detector.efficiency:
        case SigmoidEfficiency(plateau=top, steps=steps):
            yield from _step_problems(file, f"{field}.steps", steps)
            yield from _top_problems(file, f"{field}.plateau", top)
        case FlatEfficiency(value=top):
            yield from _top_problems(file, f"{field}.value", top)
        case TableEfficiency(points=points) if points:
            found, expected = f"{len(points)} points beside a file", "the file alone, from which the points are read"
            yield Problem(file, f"{field}.points", found, expected, "write the points into the file")


def _top_problems(file: str, field: str, top: float) -> Iterator[Problem]:
    if not 0 < top <= 1:
        yield Problem(file, field, f"{top:g}", "an efficiency above 0, at most 1", "mend the value")


def _step_problems(file: str, field: str, steps: Sequence[tuple[float, float]]) -> Iterator[Problem]:
    for index, (_, factor) in enumerate(steps):
        if not 0 <= factor <= 1:
            yield Problem(file, f"{field}[{index}]", f"the factor {factor:g}", "a factor in [0, 1]", "mend the value")
    for index, (before, after) in enumerate(itertools.pairwise(steps), start=1):
        if not before[0] < after[0]:
            found = f"a step at {after[0]:g} after one at {before[0]:g}"
            yield Problem(file, f"{field}[{index}]", found, "steps at increasing values", "sort them")


def table_problems(file: str, lines: Sequence[int], points: Sequence[tuple[float, float]]) -> Iterator[Problem]:
    """Points of an efficiency at increasing values, each from 0 to 1, and not all of them 0."""
    for line, (_, accepted) in zip(lines, points, strict=True):
        if not 0 <= accepted <= 1:
            where, expected = f"line {line}, column efficiency", "an efficiency from 0 to 1"
            yield Problem(file, where, f"{accepted:g}", expected, "mend the cell")
    for line, (before, after) in zip(lines[1:], itertools.pairwise(points), strict=True):
        if not before[0] < after[0]:
            found = f"{after[0]:g} after {before[0]:g}"
            yield Problem(file, f"line {line}, column value", found, "increasing values", "sort the rows, each once")
    if not any(accepted for _, accepted in points):
        yield Problem(file, "column efficiency", "zeros alone", "an efficiency above zero", "mend the table")
