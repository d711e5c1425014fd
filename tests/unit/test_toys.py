"""Toys: known thresholds and coverage, against the profile of single data sets, and the same wherever they run."""

import functools
import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import click.testing
import numpy as np
import pytest
from scipy import optimize, stats

import bayesnu as bn
from bayesnu.cli import main
from bayesnu.errors import DeclarationError
from bayesnu.infer import profile, toy_newton
from bayesnu.infer import toy_statistic as statistic
from bayesnu.infer import toys as simulating
from bayesnu.infer.minimise import chi2_profiled
from bayesnu.infer.results import save_result
from bayesnu.infer.toy_files import merge, open_toys
from bayesnu.infer.toy_summary import thresholds
from bayesnu.infer.toys import toys
from bayesnu.report import toys as report

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "agree" / "synthetic.py")))
CSI = "coherent-csi-effective"
BACKGROUND, PER_MOMENT, VARIANCE, SD = 50.0, 0.5, 64.0, 0.1
"""N = g B + mu^2 S; where g is free it is 1 +- 0.1."""


def declared(root, name, observed, variance, nuisance):
    row = [("nu_mu", "magnetic-moment", b, PER_MOMENT * (b + 1)) for b in range(len(observed))]
    dark = {"dark": [BACKGROUND] * len(observed)}
    SYNTHETIC.experiment(root, name, row, observed, variance=variance, backgrounds=dark)
    free = {"dark": {"prior": nuisance, "scales": {"backgrounds": ["dark"]}}} if nuisance else {}
    SYNTHETIC.model(
        root, name, [name], interaction=["sm", "magnetic-moment"], nuisances=free,
        parameters={"mu_nu": {"unit": "1e-10 mu_B", "prior": SYNTHETIC.prior("uniform", low=0, high=60)}},
    )  # fmt: skip
    return bn.load(name, root=root)


def counting(root, name="plain", observed=(BACKGROUND,), variance=VARIANCE, nuisance=None):
    spread = [variance] * len(observed) if variance else None
    return declared(root, name, observed, spread, nuisance)


@functools.cache
def of_csi(executor="serial", seed=3, number=300):
    return toys(bn.load(CSI), "mu_nu", true=[0, 30], number=number, seed=seed, levels=(0.68, 0.9), executor=executor)


# --- known answers ----------------------------------------------------------------------------------------------------


def test_a_gaussian_mean_far_from_the_wall(tmp_path):
    """At mu = 15 the signal is 14 sigma: mu^2 is a Gaussian mean without boundary, and q a chi-square of one."""
    number = 3000
    found = toys(counting(tmp_path), "mu_nu", true=[15.0], number=number, seed=1)
    about = found["summary"].to_dataset()
    sigma = np.sqrt(0.9 * 0.1 / number)
    assert float(about["coverage"][0, 0]) == pytest.approx(0.9, abs=4 * sigma)
    exact = float(stats.chi2.ppf(0.9, 1))
    assert float(about["threshold"][0, 0]) == pytest.approx(exact, abs=4 * sigma / stats.chi2.pdf(exact, 1))
    assert about["threshold_low"][0, 0] < about["threshold"][0, 0] < about["threshold_high"][0, 0]
    q = found["toys"].to_dataset()["q"].values[0]
    assert stats.kstest(q, stats.chi2(1).cdf).pvalue > 1e-3


def test_at_the_wall_half_of_the_toys_have_no_signal(tmp_path):
    """At mu = 0, q is zero or a chi-square of one, with equal chances: its quantile at 90 % is 1.64."""
    number = 3000
    found = toys(counting(tmp_path), "mu_nu", true=[0.0], number=number, seed=2)
    exact = float(stats.chi2.ppf(0.8, 1))
    assert exact == pytest.approx(1.642, abs=1e-3)
    density = 0.5 * stats.chi2.pdf(exact, 1)
    error = np.sqrt(0.9 * 0.1 / number) / density
    assert float(found["summary"].to_dataset()["threshold"][0, 0]) == pytest.approx(exact, abs=4 * error)
    none = (found["toys"].to_dataset()["q"].values[0] == 0).mean()
    assert none == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / number))


