"""The neutron radius of the 2019 talk: what follows from its inputs, and what does not."""

import functools

import msgspec
import pytest

from bayesnu import catalog, papers
from bayesnu.likelihood.analysis import from_resolved
from bayesnu.papers.scans import chi2_at_standard_point, crossing
from bayesnu.papers.setups import with_exposure
from bayesnu.papers.shapes import shaped

SHELF = catalog.open_catalog()
EVERYTHING = papers.reproduce("talk2019", shelf_of=SHELF)
CELLS = {(cell.row, cell.column): cell for cell in EVERYTHING if cell.paper == "talk2019"}
KNOWN = papers.deviations("talk2019", SHELF)


def test_every_cell_has_its_place():
    assert len(CELLS) == 34
    assert {cell.status for cell in CELLS.values()} == {"input", "agrees", "deviates", "not-reproducible"}
    assert all(cell.deviation for cell in CELLS.values() if cell.status in ("deviates", "not-reproducible"))
    assert {cell.status_of_source for cell in CELLS.values()} == {"typed"}


def test_the_radius_of_phase_one():
    assert CELLS["phase I", "Rn best"].ours == pytest.approx(5.64, abs=0.05)
    assert CELLS["phase I", "Rn minus"].ours == pytest.approx(1.2, abs=0.12)
    assert CELLS["phase I", "Rn plus"].ours == pytest.approx(0.99, abs=0.12)


def test_oscillator_length():
    """2.30 must not come out: filled shells give 2.61."""
    assert CELLS["phase I", "b best"].ours == pytest.approx(2.61, abs=0.01)
    assert CELLS["phase I", "b best"].status == "deviates"
    assert CELLS["phase I", "b best"].deviation == "oscillator-length"


def test_errors_of_the_scenarios():
    for row, minus, plus in (("scenario I", 0.49, 0.37), ("scenario II", 0.23, 0.19)):
        assert CELLS[row, "Rn minus"].ours == pytest.approx(minus, abs=0.05)
        assert CELLS[row, "Rn plus"].ours == pytest.approx(plus, abs=0.05)
    assert CELLS["scenario I", "Rn plus"].deviation == "scenario-1-upper-error"


def test_scenario_1_upper_error_of_0_97_needs_another_systematic_error():
    low, high = KNOWN["scenario-1-upper-error"].ratio
    assert low < CELLS["scenario I", "Rn plus"].ratio < high
    assert CELLS["scenario I", "Rn plus"].ours < 0.47


def test_scenario_centre_follows_from_no_projection():
    """5.56 fm: the counts of phase I ask for 5.62, those of a Helm nucleus of standard size for 4.77."""
    assert "scenario-centre" in KNOWN
    assert {CELLS[row, "Rn best"].status for row in ("scenario I", "scenario II")} == {"input"}
    printed = CELLS["scenario I", "Rn best"].published_value
    as_measured = radius_with(136.0)
    standard = radius_with(counts_of(catalog.resolve(SHELF, "talk2019-radius")))
    assert as_measured == pytest.approx(CELLS["phase I", "Rn best"].ours, abs=1e-3)
    assert as_measured == pytest.approx(5.62, abs=0.01)
    assert standard == pytest.approx(4.77, abs=0.02)
    assert radius_with(142.0) == pytest.approx(5.49, abs=0.02)
    assert min(abs(ours - printed) for ours in (as_measured, standard, radius_with(142.0))) > 0.05


def radius_with(counts):
    """Neutron radius [fm] at which phase I has so many counts."""
    resolved = catalog.resolve(SHELF, "talk2019-radius")
    missing = lambda radius_fm: counts - counts_of(shaped(resolved, "neutron_rms_fm", radius_fm))  # noqa: E731
    return crossing(missing, 3.0, 0.5, 0.0)


def counts_of(resolved):
    analysis = from_resolved(resolved)
    parts = analysis.breakdown(analysis.standard_point())["coherent-csi-2017"]
    return float(sum(counts.sum() for counts in parts["sm"].values()))


def test_a_larger_exposure_leaves_projected_errors_to_the_systematic():
    more = {(cell.row, cell.column): cell for cell in papers.reproduce("talk2019", exposure=16)}
    for end in ("Rn minus", "Rn plus"):
        assert 0.5 < more["scenario II", end].ours / CELLS["scenario II", end].ours < 1.0


def test_no_cell_follows_a_power_of_the_exposure_and_each_says_why():
    paper = papers.read(SHELF, "talk2019")[1]
    assert {cell.exposure_power for cell in EVERYTHING} == {None}
    assert all(recipe.no_exposure_power for recipe in (*paper.blocks, *paper.shape_scans))


# --- the statistic ----------------------------------------------------------------------------------------------------


@functools.cache
def chi2_of_counts():
    """chi2 of the declared set-up as a function of its standard-model counts, moved by the exposure."""
    resolved = catalog.resolve(SHELF, "talk2019-sm")
    standard = counts_of(resolved)

    def chi2(counts):
        setups = tuple(with_exposure(setup, counts / standard) for setup in resolved.setups)
        moved = msgspec.structs.replace(resolved, setups=setups)
        assert counts_of(moved) == pytest.approx(counts, rel=1e-12)
        return chi2_at_standard_point(from_resolved(moved))

    return chi2


@pytest.mark.parametrize("counts", [20.0, 95.14, 136.0, 179.2, 200.0, 270.68, 600.0])
def test_chi2_is_the_one_that_the_talk_prints(counts):
    expected = (136 - counts) ** 2 / (958 + 1.5**2 + (0.28 * counts) ** 2)
    assert chi2_of_counts()(counts) == pytest.approx(expected, rel=1e-10, abs=1e-20)


@pytest.mark.parametrize(("level", "low", "high"), [(1.0, 95.14, 200.00), (2.705543454095404, 74.55, 270.68)])
def test_intervals_of_the_counts(level, low, high):
    assert crossing(chi2_of_counts(), 136.0, -1.0, level) == pytest.approx(low, abs=0.01)
    assert crossing(chi2_of_counts(), 136.0, 1.0, level) == pytest.approx(high, abs=0.01)


@pytest.mark.parametrize(("model", "events", "chi2"), [("talk2019-sm", 179.2, 0.54), ("talk2019-sm-tree", 167.0, 0.31)])
def test_standard_model_events(model, events, chi2):
    resolved = catalog.resolve(SHELF, model)
    assert counts_of(resolved) == pytest.approx(events, rel=0.005)
    assert chi2_at_standard_point(from_resolved(resolved)) == pytest.approx(chi2, abs=0.005)
