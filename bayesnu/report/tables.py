"""Tables of limits: JSON in full precision, plain text for a terminal or a pipe, Markdown for a notebook."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bayesnu.report.labels import alike, interval, number, percent
from bayesnu.report.limits import Limit, limits

__all__ = ["Column", "Limit", "as_json", "as_markdown", "as_text", "limits"]

WIDTH = 118
GAP = "  "


class Column(NamedTuple):
    """One more column: its title, the cell of each (parameter, others), and what it means."""

    title: str
    cells: Mapping[tuple[str, str], str]
    note: str


def as_json(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """Rows as plain records: full precision, null for what is missing, lists for intervals."""
    return [{key: _plain(value) for key, value in row._asdict().items()} for row in limits]


def as_text(limits: Sequence[Limit], more: Sequence[Column] = ()) -> str:
    """An aligned table; '!' marks rows whose draws did not converge, and the notes below say why."""
    if not limits:
        return "no parameters of interest\n"
    header, cells = _header(limits, more), [_cells(row, limits, more) for row in limits]
    marked = [["! " * (row.converged is False) + c[0], *c[1:]] for row, c in zip(limits, cells, strict=True)]
    widths = [max(map(len, column)) for column in zip(header, *marked, strict=True)]
    lines = [_aligned(header, widths), _aligned(["-" * w for w in widths], widths)]
    lines += [_aligned(row, widths) for row in marked]
    notes = [line for note in _notes(limits, more) for line in textwrap.wrap(note, WIDTH, subsequent_indent="  ")]
    return "\n".join([_title(limits), "", *lines, "", *notes, ""])


def as_markdown(limits: Sequence[Limit], more: Sequence[Column] = ()) -> str:
    """The same table and notes in Markdown, with symbols in place of names."""
    if not limits:
        return "no parameters of interest\n"
    header, cells = _header(limits, more), [_cells(row, limits, more) for row in limits]
    for row, c in zip(limits, cells, strict=True):
        c[0] = "**!** " * (row.converged is False) + _symbol(row) + c[0].removeprefix(row.parameter)
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *cells]]
    notes = [f"- {note}" for note in _notes(limits, more)]
    return "\n".join([f"**{_title(limits)}**", "", *lines, "", *notes, ""])


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- cells ------------------------------------------------------------------------------------------------------------


def _title(limits: Sequence[Limit]) -> str:
    units = {row.unit for row in limits}
    unit = f" in {units.pop()}" if len(units) == 1 else ""
    return f"{percent(limits[0].level)} % limits{unit}"


def _header(limits: Sequence[Limit], more: Sequence[Column]) -> list[str]:
    credible = f"credible q{percent(limits[0].level)}"
    profile = "profile (threshold)"
    first = ["parameter", "others", "prior [range]", credible, "HDI"]
    return [*first, *(column.title for column in more), profile, "published", "ours/published"]


def _cells(row: Limit, limits: Sequence[Limit], more: Sequence[Column]) -> list[str]:
    several = len({r.unit for r in limits}) > 1
    return [
        f"{row.parameter} [{row.unit}]" if several else row.parameter,
        row.others,
        _prior(row),
        _credible(row),
        _hdi(row),
        *(column.cells.get((row.parameter, row.others), "-") for column in more),
        _profile(row),
        number(row.published),
        number(row.ratio),
    ]


def _prior(row: Limit) -> str:
    """Kind and range; a prior that is nothing but its range does not repeat it."""
    low, high = row.range
    repeated = f"({low:g}, {high:g})" if low is not None and high is not None else ""
    return f"{row.prior.removesuffix(repeated)} {interval(low, high)}"


def _credible(row: Limit) -> str:
    if row.credible_upper is None or row.mcse is None:
        return number(row.credible_upper)
    return f"{number(row.credible_upper)} +- {row.mcse:.1g}"


def _hdi(row: Limit) -> str:
    low, high = row.hdi
    return "-" if low is None or high is None else alike(low, high)


def _profile(row: Limit) -> str:
    """The upper end; both ends where the lower one excludes zero."""
    if row.profile_threshold is None:
        return "-"
    low, high = row.profile_interval
    # A modulus whose interval begins at its wall, zero, has a one-sided limit.
    shown = number(high) if not low else interval(low, high)
    return f"{'none in range' if high is None and not low else shown} ({number(row.profile_threshold)})"


def _symbol(row: Limit) -> str:
    # A bar would end the cell of a Markdown table.
    return f"${row.latex.replace('|', r'\vert ')}$"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


# --- notes ------------------------------------------------------------------------------------------------------------


def _notes(limits: Sequence[Limit], more: Sequence[Column]) -> list[str]:
    caveats = dict.fromkeys(caveat for row in limits for caveat in row.caveats)
    return [
        *_failures(limits),
        *_meanings(limits),
        *(column.note for column in more),
        *_ranges(limits),
        *_sensitivities(limits),
        *_sources(limits),
        *caveats,
    ]


def _failures(limits: Sequence[Limit]) -> list[str]:
    """Why rows are marked; what several rows share is said once."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for row in limits:
        if row.converged is False:
            rows.setdefault(tuple(row.failures), []).append(f"{row.parameter} ({row.others})")
    return [f"! not converged: {', '.join(names)}: {'; '.join(why)}" for why, names in rows.items()]


def _meanings(limits: Sequence[Limit]) -> list[str]:
    level = percent(limits[0].level)
    notes = ["others: what became of the other parameters of interest: free (profiled), or held at zero"]
    if any(row.credible_upper is not None for row in limits):
        notes.append(
            f"credible: the {level} % quantile of the posterior under the stated prior, +- its Monte Carlo error"
        )
    found = {(row.profile_threshold, row.threshold_kind) for row in limits if row.profile_threshold is not None}
    notes += [f"profile: where Delta chi2 = {number(value)} ({kind})" for value, kind in sorted(found, key=str)]
    return notes


def _ranges(limits: Sequence[Limit]) -> list[str]:
    """Limits that are those of a range: the data leave a direction to the prior."""
    rows = [row for row in limits if row.limited_by_range]
    title = "limited by the range of its prior (with half the range of every modulus)"
    listed = [
        f"{row.parameter} {row.others} {number(row.credible_upper)} ({number(row.half_range_upper)})" for row in rows
    ]
    return [f"{title}: {', '.join(listed)}"] if rows else []


def _sensitivities(limits: Sequence[Limit]) -> list[str]:
    """How much each posterior changes with the power of its parts, by ArviZ; what is below 0.05 hardly matters."""
    rows = {row.parameter: row.sensitivity for row in limits if row.sensitivity is not None}
    if not rows:
        return []
    listed = ", ".join(f"{name} {' / '.join(f'{v:.2f}' for v in values)}" for name, values in rows.items())
    return [f"power-scaling sensitivity (prior / constraints of nuisances / likelihood; below 0.05 weak): {listed}"]


def _sources(limits: Sequence[Limit]) -> list[str]:
    named: dict[str, list[str]] = {}
    for row in limits:
        if row.source is not None:
            named.setdefault(row.source, []).append(row.parameter)
    return [f"published ({', '.join(dict.fromkeys(names))}): {source}" for source, names in named.items()]
