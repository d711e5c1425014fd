"""Each bad paper is a shipped one but for one edit: `bayesnu check` names it, and nothing is recomputed in silence."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from bayesnu import catalog, cli, papers
from bayesnu.errors import DeclarationError

FOLDER = Path("models") / "papers"
NUMBERS = Path("data") / "published"
PROMPT = 'rows = { "SNS prompt; CsI[Na]; current" = ["coherent-csi-2017"] }\n'
LAMBDAS = 'columns = { "|Lambda_1|" = "lambda_1", "|Lambda_2|" = "lambda_2", "|Lambda_3|" = "lambda_3" }\n'


class Fault(NamedTuple):
    """One edit of a paper, or of its numbers, and the problem that it must give."""

    cause: str
    paper: str
    old: str
    new: str
    field: str
    found: str
    numbers: bool = False


FAULTS = [
    # --- what a block names ---
    Fault("unknown model", "tmm2019", 'model = "coherent-csi-prompt"', 'model = "coherent-csi-promt"',
          "blocks[0].model", "'coherent-csi-promt'"),
    Fault("unknown experiment", "tmm2019", f'{PROMPT}{LAMBDAS}', f'{PROMPT.replace("2017", "2016")}{LAMBDAS}',
          "blocks[0].rows.SNS prompt; CsI[Na]; current: experiments[0]", "'coherent-csi-2016'"),
    Fault("unknown parameter", "tmm2019", f'{PROMPT}{LAMBDAS}', PROMPT + LAMBDAS.replace('"lambda_3"', '"lambda_4"'),
          "blocks[0].columns", "'lambda_4'"),
    Fault("unknown component", "tensor2015", 'columns = { "76Ge" = "tensor" }', 'columns = { "76Ge" = "tenser" }',
          "blocks[4].columns", "'tenser'"),
    Fault("unknown beam", "tensor2015", 'beams = [ ["nu_e"] ]', 'beams = [ ["nu_x"] ]', "blocks[0].beams", "'nu_x'"),
    Fault("unknown parameter of counts", "tensor2015", "at = { mu_nu = 0.74 }", "at = { mu = 0.74 }", "blocks[6].at",
          "'mu'"),
    Fault("unknown reading", "tmm2019", 'readings = ["tmm2019/threshold-shortcut",', 'readings = ["tmm2019/shortcut",',
          "blocks[10].rows.Reactor; CONUS; current: readings[0]", "'tmm2019/shortcut'"),
    Fault("unknown flux", "tmm2019", 'restrict = { tmm = ["nu_mu"] }', 'restrict = { tmm = ["nu_mew"] }',
          "blocks[2].rows.SNS prompt; HPGe; current: restrict.tmm[0]", "'nu_mew'"),
    Fault("unknown equal parameter", "talk2019", 'together = ["r2_nu_mu"]', 'together = ["r2_nu_m"]',
          "blocks[41].together", "'r2_nu_m'"),
    # --- what other kinds name ---
    Fault("unknown number of a form factor", "talk2019", 'number = "length_fm"', 'number = "length"',
          "shape_scans[2].number", "'length'"),
    Fault("unknown model of a scan", "talk2019", 'model = "talk2019-radius"', 'model = "talk2019-radios"',
          "shape_scans[0].model", "'talk2019-radios'"),
    Fault("range upside down", "talk2019", "low = 1.2\nhigh = 4.5", "low = 4.5\nhigh = 1.2", "shape_scans[2].low",
          "[4.5, 1.2]"),
    Fault("projection out of range", "talk2019", "projected_at = 5.56", "projected_at = 9.56",
          "shape_scans[3].projected_at", "9.56"),
    Fault("unknown argument", "tensor2015", "colours = 1 }", "colors = 1 }", "derived_cells[2].rows.mu", "colors"),
    Fault("argument from nowhere", "tensor2015", 'epsilon_u = "eps_uT e"', 'epsilon_u = "eps_uT f"',
          "derived_cells[0].cells.epsilon_u", "20Ne | eps_uT f"),
    Fault("unknown table of a change", "tensor2015", 'of_table = "1"', 'of_table = "7"', "model_changes[0].of_table",
          "'7'"),
    Fault("fourth of three moments", "tmm2019", '"|Lambda_3|" = 3 }', '"|Lambda_3|" = 4 }',
          "solar_bounds[0].columns.|Lambda_3|", "4"),
    Fault("no probability", "tmm2019", "survival = 0.604", "survival = 1.604", "solar_bounds[0].survival", "1.604"),
    Fault("unknown model of masses", "sterile2021", 'model = "sterile2021-xenon1t"', 'model = "sterile2021-xenon2t"',
          "mass_scans[0].model", "'sterile2021-xenon2t'"),
    Fault("mass that turns no knob", "sterile2021", 'mass = "m4"', 'mass = "mu_nu_mu"', "mass_scans[0].mass",
          "'mu_nu_mu'"),
    Fault("unknown moment", "sterile2021", 'parameter = "mu_nu_mu"', 'parameter = "mu_nu_nu"',
          "mass_scans[0].parameter", "'mu_nu_nu'"),
    Fault("masses in disorder", "sterile2021", "masses = [0.001, 0.005,", "masses = [0.005, 0.001,",
          "mass_scans[0].masses", "[0.005, 0.001"),
    Fault("unknown experiment of masses", "sterile2021", 'masses = [0.001]', 'masses = [0.001]\nexperiments = ["csi"]',
          "mass_scans[3].experiments: experiments[0]", "'csi'"),
    Fault("unknown experiment of a reach", "sterile2021", '["texono-electrons"]', '["texono-electron"]',
          "mass_reaches[0].rows.TEXONO nubar_e: experiments[0]", "'texono-electron'"),
    Fault("unknown model of a reach", "sterile2021", 'model = "sterile2021-texono-sm"',
          'model = "sterile2021-texono-ms"', "mass_reaches[0].model", "'sterile2021-texono-ms'"),
    Fault("unknown coefficient", "sterile2021", 'rows = ["12,12",', 'rows = ["12,11",', "coefficient_cells[0].rows",
          "'12,11'"),
    Fault("formula without a tolerance", "sterile2021", "tolerance_absolute = 1e-12", "tolerance_absolute = 0.0",
          "coefficient_cells[0].tolerance_absolute", "0"),
    # --- cells ---
    Fault("row that is not printed", "tmm2019", 'rows = { "COHERENT CsI prompt" =', 'rows = { "COHERENT CsI promt" =',
          "blocks[1]", "Eq36 | COHERENT CsI promt | |Lambda_1|"),
    Fault("cell in two blocks", "tmm2019", 'rows = { "COHERENT CsI delayed" =', 'rows = { "COHERENT CsI prompt" =',
          "blocks[5]", "also in blocks[1]"),
    Fault("cell in a block and a solar bound", "tmm2019", 'row = "Solar; Borexino; current"',
          'row = "SNS delayed; CsI[Na]; current"', "solar_bounds[0]", "also in blocks[4]"),
    Fault("cell given and recomputed", "tensor2015", 'columns = ["limit"]', 'columns = ["limit", "28Si"]', "inputs[1]",
          "'28Si'"),
    Fault("input that is recomputed", "tmm2019", '[[inputs]]\ntable = "I"\n', '[[inputs]]\ntable = "II"\n',
          "inputs[0]", "also recomputed"),
    Fault("input that is not printed", "tmm2019", '[[inputs]]\ntable = "text"\n', '[[inputs]]\ntable = "texts"\n',
          "inputs[1].table", "'texts'"),
    Fault("another unit", "tmm2019", 'unit = "1e-10 mu_B"\nsin2', 'unit = "1e-11 mu_B"\nsin2',
          "solar_bounds[0]: unit of II | Solar; Borexino; current | |Lambda_1|", "'1e-11 mu_B'"),
    Fault("numbers of a paper that is not there", "talk2019", '"papoulias2018", ', '"papoulias2017", ', "beside",
          "'papoulias2017'"),
    Fault("cell of a paper that is not beside", "talk2019", '"papoulias2018", ', "", "blocks[0]",
          "text | weak mixing angle | best"),
    # --- printed numbers ---
    Fault("block compared with no number", "tmm2019", "Eq36,COHERENT CsI prompt,|Lambda_1|,1e-10 mu_B,69.2",
          "Eq36,COHERENT CsI prompt,|Lambda_1|,1e-10 mu_B,about 69", "blocks[1]", "= about 69", numbers=True),
    Fault("solar bound compared with no number", "tmm2019", "II,Solar; Borexino; current,|Lambda_1|,1e-10 mu_B,0.44",
          "II,Solar; Borexino; current,|Lambda_1|,1e-10 mu_B,NA", "solar_bounds[0]", "= NA", numbers=True),
    Fault("cell that nothing claims", "tmm2019", "Eq36,COHERENT CsI prompt,|Lambda_1|,1e-10 mu_B,69.2",
          "Eq37,COHERENT CsI prompt,|Lambda_1|,1e-10 mu_B,69.2", "blocks", "Eq37 | COHERENT CsI prompt", numbers=True),
    # --- known disagreements ---
    Fault("unknown disagreement", "talk2019", 'deviation = "oscillator-length"', 'deviation = "oscillator-lenght"',
          "shape_scans[2].deviation", "'oscillator-lenght'"),
    Fault("disagreement of any size", "talk2019", "ratio = [1.1, 1.3]\n", "", "shape_scans[2].deviation",
          "which would excuse any number"),
    Fault("not reproducible without a reason", "tensor2015", 'deviation = "illegible-cells"\nrepro', "repro",
          "derived_cells[3].reproducible", "without a deviation"),
    # --- exposure ---
    Fault("no power and no reason", "tmm2019", 'no_exposure_power = "the bound is that of another experiment"\n', "",
          "solar_bounds[0].exposure_power", "neither"),
    Fault("a power and a reason against it", "tmm2019", 'no_exposure_power = "the bound',
          'exposure_power = 1.0\nno_exposure_power = "the bound', "solar_bounds[0].exposure_power", "both"),
]  # fmt: skip


@pytest.fixture
def root(repository: Path, tmp_path: Path) -> Path:
    for folder in (FOLDER, NUMBERS):
        shutil.copytree(repository / folder, tmp_path / folder)
    return tmp_path


def edit(root: Path, fault: Fault) -> Path:
    paper = root / FOLDER / f"{fault.paper}.toml"
    file = root / NUMBERS / f"{fault.paper}.csv" if fault.numbers else paper
    text = file.read_text(encoding="utf-8")
    assert fault.old in text
    file.write_text(text.replace(fault.old, fault.new, 1), encoding="utf-8")
    if fault.numbers:
        catalog.write_hashes(root / NUMBERS / f"{fault.paper}.toml")
    return paper


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.cause)
def test_check_names_what_is_wrong(root: Path, fault: Fault) -> None:
    paper = edit(root, fault)
    problems = papers.check([paper], root=root)
    assert {problem.file for problem in problems} == {str(paper)}
    found = [problem for problem in problems if problem.field == fault.field and fault.found in problem.found]
    assert found, "\n".join(map(str, problems))
    assert all(problem.expected and problem.hint for problem in problems)


OF_CELLS = [f for f in FAULTS if f.numbers or any(word in f.cause for word in ("cell in", "disagreement", "input"))]


@pytest.mark.parametrize("fault", OF_CELLS, ids=lambda fault: fault.cause)
def test_nothing_is_recomputed_from_it(root: Path, fault: Fault) -> None:
    edit(root, fault)
    with pytest.raises(DeclarationError) as caught:
        papers.reproduce(fault.paper, shelf_of=catalog.open_catalog(root))
    assert any(fault.found in problem.found for problem in caught.value.problems)


@pytest.mark.parametrize("name", sorted(catalog.papers(catalog.open_catalog())))
def test_no_shipped_paper_has_a_fault(repository: Path, name: str) -> None:
    assert papers.check([repository / FOLDER / f"{name}.toml"]) == []


def test_the_command_line_checks_papers_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = next(f for f in FAULTS if f.cause == "cell in two blocks")
    paper = edit(root, fault)
    monkeypatch.setenv("BAYESNU_DATA", str(root))
    done = CliRunner().invoke(cli.main, ["check", str(paper)])
    assert done.exit_code == 2
    assert "also in blocks[1]" in done.output


def test_a_paper_may_lend_its_readings_only(root: Path) -> None:
    file = root / FOLDER / "lender.toml"
    file.write_text('title = "A lender"\nreference = "Nobody"\narxiv = "0000.00000"\n', encoding="utf-8")
    assert papers.check([file], root=root) == []
