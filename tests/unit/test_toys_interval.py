"""The interval of Feldman and Cousins: their Gaussian with a boundary by integration, and threshold curves made up."""

import functools
import json
import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import click.testing
import numpy as np
import pytest
from scipy import optimize, stats

import bayesnu as bn
from bayesnu.cli import main
from bayesnu.infer.results import save_result
from bayesnu.infer.toy_files import merge, open_toys
from bayesnu.infer.toy_interval import ASYMPTOTIC, LIMIT, OPEN, RANGE, TOYS, Curve, Threshold, pieces, pieces_of
from bayesnu.infer.toy_summary import thresholds, tree
from bayesnu.infer.toys import toys
from bayesnu.report import plots
from bayesnu.report import toys as report

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
CSI = "coherent-csi-effective"
BACKGROUND, PER_MOMENT, SPREAD = 50.0, 0.5, 8.0
"""n = B + mu^2 S with a known error: (n - B) / SPREAD is a Gaussian of unit width whose mean theta is not negative."""
MEASURED = (-1.0, 0.0, 1.0, 3.0)
THETA = np.array([0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.6, 3.2, 4.0, 5.0])
SPAN = (0.0, 60.0)


# --- the Gaussian of Feldman and Cousins, by integration --------------------------------------------------------------


def q_at(x, theta):
    """-2 log of P(x | theta) / P(x | best), whose best mean is x or zero."""
    return (x - theta) ** 2 - np.minimum(x, 0.0) ** 2


def accepted(theta, bound):
    """Probability of q <= bound: a line of x from where the ratio of likelihoods passes it, on either side of zero."""
    low = theta - math.sqrt(bound)
    if low < 0:
        low = (theta**2 - bound) / (2 * theta) if theta > 0 else -math.inf
    return stats.norm.cdf(math.sqrt(bound)) - stats.norm.cdf(low - theta)


def exact_threshold(theta, level=0.9):
    return optimize.brentq(lambda bound: accepted(theta, bound) - level, 1e-6, 20.0, xtol=1e-12)


def exact_interval(x):
    """Where the measured x is accepted, from thresholds at each mean."""

    def margin(theta):
        return exact_threshold(theta) - q_at(x, theta)

    best = max(x, 0.0)
    low = 0.0 if margin(0.0) >= 0 else optimize.brentq(margin, 0.0, best)
    return low, optimize.brentq(margin, best, best + 5.0)


def test_the_construction_by_integration_is_the_published_one():
    """Table X of arXiv:physics/9711021, printed to two digits."""
    printed = {-1.0: (0.0, 0.81), 0.0: (0.0, 1.64), 1.0: (0.0, 2.64)}
    for x, ends in printed.items():
        np.testing.assert_allclose(exact_interval(x), ends, atol=0.006)


def moment(theta):
    return np.sqrt(np.asarray(theta) * SPREAD / PER_MOMENT)


@functools.cache
def gaussian(root):
    rows = [("nu_mu", "magnetic-moment", 0, PER_MOMENT)]
    backgrounds = {"dark": [BACKGROUND]}
    SYNTHETIC.experiment(root, "wall", rows, [BACKGROUND], variance=[SPREAD**2], backgrounds=backgrounds)
    flat = {"mu_nu": {"unit": "1e-10 mu_B", "prior": SYNTHETIC.prior("uniform", low=SPAN[0], high=SPAN[1])}}
    SYNTHETIC.model(root, "wall", ["wall"], interaction=["sm", "magnetic-moment"], parameters=flat)
    analysis = bn.load("wall", root=root)
    return analysis, toys(analysis, "mu_nu", true=moment(THETA), number=2000, seed=7)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("wall")


@functools.cache
def of_data(root, x):
    """The toys of the model, with data that measured x; without nuisances the toys do not depend on the data."""
    analysis, found = gaussian(root)
    moved = analysis.with_counts({"wall": [BACKGROUND + SPREAD * x]})
    about = toys(moved, "mu_nu", true=moment(THETA), number=1, seed=1)["observed"].to_dataset()
    return tree(found["toys"].to_dataset(), about, found.attrs)


