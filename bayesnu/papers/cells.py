"""One printed number beside ours: what a cell says, and whether the two agree."""

from typing import Literal, NamedTuple

from bayesnu.papers.printed import NOT_PRINTED, Printed
from bayesnu.schema import Paper, Recipe

Status = Literal["input", "agrees", "deviates", "not-reproducible"]


class Cell(NamedTuple):
    """One printed number and ours."""

    paper: str
    table: str
    row: str
    column: str
    unit: str
    published: str
    published_value: float | None
    ours: float | None
    tolerance: float | None
    reading: str
    status: Status
    deviation: str | None
    exposure_power: float | None
    source: str
    """Where the published number stands, in words."""
    status_of_source: str
    """How the published number was obtained: released, typed, digitised, recalled or inferred."""

    @property
    def ratio(self) -> float | None:
        """Ours over published."""
        return self.ours / self.published_value if self.ours is not None and self.published_value else None

    @property
    def alone(self) -> bool:
        """Whether the paper prints nothing here, so that ours has no counterpart."""
        return self.published == NOT_PRINTED


def given(printed: Printed, reading: str = "as printed") -> Cell:
    """A number that the paper takes as given."""
    return _cell(printed, None, None, reading, "input", None, None)


def compared(paper: Paper, printed: Printed, recipe: Recipe, ours: float) -> Cell:
    """A recomputed number beside the printed one: it agrees, deviates, or nothing legible is printed."""
    power, name = recipe.exposure_power, recipe.deviation or None
    if not recipe.reproducible:
        return _cell(printed, ours, None, recipe.reading, "not-reproducible", name, power)
    if recipe.compares == "formula":
        return _formula(printed, recipe, ours)
    tolerance = tolerance_of(printed, recipe)
    if _agrees(printed, ours, tolerance):
        return _cell(printed, ours, tolerance, recipe.reading, "agrees", None, power)
    known = name if excused(paper, recipe.deviation, ours, printed.number) else None
    return _cell(printed, ours, tolerance, recipe.reading, "deviates", known, power)


def _formula(printed: Printed, recipe: Recipe, error: float) -> Cell:
    """A printed formula and its largest error: a formula is no number, not even "0"."""
    status: Status = "agrees" if error <= recipe.tolerance_absolute else "deviates"
    found = _cell(printed, error, recipe.tolerance_absolute, recipe.reading, status, None, None)
    return found._replace(published_value=None)


def tolerance_of(printed: Printed, recipe: Recipe) -> float | None:
    """The larger of the two tolerances of a recipe, in the cell's unit; none of a printed bound."""
    if printed.number is None:
        return None
    return max(recipe.tolerance * abs(printed.number), recipe.tolerance_absolute)


def excused(paper: Paper, name: str, ours: float, published: float | None) -> bool:
    """Whether a known disagreement says so much and no more: without a range it excuses nothing."""
    known = paper.deviations.get(name)
    if known is None or known.ratio is None or not published:
        return False
    low, high = known.ratio
    return low <= ours / published <= high


def _agrees(printed: Printed, ours: float, tolerance: float | None) -> bool:
    if printed.bound is not None:
        return ours < printed.bound
    return printed.number is not None and tolerance is not None and abs(ours - printed.number) <= tolerance


def _cell(printed: Printed, ours: float | None, tolerance: float | None, reading: str, status: Status,
          deviation: str | None, exposure_power: float | None) -> Cell:  # fmt: skip
    paper, table, row, column = printed.key
    return Cell(
        paper=paper, table=table, row=row, column=column, unit=printed.unit, published=printed.value,
        published_value=printed.number, ours=ours, tolerance=tolerance, reading=reading, status=status,
        deviation=deviation, exposure_power=exposure_power, source=printed.source,
        status_of_source=printed.status_of_source,
    )  # fmt: skip
