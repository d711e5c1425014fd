"""What makes counts, their variance or given templates wrong ones."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bayesnu.catalog.validation import Numbers, did_you_mean
from bayesnu.errors import Problem
from bayesnu.schema import Experiment, Flux, GaussianStatistic, PoissonStatistic


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
