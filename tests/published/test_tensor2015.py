"""arXiv:1506.05406, every number that it prints, with the disagreements that are known."""

import csv
import functools
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import integrate

from bayesnu import catalog, papers
from bayesnu.constants import ELECTRON_MASS_MEV, FINE_STRUCTURE
from bayesnu.likelihood.analysis import from_resolved
from bayesnu.papers.blocks import from_counts
from bayesnu.papers.figures import analysis_of_curve
from bayesnu.physics import derived

SHELF = catalog.open_catalog()
NUCLEI = ("20Ne", "40Ar", "76Ge", "132Xe")
NUCLEI_AT_ONCE = " + ".join(NUCLEI)
QUARKS = [(n, f"eps_{q}T {beam}") for n in NUCLEI for q in ("u", "d") for beam in ("e", "mu")]
MOMENTS = [(n, f"mu {beam}") for n in NUCLEI for beam in ("e", "mu")]
NOT_REPRODUCIBLE = {
    "e": "illegible-cells", "d": "illegible-cells", "u": "illegible-cells", "b": "illegible-cells",
    "s": "quark-mass-of-s", "t": "ill-conditioned-t",
}  # fmt: skip
DEVIATING = {
    ("TEXONO SM events", "76Ge"): "reactor-counts-0.301",
    ("TEXONO SM events", "28Si"): "reactor-counts-0.301",
    ("TEXONO NMM events TEXONO limit", "76Ge"): "reactor-counts-0.301",
    ("TEXONO tensor events", "76Ge"): "reactor-tensor-count",
    ("F=1 versus QRPA", "difference"): "twenty-per-cent-claim",
}


@functools.cache
def cells(exposure=1.0):
    found = papers.reproduce("tensor2015", exposure=exposure, shelf_of=SHELF)
    return {(c.table, c.row, c.column): c for c in found}


def text(row, column="76Ge"):
    return cells()["text", row, column]


def test_every_published_cell_is_there():
    file = Path(__file__).parents[2] / "data" / "published" / "tensor2015.csv"
    with file.open(newline="", encoding="utf-8") as handle:
        printed = [(r["table"], r["row"], r["column"], r["unit"], r["value"]) for r in csv.DictReader(handle)]
    assert [(c.table, c.row, c.column, c.unit, c.published) for c in cells().values()] == printed
    assert len(printed) == 58


def test_every_status():
    by_status = {s: {k for k, c in cells().items() if c.status == s} for s in papers.Status.__args__}
    assert by_status["not-reproducible"] == {("2", r, "eps TEXONO limit") for r in NOT_REPRODUCIBLE}
    assert by_status["deviates"] == {("text", *key) for key in DEVIATING}
    assert {len(v) for s, v in by_status.items() if s in ("input", "agrees")} == {17, 30}
    assert all((c.ours is None) == (c.status == "input") for c in cells().values())


def test_disagreements_are_named_and_of_the_size_that_is_known():
    known = papers.deviations("tensor2015", SHELF)
    named = {("text", *key): name for key, name in DEVIATING.items()}
    named |= {("2", row, "eps TEXONO limit"): name for row, name in NOT_REPRODUCIBLE.items()}
    assert {key: c.deviation for key, c in cells().items() if c.deviation} == named
    assert set(named.values()) <= set(known)
    for key in DEVIATING:
        low, high = known[DEVIATING[key]].ratio
        assert low < text(*key).ratio < high


@pytest.mark.parametrize(("nucleus", "column"), QUARKS + MOMENTS)
def test_table_1(nucleus, column):
    cell = cells()["1", nucleus, column]
    assert cell.status == "agrees"
    assert cell.ratio == pytest.approx(1, abs=0.025 if column.startswith("mu") else 0.015)


def test_up_and_down_are_alike_in_a_nucleus_of_as_many_protons_as_neutrons():
    for beam in ("e", "mu"):
        up, down = (cells()["1", "20Ne", f"eps_{q}T {beam}"].ours for q in ("u", "d"))
        assert up == pytest.approx(down, rel=1e-3)


@pytest.mark.parametrize(("nucleus", "column"), MOMENTS)
def test_cancelling_sum_of_eq_11_moments_from_the_printed_couplings(nucleus, column):
    """Absolute values added; with the signs of Eq 11 the two terms cancel."""
    beam = column.removeprefix("mu ")
    up, down = (1e-3 * cells()["1", nucleus, f"eps_{q}T {beam}"].published_value for q in ("u", "d"))
    printed = cells()["1", nucleus, column].published_value
    assert 1e12 * derived.moment_limit_of_light_quarks(up, down) == pytest.approx(printed, abs=0.05)
    assert abs(1e12 * derived.moment_of_light_quarks(up, down)) < 0.2 * printed


@pytest.mark.parametrize("row", ["mu", "tau", "c"])
def test_table_2(row):
    assert cells()["2", row, "eps TEXONO limit"].ratio == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("row", "ours"), [("e", 3.33), ("d", 0.43), ("u", 0.42), ("b", 1.39e-3), ("s", 3.03e-2)])