def test_a_constraint_fluctuates_as_much_as_it_allows(tmp_path):
    """Counts and constraint together are Gaussian with V + (sd B)^2: coverage is exact only if both fluctuate."""
    prior, number = SYNTHETIC.prior("normal", mean=1, sd=SD), 3000
    about = toys(counting(tmp_path, nuisance=prior), "mu_nu", true=[15.0], number=number, seed=4)["summary"]
    coverage = float(about.to_dataset()["coverage"][0, 0])
    assert coverage == pytest.approx(0.9, abs=4 * np.sqrt(0.9 * 0.1 / number))


def test_the_expected_limit_without_signal(tmp_path):
    """The median data set has no excess: mu^2 S = sqrt(2.71 V)."""
    found = toys(counting(tmp_path), "mu_nu", true=[0.0], number=2000, seed=5)
    bands = found["sensitivity"].to_dataset()["limit"].sel(level=0.9)

    def limit(sigmas):
        fluctuation, delta = sigmas * np.sqrt(VARIANCE), stats.chi2.ppf(0.9, 1) * VARIANCE
        reach = np.sqrt(delta + min(fluctuation, 0.0) ** 2)
        return np.sqrt((fluctuation + reach) / PER_MOMENT)

    exact = [limit(float(stats.norm.ppf(p))) for p in bands["quantile"].values]
    np.testing.assert_allclose(bands.values, exact, rtol=0.03)
    assert float(found["observed"].to_dataset()["limit"][0]) == pytest.approx(limit(0.0), rel=1e-6)


# --- single data sets -------------------------------------------------------------------------------------------------


def same_as_the_profile(analysis, data, analysis_of, values):
    there = statistic.scan(analysis, "mu_nu")
    least = statistic.minima(there, data)
    limits = statistic.upper_limit(there, data, least, float(stats.chi2.ppf(0.9, 1)))
    for i in range(data.counts.shape[1]):
        found = profile.profile(analysis_of(i), "mu_nu", others="profiled", level=0.9, points=9)
        assert least.chi2[i] == pytest.approx(found.attrs["chi2_min"], abs=1e-3)
        limit = found.attrs["limit"]
        assert (limits[i] if np.isfinite(limits[i]) else np.nan) == pytest.approx(limit, rel=1e-3, nan_ok=True)
        for value in values:
            q = statistic.q(there, data, value, least)[i]
            nearest = found.isel(value=int(np.abs(found["value"].values - value).argmin()))
            here = statistic.q(there, data, float(nearest["value"]), least)[i]
            assert here == pytest.approx(float(nearest["delta_chi2"]), abs=1e-3)
            assert q >= 0


def test_q_of_single_toys_of_csi_against_the_profile():
    """Counts alone fluctuate here: the profile has the constraints as declared."""
    analysis = bn.load(CSI)
    counts = np.array([[80.0, 110.0, 142.0, 187.0, 230.0, 290.0]])
    data = statistic.Counts(counts, np.zeros((2, counts.shape[1])))
    same_as_the_profile(
        analysis, data, lambda i: analysis.with_counts({"coherent-csi-2017": counts[:, i]}), (0.0, 30.0, 60.0)
    )


def test_a_moved_constraint_against_a_model_with_that_centre(tmp_path):
    analysis = counting(tmp_path, observed=(60.0, 70.0), nuisance=SYNTHETIC.prior("normal", mean=1, sd=SD))
    pulls, counts = np.array([-1.3, 0.4, 2.1]), np.array([[60.0, 44.0, 75.0], [70.0, 61.0, 88.0]])

    def moved(i):
        prior = SYNTHETIC.prior("normal", mean=1 + SD * pulls[i], sd=SD)
        return counting(tmp_path, f"moved-{i}", observed=tuple(counts[:, i]), nuisance=prior)

    same_as_the_profile(analysis, statistic.Counts(counts, pulls[None]), moved, (0.0, 4.0))


