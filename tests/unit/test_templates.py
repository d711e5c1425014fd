"""Templates: converged off their nodes, faithful between the nodes of their knobs, additive, proportional, named."""

import itertools
import runpy
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

import bayesnu as bn
from bayesnu import catalog
from bayesnu.predict import axes, rates, templates, terms

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
NAMES = sorted(catalog.experiments(catalog.open_catalog()))


def setup_of(name, interaction="magnetic-moment"):
    return bn.term(name, interaction=interaction).model.setups[0]


def with_detector(setup, detector):
    return msgspec.structs.replace(setup, experiment=msgspec.structs.replace(setup.experiment, detector=detector))


@pytest.fixture(scope="module")
def window():
    return setup_of("coherent-csi-2017")


# --- accuracy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_quadrature_has_converged(name):
    setup = setup_of(name)
    if setup.template_rows:
        pytest.skip("the experiment brings its own templates")
    once = rates.exact(setup, terms.terms_of(setup))
    twice = rates.exact(setup, terms.terms_of(setup), 2 * rates.RECOIL_ORDER, 2 * rates.ENERGY_ORDER)
    assert once.any()
    # Relative to the bin's own count, but not in bins that hold less than a millionth of their spectrum.
    floor = 1e-6 * np.abs(twice).sum(axis=2, keepdims=True)
    assert (np.abs(once - twice) <= 1e-8 * np.maximum(np.abs(twice), floor)).all()


def off_nodes(knob, number=41):
    """Values that no template was built at: an even grid from end to end, without the nodes."""
    values = np.linspace(knob.low, knob.high, number)
    nodes = axes.nodes(knob, np.zeros(0))
    return [v for v in values if np.abs(nodes - v).min() > 1e-6 * (knob.high - knob.low)]


WITH_KNOBS = [name for name in NAMES if setup_of(name).knobs]


def test_some_experiment_declares_a_knob():
    assert "coherent-csi-2017-spectrum" in WITH_KNOBS


@pytest.mark.parametrize("name", WITH_KNOBS)
def test_a_knob_interpolates_within_its_tolerance(name):
    setup = setup_of(name)
    knobs = setup.knobs
    built = templates.build(setup, tuple(knobs))
    tolerance = min(knob.tolerance for knob in knobs.values())
    grids = [off_nodes(knob, 45 if len(knobs) == 1 else 8) for knob in knobs.values()]
    points = list(itertools.product(*grids))
    assert len(points) >= 40
    for point in points:
        # Counts of every term in every bin, of the beam as a whole: hence of any mixture of terms.
        exact = templates.at_knobs(setup, dict(zip(knobs, point, strict=True))).values[:, :, 0].sum(axis=0)
        error = np.abs(interpolated(built, knobs.values(), point).sum(axis=0) - exact)
        assert (error <= tolerance * np.abs(exact)).all(), point


def test_a_knob_interpolates_the_faint_tail_of_one_flux_within_a_thousandth_of_an_event():
    """Where the prompt line alone has ended, its own relative error is large and its counts are nothing."""
    setup = setup_of("coherent-csi-2017-spectrum")
    ((name, knob),) = setup.knobs.items()
    built = templates.build(setup, (name,))
    for value in off_nodes(knob):
        exact = templates.at_knobs(setup, {name: value}).values[:, :, 0]
        assert np.abs(interpolated(built, (knob,), (value,)) - exact).max() < 1e-3


def interpolated(built, knobs, point):
    basis = np.ones(1)
    for knob, value in zip(knobs, point, strict=True):
        unit = (2 * value - knob.low - knob.high) / (knob.high - knob.low)
        basis = np.outer(basis, np.cos(np.arange(knob.nodes) * np.arccos(np.clip(unit, -1, 1)))).ravel()
    return np.einsum("stjb,j->stb", built.values, basis)


def test_two_knobs_make_a_product_grid():
    """Off the nodes of both."""
    setup = setup_of("coherent-csi-2017-spectrum")
    knob = setup.knobs["light-yield"]
    path = "experiment.detector.efficiency.plateau"
    plateau = msgspec.structs.replace(knob, bends=path, low=0.5, high=0.8, nodes=3)
    setup = msgspec.structs.replace(setup, knobs={"light-yield": knob, "plateau": plateau})
    built = templates.build(setup, ("light-yield", "plateau"))
    assert built.values.shape[2] == knob.nodes * 3
    for point in [(0.81, 0.63), (1.33, 0.52), (1.62, 0.79)]:
        exact = templates.at_knobs(setup, {"light-yield": point[0], "plateau": point[1]}).values[:, :, 0]
        both = interpolated(built, (knob, plateau), point)
        np.testing.assert_allclose(both.sum(axis=0), exact.sum(axis=0), rtol=1e-3)


# --- what they are made of --------------------------------------------------------------------------------------------