@pytest.mark.parametrize("x", MEASURED)
def test_the_interval_of_a_gaussian_at_a_wall(root, x):
    found = of_data(root, x)["interval"].to_dataset()
    (piece,) = pieces_of(found, TOYS, 0.9)
    for end, exact in zip(piece, exact_interval(x), strict=True):
        if exact == 0:
            assert (end.value, end.error, end.kind) == (0.0, 0.0, RANGE)
            continue
        assert end.kind == LIMIT
        assert 0 < end.error < 0.1 * end.value
        assert end.value == pytest.approx(moment(exact), abs=4 * end.error)
    (asymptotic,) = pieces_of(found, ASYMPTOTIC, 0.9)
    bound = stats.chi2.ppf(0.9, 1)
    assert asymptotic.high.value == pytest.approx(moment(x + math.sqrt(bound + min(x, 0) ** 2)), rel=1e-4)


@pytest.mark.parametrize("x", MEASURED)
def test_exact_thresholds_give_the_exact_interval(root, x):
    """What is left without the error of toys: the curve of the data and the search."""
    about = of_data(root, x)["observed"].to_dataset()
    dense = np.linspace(0.0, 5.0, 201)
    known = Threshold(moment(dense), np.array([exact_threshold(t) for t in dense]), np.zeros(len(dense)))
    (piece,) = pieces(Curve(about["scan"].values, about["q_along"].values), known, SPAN)
    np.testing.assert_allclose([end.value for end in piece], moment(exact_interval(x)), rtol=2e-4)


def test_the_error_of_an_end_is_its_spread_from_one_set_of_toys_to_the_next():
    rng, x, repeats = np.random.default_rng(5), 1.0, 300
    fine = np.linspace(0.0, 5.0, 501)
    ends = []
    for _ in range(repeats):
        q = np.array([q_at(t + rng.standard_normal(500), t) for t in THETA])
        height, low, high = thresholds(q, 0.9)
        known = Threshold(THETA, height, 0.5 * (high - low))
        ends.append(pieces(Curve(fine, np.maximum(q_at(x, fine), 0.0)), known, (0.0, 9.0))[-1].high)
    spread = np.std([end.value for end in ends])
    assert np.mean([end.error for end in ends]) == pytest.approx(spread, rel=4 / math.sqrt(2 * repeats))


# --- curves made up ---------------------------------------------------------------------------------------------------

X = np.linspace(0.0, 10.0, 101)


def level_line(values, height=1.0, error=0.0):
    values = np.asarray(values, dtype=float)
    return Threshold(values, np.full(len(values), height), np.full(len(values), error))


def kinds(found):
    return [(piece.low.kind, piece.high.kind) for piece in found]


def test_two_pieces():
    """A double well: q = (x - 3)^2 (x - 7)^2 / 4, which is 4 between the minima."""
    found = pieces(Curve(X, (X - 3) ** 2 * (X - 7) ** 2 / 4), level_line([0, 5, 10]), SPAN)
    roots = [5 + s * math.sqrt(4 + t * 2) for s, t in ((-1, 1), (-1, -1), (1, -1), (1, 1))]
    np.testing.assert_allclose([end.value for piece in found for end in piece], roots, atol=1e-3)
    assert kinds(found) == [(LIMIT, LIMIT)] * 2


def test_a_threshold_that_crosses_between_true_values():
    """q = x, and a threshold that falls from 4 at 2 to 1 at 8: they meet at x = 10/3."""
    crossing = Threshold(np.array([2.0, 8.0]), np.array([4.0, 1.0]), np.array([0.3, 0.6]))
    (piece,) = pieces(Curve(X, X), crossing, SPAN)
    assert piece.high.value == pytest.approx(10 / 3)
    share = (10 / 3 - 2) / 6
    assert piece.high.error == pytest.approx(math.hypot((1 - share) * 0.3, share * 0.6) / 1.5)
    assert (piece.low.value, piece.low.kind) == (2.0, OPEN)


def test_what_reaches_the_last_true_value_is_open_unless_the_range_ends_there():
    curve = Curve(X, (X - 5) ** 2 / 100)
    assert kinds(pieces(curve, level_line([1, 9]), SPAN)) == [(OPEN, OPEN)]
    assert kinds(pieces(curve, level_line([0, 9]), SPAN)) == [(RANGE, OPEN)]
    assert kinds(pieces(curve, level_line([0, 10]), (0.0, 10.0))) == [(RANGE, RANGE)]


def test_none_where_the_best_value_lies_beyond():
    assert pieces(Curve(X, X**2), level_line([2, 8]), SPAN) == []


def test_a_q_without_end_is_above_every_threshold():
    (piece,) = pieces(Curve(X, np.where(X > 4, np.inf, X)), level_line([0, 10], 3.0), SPAN)
    assert piece.high.value == pytest.approx(3.0, abs=1e-6)


def test_few_toys_leave_an_end_without_an_error():
    (piece,) = pieces(Curve(X, X), level_line([0, 10], 3.0, error=np.inf), SPAN)
    assert piece.high.error == np.inf