def test_a_shallow_minimum_beside_zero(tmp_path):
    """Against brute force over both parameters: from zero, where its gradient vanishes, a descent would not begin."""
    centre = SYNTHETIC.prior("normal", mean=1 + SD * 2.1, sd=SD)
    analysis = counting(tmp_path, observed=(75.0, 58.0), nuisance=centre)
    there = statistic.scan(analysis, "mu_nu")
    least = statistic.minima(there, simulating.observed(there))
    moments, dark = np.meshgrid(np.linspace(0.0, 3.0, 1001), np.linspace(0.9, 1.5, 1001))
    lowest = analysis.chi2(np.stack([moments.ravel(), dark.ravel()], axis=1)).min()
    assert least.chi2[0] == pytest.approx(lowest, abs=1e-4)
    assert least.chi2[0] < statistic.chi2(there, simulating.observed(there), 0.0)[0] - 0.01


def test_poisson_bins_without_nuisances(tmp_path):
    analysis = counting(tmp_path, observed=(55.0, 48.0, 70.0), variance=None)
    rng = np.random.default_rng(1)
    data = simulating.simulate(statistic.scan(analysis, "mu_nu"), 3.0, 4, rng, "profiled")
    assert (data.counts == np.round(data.counts)).all()
    same_as_the_profile(analysis, data, lambda i: analysis.with_counts({"plain": data.counts[:, i]}), (0.0, 3.0))


# --- nuisances without a closed form ----------------------------------------------------------------------------------


@functools.cache
def spectrum():
    """Twelve Poisson bins, two cut Gaussians, control counts in each bin."""
    return bn.load("coherent-csi-spectrum").fix(light_yield=1.17)


def by_hand(there, data, i, value):
    """chi2 of one data set minimised by SciPy over every nuisance; its likelihood is written here anew."""
    analysis = there.analysis
    names = [*there.pulls.names, *there.controls.names]
    where = [analysis.names.index(name) for name in names]
    entries = {p.name: p.prior for p in analysis.free}
    control = np.array([entries[name].counts for name in there.controls.names])
    measured = data.controls[:, i] if len(control) else np.zeros(0)
    centres = there.pulls.mean + there.pulls.sd * data.centres[:, i]

    def minus_two_log(nuisances):
        point = analysis.centre()
        point[analysis.names.index("mu_nu")], point[where] = value, nuisances
        expected = np.concatenate(list(analysis.expected(point).values()))
        pulls, scales = nuisances[: len(centres)], nuisances[len(centres) :]
        total = -2 * np.sum(stats.poisson.logpmf(data.counts[:, i], expected))
        total += 2 * np.sum(stats.poisson.logpmf(data.counts[:, i], data.counts[:, i]))
        total += -2 * np.sum(stats.poisson.logpmf(measured, control * scales))
        total += 2 * np.sum(stats.poisson.logpmf(measured, measured))
        return total + np.sum(((pulls - centres) / there.pulls.sd) ** 2)

    bounds = [(entries[n].low, entries[n].high) for n in there.pulls.names] + [(1e-9, 20.0)] * len(control)
    start = [*np.clip(centres, *np.transpose(bounds[: len(centres)])), *np.ones(len(control))]
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxfun": 10**6, "maxiter": 10**4}
    return optimize.minimize(minus_two_log, start, bounds=bounds, method="L-BFGS-B", options=options)


