"""What makes a nucleus a wrong one, or a target one of unknown nuclei."""

from collections.abc import Iterator, Mapping, Sequence

from bayesnu.catalog.validation import did_you_mean, positive
from bayesnu.errors import Problem
from bayesnu.schema import Isotope

ABUNDANCE_ERROR = 2e-3
"""How far the printed abundances of an element may be from adding to one."""


def isotope_problems(file: str, isotopes: Sequence[Isotope]) -> Iterator[Problem]:
    """Masses and radii are positive, a nucleus has no more protons than nucleons, abundances add to one."""
    totals: dict[str, float] = {}
    for isotope in isotopes:
        row = isotope.name
        yield from positive(
            file, {f"{row}.mass_u": isotope.mass_u, f"{row}.charge_radius_fm": isotope.charge_radius_fm}
        )
        if not 0 < isotope.charge <= isotope.mass_number:
            yield Problem(file, f"{row}.charge", str(isotope.charge), "1 to the mass number", "mend the row")
        for key in ("abundance", "unpaired_protons", "unpaired_neutrons"):
            if getattr(isotope, key) < 0:
                yield Problem(file, f"{row}.{key}", f"{getattr(isotope, key):g}", "0 or more", "mend the row")
        totals[isotope.element] = totals.get(isotope.element, 0.0) + isotope.abundance
    for element, total in totals.items():
        if abs(total - 1) > ABUNDANCE_ERROR:
            hint = "mend the rows of the element"
            yield Problem(file, f"{element}.abundance", f"{total:g} in all", "abundances that add to 1", hint)


def target_problems(file: str, formula: Mapping[str, float], isotopes: Sequence[Isotope]) -> Iterator[Problem]:
    """Every constituent of a target is a nucleus that we know."""
    known = {i.element for i in isotopes} | {i.name for i in isotopes}
    for name in formula:
        if name not in known:
            expected = f"an element or isotope of data/nuclei: {', '.join(sorted({i.element for i in isotopes}))}"
            hint = did_you_mean(name, known) or "add its isotopes to data/nuclei"
            yield Problem(file, f"detector.target.formula.{name}", repr(name), expected, hint)