def test_names_along_the_axes(window):
    built = templates.build(window)
    assert built.fluxes == ("nu_mu", "nubar_mu", "nu_e")
    assert built.beams == ("nu_mu", "nubar_mu", "nu_e")
    assert built.terms == terms.terms_of(window)
    assert built.terms[:3] == ("sm-pp", "sm-pn", "sm-nn")
    assert built.terms[-1] == "magnetic-moment"
    assert built.values.shape == (3, 7, 1, 1)
    assert (built.values[:, :3] > 0).all()


def test_without_the_axial_current_its_terms_are_gone(window):
    vector = msgspec.structs.replace(window, axial=False)
    assert templates.build(vector).terms == ("sm-pp", "sm-pn", "sm-nn", "magnetic-moment")


def test_building_twice_gives_the_same_templates(window):
    assert templates.build(window) is templates.build(window)


@pytest.mark.parametrize(("field", "factor"), [("protons_on_target", 2.0), ("neutrinos_per_proton", 3.0)])
def test_counts_are_proportional_to_the_exposure(window, field, factor):
    fluence = window.experiment.fluence
    more = msgspec.structs.replace(fluence, **{field: factor * getattr(fluence, field)})
    longer = msgspec.structs.replace(window, experiment=msgspec.structs.replace(window.experiment, fluence=more))
    np.testing.assert_allclose(templates.build(longer).values, factor * templates.build(window).values, rtol=1e-14)


def test_counts_are_proportional_to_the_mass_and_fall_with_the_distance(window):
    detector, fluence = window.experiment.detector, window.experiment.fluence
    target = msgspec.structs.replace(detector.target, mass_kg=2 * detector.target.mass_kg)
    heavier = with_detector(window, msgspec.structs.replace(detector, target=target))
    farther = msgspec.structs.replace(fluence, baseline_m=2 * fluence.baseline_m)
    away = msgspec.structs.replace(heavier, experiment=msgspec.structs.replace(heavier.experiment, fluence=farther))
    np.testing.assert_allclose(templates.build(away).values, templates.build(window).values / 2, rtol=1e-14)


@pytest.mark.parametrize("name", ["coherent-csi-2017", "coherent-csi-2017-spectrum"])
@pytest.mark.parametrize("cut", [8.0, 14.0, 22.0])
def test_windows_add_up(name, cut):
    setup = setup_of(name)
    whole, low, high = (
        templates.build(msgspec.structs.replace(setup, bins=bins)).values.sum(axis=-1)
        for bins in (((6.0, 30.0),), ((6.0, cut),), ((cut, 30.0),))
    )
    np.testing.assert_allclose(low + high, whole, rtol=1e-9)


def test_bins_add_up_to_their_window():
    setup = setup_of("coherent-csi-2017-spectrum")
    whole = templates.build(msgspec.structs.replace(setup, bins=((6.0, 30.0),))).values
    np.testing.assert_allclose(templates.build(setup).values.sum(axis=-1), whole[..., 0], rtol=1e-9)


def test_a_restriction_silences_the_other_fluxes(window):
    free = templates.build(window)
    only = templates.build(msgspec.structs.replace(window, restrict={"magnetic-moment": ("nu_mu",)}))
    magnetic = free.terms.index("magnetic-moment")
    np.testing.assert_array_equal(only.values[0], free.values[0])
    np.testing.assert_array_equal(only.values[1:, magnetic], 0.0)
    np.testing.assert_array_equal(only.values[1:, :magnetic], free.values[1:, :magnetic])


# --- templates from a file --------------------------------------------------------------------------------------------

ROWS = [("nu_mu", "magnetic-moment", 0, 1.5), ("nu_mu", "magnetic-moment", 2, 0.25), ("nu_e", "sm-pn", 1, -2.0),
        ("nubar_mu", "sm-nn", 0, 7.0)]  # fmt: skip


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    root = tmp_path_factory.mktemp("given")
    SYNTHETIC.experiment(root, "given", ROWS, [1, 2, 3], standard_model="given-sm")
    SYNTHETIC.model(root, "given-sm", ["given"])
    return bn.term("given", interaction="magnetic-moment", root=root).model.setups[0]


def test_templates_from_a_file_are_its_rows(given):
    built = templates.build(given)
    rows = {
        (flux, term, b): built.values[s, t, 0, b]
        for s, flux in enumerate(built.fluxes)
        for t, term in enumerate(built.terms)
        for b in range(3)
        if built.values[s, t, 0, b] != 0
    }
    assert rows == {(flux, term, b): counts for flux, term, b, counts in ROWS}


def test_templates_from_a_file_keep_to_the_model(given):
    """Terms of other interactions are left out, and a restriction holds for them as well."""
    standard = templates.build(msgspec.structs.replace(given, interaction=("sm",)))
    assert "magnetic-moment" not in standard.terms
    only = templates.build(msgspec.structs.replace(given, restrict={"magnetic-moment": ("nu_e",)}))
    assert not only.values[:, only.terms.index("magnetic-moment")].any()
