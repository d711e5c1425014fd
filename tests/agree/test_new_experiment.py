"""A detector of one's own is a folder and a model: no line of code, and every command knows it."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import constants, integrate

COUNTS = """low,high,counted,neutrons,dark
20,30,68,12.5,30
30,40,41,8.0,24
40,60,45,9.5,31
60,120,22,6.0,20
"""

EXPERIMENT = """title = "Made-up argon detector at 25 m"
revision = 1
dataset = "argon-made-up"
standard_model = "argon-sm"
flux = "pion-decay-at-rest"

[fluence]
kind = "protons-on-target"
protons_on_target = 1.0e23
neutrinos_per_proton = 0.09
baseline_m = 25.0

[detector.target]
formula = { 40Ar = 1 }
mass_kg = 100.0

[detector.response]
kind = "linear"
per_kev = 1.0

[detector.efficiency]
kind = "flat"
value = 0.6

[observable]
name = "nuclear recoil energy"
unit = "keV"

[counts]
file = "counts.csv"
observed_column = "counted"

[backgrounds.neutrons]
column = "neutrons"

[backgrounds.dark]
column = "dark"

[statistic]
kind = "poisson"

[sources.nobody]
reference = "Written by a test"
doi = "10.0000/none"
where = "nowhere"
status = "typed"
covers = ["fluence", "detector", "counts", "backgrounds", "statistic"]
files = { "counts.csv" = "HASH" }
"""

STANDARD_MODEL = """title = "Made-up argon detector, standard model"
experiments = ["argon-made-up"]
interaction = ["sm"]
kinematics = "exact"
axial = false

[couplings]
kind = "tree"

[form_factor]
kind = "helm"

[fixed.sin2_theta_w]
value = 0.2312
unit = "1"

[nuisances.flux]
prior = { kind = "truncated-normal", mean = 1.0, sd = 0.1, low = 0.2, high = 1.8 }
scales = {}

[nuisances.neutrons]
prior = { kind = "truncated-normal", mean = 1.0, sd = 0.2, low = 0.2, high = 1.8 }
scales = { backgrounds = ["neutrons"] }

[sources.nobody]
reference = "Written by a test"
doi = "10.0000/none"
where = "nowhere"
status = "typed"
covers = ["couplings", "form_factor", "fixed", "nuisances"]
"""

MOMENT = """extends = "argon-sm"
title = "Made-up argon detector, one effective magnetic moment"
interaction = ["sm", "magnetic-moment"]

[parameters.mu_nu]
unit = "1e-10 mu_B"
prior = { kind = "uniform", low = 0.0, high = 300.0 }
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """An empty folder with one experiment and two models in it."""
    folder = tmp_path_factory.mktemp("argon")
    detector = folder / "data" / "experiments" / "argon-made-up"
    detector.mkdir(parents=True)
    (detector / "counts.csv").write_text(COUNTS, encoding="utf-8")
    hash_of_counts = hashlib.sha256(COUNTS.encode()).hexdigest()
    (detector / "experiment.toml").write_text(EXPERIMENT.replace("HASH", hash_of_counts), encoding="utf-8")
    (folder / "models").mkdir()
    (folder / "models" / "argon-sm.toml").write_text(STANDARD_MODEL, encoding="utf-8")
    (folder / "models" / "argon-moment.toml").write_text(MOMENT, encoding="utf-8")
    return folder


