"""Contours of the papers' figures: where they meet an axis they are the published limits on one parameter."""

import numpy as np
import pytest

from bayesnu import catalog, papers
from bayesnu.infer.contour import profile_pair
from bayesnu.papers.figures import analysis_of_curve
from bayesnu.papers.printed import read
from bayesnu.report import contours

TWO_SEVENTY_ONE = 2.705543454095404
WHERE = catalog.open_catalog()
TMM = read(WHERE, "tmm2019")[1].figures
ROWS = {
    "SNS delayed, current": "SNS delayed; {}; current",
    "SNS prompt, current": "SNS prompt; {}; current",
    "SNS delayed, future": "SNS delayed; {}; future",
    "SNS prompt, future": "SNS prompt; {}; future",
    "reactors, current": "Reactor; {}; current",
    "reactors, future": "Reactor; {}; future",
}


@pytest.fixture(scope="module")
def table_two():
    return {(c.row, c.column): c for c in papers.reproduce("tmm2019", table="II")}


def plane_of(figure, label, pair, **settings):
    analysis = analysis_of_curve(WHERE, figure, label)
    return profile_pair(analysis, tuple(pair), others="zero", **settings)


@pytest.mark.parametrize("figure", [f for f in TMM if f.figure in ("4", "5", "6")], ids=lambda f: f.panel)
def test_intercepts_of_figures_4_to_6_are_table_two(figure, table_two):
    """By the one-parameter threshold, along each axis, the published limit within its own tolerance."""
    pair = figure.pairs[0]
    for label in figure.curves:
        plane = plane_of(figure, label, pair, points=(81, 81))
        for value, parameter in zip(contours.intercepts(plane, TWO_SEVENTY_ONE), pair, strict=True):
            cell = table_two[ROWS[figure.panel].format(label), f"|Lambda_{parameter[-1]}|"]
            assert value == pytest.approx(cell.ours, rel=2e-3)
            assert value == pytest.approx(cell.published_value, abs=cell.tolerance + 2e-3 * value)


def area(plane, convention):
    """Of what a convention allows in the positive quadrant, by counting the grid."""
    height = float(plane["threshold"].sel(convention=convention)[0])
    cell = float(np.diff(plane["first"])[0] * np.diff(plane["second"])[0])
    return cell * int((plane["delta_chi2"] <= height).sum())


@pytest.mark.parametrize(
    ("panel", "pair", "outer", "inner"),
    [
        ("SNS prompt, CsI[Na]", ("lambda_1", "lambda_2"), "xi_3 = pi, delta_CP = 0", "xi_3 = 0, delta_CP = 0"),
        ("SNS prompt, CsI[Na]", ("lambda_1", "lambda_3"), "xi_2 = pi, delta_CP = 0", "xi_2 = 0, delta_CP = 0"),
        ("SNS prompt, CsI[Na]", ("lambda_2", "lambda_3"), "xi_1 = 0, delta_CP = pi", "xi_1 = pi, delta_CP = 0"),
    ],
)
def test_figure_7_has_its_outer_and_inner_curves(panel, pair, outer, inner):
    """The order that the paper states holds in one plane of three: its deviation says so."""
    figure = next(f for f in TMM if f.figure == "7" and f.panel == panel and f.pairs[0] == pair)
    settings = {"points": (101, 101), "ranges": ((0.0, 250.0), (0.0, 250.0))}
    found = {label: area(plane_of(figure, label, pair, **settings), "one-parameter") for label in figure.curves}
    assert max(found, key=found.__getitem__) == outer
    assert min(found, key=found.__getitem__) == inner


def test_figure_8_meets_the_axes_at_the_solar_row():
    planes = [plane for panel in papers.contours_of("tmm2019", figure="8")["8"] for plane in panel.planes.values()]
    ends = [contours.intercepts(plane, TWO_SEVENTY_ONE) for plane in planes]
    assert ends == [pytest.approx(e, abs=0.005) for e in ([0.44, 0.36], [0.44, 0.28], [0.36, 0.28])]


@pytest.mark.parametrize(("case", "row", "published"), [
    ("realistic", "76Ge", (9.39, 9.46)), ("realistic", "132Xe", (14.96, 15.20)), ("optimistic", "76Ge", (2.75, 2.68)),
])  # fmt: skip
def test_figure_6_of_sns2015_meets_the_axes_at_table_five(case, row, published):
    figure = next(f for f in read(WHERE, "sns2015")[1].figures if f.figure == "6" and f.panel == case)
    plane = plane_of(figure, row, figure.pairs[0], points=(61, 61))
    assert contours.intercepts(plane, 2.71) == pytest.approx(published, rel=5e-3)


def test_figure_5_of_sns2015_passes_table_five_at_the_standard_angle():
    figure = next(f for f in read(WHERE, "sns2015")[1].figures if f.panel == "prompt (nu_mu), realistic")
    ranges = ((0.2312, 0.2400), (0.0, 20.0))
    plane = plane_of(figure, "76Ge", figure.pairs[0], points=(5, 201), ranges=ranges)
    assert contours.intercepts(plane, 2.71)[1] == pytest.approx(8.37, rel=5e-3)


def test_figure_5_of_sns2015_is_open_bands():
    """One count a detector: chi2 is the same along a curve that both frames' ends cut, so no region of Fig 5 closes."""
    figure = next(f for f in read(WHERE, "sns2015")[1].figures if f.panel == "prompt (nu_mu), realistic")
    ranges = tuple(figure.ranges[name] for name in figure.pairs[0])
    plane = plane_of(figure, "76Ge", figure.pairs[0], points=(61, 61), ranges=ranges)
    for contour in contours.contours(plane):
        assert len(contour.lines) == 2
        for line in contour.lines:
            ends = sorted(line[[0, -1]].tolist(), key=lambda point: point[1])
            assert ends[0][1] == 0.0
            assert ends[1][0] == ranges[0][0] or ends[1][1] == ranges[1][1]
    (standard,) = np.flatnonzero(np.isclose(plane["first"], 0.231))
    free_of_both = plane["delta_chi2"].where(plane["second"] > 10)
    assert float(free_of_both.min()) < 0.05 < float(plane["delta_chi2"][standard].where(plane["second"] > 10).min())


def test_figure_3_of_tensor2015_meets_its_axes_inside_every_single_limit():
    """Four detectors at once, one coupling at zero: chi2 adds up, as do the inverse fourth powers of their limits."""
    figure = read(WHERE, "tensor2015")[1].figures[0]
    (label,) = figure.curves
    cells = {(c.row, c.column): c for c in papers.reproduce("tensor2015", table="1")}
    plane = plane_of(figure, label, figure.pairs[0], points=(3, 3), ranges=((0.0, 0.02), (0.0, 0.02)))
    for name, column in (("eps_dT", "eps_dT e"), ("eps_uT", "eps_uT e")):
        single = [cells[row, column].ours for row in ("20Ne", "40Ar", "76Ge", "132Xe")]
        together = 1e-3 * sum(limit**-4.0 for limit in single) ** -0.25
        edge = plane["delta_chi2"].isel({"second" if name == "eps_dT" else "first": 0}).values[-1]
        assert 0.02 * (2.71 / edge) ** 0.25 == pytest.approx(together, rel=1e-3)
