import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from scipy import stats

import bayesnu as bn
from bayesnu.errors import DeclarationError
from bayesnu.infer import checks, results
from bayesnu.report import densities, marks, plots
from bayesnu.report.limits import limits
from bayesnu.schema import Circular, LogUniform, Normal, SquareUniform, Uniform

WIDE, STRICT = checks.Gate(r_hat=2.0, ess=10.0), checks.Gate(ess=1e6)


def made_up(model: str, gate: checks.Gate = WIDE) -> xr.DataTree:
    """A result whose draws nobody sampled: moduli half-normal with sd 20, everything else from its prior."""
    analysis, rng = bn.load(model), np.random.default_rng(1)
    prior = analysis.sample_prior(800, rng).T.reshape(-1, 4, 200)
    draws = dict(zip(analysis.names, prior, strict=True))
    draws |= {p.name: np.abs(rng.normal(0, 20, (4, 200))) for p in analysis.free if p.dimension == "moment"}
    tree = results.to_tree(analysis, draws, {}, engine="nuts", seed=1, options={}, seconds={})
    checks.record(tree, gate)
    return tree


def scan(others: str, width: float) -> xr.DataTree:
    x, threshold = np.linspace(0, 100, 41), float(stats.chi2.ppf(0.90, 1))
    attributes = {
        "others": others, "level": 0.90, "threshold": threshold, "threshold_kind": "asymptotic, one parameter",
        "best": 0.0, "interval_low": 0.0, "limit": width * np.sqrt(threshold),
    }  # fmt: skip
    return xr.DataTree(xr.Dataset({"delta_chi2": ("value", (x / width) ** 2)}, coords={"value": x}, attrs=attributes))


@pytest.fixture(scope="module")
def single() -> xr.DataTree:
    tree = made_up("coherent-csi-effective")
    tree["profile/mu_nu_zero"] = scan("zero", 20.0)
    return tree


@pytest.fixture(scope="module")
def several() -> xr.DataTree:
    tree = made_up("coherent-csi-tmm")
    tree["profile/lambda_1_profiled"], tree["profile/lambda_1_zero"] = scan("profiled", 25.0), scan("zero", 20.0)
    draws = np.abs(np.random.default_rng(2).normal(0, 15, (4, 300)))
    alone = xr.Dataset({"lambda_1": (("chain", "draw"), draws)}, attrs={"converged": 1, "failures": "[]"})
    tree["one_at_a_time/lambda_1"] = xr.DataTree(alone)
    return tree


def texts(figure: Figure) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(mpl.text.Text))


# --- limit plot -------------------------------------------------------------------------------------------------------


def test_limit_plot_shows_both_limits_on_one_axis(single: xr.DataTree) -> None:
    figure = plots.limit_plot(single, "mu_nu", level=0.90)
    left, right = figure.axes
    assert left.get_xlabel() == r"$\mu_\nu$ [$10^{-10}\,\mu_B$]"
    assert (left.get_ylabel(), right.get_ylabel()) == ("probability density", r"profile $\Delta\chi^2$")
    profile = 20 * np.sqrt(2.7055)
    credible = np.quantile(single["posterior"]["mu_nu"].values, 0.90)
    assert left.get_xlim() == pytest.approx((0, 1.6 * max(profile, credible)), rel=1e-4)
    drawn = [line.get_xdata()[0] for line in left.lines if len(line.get_xdata()) == 2]
    assert sorted(drawn) == pytest.approx(sorted([profile, credible]), rel=1e-4)
    for words in ("credible q90: ", "profile: 32.9", "prior: uniform(0, 200)", r"$\Delta\chi^2$ = 2.71"):
        assert words in texts(figure)


def test_limit_plot_shows_the_published_limit_with_its_source(several: xr.DataTree) -> None:
    figure = plots.limit_plot(several, "lambda_1", level=0.90)
    assert "published, others zero: 42.8" in texts(figure)
    assert "1905.03750" in texts(figure)
    left = figure.axes[0]
    curves = [line for line in left.lines if len(line.get_xdata()) > 100 and to_hex(line.get_color()) == "#0072b2"]
    assert [line.get_linestyle() for line in curves] == ["-", "--"]
    assert "published" not in texts(plots.limit_plot(several, "lambda_1", level=0.95))


def test_limit_plot_without_a_profile_has_no_second_scale(several: xr.DataTree) -> None:
    figure = plots.limit_plot(several, "lambda_3", level=0.90)
    assert len(figure.axes[1].get_yticks()) == 0
    assert "profile" not in texts(figure)


def test_flags_stand_from_left_to_right(several: xr.DataTree) -> None:
    flags = marks.flags(limits(several, level=0.90, parameter="lambda_1"))
    assert len(flags) == 5
    assert [flag.x for flag in flags] == sorted(flag.x for flag in flags)
    two_sided = limits(several, level=0.90, parameter="lambda_1")[0]._replace(profile_interval=(12.0, 40.0))
    assert "profile, lower end: 12.0" in [flag.text for flag in marks.flags([two_sided])]


def test_unknown_parameter_is_an_error(single: xr.DataTree) -> None:
    with pytest.raises(DeclarationError, match="did you mean 'mu_nu'"):
        plots.limit_plot(single, "mu_nuu", level=0.90)


# --- corner -----------------------------------------------------------------------------------------------------------


def test_corner_shows_moduli_and_phases_but_no_nuisances(several: xr.DataTree) -> None:
    figure = plots.corner_plot(several, level=0.90)
    assert len(figure.axes) == 6 * 7 / 2
    words = texts(figure)
    for label in (r"$|\Lambda_1|$ [", r"$\zeta_3$ [", r"$\delta_{CP}$ [", "68 % of", "90 % of", r"$2\pi$"):
        assert label in words
    assert r"\theta" not in words
    upper = float(np.quantile(several["posterior"]["lambda_1"].values, 0.90))
    assert rf"$|\Lambda_1|$ < {upper:.3g}" in words


