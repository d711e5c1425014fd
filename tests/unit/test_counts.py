"""The one contraction against the sum that it stands for, written as loops."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

import bayesnu as bn
from bayesnu.predict import counts, templates

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
FLUXES, TERMS = ("nu_mu", "nubar_mu", "nu_e"), ("sm-pp", "sm-pn", "sm-nn", "magnetic-moment")


def scale(low=0.2, high=3.0, **selectors):
    return {"prior": SYNTHETIC.prior("uniform", low=low, high=high), "scales": selectors}


NUISANCES = {
    "everything": scale(),
    "electrons": scale(fluxes=["nu_e"]),
    "moments": scale(terms=["magnetic-moment"]),
    "standard": scale(terms=["sm"], experiments=["small"]),
    "one_term": scale(terms=["sm-pn"]),
    "large_flat": scale(backgrounds=["flat"], experiments=["large"]),
    "every_flat": scale(backgrounds=["flat"]),
    "first_bins": scale(backgrounds=["steep"], bins=[0, 1]),
}
BACKGROUNDS = {"flat": [3.0, 3.0, 3.0, 3.0], "steep": [9.0, 4.0, 2.0, 1.0]}
BINS = {"small": 2, "large": 4, "twin": 4}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("counts"), np.random.default_rng(3)
    for name, bins in BINS.items():
        rows = [(f, t, b, float(rng.uniform(0, 2))) for f in FLUXES for t in TERMS for b in range(bins)]
        # "large" lacks one column that "twin" has, so that the buckets are not what the bins alone would say.
        kept = rows if name != "large" else [r for r in rows if r[:2] != ("nu_e", "sm-nn")]
        backgrounds = {key: values[:bins] for key, values in BACKGROUNDS.items()}
        SYNTHETIC.experiment(folder, name, kept, [10.0] * bins, backgrounds=backgrounds)
    model(folder, "three", ["twin", "small", "large"], NUISANCES)
    model(folder, "one", ["small"], {k: v for k, v in NUISANCES.items() if k != "large_flat"})
    return folder


def model(folder, name, experiments, nuisances):
    SYNTHETIC.model(
        folder, name, experiments, interaction=["sm", "magnetic-moment"], nuisances=nuisances,
        parameters={"mu_nu": {"unit": "1e-10 mu_B", "prior": SYNTHETIC.prior("uniform", low=0, high=5)}},
    )  # fmt: skip


def naive(analysis, x):
    """N_b = sum_st F_st c_st T[s, t, b] + sum_k g_k B[k, b], one number after the other."""
    values = dict(zip(analysis.names, x, strict=True))
    s2 = analysis.model.fixed["sin2_theta_w"].value
    gp, gn = 0.5 - 2 * s2, -0.5
    coupling = {"sm-pp": gp * gp, "sm-pn": gp * gn, "sm-nn": gn * gn, "magnetic-moment": values["mu_nu"] ** 2}
    found = {}
    for setup in analysis.model.setups:
        found[setup.name] = np.zeros(len(setup.bins))
        built = templates.build(setup)
        for s, flux in enumerate(built.fluxes):
            for t, term in enumerate(built.terms):
                for b in range(len(setup.bins)):
                    factor = coupling[term]
                    for name, nuisance in analysis.model.nuisances.items():
                        factor *= values[name] if scales_signal(nuisance.scales, setup.name, flux, term) else 1.0
                    found[setup.name][b] += factor * built.values[s, t, 0, b]
        for key, given in setup.backgrounds.items():
            for b, number in enumerate(given):
                for name, nuisance in analysis.model.nuisances.items():
                    number *= values[name] if scales_background(nuisance.scales, setup.name, key, b) else 1.0
                found[setup.name][b] += number
    return found


def scales_signal(scales, experiment, flux, term):
    component = "sm" if term.startswith("sm") else term
    return (
        not scales.backgrounds
        and experiment in (scales.experiments or [experiment])
        and flux in (scales.fluxes or [flux])
        and bool({term, component} & set(scales.terms or [term]))
    )


def scales_background(scales, experiment, background, b):
    return (
        background in scales.backgrounds
        and experiment in (scales.experiments or [experiment])
        and b in (scales.bins or [b])
    )


@pytest.mark.parametrize("name", ["one", "three"])
def test_the_contraction_is_the_sum(root, name):
    analysis = bn.load(name, root=root)
    for x in analysis.sample_prior(10, np.random.default_rng(5)):
        expected, wanted = analysis.expected(x), naive(analysis, x)
        assert expected.keys() == wanted.keys()
        for experiment, numbers in wanted.items():
            np.testing.assert_allclose(expected[experiment], numbers, rtol=1e-13)


def test_experiments_of_one_shape_share_a_bucket(tmp_path):
    """Buckets of two and of one, in an order that is not the model's: every setup finds its own bins again."""
    rng = np.random.default_rng(9)
    for name, bins in (("a", 3), ("b", 2), ("c", 3)):
        rows = [(f, t, b, float(rng.uniform(0, 2))) for f in FLUXES for t in TERMS for b in range(bins)]
        SYNTHETIC.experiment(tmp_path, name, rows, [5.0] * bins)
    model(tmp_path, "abc", ["a", "b", "c"], {"everything": scale(), "electrons": scale(fluxes=["nu_e"])})
    analysis = bn.load("abc", root=tmp_path)
    assert sorted(bucket.matrix.shape[0] for bucket in analysis.plan.buckets) == [1, 2]
    x = analysis.sample_prior(1, rng)[0]
    for experiment, numbers in naive(analysis, x).items():
        np.testing.assert_allclose(analysis.expected(x)[experiment], numbers, rtol=1e-13)


