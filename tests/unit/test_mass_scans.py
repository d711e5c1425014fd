"""Ends of a region of moments and masses, on a chi2 that is known in closed form."""

import msgspec
import numpy as np
import pytest

from bayesnu.errors import PredictionError
from bayesnu.papers import masses
from bayesnu.papers.masses import ENDS, Region
from bayesnu.schema import MassScan

SCAN = MassScan(
    table="text", unit="1", reading="as printed", tolerance=0.01, row="row", columns={}, model="none", parameter="mu",
    mass="m4", masses=(0.01, 1.0, 2.0, 3.0), delta_chi2=1.0,
)  # fmt: skip


def weaker(mass):
    """The signal per squared moment falls with the mass."""
    return 1 / (1 + mass**2)


def region(wanted=4.0, growing=0.2, **changes):
    """chi2 = (s mu^2 - wanted)^2 + growing m^2, the signal s falling with the mass m."""

    def chi2(mass):
        return lambda mu: (weaker(mass) * mu**2 - wanted) ** 2 + growing * mass**2

    def best(mass):
        return masses.smallest(chi2(mass), 0.1, 100.0)

    return Region(msgspec.structs.replace(SCAN, **changes), chi2, best)


def border(mass, sign):
    """Where the chi2 of a mass is one above that of the lightest."""
    return np.sqrt((4 + sign * np.sqrt(1 + 0.2 * (1e-4 - mass**2))) / weaker(mass))


def test_the_smallest_chi2_of_a_mass():
    moment, value = region().best(2.0)
    assert moment == pytest.approx(np.sqrt(4 / weaker(2)), rel=1e-5)
    assert value == pytest.approx(0.8, abs=1e-9)


def test_a_region_is_as_wide_as_its_masses():
    assert ENDS["low"](region()) == pytest.approx(border(0.01, -1), rel=1e-6)
    assert ENDS["high"](region()) == pytest.approx(border(2.0, 1), rel=1e-6)


def test_a_region_ends_where_no_moment_is_allowed():
    assert ENDS["closing"](region()) == pytest.approx(np.sqrt(5 + 1e-4), rel=1e-5)


def test_no_moment_is_excluded_from_below():
    assert ENDS["low"](region(wanted=0.5)) == 0.0


def test_a_limit_and_the_mass_that_doubles_it():
    """Each mass from its own minimum: sqrt((4 + 1)/s)."""
    assert ENDS["limit"](region()) == pytest.approx(np.sqrt(5 / weaker(0.01)), rel=1e-6)
    assert ENDS["doubling"](region()) == pytest.approx(np.sqrt(4 * (1 + 1e-4) - 1), rel=1e-4)


@pytest.mark.parametrize(("end", "few"), [("closing", (0.01, 1.0)), ("doubling", (0.01, 1.0))])
def test_an_end_that_is_not_among_the_masses(end, few):
    with pytest.raises(PredictionError, match="name heavier ones"):
        ENDS[end](region(masses=few))