@pytest.mark.parametrize("value", [0.0, 40.0, 120.0])
def test_newton_finds_the_minimum_of_scipy(value):
    there = statistic.scan(spectrum(), "mu_nu")
    data = simulating.simulate(there, 30.0, 4, np.random.default_rng(8), "profiled")
    chi2, pulls = statistic.profiled(there, data, value)
    for i in range(4):
        found = by_hand(there, data, i, value)
        assert chi2[i] == pytest.approx(found.fun, abs=2e-5)
        assert chi2[i] < found.fun + 1e-8
        values = there.pulls.mean + there.pulls.sd * pulls[:, i]
        np.testing.assert_allclose(values, found.x[: len(values)], atol=2e-3)


def test_the_data_of_the_spectrum_against_the_minimiser():
    """With constraints as declared, chi2 is that of infer.minimise at every value."""
    there = statistic.scan(spectrum(), "mu_nu")
    data = simulating.observed(there)
    for value in (0.0, 25.0, 60.0):
        point = spectrum().centre()
        point[0] = value
        assert statistic.chi2(there, data, value)[0] == pytest.approx(chi2_profiled(spectrum(), point), abs=1e-5)


def test_a_range_that_ends_holds_a_nuisance(tmp_path):
    """A constraint's centre beyond the end of the range: the nuisance stops there, and the rest goes on."""
    cut = SYNTHETIC.prior("truncated-normal", mean=1, sd=SD, low=0.95, high=1.05)
    analysis = counting(tmp_path, observed=(80.0, 30.0, 61.0), variance=None, nuisance=cut)
    there = statistic.scan(analysis, "mu_nu")
    centres = np.array([[-3.0, -0.2, 0.0, 2.5, 6.0]])
    data = statistic.Counts(np.tile([[80.0], [30.0], [61.0]], 5), centres)
    chi2, pulls = statistic.profiled(there, data, 3.0)
    assert pulls[0, 0] == pytest.approx(-0.5, abs=1e-12)
    assert pulls[0, -1] == pytest.approx(0.5, abs=1e-12)
    for i in range(5):
        assert chi2[i] == pytest.approx(by_hand(there, data, i, 3.0).fun, abs=1e-6)


