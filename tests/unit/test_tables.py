import json
import subprocess
import sys

import msgspec
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import bayesnu as bn
from bayesnu.errors import DeclarationError
from bayesnu.infer import checks, results
from bayesnu.report import beside, labels, tables
from bayesnu.schema import PublishedValue

KEYS = [
    "parameter", "unit", "level", "prior", "range", "credible_upper", "hdi", "profile_upper", "profile_interval",
    "profile_threshold", "threshold_kind", "others", "published", "source", "converged", "ratio", "mcse", "failures",
    "latex", "caveats", "half_range_upper", "limited_by_range", "sensitivity",
]  # fmt: skip
WIDE = checks.Gate(r_hat=2.0, ess=10.0)
STRICT = checks.Gate(ess=1e6)


def made_up(model: str, gate: checks.Gate = WIDE, seed: int = 1) -> xr.DataTree:
    """A result whose draws nobody sampled: moduli half-normal with sd 20, everything else from its prior."""
    analysis, rng = bn.load(model), np.random.default_rng(seed)
    prior = analysis.sample_prior(800, rng).T.reshape(-1, 4, 200)
    draws = dict(zip(analysis.names, prior, strict=True))
    draws |= {p.name: np.abs(rng.normal(0, 20, (4, 200))) for p in analysis.free if p.dimension == "moment"}
    tree = results.to_tree(analysis, draws, {}, engine="nuts", seed=1, options={}, seconds={})
    checks.record(tree, gate)
    return tree


def parabola(parameter: str, others: str, *, width: float, best: float = 0.0) -> xr.DataTree:
    """The scan ((x - best) / width)^2 on [0, 100], with its interval at 90 %."""
    x, threshold = np.linspace(0, 100, 41), float(stats.chi2.ppf(0.90, 1))
    low, high = best - width * np.sqrt(threshold), best + width * np.sqrt(threshold)
    attributes = {
        "parameter": parameter, "unit": "1e-10 mu_B", "others": others, "level": 0.90, "threshold": threshold,
        "threshold_kind": "asymptotic, one parameter", "chi2_min": 1.0, "best": best, "interval_low": max(low, 0.0),
        "limit": high if high < 100 else np.nan, "range_low": 0.0, "range_high": 100.0,
    }  # fmt: skip
    data = {"delta_chi2": ("value", ((x - best) / width) ** 2)}
    return xr.DataTree(xr.Dataset(data, coords={"value": x}, attrs=attributes))


def add_alone(tree: xr.DataTree, name: str, *, converged: bool = True) -> None:
    draws = np.abs(np.random.default_rng(2).normal(0, 15, (4, 300)))
    failures = json.dumps([] if converged else [f"R-hat of {name} is 1.2000, above 1.01"])
    attributes = {"converged": int(converged), "failures": failures}
    tree[f"one_at_a_time/{name}"] = xr.DataTree(xr.Dataset({name: (("chain", "draw"), draws)}, attrs=attributes))


def publish(tree: xr.DataTree, *values: PublishedValue) -> None:
    model = msgspec.structs.replace(results.model_of(tree), published=values)
    tree.attrs["model"] = msgspec.json.encode(model).decode()


@pytest.fixture(scope="module")
def single() -> xr.DataTree:
    tree = made_up("coherent-csi-effective")
    tree["profile/mu_nu_zero"] = parabola("mu_nu", "zero", width=20)
    publish(tree, PublishedValue(parameter="mu_nu", others="zero", value=4.0, unit="1e-9 mu_B", source="Somebody 2019"))
    return tree


@pytest.fixture(scope="module")
def several() -> xr.DataTree:
    tree = made_up("coherent-csi-tmm")
    tree["profile/lambda_1_profiled"] = parabola("lambda_1", "profiled", width=30)
    tree["profile/lambda_1_zero"] = parabola("lambda_1", "zero", width=20)
    add_alone(tree, "lambda_1")
    add_alone(tree, "lambda_2", converged=False)
    return tree


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_of_a_single_parameter_the_full_posterior_is_the_one_at_a_time(single: xr.DataTree) -> None:
    (row,) = tables.limits(single, level=0.90)
    draws = single["posterior"]["mu_nu"].values
    assert (row.parameter, row.others, row.unit, row.latex) == ("mu_nu", "zero", "1e-10 mu_B", "\\mu_\\nu")
    assert row.credible_upper == np.quantile(draws, 0.90)
    assert 0.2 < (row.mcse or 0) < 4
    assert np.mean((draws >= row.hdi[0]) & (draws <= row.hdi[1])) == pytest.approx(0.90, abs=0.01)
    assert row.profile_upper == pytest.approx(20 * np.sqrt(2.7055), rel=1e-4)
    assert row.profile_interval == (0.0, row.profile_upper)
    assert (row.range, row.prior) == ((0.0, 200.0), "uniform(0, 200)")
    assert row.converged is True


