"""Exclusion curves of a paper's figures: a model restated in another moment, what can be wrong, and the command."""

import json
from pathlib import Path

import click.testing
import msgspec
import pytest

from bayesnu import catalog
from bayesnu.cli import main
from bayesnu.infer import executors
from bayesnu.papers import figures
from bayesnu.papers.exclusion_figures import panels_of, restated
from bayesnu.papers.task import Task
from bayesnu.schema import Deviation, ExclusionCurve, ExclusionFigure, Fixed, Paper

WHERE = catalog.open_catalog()
CSI = catalog.read_model(WHERE, "sterile2021-csi")[1]
ZERO = Fixed(value=0.0, unit="mu_B")
FIGURE = ExclusionFigure(
    figure="9", panel="a panel", parameter="mu_nu_mu", reading="ours",
    curves={"CsI": ExclusionCurve(model="sterile2021-csi", convention="two-parameter", masses=(1.0, 50.0))},
)  # fmt: skip


def figure(**changes):
    return msgspec.structs.replace(FIGURE, **changes)


def curve(**changes):
    return {"CsI": msgspec.structs.replace(FIGURE.curves["CsI"], **changes)}


# --- a model in terms of another moment -------------------------------------------------------------------------------


def test_a_figure_in_the_moment_of_the_model_leaves_it_alone():
    found = restated(CSI, FIGURE)
    assert (found.parameters, found.fixed, found.title) == (CSI.parameters, CSI.fixed, CSI.title)


def test_another_moment_takes_the_place_the_unit_and_the_range():
    found = restated(CSI, figure(parameter="mu_nu_e", latex="m", fixed={"mu_nu_mu": ZERO}), ("other",))
    assert list(found.parameters) == ["mu_nu_e", "m4"]
    own, other = CSI.parameters["mu_nu_mu"], found.parameters["mu_nu_e"]
    assert (other.unit, other.prior, other.latex) == (own.unit, own.prior, "m")
    assert found.fixed == {"sin2_theta_w": CSI.fixed["sin2_theta_w"], "mu_nu_tau": ZERO, "mu_nu_mu": ZERO}
    assert found.experiments == ("other",)
    assert "mu_nu_e in place of mu_nu_mu" in found.title


def test_what_only_the_former_interaction_uses_goes():
    changes = {"parameter": "lambda_14", "latex": "l", "interaction": ("sm", "dipole-tmm")}
    found = restated(CSI, figure(**changes, fixed={"lambda_14": ZERO, "lambda_24": ZERO}))
    assert set(found.fixed) == {"sin2_theta_w", "lambda_24"}


# --- panels -----------------------------------------------------------------------------------------------------------


def test_panels_in_an_executor_of_the_user_tell_how_far_they_are():
    """Each mass counts twice, over all curves and panels."""
    told = []
    wanted = [figure(curves=curve(masses=(1.0,))), figure(panel="another", curves=curve(masses=(20.0, 50.0)))]
    with executors.executor("serial") as own:
        found = panels_of(WHERE, wanted, own, lambda *count: told.append(count))
    assert [panel.title for panel in found] == ["a panel", "another"]
    assert [panel.curves["CsI"].curve["mass"].values.tolist() for panel in found] == [[1.0], [20.0, 50.0]]
    assert told == [(n, 6) for n in range(1, 7)]


# --- what can be wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("changes", "field", "expected"), [
    ({"curves": curve(model="sterile2021-cs")}, "curves.CsI.model", "sterile2021-csi"),
    ({"curves": curve(masses=(2.0, 1.0))}, "curves.CsI.masses", "increase"),
    ({"mass": "m5"}, "[0].mass", "m4"),
    ({"parameter": "mu_nu_e"}, "[0].parameter", "latex"),
    ({"parameter": "mu_nu_e", "latex": "m"}, "curves.CsI: parameters.mu_nu_mu", "[fixed.mu_nu_mu]"),
    ({"fixed": {"lambda_14": ZERO}}, "curves.CsI: fixed.lambda_14", "a parameter of the interactions"),
    ({"deviations": ("unknwon",)}, "figure 9: deviations", "unknown"),
])  # fmt: skip
def test_what_is_wrong_is_said_of_the_figure(changes, field, expected):
    known = {"unknown": Deviation(claim="two", finding="three", evidence="counted")}
    paper = Paper(title="A paper", reference="Nobody", arxiv="0000.00000", deviations=known,
                  exclusion_figures=(figure(**changes),))  # fmt: skip
    found = list(figures.problems(Task(WHERE, Path("paper.toml"), paper)))
    assert len(found) == 1
    assert found[0].file == "paper.toml"
    assert field in found[0].field
    assert expected in " ".join(found[0])


# --- the command ------------------------------------------------------------------------------------------------------

DECLARED = """
title = "A paper"
reference = "Nobody"
arxiv = "0000.00000"

[[exclusion_figures]]
figure = "9"
panel = "a panel"
parameter = "mu_nu_mu"
reading = "in our words"
deviations = ["shown"]
curves = { "COHERENT CsI" = { model = "sterile2021-csi", convention = "two-parameter", masses = [1.0, 50.0] } }

[deviations.shown]
claim = "two"
finding = "three"
evidence = "counted"

[deviations.not-shown]
claim = "four"
finding = "five"
evidence = "counted"
"""


@pytest.fixture
def paper(tmp_path, monkeypatch):
    (tmp_path / "root" / "models" / "papers").mkdir(parents=True)
    (tmp_path / "root" / "models" / "papers" / "small.toml").write_text(DECLARED)
    monkeypatch.setenv("BAYESNU_DATA", str(tmp_path / "root"))
    return tmp_path / "out"


def command(*arguments):
    return click.testing.CliRunner().invoke(main, ["contours", "small", "--quiet", *arguments], catch_exceptions=False)


def test_the_command_draws_what_the_paper_declares(paper):
    done = command("--out", str(paper), "--format", "json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    (summary,) = found["exclusions"]
    assert (summary["figure"], summary["curve"], summary["convention"]) == ("9", "COHERENT CsI", "two-parameter")
    assert (summary["delta_chi2"], summary["lightest"], summary["projected"]) == (pytest.approx(4.60517), 1.0, False)
    assert summary["allowed_there"][0]["high"] == pytest.approx(39.0, rel=0.01)
    assert found["readings"] == {"9": ["in our words"]}
    assert list(found["disagreements"]) == ["shown"]
    assert sorted(p.name for p in paper.iterdir()) == [f"small-figure-9.{kind}" for kind in ("csv", "pdf", "png")]
    rows = [line.split(",") for line in (paper / "small-figure-9.csv").read_text().splitlines() if line[0] != "#"]
    assert rows[0][:4] == ["panel", "curve", "model", "mass"]
    assert [row[3] for row in rows[1:] if row[4] == "two-parameter"] == ["1.0", "50.0"]


def test_a_figure_that_is_not_there_writes_nothing(paper):
    done = command("--figure", "8", "--out", str(paper))
    assert done.exit_code == 2
    assert "one of the figures: 9" in done.stderr
    assert not paper.exists()