def test_a_cut_far_away_changes_nothing(tmp_path):
    """The closed form and Newton's method, on the same Gaussian bins."""
    kinds = {
        "free": SYNTHETIC.prior("normal", mean=1, sd=SD),
        "cut": SYNTHETIC.prior("truncated-normal", mean=1, sd=SD, low=-9, high=11),
    }
    made = [counting(tmp_path, name, observed=(60.0, 70.0), nuisance=prior) for name, prior in kinds.items()]
    scans = [statistic.scan(analysis, "mu_nu") for analysis in made]
    assert [there.closed for there in scans] == [True, False]
    data = simulating.simulate(scans[0], 3.0, 50, np.random.default_rng(3), "profiled")
    free, cut = (statistic.minima(there, data) for there in scans)
    np.testing.assert_allclose(cut.chi2, free.chi2, atol=1e-9)
    # Where chi2 is thousands, the pulls are so large that they do meet the ends.
    near = free.along < 1000
    assert near.sum() > 1000
    np.testing.assert_allclose(cut.along[near], free.along[near], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(cut.best, free.best, atol=1e-3)


@pytest.mark.parametrize("control", [0.0, 3.0, 26.0])
@pytest.mark.parametrize("count", [0.0, 5.0, 60.0])
def test_the_best_scale_of_a_controlled_background(control, count):
    """Against a search over the scale, for any counts, none included."""
    known = toy_newton.Controls(("b",), np.array([26.0]), np.array([26.0]))
    expected = np.array([[0.0, 0.5, 20.0]])
    found = toy_newton.best_controls(known, np.full((1, 3), count), np.full((1, 3), control), expected)
    for e, scale in zip(expected[0], found[0], strict=True):

        def cost(g, e=e):
            seen = -count * np.log(e + 26 * g) if count else 0.0
            return e + 52 * g + seen - (control * np.log(g) if control else 0.0)

        best = optimize.minimize_scalar(cost, bounds=(1e-12, 10.0), method="bounded", options={"xatol": 1e-10})
        assert scale == pytest.approx(best.x, abs=1e-5)


def test_control_counts_fluctuate_around_their_truth():
    there = statistic.scan(spectrum(), "mu_nu")
    rng, number = np.random.default_rng(6), 4000
    data = simulating.simulate(there, 20.0, number, rng, "central")
    known = there.controls.counts
    np.testing.assert_allclose(data.controls.mean(axis=1), known, atol=5 * np.sqrt(known.max() / number))
    np.testing.assert_allclose(data.controls.var(axis=1), known, rtol=0.15)


def test_coverage_of_poisson_bins_with_controls(tmp_path):
    """At a strong signal q of the true value is a chi-square of one."""
    number = 600
    found = toys(spectrum(), "mu_nu", true=[90.0], number=number, seed=12)
    q = found["toys"].to_dataset()["q"].values[0]
    assert stats.kstest(q, stats.chi2(1).cdf).pvalue > 1e-3
    assert found.attrs["newton"] == "signal, prompt_neutrons"


def test_true_nuisances_are_profiled_or_central():
    there = statistic.scan(bn.load(CSI), "mu_nu")
    _, pulls = statistic.profiled(there, simulating.observed(there), 0.0)
    for nuisance, truth in (("profiled", pulls[:, 0]), ("central", np.zeros(2))):
        data = simulating.simulate(there, 0.0, 4000, np.random.default_rng(7), nuisance)
        np.testing.assert_allclose(data.centres.mean(axis=1), truth, atol=4 / np.sqrt(4000))
        np.testing.assert_allclose(data.centres.std(axis=1), 1.0, atol=4 / np.sqrt(8000))
    assert (np.abs(pulls) > 0.1).any()


def test_golden_section_finds_many_minima():
    centres = np.linspace(-0.9, 0.9, 7)
    where, lowest = statistic.golden_section(lambda x: 2 + (x - centres) ** 2, np.full(7, -1.0), np.full(7, 1.0))
    np.testing.assert_allclose(where, centres, atol=1e-5)
    np.testing.assert_allclose(lowest, 2.0, atol=1e-9)


# --- seeds, files, errors ---------------------------------------------------------------------------------------------


def test_the_numbers_do_not_depend_on_the_workers():
    serial, parallel = of_csi(), of_csi("processes:2")
    for group in ("toys", "observed", "summary", "sensitivity"):
        assert serial[group].to_dataset().identical(parallel[group].to_dataset())


def test_more_toys_begin_with_the_same():
    few, many = (of_csi(number=n)["toys"].to_dataset()["q"].values for n in (250, 300))
    np.testing.assert_array_equal(many[:, :250], few)


def test_the_data_are_compared_with_the_toys():
    found = of_csi()
    q, data = found["toys"].to_dataset()["q"].values, found["observed"].to_dataset()["q"].values
    p_value = found["summary"].to_dataset()["p_value"].values
    np.testing.assert_allclose(p_value, ((q >= data[:, None]).sum(axis=1) + 1) / 301)
    assert p_value[0] == 1.0  # The data have fewer events than the standard model: q = 0, as small as can be.
    assert data[1] == pytest.approx(float(_delta_chi2_of_the_profile(30.0)), abs=1e-3)


def _delta_chi2_of_the_profile(value):
    analysis = bn.load(CSI)
    held = [-2 * _best(analysis, v) for v in (value, 0.0)]
    return held[0] - held[1]


def _best(analysis, value):
    """Nuisances by brute force: the log-likelihood with constraints on a fine grid."""
    signal, neutrons = np.meshgrid(np.linspace(0.2, 1.8, 801), np.linspace(0.5, 1.5, 401))
    points = np.stack([np.full(signal.size, value), signal.ravel(), neutrons.ravel()], axis=1)
    return np.max(-0.5 * analysis.chi2(points))


def test_files_merge_where_seeds_differ(tmp_path):
    first, second = of_csi(), of_csi(seed=4, number=250)
    paths = [save_result(tree, tmp_path / f"{i}.nc") for i, tree in enumerate((first, second))]
    both = merge(*(open_toys(path) for path in paths))
    q = both["toys"].to_dataset()["q"].values
    assert q.shape == (2, 550)
    np.testing.assert_array_equal(q[:, :300], first["toys"].to_dataset()["q"].values)
    level = both["summary"].to_dataset()["threshold"].sel(level=0.9).values
    np.testing.assert_array_equal(level, thresholds(q, 0.9)[0])
    again = open_toys(save_result(both, tmp_path / "both.nc"))
    assert json.loads(again.attrs["seeds"]) == [3, 4]
    assert again["summary"].to_dataset().equals(both["summary"].to_dataset())
    with pytest.raises(DeclarationError, match="different seeds"):
        merge(both, second)


def test_toys_of_different_things_do_not_merge():
    analysis, few = bn.load(CSI), {"number": 5, "seed": 9, "levels": (0.68, 0.9)}
    central = toys(analysis, "mu_nu", true=[0, 30], nuisance="central", **few)
    elsewhere = toys(analysis, "mu_nu", true=[0, 20], **few)
    with pytest.raises(DeclarationError, match="merge: nuisance"):
        merge(of_csi(), central)
    with pytest.raises(DeclarationError, match="merge: value"):
        merge(of_csi(), elsewhere)


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (CSI, {"parameter": "mu_nv"}, "one of mu_nu"),
        (CSI, {"true": [300.0]}, r"\[0, 200\]"),
        (CSI, {"true": []}, r"\[0, 200\]"),
        (CSI, {"true": [float("nan")]}, r"\[0, 200\]"),
        (CSI, {"levels": (1.0,)}, "between 0 and 1"),
        (CSI, {"number": 0}, "at least one toy"),
        ("coherent-csi-tmm", {"parameter": "lambda_1"}, "only free parameter"),
        ("coherent-csi-spectrum", {}, "(?s)light_yield.*hold it with --set"),
    ],
)
def test_what_toys_cannot_do_is_an_error(model, settings, message):
    with pytest.raises(DeclarationError, match=message):
        toys(bn.load(model), **{"parameter": "mu_nu", "true": [0.0], "number": 5, "seed": 1} | settings)


