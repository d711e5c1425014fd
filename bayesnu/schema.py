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
    pairing: str = ""
    """File name of the CSV (charge, mass_number, mass_u) of the atomic masses that pairing gaps need."""


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


class FissionIsotope(Record):
    """One fissile isotope of a reactor core: its share, energy per fission [MeV], and antineutrino spectrum.

    Above `switch_mev` of the spectrum: exp(polynomial in E/MeV) per MeV and fission; below: a table.
    """

    fraction: float
    energy_per_fission_mev: float
    polynomial: tuple[float, ...]
    low_energy: tuple[float, ...]
    """Antineutrinos per MeV and fission at the energies of the spectrum's table, linear between them."""


class ReactorSpectrum(Record, tag_field="shape", tag="reactor"):
    """Electron antineutrinos per fission of a core: not normalised to one."""

    flavour: Flavour
    isotopes: dict[str, FissionIsotope]
    low_energy_mev: tuple[float, ...]
    """Energies of the low-energy table; the first is zero, the last is where the polynomials start."""
    end_mev: float


class MaxwellFit(Record, tag_field="shape", tag="maxwell-fit"):
    """A Maxwell-like fit a E^b exp(-c E^d) to a spectrum [1/MeV], E in MeV, cut to [start, end]."""

    flavour: Flavour
    amplitude: float
    power: float
    slope: float
    exponent: float
    start_mev: float
    end_mev: float


Component = Line | MichelElectron | MichelMuon | ReactorSpectrum | MaxwellFit


class Flux(Record):
    """Spectra of a source, each normalised to one neutrino; the experiment gives the fluence."""

    title: str
    components: dict[str, Component]
    sources: dict[str, Source]


# --- experiments ------------------------------------------------------------------------------------------------------


class ProtonsOnTarget(Record, tag_field="kind", tag="protons-on-target"):
    """Neutrinos per cm2 and component: protons on target x neutrinos per proton / (4 pi baseline^2)."""

    protons_on_target: float
    neutrinos_per_proton: float
    baseline_m: float


class QuotedFlux(Record, tag_field="kind", tag="quoted-flux"):
    """A quoted flux per component x live time; a spectrum per fission is divided by its neutrinos per fission."""

    flux_per_cm2_s: float
    live_time_s: float
    neutrinos_per_spectrum: float = 1.0
    """What the spectrum integrates to in the reckoning of whoever quotes the flux."""


class ReactorPower(Record, tag_field="kind", tag="reactor-power"):
    """Fissions per cm2: thermal power / mean energy per fission / (4 pi baseline^2) x live time."""

    thermal_power_gw: float
    baseline_m: float
    live_time_s: float


Fluence = ProtonsOnTarget | QuotedFlux | ReactorPower


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


class LindhardResponse(Record, tag_field="kind", tag="lindhard"):
    """Electron-equivalent energy [keV] of a nuclear recoil after Lindhard quenching (arXiv:1905.03750, Eq 27).

    'self-consistent' inverts E = Q(T) T; 'at-threshold' divides each bin edge by Q taken at the edge itself, the
    shortcut that reproduces the reactor limits of that paper.
    """

    edges: Literal["self-consistent", "at-threshold"]
    k: float | None = None
    """Lindhard's k; absent: 0.133 Z^(2/3) A^(-1/2) of each isotope."""


Response = LinearResponse | PhotoelectronResponse | LindhardResponse


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
    asimov: bool = False
    """Projected data, equal to the standard-model expectation of the model at hand, computed at build time."""


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
    """Helm form factor with the Lewin-Smith radius, or with a neutron radius of one's own."""

    skin_fm: float = 0.9
    radius_slope_fm: float = 1.23
    radius_offset_fm: float = -0.60
    diffuseness_fm: float = 0.52
    neutron_rms_fm: float | None = None
    """Rms radius of the neutrons; the protons then have the isotope's charge radius."""


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

    length_fm: float | None = None
    """The oscillator length, in place of the one that the charge radius asks for."""


class Bcs(Record, tag_field="kind", tag="bcs"):
    """Paired nucleons in oscillator functions; pairing gaps from masses, length from the charge radius."""

    skin_fm: float | None = None
    """Radius of the neutrons less that of the protons; absent: what the occupied levels give."""


class BcsWoodsSaxon(Record, tag_field="kind", tag="bcs-ws"):
    """Paired nucleons in Woods-Saxon functions, scaled to the charge radius; pairing gaps from masses."""

    skin_fm: float | None = None
    """Radius of the neutrons less that of the protons; absent: what the well gives."""


FormFactor = Unity | Helm | KleinNystrand | SymmetrisedFermi | ShellModel | Bcs | BcsWoodsSaxon


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
    standard: float = 0.0
    """Its value in the standard model, where projected data are computed and what `others = zero` means."""


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
    applies_to: tuple[str, ...]
    """experiments/NAME or fluxes/NAME, each."""
    overlay: dict[str, object]
    """Dotted path -> value."""


