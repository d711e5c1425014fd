"""One experiment of a model with several: the rest leaves nothing behind that would be an error."""

import pytest

import bayesnu as bn
from bayesnu.likelihood.loading import load_at

GLOBAL = "global-tmm"


@pytest.mark.parametrize("experiment", [setup.name for setup in bn.load(GLOBAL).model.setups])
def test_an_experiment_of_the_global_model_alone_expects_the_same(experiment):
    whole, alone = bn.load(GLOBAL), load_at(experiment, GLOBAL)
    names = [whole.names.index(name) for name in alone.names]
    x = whole.centre()
    x[whole.names.index("lambda_1")] = 3.0
    likelihood = whole.log_likelihoods(x[None])[experiment]
    assert alone.log_likelihoods(x[None, names])[experiment] == pytest.approx(likelihood, rel=1e-12)