def test_a_nuisance_without_a_constraint_is_an_error(tmp_path):
    analysis = counting(tmp_path, nuisance=SYNTHETIC.prior("uniform", low=0, high=2))
    with pytest.raises(DeclarationError, match="Gaussian or control-count constraints"):
        toys(analysis, "mu_nu", true=[0.0], number=5, seed=1)


def test_other_files_are_not_toys(tmp_path):
    with pytest.raises(DeclarationError, match="no such file"):
        open_toys(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("no netCDF")
    with pytest.raises(DeclarationError, match="unreadable"):
        open_toys(tmp_path / "text.nc")


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_writes_merges_and_tells(tmp_path):
    def run(*more):
        command = ["toys", CSI, "--parameter", "mu_nu", "--true", "30", "--true", "0", "--toys", "60", "--quiet"]
        return click.testing.CliRunner().invoke(main, [*command, *more])

    file = str(tmp_path / "toys.nc")
    first = run("--seed", "1", "--out", file)
    assert first.exit_code == 0, first.output
    assert "60 toys at each value, seed 1" in first.output
    answer = json.loads(run("--seed", "2", "--merge", file, "--format", "json").output)
    assert (answer["toys"], answer["seeds"], answer["true"]) == (120, [1, 2], [0.0, 30.0])
    assert answer["levels"][0]["level"] == 0.9
    again = run("--seed", "1", "--merge", file)
    assert again.exit_code == 2
    assert report.as_text(open_toys(file)) in first.output
