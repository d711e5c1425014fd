"""Profiles of one parameter for readers: a table for a terminal, a record, and which points are to be looked at."""

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from bayesnu.report.labels import percent


def lonely(scan: xr.Dataset) -> NDArray[np.bool_]:
    """Points at which the starts disagree: only one of several has reached the lowest minimum."""
    if "reached" not in scan:
        return np.zeros(scan["delta_chi2"].shape, dtype=bool)
    return np.asarray((scan["reached"].values < 2) & (scan["starts"].values > 1))


def at_an_end(scan: xr.Dataset) -> NDArray[np.bool_]:
    """Points at which another parameter stands at an end of its range."""
    if "range_end" not in scan:
        return np.zeros(scan["delta_chi2"].shape, dtype=bool)
    return np.asarray(scan["range_end"].values != "")


def notes(scan: xr.Dataset) -> list[str]:
    """What is to be said of each point: who stands at an end of a range, whether starts disagree, which branch."""
    branches = scan["branch"].values if scan.sizes.get("follows", 0) > 1 else np.full(scan.sizes["value"], -1)
    found = []
    for alone, end, branch in zip(lonely(scan), scan["range_end"].values, branches, strict=True):
        parts = [f"branch {branch}"] if branch >= 0 else []
        parts += [f"at its end: {end}"] if end else []
        parts += ["one start only"] if alone else []
        found.append("; ".join(parts))
    return found


def as_json(scan: xr.Dataset, model: str) -> dict[str, Any]:
    """One record: the curve, its marks, and the interval."""
    about = scan.attrs
    return {
        "model": model,
        "parameter": about["parameter"],
        "unit": about["unit"],
        "values": scan["value"].values.tolist(),
        "delta_chi2": scan["delta_chi2"].values.tolist(),
        "branch": scan["branch"].values.tolist(),
        "branch_delta_chi2": scan["branch_delta_chi2"].values.tolist(),
        "starts_disagree": lonely(scan).tolist(),
        "range_end": scan["range_end"].values.tolist(),
        "limit": about["limit"],
        "interval": [about["interval_low"], about["limit"]],
        "best": about["best"],
        "level": about["level"],
        "threshold": about["threshold"],
        "threshold_kind": about["threshold_kind"],
        "others": about["others"],
    }


def as_csv(scan: xr.Dataset, model: str) -> str:
    """Comments that say what the numbers are, then a line a point."""
    about, names = scan.attrs, [n for n in scan.data_vars if str(n).startswith("at_")]
    text = io.StringIO()
    text.writelines(
        f"# {line}\n"
        for line in (
            f"model: {model}; {about['parameter']} [{about['unit']}]",
            f"other parameters of interest: {about['others']}; nuisances: profiled",
            f"minimum: chi2 = {about['chi2_min']:.6g} at {about['parameter']} = {about['best']:.6g}",
            f"level: {percent(about['level'])} %, delta chi2 = {about['threshold']:.6g} ({about['threshold_kind']}): "
            f"from {about['interval_low']:.6g} to {about['limit']:.6g}",
        )
    )
    writer = csv.writer(text, lineterminator="\n")
    columns = ["delta_chi2", "branch", "starts", "reached", "range_end", *names]
    writer.writerow([about["parameter"], *(str(n).removeprefix("at_") for n in columns)])
    for i, value in enumerate(scan["value"].values):
        writer.writerow([float(value), *(scan[n].values[i] for n in columns)])
    return text.getvalue()


def as_text(scan: xr.Dataset) -> str:
    """The curve with its marks, and the interval or limit."""
    about = scan.attrs
    rows = zip(scan["value"].values, scan["delta_chi2"].values, notes(scan), strict=True)
    lines = [
        f"{about['parameter']} [{about['unit']}]  delta chi2",
        *(f"{value:12.4f}  {excess:10.4f}  {note}".rstrip() for value, excess, note in rows),
        *_branches(scan),
    ]
    name, found = ("interval", _interval(about)) if about["interval_low"] > scan["value"][0] else ("limit", "")
    found = found or ("none in the range" if math.isnan(about["limit"]) else _with_unit(about, "limit"))
    threshold = f"delta chi2 = {about['threshold']:.3f}"
    return "\n".join([*lines, f"{name} at {about['level']:.0%} ({threshold}), others {about['others']}: {found}"])


def _branches(scan: xr.Dataset) -> list[str]:
    """Where the lowest minimum is another one than before."""
    value, branch = scan["value"].values, scan["branch"].values
    return [
        f"the lowest minimum changes from branch {branch[i]} to {branch[i + 1]} "
        f"between {value[i]:.4g} and {value[i + 1]:.4g} {scan.attrs['unit']}"
        for i in np.flatnonzero(np.diff(branch))
    ]


def _interval(about: Mapping[str, Any]) -> str:
    """A two-sided interval with its best value; an end beyond the scan is said to be there."""
    high = "beyond the range" if math.isnan(about["limit"]) else _with_unit(about, "limit")
    return f"{about['interval_low']:.4g} to {high}, best {_with_unit(about, 'best')}"


def _with_unit(about: Mapping[str, Any], name: str) -> str:
    return f"{about[name]:.4g} {about['unit']}"