def test_corner_of_a_single_parameter_adds_its_nuisances(single: xr.DataTree) -> None:
    chosen = densities.quantities(single, 0.90)
    assert [q.name for q in chosen] == ["mu_nu", "signal", "prompt_neutrons"]
    assert [q.of_interest for q in chosen] == [True, False, False]
    assert len(plots.corner_plot(single, level=0.90).axes) == 6


@pytest.mark.parametrize("level", [0.5, 0.68, 0.99])
def test_corner_takes_any_level(single: xr.DataTree, level: float) -> None:
    assert f"diagonal: {100 * level:g} % one-sided" in texts(plots.corner_plot(single, level=level))


def test_nuisances_of_each_bin_are_left_out() -> None:
    names = [q.name for q in densities.quantities(made_up("coherent-csi-spectrum"), 0.90)]
    assert "light_yield" in names
    assert not any(name.startswith("steady_state") for name in names)


# --- both -------------------------------------------------------------------------------------------------------------


def test_figures_of_a_run_that_did_not_converge_are_stamped(single: xr.DataTree) -> None:
    tree = made_up("coherent-csi-effective", STRICT)
    for bad, good in (
        (plots.limit_plot(tree, "mu_nu", level=0.90), plots.limit_plot(single, "mu_nu", level=0.90)),
        (plots.corner_plot(tree, level=0.90), plots.corner_plot(single, level=0.90)),
    ):
        assert [to_hex(t.get_color()) for t in bad.texts if t.get_text() == "NOT CONVERGED"] == ["#cc0000"]
        assert not good.texts


def test_save_writes_two_files_and_nothing_else(single: xr.DataTree, tmp_path) -> None:
    figure = plots.limit_plot(single, "mu_nu", level=0.90)
    written = plots.save(figure, tmp_path / "new" / "limit.v1")
    assert [p.name for p in written] == ["limit.v1.png", "limit.v1.pdf"]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["limit.v1.pdf", "limit.v1.png"]
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert written[1].read_bytes().startswith(b"%PDF")


def test_a_figure_that_cannot_be_written_leaves_nothing(tmp_path) -> None:
    figure = Figure()
    figure.text(0.5, 0.5, r"$\nonsense$")
    with pytest.raises(ValueError, match="nonsense"):
        plots.save(figure, tmp_path / "broken")
    assert not list(tmp_path.iterdir())


def test_settings_of_matplotlib_stay_as_they_were(several: xr.DataTree, tmp_path) -> None:
    before = dict(mpl.rcParams)
    plots.save(plots.limit_plot(several, "lambda_1", level=0.90), tmp_path / "a")
    plots.corner_plot(several, level=0.90)
    assert dict(mpl.rcParams) == before


# --- densities --------------------------------------------------------------------------------------------------------


def draws_from(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values.reshape(4, -1), dims=("chain", "draw"))


def test_density_ends_at_the_wall_and_does_not_fall_towards_it() -> None:
    values = np.abs(np.random.default_rng(3).normal(0, 10, 20000))
    curve = densities.density(draws_from(values), Uniform(low=0.0, high=200.0))
    assert curve.x[0] == 0
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(1, abs=0.01)
    assert np.abs(curve.y - 2 * stats.norm.pdf(curve.x, 0, 10)).max() < 0.006


def test_density_of_an_angle_closes_at_the_seam() -> None:
    values = np.random.default_rng(3).vonmises(0, 4, 20000) % (2 * np.pi)
    curve = densities.density(draws_from(values), Circular())
    assert (curve.x[0], curve.x[-1]) == (0, pytest.approx(2 * np.pi))
    assert curve.y[0] == pytest.approx(curve.y[-1])
    assert np.abs(curve.y - stats.vonmises.pdf(curve.x, 4)).max() < 0.05


def test_density_without_walls_begins_with_the_draws() -> None:
    values = np.random.default_rng(3).normal(5, 1, 4000)
    curve = densities.density(draws_from(values), Normal(mean=0.0, sd=10.0))
    assert curve.x[0] == values.min()


@pytest.mark.parametrize("prior", [Uniform(low=0, high=9), LogUniform(low=0.1, high=9), SquareUniform(low=0, high=9)])
def test_prior_density_is_defined_everywhere(prior) -> None:
    x = np.linspace(0, 10, 2001)
    assert np.trapezoid(densities.prior_density(prior, x), x) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("mass", [0.68, 0.90])
def test_regions_hold_their_mass_across_the_seam(mass: float) -> None:
    rng = np.random.default_rng(4)
    values = np.abs(rng.normal(0, 10, 20000)), rng.vonmises(0, 3, 20000) % (2 * np.pi)
    priors_, ends = (Uniform(low=0, high=99), Circular()), ((0, 35), (0, 2 * np.pi))
    a, b = (densities.Quantity("", "", "", v, p, *e, True) for v, p, e in zip(values, priors_, ends, strict=True))
    found = densities.region(a, b, [mass])
    column = np.clip(np.searchsorted(found.x, values[0] - 35 / 80), 1, 40)
    row = np.clip(np.searchsorted(found.y, values[1] - np.pi / 40), 1, 40)
    assert np.mean(found.density[row, column] >= found.heights[0]) == pytest.approx(mass, abs=0.02)
    # The same on both sides of the seam, and inside the region there.
    assert found.density[0] == pytest.approx(found.density[-2])
    assert found.density[0].max() > found.heights[0]