Quantity = Literal[
    "upper-limit", "upper-limit-from-zero", "interval-low", "interval-high", "half-width", "half-width-percent", "best",
    "counts",
]  # fmt: skip


class Recipe(Record):
    """What every recomputed cell declares: how it is read, how near it must come, where it is known not to."""

    table: str
    unit: str
    reading: str
    """The reading in words, as it is shown beside each cell."""
    tolerance: float
    """A fraction of the published value."""
    tolerance_absolute: float = 0.0
    """In the cell's unit; of the two tolerances the larger one holds."""
    scale: float = 1.0
    """Cell units per unit of what is computed."""
    exposure_power: float | None = None
    """How the cell moves with every exposure, in the limit of a small signal; None where it follows no power."""
    no_exposure_power: str = ""
    """Why the cells follow no power of the exposure."""
    paper: str = ""
    """Whose number it is, where it is not this paper's own: one of `beside`."""
    deviation: str = ""
    """The known disagreement that these cells show."""
    reproducible: bool = True
    """False where no comparison is possible, as nothing legible is printed: the deviation says why."""


class Block(Recipe, kw_only=True):
    """Cells of a table that are recomputed in one way: one reading for all of them."""

    rows: dict[str, tuple[str, ...]]
    """Row -> the experiments behind it."""
    columns: dict[str, str]
    """Column -> the parameter (or the term whose counts) that it prints."""
    model: str
    quantity: Quantity
    delta_chi2: float = 2.705543454095404
    beams: tuple[tuple[str, ...], ...] = ()
    """Flux components of separate chi-squares that are summed; empty: one chi-square of all of them."""
    restrict: dict[str, tuple[str, ...]] = {}
    readings: tuple[str, ...] = ()
    at: dict[str, float] = {}
    """Parameters that are not at their standard values, in the model's units."""
    together: tuple[str, ...] = ()
    """Parameters that are equal to the scanned one, all along."""
    near: float | None = None
    """Where the search for the best value starts, of a chi-square with several minima; absent: the standard value."""


class DerivedCells(Recipe, kw_only=True):
    """Cells of one column that follow from other numbers by a formula, without counts of their own."""

    column: str
    rows: dict[str, dict[str, float]]
    """Row -> arguments of the formula."""
    formula: Literal["induced-coupling", "moment-limit-of-light-quarks", "millicharge-limit"]
    cells: dict[str, str] = {}
    """Argument -> the column of the same table and row whose recomputed value, its scale undone, it is."""


class ModelChange(Recipe, kw_only=True):
    """A cell that prints by how many per cent the recomputed cells of a table change under another model (median)."""

    row: str
    column: str
    of_table: str
    model: str


class ShapeScan(Recipe, kw_only=True):
    """Cells that print a number of the form factor: its best value and its errors, templates rebuilt at each value."""

    row: str
    columns: dict[str, Literal["best", "minus", "plus", "low", "high"]]
    """Column -> the best value, its errors, or the ends of its interval."""
    model: str
    number: str
    """The field of the model's form factor that is scanned."""
    low: float
    high: float
    delta_chi2: float = 1.0
    projected_at: float | None = None
    """Of projected data, the value that they are computed at."""


class SolarBound(Recipe, kw_only=True):
    """Cells that follow from a published bound on the effective moment of solar neutrinos (arXiv:1905.03750, Eq 38)."""

    row: str
    columns: dict[str, int]
    """Column -> which of the three moments it bounds, 1 to 3, the others zero."""
    bound: float
    """In the cell's unit."""
    sin2_theta_13: float
    survival: float
    """P_e1 of two flavours at the energy that dominates."""


class Inputs(Record):
    """Cells that the paper takes as given."""

    table: str
    rows: tuple[str, ...] = ()
    """Rows; empty means all of the table."""
    columns: tuple[str, ...] = ()


class Deviation(Record):
    """A known disagreement with a paper: what it says, what we find, and why."""

    claim: str
    finding: str
    evidence: str
    ratio: tuple[float, float] | None = None
    """Where ours / published lies: a disagreement of any other size is not this one, and no cell is excused by it."""


class Paper(Record):
    """A paper: its readings, how its tables are recomputed, what it takes as given, where it disagrees."""

    title: str
    reference: str
    arxiv: str
    readings: dict[str, Reading] = {}
    blocks: tuple[Block, ...] = ()
    shape_scans: tuple[ShapeScan, ...] = ()
    solar_bounds: tuple[SolarBound, ...] = ()
    derived_cells: tuple[DerivedCells, ...] = ()
    model_changes: tuple[ModelChange, ...] = ()
    inputs: tuple[Inputs, ...] = ()
    beside: tuple[str, ...] = ()
    """Other tables of data/published/ whose numbers are compared with this paper's set-ups, under their own names."""
    deviations: dict[str, Deviation] = {}


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
