"""What readers see of exclusion curves: rows, files, regions and the figure; the command that makes them."""

import csv
import io
import json

import click.testing
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from bayesnu.cli import main
from bayesnu.errors import DeclarationError
from bayesnu.infer.exclusion import GLOBAL, ONE, TWO
from bayesnu.report import exclusion_panels, exclusions, plots
from bayesnu.report.exclusion_panels import Drawn, ExclusionPanel

NAN = float("nan")
ROWS = {
    ONE: [(1.0, 2.0, 4.0, "interval"), (2.0, 0.0, 5.0, "upper limit"), (4.0, 0.0, 6.0, "upper limit"),
          (8.0, 0.0, NAN, "no limit")],
    TWO: [(1.0, 0.0, 5.0, "upper limit"), (2.0, 0.0, 6.0, "upper limit"), (4.0, 0.0, 7.0, "upper limit"),
          (8.0, 0.0, NAN, "no limit")],
    GLOBAL: [(1.0, 1.0, 5.0, "interval"), (1.0, 20.0, 30.0, "interval"), (2.0, 2.0, 4.0, "interval"),
             (4.0, NAN, NAN, "none"), (8.0, NAN, NAN, "none")],
}  # fmt: skip
"""A made-up curve: intervals that close, a second one at the lowest mass only."""


def made_up(unit="1e-10 mu_B", source=""):
    masses, names, lows, highs, kinds = [], [], [], [], []
    for name, rows in ROWS.items():
        for mass, low, high, kind in rows:
            for column, value in zip((masses, names, lows, highs, kinds), (mass, name, low, high, kind), strict=True):
                column.append(value)
    attributes = {
        "model": "made-up", "title": "nobody's", "label": "Experiment", "model_hash": "0" * 64, "parameter": "mu",
        "unit": unit, "latex": "\\mu", "mass": "m4", "mass_unit": "MeV", "mass_latex": "m_4", "others": "profiled",
        "level": 0.9, "conventions": [ONE, TWO, GLOBAL], "delta_chi2": [2.705543, 4.60517, 4.60517],
        "reference": ["mass", "mass", "global"], "threshold_kind": "asymptotic", "boundary": "mu >= 0",
        "range_high": 100.0, "chi2_global": 10.0, "global_mass": 1.0, "global_best": 3.0, "source": source,
    }  # fmt: skip
    along = {"chi2_min": [10.0, 13.0, 16.0, 16.0], "best": [3.0, 3.2, 3.0, 0.0], "chi2_standard": [16.0] * 4}
    of_rows = {"interval_mass": masses, "convention": names, "low": lows, "high": highs, "allowed": kinds}
    data = {k: ("mass", v) for k, v in along.items()} | {k: ("interval", v) for k, v in of_rows.items()}
    return xr.Dataset(data, coords={"mass": [1.0, 2.0, 4.0, 8.0]}, attrs=attributes)


