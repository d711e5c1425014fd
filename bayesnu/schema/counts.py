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
    relative_to: dict[str, float] = {}
    """Parameters of a standard-model expectation that is the unit of the observed numbers and of their errors."""


class Share(Record):
    """Share of a flux's events that falls into each bin beside its energy: in arrival time, say."""

    value: float = 1.0
    column: str = ""
    """A column of the counts file, in place of one value for all bins."""


class GaussianStatistic(Record, tag_field="kind", tag="gaussian"):
    """Gaussian chi-square; the variance of a bin is a weighted sum of its counts, or a published error squared."""

    variance: dict[str, float] = {}
    """'observed' or a background -> its weight in the variance."""
    sd: tuple[float, ...] = ()
    """Standard deviations of the bins, in place of weights."""
    sd_column: str = ""
    """A column of the counts file with the standard deviations, in place of weights."""


class PoissonStatistic(Record, tag_field="kind", tag="poisson"):
    """Poisson counts."""
