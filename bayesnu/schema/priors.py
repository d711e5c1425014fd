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


class Haar(Record, tag_field="kind", tag="haar"):
    """sin^2 of a mixing angle theta_ij where no unitary matrix is preferred: density d (1 - x)^(d - 1), d = j - i.

    Under the Haar measure of U(N), with U a product of rotations R34 R24 R14 R23 R13 R12 (R23 R13 R12 for three), the
    sin^2 are independent and Beta(1, j - i), and all phases are flat: sin^2 theta_12 and _23 are uniform, as is
    cos^4 theta_13. Hurwitz, Nachr. Ges. Wiss. Goettingen (1897) 71; Haba and Murayama, Phys. Rev. D 63 (2001) 053010.
    """

    apart: int
    """j - i of theta_ij: 1 for neighbours, 2 for theta_13, 3 for theta_14."""


Prior = Uniform | LogUniform | SquareUniform | Normal | HalfNormal | TruncatedNormal | Circular | ControlCounts | Haar
