"""What claims to be fast, timed against what cannot be avoided. It reports; it asserts nothing about time.

Two yardsticks are measured in the same run: one pass through the templates in memory (a read), and the direct nested
quadrature of tests/agree. Every benchmark carries its ratios, and the run ends with a table of them.
"""

import functools
import runpy
import timeit
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.compile.maker import function

import bayesnu as bn
from bayesnu.infer import minimise
from bayesnu.likelihood import nuisances
from bayesnu.predict import rates, templates

pytestmark = pytest.mark.bench

AGREE = Path(__file__).parents[1] / "agree"
SYNTHETIC = SimpleNamespace(**runpy.run_path(str(AGREE / "synthetic.py")))
DIRECT = SimpleNamespace(**runpy.run_path(str(AGREE / "direct_quadrature.py")))
EXPERIMENTS, BINS = 12, 160
BATCHES = (64, 512)
READS_TARGET, GRADIENT_TARGET = 3.0, 4.0


def fastest(action, repeats=7):
    """Shortest time of one call [s]: what is left when nothing else runs."""
    timer = timeit.Timer(action)
    number, _ = timer.autorange()
    return min(timer.repeat(repeats, number)) / number


def write_many_bins(root):
    """Twelve experiments of 160 bins: a global fit's worth of templates."""
    rng = np.random.default_rng(12)
    fluxes, kinds = ("nu_mu", "nubar_mu", "nu_e"), ("sm-pp", "sm-pn", "sm-nn", "magnetic-moment")
    names = [f"many-{i:02d}" for i in range(EXPERIMENTS)]
    for name in names:
        rows = [(f, t, b, float(rng.uniform(0.1, 5))) for f in fluxes for t in kinds for b in range(BINS)]
        backgrounds = {"flat": [20.0] * BINS, "steep": [float(n) for n in np.linspace(40, 5, BINS)]}
        SYNTHETIC.experiment(root, name, rows, rng.poisson(50, BINS), backgrounds=backgrounds)
    modulus = SYNTHETIC.prior("uniform", low=0, high=5)
    scale = SYNTHETIC.prior("truncated-normal", mean=1, sd=0.1, low=0.2, high=2)
    SYNTHETIC.model(
        root, "many-bins", names, interaction=["sm", "tmm"],
        parameters={
            **{f"lambda_{i}": {"unit": "1e-10 mu_B", "prior": modulus} for i in (1, 2, 3)},
            **{f"zeta_{i}": {"unit": "rad", "prior": {"kind": "circular"}} for i in (2, 3)},
        },
        nuisances={"flux": {"prior": scale, "scales": {}}}
        | {f"flat_{n}": {"prior": scale, "scales": {"experiments": [n], "backgrounds": ["flat"]}} for n in names},
        fixed=SYNTHETIC.SM_FIXED
        | {f"sin2_theta_{k}": {"value": v, "unit": "1"} for k, v in (("12", 0.32), ("13", 0.0216), ("23", 0.547))}
        | {"delta_cp": {"value": 0.0, "unit": "rad"}},
    )  # fmt: skip


@pytest.fixture(scope="session")
def load(tmp_path_factory):
    root = tmp_path_factory.mktemp("many-bins")
    write_many_bins(root)
    return functools.cache(lambda name: bn.load(name, root=root))


@functools.cache
def read_seconds(analysis):
    """One pass through the templates as they lie in memory."""
    matrices = [bucket.matrix for bucket in analysis.plan.buckets]
    return fastest(lambda: [matrix.sum() for matrix in matrices])


@functools.cache
def single_seconds(analysis):
    x = analysis.sample_prior(1, np.random.default_rng(1))[0]
    return fastest(lambda: analysis.log_prob(x))


QUADRATURES = {
    "coherent-csi-tmm": DIRECT.one_bin,
    "coherent-csi-spectrum": lambda: DIRECT.spectrum(1.17),
}
GLOBAL = "sterile-dipole-global"
MODELS = ["coherent-csi-tmm", "many-bins", GLOBAL]
GLOBAL_TARGET = 5.0
"""Value and gradient of the global sterile model with a sampled mass, in reads of its templates."""


