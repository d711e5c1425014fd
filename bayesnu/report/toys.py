"""Toys for readers: thresholds, coverage and p-values at each true value, and the limits to be expected."""

import json
from typing import Any

import xarray as xr

from bayesnu.report.labels import number, percent

Answer = dict[str, Any]
AT_VALUES = (
    "threshold", "threshold_low", "threshold_high", "coverage", "coverage_error", "coverage_of_upper_limit",
    "coverage_of_upper_limit_error",
)  # fmt: skip


def as_json(tree: xr.DataTree) -> Answer:
    """All but the toys themselves; None stands for no limit once it is printed."""
    summary, about, bands = (tree[name].to_dataset() for name in ("summary", "observed", "sensitivity"))
    copied = ("parameter", "unit", "model_hash", "nuisance", "auxiliary", "boundary", "no_signal", "command")
    return {
        "model": tree.attrs["model_name"],
        **{name: tree.attrs[name] for name in copied},
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
                "expected_limit": bands["limit"].values[i].tolist(),
                "quantiles": bands["quantile"].values.tolist(),
                "without_limit": float(bands["without_limit"][i]),
            }
            for i, level in enumerate(summary["level"].values)
        ],
    }


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
    ]


def _share(row: Answer, name: str, i: int) -> str:
    return f"{row[name][i]:.4f} +- {row[name + '_error'][i]:.4f}"