def test_a_file_says_what_it_holds_and_reads_back(tmp_path):
    path = exclusions.write_csv([made_up(source="Someone, Table 1")], tmp_path / "new" / "curve.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = "\n".join(line for line in lines if line.startswith("#"))
    for said in ("made-up", "0" * 64, "1e-10 mu_B", "MeV", "2.70554", "4.60517", "asymptotic", "Someone, Table 1", TWO):
        assert said in comments
    read = list(csv.DictReader(io.StringIO("\n".join(line for line in lines if not line.startswith("#")))))
    assert len(read) == sum(map(len, ROWS.values()))
    assert [float(r["low"]) for r in read if r["convention"] == GLOBAL and r["low"]] == [1.0, 20.0, 2.0]
    assert [r["allowed"] for r in read if not r["high"]] == ["no limit", "no limit", "none", "none"]
    assert [p.name for p in path.parent.iterdir()] == ["curve.csv"]


def test_an_interrupted_file_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "curve.csv"
    path.write_text("old")

    def interrupt(curves):
        raise KeyboardInterrupt

    monkeypatch.setattr(exclusions, "as_csv", interrupt)
    with pytest.raises(KeyboardInterrupt):
        exclusions.write_csv([made_up()], path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_regions_connect_what_overlaps_and_end_in_a_tip():
    main_region, island = exclusions.regions(made_up(), GLOBAL, "1e-10 mu_B")
    # chi2_min passes 10 + 4.605 between 13 at mass 2 and 16 at mass 4, read in the logarithm of the mass.
    tip = 2 * 2 ** ((14.60517 - 13) / 3)
    np.testing.assert_allclose(main_region.mass, [1, 2, tip])
    np.testing.assert_allclose(main_region.low, [1, 2, 3.2])
    np.testing.assert_allclose(main_region.high, [5, 4, 3.2])
    assert (island.mass.tolist(), island.low.tolist(), island.high.tolist()) == ([1.0], [20.0], [30.0])
    (limits,) = exclusions.regions(made_up(), ONE, "mu_B")
    np.testing.assert_allclose(limits.high, [4e-10, 5e-10, 6e-10, np.inf])
    assert main_region.excludes_zero
    assert not limits.excludes_zero
    assert exclusions.closings(made_up())[GLOBAL][-1]["mass"] == pytest.approx(tip)


def test_a_table_shows_every_interval():
    shown = exclusions.as_text([made_up()])
    assert "1.00 to 5.00, 20.0 to 30.0" in shown
    assert "< 5.00" in shown
    assert "no limit" in shown
    assert f"{GLOBAL}: interval and interval up to" in shown


def test_other_units_are_drawn_together_and_other_quantities_are_not():
    figure = plots.exclusion_plot([made_up(), made_up(unit="1e-11 mu_B")])
    highs = [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert sorted(highs) == pytest.approx([5e-11, 5e-10])
    said = "\n".join(t.get_text() for t in figure.findobj(mpl.text.Text))
    for word in ("Experiment", "2.71", "4.61", "m_4", r"\mathrm{MeV}", r"\mu_B", "90 %"):
        assert word in said
    with pytest.raises(DeclarationError, match="a plot of its own"):
        plots.exclusion_plot([made_up(unit="1e-32 cm2")])


def test_a_figure_is_the_same_twice(tmp_path):
    paths = [plots.save(plots.exclusion_plot([made_up()]), tmp_path / name) for name in ("a", "b")]
    for one, other in zip(*paths, strict=True):
        assert one.read_bytes() == other.read_bytes()


# --- the panels of a paper's figure -----------------------------------------------------------------------------------


def panels():
    limit = Drawn(made_up(), TWO, projected=True)
    return [ExclusionPanel("one", {"Region": Drawn(made_up(), GLOBAL, projected=False)}),
            ExclusionPanel("two", {"Limit": limit})]  # fmt: skip


def test_each_curve_of_a_panel_is_drawn_by_its_own_convention():
    figure = plots.exclusion_panels_plot(panels())
    region, limit = figure.axes
    assert [1e10 * line.get_ydata()[0] for line in region.lines] == pytest.approx([5, 1, 30, 20])
    assert len(region.collections) == 2
    (line,) = limit.lines
    assert line.get_linestyle() == "--"
    assert (1e10 * line.get_ydata()[:3]).tolist() == pytest.approx([5, 6, 7])
    assert not limit.collections
    said = "\n".join(t.get_text() for t in figure.findobj(mpl.text.Text))
    for word in ("one", "two", "Region", "Limit", "measured data", "projected data", TWO, GLOBAL, "4.61"):
        assert word in said


def test_a_file_of_panels_has_every_convention_of_every_curve():
    lines = exclusion_panels.panels_csv(panels()).splitlines()
    comments = "\n".join(line for line in lines if line.startswith("#"))
    assert f"one: Region (measured); drawn: {GLOBAL}" in comments
    assert f"two: Limit (projected); drawn: {TWO}" in comments
    read = list(csv.DictReader(io.StringIO("\n".join(line for line in lines if not line.startswith("#")))))
    assert len(read) == 2 * sum(map(len, ROWS.values()))
    assert {(r["panel"], r["curve"]) for r in read} == {("one", "Region"), ("two", "Limit")}


def test_a_table_of_panels_says_what_light_masses_allow_and_where_it_ends():
    region, limit = exclusion_panels.table({"3": panels()}).splitlines()[2:]
    assert "1.00 to 5.00, 20.0 to 30.0" in region
    assert f"interval up to {2 * 2 ** ((14.60517 - 13) / 3):.4g} MeV, then none" in region
    assert "< 5.00" in limit
    assert "upper limit up to" in limit
    assert "  100  " in limit
    first, second = exclusion_panels.summary({"3": panels()})
    assert first["scanned_up_to"] == 100.0
    assert [row["low"] for row in first["allowed_there"]] == [1.0, 20.0]
    assert (second["convention"], second["delta_chi2"], second["projected"]) == (TWO, 4.60517, True)


# --- the command ------------------------------------------------------------------------------------------------------


def command(*arguments):
    return click.testing.CliRunner().invoke(main, ["exclusion", *arguments], catch_exceptions=False)


def test_the_command_writes_one_file_and_one_figure(tmp_path):
    done = command(
        "sterile2021-csi", "sterile2021-lar", "--parameter", "mu_nu_mu", "--masses", "1", "50", "3", "--quiet",
        "--out", str(tmp_path / "both.csv"), "--plots", str(tmp_path), "--format", "json",
    )  # fmt: skip
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert [c["model"] for c in found["curves"]] == ["sterile2021-csi", "sterile2021-lar"]
    assert sorted({r["mass"] for r in found["curves"][0]["rows"]}) == pytest.approx([1.0, 50**0.5, 50.0])
    stem = "exclusion-mu_nu_mu-sterile2021-csi-sterile2021-lar"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["both.csv", f"{stem}.pdf", f"{stem}.png"]


def test_the_command_says_what_is_wrong(tmp_path):
    done = command("sterile2021-csi", "--parameter", "mu_mu", "--out", str(tmp_path / "x.csv"))
    assert done.exit_code == 2
    assert "mu_nu_mu" in done.stderr
    done = command("sterile2021-csi", "--parameter", "mu_nu_mu", "--executor", "dusk:local")
    assert done.exit_code == 2
    assert "dask:local or dask:ADDRESS" in done.stderr
    assert not list(tmp_path.iterdir())