def test_illegible_cells_and_s_as_a_second_implementation_has_them(row, ours):
    assert cells()["2", row, "eps TEXONO limit"].ours == pytest.approx(ours, rel=0.01)


@pytest.mark.parametrize(("mass_gev", "coupling"), [(172.5, 6.8e-3), (173.0, 9.8e-3), (173.5, 18e-3)])
def test_ill_conditioned_t(mass_gev, coupling):
    assert derived.induced_coupling(7.4e-11, 1e3 * mass_gev, 2 / 3, 3) == pytest.approx(coupling, rel=0.03)


@pytest.mark.parametrize(("row", "column"), [key for key, name in DEVIATING.items() if name == "reactor-counts-0.301"])
def test_reactor_counts_0_301(row, column):
    assert 1 / text(row, column).ratio == pytest.approx(0.301, abs=0.005)


def test_ratios_of_reactor_counts():
    def of(kind, row, column="76Ge"):
        return getattr(text(row, column), kind) / getattr(text("TEXONO SM events"), kind)

    for row, column, tolerance in [
        ("TEXONO SM events", "28Si", 0.01),
        ("TEXONO NMM events TEXONO limit", "76Ge", 0.01),
        ("TEXONO tensor events", "76Ge", 0.03),
    ]:
        assert of("ours", row, column) == pytest.approx(of("published_value", row, column), rel=tolerance)


@functools.cache
def limits(model, nucleus):
    """Limits on each coupling from each beam, in units of one."""
    blocks = [b for b in papers.read(SHELF, "tensor2015")[1].blocks if b.table == "1"]
    changed = [msgspec.structs.replace(b, model=model) for b in blocks]
    return np.array([from_counts(SHELF, b, nucleus, p, 1.0) for b in changed for p in b.columns.values()])


@pytest.mark.parametrize(("nucleus", "percent"), [("20Ne", 5.5), ("40Ar", 7.4), ("76Ge", 10.6), ("132Xe", 14.6)])
def test_twenty_per_cent_claim(nucleus, percent):
    """Nuclei as points against filled shells: nowhere 20 %."""
    change = 100 * abs(limits("tensor2015-point", nucleus) / limits("tensor2015-tensor", nucleus) - 1)
    assert change.max() == pytest.approx(percent, abs=0.1)
    assert change.min() > percent - 1.1
    assert change.max() < 15


def test_literal_eq_16():
    """(N_SM - N_T)^2/N_SM = 2.71 on the far side, where N_T = N_SM + sqrt(2.71 N_SM)."""
    ours = 1e-3 * cells()["1", "20Ne", "eps_dT e"].ours
    paper = papers.read(SHELF, "tensor2015")[1]
    block = next(b for b in paper.blocks if "eps_dT e" in b.columns)
    counts = papers.component_counts(papers.analysis_of(SHELF, block, "20Ne", 1.0), "sm", block)
    assert ours * np.sqrt(1 + np.sqrt(counts / 2.71)) == pytest.approx(0.064, rel=0.02)


def test_eq_20_rounding():
    """The printed limit follows from the rounded coefficient."""
    assert text("milli-charge Eq21", "limit").ratio == pytest.approx(1, abs=0.02)
    assert derived.millicharge_limit(2.5e-12, 0.4) == pytest.approx(4.95e-14, rel=2e-3)


def test_eq_18_factor():
    """2 pi alpha q^2/(m T^2) = pi alpha^2 mu^2/(m^2 T) at 1 keV."""
    literal = np.sqrt(FINE_STRUCTURE / (2e3 * ELECTRON_MASS_MEV))
    assert literal == pytest.approx(0.0027, rel=0.02)
    assert text("milli-charge Eq20 prefactor", "coefficient").ours == pytest.approx(0.0313, rel=2e-3)


def test_quark_mass_of_s():
    assert derived.induced_coupling(7.4e-11, 104.0, -1 / 3, 3) == pytest.approx(2.8e-2, rel=0.01)
    assert cells()["2", "s", "eps TEXONO limit"].ratio == pytest.approx(1.084, abs=2e-3)


# --- the reactor spectrum ---------------------------------------------------------------------------------------------


def test_eq_17_range():
    def fit(energy):
        return 11.36 * energy**1.32 * np.exp(-3.33 * energy**0.56)

    assert integrate.quad(fit, 0, np.inf)[0] == pytest.approx(1.0002, abs=1e-4)
    assert integrate.quad(fit, 0, 2)[0] == pytest.approx(0.698, abs=1e-3)


def events(row, column="76Ge", end_mev=9.5, threshold_kev=0.4, **at):
    """Our counts of a cell where the spectrum ends or the threshold is elsewhere."""
    block = next(b for b in papers.read(SHELF, "tensor2015")[1].blocks if row in b.rows and column in b.columns)
    model = papers.analysis_of(SHELF, block, row).model
    (setup,) = model.setups
    spectrum = msgspec.structs.replace(setup.flux.components["nubar_e"], end_mev=end_mev)
    flux = msgspec.structs.replace(setup.flux, components={"nubar_e": spectrum})
    changed = msgspec.structs.replace(setup, flux=flux, bins=((threshold_kev, 1000.0),))
    analysis = from_resolved(msgspec.structs.replace(model, setups=(changed,)))
    return papers.component_counts(analysis, block.columns[column], msgspec.structs.replace(block, at=at or block.at))


