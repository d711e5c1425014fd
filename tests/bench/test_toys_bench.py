"""Toys of the 12-bin spectrum, timed against pyhf on the same data sets of an equivalent model.

That both have the same likelihood is tested in tests/agree/test_pyhf.py. It reports; it asserts nothing about time.
"""

import runpy
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bayesnu as bn
from bayesnu.infer import toy_statistic as statistic
from bayesnu.infer import toys as simulating

pyhf = pytest.importorskip("pyhf")
pytestmark = [
    pytest.mark.bench,
    pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning"),  # pyhf 0.7 has not followed
]

SPECTRUM = Path(__file__).parents[1] / "agree" / "pyhf_spectrum.py"
TOYS, OF_PYHF, TARGET = 500, 20, 20.0


def test_fits_of_toys(benchmark):
    """A global fit of each toy: of pyhf one after the other, of ours all at once."""
    analysis = bn.load("coherent-csi-spectrum").fix(light_yield=1.17)
    there = statistic.scan(analysis, "mu_nu")
    toys = simulating.simulate(there, 30.0, TOYS, np.random.default_rng(3), "profiled")
    benchmark.pedantic(statistic.minima, args=(there, toys), rounds=5, warmup_rounds=1)
    ours = benchmark.stats.stats.min / TOYS
    theirs = seconds_of_pyhf(analysis, there, toys)
    times = theirs / ours
    benchmark.extra_info["milliseconds a toy"] = 1e3 * ours
    benchmark.extra_info["milliseconds a toy of pyhf"] = 1e3 * theirs
    benchmark.extra_info[f"times the rate of pyhf{'' if times >= TARGET else f' (below target, {TARGET:g})'}"] = times


def seconds_of_pyhf(analysis, there, toys):
    """Its mean time for a fit that succeeds, with its own default minimiser."""
    spectrum = SimpleNamespace(**runpy.run_path(str(SPECTRUM)))
    pdf, seconds = spectrum.model(analysis, there.grid[-1]), []
    for i in range(OF_PYHF):
        pulls = dict(zip(there.pulls.names, toys.centres[:, i], strict=True))
        data = spectrum.data(pdf, toys.counts[:, i], pulls, toys.controls[:, i])
        began = time.perf_counter()
        try:
            pyhf.infer.mle.fit(data, pdf)
        except pyhf.exceptions.FailedMinimization:
            continue
        seconds.append(time.perf_counter() - began)
    return float(np.mean(seconds))
