"""A paper: its readings, its tables, what it takes as given, and where we disagree."""

from bayesnu.schema.figures import ExclusionFigure, Figure, SolarFigure
from bayesnu.schema.recipes import (
    Block,
    CoefficientCells,
    DerivedCells,
    MassReach,
    MassScan,
    ModelChange,
    ShapeScan,
    SolarBound,
)
from bayesnu.schema.record import Record


class Reading(Record):
    """A named choice where a paper is silent: what it overlays, and the evidence."""

    evidence: str
    applies_to: tuple[str, ...]
    """experiments/NAME or fluxes/NAME, each."""
    overlay: dict[str, object]
    """Dotted path -> value."""


class Inputs(Record):
    """Cells that the paper takes as given."""

    table: str
    rows: tuple[str, ...] = ()
    """Rows; empty means all of the table."""
    columns: tuple[str, ...] = ()
    reading: str = "as printed"
    """What our declarations have, where it is another number or another meaning."""


class Deviation(Record):
    """A known disagreement with a paper: what it says, what we find, and why."""

    claim: str
    finding: str
    evidence: str
    ratio: tuple[float, float] | None = None
    """Where ours / published lies: a disagreement of any other size is not this one, and no cell is excused by it."""


class Paper(Record):
    """A paper: its readings, how its tables are recomputed, what it takes as given, where it disagrees."""

    title: str
    reference: str
    arxiv: str
    readings: dict[str, Reading] = {}
    blocks: tuple[Block, ...] = ()
    shape_scans: tuple[ShapeScan, ...] = ()
    solar_bounds: tuple[SolarBound, ...] = ()
    derived_cells: tuple[DerivedCells, ...] = ()
    model_changes: tuple[ModelChange, ...] = ()
    mass_scans: tuple[MassScan, ...] = ()
    mass_reaches: tuple[MassReach, ...] = ()
    coefficient_cells: tuple[CoefficientCells, ...] = ()
    figures: tuple[Figure, ...] = ()
    solar_figures: tuple[SolarFigure, ...] = ()
    exclusion_figures: tuple[ExclusionFigure, ...] = ()
    inputs: tuple[Inputs, ...] = ()
    beside: tuple[str, ...] = ()
    """Other tables of data/published/ whose numbers are compared with this paper's set-ups, under their own names."""
    deviations: dict[str, Deviation] = {}
