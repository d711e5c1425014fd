"""Toys of Poisson bins against pyhf: twice the log-likelihood ratio of the same data sets, one by one."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bayesnu as bn
from bayesnu.infer import toy_statistic as statistic
from bayesnu.infer import toys as simulating

pyhf = pytest.importorskip("pyhf")
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")  # pyhf 0.7 has not followed


@pytest.fixture(scope="module")
def spectrum():
    """Of pyhf, with MIGRAD: SLSQP stops 1e-3 early."""
    before = pyhf.get_backend()
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-5, strategy=2))
    yield SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pyhf_spectrum.py"))))
    pyhf.set_backend(*before)


@pytest.mark.parametrize("true", [0.0, 40.0])
def test_the_likelihood_ratio_of_each_toy(spectrum, true):
    analysis = bn.load("coherent-csi-spectrum").fix(light_yield=1.17)
    there = statistic.scan(analysis, "mu_nu")
    toys = simulating.simulate(there, true, 5, np.random.default_rng(17), "profiled")
    least, pdf = statistic.minima(there, toys), spectrum.model(analysis, there.grid[-1])
    ours = statistic.q(there, toys, 30.0, least)
    for i in range(5):
        pulls = dict(zip(there.pulls.names, toys.centres[:, i], strict=True))
        data = spectrum.data(pdf, toys.counts[:, i], pulls, toys.controls[:, i])
        best, lowest = pyhf.infer.mle.fit(data, pdf, return_fitted_val=True)
        _, held = pyhf.infer.mle.fixed_poi_fit((30.0 / spectrum.UNIT) ** 2, data, pdf, return_fitted_val=True)
        assert ours[i] == pytest.approx(float(held - lowest), abs=1e-3)
        strength = (least.best[i] / spectrum.UNIT) ** 2
        assert strength == pytest.approx(float(best[pdf.config.poi_index]), abs=5e-3)
