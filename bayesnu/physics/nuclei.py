"""Masses of nuclei, and how many of each isotope a detector holds."""

from collections.abc import Iterator, Mapping, Sequence

from bayesnu.constants import (
    ATOMIC_MASS_UNIT_MEV,
    AVOGADRO_PER_MOL,
    ELECTRON_MASS_MEV,
    G_PER_KG,
)
from bayesnu.schema import Isotope


def nuclear_mass_mev(isotope: Isotope) -> float:
    """Mass of the bare nucleus [MeV]: the atomic mass less Z electron masses.

    The binding energy of the electrons, below 1e-5 of the mass, is left out.
    """
    return isotope.mass_u * ATOMIC_MASS_UNIT_MEV - isotope.charge * ELECTRON_MASS_MEV


def nuclei_per_isotope(
    formula: Mapping[str, float], mass_kg: float, isotopes: Sequence[Isotope]
) -> tuple[tuple[Isotope, float], ...]:
    """Count the target nuclei of each isotope, N_x = m N_A eta_x / sum(A eta), atomic masses A [u].

    A key of the formula is an element ("Ge", natural composition: its abundances are renormalised
    to one) or an isotope ("76Ge", pure); its value is the number of such atoms per formula unit.
    Unknown keys raise KeyError. Reference: arXiv:1905.03750, Eq 32.
    """
    atoms = tuple(_atoms_per_formula_unit(formula, isotopes))
    grams_per_mol = sum(isotope.mass_u * number for isotope, number in atoms)
    formula_units = mass_kg * G_PER_KG * AVOGADRO_PER_MOL / grams_per_mol
    return tuple((isotope, formula_units * number) for isotope, number in atoms)


def _atoms_per_formula_unit(
    formula: Mapping[str, float], isotopes: Sequence[Isotope]
) -> Iterator[tuple[Isotope, float]]:
    for symbol, number in formula.items():
        for isotope, fraction in _composition(symbol, isotopes):
            yield isotope, number * fraction


def _composition(symbol: str, isotopes: Sequence[Isotope]) -> Iterator[tuple[Isotope, float]]:
    """Isotopes of an element with their fractions, or one isotope with the fraction one."""
    pure = [isotope for isotope in isotopes if isotope.name == symbol]
    natural = [isotope for isotope in isotopes if isotope.element == symbol]
    if pure:
        yield pure[0], 1.0
    elif natural:
        total = sum(isotope.abundance for isotope in natural)
        yield from ((isotope, isotope.abundance / total) for isotope in natural)
    else:
        raise KeyError(symbol)
