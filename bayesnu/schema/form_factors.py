"""Weak form factors of nuclei."""

from bayesnu.schema.record import Record


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