@pytest.fixture
def run(root, tmp_path):
    def command(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-c", "from bayesnu.cli import main; main()", *arguments],
            capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | {"BAYESNU_DATA": str(root)},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    return command


@pytest.fixture
def answer(run):
    return lambda *arguments: json.loads(run(*arguments, "--format", "json").stdout)


def test_it_is_listed_valid_and_cited(run, answer, root):
    assert "argon-made-up" in answer("list", "experiments")["experiments"]
    assert {"argon-sm", "argon-moment"} <= set(answer("list", "models")["models"])
    files = [str(file) for file in sorted(root.rglob("*.toml"))]
    assert len(files) == 3
    assert "nothing wrong" in run("check", *files).stdout
    assert "Written by a test" in run("cite", "argon-moment").stdout


def test_predict(answer):
    found = answer("predict", "argon-made-up")
    assert found["model"] == "argon-sm"
    assert found["bins"] == [[20.0, 30.0], [30.0, 40.0], [40.0, 60.0], [60.0, 120.0]]
    assert found["backgrounds"] == {"neutrons": [12.5, 8.0, 9.5, 6.0], "dark": [30.0, 24.0, 31.0, 20.0]}
    assert set(found["counts"]["sm"]) == {"nu_mu", "nubar_mu", "nu_e"}
    total = np.sum(list(found["counts"]["sm"].values()), axis=0)
    assert (total > 0).all()
    assert (np.diff(total[:2]) < 0).all()
    with_moment = answer("predict", "argon-made-up", "--model", "argon-moment", "--set", "mu_nu=50")
    assert np.sum(list(with_moment["counts"]["magnetic-moment"].values())) > 0
    for flux, counts in found["counts"]["sm"].items():
        assert with_moment["counts"]["sm"][flux] == pytest.approx(counts, rel=1e-12)


def test_predict_against_a_quadrature_of_its_own(answer):
    """Every bin of one flux by hand: nu_mu at 29.9 MeV on 40Ar, magnetic moment, no code of the package."""
    found = answer("predict", "argon-made-up", "--model", "argon-moment", "--set", "mu_nu=50")
    alpha, m_e, hbar_c = constants.alpha, 0.51099895, 197.3269804
    mass, energy, mu = 39.962383 * 931.494102 - 18 * m_e, 29.9, 50e-10
    radius = np.sqrt((1.23 * 40 ** (1 / 3) - 0.60) ** 2 + 7 / 3 * (np.pi * 0.52) ** 2 - 5 * 0.9**2)

    def rate(recoil):
        q = np.sqrt(2 * mass * recoil) / hbar_c
        x = q * radius
        form = 3 * (np.sin(x) - x * np.cos(x)) / x**3 * np.exp(-((q * 0.9) ** 2) / 2)
        return np.pi * (alpha * mu / m_e) ** 2 * (1 / recoil - 1 / energy) * 18**2 * form**2 * (hbar_c * 1e-13) ** 2

    end = 2 * energy**2 / (mass + 2 * energy)
    nuclei = 100e3 / 39.962383 * constants.N_A
    fluence = 0.09 * 1e23 / (4 * np.pi * 2500.0**2)
    for index, (low, high) in enumerate(found["bins"]):
        by_hand = 0.6 * nuclei * fluence * integrate.quad(rate, min(low / 1e3, end), min(high / 1e3, end))[0]
        assert found["counts"]["magnetic-moment"]["nu_mu"][index] == pytest.approx(by_hand, rel=1e-5, abs=1e-12)


def test_profile_and_fit(answer, run, tmp_path):
    scan = answer("profile", "argon-moment", "--parameter", "mu_nu", "--quiet")
    assert scan["unit"] == "1e-10 mu_B"
    assert 5 < scan["limit"] < 290
    assert min(scan["delta_chi2"]) == pytest.approx(0, abs=1e-6)
    # Short: the gate is lowered, and the limit is only roughly right.
    fitted = answer(
        "fit", "argon-moment", "--engine", "emcee", "--draws", "600", "--profile", "--seed", "4", "--out", "argon.nc",
        "--r-hat", "1.2", "--ess", "100", "--steps-per-tau", "5", "--quiet",
    )  # fmt: skip
    assert (fitted["engine"], fitted["converged"]) == ("emcee", True)
    assert (tmp_path / "argon.nc").is_file()
    (row,) = [row for row in answer("limits", "argon.nc") if row["parameter"] == "mu_nu"][:1]
    assert row["profile_upper"] == pytest.approx(scan["limit"], rel=1e-3)
    assert row["credible_upper"] == pytest.approx(scan["limit"], rel=0.3)
    assert "Written by a test" in run("cite", "argon.nc").stdout


def test_it_joins_what_is_shipped(run, root):
    """A model of both: the new detector beside COHERENT CsI, which the packaged folder brings."""
    both = MOMENT.replace('title = "', 'experiments = ["argon-made-up", "coherent-csi-2017"]\ntitle = "')
    (root / "models" / "argon-and-csi.toml").write_text(both, encoding="utf-8")
    found = json.loads(run("evaluate", "argon-and-csi", "--set", "mu_nu=30", "--format", "json").stdout)
    assert set(found["log_likelihood"]) == {"argon-made-up", "coherent-csi-2017"}
    assert all(np.isfinite(v) for v in found["log_likelihood"].values())
