"""Projected data: the standard-model expectation of the very model that looks at them."""

import msgspec
import numpy as np
import pytest

import bayesnu as bn
from bayesnu import catalog
from bayesnu.errors import DeclarationError
from bayesnu.infer import minimise
from bayesnu.likelihood.analysis import from_resolved

SHELF = catalog.open_catalog()
PROJECTED = sorted(n for n in catalog.experiments(SHELF) if catalog.read_experiment(SHELF, n)[1].counts.asimov)
OF_2019 = [n for n in PROJECTED if catalog.read_experiment(SHELF, n)[1].standard_model == "tmm-projected-sm"]
OF_2015 = [n for n in PROJECTED if catalog.read_experiment(SHELF, n)[1].standard_model == "sns2015-sm"]
MODELS = ["sns2015-angle", "sns2015-moment", "sns2015-radius", "tmm-projected-current", "tmm-projected-future",
          "tmm-projected-current-printed"]  # fmt: skip


def analysis(model, *experiments):
    file, read = catalog.read_model(SHELF, model)
    here = msgspec.structs.replace(read, experiments=experiments or read.experiments)
    return from_resolved(catalog.resolve_model(SHELF, file, here))


def test_there_are_projected_experiments():
    assert len(OF_2015) >= 8
    assert len(OF_2019) >= 17


@pytest.mark.parametrize("name", [*OF_2019, *OF_2015])
def test_the_data_are_the_standard_model_and_the_variance_is_as_declared(name):
    new_physics = "sns2015-moment" if name in OF_2015 else "tmm-projected-current"
    here = analysis(new_physics, name)
    plain = analysis(catalog.read_experiment(SHELF, name)[1].standard_model, name)
    (setup,) = here.model.setups
    expected = plain.expected(plain.standard_point())[name]
    assert (expected > 0).all()
    np.testing.assert_allclose(here.observed[name], expected, rtol=1e-14)
    np.testing.assert_allclose(setup.observed, expected, rtol=1e-14)
    weight = {"sns": 1.0, "future": 1.1, "current": 1.2}[
        "sns" if name in OF_2015 else "future" if name.endswith("future") else "current"
    ]
    assert setup.experiment.statistic.variance == {"observed": weight}
    np.testing.assert_allclose(setup.variance, weight * expected, rtol=1e-14)
    np.testing.assert_allclose(here.data.variance[here.plan.where[name]], weight * expected, rtol=1e-14)


@pytest.mark.parametrize("model", MODELS)
def test_chi2_is_zero_at_the_standard_point_and_nowhere_near(model):
    here = analysis(model)
    point = here.standard_point()
    assert float(here.chi2(point)) == pytest.approx(0, abs=1e-10)
    assert minimise.chi2_profiled(here, point) == pytest.approx(0, abs=1e-8)
    for i, p in enumerate(here.free):
        # A second modulus of the three is enough; phases do nothing where every moment is zero.
        if p.role == "parameter" and p.dimension not in (None, "angle") and p.name != "r2_nu_tau":
            moved = point.copy()
            moved[i] += 0.01 if p.dimension == "number" else 30.0
            assert float(here.chi2(moved)) > 0.01, p.name


def test_the_standard_value_is_where_the_data_are():
    """The mixing angle has a standard value that is not zero; a moment's is."""
    angle = analysis("sns2015-angle")
    assert angle.standard_point().tolist() == [0.2312]
    counts = angle.expected(angle.standard_point())["sns-ge76"]
    assert angle.observed["sns-ge76"].tolist() == counts.tolist()
    moment = analysis("sns2015-moment")
    assert moment.standard_point().tolist() == [0.0]
    np.testing.assert_allclose(moment.observed["sns-ge76"], counts, rtol=1e-14)


def test_nuisances_stand_at_their_centres():
    here = analysis("tmm-projected-current", "coherent-hpge", "conus")
    assert dict(zip(here.names, here.standard_point(), strict=True))["signal"] == 1.0


def test_a_nuisance_on_the_signal_alone_leaves_the_standard_model_alone():
    here, printed = analysis("tmm-projected-current"), analysis("tmm-projected-current-printed")
    point = here.standard_point()
    point[here.names.index("signal")] = 1.2
    np.testing.assert_array_equal(here.expected(point)["coherent-hpge"], here.observed["coherent-hpge"])
    np.testing.assert_allclose(printed.expected(point)["coherent-hpge"], 1.2 * here.observed["coherent-hpge"])


