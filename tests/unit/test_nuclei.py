"""Nuclear masses and counts of target nuclei."""

import pytest

from bayesnu.physics.nuclei import nuclear_mass_mev, nuclei_per_isotope
from bayesnu.schema import Isotope


def isotope(element: str, charge: int, mass_number: int, mass_u: float, abundance: float = 1.0):
    return Isotope(
        element=element,
        charge=charge,
        mass_number=mass_number,
        mass_u=mass_u,
        abundance=abundance,
        charge_radius_fm=4.0,
        unpaired_protons=0,
        unpaired_neutrons=0,
    )


CARBON = (
    isotope("C", 6, 12, 12.0, abundance=0.9894),
    isotope("C", 6, 13, 13.003354835, abundance=0.0106),
)
CAESIUM = isotope("Cs", 55, 133, 132.905451959)
IODINE = isotope("I", 53, 127, 126.904473)
TABLE = (*CARBON, CAESIUM, IODINE)


def test_mass_of_the_bare_carbon_nucleus():
    # 12 u less six electrons: 11177.929 - 3.066 MeV.
    assert nuclear_mass_mev(CARBON[0]) == pytest.approx(11174.8632, abs=2e-4)


def test_caesium_iodide_has_one_molar_mass_for_both():
    # COHERENT's 14.57 kg of CsI, 259.81 g/mol.
    counts = {x.name: n for x, n in nuclei_per_isotope({"Cs": 1, "I": 1}, 14.57, TABLE)}
    assert counts["133Cs"] == counts["127I"]
    assert counts["133Cs"] == pytest.approx(14570 / 259.809925 * 6.02214076e23, rel=1e-8)


def test_counts_weigh_as_much_as_the_detector():
    counts = nuclei_per_isotope({"C": 3, "Cs": 2, "127I": 0.5}, 2.5, TABLE)
    grams = sum(x.mass_u * n for x, n in counts) / 6.02214076e23
    assert grams == pytest.approx(2500, rel=1e-12)


def test_natural_abundances_are_renormalised():
    table = [isotope("C", 6, 12, 12.0, 49.0), isotope("C", 6, 13, 13.0, 1.0), IODINE]
    (_, light), (_, heavy), (_, iodine) = nuclei_per_isotope({"C": 1, "I": 4}, 1.0, table)
    assert light / heavy == pytest.approx(49)
    # However the abundances are written, there are four iodine nuclei to a carbon nucleus.
    assert iodine / (light + heavy) == pytest.approx(4)


def test_an_isotope_name_is_pure():
    assert [x.name for x, _ in nuclei_per_isotope({"13C": 1}, 1.0, TABLE)] == ["13C"]


@pytest.mark.parametrize("symbol", ["Xx", "14C", "cs", ""])
def test_unknown_symbols_are_named(symbol):
    with pytest.raises(KeyError, match=f"^'{symbol}'$"):
        nuclei_per_isotope({"Cs": 1, symbol: 1}, 1.0, TABLE)
