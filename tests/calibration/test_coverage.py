"""Coverage of 90 % limits from COHERENT CsI in one bin; writes notebooks/evidence/coverage.md (make calibrate)."""

from pathlib import Path

import numpy as np
import pytest

import bayesnu as bn
from bayesnu.infer.coverage import coverage
from bayesnu.report import plots
from bayesnu.report.coverage import as_markdown
from bayesnu.schema import LogUniform, SquareUniform, Uniform

pytestmark = pytest.mark.slow

EVIDENCE = Path(__file__).parents[2] / "notebooks" / "evidence"
NUMBER = 10_000
TABLE = [0.0, 20.0, 40.0, 60.0]
CURVE = [0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0]
BELIEFS = {
    "flat in mu": Uniform(low=0.0, high=200.0),
    "flat in mu^2": SquareUniform(low=0.0, high=200.0),
    "flat in log mu": LogUniform(low=1.0, high=200.0),
}

PAGE = """# Coverage of limits from one bin

How often is a 90 % limit on the magnetic moment not below the truth? Written by `make calibrate`
(`tests/calibration/test_coverage.py`); every number is computed. COHERENT CsI 2017 in one bin, Eq 34 of
arXiv:1905.03750: a Gaussian count, 28 % on the signal, 25 % on prompt neutrons.

- **profile**: where delta chi2 stays below {threshold:.2f}, nuisances profiled; asymptotic. Its upper end alone is what
  papers quote as an upper limit.
- **Feldman-Cousins**: the interval whose threshold at each value comes from toys; those toys are others than the ones
  that are counted here. It has two ends, so no median limit stands beside it.
- **flat in ...**: the 90 % quantile of the posterior; nuisances integrated in closed form with their log-determinant.
  Priors on [0, 200] x 1e-10 mu_B; the logarithm starts at 1.

In every toy the counts fluctuate, and so do the centres of the nuisances' constraints.

## Nuisances at their central values

{central}
## Nuisances profiled to the observed data

At a large moment the profile pulls the signal's scale down, and the toys with it.

{profiled}
## What it says

At zero no upper limit can fail. Elsewhere the upper end of the profile holds in about 95 %, not 90 %, because
{threshold:.2f} is the threshold of an interval with two ends, and a tail of 5 % lies below it; near the wall at zero
the interval too holds more often than it says. No prior covers everywhere: flat in the square is cautious, flat in the
logarithm favours small moments and fails for those that the data can barely see. That is no error of a credible limit,
which holds on average over its prior (`tests/unit/test_coverage.py` shows it for each), but it must be known when
limits are compared. Feldman-Cousins holds by construction where the nuisances are what its toys took them to be.

![coverage over the true moment](coverage.png)
"""


@pytest.fixture(scope="module")
def found():
    analysis = bn.load("coherent-csi-effective")
    return {
        nuisance: coverage(analysis, "mu_nu", true=values, number=NUMBER, seed=2017, level=0.90, beliefs=BELIEFS,
                           nuisance=nuisance)
        for nuisance, values in (("central", CURVE), ("profiled", TABLE))
    }  # fmt: skip


def test_the_page_is_written(found):
    central, profiled = found["central"].sel(value=TABLE), found["profiled"]
    for each in found.values():
        assert each.attrs["toys"] >= 10_000
    page = PAGE.format(
        threshold=profiled.attrs["asymptotic"], central=as_markdown(central), profiled=as_markdown(profiled)
    )
    (EVIDENCE / "coverage.md").write_text(page, encoding="utf-8")
    for path in plots.save(plots.coverage_plot(found["central"]), EVIDENCE / "coverage"):
        if path.suffix == ".pdf":
            path.unlink()


@pytest.mark.parametrize("nuisance", ["central", "profiled"])
def test_feldman_cousins_covers_everywhere(found, nuisance):
    share = found[nuisance]["coverage"].sel(treatment="Feldman-Cousins").values
    # Both the threshold and the share have an error of their own.
    assert np.abs(share - 0.90).max() < 4 * np.sqrt(2 * 0.09 / NUMBER)


def test_the_upper_end_of_the_profile_holds_more_often_than_it_says(found):
    share = found["central"].sel(treatment="profile, upper end", value=TABLE)
    assert (share["coverage"] > 0.90 + 4 * share["error"]).all()
    interval = found["central"].sel(treatment="profile, interval", value=TABLE)
    assert (interval["coverage"] > 0.90 - 4 * interval["error"]).all()


def test_no_prior_covers_everywhere(found):
    share = found["central"]["coverage"].sel(value=TABLE).to_pandas()
    assert share.loc["flat in log mu"].min() < share.loc["flat in mu"].min() < share.loc["flat in mu^2"].min()
    assert share.loc["flat in log mu"].min() < 0.80
    assert share.loc["flat in mu"].min() < 0.90 - 4 * np.sqrt(0.09 / NUMBER)
