"""Simulation-based calibration for readers: how uniform the ranks of each quantity are."""

import numpy as np
import xarray as xr

from bayesnu.infer import calibration


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


def smallest(ranks: xr.Dataset) -> float:
    """The smallest probability of the table, times how many there are."""
    found = calibration.uniformity({str(n): v.values for n, v in ranks.data_vars.items()}, _rng(ranks))
    return calibration.smallest(found)


def _rng(ranks: xr.Dataset) -> np.random.Generator:
    """Ranks are spread within their steps by chance, the same in every table."""
    return np.random.default_rng(int(ranks.attrs["seed"]))
