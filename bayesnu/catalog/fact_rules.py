"""What makes a fact a wrong one: the rules of fluxes, nuclei, experiments, their counts and their templates."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bayesnu import schema
from bayesnu.catalog.validation import Numbers, did_you_mean, file_problems, positive, source_problems
from bayesnu.errors import Problem
from bayesnu.schema import Experiment, Flux, GaussianStatistic, Isotope, Line, PoissonStatistic, SigmoidEfficiency

ABUNDANCE_ERROR = 2e-3
"""How far the printed abundances of an element may be from adding to one."""


def flux_problems(file: str, flux: Flux) -> Iterator[Problem]:
    """A flux needs components, positive energies and a source."""
    if not flux.components:
        yield Problem(file, "components", "an empty table", "at least one component", "add [components.NAME]")
    for name, component in flux.components.items():
        if isinstance(component, Line):
            yield from positive(file, {f"components.{name}.energy_mev": component.energy_mev})
    yield from source_problems(file, flux.sources, Flux.__struct_fields__, ["components"])


def isotope_problems(file: str, isotopes: Sequence[Isotope]) -> Iterator[Problem]:
    """Masses and radii are positive, a nucleus has no more protons than nucleons, abundances add to one."""
    totals: dict[str, float] = {}
    for isotope in isotopes:
        row = isotope.name
        yield from positive(
            file, {f"{row}.mass_u": isotope.mass_u, f"{row}.charge_radius_fm": isotope.charge_radius_fm}
        )
        if not 0 < isotope.charge <= isotope.mass_number:
            yield Problem(file, f"{row}.charge", str(isotope.charge), "1 to the mass number", "mend the row")
        for key in ("abundance", "unpaired_protons", "unpaired_neutrons"):
            if getattr(isotope, key) < 0:
                yield Problem(file, f"{row}.{key}", f"{getattr(isotope, key):g}", "0 or more", "mend the row")
        totals[isotope.element] = totals.get(isotope.element, 0.0) + isotope.abundance
    for element, total in totals.items():
        if abs(total - 1) > ABUNDANCE_ERROR:
            hint = "mend the rows of the element"
            yield Problem(file, f"{element}.abundance", f"{total:g} in all", "abundances that add to 1", hint)


def target_problems(file: str, formula: Mapping[str, float], isotopes: Sequence[Isotope]) -> Iterator[Problem]:
    """Every constituent of a target is a nucleus that we know."""
    known = {i.element for i in isotopes} | {i.name for i in isotopes}
    for name in formula:
        if name not in known:
            expected = f"an element or isotope of data/nuclei: {', '.join(sorted({i.element for i in isotopes}))}"
            hint = did_you_mean(name, known) or "add its isotopes to data/nuclei"
            yield Problem(file, f"detector.target.formula.{name}", repr(name), expected, hint)


# --- experiments ------------------------------------------------------------------------------------------------------


def experiment_problems(file: str, experiment: Experiment) -> Iterator[Problem]:
    """The rules that an experiment must keep by itself."""
    yield from _prediction_problems(file, experiment)
    if experiment.fluence:
        names = ("protons_on_target", "neutrinos_per_proton", "baseline_m")
        yield from positive(file, {f"fluence.{n}": getattr(experiment.fluence, n) for n in names})
    if experiment.detector:
        yield from _detector_problems(file, experiment.detector)
    for name, knob in experiment.knobs.items():
        yield from _knob_problems(file, experiment, f"knobs.{name}", knob)
    for name, background in experiment.backgrounds.items():
        yield from _background_problems(file, experiment, f"backgrounds.{name}", background)
    if experiment.counts.file and (experiment.counts.bins or experiment.counts.observed):
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


def _detector_problems(file: str, detector: schema.Detector) -> Iterator[Problem]:
    formula = detector.target.formula
    if not formula:
        yield Problem(file, "detector.target.formula", "an empty table", "atoms per formula unit", "name the elements")
    yield from positive(file, {f"detector.target.formula.{k}": v for k, v in formula.items()})
    yield from positive(file, {"detector.target.mass_kg": detector.target.mass_kg})
    yield from positive(file, {"detector.response.per_kev": detector.response.per_kev})
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


def _knob_problems(file: str, experiment: Experiment, field: str, knob: schema.Knob) -> Iterator[Problem]:
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


def _numbers_of(detector: schema.Detector | None) -> dict[str, float]:
    """Dotted path -> every number of a detector that a knob can bend."""
    parts = {n: getattr(detector, n) for n in detector.__struct_fields__} if detector else {}
    paths = {
        f"{part}.{name}": getattr(value, name) for part, value in parts.items() for name in value.__struct_fields__
    }
    return {path: value for path, value in paths.items() if isinstance(value, float)}


def _background_problems(
    file: str, experiment: Experiment, field: str, background: schema.Background
) -> Iterator[Problem]:
    if bool(background.counts) == bool(background.column):
        found = "counts and a column" if background.counts else "neither counts nor a column"
        yield Problem(file, field, found, "either counts or a column of counts.file", "give one of the two")
    elif background.column and not experiment.counts.file:
        expected = "counts, because the experiment has no counts.file"
        yield Problem(file, f"{field}.column", repr(background.column), expected, "give counts, or declare counts.file")


# --- counts and templates ---------------------------------------------------------------------------------------------


def count_problems(file: str, experiment: Experiment, bins: Sequence[tuple[float, float]], observed: Numbers,
                   backgrounds: Mapping[str, Numbers]) -> Iterator[Problem]:  # fmt: skip
    """Bins increase, columns are equally long, counts are not negative; `file` is where the bins are."""
    counts = experiment.counts
    yield from _bin_problems(file, "row" if counts.file else "counts.bins", bins)
    columns = {f"column {counts.observed_column}" if counts.file else "counts.observed": observed}
    for name, values in backgrounds.items():
        column = experiment.backgrounds[name].column
        columns[f"column {column}" if column else f"backgrounds.{name}.counts"] = values
    for field, values in columns.items():
        if len(values) != len(bins):
            expected = f"{len(bins)}, one a bin"
            yield Problem(file, field, f"{len(values)} numbers", expected, "give one number a bin")
        for index, value in enumerate(values):
            if value < 0:
                yield Problem(file, f"{field}[{index}]", f"{value:g}", "counts that are not negative", "mend it")
    if isinstance(experiment.statistic, PoissonStatistic):
        field = next(iter(columns))
        for index, value in enumerate(observed):
            if value != round(value):
                hint = "mend the number, or use the gaussian statistic"
                yield Problem(file, f"{field}[{index}]", f"{value:g}", "whole counts for Poisson statistics", hint)


def _bin_problems(file: str, field: str, bins: Sequence[tuple[float, float]]) -> Iterator[Problem]:
    if not bins:
        yield Problem(file, field, "no bins", "at least one bin", "declare counts.bins or counts.file")
    edge = -math.inf
    for index, (low, high) in enumerate(bins):
        found = f"[{low:g}, {high:g}]"
        if not low < high:
            yield Problem(
                file, f"{field}[{index}]", found, "a bin [low, high] with low below high", "swap or mend them"
            )
        elif low < 0:
            yield Problem(file, f"{field}[{index}]", found, "a bin of an observable that is not negative", "mend it")
        elif low < edge:
            expected = f"a bin that starts at {edge:g} or above, where the one before ends"
            yield Problem(file, f"{field}[{index}]", found, expected, "sort the bins, and let none overlap")
        edge = high


def variance_problems(
    file: str, weights: Mapping[str, float], known: Iterable[str], variance: Numbers
) -> Iterator[Problem]:
    """The variance is made of known counts, and positive in every bin."""
    known = list(known)
    unknown = [name for name in weights if name not in known]
    for name in unknown:
        hint = did_you_mean(name, known) or "mend it"
        yield Problem(file, f"statistic.variance.{name}", repr(name), f"one of {', '.join(known)}", hint)
    for index, value in enumerate(variance):
        if not unknown and not value > 0:
            found = f"a variance of {value:g} in bin {index}"
            yield Problem(file, "statistic.variance", found, "a positive variance", "mend the weights")


def variance(experiment: Experiment, observed: Numbers, backgrounds: Mapping[str, Numbers]) -> Numbers:
    """Variance per bin of a Gaussian statistic: the weighted sum of observed and background counts."""
    if not isinstance(experiment.statistic, GaussianStatistic):
        return ()
    terms = {"observed": observed, **backgrounds}
    weights = {name: weight for name, weight in experiment.statistic.variance.items() if name in terms}
    return tuple(sum(weights[n] * terms[n][b] for n in weights) for b in range(len(observed)))


def template_problems(
    file: str, lines: Sequence[int], rows: Sequence[tuple[str, str, float, float]], flux: Flux, bins: int
) -> Iterator[Problem]:
    """Template rows name a flux component and a bin, and give counts that are not negative, each once."""
    seen: dict[tuple[str, str, float], int] = {}
    for line, (component, term, index, counts) in zip(lines, rows, strict=True):
        if component not in flux.components:
            hint = did_you_mean(component, flux.components) or "mend the row"
            expected = f"one of {', '.join(flux.components)}"
            yield Problem(file, f"line {line}, column flux", repr(component), expected, hint)
        if index != round(index) or not 0 <= index < bins:
            expected = f"0 to {bins - 1}, counted from zero"
            yield Problem(file, f"line {line}, column bin", f"bin {index:g}", expected, "mend the row")
        # A cross term (proton x neutron) may be negative, a squared coupling cannot.
        if counts < 0 and not term.endswith("-pn"):
            expected = "counts that are not negative"
            yield Problem(file, f"line {line}, column counts", f"{counts:g}", expected, "mend the row")
        first = seen.setdefault((component, term, index), line)
        if first != line:
            found = f"{component}, {term}, bin {index:g} again"
            yield Problem(file, f"line {line}", found, f"each once (it is on line {first})", "drop one of them")
