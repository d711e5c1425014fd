"""How the cells of a published table are recomputed."""

from typing import ClassVar, Literal

from bayesnu.schema.record import Record

Quantity = Literal[
    "upper-limit", "upper-limit-from-zero", "interval-low", "interval-high", "half-width", "half-width-percent", "best",
    "counts",
]  # fmt: skip


class Recipe(Record):
    """What every recomputed cell declares: how it is read, how near it must come, where it is known not to."""

    compares: ClassVar[Literal["number", "formula"]] = "number"
    """What the cells print: a number to come near to, or a formula whose largest error is ours."""
    table: str
    unit: str
    reading: str
    """The reading in words, as it is shown beside each cell."""
    tolerance: float
    """A fraction of the published value."""
    tolerance_absolute: float = 0.0
    """In the cell's unit; of the two tolerances the larger one holds."""
    scale: float = 1.0
    """Cell units per unit of what is computed."""
    exposure_power: float | None = None
    """How the cell moves with every exposure, in the limit of a small signal; None where it follows no power."""
    no_exposure_power: str = ""
    """Why the cells follow no power of the exposure."""
    paper: str = ""
    """Whose number it is, where it is not this paper's own: one of `beside`."""
    deviation: str = ""
    """The known disagreement that these cells show."""
    reproducible: bool = True
    """False where no comparison is possible, as where nothing legible is printed: the deviation says why."""


class Block(Recipe, kw_only=True):
    """Cells of a table that are recomputed in one way: one reading for all of them."""

    rows: dict[str, tuple[str, ...]]
    """Row -> the experiments behind it."""
    columns: dict[str, str]
    """Column -> the parameter (or the term whose counts) that it prints."""
    model: str
    quantity: Quantity
    delta_chi2: float = 2.705543454095404
    beams: tuple[tuple[str, ...], ...] = ()
    """Flux components of separate chi-squares that are summed; empty: one chi-square of all of them."""
    restrict: dict[str, tuple[str, ...]] = {}
    readings: tuple[str, ...] = ()
    at: dict[str, float] = {}
    """Parameters that are not at their standard values, in the model's units."""
    together: tuple[str, ...] = ()
    """Parameters that are equal to the scanned one, all along."""
    near: float | None = None
    """Where the search for the best value starts, of a chi-square with several minima; absent: the standard value."""


class DerivedCells(Recipe, kw_only=True):
    """Cells of one column that follow from other numbers by a formula, without counts of their own."""

    column: str
    rows: dict[str, dict[str, float]]
    """Row -> arguments of the formula."""
    formula: Literal[
        "induced-coupling", "moment-limit-of-light-quarks", "millicharge-limit", "mass-of-volume", "physical-phases",
        "interference-suppression",
    ]  # fmt: skip
    cells: dict[str, str] = {}
    """Argument -> the column of the same table and row whose recomputed value, its scale undone, it is."""


class ModelChange(Recipe, kw_only=True):
    """A cell that prints by how many per cent the recomputed cells of a table change under another model (median)."""

    row: str
    column: str
    of_table: str
    model: str


class ShapeScan(Recipe, kw_only=True):
    """Cells that print a number of the form factor: its best value and its errors, templates rebuilt at each value."""

    row: str
    columns: dict[str, Literal["best", "minus", "plus", "low", "high"]]
    """Column -> the best value, its errors, or the ends of its interval."""
    model: str
    number: str
    """The field of the model's form factor that is scanned."""
    low: float
    high: float
    delta_chi2: float = 1.0
    projected_at: float | None = None
    """Of projected data, the value that they are computed at."""


class SolarBound(Recipe, kw_only=True):
    """Cells that follow from a published bound on the effective moment of solar neutrinos (arXiv:1905.03750, Eq 38)."""

    row: str
    columns: dict[str, int]
    """Column -> which of the three moments it bounds, 1 to 3, the others zero."""
    bound: float
    """In the cell's unit."""
    sin2_theta_13: float
    survival: float
    """P_e1 of two flavours at the energy that dominates."""


class MassScan(Recipe, kw_only=True):
    """Cells that print what is allowed or excluded over the masses of a heavy neutrino, templates exact at each."""

    row: str
    columns: dict[str, Literal["low", "high", "closing", "limit", "doubling"]]
    """Column -> lowest or highest allowed moment at any of the masses, the mass beyond which none is allowed, the upper
    limit at the first mass alone, or the mass whose own upper limit is twice that."""
    model: str
    experiments: tuple[str, ...] = ()
    """In place of the model's; empty: its own."""
    parameter: str
    """The moment."""
    mass: str
    """The parameter of the model that is the mass."""
    masses: tuple[float, ...]
    """Increasing, in the model's unit. Of a region delta chi2 is from the smallest chi2 of them all, of a limit from
    the smallest of its own mass."""
    delta_chi2: float


class MassReach(Recipe, kw_only=True):
    """A cell that prints the heaviest neutrino that a source can make with a recoil that is counted."""

    column: str
    rows: dict[str, tuple[str, ...]]
    """Row -> the experiments behind it."""
    model: str


class CoefficientCells(Recipe, kw_only=True):
    """Cells that print coefficients of a squared moment as formulas: ours is the largest error of each (2109.09545)."""

    compares: ClassVar[Literal["number", "formula"]] = "formula"
    column: str
    rows: tuple[str, ...]
    """Products of elements of lambda, such as "12,34"."""
    sign_13: Literal["tables", "matrix"] = "tables"
    """Sign of lambda_13 in the matrix formula: one of physics.moments4.SIGN_13."""
    points: int = 300
    seed: int = 2021
