"""What makes a fact a wrong one: the rules of fluxes, nuclei, experiments, their counts and their templates."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bayesnu import schema
from bayesnu.catalog.validation import Numbers, did_you_mean, file_problems, positive, source_problems
from bayesnu.errors import Problem
from bayesnu.schema import (
    Experiment,
    Flux,
    GaussianStatistic,
    Isotope,
    Line,
    MaxwellFit,
    PoissonStatistic,
    ReactorPower,
    ReactorSpectrum,
    SigmoidEfficiency,
)

ABUNDANCE_ERROR = 2e-3
"""How far the printed abundances of an element may be from adding to one."""
FRACTION_ERROR = 1e-6
"""How far the fission fractions of a core may be from adding to one."""


def flux_problems(file: str, flux: Flux) -> Iterator[Problem]:
    """A flux needs components, energies and spectra that make sense, and a source."""
    if not flux.components:
        yield Problem(file, "components", "an empty table", "at least one component", "add [components.NAME]")
    for name, component in flux.components.items():
        field = f"components.{name}"
        match component:
            case Line():
                yield from positive(file, {f"{field}.energy_mev": component.energy_mev})
            case ReactorSpectrum():
                yield from _reactor_problems(file, field, component)
            case MaxwellFit():
                yield from _fit_problems(file, field, component)
    yield from source_problems(file, flux.sources, Flux.__struct_fields__, ["components"])


def _reactor_problems(file: str, field: str, spectrum: ReactorSpectrum) -> Iterator[Problem]:
    """The table starts at zero and increases, the spectrum ends above it, the fractions add to one."""
    table = spectrum.low_energy_mev
    if not table or table[0] != 0:
        found = f"a table from {table[0]:g} MeV" if table else "an empty table"
        yield Problem(file, f"{field}.low_energy_mev", found, "energies from 0 MeV", "add the point at 0")
    yield from _order_problems(file, f"{field}.low_energy_mev", table)
    if table and not spectrum.end_mev > table[-1]:
        expected = f"an end above {table[-1]:g} MeV, where the polynomials start"
        yield Problem(file, f"{field}.end_mev", f"{spectrum.end_mev:g}", expected, "raise it")
    if not spectrum.isotopes:
        hint = f"add [{field}.isotopes.NAME]"
        yield Problem(file, f"{field}.isotopes", "an empty table", "at least one isotope", hint)
    for name, isotope in spectrum.isotopes.items():
        yield from _fission_problems(file, f"{field}.isotopes.{name}", isotope, len(table))
    total = math.fsum(isotope.fraction for isotope in spectrum.isotopes.values())
    if spectrum.isotopes and abs(total - 1) > FRACTION_ERROR:
        expected = "fission fractions that add to 1"
        yield Problem(file, f"{field}.isotopes", f"fractions of {total:.9g} in all", expected, "mend the fractions")


def _fission_problems(file: str, field: str, isotope: schema.FissionIsotope, points: int) -> Iterator[Problem]:
    """A share of the core, a positive energy, and a spectrum that is not negative."""
    if not 0 < isotope.fraction <= 1:
        yield Problem(file, f"{field}.fraction", f"{isotope.fraction:g}", "above 0, at most 1", "mend the value")
    yield from positive(file, {f"{field}.energy_per_fission_mev": isotope.energy_per_fission_mev})
    if not isotope.polynomial:
        yield Problem(file, f"{field}.polynomial", "no coefficients", "at least one coefficient", "give them")
    if len(isotope.low_energy) != points:
        expected = f"{points}, one an energy of low_energy_mev"
        yield Problem(file, f"{field}.low_energy", f"{len(isotope.low_energy)} numbers", expected, "mend the table")
    for index, value in enumerate(isotope.low_energy):
        if value < 0:
            expected = "a spectrum that is not negative"
            yield Problem(file, f"{field}.low_energy[{index}]", f"{value:g}", expected, "mend the value")


def _order_problems(file: str, field: str, values: Sequence[float]) -> Iterator[Problem]:
    for index, (before, after) in enumerate(itertools.pairwise(values), start=1):
        if not before < after:
            found = f"{after:g} after {before:g}"
            yield Problem(file, f"{field}[{index}]", found, "increasing energies", "sort them, each once")


def _fit_problems(file: str, field: str, fit: MaxwellFit) -> Iterator[Problem]:
    """A positive fit on a range that starts above zero, where its power may diverge."""
    for name in ("amplitude", "slope", "exponent", "start_mev"):
        yield from positive(file, {f"{field}.{name}": getattr(fit, name)})
    if not fit.start_mev < fit.end_mev:
        expected = f"an end above the start, {fit.start_mev:g}"
        yield Problem(file, f"{field}.end_mev", f"{fit.end_mev:g}", expected, "mend the range")


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


def _detector_problems(file: str, detector: schema.Detector) -> Iterator[Problem]:
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
    """Bins increase, columns are equally long, counts are not negative; `file` is where the bins are.

    Projected data have no observed counts yet.
    """
    counts = experiment.counts
    yield from _bin_problems(file, "row" if counts.file else "counts.bins", bins)
    columns: dict[str, Numbers] = {}
    if not counts.asimov:
        columns[f"column {counts.observed_column}" if counts.file else "counts.observed"] = observed
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
    if isinstance(experiment.statistic, PoissonStatistic) and not counts.asimov:
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
    """Variance per bin of a Gaussian statistic: the weighted sum of observed and background counts.

    Empty for Poisson counts, and for projected data, which have no observed counts yet.
    """
    if not isinstance(experiment.statistic, GaussianStatistic) or experiment.counts.asimov:
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
