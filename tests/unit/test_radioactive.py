"""Decays of a source and the mean of 1/(4 pi r^2) over a cylinder beside it."""

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss
from scipy import integrate

from bayesnu.catalog.fact_rules import geometry_problems
from bayesnu.physics.radioactive import BECQUEREL_IN_MCI, decays, decays_per_cm2, mean_dilution_per_m2
from bayesnu.schema import SourceBelowCylinder

SHAPES = [(1.38, 1.38, 1.69), (1.38, 1.38, 1.0), (0.2, 3.0, 0.11), (5.0, 0.01, 2.6), (1.0, 1.0, 40.0)]


def source(**changes):
    values = {"activity_mci": 5.0, "half_life_d": 27.7025, "live_time_d": 100.0, "height_m": 1.38, "diameter_m": 1.38}
    return SourceBelowCylinder(**{**values, "distance_to_centre_m": 1.69, **changes})


@pytest.mark.parametrize(("height", "diameter", "distance"), SHAPES)
def test_dilution_against_quadrature_in_two_dimensions(height, diameter, distance):
    def integrand(rho, z):
        return 2 * rho / (rho**2 + z**2)

    low, high, radius = distance - height / 2, distance + height / 2, diameter / 2
    whole, _ = integrate.dblquad(integrand, low, high, 0, radius, epsrel=1e-10)
    expected = whole / (radius**2 * height) / (4 * np.pi)
    assert mean_dilution_per_m2(height, diameter, distance) == pytest.approx(expected, rel=1e-9)


def test_dilution_against_points_in_the_cylinder():
    generator, points = np.random.default_rng(5), 400_000
    z = 1.69 + 1.38 * (generator.uniform(size=points) - 0.5)
    rho_squared = 0.69**2 * generator.uniform(size=points)
    sample = 1 / (4 * np.pi * (rho_squared + z**2))
    error = sample.std() / np.sqrt(points)
    assert abs(mean_dilution_per_m2(1.38, 1.38, 1.69) - sample.mean()) < 4 * error


def test_far_away_it_is_the_inverse_square():
    assert mean_dilution_per_m2(0.01, 0.01, 20.0) == pytest.approx(1 / (4 * np.pi * 400), rel=1e-6)


@pytest.mark.parametrize("distance", [0.0, 0.5, 0.69])
def test_a_source_inside_is_refused(distance):
    with pytest.raises(ValueError, match="in it"):
        mean_dilution_per_m2(1.38, 1.38, distance)
    (problem,) = geometry_problems("x.toml", source(distance_to_centre_m=distance))
    assert problem.field == "fluence.distance_to_centre_m"
    assert list(geometry_problems("x.toml", source())) == []
    assert list(geometry_problems("x.toml", None)) == []


@pytest.mark.parametrize("days", [1e-3, 27.7025, 55.405, 100.0])
def test_decays_against_quadrature(days):
    nodes, weights = leggauss(30)
    times = days * (1 + nodes) / 2
    expected = (days / 2 * weights * 5 * BECQUEREL_IN_MCI * 0.5 ** (times / 27.7025)).sum() * 86400
    assert decays(5.0, 27.7025, days) == pytest.approx(expected, rel=1e-13)


def test_decays_by_hand():
    # Half of them in a half-life.
    assert decays(1.0, 10.0, 10.0) == pytest.approx(decays(1.0, 10.0, 1e4) / 2, rel=1e-12)
    assert decays(1.0, 1.0, 1e-9) == pytest.approx(3.7e16 * 86400e-9, rel=1e-6)


def test_decays_per_cm2():
    expected = decays(5.0, 27.7025, 100.0) * mean_dilution_per_m2(1.38, 1.38, 1.69) / 1e4
    assert decays_per_cm2(source()) == expected
    # Two half-lives at 25 cm are 1.27e13 a second on average, as a point.
    point = source(live_time_d=55.405, height_m=0.001, diameter_m=0.001, distance_to_centre_m=0.25)
    assert decays_per_cm2(point) / (55.405 * 86400) == pytest.approx(1.27e13, rel=0.005)