# --- for readers ------------------------------------------------------------------------------------------------------


@functools.cache
def few(root, seed=1, true=(0.0, 4.0, 5.0, 6.0, 8.0), number=60, levels=(0.68, 0.9)):
    return toys(gaussian(root)[0], "mu_nu", true=true, number=number, seed=seed, levels=levels)


def test_a_file_of_several_runs_gives_the_interval_of_all(root, tmp_path):
    paths = [save_result(few(root, seed), tmp_path / f"{seed}.nc") for seed in (1, 2)]
    both = open_toys(save_result(merge(*map(open_toys, paths)), tmp_path / "both.nc"))
    assert both["toys"].sizes["toy"] == 120
    about, summary = (both[name].to_dataset() for name in ("observed", "summary"))
    row = summary.sel(level=0.9)
    error = 0.5 * (row["threshold_high"] - row["threshold_low"]).values
    known = Threshold(row["value"].values, row["threshold"].values, error)
    expected = pieces(Curve(about["scan"].values, about["q_along"].values), known, SPAN)
    assert pieces_of(both["interval"].to_dataset(), TOYS, 0.9) == expected
    assert report.as_text(both) == report.as_text(merge(*(few(root, seed) for seed in (1, 2))))
    figure = plots.toys_plot(both)
    assert "q of the data" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_asymptotic_interval_ends_where_the_upper_limit_is(root):
    about = few(root)
    for i, level in enumerate((0.68, 0.9)):
        (piece,) = pieces_of(about["interval"].to_dataset(), ASYMPTOTIC, level)
        assert piece.high.value == pytest.approx(float(about["observed"].to_dataset()["limit"][i]), rel=1e-4)


@pytest.mark.parametrize(
    ("true", "words"),
    [
        ((0.0, 3.0), ("[0, beyond 3.00)", "it reaches 3, the largest true value")),
        ((4.0,), ("needs at least two true values",)),
        ((20.0, 30.0), (": empty", "the best value 0 lies beyond")),
    ],
)
def test_what_is_no_limit_is_said(root, true, words):
    text = report.as_text(few(root, 3, true, 40, (0.9,)))
    assert all(word in text for word in words), text


def test_an_open_end_is_no_number_for_a_script(root):
    (piece,) = report.as_json(few(root, 3, (0.0, 3.0), 40, (0.9,)))["levels"][0]["interval"]
    assert (piece["low"]["value"], piece["low"]["kind"]) == (0.0, RANGE)
    assert (piece["high"]["value"], piece["high"]["kind"]) == (None, OPEN)


def test_an_end_between_thresholds_far_apart_is_not_sure():
    answer = {"true": [0.0, 10.0], "best": 0.0, "no_signal": 0.0, "parameter": "mu", "projected": True}
    end = {"value": 5.0, "error": 0.1, "kind": LIMIT}
    wall = {"value": 0.0, "error": 0.0, "kind": RANGE}
    row = {
        "asymptotic": 2.7, "asymptotic_interval": [], "threshold": [1.0, 2.0], "threshold_low": [0.9, 1.9],
        "threshold_high": [1.1, 2.1], "interval": [{"low": wall, "high": end}],
    }  # fmt: skip
    text = "\n".join(report._of_interval(answer, row))
    assert "interval of the projected data" in text
    assert "[0, 5.00 +- 0.1]" in text
    assert "from 1.00 at 0 to 2.00 at 10" in text
    near = row | {"threshold": [1.0, 1.2]}
    assert "surer" not in "\n".join(report._of_interval(answer, near))


def test_the_command_scans_draws_and_answers(tmp_path):
    def run(*more):
        command = ["toys", CSI, "--parameter", "mu_nu", "--toys", "40", "--seed", "1", "--quiet"]
        return click.testing.CliRunner().invoke(main, [*command, *more])

    picture = tmp_path / "interval.png"
    found = run("--scan", "0", "60", "3", "--true", "45", "--plot", str(picture), "--format", "json")
    assert found.exit_code == 0, found.output
    answer = json.loads(found.output)
    assert answer["true"] == [0.0, 30.0, 45.0, 60.0]
    assert picture.exists()
    (piece,) = answer["levels"][0]["interval"]
    assert (piece["low"]["kind"], piece["high"]["kind"]) == (RANGE, LIMIT)
    assert 20 < piece["high"]["value"] < 60
    none = run()
    assert none.exit_code == 2
    assert "--scan LOW HIGH POINTS" in none.output
