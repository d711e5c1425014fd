"""Every distinct minimum along a line of points, followed in both directions: where the lowest changes is seen.

A minimum belongs to a branch; a branch is continued from point to point, each from its neighbour, until it falls into
another one or the line ends. Fresh starts at each point, and each lowest minimum handed on to the neighbours on both
sides, find new branches.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.infer.conditional import SAME, Conditional
from bayesnu.infer.minimise import Minimum

Array = NDArray[np.float64]

MOST_BRANCHES = 12
"""More are not followed; what else is found at a point still counts there."""
MERGED = 2
"""A branch that meets another at so many points in a row is that branch: two that cross meet at one at most."""

Branch = dict[int, Minimum]
"""Point -> minimum, where it was followed."""


class Seed(NamedTuple):
    """A minimum at a point of the line, to be followed from there."""

    point: int
    minimum: Minimum


class Traced(NamedTuple):
    """All branches, and all minima found at each point, in the order in which they were found."""

    branches: list[Branch]
    found: list[list[Minimum]]

    def lowest(self, point: int) -> Minimum:
        """The best minimum found at a point."""
        return min(self.found[point], key=lambda m: m.cost)

    def branch_of(self, point: int) -> int:
        """Number of the branch that is lowest at a point, -1 where the lowest minimum is on none."""
        costs = [b[point].cost if point in b else np.inf for b in self.branches]
        best = int(np.argmin(costs)) if costs else -1
        return best if costs and costs[best] - self.lowest(point).cost < SAME else -1

    def reached(self, point: int) -> int:
        """How many starts ended at the lowest minimum of a point."""
        lowest = self.lowest(point).cost
        return sum(m.cost - lowest < SAME for m in self.found[point])

    def starts_at(self, point: int) -> list[Array]:
        """Where the branches are at a point."""
        return [b[point].x for b in self.branches if point in b]

    def known(self, point: int, m: Minimum) -> bool:
        """Whether a minimum is on a branch that has been followed already."""
        return any(point in b and abs(b[point].cost - m.cost) < SAME for b in self.branches)


def trace(
    line: Conditional, points: Sequence[Sequence[float]], seeds: Sequence[Seed],
    fresh: Callable[[int], Sequence[Array]], tick: Callable[[], None], ring: bool = False,
) -> Traced:  # fmt: skip
    """Branches of minima along points of the scanned parameters, from seeds and from fresh starts at each point.

    `tick` is called twice a point. On a ring, the first point and the last are the same.
    """
    traced = Traced([], [[] for _ in points])

    def consider(*seeds: Seed) -> None:
        waiting = list(seeds)
        while waiting:
            seed = waiting.pop()
            new = not traced.known(*seed)
            traced.found[seed.point].append(seed.minimum)
            if new and len(traced.branches) < MOST_BRANCHES:
                waiting += _follow(line, points, traced, seed)

    consider(*sorted(seeds, key=lambda s: -s.minimum.cost))
    for point in range(len(points)):
        for start in fresh(point):
            m = line.roughly(points[point], start)
            consider(Seed(point, m if traced.known(point, m) else line.minimum(points[point], m.x)))
        tick()
    last = len(points) - 1
    for point, seam in ((last, 0), (0, last)) if ring else ():
        consider(Seed(point, line.continued(points[point], traced.lowest(seam).x)))
    for point, neighbour in both_ways(len(points)):
        # The minima of branches have been handed on already.
        if traced.found[neighbour] and (traced.branch_of(neighbour) < 0 or not traced.found[point]):
            consider(Seed(point, line.continued(points[point], traced.lowest(neighbour).x)))
    for _ in points:
        tick()
    return traced


def both_ways(points: int) -> list[tuple[int, int]]:
    """Each point with the neighbour before it, upwards; then with the one behind it, downwards.

    >>> both_ways(3)
    [(1, 0), (2, 1), (1, 2), (0, 1)]
    """
    return [*((i, i - 1) for i in range(1, points)), *((i, i + 1) for i in range(points - 2, -1, -1))]


def _follow(line: Conditional, points: Sequence[Sequence[float]], traced: Traced, seed: Seed) -> list[Seed]:
    """Continue a minimum both ways, to the ends of the line or into another branch; what else was met, to be followed.

    One step back must lead to where it came from; where it does not, a branch has ended, and what was met is new.
    """
    first, m = seed
    branch = {first: m}
    met = [Seed(first, line.minimum(points[first], x)) for x in line.with_image(m.x, points[first])[1:]]
    traced.branches.append(branch)
    for step in (1, -1):
        before, merged = m, 0
        ahead = range(first + 1, len(points)) if step > 0 else range(first - 1, -1, -1)
        for here in ahead:
            there = line.continued(points[here], before.x)
            back = line.continued(points[here - step], there.x)
            if abs(back.cost - before.cost) > SAME:
                met += [Seed(here, there), Seed(here - step, back)]
                break
            traced.found[here].append(there)
            merged = merged + 1 if traced.known(here, there) else 0
            if merged == MERGED:
                del branch[here - step]
                break
            branch[here] = there
            before = there
    return met
