"""What must hold whatever the numbers are: signs, orders, phases, exposures."""

import functools
import runpy
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bayesnu as bn
from bayesnu.likelihood import priors
from bayesnu.likelihood.analysis import from_resolved
from bayesnu.physics.mixing import Pair, pmns
from bayesnu.physics.moments import effective_moment_squared, transition_matrix
from bayesnu.predict import templates

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
TWO_PI = 2 * np.pi
settings.register_profile("bayesnu", deadline=None, max_examples=60, derandomize=True, database=None,
                          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
quick = settings.get_profile("bayesnu")

unit = st.floats(0, 1)
angle = st.floats(-10, 10)
modulus = st.floats(0, 300)
shift = st.integers(-3, 3)


@functools.cache
def load(name):
    return bn.load(name)


def point(analysis, quantiles, **given_values):
    """A point of the prior's support, some parameters given."""
    x = np.array(
        [priors.quantile(p.prior, np.array(0.01 + 0.98 * q)) for p, q in zip(analysis.free, quantiles, strict=True)]
    )
    for name, value in given_values.items():
        x[analysis.names.index(name)] = value
    return x


def quantiles(name):
    return st.lists(unit, min_size=len(load(name).names), max_size=len(load(name).names))


# --- counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["coherent-csi-effective-log", "coherent-csi-spectrum", "coherent-csi-tmm"])
def test_counts_are_never_negative(name):
    @quick
    @given(quantiles(name))
    def check(q):
        analysis = load(name)
        # A Gaussian scale may be negative: at the values that its constraint makes likely, it is not.
        x = point(analysis, q)
        for i, p in enumerate(analysis.free):
            x[i] = max(x[i], 0.0) if p.dimension is None else x[i]
        for counts in analysis.expected(x).values():
            assert (counts >= 0).all()

    check()


@quick
@given(quantiles("coherent-csi-spectrum"), modulus, modulus)
def test_counts_grow_with_the_moment(q, a, b):
    analysis = load("coherent-csi-spectrum")
    low, high = sorted((a, b))
    first, second = (analysis.expected(point(analysis, q, mu_nu=mu)) for mu in (low, high))
    for name, counts in first.items():
        assert (second[name] >= counts).all()


@quick
@given(st.floats(0.01, 100), st.sampled_from(["coherent-csi-2017", "coherent-csi-2017-spectrum"]))
def test_counts_are_proportional_to_the_exposure(factor, name):
    setup = bn.term(name, interaction="magnetic-moment").model.setups[0]
    fluence = setup.experiment.fluence
    longer = msgspec.structs.replace(fluence, protons_on_target=factor * fluence.protons_on_target)
    changed = msgspec.structs.replace(setup, experiment=msgspec.structs.replace(setup.experiment, fluence=longer))
    np.testing.assert_allclose(templates.build(changed).values, factor * templates.build(setup).values, rtol=1e-12)


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("orders"), np.random.default_rng(1)
    for name, bins in (("a", 3), ("b", 1), ("c", 3)):
        rows = [("nu_mu", "magnetic-moment", i, float(rng.uniform(0, 1))) for i in range(bins)]
        rows += [("nu_e", "sm-nn", i, float(rng.uniform(10, 90))) for i in range(bins)]
        SYNTHETIC.experiment(root, name, rows, [11.0] * bins, backgrounds={"dark": [2.0] * bins},
                             variance=[12.0] * bins if name == "b" else None)  # fmt: skip
    scale = SYNTHETIC.prior("truncated-normal", mean=1, sd=0.2, low=0, high=2)
    SYNTHETIC.model(
        root, "abc", ["a", "b", "c"], interaction=["sm", "magnetic-moment"],
        parameters={"mu_nu": {"unit": "1e-10 mu_B", "prior": SYNTHETIC.prior("uniform", low=0, high=20)}},
        nuisances={
            "flux": {"prior": scale, "scales": {}},
            "dark": {"prior": scale, "scales": {"backgrounds": ["dark"]}},
        },
    )  # fmt: skip
    return bn.load("abc", root=root)


@quick
@given(order=st.permutations(range(3)), q=st.lists(unit, min_size=3, max_size=3))
def test_the_order_of_the_experiments_is_of_no_account(three, order, q):
    shuffled = from_resolved(msgspec.structs.replace(three.model, setups=tuple(three.model.setups[i] for i in order)))
    x = point(three, q)
    assert shuffled.names == three.names
    assert float(shuffled.log_prob(x)) == pytest.approx(float(three.log_prob(x)), rel=1e-12)
    np.testing.assert_allclose(shuffled.expected(x)["a"], three.expected(x)["a"], rtol=1e-13)


@quick
@given(order=st.permutations(range(3)), q=st.lists(unit, min_size=3, max_size=3))
def test_the_order_of_the_parameters_is_of_no_account(three, order, q):
    names = list(three.model.nuisances)[:: 1 if order[0] else -1]
    shuffled = from_resolved(
        msgspec.structs.replace(three.model, nuisances={n: three.model.nuisances[n] for n in names})
    )
    x = dict(zip(three.names, point(three, q), strict=True))
    found = shuffled.log_prob([x[n] for n in shuffled.names])
    assert float(found) == pytest.approx(float(three.log_prob(list(x.values()))), rel=1e-12)


# --- phases -----------------------------------------------------------------------------------------------------------


def squared_moments(sin2, delta, moduli, zetas):
    rows = pmns(*sin2, (np.cos(delta), np.sin(delta)), np)
    pairs = [Pair(m * np.cos(z), m * np.sin(z)) for m, z in zip(moduli, zetas, strict=True)]
    return np.array([effective_moment_squared(rows[flavour], transition_matrix(pairs)) for flavour in range(3)])


triple = st.tuples(modulus, modulus, modulus)
mixing = st.tuples(unit, unit, unit)
phases = st.tuples(angle, angle, angle)


@quick
@given(mixing, angle, triple, phases, angle)
def test_moments_do_not_see_a_common_phase(sin2, delta, moduli, zetas, common):
    """A sign is the common phase pi."""
    before = squared_moments(sin2, delta, moduli, zetas)
    scale = 1e-12 * (1 + np.sum(np.square(moduli)))
    for turn in (common, np.pi):
        after = squared_moments(sin2, delta, moduli, [z + turn for z in zetas])
        np.testing.assert_allclose(after, before, rtol=1e-12, atol=scale)


@quick
@given(mixing, angle, triple, phases, st.tuples(shift, shift, shift, shift))
def test_moments_do_not_see_whole_turns(sin2, delta, moduli, zetas, turns):
    before = squared_moments(sin2, delta, moduli, zetas)
    turned = [z + TWO_PI * n for z, n in zip(zetas, turns[:3], strict=True)]
    after = squared_moments(sin2, delta + TWO_PI * turns[3], moduli, turned)
    np.testing.assert_allclose(after, before, rtol=1e-11, atol=1e-11 * (1 + np.sum(np.square(moduli))))


@quick
@given(mixing, angle, triple, phases)
def test_moments_do_not_see_cp(sin2, delta, moduli, zetas):
    """All phases reversed at once: neutrinos become antineutrinos, whose moments are the same."""
    before = squared_moments(sin2, delta, moduli, zetas)
    after = squared_moments(sin2, -delta, moduli, [-z for z in zetas])
    np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-12 * (1 + np.sum(np.square(moduli))))


