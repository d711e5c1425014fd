"""Toys for readers: thresholds, coverage and p-values at true values, the interval, and the limits to be expected."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesnu.infer.toy_interval import ASYMPTOTIC, LIMIT, OPEN, RANGE, TOYS, End, Piece, pieces_of
from bayesnu.report.labels import number, percent

Answer = dict[str, Any]
AT_VALUES = (
    "threshold", "threshold_low", "threshold_high", "coverage", "coverage_error", "coverage_of_upper_limit",
    "coverage_of_upper_limit_error",
)  # fmt: skip
SURE = 3.0
"""Thresholds beside an end that differ by more sigmas than this are too far apart for a straight line."""


def as_json(tree: xr.DataTree) -> Answer:
    """All but the toys themselves; None stands for no limit once it is printed."""
    summary, about, bands = (tree[name].to_dataset() for name in ("summary", "observed", "sensitivity"))
    copied = ("parameter", "unit", "model_hash", "nuisance", "auxiliary", "boundary", "no_signal", "command")
    return {
        "model": tree.attrs["model_name"],
        **{name: tree.attrs[name] for name in copied},
        "projected": bool(tree.attrs["projected"]),
        "partial": bool(tree.attrs.get("partial", 0)),
        "interrupted": tree.attrs.get("interrupted"),
        "seeds": json.loads(tree.attrs["seeds"]),
        "toys": int(tree["toys"].sizes["toy"]),
        "best": float(about["best"]),
        "true": summary["value"].values.tolist(),
        "q_observed": about["q"].values.tolist(),
        "p_value": summary["p_value"].values.tolist(),
        "p_value_error": summary["p_value_error"].values.tolist(),
        "levels": [
            {
                "level": float(level),
                "asymptotic": float(summary["asymptotic"][i]),
                **{name: summary[name].values[i].tolist() for name in AT_VALUES},
                "observed_limit": float(about["limit"][i]),
                "interval": _records(tree, TOYS, float(level)) if summary.sizes["value"] > 1 else None,
                "asymptotic_interval": _records(tree, ASYMPTOTIC, float(level)),
                "expected_limit": bands["limit"].values[i].tolist(),
                "quantiles": bands["quantile"].values.tolist(),
                "without_limit": float(bands["without_limit"][i]),
            }
            for i, level in enumerate(summary["level"].values)
        ],
    }


def _records(tree: xr.DataTree, kind: str, level: float) -> list[Answer]:
    """Each piece with both ends; what is open has no number, so that no script takes it for a limit."""
    pieces = pieces_of(tree["interval"].to_dataset(), kind, level)
    return [{side: _record(end) for side, end in zip(("low", "high"), p, strict=True)} for p in pieces]


def _record(end: End) -> Answer:
    return end._asdict() | ({"value": None} if end.kind == OPEN else {})


def as_text(tree: xr.DataTree) -> str:
    """A table for each level."""
    answer = as_json(tree)
    unit = "" if answer["unit"] == "1" else f" [{answer['unit']}]"
    seeds = ", ".join(str(seed) for seed in answer["seeds"])
    lines = [
        *([f"PARTIAL: interrupted {answer['interrupted']}; --resume goes on"] if answer["partial"] else []),
        f"{answer['model']}: {answer['parameter']}{unit}, {answer['toys']} toys at each value, seed {seeds}",
        f"  true nuisances {answer['nuisance']}; {answer['auxiliary']}; {answer['boundary']}",
        f"  best value of the data {number(answer['best'])}",
    ]
    for row in answer["levels"]:
        lines += ["", *_of_level(answer, row)]
    return "\n".join(lines)


def _of_level(answer: Answer, row: Answer) -> list[str]:
    head = f"{'true':>10}{'threshold':>12}{'(68 %)':>16}{'coverage':>18}{'of upper limit':>18}{'p-value':>10}"
    lines = [f"{percent(row['level'])} %: coverage of q < {row['asymptotic']:.3f}, the asymptotic threshold", head]
    for i, value in enumerate(answer["true"]):
        between = f"({row['threshold_low'][i]:.2f}, {row['threshold_high'][i]:.2f})"
        shares = [_share(row, name, i) for name in ("coverage", "coverage_of_upper_limit")]
        threshold, p_value = row["threshold"][i], answer["p_value"][i]
        lines.append(f"{value:>10.4g}{threshold:>12.3f}{between:>16}{shares[0]:>18}{shares[1]:>18}{p_value:>10.4f}")
    least, low, median, high, most = (number(limit) for limit in row["expected_limit"])
    return [
        *lines,
        f"  asymptotic upper limit: observed {number(row['observed_limit'])},"
        f" expected at {answer['parameter']} = {answer['no_signal']:g} {median},"
        f" 68 % [{low}, {high}], 95 % [{least}, {most}]",
        *_of_interval(answer, row),
    ]


def _share(row: Answer, name: str, i: int) -> str:
    return f"{row[name][i]:.4f} +- {row[name + '_error'][i]:.4f}"


# --- the interval of the data -----------------------------------------------------------------------------------------


def _of_interval(answer: Answer, row: Answer) -> list[str]:
    """By thresholds from toys and, beside it, by the asymptotic one; and what is to be said of the ends."""
    true = answer["true"]
    wilks = _pieces(row["asymptotic_interval"], true)
    whose = f"the {'projected ' if answer['projected'] else ''}data"
    beside = f"  asymptotic interval, q < {row['asymptotic']:.3f}: {interval(wilks)}"
    if row["interval"] is None:
        return [f"  Feldman-Cousins interval of {whose}: needs at least two true values (--true, --scan)", beside]
    found = _pieces(row["interval"], true)
    lines = [f"  Feldman-Cousins interval of {whose}, looked for from {true[0]:g} to {true[-1]:g}: {interval(found)}"]
    notes = [] if found else [f"the best value {number(answer['best'])} lies beyond: ask for true values around it"]
    notes += [note for piece in found for note in _notes(answer, row, piece)]
    return [*lines, *(f"    {note}" for note in notes), beside]


def _pieces(records: Sequence[Answer], true: Sequence[float]) -> list[Piece]:
    """Open ends stand where the true values end."""
    return [Piece(_from_record(r["low"], true[0]), _from_record(r["high"], true[-1])) for r in records]


def _from_record(record: Answer, last: float) -> End:
    return End(**record | ({"value": last} if record["kind"] == OPEN else {}))


def interval(pieces: Sequence[Piece]) -> str:
    """All pieces; an end beyond the true values asked for is open, and no number stands for it.

    >>> interval([Piece(End(0.0, 0.0, "range"), End(41.26, 0.4, "limit")), Piece(End(50.0, 2.0, "limit"),
    ...                                                                          End(60.0, 0.0, "open"))])
    '[0, 41.3 +- 0.4] and [50.0 +- 2, beyond 60.0)'
    """
    return " and ".join(f"{_low(p.low)}, {_high(p.high)}" for p in pieces) or "empty"


def _low(end: End) -> str:
    return f"(below {number(end.value)}" if end.kind == OPEN else f"[{_end(end)}"


def _high(end: End) -> str:
    return f"beyond {number(end.value)})" if end.kind == OPEN else f"{_end(end)}]"


def _end(end: End) -> str:
    if end.error == 0:
        return number(end.value)
    return f"{number(end.value)} +- {f'{end.error:.1g}' if math.isfinite(end.error) else '?'}"


def _notes(answer: Answer, row: Answer, piece: Piece) -> list[str]:
    """What keeps an end from being a limit, or from being sure."""
    found = []
    for end, ask, side in ((piece.low, "smallest", "smaller"), (piece.high, "largest", "larger")):
        if end.kind == OPEN:
            found.append(f"open: it reaches {end.value:g}, the {ask} true value; ask for {side} ones")
        if end.kind == RANGE and end.value != answer["no_signal"]:
            found.append(f"{end.value:g} is the end of the range of {answer['parameter']}, no limit")
        if end.kind == LIMIT:
            found += _far_apart(answer, row, end)
    return found


def _far_apart(answer: Answer, row: Answer, end: End) -> list[str]:
    """Where thresholds at the true values beside an end differ by more than their errors."""
    true = answer["true"]
    right = int(np.clip(np.searchsorted(true, end.value), 1, len(true) - 1))
    (low, high), (t_low, t_high) = true[right - 1 : right + 1], row["threshold"][right - 1 : right + 1]
    errors = [0.5 * (row["threshold_high"][i] - row["threshold_low"][i]) for i in (right - 1, right)]
    if not math.isfinite(end.error):
        return [f"{number(end.value)}: too few toys for the error of its threshold; ask for more"]
    if abs(t_high - t_low) <= SURE * math.hypot(*errors):
        return []
    return [
        f"{number(end.value)}: the threshold goes from {t_low:.2f} at {low:g} to {t_high:.2f} at {high:g}; true values"
        " in between make the end surer"
    ]
