"""Spectra of neutrino sources, component by component."""

from typing import Literal

from bayesnu.schema.record import Record
from bayesnu.schema.source import Source

Flavour = Literal["nu_e", "nubar_e", "nu_mu", "nubar_mu", "nu_tau", "nubar_tau", "nu_solar"]


class Line(Record, tag_field="shape", tag="line"):
    """A monoenergetic component."""

    flavour: Flavour
    energy_mev: float
    weight: float = 1.0
    """Neutrinos of this line per neutrino, per decay, or per cm2 and s, as the fluence of the experiment counts."""
    electron_density: float | None = None
    """Of solar neutrinos: electrons where they are made [Avogadro's number per cm3]."""


class MichelElectron(Record, tag_field="shape", tag="michel-electron"):
    """Electron (anti)neutrinos of muon decay at rest, 192 E^2 (1/2 - E/m)/m^3."""

    flavour: Flavour


class MichelMuon(Record, tag_field="shape", tag="michel-muon"):
    """Muon (anti)neutrinos of muon decay at rest, 64 E^2 (3/4 - E/m)/m^3."""

    flavour: Flavour


class FissionIsotope(Record):
    """One fissile isotope of a reactor core: its share, energy per fission [MeV], and antineutrino spectrum.

    Above the last energy of the spectrum's table: exp(polynomial in E/MeV) per MeV and fission; below: a table.
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


class TabulatedSpectrum(Record, tag_field="shape", tag="table"):
    """A spectrum by its values, linear between them and normalised to `weight` neutrinos.

    Where a coupling depends on the energy, as that of solar neutrinos does, the spectrum is cut into bands, each a
    component of its own (NAME-1, NAME-2, ...) with the coupling at its mean energy.
    """

    flavour: Flavour
    file: str
    """A CSV with the columns energy_mev and density."""
    weight: float = 1.0
    """Neutrinos of this spectrum per neutrino, or per cm2 and s, as the fluence of the experiment counts."""
    electron_density: float | None = None
    """Of solar neutrinos: electrons where they are made [Avogadro's number per cm3]."""
    bands_mev: tuple[float, ...] = ()
    """Inner edges of the bands."""
    points: tuple[tuple[float, float], ...] = ()
    """(energy [MeV], density [1/MeV], normalised), read from the file."""


Component = TabulatedSpectrum | Line | MichelElectron | MichelMuon | ReactorSpectrum | MaxwellFit


class Flux(Record):
    """Spectra of a source, each normalised to one neutrino; the experiment gives the fluence."""

    title: str
    components: dict[str, Component]
    sources: dict[str, Source]
