"""The shape of every declaration: frozen records, unknown keys forbidden, units in the names."""

from typing import Literal, dataclass_transform

from msgspec import Struct, field

Status = Literal["released", "typed", "digitised", "recalled", "inferred"]
Flavour = Literal["nu_e", "nubar_e", "nu_mu", "nubar_mu", "nu_tau", "nubar_tau"]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Record(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A declaration: immutable, complete, without unknown keys."""


class Source(Record):
    """Where numbers come from: a reference, the place in it, how the numbers were obtained, and the files' hashes."""

    reference: str
    where: str
    status: Status
    arxiv: str = ""
    doi: str = ""
    note: str = ""
    covers: tuple[str, ...] = ()
    """Fields of this declaration, as dotted paths, whose values come from here."""
    files: dict[str, str] = {}
    """File name -> SHA-256 of its bytes."""


# --- nuclei -----------------------------------------------------------------------------------------------------------


class Isotope(Record):
    """One nucleus: charge, mass number, atomic mass [u], abundance, charge radius [fm], unpaired spins."""

    element: str
    charge: int
    mass_number: int
    mass_u: float
    abundance: float
    charge_radius_fm: float
    unpaired_protons: int
    unpaired_neutrons: int

    @property
    def name(self) -> str:
        """Conventional name, such as 133Cs."""
        return f"{self.mass_number}{self.element}"

    @property
    def neutrons(self) -> int:
        """Number of neutrons."""
        return self.mass_number - self.charge


class IsotopeTable(Record):
    """The table of nuclei and its sources."""

    title: str
    isotopes: str
    """File name of the CSV."""
    sources: dict[str, Source]


# --- fluxes -----------------------------------------------------------------------------------------------------------


class Line(Record, tag_field="shape", tag="line"):
    """A monoenergetic component."""

    flavour: Flavour
    energy_mev: float


class MichelElectron(Record, tag_field="shape", tag="michel-electron"):
    """Electron (anti)neutrinos of muon decay at rest, 192 E^2 (1/2 - E/m)/m^3."""

    flavour: Flavour


class MichelMuon(Record, tag_field="shape", tag="michel-muon"):
    """Muon (anti)neutrinos of muon decay at rest, 64 E^2 (3/4 - E/m)/m^3."""

    flavour: Flavour


Component = Line | MichelElectron | MichelMuon


class Flux(Record):
    """Spectra of a source, each normalised to one neutrino; the experiment gives the fluence."""

    title: str
    components: dict[str, Component]
    sources: dict[str, Source]


# --- experiments ------------------------------------------------------------------------------------------------------


class Fluence(Record):
    """Neutrinos per cm2 and component: protons on target x neutrinos per proton / (4 pi baseline^2)."""

    protons_on_target: float
    neutrinos_per_proton: float
    baseline_m: float


class Target(Record):
    """Detector material: atoms per formula unit (elements in natural composition, or isotopes) and mass [kg]."""

    formula: dict[str, float]
    mass_kg: float


class LinearResponse(Record, tag_field="kind", tag="linear"):
    """Observable proportional to the nuclear recoil energy."""

    per_kev: float
    """Observable units per keV of nuclear recoil."""


class PhotoelectronResponse(Record, tag_field="kind", tag="photoelectrons"):
    """Whole photoelectrons, Poisson around a mean proportional to the nuclear recoil energy."""

    per_kev: float
    """Mean photoelectrons per keV of nuclear recoil."""
    acceptance_offset: float
    """The acceptance of n photoelectrons is read at n + this."""


Response = LinearResponse | PhotoelectronResponse


class FlatEfficiency(Record, tag_field="kind", tag="flat"):
    """The same efficiency everywhere."""

    value: float


class SigmoidEfficiency(Record, tag_field="kind", tag="sigmoid"):
    """plateau / (1 + exp(-slope (x - midpoint))) x step(x) in the observable x (arXiv:1905.03750, Eqs 30, 31)."""

    plateau: float
    slope: float
    midpoint: float
    steps: tuple[tuple[float, float], ...] = ()
    """(x, factor): the factor holds from x to the next step; below the first step nothing is accepted."""


class Detector(Record):
    """From a recoil to a count: target, response, efficiency."""

    target: Target
    response: Response
    efficiency: FlatEfficiency | SigmoidEfficiency


class Observable(Record):
    """What the bins are bins of."""

    name: str
    unit: str


class Knob(Record):
    """A detector number that bends the shape: templates are built on Chebyshev nodes in [low, high]."""

    bends: str
    """Dotted path of the number inside the detector, such as response.per_kev."""
    low: float
    high: float
    tolerance: float
    """Largest relative error of the interpolated counts, off the nodes."""
    nodes: int = 9


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


class GaussianStatistic(Record, tag_field="kind", tag="gaussian"):
    """Gaussian chi-square; the variance of a bin is a weighted sum of its observed and background counts."""

    variance: dict[str, float]
    """'observed' or a background -> its weight in the variance."""


class PoissonStatistic(Record, tag_field="kind", tag="poisson"):
    """Poisson counts."""


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


# --- models -----------------------------------------------------------------------------------------------------------


class TreeCouplings(Record, tag_field="kind", tag="tree"):
    """Neutrino-quark couplings at tree level."""


class RadiativeCouplings(Record, tag_field="kind", tag="radiative"):
    """Neutrino-quark couplings with radiative corrections (arXiv:1905.03750, Eq 22)."""

    rho: float
    kappa: float
    lambda_u_left: float
    lambda_d_left: float
    lambda_u_right: float
    lambda_d_right: float


Couplings = TreeCouplings | RadiativeCouplings


class Unity(Record, tag_field="kind", tag="unity"):
    """Point nucleus."""


class Helm(Record, tag_field="kind", tag="helm"):
    """Helm form factor with the Lewin-Smith radius."""

    skin_fm: float = 0.9
    radius_slope_fm: float = 1.23
    radius_offset_fm: float = -0.60
    diffuseness_fm: float = 0.52


class KleinNystrand(Record, tag_field="kind", tag="klein-nystrand"):
    """Klein-Nystrand form factor: hard sphere folded with a Yukawa potential."""

    radius_slope_fm: float = 1.23
    range_fm: float = 0.7


class SymmetrisedFermi(Record, tag_field="kind", tag="symmetrised-fermi"):
    """Symmetrised Fermi form factor (arXiv:1905.03750, Eqs 23, 24)."""

    radius_slope_fm: float = 1.23
    radius_offset_fm: float = -0.60
    diffuseness_fm: float = 0.52


class ShellModel(Record, tag_field="kind", tag="shell-model"):
    """Filled oscillator shells, one oscillator length for protons and neutrons from the charge radius."""


FormFactor = Unity | Helm | KleinNystrand | SymmetrisedFermi | ShellModel


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


class Parameter(Record):
    """A parameter of interest: its unit and the prior that is a belief, hence absent from the profile."""

    unit: str
    prior: Prior | None = None
    """Absent only in a term made by hand, whose user brings it."""
    latex: str = ""


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
    """Name of the experiments' knob that it turns."""
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
    readings: tuple[str, ...] = ()
    restrict: dict[str, tuple[str, ...]] = {}
    """Interaction -> the only fluxes in which it acts."""
    parameters: dict[str, Parameter] = {}
    nuisances: dict[str, Nuisance] = {}
    fixed: dict[str, Fixed] = {}
    published: tuple[PublishedLimit, ...] = ()


# --- readings ---------------------------------------------------------------------------------------------------------


class Reading(Record):
    """A named choice where a paper is silent: what it overlays, and the evidence."""

    evidence: str
    applies_to: str
    """experiments/NAME or fluxes/NAME."""
    overlay: dict[str, object]
    """Dotted path -> value."""


class Paper(Record):
    """A paper's readings."""

    title: str
    reference: str
    arxiv: str
    readings: dict[str, Reading] = {}


# --- what the catalog hands on ----------------------------------------------------------------------------------------


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
    """Variance per bin; empty for Poisson counts."""
    template_rows: tuple[tuple[str, str, int, float], ...] = ()
    """(flux, term, bin, counts per unit coupling) where the experiment brings its own templates."""


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
