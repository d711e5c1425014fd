"""Simulation-based calibration for readers: how uniform the ranks of each quantity are."""

import json
from pathlib import Path

import numpy as np
import xarray as xr

from bayesnu.infer import calibration
from bayesnu.report.files import write_text


def as_markdown(ranks: xr.Dataset, engine: str) -> str:
    """A row for each quantity: probabilities of ranks at least as uneven."""
    found = calibration.uniformity({str(n): v.values for n, v in ranks.data_vars.items()}, _rng(ranks))
    about = ranks.attrs
    rows = [f"| {name} | {p.chi2:.3f} | {p.kolmogorov:.3f} |" for name, p in found.items()]
    return "\n".join(
        [
            f"Model `{about['model']}`, {engine}: {ranks.sizes['simulation']} simulations, ranks among {about['draws']}"
            f" draws, seed {about['seed']}. Smallest p times their number: {smallest(ranks):.2g}.",
            "",
            "| quantity | p of chi-square | p of Kolmogorov-Smirnov |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def write_ranks(ranks: xr.Dataset, path: Path) -> None:
    """Ranks as CSV, a column for each quantity, under a comment with the model, the number of draws and the seed."""
    names = [str(name) for name in ranks.data_vars]
    rows = np.stack([ranks[name].values for name in names], axis=1)
    lines = [f"# {json.dumps(ranks.attrs)}", ",".join(names), *(",".join(map(str, row)) for row in rows.tolist())]
    write_text("\n".join([*lines, ""]), path)


def read_ranks(path: Path) -> xr.Dataset:
    """Ranks that `write_ranks` wrote."""
    about, names, *rows = path.read_text(encoding="utf-8").splitlines()
    values = np.array([[int(cell) for cell in row.split(",")] for row in rows])
    columns = {name: ("simulation", values[:, i]) for i, name in enumerate(names.split(","))}
    return xr.Dataset(columns, attrs=json.loads(about.removeprefix("# ")))


def smallest(ranks: xr.Dataset) -> float:
    """The smallest probability of the table, times how many there are."""
    found = calibration.uniformity({str(n): v.values for n, v in ranks.data_vars.items()}, _rng(ranks))
    return calibration.smallest(found)


def _rng(ranks: xr.Dataset) -> np.random.Generator:
    """Ranks are spread within their steps by chance, the same in every table."""
    return np.random.default_rng(int(ranks.attrs["seed"]))
