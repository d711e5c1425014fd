"""A profile of 50 points with everything else free, beside MIGRAD without gradients on the same chi2 in the same run.

MIGRAD minimises over every free parameter from the neighbour's minimum, one start a point. Its time is taken at a few
points and scaled. "no gradients" takes chi2 as it is without PyTensor; "compiled value" takes the compiled cost of the
profile itself, without its gradient: what compiling and the closed forms alone bring.
"""

import functools
import time
import warnings

import numpy as np
import pytest
from iminuit import Minuit

import bayesnu as bn
from bayesnu import catalog
from bayesnu.infer import minimise
from bayesnu.infer.coordinates import to_cartesian
from bayesnu.infer.profile import profile
from bayesnu.likelihood import nuisances

pytestmark = pytest.mark.bench

POINTS, TIMED, ROUNDS = 50, 3, 3
PARAMETER = "lambda_1"
MODELS = ["tmm-full", "global-tmm"]
RATIO_TARGET = 20.0


def migrad(cost, where, start, values):
    """CPU seconds of one point by MIGRAD without gradients, each from the minimum before; and the minima of chi2."""
    free = set(where.angles)
    ends = [(None, None) if i in free else ends for i, ends in enumerate(zip(where.low, where.high, strict=True))]
    costs, x, began = [], np.array(start), time.process_time()
    for value in values:
        x[where.names.index(PARAMETER)] = value
        fit = Minuit(cost, x, name=where.names)
        fit.errordef, fit.errors, fit.limits, fit.fixed[PARAMETER] = 1.0, 0.1 * where.size, ends, True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit.migrad()
        costs.append(fit.fval)
        x = np.array(fit.values)
    return (time.process_time() - began) / len(values), np.array(costs)


@pytest.mark.parametrize("name", MODELS)
def test_profile_of_fifty_points(benchmark, name):
    if name not in catalog.models(catalog.open_catalog()):
        pytest.skip("this model is not there")
    analysis = bn.load(name)
    problem, everything = minimise.prepare(analysis), minimise.coordinates(analysis, nuisances.none(analysis))
    where = problem.coordinates
    problem.cost(to_cartesian(where, minimise.random_starts(problem, 1, 0)[0]))
    scan = functools.partial(profile, problem, PARAMETER, others="profiled", level=0.90, points=POINTS)
    began = time.process_time()
    found = benchmark.pedantic(scan, rounds=ROUNDS)
    seconds = (time.process_time() - began) / ROUNDS
    timed = np.linspace(0, POINTS - 1, TIMED + 2).astype(int)[1:-1]
    values, ours = found["value"].values[timed], found["delta_chi2"].values[timed] + found.attrs["chi2_min"]
    start = analysis.centre()
    kept = [analysis.names.index(n) for n in where.names]
    plain = migrad(lambda x: float(analysis.chi2(x)), everything, start, values)
    compiled = migrad(lambda x: problem.cost(to_cartesian(where, np.asarray(x)))[0], where, start[kept], values)
    benchmark.extra_info["CPU seconds"] = seconds
    for kind, (per_point, costs) in (("no gradients", plain), ("compiled value", compiled)):
        benchmark.extra_info[f"times faster than MIGRAD, {kind} (target for no gradients: {RATIO_TARGET:g})"] = (
            POINTS * per_point / seconds
        )
        benchmark.extra_info[f"MIGRAD, {kind}: chi2 above ours at worst"] = float((costs - ours).max())
