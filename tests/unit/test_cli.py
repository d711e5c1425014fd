"""The command line: shapes that scripts build on, exit codes, and nothing but the answer on standard output."""

import json
import subprocess
import sys

import numpy as np
import pytest

FLUXES = {"nu_mu", "nubar_mu", "nu_e"}


def run(*arguments: str, cwd=None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bayesnu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def answer(*arguments: str, cwd=None, code: int = 0):
    done = run(*arguments, "--format", "json", cwd=cwd)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_help_of_every_command_has_an_example():
    commands = run("--help").stdout
    for name in ("list", "predict", "evaluate", "check", "fit", "profile", "evidence", "limits", "cite"):
        assert name in commands
        shown = run(name, "--help")
        assert shown.returncode == 0
        assert "Example" in shown.stdout


def test_list_names_every_kind():
    found = answer("list")
    assert {"coherent-csi-2017", "coherent-csi-2017-spectrum"} <= set(found["experiments"])
    assert "coherent-csi-tmm" in found["models"]
    assert "pion-decay-at-rest" in found["fluxes"]
    assert "tmm2019" in found["papers"]
    assert set(answer("list", "models")) == {"models"}


def test_predict_shape_and_standard_model_counts():
    found = answer("predict", "coherent-csi-2017")
    assert {"experiment", "model", "unit", "bins", "counts"} <= set(found)
    assert found["unit"] == "events"
    assert found["bins"] == [[5.0, 30.0]]
    assert set(found["counts"]["sm"]) == FLUXES
    # arXiv:1905.03750 with the printed 29.9 MeV line: nu_mu, nubar_mu, nu_e in 5 to 30 PE.
    for flux, events in {"nu_mu": 30.1, "nubar_mu": 90.5, "nu_e": 60.4}.items():
        assert found["counts"]["sm"][flux][0] == pytest.approx(events, rel=0.01)


def test_predict_in_a_window_and_with_a_moment():
    window = answer("predict", "coherent-csi-2017", "--window", "6", "30")
    total = sum(v[0] for v in window["counts"]["sm"].values())
    assert total == pytest.approx(178.7, rel=0.01)
    assert total == pytest.approx(173, rel=0.05)
    one = answer("predict", "coherent-csi-2017", "--model", "coherent-csi-effective", "--set", "mu_nu=20")
    two = answer("predict", "coherent-csi-2017", "--model", "coherent-csi-effective", "--set", "mu_nu=40")
    for flux in FLUXES:
        ratio = two["counts"]["magnetic-moment"][flux][0] / one["counts"]["magnetic-moment"][flux][0]
        assert ratio == pytest.approx(4)
    assert one["parameters"]["mu_nu"] == {"value": 20.0, "unit": "1e-10 mu_B"}


def test_predict_sets_a_fixed_parameter():
    shifted = answer("predict", "coherent-csi-2017", "--set", "sin2_theta_w=0.23857")
    plain = answer("predict", "coherent-csi-2017")
    assert shifted["counts"]["sm"]["nu_e"][0] != plain["counts"]["sm"]["nu_e"][0]


def test_evaluate_shape_and_consistency():
    found = answer("evaluate", "coherent-csi-tmm", "--set", "lambda_1=30")
    assert found["log_prob"] == pytest.approx(found["log_prior"] + sum(found["log_likelihood"].values()), abs=1e-12)
    moment = found["couplings"]["magnetic-moment"]
    # One moment alone: (1 - |U_e1|^2) lambda_1^2.
    u_e1_squared = (1 - 0.320) * (1 - 0.0216)
    assert moment["nu_e"] == pytest.approx((1 - u_e1_squared) * 30**2, rel=1e-12)
    assert found["chi2_profiled"] < found["chi2"]


def test_evaluate_profiled_chi2_is_the_closed_form_of_eq_34():
    found = answer("evaluate", "coherent-csi-effective", "--set", "mu_nu=40")
    counts = answer("predict", "coherent-csi-2017", "--model", "coherent-csi-effective", "--set", "mu_nu=40")["counts"]
    n = sum(v[0] for fluxes in counts.values() for v in fluxes.values())
    closed = (142 - 6 - n) ** 2 / (958 + (0.28 * n) ** 2 + (0.25 * 6) ** 2)
    assert found["chi2_profiled"] == pytest.approx(closed, rel=1e-10)
    assert found["chi2"] == pytest.approx((142 - 6 - n) ** 2 / 958, rel=1e-10)


def test_profile_shape():
    found = answer("profile", "coherent-csi-full", "--parameter", "lambda_1", "--others", "zero", "--quiet")
    assert {"parameter", "unit", "values", "delta_chi2", "limit", "threshold", "others"} <= set(found)
    at_limit = np.interp(found["limit"], found["values"], found["delta_chi2"])
    assert at_limit == pytest.approx(found["threshold"], rel=0.01)
    assert found["threshold"] == pytest.approx(2.7055, abs=1e-4)
    assert not any(found["starts_disagree"])
    assert set(found["range_end"]) == {""}


def test_profile_of_two_writes_its_files(tmp_path):
    options = ("--and", "lambda_2", "--others", "zero", "--points", "21", "--quiet")
    files = ("--csv", "grid.csv", "--plot", "contour.png")
    found = answer("profile", "coherent-csi-full", "--parameter", "lambda_1", *options, *files, cwd=tmp_path)
    assert found["files"] == ["grid.csv", "contour.png", "contour.pdf"]
    assert all((tmp_path / name).stat().st_size > 1000 for name in found["files"])
    one = next(c for c in found["contours"] if c["convention"] == "one-parameter")
    assert [high for _, high in one["extent"]] == pytest.approx([42.9, 40.1], rel=0.01)


def test_fit_and_limits_with_emcee(tmp_path):
    name = "coherent-csi-effective"
    fitted = answer(
        "fit", name, "--engine", "emcee", "--profile", "--seed", "3", "--out", "r.nc", "--quiet", cwd=tmp_path
    )
    assert {"result", "engine", "seed", "seconds", "diagnostics", "converged"} <= set(fitted)
    assert {"compile", "sample", "profile"} <= set(fitted["seconds"])
    assert {"r_hat_max", "ess_bulk_min", "ess_tail_min", "divergences"} <= set(fitted["diagnostics"])
    assert fitted["converged"] is True
    rows = answer("limits", "r.nc", cwd=tmp_path)
    keys = {"parameter", "unit", "level", "prior", "range", "credible_upper", "hdi", "profile_upper",
            "profile_interval", "profile_threshold", "threshold_kind", "others", "published", "source",
            "converged"}  # fmt: skip
    assert all(keys <= set(row) for row in rows)
    assert rows[0]["credible_upper"] == pytest.approx(33, rel=0.1)
    drawn = run("limits", "r.nc", "--plots", "plots", "--format", "markdown", cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    assert {p.suffix for p in (tmp_path / "plots").iterdir()} == {".png", ".pdf"}
    assert run("cite", "r.nc", cwd=tmp_path).returncode == 0


def test_an_unconverged_run_is_marked_and_exits_with_1(tmp_path):
    name = "coherent-csi-effective"
    short = ("fit", name, "--engine", "emcee", "--draws", "60", "--out", "short.nc", "--quiet")
    fitted = answer(*short, cwd=tmp_path, code=1)
    assert fitted["converged"] is False
    shown = run("limits", "short.nc", cwd=tmp_path)
    assert shown.returncode == 1
    assert "!" in shown.stdout
    rows = answer("limits", "short.nc", cwd=tmp_path, code=1)
    assert not any(row["converged"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("predict", "coherent-csi-2018"), "coherent-csi-2017"),
        (("predict", "coherent-csi-2017", "--set", "mu_nue=1"), "mu_nue"),
        (("predict", "coherent-csi-2017", "--set", "sin2_theta_w=nan"), "finite"),
        (("predict", "coherent-csi-2017", "--window", "30", "6"), "LOW below HIGH"),
        (("evaluate", "coherent-csi-tm"), "coherent-csi-tmm"),
        (("profile", "coherent-csi-full", "--parameter", "lambda_4"), "lambda_"),
        (("limits", "no-such-file.nc"), "no-such-file.nc"),
        (("fit", "coherent-csi-effective", "--engine", "gibbs"), "gibbs"),
        (("cite", "missing.nc"), "missing.nc"),
    ],
)
def test_wrong_requests_exit_with_2_and_write_nothing(tmp_path, arguments, named):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_check_reports_a_bad_file(tmp_path):
    bad = tmp_path / "model.toml"
    bad.write_text('extends = "coherent-csi-sm"\ntitel = "a slip"\n')
    problems = answer("check", str(bad), code=2)
    assert {"file", "field", "found", "expected", "hint"} == set(problems[0])
    assert "titel" in problems[0]["field"]
    assert "title" in problems[0]["hint"]


def test_check_of_everything_shipped_is_clean():
    assert answer("check") == []


def test_evidence_beside_a_profile():
    arguments = ("evidence", "sterile2021-texono", "--parameter", "mu_nu_e", "--set", "m4=0.01", "--quiet")
    found = answer(*arguments)
    kinds = ["uniform(0, 40)", "square-uniform(0, 40)", "log-uniform(0.1, 40)"]
    assert [row["prior"] for row in found["priors"]] == kinds
    assert found["unit"] == "1e-10 mu_B"
    assert found["held"] == {"m4": 0.01}
    assert found["profile"]["limit"] == pytest.approx(2.64, abs=0.05)
    assert all(row["error"] < 1e-4 for row in found["priors"])
    shown = run(*arguments, "--range", "0", "20").stdout
    assert "square-uniform(0, 20)" in shown
    assert "log Bayes factor" in shown
    done = run(*arguments[:4], "--quiet", "--set", "m5=1")
    assert done.returncode == 2
    assert "m5" in done.stderr
