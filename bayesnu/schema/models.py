"""A model: interactions, parameters with priors, nuisances, and what they scale."""

from typing import Literal

from bayesnu.schema.couplings import Couplings
from bayesnu.schema.detectors import Knob
from bayesnu.schema.form_factors import FormFactor
from bayesnu.schema.priors import Prior
from bayesnu.schema.record import Record
from bayesnu.schema.source import Source


class Parameter(Record):
    """A parameter of interest: its unit and the prior that is a belief, hence absent from the profile."""

    unit: str
    prior: Prior | None = None
    """Absent only in a term made by hand, whose user brings it."""
    latex: str = ""
    standard: float = 0.0
    """Its value in the standard model, where projected data are computed and what `others = zero` means."""
    knob: str = ""
    """Name of the knob of the model or of the experiments that it turns."""


class Scales(Record):
    """What a nuisance multiplies; an empty list of fluxes, terms or experiments means all of them."""

    fluxes: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    experiments: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    """Backgrounds; where it is given, the signal is left alone."""
    bins: tuple[int, ...] = ()
    """Bins of the backgrounds, counted from zero; empty means all."""


class Nuisance(Record):
    """A parameter whose prior is a measurement: it counts in the posterior and in the profile alike."""

    prior: Prior
    unit: str = "1"
    latex: str = ""
    scales: Scales | None = None
    knob: str = ""
    """Name of the knob of the model or of the experiments that it turns."""
    per_bin: bool = False
    """One copy a bin (name_01, name_02, ...) of the backgrounds that it scales."""


class Fixed(Record):
    """A number that a coupling uses and the model does not vary."""

    value: float
    unit: str


class PublishedLimit(Record):
    """A published number to stand beside ours: a cell of data/published/."""

    parameter: str
    others: Literal["profiled", "zero"]
    paper: str
    table: str
    row: str
    column: str


class Model(Record):
    """Beliefs: interactions, parameters with priors, nuisances, and the experiments that speak to them."""

    title: str
    experiments: tuple[str, ...]
    interaction: tuple[str, ...]
    couplings: Couplings
    form_factor: FormFactor
    kinematics: Literal["leading", "exact"]
    """'leading' drops the -T/E term of the standard-model cross section, as arXiv:1905.03750 Eq 20 does."""
    axial: bool
    sources: dict[str, Source]
    form_factors: dict[str, FormFactor] = {}
    """Experiment -> a form factor of its own, in place of the model's."""
    readings: tuple[str, ...] = ()
    restrict: dict[str, tuple[str, ...]] = {}
    """Interaction -> the only fluxes in which it acts; empty means none."""
    parameters: dict[str, Parameter] = {}
    nuisances: dict[str, Nuisance] = {}
    fixed: dict[str, Fixed] = {}
    knobs: dict[str, Knob] = {}
    """Numbers of the model itself that bend the shape: of the form factor, or the mass of a sterile neutrino."""
    sterile_mass_mev: float | None = None
    """Mass of the heavy neutrino that a dipole makes, where no parameter turns it."""
    published: tuple[PublishedLimit, ...] = ()
