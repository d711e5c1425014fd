"""How the contours of a published figure are drawn again."""

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


class SolarFigure(Record, kw_only=True):
    """Panels of a figure that draw a bound on the effective moment of solar neutrinos (arXiv:1905.03750, Eq 38)."""

    figure: str
    panel: str
    bound: float
    unit: str
    sin2_theta_13: float
    survival: float
    reading: str
