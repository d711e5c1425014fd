"""Templates and likelihoods against a direct nested quadrature that shares only constants and files."""

import ast
import functools
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import bayesnu as bn

FILE = Path(__file__).with_name("direct_quadrature.py")
DIRECT = SimpleNamespace(**runpy.run_path(str(FILE)))

# mu [1e-10 mu_B], signal, prompt neutrons
GAUSSIAN = [(0.0, 1.0, 1.0), (20.0, 0.8, 1.3), (45.0, 1.1, 0.7), (120.0, 0.6, 1.0), (3.0, 1.5, 0.0)]
# The same and the light yield: none of them is a node of the knob, two lie near the ends of its range.
POISSON = [(0.0, 1.0, 1.0, 1.17), (20.0, 0.8, 1.3, 1.031), (45.0, 1.1, 0.7, 1.4142), (60.0, 0.7, 1.0, 0.72),
           (3.0, 1.3, 0.2, 1.68)]  # fmt: skip
STEADY = np.linspace(0.8, 1.2, 12)


@pytest.fixture(scope="module")
def window():
    return DIRECT.one_bin()


@functools.cache
def spectrum(per_kev):
    return DIRECT.spectrum(per_kev)


@functools.cache
def analysis(name):
    return bn.load(name)


def test_the_quadrature_imports_nothing_but_constants():
    imports = [n for n in ast.walk(ast.parse(FILE.read_text())) if isinstance(n, (ast.Import, ast.ImportFrom))]
    ours = [(n.module, [a.name for a in n.names]) for n in imports if "bayesnu" in ast.unparse(n)]
    assert ours == [("bayesnu", ["constants"])]


@pytest.mark.parametrize("point", GAUSSIAN)
def test_the_gaussian_likelihood_of_one_bin(window, point):
    mu, signal, prompt = point
    ours = analysis("coherent-csi-effective").log_likelihood(mu_nu=mu, signal=signal, prompt_neutrons=prompt)
    assert float(ours) == pytest.approx(DIRECT.gaussian(window, mu, signal, prompt), rel=1e-7)


def test_the_counts_of_one_bin(window):
    here = analysis("coherent-csi-effective")
    standard = float(here.expected([0.0, 1.0, 0.0])["coherent-csi-2017"][0])
    magnetic = float(here.expected([1.0, 1.0, 0.0])["coherent-csi-2017"][0]) - standard
    assert standard == pytest.approx(window[0], rel=1e-9)
    assert magnetic == pytest.approx(window[1], rel=1e-8)


def values(point):
    mu, signal, prompt, per_kev = point
    steady = {f"steady_state_{b + 1:02d}": STEADY[b] for b in range(12)}
    return {"mu_nu": mu, "signal": signal, "prompt_neutrons": prompt, "light_yield": per_kev} | steady


@pytest.mark.parametrize("point", POISSON)
def test_the_poisson_likelihood_of_twelve_bins(point):
    """The knob's tolerance is on counts: its effect on the log-likelihood is sum |n/N - 1| dN at most."""
    mu, signal, prompt, per_kev = point
    here = analysis("coherent-csi-spectrum")
    tolerance = here.model.setups[0].experiment.knobs["light-yield"].tolerance
    direct, expected, observed = DIRECT.poisson(spectrum(per_kev), mu, signal, prompt, STEADY)
    counts = here.expected([values(point)[n] for n in here.names])["coherent-csi-2017-spectrum"]
    np.testing.assert_allclose(counts, expected, rtol=tolerance)
    allowed = tolerance * np.abs(observed - expected).sum()
    assert float(here.log_likelihood(**values(point))) == pytest.approx(direct, abs=allowed)


@pytest.mark.parametrize("point", POISSON)
def test_the_poisson_likelihood_at_the_nodes_of_its_knob(point):
    """Where nothing is interpolated, the two agree as quadratures do."""
    mu, signal, prompt, per_kev = point
    here = analysis("coherent-csi-spectrum")
    knob = here.model.setups[0].experiment.knobs["light-yield"]
    unit = np.cos(np.pi * (np.arange(knob.nodes) + 0.5) / knob.nodes)
    nodes = 0.5 * (knob.low + knob.high) + 0.5 * (knob.high - knob.low) * unit
    nearest = float(nodes[np.argmin(np.abs(nodes - per_kev))])
    direct, _, _ = DIRECT.poisson(spectrum(nearest), mu, signal, prompt, STEADY)
    ours = here.log_likelihood(**values((mu, signal, prompt, nearest)))
    assert float(ours) == pytest.approx(direct, rel=1e-7)
