"""Profiles with several minima, on costs that are written down here."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize

from bayesnu.infer import conditional, coordinates
from bayesnu.infer.branches import Seed, trace
from bayesnu.infer.conditional import Conditional
from bayesnu.infer.minimise import Minimisation, Minimum
from bayesnu.infer.profile import profile
from bayesnu.likelihood import nuisances
from bayesnu.likelihood.analysis import Free
from bayesnu.report import plots, profiles
from bayesnu.schema import Uniform

DEPTH, CROSSING = 20.0, 2.0


def wells(tilt):
    """Two wells at b = -1 and 1, of which the first is the deeper one beyond a = 2."""

    def cost(y):
        a, b = y
        value = DEPTH * (b * b - 1) ** 2 + tilt * (a - CROSSING) * b + (a - 1) ** 2
        return value, np.array([tilt * b + 2 * (a - 1), 4 * DEPTH * b * (b * b - 1) + tilt * (a - CROSSING)])

    return cost


def problem(cost, low=(0.0, -3.0), high=(4.0, 3.0)):
    """A cost of two parameters, a and b."""
    free = tuple(
        Free(name, "1", Uniform(low=lo, high=hi), "parameter", "number", 1.0, name)
        for name, lo, hi in zip("ab", low, high, strict=True)
    )
    where = coordinates.Coordinates(("a", "b"), np.array(low), np.array(high), np.ones(2), (), ())
    solved = nuisances.Affine((), np.zeros(0), np.zeros(0), np.ones((1, 1)))
    return Minimisation(SimpleNamespace(free=free), where, solved, cost)


def well(tilt, a, side):
    """The minimum over b on one side, by another method."""
    value = optimize.minimize_scalar(
        lambda b: wells(tilt)(np.array([a, b]))[0], bounds=sorted((0.0, 2.0 * side)), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    return float(value.fun)


def test_both_wells_are_followed_and_where_they_cross_is_seen():
    tilt = 3.0
    found = profile(problem(wells(tilt)), "a", others="profiled", level=0.90, points=41)
    costs = found["branch_delta_chi2"].values + found.attrs["chi2_min"]
    assert costs.shape == (2, 41)
    expected = np.array([[well(tilt, a, side) for a in found["value"].values] for side in (1, -1)])
    order = [0, 1] if found["at_b"][0] > 0 else [1, 0]
    np.testing.assert_allclose(costs[order], expected, atol=1e-6)
    switches = np.flatnonzero(np.diff(found["branch"].values))
    assert len(switches) == 1
    assert found["value"][switches[0]] <= CROSSING <= found["value"][switches[0] + 1]
    np.testing.assert_allclose(found["delta_chi2"].values, found["branch_delta_chi2"].min("follows").values, atol=1e-9)


def test_a_branch_ends_where_its_well_does():
    """The wells vanish at |tilt (a - 2)| = 8 depth / sqrt 27: from there one falls into the other."""
    tilt = 20.0
    edge = 8 * DEPTH / np.sqrt(27) / tilt
    line, grid = Conditional.of(problem(wells(tilt)), ["a"], "profiled"), np.linspace(0.0, 4.0, 81)
    seeds = [Seed(40, line.minimum([CROSSING], np.array([0.0, side]))) for side in (-1.0, 1.0)]
    # At the crossing itself both cost the same: begin beside it.
    seeds = [Seed(30, line.minimum([grid[30]], s.minimum.x)) for s in seeds]
    traced = trace(line, [[a] for a in grid], seeds, lambda i: [], lambda: None)
    ends = sorted((grid[min(b)], grid[max(b)]) for b in traced.branches)
    step = grid[1] - grid[0]
    assert ends[0] == (0.0, pytest.approx(CROSSING + edge, abs=2 * step))
    assert ends[1] == (pytest.approx(CROSSING - edge, abs=2 * step), 4.0)


def test_a_minimum_that_only_one_start_finds_is_told():
    line = Conditional.of(problem(wells(3.0)), ["a"], "profiled")
    grid = [[a] for a in (0.0, 1.0)]
    seeds = [Seed(0, line.minimum(grid[0], np.array([0.0, -1.0])))]
    poor = trace(line, grid, seeds, lambda i: [], lambda: None)
    both = trace(line, grid, seeds, lambda i: [np.array([0.0, 1.0])] if i == 0 else [], lambda: None)
    assert [poor.reached(i) for i in (0, 1)] == [1, 1]
    assert both.lowest(0).cost < poor.lowest(0).cost - 1
    assert both.reached(0) == 1
    assert both.branch_of(1) == 1


def test_what_stands_at_the_end_of_its_range_is_named():
    found = profile(problem(wells(3.0), high=(4.0, 0.9)), "a", others="profiled", level=0.999, points=21)
    upper = found["at_b"].values > 0
    assert upper.any()
    assert not upper.all()
    assert set(found["range_end"].values[upper]) == {"b high"}
    assert set(found["range_end"].values[~upper]) == {""}


def test_a_cp_image_that_costs_the_same_is_no_second_start():
    line = Conditional.of(problem(wells(0.0)), ["a"], "profiled")
    start = np.array([1.0, 0.5])
    assert len(line.with_image(start)) == 1
    turning = line.problem._replace(coordinates=line.problem.coordinates._replace(angles=(1,)))
    odd = turning._replace(cost=lambda y: (np.sin(y[1]), np.array([0.0, np.cos(y[1])])))
    assert len(line._replace(problem=turning._replace(cost=lambda y: (0.0, np.zeros(2)))).with_image(start)) == 1
    assert [x[1] for x in line._replace(problem=odd).with_image(start)] == pytest.approx([0.5, 2 * np.pi - 0.5])


def test_minima_of_equal_chi2_are_one():
    minima = [Minimum(cost, np.zeros(1)) for cost in (2.0, 1.0, 1.0 + 0.5 * conditional.SAME)]
    assert [m.cost for m in conditional.distinct(minima)] == [1.0, 2.0]


def test_the_picture_marks_the_points_to_look_at():
    found = profile(problem(wells(3.0), high=(4.0, 0.9)), "a", others="profiled", level=0.999, points=21)
    found["reached"][:] = 2
    names = [line.get_label() for line in plots.profile_plot(found).axes[0].lines]
    assert "another parameter at an end of its range" in names
    assert "found by one start only" not in names
    found["reached"][3] = 1
    assert "found by one start only" in [line.get_label() for line in plots.profile_plot(found).axes[0].lines]
    assert "one start only" in profiles.as_text(found).splitlines()[4]
    assert profiles.as_json(found, "wells")["starts_disagree"][3]
