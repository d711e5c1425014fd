"""The quick part of the conformance suite (tests/calibration/engines.py): what takes no compiler.

NUTS and forty dimensions are in tests/unit/test_engines.py and, with everything else, in `make calibrate`.
"""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bayesnu.infer import ensemble, nested

SUITE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "calibration" / "engines.py")))

RUN = {
    "emcee (DE)": lambda a, seed: SUITE.judged(
        a, ensemble.ensemble(a, seed=seed, options=ensemble.Options(ensembles=8, steps=1200))
    ),
    "nested (nautilus)": lambda a, seed: SUITE.judged(
        a, nested.nested(a, seed=seed, options=nested.Options(live=300, draws=700))
    ),
}


@pytest.mark.parametrize("engine", RUN)
@pytest.mark.parametrize("target", ["seam", "wall"])
def test_an_angle_at_its_seam_and_a_modulus_at_its_wall(target, engine, tmp_path):
    outcomes = SUITE.measure(target, engine, seed=3, root=tmp_path, run=RUN[engine])
    assert all(o.sigmas < SUITE.SIGMAS for o in outcomes), outcomes
    assert all(o.error < 0.03 for o in outcomes), outcomes


def test_nested_sampling_of_a_blind_spot(tmp_path):
    outcomes = SUITE.measure("blind spot", "nested (nautilus)", seed=3, root=tmp_path, run=RUN["nested (nautilus)"])
    assert SUITE.verdict(outcomes) == "right", outcomes


def test_the_suite_sees_a_wrong_engine(tmp_path):
    """A sampler that loses a fifth of the variance, as the snooker move of emcee 3.1.6 does, is wrong and silent."""

    def wrong(analysis, seed):
        rng = np.random.default_rng(seed)
        counts, variance, observed = SUITE.gaussian_numbers()
        precision = SUITE.PRIOR_SD**-2 + counts**2 / variance
        mean = (SUITE.PRIOR_SD**-2 + counts * observed / variance) / precision
        z = np.sqrt(0.8) * rng.standard_normal((SUITE.DIMENSIONS, 4, 500))
        x = mean[:, None, None] + z / np.sqrt(precision)[:, None, None]
        return SUITE.Drawn({f"scale_b{i:02d}": x[i] for i in range(SUITE.DIMENSIONS)}, ())

    outcomes = SUITE.measure("gaussian", "NUTS (nutpie)", seed=1, root=tmp_path, run=wrong)
    assert SUITE.verdict(outcomes) == "WRONG, silently"
    assert {o.quantity for o in outcomes if o.sigmas > SUITE.SIGMAS} == {"variance"}
    table = SUITE.table(outcomes)
    assert "| N(0, 1) in 40 dimensions | WRONG, silently |" in table