@quick
@given(mixing, angle, triple, phases)
def test_moments_add_up_to_twice_the_moduli(sin2, delta, moduli, zetas):
    """Sum over flavours of mu_a^2 = 2 sum |L_i|^2: unitarity. None is negative, none above sum |L_i|^2."""
    found = squared_moments(sin2, delta, moduli, zetas)
    total = np.sum(np.square(moduli))
    assert found.sum() == pytest.approx(2 * total, rel=1e-9, abs=1e-9)
    assert (found >= -1e-9 * total).all()
    assert (found <= total * (1 + 1e-9) + 1e-12).all()


@quick
@given(quantiles("coherent-csi-tmm"), st.tuples(shift, shift, shift))
def test_log_prob_does_not_see_whole_turns_of_its_phases(q, turns):
    analysis = load("coherent-csi-tmm")
    x = point(analysis, q)
    turned = x.copy()
    for name, n in zip(("zeta_2", "zeta_3", "delta_cp"), turns, strict=True):
        turned[analysis.names.index(name)] += TWO_PI * n
    assert float(analysis.log_prob(turned)) == pytest.approx(float(analysis.log_prob(x)), rel=1e-9, abs=1e-9)


@quick
@given(quantiles("coherent-csi-tmm"))
def test_log_prob_does_not_see_the_phase_of_a_moment_that_is_zero(q):
    analysis = load("coherent-csi-tmm")
    x = point(analysis, q, lambda_2=0.0)
    turned = x.copy()
    turned[analysis.names.index("zeta_2")] += 1.0
    assert float(analysis.log_prob(turned)) == pytest.approx(float(analysis.log_prob(x)), rel=1e-12)


@quick
@given(st.lists(st.lists(unit, min_size=3, max_size=3), min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_walkers_do_not_see_each_other(q, random):
    analysis = load("coherent-csi-effective")
    points = np.array([point(analysis, row) for row in q])
    order = list(range(len(points)))
    random.shuffle(order)
    np.testing.assert_allclose(analysis.log_prob(points[order]), analysis.log_prob(points)[order], rtol=1e-13)
