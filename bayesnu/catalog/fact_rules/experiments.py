"""What makes an experiment a wrong one, by itself or with its flux."""

from collections.abc import Iterator

from bayesnu.catalog.fact_rules.counts import has_sd, variance_problems
from bayesnu.catalog.fact_rules.detectors import detector_problems
from bayesnu.catalog.validation import axis_problems, did_you_mean, file_problems, positive, source_problems
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
    Share,
    TableEfficiency,
)


def experiment_problems(file: str, experiment: Experiment) -> Iterator[Problem]:
    """The rules that an experiment must keep by itself."""
    yield from _prediction_problems(file, experiment)
    if experiment.fluence:
        names = experiment.fluence.__struct_fields__
        yield from positive(file, {f"fluence.{n}": getattr(experiment.fluence, n) for n in names})
    if experiment.detector:
        yield from detector_problems(file, experiment.detector)
    for name, knob in experiment.knobs.items():
        yield from _knob_problems(file, experiment, f"knobs.{name}", knob)
    for name, background in experiment.backgrounds.items():
        yield from _background_problems(file, experiment, f"backgrounds.{name}", background)
    for name, share in experiment.shares.items():
        yield from _share_problems(file, experiment, f"shares.{name or repr(name)}", share)
    yield from _error_problems(file, experiment)
    yield from _relative_problems(file, experiment)
    if experiment.counts.asimov:
        yield from _projection_problems(file, experiment)
    elif experiment.counts.file and (experiment.counts.bins or experiment.counts.observed):
        expected = "either a file, or bins and observed"
        yield Problem(file, "counts", f"{experiment.counts.file!r} beside bins or observed", expected, "drop one")
    for index, check in enumerate(experiment.checks):
        yield from positive(file, {f"checks[{index}].tolerance": check.tolerance})
    tables = ["counts", "statistic", "fluence", "detector", "backgrounds", "shares", "knobs", "checks"]
    # Templates beside a detector are one mistake already.
    templates = "" if experiment.detector else experiment.templates
    tables += ["templates"] if templates else []
    covered = [t for t in tables if getattr(experiment, t)]
    yield from source_problems(file, experiment.sources, Experiment.__struct_fields__, covered)
    needed = {"counts.file": experiment.counts.file, "templates": templates}
    if experiment.detector and isinstance(experiment.detector.efficiency, TableEfficiency):
        needed["detector.efficiency.file"] = experiment.detector.efficiency.file
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
    expected_ones = [name for name, background in experiment.backgrounds.items() if not background.subtracted]
    yield from variance_problems(file, weights, ["observed", *expected_ones], ())
    if isinstance(experiment.statistic, GaussianStatistic):
        # The observed counts are known to be positive, those of a background are not.
        yield from positive(file, {"statistic.variance.observed": weights.get("observed", 0.0)})


def _share_problems(file: str, experiment: Experiment, field: str, share: Share) -> Iterator[Problem]:
    """A share is one value, or a column of the counts file; given templates have their shares in them."""
    if share.column and share.value != 1.0:
        found = f"{share.value:g} and the column {share.column!r}"
        yield Problem(file, field, found, "either a value or a column of counts.file", "drop one of the two")
    elif not 0 <= share.value <= 1:
        yield Problem(file, f"{field}.value", f"{share.value:g}", "a share from 0 to 1", "mend it")
    if share.column and not experiment.counts.file:
        expected = "a value, because the experiment has no counts.file"
        yield Problem(file, f"{field}.column", repr(share.column), expected, "give a value, or declare counts.file")
    if experiment.templates:
        expected = "no shares: the templates are counts in the bins already"
        yield Problem(file, field, "a share beside templates", expected, "drop it")


