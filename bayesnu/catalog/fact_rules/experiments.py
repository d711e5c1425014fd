"""What makes an experiment a wrong one, by itself or with its flux."""

import itertools
from collections.abc import Iterator, Sequence

from bayesnu.catalog.fact_rules.counts import variance_problems
from bayesnu.catalog.validation import did_you_mean, file_problems, positive, source_problems
from bayesnu.errors import Problem
from bayesnu.schema import (
    Background,
    Detector,
    Experiment,
    Flux,
    GaussianStatistic,
    Knob,
    ReactorPower,
    ReactorSpectrum,
    SigmoidEfficiency,
)


def experiment_problems(file: str, experiment: Experiment) -> Iterator[Problem]:
    """The rules that an experiment must keep by itself."""
    yield from _prediction_problems(file, experiment)
    if experiment.fluence:
        names = experiment.fluence.__struct_fields__
        yield from positive(file, {f"fluence.{n}": getattr(experiment.fluence, n) for n in names})
    if experiment.detector:
        yield from _detector_problems(file, experiment.detector)
    for name, knob in experiment.knobs.items():
        yield from _knob_problems(file, experiment, f"knobs.{name}", knob)
    for name, background in experiment.backgrounds.items():
        yield from _background_problems(file, experiment, f"backgrounds.{name}", background)
    if experiment.counts.asimov:
        yield from _projection_problems(file, experiment)
    elif experiment.counts.file and (experiment.counts.bins or experiment.counts.observed):
        expected = "either a file, or bins and observed"
        yield Problem(file, "counts", f"{experiment.counts.file!r} beside bins or observed", expected, "drop one")
    for index, check in enumerate(experiment.checks):
        yield from positive(file, {f"checks[{index}].tolerance": check.tolerance})
    tables = ["counts", "statistic", "fluence", "detector", "backgrounds", "knobs", "checks"]
    # Templates beside a detector are one mistake already.
    templates = "" if experiment.detector else experiment.templates
    tables += ["templates"] if templates else []
    covered = [t for t in tables if getattr(experiment, t)]
    yield from source_problems(file, experiment.sources, Experiment.__struct_fields__, covered)
    needed = {"counts.file": experiment.counts.file, "templates": templates}
    yield from file_problems(file, experiment.sources, needed)


def _prediction_problems(file: str, experiment: Experiment) -> Iterator[Problem]:
    found = [n for n in ("fluence", "detector", "templates") if getattr(experiment, n)]
    if found not in (["fluence", "detector"], ["templates"]):
        # The first one that is declared is where the reader will look.
        field = found[-1] if "templates" in found else next((n for n in ("fluence", "detector") if n not in found), "")
        expected = "either [fluence] and [detector], or templates"
        yield Problem(file, field, " and ".join(found) or "none of them", expected, "declare one way to predict")
    if len(experiment.knobs) > 2:
        found = list(experiment.knobs)
        yield Problem(file, "knobs", ", ".join(found), "at most two, on a product grid", "drop one")


def _projection_problems(file: str, experiment: Experiment) -> Iterator[Problem]:
    """Projected data are computed: none are given, and their variance is made of known counts."""
    for name in ("observed", "file"):
        if value := getattr(experiment.counts, name):
            found = f"{value!r} beside asimov" if name == "file" else f"{len(value)} counts beside asimov"
            expected = "bins alone, because projected data are computed"
            yield Problem(file, f"counts.{name}", found, expected, "drop one of the two")
    weights = getattr(experiment.statistic, "variance", {})
    yield from variance_problems(file, weights, ["observed", *experiment.backgrounds], ())
    if isinstance(experiment.statistic, GaussianStatistic):
        # The observed counts are known to be positive, those of a background are not.
        yield from positive(file, {"statistic.variance.observed": weights.get("observed", 0.0)})


