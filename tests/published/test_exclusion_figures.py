"""Figures 3 and 4 of arXiv:2109.09545 at light masses, against an independent calculation (other code and grids)."""

import msgspec
import pytest

from bayesnu import catalog
from bayesnu.papers.exclusion_figures import panels_of
from bayesnu.papers.printed import read
from bayesnu.report import exclusions

WHERE = catalog.open_catalog()
FIGURES = {(f.figure, f.panel): f for f in read(WHERE, "sterile2021")[1].exclusion_figures}
NU_E = FIGURES["3", "nu_e to nu_s"]


def light(figure, *labels):
    """The panel with some of its curves, at 1 keV alone."""
    curves = {label: msgspec.structs.replace(figure.curves[label], masses=(0.001,)) for label in labels}
    (panel,) = panels_of(WHERE, [msgspec.structs.replace(figure, curves=curves)])
    return panel.curves


def ends(drawn, convention, unit):
    """The only interval at that mass, in another unit."""
    (row,) = exclusions.at_mass(drawn.curve, 0.001, convention)
    factor = exclusions.in_unit(drawn.curve, unit)
    return factor * row.low, factor * row.high


def test_the_paper_has_two_such_figures():
    assert list(FIGURES) == [
        ("3", "nu_mu to nu_s"), ("3", "nu_e to nu_s"),
        ("4", "lambda_14 alone"), ("4", "lambda_24 alone"), ("4", "lambda_34 alone"),
    ]  # fmt: skip
    assert [(f.figure, f.panel) for f in FIGURES.values() if f.interaction] == list(FIGURES)[2:]


@pytest.mark.parametrize(("label", "convention", "projected", "expected"), [
    ("XENON1T", "two-parameter-global", False, (9.14, 38.1)), ("TEXONO", "two-parameter", False, (0.0, 313.0)),
    ("51Cr Ge", "two-parameter", True, (0.0, 16.3)), ("51Cr LXe B", "two-parameter", True, (0.0, 5.22)),
])  # fmt: skip
def test_figure_3_for_electron_neutrinos(label, convention, projected, expected):
    drawn = light(NU_E, label)[label]
    assert (drawn.convention, drawn.projected) == (convention, projected)
    assert drawn.curve.attrs["parameter"] == "mu_nu_e"
    assert ends(drawn, convention, "1e-12 mu_B") == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(("moment", "csi", "argon"), [("14", 4.68, 6.19), ("24", 5.53, 7.30), ("34", 4.41, 5.82)])
def test_figure_4_of_coherent(moment, csi, argon):
    """All flavours of the source by one moment, delta = 0; that calculation is for one parameter."""
    found = light(FIGURES["4", f"lambda_{moment} alone"], "COHERENT CsI", "COHERENT LAr")
    limits = [ends(drawn, "one-parameter", "1e-9 mu_B")[1] for drawn in found.values()]
    assert limits == pytest.approx([csi, argon], rel=0.01)


def test_figure_4_of_electron_neutrinos_is_figure_3_over_an_element_of_the_mixing_matrix():
    (flavour,) = light(NU_E, "TEXONO").values()
    (drawn,) = light(FIGURES["4", "lambda_14 alone"], "TEXONO").values()
    cos2_12, cos2_13 = 1 - 0.318, 1 - 0.022
    for convention in ("one-parameter", "two-parameter"):
        expected = ends(flavour, convention, "mu_B")[1] / (cos2_12 * cos2_13) ** 0.5
        assert ends(drawn, convention, "mu_B")[1] == pytest.approx(expected, rel=1e-6)
