"""Credible limits of a result under other priors and with other ranges: each beside the declared one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import xarray as xr

from bayesnu.infer import blind_spots, checks, results, reweighting
from bayesnu.infer.reweighting import Chosen
from bayesnu.likelihood import priors
from bayesnu.report.labels import number, percent
from bayesnu.report.limits import Limit, Others, draws_of, group_of, limits

How = Literal["declared", "reweighted", "rerun", "rerun needed"]
Rerun = Callable[[str, Chosen, Sequence[str]], xr.DataTree]
"""(what for, priors, parameters also taken alone) -> a new result."""


class Other(NamedTuple):
    """One limit under one other prior; none where the draws cannot tell and nothing was run again."""

    parameter: str
    others: Others
    name: str
    prior: str
    """Of the parameter itself where the name changes it, else of what it changes."""
    upper: float | None
    mcse: float | None
    pareto_k: float | None
    """Of the weights; None where they would need draws that the declared prior forbids, or where it was run again."""
    how: How
    converged: bool


def limits_under(
    tree: xr.DataTree, names: Sequence[str], *, level: float, parameter: str | None = None,
    log_from: float | None = None, rerun: Rerun | None = None,
) -> list[Other]:  # fmt: skip
    """Limits of every row of the limits table under each of these priors, by weights where these can tell.

    >>> import bayesnu as bn
    >>> tree = bn.open_result("result.nc")  # doctest: +SKIP
    >>> bn.limits_under(tree, ["square", "log"], level=0.90, log_from=1.0)  # doctest: +SKIP
    """
    rows = [r for r in limits(tree, level=level, parameter=parameter) if r.credible_upper is not None]
    model = results.model_of(tree)
    return [
        other
        for name in names
        for other in _under(tree, rows, name, reweighting.named(model, name, log_from), level, rerun)
    ]


def _under(
    tree: xr.DataTree, rows: Sequence[Limit], name: str, new: Chosen, level: float, rerun: Rerun | None
) -> list[Other]:
    """All rows under one prior; what weights cannot tell is run again at once, for all rows."""
    found = [_weighted(tree, row, name, new, level) for row in rows]
    if rerun is None or all(other.how != "rerun needed" for other in found):
        return found
    alone = [row.parameter for row in rows if f"one_at_a_time/{row.parameter}" in _paths(tree)]
    again = {(r.parameter, r.others): r for r in limits(rerun(name, new, list(dict.fromkeys(alone))), level=level)}
    return [
        _from_rerun(other, again[other.parameter, other.others]) if other.how == "rerun needed" else other
        for other in found
    ]


def _paths(tree: xr.DataTree) -> set[str]:
    return {path.lstrip("/") for path in tree.groups}


def _weighted(tree: xr.DataTree, row: Limit, name: str, new: Chosen, level: float) -> Other:
    model, only = results.model_of(tree), len(results.parameters_of(tree)) == 1
    path = "posterior" if only or row.others == "profiled" else f"one_at_a_time/{row.parameter}"
    draws = group_of(tree, path)
    assert draws is not None
    mine = {n: p for n, p in new.items() if n in draws}
    old = reweighting.declared(model, mine)
    text = priors.describe(new[row.parameter]) if row.parameter in new else ", ".join(new)
    converged = bool(row.converged)
    if old == mine:
        return Other(row.parameter, row.others, name, text, row.credible_upper, row.mcse, None, "declared", converged)
    if not reweighting.covered(old, mine):
        return Other(row.parameter, row.others, name, text, None, None, None, "rerun needed", converged)
    found = reweighting.limit(draws[row.parameter], reweighting.log_ratio(draws, old, mine), level)
    if not found.usable:
        return Other(row.parameter, row.others, name, text, None, None, found.pareto_k, "rerun needed", converged)
    return Other(
        row.parameter, row.others, name, text, found.upper, found.mcse, found.pareto_k, "reweighted", converged
    )


def _from_rerun(other: Other, again: Limit) -> Other:
    return other._replace(upper=again.credible_upper, mcse=again.mcse, how="rerun", converged=bool(again.converged))


def as_text(rows: Sequence[Limit], found: Sequence[Other], level: float) -> str:
    """A line for each row of the limits table, a column for each prior, and what the words mean."""
    names = list(dict.fromkeys(other.name for other in found))
    table = {(o.parameter, o.others, o.name): o for o in found}
    lines = [f"{percent(level)} % credible limits under other priors"]
    cells = [["parameter", "others", "declared", *names]]
    cells += [
        [row.parameter, row.others, _value(row.credible_upper, row.mcse),
         *(_cell(table[row.parameter, row.others, n]) for n in names)]
        for row in rows if row.credible_upper is not None
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines += ["", *("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells), ""]
    lines += [f"{n}: {reweighting.NAMES[n]}: {'; '.join(_texts(found, n))}" for n in names]
    if any(o.pareto_k is not None for o in found):
        lines.append(f"k: Pareto exponent of the weights' tail; from {reweighting.PARETO_K} on they cannot tell")
    if any(o.how == "rerun needed" for o in found):
        lines.append("rerun: the weights cannot tell; `bayesnu limits --rerun` samples again, with emcee")
    if any(o.how == "rerun" for o in found):
        lines.append("(rerun): sampled again with emcee" + _unconverged(found))
    return "\n".join([*lines, ""])


def _texts(found: Sequence[Other], name: str) -> list[str]:
    return list(dict.fromkeys(o.prior for o in found if o.name == name))


def _unconverged(found: Sequence[Other]) -> str:
    failed = dict.fromkeys(o.name for o in found if o.how == "rerun" and not o.converged)
    return f"; NOT CONVERGED: {', '.join(failed)}" if failed else ""


def _cell(other: Other) -> str:
    match other.how:
        case "declared":
            return "as declared"
        case "rerun needed":
            return "rerun" if other.pareto_k is None else f"rerun (k {other.pareto_k:.2f})"
        case "rerun":
            return f"{_value(other.upper, other.mcse)} (rerun)"
        case "reweighted":
            return f"{_value(other.upper, other.mcse)} (k {other.pareto_k:.2f})"


def _value(upper: float | None, mcse: float | None) -> str:
    return number(upper) if mcse is None else f"{number(upper)} +- {mcse:.1g}"


# --- twice the range --------------------------------------------------------------------------------------------------


class Ranged(NamedTuple):
    """A modulus or an effective moment: its limit with the declared ranges of all moduli, and with twice these."""

    name: str
    unit: str
    upper: float
    mcse: float
    doubled_upper: float
    doubled_mcse: float
    converged: bool
    """Of the run with twice the range."""


def doubled(tree: xr.DataTree, *, level: float, rerun: Rerun) -> list[Ranged]:
    """Limits of all moduli and effective moments with the declared ranges and with twice these."""
    model = results.model_of(tree)
    new = blind_spots.doubled(model)
    names = [*new, *blind_spots.effective_names(tree)]
    wide = rerun("twice the range", new, [])
    return [_ranged(tree, wide, name, level) for name in names]


def _ranged(tree: xr.DataTree, wide: xr.DataTree, name: str, level: float) -> Ranged:
    draws = [draws_of(t, name, "profiled", alone=True) for t in (tree, wide)]
    pair = [reweighting.limit(d, xr.zeros_like(d, dtype=float), level) for d in draws if d is not None]
    unit = str(draws[0].attrs.get("unit", "")) if draws[0] is not None else ""
    return Ranged(name, unit, pair[0].upper, pair[0].mcse, pair[1].upper, pair[1].mcse, checks.recorded(wide).converged)


def doubled_as_text(found: Sequence[Ranged], ranges: Mapping[str, str], level: float) -> str:
    """What grows with the range is limited by the prior; what does not, by the data."""
    head = f"{percent(level)} % credible limits with the declared ranges and with twice these"
    lines = [f"{'':<18}{'declared range':<18}{'twice the range':<18}{'ratio':<8}"]
    for row in found:
        ratio = row.doubled_upper / row.upper
        spread = 3 * ratio * ((row.mcse / row.upper) ** 2 + (row.doubled_mcse / row.doubled_upper) ** 2) ** 0.5
        grows = ratio > 1 + max(blind_spots.RELATIVE, spread)
        word = "limited by the range of the prior" if grows else "limited by the data"
        values = f"{_value(row.upper, row.mcse):<18}{_value(row.doubled_upper, row.doubled_mcse):<18}"
        lines.append(f"{row.name:<18}{values}{ratio:<8.2f}{word}")
    if not all(row.converged for row in found):
        lines.append("NOT CONVERGED: the run with twice the range")
    return "\n".join([head, "", *lines, "", f"ranges: {', '.join(f'{n} {t}' for n, t in ranges.items())}", ""])


def ranges(tree: xr.DataTree) -> dict[str, str]:
    """The declared priors of the moduli, for a note."""
    return {n: priors.describe(p) for n, p in blind_spots.moduli(results.model_of(tree)).items()}


def records(found: Sequence[Any], row: Limit) -> list[dict[str, Any]]:
    """What belongs to one row of the limits table, as plain records for JSON."""
    return [o._asdict() for o in found if (o.parameter, o.others) == (row.parameter, row.others)]