def fluence_problems(file: str, experiment: Experiment, flux: Flux) -> Iterator[Problem]:
    """A thermal power needs the energy per fission and the spectrum per fission of a reactor's core."""
    for name, component in flux.components.items():
        if isinstance(experiment.fluence, ReactorPower) and not isinstance(component, ReactorSpectrum):
            found = f"a reactor power, but the component {name!r} of {experiment.flux} is no spectrum per fission"
            expected = 'components of shape "reactor" alone'
            yield Problem(file, "fluence.kind", found, expected, "name a reactor's flux, or quote a flux")


def _detector_problems(file: str, detector: Detector) -> Iterator[Problem]:
    formula = detector.target.formula
    if not formula:
        yield Problem(file, "detector.target.formula", "an empty table", "atoms per formula unit", "name the elements")
    yield from positive(file, {f"detector.target.formula.{k}": v for k, v in formula.items()})
    yield from positive(file, {"detector.target.mass_kg": detector.target.mass_kg})
    scales = {name: getattr(detector.response, name, None) for name in ("per_kev", "k")}
    yield from positive(file, {f"detector.response.{n}": v for n, v in scales.items() if v is not None})
    efficiency, field = detector.efficiency, "detector.efficiency"
    if isinstance(efficiency, SigmoidEfficiency):
        name, top = "plateau", efficiency.plateau
        yield from _step_problems(file, f"{field}.steps", efficiency.steps)
    else:
        name, top = "value", efficiency.value
    if not 0 < top <= 1:
        yield Problem(file, f"{field}.{name}", f"{top:g}", "an efficiency above 0, at most 1", "mend the value")


def _step_problems(file: str, field: str, steps: Sequence[tuple[float, float]]) -> Iterator[Problem]:
    for index, (_, factor) in enumerate(steps):
        if not 0 <= factor <= 1:
            yield Problem(file, f"{field}[{index}]", f"the factor {factor:g}", "a factor in [0, 1]", "mend the value")
    for index, (before, after) in enumerate(itertools.pairwise(steps), start=1):
        if not before[0] < after[0]:
            found = f"a step at {after[0]:g} after one at {before[0]:g}"
            yield Problem(file, f"{field}[{index}]", found, "steps at increasing values", "sort them")


def _knob_problems(file: str, experiment: Experiment, field: str, knob: Knob) -> Iterator[Problem]:
    numbers = _numbers_of(experiment.detector)
    if knob.bends not in numbers:
        expected = f"a number of the detector: {', '.join(numbers) or 'none'}"
        hint = did_you_mean(knob.bends, numbers) or "mend the path"
        yield Problem(file, f"{field}.bends", repr(knob.bends), expected, hint)
    elif not knob.low < numbers[knob.bends] < knob.high:
        expected = f"a range around the nominal {numbers[knob.bends]:g} of {knob.bends}"
        yield Problem(file, field, f"[{knob.low:g}, {knob.high:g}]", expected, "widen it")
    if not 3 <= knob.nodes <= 99:
        yield Problem(file, f"{field}.nodes", str(knob.nodes), "3 to 99 nodes", "mend it")
    yield from positive(file, {f"{field}.tolerance": knob.tolerance, f"{field}.low": knob.low})


def _numbers_of(detector: Detector | None) -> dict[str, float]:
    """Dotted path -> every number of a detector that a knob can bend."""
    parts = {n: getattr(detector, n) for n in detector.__struct_fields__} if detector else {}
    paths = {
        f"{part}.{name}": getattr(value, name) for part, value in parts.items() for name in value.__struct_fields__
    }
    return {path: value for path, value in paths.items() if isinstance(value, float)}


def _background_problems(file: str, experiment: Experiment, field: str, background: Background) -> Iterator[Problem]:
    if bool(background.counts) == bool(background.column):
        found = "counts and a column" if background.counts else "neither counts nor a column"
        yield Problem(file, field, found, "either counts or a column of counts.file", "give one of the two")
    elif background.column and not experiment.counts.file:
        expected = "counts, because the experiment has no counts.file"
        yield Problem(file, f"{field}.column", repr(background.column), expected, "give counts, or declare counts.file")
