"""What the catalog hands on: declarations with everything that they refer to."""

from typing import Literal

from bayesnu.schema.couplings import Couplings
from bayesnu.schema.experiments import Experiment
from bayesnu.schema.fluxes import Flux
from bayesnu.schema.form_factors import FormFactor
from bayesnu.schema.models import Fixed, Nuisance, Parameter
from bayesnu.schema.nuclei import Isotope
from bayesnu.schema.record import Record
from bayesnu.schema.source import Source


class Setup(Record):
    """One experiment under one model's beliefs, with every file read: all that a prediction needs."""

    name: str
    file: str
    experiment: Experiment
    flux: Flux
    isotopes: tuple[Isotope, ...]
    interaction: tuple[str, ...]
    restrict: dict[str, tuple[str, ...]]
    couplings: Couplings
    form_factor: FormFactor
    kinematics: Literal["leading", "exact"]
    axial: bool
    bins: tuple[tuple[float, float], ...]
    observed: tuple[float, ...]
    backgrounds: dict[str, tuple[float, ...]]
    """Backgrounds in the expectation, per bin at scale one."""
    variance: tuple[float, ...]
    """Variance per bin; empty for Poisson counts; ones for projected data, until those are computed."""
    projected: bool = False
    """Whether projected data have been computed: from then on they are data like any other."""
    template_rows: tuple[tuple[str, str, int, float], ...] = ()
    """(flux, term, bin, counts per unit coupling) where the experiment brings its own templates."""
    pairing_masses: tuple[tuple[int, int, float], ...] = ()
    """(charge, mass number, atomic mass [u]) of the nuclei around the isotopes, from which pairing gaps follow."""


class Citation(Record):
    """A source with the file that cites it."""

    file: str
    source: Source


class PublishedValue(Record):
    """A published limit with its value looked up."""

    parameter: str
    others: Literal["profiled", "zero"]
    value: float
    unit: str
    source: str


class Resolved(Record):
    """A model with everything it refers to: the plain record behind an Analysis."""

    name: str
    file: str
    title: str
    setups: tuple[Setup, ...]
    parameters: dict[str, Parameter]
    nuisances: dict[str, Nuisance]
    fixed: dict[str, Fixed]
    published: tuple[PublishedValue, ...]
    citations: tuple[Citation, ...]
