"""No point of a profile is improved by many random restarts."""

import pytest

import bayesnu as bn
from bayesnu import catalog
from bayesnu.infer import minimise
from bayesnu.infer.conditional import Conditional
from bayesnu.infer.profile import profile

IMPROVED = 1e-3
"""In chi2."""


def largest_improvement(name, parameter, points, restarts):
    """By how much the best of many random starts at a point is below the profile there, at worst."""
    problem = minimise.prepare(bn.load(name))
    found = profile(problem, parameter, others="profiled", level=0.90, points=points)
    line = Conditional.of(problem, [parameter], "profiled")
    below = []
    for i, value in enumerate(found["value"].values):
        best = min(line.minimum([value], x).cost for x in line.random(restarts, seed=1000 + i))
        below.append(found["delta_chi2"].values[i] + found.attrs["chi2_min"] - best)
    return max(below)


@pytest.mark.parametrize("parameter", ["lambda_1", "lambda_3"])
def test_the_whole_space_of_one_experiment(parameter):
    assert largest_improvement("tmm-full", parameter, points=11, restarts=20) < IMPROVED


@pytest.mark.slow
@pytest.mark.parametrize("parameter", ["lambda_1", "lambda_2", "lambda_3"])
def test_fifty_points_of_the_global_model(parameter):
    if "global-tmm" not in catalog.models(catalog.open_catalog()):
        pytest.skip("the global model is not there")
    assert largest_improvement("global-tmm", parameter, points=50, restarts=40) < IMPROVED
