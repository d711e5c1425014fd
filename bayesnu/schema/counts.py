"""What was counted, in which bins, over which backgrounds, and how it fluctuates."""

from bayesnu.schema.record import Record


class Observable(Record):
    """What the bins are bins of."""

    name: str
    unit: str


class Background(Record):
    """Counts per bin at scale one: given here, or a column of the counts file."""

    counts: tuple[float, ...] = ()
    column: str = ""
    subtracted: bool = False
    """True where the observed counts have had it subtracted: it then enters the variance only."""


class Counts(Record):
    """Bins and observed counts: given here, or a CSV with columns low, high, observed and one per background."""

    bins: tuple[tuple[float, float], ...] = ()
    observed: tuple[float, ...] = ()
    file: str = ""
    observed_column: str = "observed"
    asimov: bool = False
    """Projected data, equal to the standard-model expectation of the model at hand, computed at build time."""


class GaussianStatistic(Record, tag_field="kind", tag="gaussian"):
    """Gaussian chi-square; the variance of a bin is a weighted sum of its observed and background counts."""

    variance: dict[str, float]
    """'observed' or a background -> its weight in the variance."""


class PoissonStatistic(Record, tag_field="kind", tag="poisson"):
    """Poisson counts."""
