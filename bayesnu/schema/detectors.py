"""From a recoil to a count: target, response (quenching included), efficiency, and what bends them."""

from typing import Literal

from bayesnu.schema.record import Record


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


class Knob(Record):
    """A detector number that bends the shape: templates are built on Chebyshev nodes in [low, high]."""

    bends: str
    """Dotted path of the number inside the detector, such as response.per_kev."""
    low: float
    high: float
    tolerance: float
    """Largest relative error of the interpolated counts, off the nodes."""
    nodes: int = 9