@pytest.mark.parametrize("name", ["one", "three", "coherent-csi-spectrum", "coherent-csi-tmm"])
def test_walkers_at_once_are_walkers_one_by_one(root, name):
    analysis = bn.load(name, root=root)
    points = analysis.sample_prior(7, np.random.default_rng(11))
    together = analysis.expected(points)
    for i, x in enumerate(points):
        for experiment, numbers in analysis.expected(x).items():
            np.testing.assert_allclose(together[experiment][:, i], numbers, rtol=1e-13)
    np.testing.assert_allclose(analysis.log_prob(points), [analysis.log_prob(x) for x in points], rtol=1e-12)


def test_more_walkers_than_a_chunk(root):
    """log_prob works in chunks and skips walkers outside the prior: the order stays."""
    analysis = bn.load("three", root=root)
    points = analysis.sample_prior(300, np.random.default_rng(13))
    points[::7, 1] = -1.0
    values = analysis.log_prob(points)
    assert np.isneginf(values[::7]).all()
    inside = np.setdiff1d(np.arange(300), np.arange(0, 300, 7))
    np.testing.assert_allclose(values[inside], [analysis.log_prob(points[i]) for i in inside], rtol=1e-12)


@pytest.mark.parametrize("name", ["one", "three", "coherent-csi-spectrum", "coherent-csi-tmm"])
def test_numpy_and_pytensor_are_one(root, name):
    analysis = bn.load(name, root=root)
    symbols = {n: pt.scalar(n, dtype="float64") for n in analysis.names}
    graph = counts.counts(analysis.plan, analysis.theta(symbols, pt), pt.zeros(()), pt)
    compiled = pytensor.function(list(symbols.values()), graph, mode="FAST_COMPILE")
    for x in analysis.sample_prior(5, np.random.default_rng(17)):
        found, wanted = compiled(*x), analysis.expected(x)
        for experiment, part in analysis.plan.where.items():
            np.testing.assert_allclose(found[part], wanted[experiment], rtol=1e-12, atol=1e-12)


def test_numpy_and_pytensor_are_one_for_a_large_matrix(tmp_path):
    """Above SMALL_MATRIX the symbolic product is a matrix product."""
    bins, rng = 900, np.random.default_rng(19)
    rows = [(f, t, b, float(rng.uniform(0, 2))) for f in FLUXES for t in TERMS for b in range(bins)]
    SYNTHETIC.experiment(tmp_path, "wide", rows, [5.0] * bins)
    model(tmp_path, "wide", ["wide"], {"everything": scale()})
    analysis = bn.load("wide", root=tmp_path)
    assert analysis.plan.buckets[0].matrix.size > counts.SMALL_MATRIX
    symbols = {n: pt.scalar(n, dtype="float64") for n in analysis.names}
    graph = counts.counts(analysis.plan, analysis.theta(symbols, pt), pt.zeros(()), pt)
    compiled = pytensor.function(list(symbols.values()), graph, mode="FAST_COMPILE")
    np.testing.assert_allclose(compiled(2.0, 1.5), analysis.expected([2.0, 1.5])["wide"], rtol=1e-12)


@pytest.mark.parametrize(
    ("nuisance", "experiment", "touched"),
    [
        ("everything", "small", [True, True]),
        ("standard", "small", [True, True]),
        ("standard", "large", [False] * 4),
        ("large_flat", "small", [False, False]),
        ("large_flat", "large", [True] * 4),
        ("first_bins", "twin", [True, True, False, False]),
        ("electrons", "twin", [True] * 4),
    ],
)
def test_a_scale_acts_where_it_says(root, nuisance, experiment, touched):
    analysis = bn.load("three", root=root)
    x = np.ones(len(analysis.names))
    changed = x.copy()
    changed[analysis.names.index(nuisance)] = 2.0
    moved = analysis.expected(changed)[experiment] - analysis.expected(x)[experiment]
    assert (np.abs(moved) > 1e-12).tolist() == touched


def test_a_scale_of_moments_leaves_the_standard_model_alone(root):
    analysis = bn.load("three", root=root)
    x = np.ones(len(analysis.names))
    x[0] = 0.0
    changed = x.copy()
    changed[analysis.names.index("moments")] = 2.0
    for experiment, numbers in analysis.expected(x).items():
        np.testing.assert_array_equal(analysis.expected(changed)[experiment], numbers)
