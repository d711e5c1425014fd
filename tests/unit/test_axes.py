"""Functions along an axis: they reproduce a template at any value, alike in NumPy and PyTensor, with a gradient."""

import msgspec
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.gradient import grad

import bayesnu as bn
from bayesnu.infer.profile import profile
from bayesnu.predict import axes, templates
from bayesnu.schema import Knob

CHEBYSHEV = Knob(bends="form_factor.neutron_rms_fm", low=2.5, high=9.0, nodes=17, tolerance=1e-3)
SPLINE = Knob(bends="sterile_mass_mev", low=0.01, high=60.0, nodes=120, tolerance=1e-3, interpolation="log-spline")
EDGES = np.array([29.8, 52.8])


def closing(mass):
    """Counts (flux, term, bin) that a mass closes: as a root, at another mass for each flux; one term does not care."""
    values = np.zeros((2, 2, 3))
    values[:, 0] = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    for s, edge in enumerate(EDGES):
        opening = np.sqrt(np.maximum(1 - (mass / edge) ** 2, 0.0))
        values[s, 1] = 100 * opening * np.array([1.0, np.exp(-mass / 20), 1 / (1 + mass)])
    return values


def gaussian(radius):
    return np.exp(-((radius - 4.0) ** 2) / 8) * np.arange(1.0, 13.0).reshape(2, 2, 3)


def at(axis, coefficients, value):
    functions = axes.functions(axis, np.asarray(value), np.zeros(np.shape(value)), np)
    return coefficients[0] + np.tensordot(functions, coefficients[1:], (0, 0))


def built(knob, edges, function):
    if knob.interpolation == "chebyshev":
        return axes.chebyshev_axis(knob, np.stack([function(v) for v in axes.nodes(knob, edges)]))
    # Each flux on nodes of its own, as the templates are.
    grids = [axes.nodes(knob, edges[s : s + 1]) for s in range(2)]
    return axes.spline_axis(knob, grids, [np.stack([function(v)[s] for v in grid]) for s, grid in enumerate(grids)])


@pytest.mark.parametrize(("knob", "edges", "function"), [(CHEBYSHEV, np.zeros(0), gaussian), (SPLINE, EDGES, closing)])
def test_an_axis_holds_off_its_nodes(knob, edges, function):
    axis, coefficients = built(knob, edges, function)
    grid = axes.nodes(knob, edges)
    between = np.sqrt(grid[:-1] * grid[1:])
    assert len(between) > 10
    for value in between:
        exact, found = function(value), at(axis, coefficients, value)
        scale = np.maximum(np.abs(exact).max(axis=-1, keepdims=True), 1e-2 * np.abs(function(grid[0])).max())
        assert (np.abs(found - exact) <= knob.tolerance * scale).all(), value


def test_a_spline_is_refined_near_its_edges_and_compressed():
    grid = axes.nodes(SPLINE, EDGES)
    assert np.all(np.diff(grid) > 0)
    assert grid[[0, -1]] == pytest.approx([0.01, 60.0], rel=0)
    for edge in EDGES:
        assert np.abs(grid / edge - 1).min() < 1e-12
        assert (np.abs(np.log(grid / edge)) < 0.002).sum() >= 9
    axis, coefficients = built(SPLINE, EDGES, closing)
    # Three shapes over the bins for each of two fluxes, and the constant.
    assert len(coefficients) == 1 + axis.size <= 7
    np.testing.assert_array_equal(coefficients[0, :, 0], closing(1.0)[:, 0])
    assert not coefficients[1:, :, 0].any()


def test_without_an_edge_a_spline_would_miss_its_tolerance():
    """The negative control of the refinement."""
    axis, coefficients = built(SPLINE, np.zeros(0), closing)
    worst = max(np.abs(at(axis, coefficients, m) - closing(m)).max() for m in np.linspace(27.0, 31.0, 50))
    assert worst > 10 * SPLINE.tolerance * closing(0.01).max()


