"""What makes counts, their variance or given templates wrong ones."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bayesnu.catalog.validation import Numbers, did_you_mean, positive
from bayesnu.errors import Problem
from bayesnu.schema import Experiment, Flux, GaussianStatistic, PoissonStatistic, Share

SHARE_ERROR = 1e-6
"""How far the shares of a flux in one energy bin may add to more than one: released tables are rounded."""


def count_problems(file: str, experiment: Experiment, bins: Sequence[tuple[float, float]], observed: Numbers,
                   backgrounds: Mapping[str, Numbers]) -> Iterator[Problem]:  # fmt: skip
    """Bins increase, columns are equally long, counts are not negative; `file` is where the bins are.

    Projected data have no observed counts yet.
    """
    counts = experiment.counts
    repeated = any(share.column for share in experiment.shares.values())
    yield from _bin_problems(file, "row" if counts.file else "counts.bins", bins, repeated)
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
        # What is left of counts after a subtraction may be negative; its error is then a published one.
        subtracted = values is observed and has_sd(experiment)
        for index, value in enumerate(values):
            if value < 0 and not subtracted:
                yield Problem(file, f"{field}[{index}]", f"{value:g}", "counts that are not negative", "mend it")
    if isinstance(experiment.statistic, PoissonStatistic) and not counts.asimov:
        field = next(iter(columns))
        for index, value in enumerate(observed):
            if value != round(value):
                hint = "mend the number, or use the gaussian statistic"
                yield Problem(file, f"{field}[{index}]", f"{value:g}", "whole counts for Poisson statistics", hint)


def has_sd(experiment: Experiment) -> bool:
    """Whether the errors of the bins are published ones, and not made of counts."""
    statistic = experiment.statistic
    return isinstance(statistic, GaussianStatistic) and bool(statistic.sd or statistic.sd_column)


def _bin_problems(file: str, field: str, bins: Sequence[tuple[float, float]], repeated: bool) -> Iterator[Problem]:
    """Bins increase and do not overlap; beside a second observable one range may stand in several rows, in one run."""
    if not bins:
        yield Problem(file, field, "no bins", "at least one bin", "declare counts.bins or counts.file")
    edge, before = -math.inf, None
    for index, (low, high) in enumerate(bins):
        if repeated and (low, high) == before:
            continue
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
        edge, before = high, (low, high)


def variance_problems(
    file: str, weights: Mapping[str, float], known: Iterable[str], variance: Numbers
) -> Iterator[Problem]:
    """The variance is made of known counts, and positive in every bin."""
    known = list(known)
    unknown = [name for name in weights if name not in known]
    for name in unknown:
        hint = did_you_mean(name, known) or "mend it"
        yield Problem(file, f"statistic.variance.{name}", repr(name), f"one of {', '.join(known)}", hint)
    lowest = min(variance, default=1.0)
    if not unknown and not lowest > 0:
        found = f"a variance of {lowest:g} in bin {variance.index(lowest)}"
        yield Problem(file, "statistic.variance", found, "a positive variance", "mend the weights")


def sd_problems(file: str, experiment: Experiment, sd: Numbers, bins: int) -> Iterator[Problem]:
    """Published errors are as many as the bins, and positive; `file` is where they are."""
    if not has_sd(experiment):
        return
    column = getattr(experiment.statistic, "sd_column", "")
    field = f"column {column}" if column else "statistic.sd"
    if len(sd) != bins:
        yield Problem(file, field, f"{len(sd)} numbers", f"{bins}, one a bin", "give one number a bin")
    yield from positive(file, {f"{field}[{index}]": value for index, value in enumerate(sd)})


def share_problems(
    file: str, where: str, shares: Mapping[str, Share], found: Mapping[str, Numbers],
    bins: Sequence[tuple[float, float]],
) -> Iterator[Problem]:  # fmt: skip
    """Shares of a column are from 0 to 1, and none add to more than 1 over the rows of one energy bin.

    `where` is the file of the columns, `file` that of the values.
    """
    for name, values in found.items():
        column = shares[name].column
        place, field = (where, f"column {column}") if column else (file, f"shares.{name or repr(name)}.value")
        for index, value in enumerate(values if column else ()):
            if not 0 <= value <= 1:
                yield Problem(place, f"{field}[{index}]", f"{value:g}", "a share from 0 to 1", "mend it")
        rows = zip(bins, values, strict=True)
        totals = {pair: math.fsum(v for _, v in group) for pair, group in itertools.groupby(rows, key=lambda r: r[0])}
        low, high = max(totals, key=totals.__getitem__)
        if totals[low, high] > 1 + SHARE_ERROR:
            text = f"{totals[low, high]:.6g} in all of [{low:g}, {high:g}]"
            yield Problem(place, field, text, "no more than 1 over the rows of one bin", "mend the shares")


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
