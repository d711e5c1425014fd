"""Nuclei and the table of them."""

from bayesnu.schema.record import Record
from bayesnu.schema.source import Source


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
