"""Spectra, lines, levels and sources that are wrong, each named with file, field and what to do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bayesnu import catalog
from bayesnu.catalog import fact_rules, facts
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import Target

SOLAR, PP = "data/fluxes/solar.toml", "data/fluxes/solar-pp.csv"
CHROMIUM = "data/fluxes/cr51.toml"
NUCLEI, LEVELS = "data/nuclei/isotopes.toml", "data/nuclei/binding.csv"
LIQUID = "data/experiments/cr51-lxe/experiment.toml"
BANDS = "[0.15, 0.25, 0.33]"
PP_TABLE = 'file = "solar-pp.csv"'
DENSITY = "electron_density = 60.87\n"


@pytest.fixture
def root(repository: Path, tmp_path: Path) -> Path:
    shutil.copytree(repository / "data", tmp_path / "data", copy_function=shutil.copyfile)
    return tmp_path


def edit(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    for declaration in (SOLAR, NUCLEI):
        catalog.write_hashes(root / declaration)


def the_one(action: Callable[[], object], field: str) -> Problem:
    with pytest.raises(DeclarationError) as caught:
        action()
    (problem,) = (p for p in caught.value.problems if p.field == field)
    assert problem.expected
    assert problem.hint
    return problem


FLUXES = [
    # --- tables ---
    (PP, "0.01008,", "0.00404,", "line 3, column energy_mev", "0.00404 after 0.00504"),
    (PP, "0.01008,", "0.00504,", "line 3, column energy_mev", "0.00504 after 0.00504"),
    (PP, "0.00504,", "-0.00504,", "line 2, column energy_mev", "-0.00504"),
    (PP, "0.01008,0.0138", "0.01008,-0.0138", "line 3, column density", "-0.0138"),
    (PP, "0.01008,0.0138", "0.01008,many", "line 3, column density", "'many'"),
    (PP, "energy_mev,density", "energy,density", "column energy_mev", "energy, density"),
    (SOLAR, PP_TABLE, 'file = "solar-pep.csv"', "components.pp.file", "'solar-pep.csv'"),
    (SOLAR, PP_TABLE, 'file = ""', "components.pp.file", "empty"),
    (SOLAR, PP_TABLE, PP_TABLE + "\npoints = [[0.0, 1.0], [1.0, 0.0]]", "components.pp.points", "2 points"),
    # --- bands ---
    (SOLAR, BANDS, "[0.15, 0.25, 0.43]", "components.pp.bands_mev[2]", "0.43"),
    (SOLAR, BANDS, "[0.001, 0.25]", "components.pp.bands_mev[0]", "0.001"),
    (SOLAR, BANDS, "[0.25, 0.15]", "components.pp.bands_mev[1]", "0.15 after 0.25"),
    (SOLAR, "8.0, 10.0]", "8.0, 16.53]", "components.b8.bands_mev", "b8-5"),
    (SOLAR, "[components.pep]", "[components.pp-2]", "components", "pp-2"),
    # --- weights and densities ---
    (SOLAR, "weight = 5.98e10", "weight = 0.0", "components.pp.weight", "0"),
    (CHROMIUM, "weight = 0.81", "weight = -0.81", "components.line-747.weight", "-0.81"),
    (SOLAR, DENSITY, "", "components.pp.electron_density", "without"),
    (SOLAR, DENSITY, "electron_density = -1.0\n", "components.pp.electron_density", "-1"),
    (CHROMIUM, "weight = 0.81", "weight = 0.81\nelectron_density = 81.0", "components.line-747.electron_density",
     "'nu_e'"),
    (CHROMIUM, 'flavour = "nu_e"', 'flavour = "nu_solar"', "components.line-427.electron_density", "without"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "field", "found"), FLUXES)
def test_a_bad_spectrum_is_named(root: Path, file: str, old: str, new: str, field: str, found: str) -> None:
    edit(root, file, old, new)
    flux = Path(CHROMIUM if file == CHROMIUM else SOLAR).stem
    problem = the_one(lambda: catalog.read_flux(catalog.open_catalog(root), flux), field)
    assert found in problem.found
    assert problem.file == str(root / file)


@pytest.mark.parametrize(
    ("rows", "field"), [("0.1,0.0\n0.2,0.0\n", "column density"), ("0.1,1.0\n", ""), ("0.1,0.0\n", "column density")]
)
def test_a_spectrum_of_too_little(root: Path, rows: str, field: str) -> None:
    (root / PP).write_text("energy_mev,density\n" + rows, encoding="utf-8")
    catalog.write_hashes(root / SOLAR)
    assert the_one(lambda: catalog.read_flux(catalog.open_catalog(root), "solar"), field).file == str(root / PP)


LEVEL_FAULTS = [
    ("Xe,5s,27.5,2", "Xe,5s,27.5,1", "Xe.electrons", "53"),
    ("Xe,5s,27.5,2", "Xe,5s,-27.5,2", "line 4, column binding_ev", "-27.5"),
    ("Xe,5s,27.5,2", "Xe,5s,27.5,0", "line 4, column electrons", "0"),
    ("Xe,5s,27.5,2", "Xe,4s,27.5,2", "line 9", "Xe 4s a second time"),
    ("Xe,5s,27.5,2", "Xf,5s,27.5,2", "line 4, column element", "'Xf'"),
    ("binding_ev", "binding_kev", "column binding_ev", "binding_kev"),
]


@pytest.mark.parametrize(("old", "new", "field", "found"), LEVEL_FAULTS)
def test_a_bad_level_is_named(root: Path, old: str, new: str, field: str, found: str) -> None:
    edit(root, LEVELS, old, new)
    problem = the_one(lambda: catalog.read_isotopes(catalog.open_catalog(root)), field)
    assert found in problem.found
    assert problem.file == str(root / LEVELS)


def test_levels_need_a_source(root: Path) -> None:
    edit(root, NUCLEI, 'binding = "binding.csv"', 'binding = "bindings.csv"')
    problem = the_one(lambda: catalog.read_isotopes(catalog.open_catalog(root)), "binding")
    assert "'bindings.csv'" in problem.found


def test_bound_electrons_need_levels() -> None:
    nuclei = catalog.read_isotopes(catalog.open_catalog())

    def problems(formula: dict[str, float], scatterer: str) -> list[Problem]:
        target = Target(formula=formula, mass_kg=1.0, scatterer=scatterer)
        elements = {element for element, _, _ in nuclei.binding}
        return list(fact_rules.binding_problems("x.toml", target, elements, nuclei.isotopes))

    assert problems({"Xe": 1}, "bound-electrons") == problems({"132Xe": 1}, "bound-electrons") == []
    assert problems({"Ge": 1}, "free-electrons") == problems({"Ge": 1}, "nuclei") == []
    (problem,) = problems({"Ge": 1}, "bound-electrons")
    assert problem.field == "detector.target.formula.Ge"
    assert "Xe" in problem.expected


def test_a_source_inside_its_detector(root: Path) -> None:
    edit(root, LIQUID, "distance_to_centre_m = 1.69", "distance_to_centre_m = 0.69")
    shelf = catalog.open_catalog(root)
    isotopes = catalog.read_isotopes(shelf).isotopes
    problem = the_one(lambda: facts.read_facts(shelf, root / LIQUID, "", (), isotopes), "fluence.distance_to_centre_m")
    assert "0.69" in problem.found