def test_the_ratio_of_silicon_to_germanium_needs_a_spectrum_to_nine_and_a_half_mev():
    found = {
        end: events("TEXONO SM events", "28Si", end) / events("TEXONO SM events", "76Ge", end) for end in (8, 9.5, 11)
    }
    assert found[9.5] == pytest.approx(2835 / 4280, rel=2e-3)
    assert abs(found[8] / (2835 / 4280) - 1) > 0.01
    assert abs(found[11] / (2835 / 4280) - 1) > 0.01


@pytest.mark.parametrize(
    ("threshold_kev", "end_mev", "moment"), [(0.35, 8.47, 63.9), (0.4, 9.51, 54.9), (0.45, 10.70, 47.9)]
)
def test_only_at_400_ev_do_the_counts_of_the_moment_share_the_factor(threshold_kev, end_mev, moment):
    """At each threshold the spectrum ends where 28Si/76Ge is as printed; the factor is that of 4280."""
    found = {"end_mev": end_mev, "threshold_kev": threshold_kev}
    standard = events("TEXONO SM events", **found)
    assert events("TEXONO SM events", "28Si", **found) / standard == pytest.approx(2835 / 4280, rel=2e-3)
    assert events("TEXONO NMM events TEXONO limit", **found) * 4280 / standard == pytest.approx(moment, rel=5e-3)


def test_reactor_tensor_count():
    """Coherent sum; one coupling alone would give a quarter."""
    row = "TEXONO tensor events"
    assert 0.3012 * text(row).ours / 218 == pytest.approx(1.02, abs=0.01)
    for alone in ({"eps_uT": 7.5e-3}, {"eps_dT": 6.8e-3}):
        assert 0.3012 * events(row, **alone) == pytest.approx(55.5, abs=1)


def fig_3(number, beams=None):
    """A panel of Fig 3: the area inside delta chi2 = 4.61 in units of 1e-3, and the events of the standard model.

    chi2 goes with the fourth power of the couplings, so the border is known from one circle around zero.
    """
    figure = papers.read(SHELF, "tensor2015")[1].figures[number]
    analysis = analysis_of_curve(SHELF, msgspec.structs.replace(figure, beams=beams or figure.beams), NUCLEI_AT_ONCE)
    angle = np.linspace(0, np.pi, 20001)
    at = {"eps_dT": 0.01 * np.cos(angle), "eps_uT": 0.01 * np.sin(angle)}
    chi2 = -2 * (analysis.log_likelihood(**at) - analysis.log_likelihood(eps_dT=0.0, eps_uT=0.0))
    border = 0.01 * (4.605170 / chi2) ** 0.25
    return 1e3 * integrate.trapezoid(border**2, angle), sum(sum(setup.observed) for setup in analysis.model.setups)


def test_smaller_region_of_fig_3():
    """That of the flavour with more events, in both beams; the paper's sentence holds between the beams."""
    (electron, few), (muon, many) = fig_3(0), fig_3(1)
    assert muon / electron == pytest.approx(0.68, abs=0.005)
    assert (many, few) == pytest.approx((163e3, 76e3), rel=0.01)
    printed = {key: c.published_value for key, c in cells().items() if key[0] == "1"}
    ratios = [printed["1", n, f"eps_{q}T mu"] / printed["1", n, f"eps_{q}T e"] for n in NUCLEI for q in ("d", "u")]
    assert all(0.815 < ratio < 0.835 for ratio in ratios)
    (delayed, most), (prompt, fewest) = fig_3(0, (("nu_e",), ("nubar_mu",))), fig_3(0, (("nu_mu",),))
    assert delayed / prompt == pytest.approx(0.65, abs=0.005)
    assert (most, fewest) == pytest.approx((173e3, 66e3), rel=0.01)


def test_fig_3_says_that_it_disagrees():
    assert list(papers.disagreements_of("tensor2015", figure="3")) == ["smaller-region-of-fig-3"]


NAMED = [name.replace("-", "_").replace(".", "_") for name in papers.deviations("tensor2015", SHELF)]


@pytest.mark.parametrize("name", NAMED)
def test_every_named_disagreement_is_shown(name):
    assert any(known.startswith(f"test_{name}") for known in globals())


# --- exposure ---------------------------------------------------------------------------------------------------------


def test_sixteen_times_the_exposure():
    longer = cells(16.0)
    powers = {key: c.exposure_power for key, c in cells().items() if c.exposure_power is not None}
    assert {key for key, power in powers.items() if power == -0.25} == {("1", *key) for key in QUARKS + MOMENTS}
    assert {key[1:] for key, power in powers.items() if power == 1} == {
        *(key for key in DEVIATING if key[0].startswith("TEXONO")), ("TEXONO NMM events Table1 mu", "76Ge"),
    }  # fmt: skip
    for key, power in powers.items():
        assert longer[key].ours == pytest.approx(16.0**power * cells()[key].ours, rel=1e-6)
