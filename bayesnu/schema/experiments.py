"""An experiment: one data set and the published numbers that prove it."""

from bayesnu.schema.counts import Background, Counts, GaussianStatistic, Observable, PoissonStatistic
from bayesnu.schema.detectors import Detector, Knob
from bayesnu.schema.fluences import Fluence
from bayesnu.schema.record import Record
from bayesnu.schema.source import Source


class CountCheck(Record):
    """A published number of events that the standard-model prediction must meet."""

    model: str
    events: float
    tolerance: float
    where: str
    fluxes: tuple[str, ...] = ()
    window: tuple[float, float] | None = None


class Experiment(Record):
    """One data set: source, detector, counts, statistic, and the published numbers that prove it."""

    title: str
    revision: int
    dataset: str
    standard_model: str
    """Name of the model with which `bayesnu predict` predicts when none is named."""
    flux: str
    observable: Observable
    counts: Counts
    statistic: GaussianStatistic | PoissonStatistic
    sources: dict[str, Source]
    fluence: Fluence | None = None
    detector: Detector | None = None
    templates: str = ""
    """A CSV (flux, term, bin, counts) of counts per unit coupling, in place of fluence and detector."""
    backgrounds: dict[str, Background] = {}
    knobs: dict[str, Knob] = {}
    checks: tuple[CountCheck, ...] = ()
