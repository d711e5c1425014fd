"""What makes the place of a source a wrong one."""

from collections.abc import Iterator

from bayesnu.errors import Problem
from bayesnu.schema import Fluence, SourceBelowCylinder


def geometry_problems(file: str, fluence: Fluence | None) -> Iterator[Problem]:
    """A source below a cylinder lies outside it."""
    if not isinstance(fluence, SourceBelowCylinder):
        return
    nearest = fluence.height_m / 2
    if not fluence.distance_to_centre_m > nearest:
        expected = f"more than {nearest:g} m, half the height of the cylinder"
        hint = "measure the distance from the centre of the cylinder, not from its bottom"
        yield Problem(file, "fluence.distance_to_centre_m", f"{fluence.distance_to_centre_m:g}", expected, hint)