def _error_problems(file: str, experiment: Experiment) -> Iterator[Problem]:
    """The error of a bin is made of counts, or it is a published one: one of the three ways to say so."""
    statistic = experiment.statistic
    if not isinstance(statistic, GaussianStatistic):
        return
    given = [name for name in ("variance", "sd", "sd_column") if getattr(statistic, name)]
    if len(given) > 1:
        expected = "one of variance, sd and sd_column"
        yield Problem(file, f"statistic.{given[-1]}", f"{' beside '.join(given)}", expected, "keep one")
    if statistic.sd_column and not experiment.counts.file:
        expected = "sd, because the experiment has no counts.file"
        yield Problem(file, "statistic.sd_column", repr(statistic.sd_column), expected, "give sd, or counts.file")
    if has_sd(experiment) and experiment.counts.asimov:
        expected = "variance, whose weights make the error of projected data"
        yield Problem(file, f"statistic.{given[-1]}", "published errors beside asimov", expected, "give weights")


def _relative_problems(file: str, experiment: Experiment) -> Iterator[Problem]:
    """Numbers in units of an expectation bring their own errors, and what was subtracted stays out of them."""
    if not experiment.counts.relative_to:
        return
    field = "counts.relative_to"
    if experiment.counts.asimov:
        found, expected = "relative_to beside asimov", "measured numbers, because projected data are computed"
        yield Problem(file, field, found, expected, "drop one of the two")
    elif not has_sd(experiment):
        expected = "statistic.sd or statistic.sd_column, in the same unit as the observed numbers"
        yield Problem(file, field, "numbers without errors of their own", expected, "give the errors")
    for name, background in experiment.backgrounds.items():
        if not background.subtracted:
            expected = "subtracted backgrounds alone, so that the unit is the signal"
            found = "a background in an expectation that is a unit"
            yield Problem(file, f"backgrounds.{name}", found, expected, "mark it subtracted")


def shared_flux_problems(file: str, experiment: Experiment, flux: Flux) -> Iterator[Problem]:
    """Shares are of components of the flux; where rows share an energy bin, every component needs one."""
    for name in experiment.shares:
        if name and name not in flux.components:
            hint = did_you_mean(name, flux.components) or "mend the name"
            expected = f"a component of {experiment.flux}: {', '.join(flux.components)}; '' is all that are not named"
            yield Problem(file, f"shares.{name}", repr(name), expected, hint)
    columns = any(share.column for share in experiment.shares.values())
    for name in flux.components:
        if columns and "" not in experiment.shares and name not in experiment.shares:
            found = f"no share of {name!r} beside columns of others"
            hint = f"add [shares.{name}], or [shares.''] for all others"
            yield Problem(file, f"shares.{name}", found, "a share of every component", hint)


def fluence_problems(file: str, experiment: Experiment, flux: Flux) -> Iterator[Problem]:
    """A thermal power needs the energy per fission and the spectrum per fission of a reactor's core."""
    for name, component in flux.components.items():
        if isinstance(experiment.fluence, ReactorPower) and not isinstance(component, ReactorSpectrum):
            found = f"a reactor power, but the component {name!r} of {experiment.flux} is no spectrum per fission"
            expected = 'components of shape "reactor" alone'
            yield Problem(file, "fluence.kind", found, expected, "name a reactor's flux, or quote a flux")


def _knob_problems(file: str, experiment: Experiment, field: str, knob: Knob) -> Iterator[Problem]:
    numbers = _numbers_of(experiment.detector)
    if knob.bends not in numbers:
        expected = f"a number of the detector: {', '.join(numbers) or 'none'}"
        hint = did_you_mean(knob.bends, numbers) or "mend the path"
        yield Problem(file, f"{field}.bends", repr(knob.bends), expected, hint)
    elif not knob.low < numbers[knob.bends] < knob.high:
        expected = f"a range around the nominal {numbers[knob.bends]:g} of {knob.bends}"
        yield Problem(file, field, f"[{knob.low:g}, {knob.high:g}]", expected, "widen it")
    yield from axis_problems(file, field, knob)


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
