"""Prior densities."""

from bayesnu.schema.record import Record


class Uniform(Record, tag_field="kind", tag="uniform"):
    """Flat between low and high."""

    low: float
    high: float


class LogUniform(Record, tag_field="kind", tag="log-uniform"):
    """Flat in the logarithm between low and high."""

    low: float
    high: float


class SquareUniform(Record, tag_field="kind", tag="square-uniform"):
    """Flat in the square between low and high (of the parameter itself)."""

    low: float
    high: float


class Normal(Record, tag_field="kind", tag="normal"):
    """Gaussian, unbounded."""

    mean: float
    sd: float


class HalfNormal(Record, tag_field="kind", tag="half-normal"):
    """Gaussian around zero, folded to positive values."""

    sd: float


class TruncatedNormal(Record, tag_field="kind", tag="truncated-normal"):
    """Gaussian cut to [low, high]."""

    mean: float
    sd: float
    low: float
    high: float


class Circular(Record, tag_field="kind", tag="circular"):
    """Angle on the circle: von Mises around mean; concentration 0 is flat."""

    mean: float = 0.0
    concentration: float = 0.0


class ControlCounts(Record, tag_field="kind", tag="control-counts"):
    """Scale of a background measured by its own Poisson counts n: Gamma(n + 1, n), the flat-prior posterior."""

    counts: float = 0.0
    """Filled in per bin from the background that it scales."""


Prior = Uniform | LogUniform | SquareUniform | Normal | HalfNormal | TruncatedNormal | Circular | ControlCounts