def test_data_follow_the_model_not_the_experiment():
    """Other couplings, other data: a projection is always consistent with itself."""
    radiative, tree = analysis("tmm-projected-sm", "coherent-hpge"), analysis("sns2015-sm", "coherent-hpge")
    assert radiative.observed["coherent-hpge"] != pytest.approx(tree.observed["coherent-hpge"], rel=0.01)
    for here in (radiative, tree):
        assert float(here.chi2(here.standard_point())) == pytest.approx(0, abs=1e-12)


def test_experiments_are_projected_one_by_one():
    both = analysis("tmm-projected-current", "coherent-hpge", "conus")
    for name in ("coherent-hpge", "conus"):
        alone = analysis("tmm-projected-current", name)
        np.testing.assert_allclose(both.observed[name], alone.observed[name], rtol=1e-14)
    x = np.array([10.0, 20.0, 5.0, 1.0, 2.0, 1.1])
    parts = [analysis("tmm-projected-current", n).log_likelihoods(x)[n] for n in ("coherent-hpge", "conus")]
    assert sum(both.log_likelihoods(x).values()) == pytest.approx(sum(parts), rel=1e-12)


def test_a_sum_of_projections_is_the_projection_of_both():
    first, second = analysis("tmm-projected-current", "coherent-hpge"), analysis("tmm-projected-current", "conus")
    total = first + second
    for name, counts in {**first.observed, **second.observed}.items():
        np.testing.assert_array_equal(total.observed[name], counts)
    assert float(total.chi2(total.standard_point())) == pytest.approx(0, abs=1e-12)


# --- beside other data ------------------------------------------------------------------------------------------------


def test_real_beside_projected_data_is_an_error():
    with pytest.raises(DeclarationError, match="projected"):
        analysis("coherent-csi-full", "coherent-csi-2017", "coherent-hpge")


def test_real_plus_projected_data_is_an_error():
    real = bn.term("coherent-csi-2017", interaction="magnetic-moment")
    projected = bn.term("coherent-hpge", interaction="magnetic-moment")
    for one, other in ((real, projected), (projected, real)):
        with pytest.raises(DeclarationError, match="projected"):
            one + other


def test_counts_of_ones_own_take_the_place_of_projected_ones():
    here = analysis("tmm-projected-current")
    counts = 1.5 * here.observed["coherent-hpge"]
    other = here.with_counts({"coherent-hpge": counts})
    np.testing.assert_array_equal(other.observed["coherent-hpge"], counts)
    np.testing.assert_array_equal(other.data.counts, counts)
    np.testing.assert_array_equal(other.data.variance, here.data.variance)
    excess = counts - here.observed["coherent-hpge"]
    assert float(other.chi2(here.standard_point())) == pytest.approx(float((excess**2 / here.data.variance).sum()))
    # The first one is as it was.
    assert float(here.chi2(here.standard_point())) == pytest.approx(0, abs=1e-12)


def test_counts_of_ones_own_are_kept_in_a_sum():
    here, other = analysis("tmm-projected-current"), analysis("tmm-projected-current", "conus")
    counts = 2 * here.observed["coherent-hpge"]
    total = here.with_counts({"coherent-hpge": counts}) + other
    np.testing.assert_array_equal(total.observed["coherent-hpge"], counts)
    np.testing.assert_array_equal(total.observed["conus"], other.observed["conus"])


def test_simulated_counts_scatter_by_the_declared_variance():
    here = analysis("tmm-projected-current")
    points = np.tile(here.standard_point(), (4000, 1))
    drawn = here.simulate(points, np.random.default_rng(5))["coherent-hpge"]
    assert drawn.mean() == pytest.approx(here.observed["coherent-hpge"][0], rel=0.01)
    assert drawn.var() == pytest.approx(here.data.variance[0], rel=0.1)


def test_fixing_a_parameter_leaves_data_and_variance_alone():
    """At 10e-10 mu_B the standard model of the projection stays the standard model."""
    here = analysis("sns2015-moment")
    fixed = here.fix(mu_nu=10.0)
    np.testing.assert_array_equal(fixed.observed["sns-ge76"], here.observed["sns-ge76"])
    np.testing.assert_array_equal(fixed.data.variance, here.data.variance)
    assert float(fixed.chi2([])) == pytest.approx(float(here.chi2([10.0])), rel=1e-12)
