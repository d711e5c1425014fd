"""Moments of a tabulated spectrum, 1e5 thresholds on 1000 points; it reports, it asserts nothing about time."""

import numpy as np
import pytest

from bayesnu.physics.spectrum_moments import moments_above

pytestmark = pytest.mark.bench


def test_moments_of_a_table(benchmark):
    energies = np.linspace(0.005, 0.42, 1000)
    lowest = np.random.default_rng(2).uniform(0, 0.45, 100_000)
    benchmark(moments_above, lowest, energies, energies**2 * (0.42 - energies))
    benchmark.extra_info["ns per threshold"] = benchmark.stats["min"] * 1e9 / lowest.size
