"""Recipes of published cells: tables of names that must agree, and what a known disagreement excuses."""

from typing import get_args, get_type_hints

import pytest

from bayesnu.errors import PredictionError
from bayesnu.papers import QUANTITIES, cells
from bayesnu.papers.derivations import FORMULAS
from bayesnu.papers.kinds import KINDS
from bayesnu.papers.masses import ENDS as MASS_ENDS
from bayesnu.papers.printed import Printed
from bayesnu.papers.scans import crossing
from bayesnu.papers.shapes import ENDS
from bayesnu.physics.moments4 import SIGN_13
from bayesnu.report import text
from bayesnu.schema import (
    Block,
    CoefficientCells,
    DerivedCells,
    Deviation,
    MassReach,
    MassScan,
    ModelChange,
    Paper,
    Recipe,
    ShapeScan,
    SolarBound,
)


def names_in(record, field):
    """The names that a field may have."""
    kind = get_type_hints(record)[field]
    return set(get_args(kind) if not hasattr(kind, "__origin__") or kind.__origin__ is not dict else
               get_args(get_args(kind)[1]))  # fmt: skip


def test_every_name_that_a_declaration_may_have_is_in_a_table():
    assert names_in(Block, "quantity") == set(QUANTITIES)
    assert names_in(DerivedCells, "formula") == set(FORMULAS)
    assert names_in(ShapeScan, "columns") == set(ENDS)
    assert names_in(MassScan, "columns") == set(MASS_ENDS)
    assert set(get_args(get_type_hints(CoefficientCells)["sign_13"])) == set(SIGN_13)


def test_every_kind_of_recipe_is_in_the_table():
    hints = get_type_hints(Paper)
    kinds = {name: get_args(hint)[0] for name, hint in hints.items() if get_args(hint)[1:] == (...,)}
    recipes = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Recipe)}
    assert set(recipes) == set(KINDS)
    assert set(recipes.values()) == {
        Block, DerivedCells, ShapeScan, ModelChange, SolarBound, MassScan, MassReach, CoefficientCells,
    }  # fmt: skip


# --- one cell ---------------------------------------------------------------------------------------------------------


def recipe(**more):
    return Recipe(table="I", unit="fm", reading="as printed", tolerance=0.01, **more)


def paper(ratio):
    known = Deviation(claim="two", finding="three", evidence="counted", ratio=ratio)
    return Paper(title="A paper", reference="Nobody", arxiv="0000.00000", deviations={"known": known})


def printed(value):
    return Printed(("paper", "I", "row", "column"), "fm", value, "a table", "typed")


@pytest.mark.parametrize(("ours", "status", "deviation"), [
    (2.01, "agrees", None), (2.03, "deviates", None), (3.0, "deviates", "known"), (4.0, "deviates", None),
])  # fmt: skip
def test_a_known_disagreement_excuses_its_own_size_only(ours, status, deviation):
    cell = cells.compared(paper((1.4, 1.6)), printed("2"), recipe(deviation="known"), ours)
    assert (cell.status, cell.deviation, cell.tolerance) == (status, deviation, 0.02)


def test_a_disagreement_without_a_range_excuses_nothing():
    cell = cells.compared(paper(None), printed("2"), recipe(deviation="known"), 3.0)
    assert (cell.status, cell.deviation) == ("deviates", None)


def test_what_is_not_legible_is_compared_with_nothing():
    cell = cells.compared(paper(None), printed("NA"), recipe(deviation="known", reproducible=False), 3.0)
    assert (cell.status, cell.deviation, cell.ratio, cell.tolerance) == ("not-reproducible", "known", None, None)


def unlike(*values):
    """Cells with which no comparison is possible, of these printed values."""
    known = recipe(deviation="known", reproducible=False)
    return [cells.compared(paper(None), printed(value), known, 3.0) for value in values]


def test_what_is_not_printed_is_counted_apart_from_what_is_not_legible():
    found = [*unlike("not printed", "NA", "not printed", "0.2"), cells.given(printed("2"))]
    assert [cell.alone for cell in found] == [True, False, True, False, False]
    assert " 4 not-reproducible (2 of them not printed by the paper), 1 input;" in text.summary(found)


def test_where_all_is_printed_nothing_is_counted_apart():
    assert " 2 not-reproducible, 0 input;" in text.summary(unlike("NA", "0.2"))


@pytest.mark.parametrize(("ours", "status"), [(0.9, "agrees"), (1.1, "deviates")])
def test_a_printed_bound(ours, status):
    assert cells.compared(paper(None), printed("<1"), recipe(), ours).status == status


def test_a_cell_says_where_its_number_stands():
    cell = cells.given(printed("2"))
    assert (cell.status, cell.source, cell.status_of_source) == ("input", "a table", "typed")


# --- where chi2 passes a level ----------------------------------------------------------------------------------------


def test_crossing_of_a_parabola():
    assert crossing(lambda x: x**2, 0.0, 1e-3, 4.0) == pytest.approx(2, rel=1e-9)
    assert crossing(lambda x: x**2, 0.0, -1e-3, 4.0) == pytest.approx(-2, rel=1e-9)


@pytest.mark.parametrize("chi2", [lambda x: 5.0 + x**2, lambda x: 1 - 1 / (1 + x**2)])
def test_no_crossing_is_an_error(chi2):
    with pytest.raises(PredictionError, match="no limit"):
        crossing(chi2, 0.0, 1e-3, 4.0)
