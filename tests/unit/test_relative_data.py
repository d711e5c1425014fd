"""Data in units of a standard-model expectation: the unit is the model's own, at the angle that was used for it."""

import hashlib

import numpy as np
import pytest

import bayesnu as bn
from bayesnu.errors import DeclarationError

RATIOS = "low,high,ratio,error\n20,40,1.08,0.21\n40,80,-0.10,0.30\n"

EXPERIMENT = """title = "Made-up argon detector that quotes ratios"
revision = 1
dataset = "argon-ratios"
standard_model = "argon-sm"
flux = "pion-decay-at-rest"
fluence = { kind = "protons-on-target", protons_on_target = 1e23, neutrinos_per_proton = 0.09, baseline_m = 25.0 }
observable = { name = "nuclear recoil energy", unit = "keV" }
counts = { file = "ratios.csv", observed_column = "ratio", relative_to = { sin2_theta_w = 0.2387 } }
statistic = { kind = "gaussian", sd_column = "error" }

[detector]
target = { formula = { 40Ar = 1 }, mass_kg = 100.0 }
response = { kind = "linear", per_kev = 1.0 }
efficiency = { kind = "flat", value = 0.6 }

[sources.nobody]
reference = "Written by a test"
doi = "10.0000/none"
where = "nowhere"
status = "typed"
covers = ["fluence", "detector", "counts", "statistic"]
files = { "ratios.csv" = "HASH" }
"""

MODEL = """title = "Made-up argon detector"
experiments = ["argon-ratios"]
interaction = ["sm"]
kinematics = "exact"
axial = false
couplings = { kind = "tree" }
form_factor = { kind = "helm" }

[ANGLE]

[nuisances.argon_signal]
prior = { kind = "normal", mean = 1.0, sd = 0.2 }
scales = {}

[sources.nobody]
reference = "Written by a test"
doi = "10.0000/none"
where = "nowhere"
status = "typed"
covers = ["couplings", "form_factor", "fixed", "parameters", "nuisances"]
"""
ANGLES = {
    "argon-sm": 'fixed.sin2_theta_w]\nvalue = 0.2312\nunit = "1"',
    "argon-low": 'fixed.sin2_theta_w]\nvalue = 0.2387\nunit = "1"',
    "argon-free": 'parameters.sin2_theta_w]\nunit = "1"\nstandard = 0.2312\n'
    'prior = { kind = "uniform", low = 0.1, high = 0.4 }',
}


def written(folder, old="", new=""):
    place = folder / "data" / "experiments" / "argon-ratios"
    place.mkdir(parents=True)
    (place / "ratios.csv").write_text(RATIOS, encoding="utf-8")
    text = EXPERIMENT.replace("HASH", hashlib.sha256(RATIOS.encode()).hexdigest())
    assert old in text
    (place / "experiment.toml").write_text(text.replace(old, new), encoding="utf-8")
    (folder / "models").mkdir()
    for name, angle in ANGLES.items():
        content = MODEL.replace("ANGLE]", angle)
        (folder / "models" / f"{name}.toml").write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return written(tmp_path_factory.mktemp("ratios"))


@pytest.fixture(scope="module")
def unit(root):
    """Counts at 0.2387, from a model that has this angle."""
    low = bn.load("argon-low", root)
    return low.expected(low.standard_point())["argon-ratios"]


@pytest.mark.parametrize("model", ANGLES)
def test_data_and_errors_are_in_units_of_the_expectation(root, unit, model):
    here = bn.load(model, root)
    np.testing.assert_allclose(here.observed["argon-ratios"], np.array([1.08, -0.10]) * unit, rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(here.data.variance), np.array([0.21, 0.30]) * unit, rtol=1e-12)


def test_the_chi2_is_that_of_the_ratios(root, unit):
    here = bn.load("argon-free", root)
    for angle in (0.15, 0.2387, 0.3):
        ratio = here.expected([angle, 1.0])["argon-ratios"] / unit
        by_hand = ((1.08 - ratio[0]) / 0.21) ** 2 + ((-0.10 - ratio[1]) / 0.30) ** 2
        assert float(here.chi2([angle, 1.0])) == pytest.approx(float(by_hand), rel=1e-10)
    assert float(here.chi2([0.2387, 1.0])) == pytest.approx((0.08 / 0.21) ** 2 + (1.10 / 0.30) ** 2, rel=1e-10)


def test_the_unit_is_taken_once(root):
    """What is fixed or joined later leaves the data alone: they are counts from then on."""
    here = bn.load("argon-free", root)
    for later in (here.fix(sin2_theta_w=0.3), here.with_counts({})):
        np.testing.assert_array_equal(later.observed["argon-ratios"], here.observed["argon-ratios"])
        np.testing.assert_array_equal(later.data.variance, here.data.variance)


def test_they_stand_beside_real_data_not_beside_projections(root):
    here = bn.load("argon-sm", root)
    real = bn.term("coherent-csi-2017", interaction="sm")
    assert set((here + real).observed) == {"argon-ratios", "coherent-csi-2017"}
    with pytest.raises(DeclarationError, match="projected"):
        here + bn.term("coherent-hpge", interaction="sm")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{ sin2_theta_w = 0.2387 }", "{ sin2_theta = 0.2387 }", "did you mean 'sin2_theta_w'"),
        ('sd_column = "error"', "variance = { observed = 1.0 }", "without errors of their own"),
        ("[sources", "[backgrounds]\nnoise = { counts = [1.0, 2.0] }\n\n[sources", "in an expectation that is a unit"),
        ("per_kev = 1.0", "per_kev = 0.2", "a unit above zero in every bin"),
    ],
)  # fmt: skip
def test_what_is_no_unit(tmp_path, old, new, message):
    folder = written(tmp_path, old, new)
    with pytest.raises(DeclarationError, match=message):
        bn.load("argon-sm", folder)
