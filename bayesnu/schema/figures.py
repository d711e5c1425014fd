"""How the contours of a published figure are drawn again."""

from typing import Literal

from bayesnu.schema.models import Fixed
from bayesnu.schema.record import Record


class Curve(Record):
    """One curve of a panel: whose data, and what stands elsewhere than in the standard model."""

    experiments: tuple[str, ...]
    model: str = ""
    """Empty: that of the figure."""
    at: dict[str, float] = {}
    """Free or fixed parameters at other values, in the model's units."""


class Figure(Record, kw_only=True):
    """Panels of a figure, one for each pair of parameters: contours of the profile chi-square, the others at zero."""

    figure: str
    panel: str
    model: str
    pairs: tuple[tuple[str, str], ...]
    curves: dict[str, Curve]
    """Label -> curve."""
    reading: str
    """What the paper leaves open, in words."""
    levels: tuple[float, ...] = (0.90,)
    beams: tuple[tuple[str, ...], ...] = ()
    """Flux components of separate chi-squares that are summed; empty: one chi-square of all of them."""
    restrict: dict[str, tuple[str, ...]] = {}
    readings: tuple[str, ...] = ()
    ranges: dict[str, tuple[float, float]] = {}
    """Parameter -> what its axis shows; absent: as far as the contours go."""
    points: int = 61
    """Of each parameter."""
    deviations: tuple[str, ...] = ()
    """The known disagreements that the panel shows."""


class SolarFigure(Record, kw_only=True):
    """Panels of a figure that draw a bound on the effective moment of solar neutrinos (arXiv:1905.03750, Eq 38)."""

    figure: str
    panel: str
    bound: float
    unit: str
    sin2_theta_13: float
    survival: float
    reading: str


class ExclusionCurve(Record):
    """One curve over the mass of a heavy neutrino: whose data, and which of its thresholds is drawn."""

    model: str
    convention: Literal["one-parameter", "two-parameter", "two-parameter-global"]
    """The rise of chi-square, and from which minimum: at each mass, or over all masses."""
    experiments: tuple[str, ...] = ()
    """In place of the model's; empty: its own."""
    masses: tuple[float, ...] = ()
    """In the model's unit; empty: over all that its prior allows, finer near closing masses."""


class ExclusionFigure(Record, kw_only=True):
    """A panel of a figure: what is allowed of one moment over the mass of a heavy neutrino, other moments zero."""

    figure: str
    panel: str
    parameter: str
    """The moment; where a model has another one, this takes its place, its unit and its range."""
    latex: str = ""
    """Of a moment that takes another's place."""
    curves: dict[str, ExclusionCurve]
    """Label -> curve."""
    reading: str
    """What the paper leaves open, in words."""
    mass: str = "m4"
    number: int = 40
    """Of masses with even steps in the logarithm, where a curve names none."""
    level: float = 0.90
    interaction: tuple[str, ...] = ()
    """In place of the models'; empty: theirs."""
    fixed: dict[str, Fixed] = {}
    """What this moment needs beside, over what the models fix."""
    deviations: tuple[str, ...] = ()
    """The known disagreements that the panel shows."""