def test_published_limit_is_converted_to_our_unit_and_divides_ours(single: xr.DataTree) -> None:
    (row,) = tables.limits(single, level=0.90)
    assert (row.published, row.source) == (40.0, "Somebody 2019")
    assert row.ratio == pytest.approx(20 * np.sqrt(2.7055) / 40, rel=1e-4)
    tree = single.copy()
    publish(tree, PublishedValue(parameter="mu_nu", others="zero", value=4.0, unit="rad", source="nobody"))
    assert tables.limits(tree, level=0.90)[0].published is None


def test_two_rows_a_parameter_each_from_its_own_groups(several: xr.DataTree) -> None:
    rows = tables.limits(several, level=0.90)
    expected = [(f"lambda_{i}", others) for i in (1, 2, 3) for others in ("profiled", "zero")]
    assert [(r.parameter, r.others) for r in rows] == expected
    free, zero = rows[:2]
    assert free.credible_upper == np.quantile(several["posterior"]["lambda_1"].values, 0.90)
    assert zero.credible_upper == np.quantile(several["one_at_a_time/lambda_1"]["lambda_1"].values, 0.90)
    assert free.profile_upper is not None
    assert zero.profile_upper is not None
    assert free.profile_upper / zero.profile_upper == pytest.approx(1.5)


def test_published_stands_only_beside_the_same_others_and_at_90_percent(several: xr.DataTree) -> None:
    free, zero = tables.limits(several, level=0.90, parameter="lambda_1")
    assert (free.published, free.source, free.ratio) == (None, None, None)
    assert zero.published == 42.8
    for row in tables.limits(several, level=0.95, parameter="lambda_1"):
        assert (row.published, row.ratio) == (None, None)


def test_what_is_not_there_is_none(several: xr.DataTree) -> None:
    free, zero = tables.limits(several, level=0.90, parameter="lambda_3")
    assert free.credible_upper is not None
    assert (free.profile_upper, free.profile_interval, free.profile_threshold) == (None, (None, None), None)
    assert (zero.credible_upper, zero.hdi, zero.mcse, zero.converged) == (None, (None, None), None, None)
    assert (zero.published, zero.ratio) == (43.6, None)


@pytest.mark.parametrize("level", [0.68, 0.95, 0.99])
def test_another_level_is_read_off_the_stored_curve(several: xr.DataTree, level: float) -> None:
    threshold = stats.chi2.ppf(level, 1)
    row = tables.limits(several, level=level, parameter="lambda_1")[1]
    assert row.profile_upper == pytest.approx(20 * np.sqrt(threshold), rel=1e-3)
    assert row.profile_threshold == pytest.approx(threshold)
    assert row.threshold_kind == "asymptotic, one parameter, interpolated"


def test_a_curve_that_does_not_reach_the_threshold_gives_no_limit(single: xr.DataTree) -> None:
    tree = single.copy()
    tree["profile/mu_nu_zero"] = parabola("mu_nu", "zero", width=70)
    for level in (0.90, 0.95):
        (row,) = tables.limits(tree, level=level)
        assert row.profile_upper is None
    assert "none in range (2.71)" in tables.as_text(tables.limits(tree, level=0.90))


def test_an_interval_that_excludes_zero_shows_both_ends(single: xr.DataTree) -> None:
    tree = single.copy()
    tree["profile/mu_nu_zero"] = parabola("mu_nu", "zero", width=10, best=50)
    (row,) = tables.limits(tree, level=0.68)
    half = 10 * np.sqrt(stats.chi2.ppf(0.68, 1))
    assert row.profile_interval == pytest.approx((50 - half, 50 + half), rel=1e-3)
    assert "[33.6, 66.4] (2.71)" in tables.as_text(tables.limits(tree, level=0.90))


def test_unknown_parameters_angles_and_levels_are_named(several: xr.DataTree) -> None:
    with pytest.raises(DeclarationError, match="did you mean 'lambda_1'"):
        tables.limits(several, level=0.90, parameter="lamda_1")
    with pytest.raises(DeclarationError, match="an angle"):
        tables.limits(several, level=0.90, parameter="zeta_2")
    with pytest.raises(DeclarationError, match="a probability"):
        tables.limits(several, level=90)


# --- convergence ------------------------------------------------------------------------------------------------------


def test_each_row_carries_the_verdict_on_its_own_draws(several: xr.DataTree) -> None:
    free, zero = tables.limits(several, level=0.90, parameter="lambda_2")
    assert (free.converged, free.failures) == (True, [])
    assert (zero.converged, zero.failures) == (False, ["R-hat of lambda_2 is 1.2000, above 1.01"])