@functools.cache
def quadrature_seconds(name):
    """One direct prediction of the standard model and the magnetic moment."""
    return fastest(QUADRATURES[name], repeats=3)


def per_call(benchmark):
    return benchmark.stats.stats.min


# --- templates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUADRATURES)
def test_template_build(benchmark, load, name):
    (setup,) = load(name).model.setups
    knobs = tuple(setup.experiment.knobs)

    def build():
        templates._build.cache_clear()
        return templates.build(setup, knobs)

    benchmark(build)
    points = np.prod([k.nodes for k in setup.experiment.knobs.values()])
    benchmark.extra_info["direct quadratures of the same predictions"] = per_call(benchmark) / (
        quadrature_seconds(name) * points
    )


def test_cold_templates_of_the_global_sterile_model(benchmark):
    """With the mass an axis, from declarations to columns; nothing is remembered from before."""

    def forget():
        for remembered in (templates._build, templates._light, rates._chances, rates._cuts_kev):
            remembered.cache_clear()

    benchmark.pedantic(bn.load, args=(GLOBAL,), setup=forget, rounds=3)
    seconds = benchmark.stats.stats.max
    benchmark.extra_info[f"seconds (target 30){'' if seconds < 30 else ' (above target)'}"] = seconds


# --- the posterior density --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_log_prob_of_one_point(benchmark, load, name):
    analysis = load(name)
    x = analysis.sample_prior(1, np.random.default_rng(1))[0]
    benchmark(analysis.log_prob, x)
    benchmark.extra_info["reads of the templates"] = per_call(benchmark) / read_seconds(analysis)
    if name in QUADRATURES:
        benchmark.extra_info["direct quadratures"] = per_call(benchmark) / quadrature_seconds(name)


@pytest.mark.parametrize("n", BATCHES)
@pytest.mark.parametrize("name", MODELS)
def test_log_prob_per_walker(benchmark, load, name, n):
    analysis = load(name)
    x = analysis.sample_prior(n, np.random.default_rng(2))
    benchmark(analysis.log_prob, x)
    each = per_call(benchmark) / n
    reads = each / read_seconds(analysis)
    benchmark.extra_info["microseconds a walker"] = 1e6 * each
    benchmark.extra_info[f"reads of the templates a walker{flag(reads, READS_TARGET)}"] = reads
    if name in QUADRATURES:
        benchmark.extra_info["direct quadratures a walker"] = each / quadrature_seconds(name)


# --- value and gradient -----------------------------------------------------------------------------------------------


@functools.cache
def value_alone(analysis):
    """The compiled cost without its gradient."""
    solved = nuisances.affine(analysis)
    where = minimise.coordinates(analysis, solved)
    y = pt.vector("y", shape=(len(where.names),))
    return function([y], minimise._cost(analysis, where, solved, [y[i] for i in range(len(where.names))], pt))


@pytest.mark.parametrize("name", MODELS)
def test_value_and_gradient(benchmark, load, name):
    analysis = load(name)
    problem = minimise.prepare(analysis)
    kept = [analysis.names.index(n) for n in problem.coordinates.names]
    x = analysis.sample_prior(1, np.random.default_rng(3))[0]
    y = minimise.to_cartesian(problem.coordinates, x[kept])
    benchmark(problem.cost, y)
    alone = value_alone(analysis)
    both = fastest(lambda: problem.cost(y))
    of_value, of_numpy = both / fastest(lambda: alone(y)), both / single_seconds(analysis)
    benchmark.extra_info[f"compiled values{flag(of_value, GRADIENT_TARGET)}"] = of_value
    benchmark.extra_info[f"log-probs in NumPy{flag(of_numpy, GRADIENT_TARGET)}"] = of_numpy
    reads = both / read_seconds(analysis)
    benchmark.extra_info[f"reads of the templates{flag(reads, GLOBAL_TARGET) if name == GLOBAL else ''}"] = reads


def flag(value, target):
    return "" if value <= target else f" (above target, {target:g})"