@pytest.mark.parametrize(("knob", "function"), [(CHEBYSHEV, gaussian), (SPLINE, closing)])
def test_numpy_and_pytensor_agree_and_the_gradient_is_one(knob, function):
    axis, _ = built(knob, EDGES if knob is SPLINE else np.zeros(0), function)
    x = pt.dscalar("x")
    symbolic = axes.functions(axis, x, pt.zeros(()), pt)
    compiled = pytensor.function([x], [symbolic, grad(symbolic.sum(), x)], mode="FAST_COMPILE")
    for value in (2.6, 3.7, 8.9):
        values, slope = compiled(value)
        np.testing.assert_allclose(values, axes.functions(axis, np.asarray(value), np.zeros(()), np), atol=1e-12)
        step = 1e-6 * value
        up, down = (axes.functions(axis, np.asarray(value + s), np.zeros(()), np).sum() for s in (step, -step))
        assert slope == pytest.approx((up - down) / (2 * step), rel=1e-5, abs=1e-7)


def test_many_values_at_once():
    axis, _ = built(SPLINE, EDGES, closing)
    values = np.array([0.02, 1.0, 29.9, 50.0])
    together = axes.functions(axis, values, np.zeros(4), np)
    for i, value in enumerate(values):
        one = axes.functions(axis, np.asarray(value), np.zeros(()), np)
        np.testing.assert_allclose(together[:, i], one, rtol=0, atol=1e-13)


# --- the neutron radius as a knob -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def radius():
    return bn.load("coherent-csi-radius")


def test_the_neutron_radius_interpolates_within_its_tolerance(radius):
    (setup,) = radius.model.setups
    ((name, knob),) = setup.knobs.items()
    nodes = axes.nodes(knob, np.zeros(0))
    for value in np.linspace(knob.low, knob.high, 60):
        assert np.abs(nodes - value).min() > 1e-6
        exact = templates.at_knobs(setup, {name: value}).values[:, :, 0].sum(axis=0)
        axis = templates.build(setup, (name,))
        found = at(axis.axes[0], np.moveaxis(axis.values, 2, 0), value).sum(axis=0)
        assert (np.abs(found - exact) <= knob.tolerance * np.abs(exact)).all(), value


def test_a_fixed_radius_is_exact(radius):
    """`fix` rebuilds the templates, and the free model agrees with it within the tolerance."""
    fixed = radius.fix(neutron_rms=5.3)
    assert fixed.model.setups[0].form_factor.neutron_rms_fm == 5.3
    free = radius.log_likelihood(neutron_rms=np.array([5.3]))
    assert fixed.log_likelihood() == pytest.approx(free[0], abs=2e-3)


def test_a_fit_of_the_radius_gives_what_a_scan_of_rebuilt_templates_gives(radius):
    """The talk's phase I: 5.62 +0.93 -1.24 fm, by the scan of `bayesnu reproduce talk2019` and here alike."""
    found = profile(radius, "neutron_rms", others="profiled", level=0.6826894921370859, points=61)
    ends = [float(found.attrs[name]) for name in ("interval_low", "best", "limit")]
    rebuilt = [profile_chi2(radius.fix(neutron_rms=value)) for value in ends]
    assert rebuilt[1] == pytest.approx(0.0, abs=1e-3)
    assert [rebuilt[0], rebuilt[2]] == pytest.approx([1.0, 1.0], abs=5e-3)
    errors = found.attrs["limit"] - found.attrs["best"], found.attrs["best"] - found.attrs["interval_low"]
    assert found.attrs["best"] == pytest.approx(5.62, abs=0.01)
    assert errors == pytest.approx((0.93, 1.24), abs=0.01)


def profile_chi2(analysis):
    from bayesnu.infer.minimise import chi2_profiled

    return chi2_profiled(analysis, analysis.centre())


def test_the_skin_of_a_microscopic_form_factor_is_a_knob_too(radius):
    """Any number of the form factor can be one."""
    (setup,) = radius.model.setups
    changed = msgspec.structs.replace(
        setup,
        knobs={"a": Knob(bends="form_factor.skin_fm", low=0.5, high=1.3, nodes=9, tolerance=1e-4)},
    )
    axis = templates.build(changed, ("a",))
    exact = templates.at_knobs(changed, {"a": 0.83}).values[:, :, 0]
    found = at(axis.axes[0], np.moveaxis(axis.values, 2, 0), 0.83)
    np.testing.assert_allclose(found, exact, rtol=1e-4)
