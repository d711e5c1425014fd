"""The neutron radius of the 2019 talk: what follows from its inputs, and what does not."""

import pytest

from bayesnu import papers

CELLS = {(cell.row, cell.column): cell for cell in papers.reproduce("talk2019")}


def test_every_cell_has_its_place():
    assert len(CELLS) == 34
    assert {cell.status for cell in CELLS.values()} == {"input", "agrees", "deviates", "not-reproducible"}
    assert all(cell.deviation for cell in CELLS.values() if cell.status in ("deviates", "not-reproducible"))


def test_the_radius_of_phase_one():
    assert CELLS["phase I", "Rn best"].ours == pytest.approx(5.64, abs=0.05)
    assert CELLS["phase I", "Rn minus"].ours == pytest.approx(1.2, abs=0.12)
    assert CELLS["phase I", "Rn plus"].ours == pytest.approx(0.99, abs=0.12)


def test_oscillator_length():
    """2.30 must not come out: filled shells give 2.61."""
    assert CELLS["phase I", "b best"].ours == pytest.approx(2.61, abs=0.01)
    assert CELLS["phase I", "b best"].deviation == "oscillator-length"


def test_errors_of_the_scenarios():
    for row, minus, plus in (("scenario I", 0.49, 0.37), ("scenario II", 0.23, 0.19)):
        assert CELLS[row, "Rn minus"].ours == pytest.approx(minus, abs=0.05)
        assert CELLS[row, "Rn plus"].ours == pytest.approx(plus, abs=0.05)
    assert CELLS["scenario I", "Rn plus"].deviation == "scenario-1-upper-error"


def test_a_larger_exposure_leaves_projected_errors_to_the_systematic():
    more = {(cell.row, cell.column): cell for cell in papers.reproduce("talk2019", exposure=16)}
    for end in ("Rn minus", "Rn plus"):
        assert 0.5 < more["scenario II", end].ours / CELLS["scenario II", end].ours < 1.0
