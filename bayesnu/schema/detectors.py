"""From a recoil to a count: target, response (quenching included), efficiency, and what bends them."""

from typing import Literal

from bayesnu.schema.record import Record


class Target(Record):
    """Detector material: atoms per formula unit (elements in natural composition, or isotopes) and mass [kg]."""

    formula: dict[str, float]
    mass_kg: float
    scatterer: Literal["nuclei", "free-electrons", "bound-electrons"] = "nuclei"
    """What recoils; a bound electron does so only where its binding energy is exceeded (arXiv:2109.09545, Eq 16)."""


class LinearResponse(Record, tag_field="kind", tag="linear"):
    """Observable proportional to the nuclear recoil energy."""

    per_kev: float
    """Observable units per keV of nuclear recoil."""


class PhotoelectronResponse(Record, tag_field="kind", tag="photoelectrons"):
    """Whole photoelectrons, Poisson around a mean proportional to the visible energy."""

    per_kev: float
    """Mean photoelectrons per keV of visible energy."""
    acceptance_offset: float
    """The acceptance of n photoelectrons is read at n + this."""
    quenching: tuple[float, ...] = (1.0,)
    """Visible energy [MeV] as c_1 T + c_2 T^2 + ... of the nuclear recoil T [MeV]."""


class LindhardResponse(Record, tag_field="kind", tag="lindhard"):
    """Electron-equivalent energy [keV] of a nuclear recoil after Lindhard quenching (arXiv:1905.03750, Eq 27).

    'self-consistent' inverts E = Q(T) T; 'at-threshold' divides each bin edge by Q taken at the edge itself, the
    shortcut that reproduces the reactor limits of that paper.
    """

    edges: Literal["self-consistent", "at-threshold"]
    k: float | None = None
    """Lindhard's k; absent: 0.133 Z^(2/3) A^(-1/2) of each isotope."""


class SmearedResponse(Record, tag_field="kind", tag="smeared"):
    """Visible energy E [keV] with a Gaussian resolution of width sqrt_kev sqrt(E) + linear E."""

    sqrt_kev: float
    """Coefficient of sqrt(E) [keV^(1/2)]."""
    linear: float
    """Coefficient of E [1]."""
    efficiency_at: Literal["true", "reconstructed"]
    """Which energy the efficiency is a function of."""
    quenching: tuple[float, ...] = (1.0,)
    """Visible energy [MeV] as c_1 T + c_2 T^2 + ... of the recoil T [MeV]."""


Response = LinearResponse | PhotoelectronResponse | LindhardResponse | SmearedResponse


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


class TableEfficiency(Record, tag_field="kind", tag="table"):
    """Points of a curve, linear between them, zero below the first and flat beyond the last."""

    file: str
    """A CSV with the columns value and efficiency."""
    points: tuple[tuple[float, float], ...] = ()
    """(value of the observable, efficiency), read from the file."""


Efficiency = FlatEfficiency | SigmoidEfficiency | TableEfficiency


class Detector(Record):
    """From a recoil to a count: target, response, efficiency."""

    target: Target
    response: Response
    efficiency: Efficiency


class Knob(Record):
    """A number that bends the shape: templates are built on nodes in [low, high] and interpolated."""

    bends: str
    """Dotted path of the number: in an experiment inside the detector, such as response.per_kev; in a model inside the
    form factor, such as form_factor.neutron_rms_fm, or sterile_mass_mev."""
    low: float
    high: float
    tolerance: float
    """Largest relative error of the interpolated counts, off the nodes; of a log-spline relative to the largest bin at
    that value, and to no less than a hundredth of it at the low end."""
    nodes: int = 9
    interpolation: Literal["chebyshev", "log-spline"] = "chebyshev"
    """One polynomial on few nodes, or cubic ones in the logarithm on many, finer near kinematic edges."""