def test_rows_that_did_not_converge_are_marked_and_explained(several: xr.DataTree) -> None:
    rows = tables.limits(several, level=0.90)
    text = tables.as_text(rows)
    marked = [line.split()[1:3] for line in text.splitlines() if line.startswith("! lambda")]
    assert marked == [["lambda_2", "zero"]]
    assert "! not converged: lambda_2 (zero): R-hat of lambda_2 is 1.2000, above 1.01" in text
    assert tables.as_markdown(rows).count("**!**") == 1


def test_draws_that_nobody_judged_did_not_converge(single: xr.DataTree) -> None:
    tree = single.copy()
    del tree.attrs["diagnostics"]
    assert tables.limits(tree, level=0.90)[0].converged is False


def test_failures_of_the_posterior_are_those_that_its_gate_recorded() -> None:
    (row,) = tables.limits(made_up("coherent-csi-effective", STRICT), level=0.90)
    assert row.converged is False
    assert any("bulk ESS of mu_nu" in failure for failure in row.failures)


# --- writing ----------------------------------------------------------------------------------------------------------


def test_json_is_complete_strict_and_in_full_precision(several: xr.DataTree) -> None:
    rows = tables.limits(several, level=0.90)
    records = json.loads(json.dumps(tables.as_json(rows), allow_nan=False))
    assert all(list(record) == KEYS for record in records)
    assert records[0]["credible_upper"] == rows[0].credible_upper
    assert records[0]["hdi"] == list(rows[0].hdi)
    assert records[-1]["credible_upper"] is None
    nan = rows[0]._replace(mcse=float("nan"), range=(0.0, float("inf")))
    assert tables.as_json([nan])[0]["mcse"] is None
    assert tables.as_json([nan])[0]["range"] == [0.0, None]


def test_text_is_narrow_aligned_and_says_where_numbers_come_from(several: xr.DataTree) -> None:
    text = tables.as_text(tables.limits(several, level=0.90))
    lines = text.splitlines()
    assert lines[0] == "90 % limits in 1e-10 mu_B"
    assert max(map(len, lines)) <= 120
    assert "uniform [0, 200]" in text
    column = lines[2].index("published")
    assert [line[column:].split()[0] for line in lines[4:6]] == ["-", "42.8"]
    for words in (
        "credible q90",
        "Delta chi2 = 2.71",
        "published (lambda_1",
        "recalled from memory",
        "inputs inferred",
    ):
        assert words in text


def test_markdown_has_symbols_and_no_stray_bars(several: xr.DataTree) -> None:
    lines = [line for line in tables.as_markdown(tables.limits(several, level=0.90)).splitlines() if line[:1] == "|"]
    assert len(lines) == 2 + 6
    assert {line.count("|") for line in lines} == {9}
    assert r"$\vert \Lambda_1\vert $" in lines[2]


def test_a_table_of_nothing_says_so() -> None:
    assert tables.as_text([]) == tables.as_markdown([]) == "no parameters of interest\n"


@pytest.mark.parametrize(("value", "text"), [(1234.0, "1.23e+03"), (0.0, "0"), (40.0, "40.0"), (0.1, "0.100")])
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert labels.number(value) == text


def test_tables_load_neither_matplotlib_nor_pymc() -> None:
    code = "import sys, bayesnu.report.tables; assert not {'matplotlib', 'arviz_plots', 'pymc'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- side by side -----------------------------------------------------------------------------------------------------


def test_another_result_of_the_model_stands_beside_in_units_of_both_errors():
    tree, again = made_up("coherent-csi-tmm"), made_up("coherent-csi-tmm", seed=2)
    rows = tables.limits(tree, level=0.90)
    found = beside.beside(tree, rows, {"again.nc": again})
    for row, other in zip(rows, found, strict=True):
        assert (row.parameter, row.others) == (other.parameter, other.others)
        if row.others == "zero":
            assert other.sigmas is None
            continue
        same = np.quantile(again["posterior"][row.parameter].values, 0.9)
        assert other.credible_upper == pytest.approx(same)
        assert other.sigmas == pytest.approx((same - row.credible_upper) / np.hypot(row.mcse, other.mcse))
        assert 0 < abs(other.sigmas) < 4
    text = tables.as_text(rows, beside.columns(found, 0.90))
    assert "q90 by nuts (sigma)" in text
    assert "by nuts: again.nc; sigma" in text
    assert f"({found[0].sigmas:+.1f})" in text


def test_a_result_of_another_model_cannot_stand_beside():
    tree = made_up("coherent-csi-tmm")
    with pytest.raises(DeclarationError, match="another model"):
        beside.beside(tree, tables.limits(tree, level=0.90), {"other.nc": made_up("coherent-csi-effective")})
