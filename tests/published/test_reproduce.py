"""Every number that a paper prints is recomputed, is an input, or has its disagreement named: none is dropped.

Every exposure times sixteen. A limit on a moment falls as exposure^(-1/4), one on an angle as exposure^(-1/2), where
the data are projected: they grow with the exposure, and delta chi2 is a square of the signal over the counts. Two
kinds of cells are not of that sort.

The ends of Table VI follow the power in the limit of small signals only. A charge radius adds to the standard model's
amplitude, so its counts are r + b r^2 with interference and square; an end solves r + b r^2 = +-y, and it is y that
goes as exposure^(-1/2). At sixteen times the exposure the square is less, and each end is off the power by up to 4 %,
the lower one to one side and the upper one to the other; their distance keeps the power within 0.4 %. The declared
-1/2 is that of the limit, and the test of Table VI asserts the whole solution.

The cells of Eq 34 (CsI, current) have no power. Their data are 142 observed counts, which belong to the exposure in
which they were counted: with another exposure the prediction alone would grow, and the chi-square would compare it
with data that nobody took. `reproduce` therefore leaves them as they are, and their blocks say so
(`no_exposure_power`).
"""

import csv
import functools
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter

import numpy as np
import pytest

from bayesnu import catalog, papers
from bayesnu.papers.kinds import KINDS

PAPERS = ("sns2015", "tmm2019")
SHELF = catalog.open_catalog()
FACTOR = 16.0


@functools.cache
def cells(paper, exposure=1.0):
    return papers.reproduce(paper, exposure=exposure)


@pytest.fixture(scope="module")
def printed(repository):
    def rows(paper):
        with (repository / "data" / "published" / f"{paper}.csv").open(newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))

    return rows


@pytest.fixture(scope="module")
def declared(repository):
    return {p: tomllib.loads((repository / "models" / "papers" / f"{p}.toml").read_text()) for p in PAPERS}


def key(cell):
    return cell.paper, cell.table, cell.row, cell.column, cell.unit


def computed(paper):
    return [cell for cell in cells(paper) if cell.ours is not None]


# --- nothing dropped, nothing invented --------------------------------------------------------------------------------


@pytest.mark.parametrize("paper", PAPERS)
def test_every_printed_row_is_one_cell(paper, printed):
    rows = {(r["paper"], r["table"], r["row"], r["column"], r["unit"]): r["value"] for r in printed(paper)}
    assert len(rows) == len(printed(paper))
    assert Counter(map(key, cells(paper))) == dict.fromkeys(rows, 1)
    assert {key(cell): cell.published for cell in cells(paper)} == rows


@pytest.mark.parametrize("paper", PAPERS)
def test_what_a_cell_holds(paper):
    for cell in cells(paper):
        try:
            assert cell.published_value == float(cell.published)
        except ValueError:
            assert cell.published_value is None
        if cell.status == "input":
            assert (cell.ours, cell.tolerance, cell.deviation, cell.exposure_power) == (None, None, None, None)
        else:
            assert isinstance(cell.ours, float)
            assert cell.tolerance > 0
            assert cell.reading
            agrees = abs(cell.ours - cell.published_value) <= cell.tolerance
            assert cell.status == ("agrees" if agrees else "deviates")


@pytest.mark.parametrize("paper", PAPERS)
def test_no_cell_deviates_without_a_name(paper, declared):
    for cell in cells(paper):
        assert (cell.status == "deviates") == (cell.deviation is not None), key(cell)
        assert cell.deviation is None or cell.deviation in declared[paper]["deviations"]


@pytest.mark.parametrize(("paper", "inputs"), [("sns2015", {"I", "II", "text"}), ("tmm2019", {"I", "text"})])
def test_only_the_papers_own_inputs_are_inputs(paper, inputs):
    assert {cell.table for cell in cells(paper) if cell.status == "input"} == inputs
    assert not {cell.table for cell in computed(paper)} & inputs


def test_all_of_1905_03750_agrees_and_of_1505_03202_all_but_two_nuclei():
    assert {cell.status for cell in computed("tmm2019")} == {"agrees"}
    for cell in computed("sns2015"):
        of_46_m = "realistic" in cell.column and any(name in cell.row for name in ("20Ne", "40Ar", "all nuclei"))
        assert cell.status == ("deviates" if of_46_m else "agrees"), key(cell)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_declared_cell_is_a_printed_one_in_its_unit(paper, printed, declared):
    """A block whose row or column is misspelt would recompute nothing."""
    units = {(r["table"], r["row"], r["column"]): r["unit"] for r in printed(paper)}
    blocks = [(b, row) for b in declared[paper]["blocks"] for row in b["rows"]]
    blocks += [(b, b["row"]) for b in declared[paper].get("solar_bounds", [])]
    named = [((block["table"], row, column), block["unit"]) for block, row in blocks for column in block["columns"]]
    assert len(dict(named)) == len(named)
    assert {place: units.get(place) for place, _ in named} == dict(named)
    assert len(named) == len(computed(paper))


@pytest.mark.parametrize("paper", PAPERS)
def test_one_reading_serves_many_cells(paper, declared):
    blocks = declared[paper]["blocks"] + declared[paper].get("solar_bounds", [])
    assert len({cell.reading for cell in computed(paper)}) <= len(blocks)
    assert {cell.reading for cell in computed(paper)} == {block["reading"] for block in blocks}


# --- tolerances -------------------------------------------------------------------------------------------------------


def sns2015_limit(cell):
    """The widest tolerance that a table of arXiv:1505.03202 may have, in its unit."""
    value, optimistic = abs(cell.published_value), "optimistic" in cell.column
    if cell.table in ("V", "Eq13", "Eq14"):
        return 0.005 * value
    if cell.table == "VI":
        return 0.006 if optimistic else max(0.02, 0.025 * value)
    # III, IV: read on a grid of 1e-4, so 6e-5 in the angle, which is 0.026 in per cent of 0.2312.
    grid = 6e-5 if cell.unit == "1" else 6e-5 / 0.2312 * 100
    if optimistic:
        return grid
    return 0.02 * value if cell.unit == "%" else max(grid, 0.02 * value)


SNS_2019 = {"CsI[Na]", "HPGe", "LAr", "NaI[Tl]"}
FRACTIONS = {"CONUS": 0.04, "TEXONO": 0.04, "CONNIE": 0.07, "MINER": 0.07}


def tmm2019_limit(cell):
    """The widest tolerance that a row of arXiv:1905.03750 may have, in its unit."""
    value = cell.published_value
    if cell.table == "Eq36":
        return (0.03 if "prompt" in cell.row else 0.015) * value
    beam, detector, era = cell.row.split("; ")
    if detector == "Borexino":
        return 0.5 * 10 ** -len(cell.published.partition(".")[2])
    if detector == "RED100":
        return (0.07 if era == "current" else 0.10) * value
    if detector in FRACTIONS:
        return FRACTIONS[detector] * value
    assert detector in SNS_2019
    if era == "future" or (detector == "CsI[Na]" and beam == "SNS prompt"):
        return 0.03 * value
    return 0.015 * value


LIMITS = {"sns2015": sns2015_limit, "tmm2019": tmm2019_limit}


@pytest.mark.parametrize("paper", PAPERS)
def test_no_tolerance_is_wider_than_the_physics_needs(paper):
    for cell in computed(paper):
        assert cell.tolerance <= LIMITS[paper](cell) * (1 + 1e-9), key(cell)


# --- exposure ---------------------------------------------------------------------------------------------------------


def powers(paper):
    """Cells that follow a power of the exposure, each with ours at 16 times the exposure over ours."""
    longer = {key(cell): cell.ours for cell in cells(paper, FACTOR)}
    return [(cell, longer[key(cell)] / cell.ours) for cell in computed(paper) if cell.exposure_power is not None]


@pytest.mark.parametrize("paper", catalog.papers(SHELF))
def test_every_recipe_declares_its_power_or_says_why_there_is_none(paper):
    declared = papers.read(SHELF, paper)[1]
    recipes = [recipe for kind in KINDS for recipe in getattr(declared, kind)]
    assert recipes
    for recipe in recipes:
        assert (recipe.exposure_power is None) == bool(recipe.no_exposure_power), recipe


@pytest.mark.parametrize("paper", PAPERS)
def test_limits_move_with_the_exposure(paper):
    found = [(cell, ratio) for cell, ratio in powers(paper) if cell.table != "VI"]
    assert found
    for cell, ratio in found:
        assert ratio == pytest.approx(FACTOR**cell.exposure_power, rel=2e-3), key(cell)
        moment = cell.unit == "1e-10 mu_B"
        assert cell.exposure_power == (-0.25 if moment else -0.5)
        if moment:
            # One nuisance on the signal alone and data equal to the expectation: the power is exact.
            assert ratio == pytest.approx(0.5, rel=1e-8)


def test_each_end_of_a_radius_tends_to_the_power_and_their_distance_has_it():
    """Table VI: an end solves r + b r^2 = +-y with y ~ exposure^(-1/2), so the power is that of small signals.

    Both ends at one exposure give b and y, hence both ends at another one: exactly for one beam, nearly for the sum of
    two. Each end alone is off the power by up to 4 %, their distance by less than 0.4 %: the asymmetry squared.
    """
    ratios = {(cell.row, cell.column): (cell, ratio) for cell, ratio in powers("sns2015") if cell.table == "VI"}
    assert len(ratios) == 64
    for (row, column), (cell, ratio_low) in ratios.items():
        if not column.endswith("low"):
            continue
        other, ratio_high = ratios[row, column.removesuffix("low") + "high"]
        assert cell.exposure_power == other.exposure_power == -0.5
        low, high = cell.ours, other.ours
        b = -(high + low) / (high**2 + low**2)
        y = (high + b * high**2) * FACTOR**-0.5
        ends = [(np.sqrt(1 + sign * 4 * b * y) - 1) / (2 * b) for sign in (-1, 1)]
        exact = 2e-4 if "comb" in column else 1e-7
        assert [ratio_low * low, ratio_high * high] == pytest.approx(ends, rel=exact), key(cell)
        distance = (ratio_high * high - ratio_low * low) / (high - low)
        assert distance == pytest.approx(FACTOR**-0.5, rel=4e-3)
        assert [ratio_low, ratio_high] == pytest.approx([FACTOR**-0.5] * 2, rel=0.04)


def test_cells_that_follow_no_power():
    """Eq 34 has observed counts, and Eq 38 a bound of somebody else: neither moves with the exposure."""
    longer = {key(cell): cell.ours for cell in cells("tmm2019", FACTOR)}
    for cell in computed("tmm2019"):
        assert (longer[key(cell)] == cell.ours) == (cell.exposure_power is None), key(cell)
        observed = cell.table == "Eq36" or ("CsI[Na]; current" in cell.row)
        assert (cell.exposure_power is None) == (observed or "Borexino" in cell.row), key(cell)
    assert all(cell.exposure_power is not None for cell in computed("sns2015"))


# --- the command line -------------------------------------------------------------------------------------------------


def run(*arguments, root=None):
    command = [sys.executable, "-c", "from bayesnu.cli import main; main()", "reproduce", *arguments]
    environment = {k: v for k, v in os.environ.items() if k != "BAYESNU_DATA"}
    environment |= {} if root is None else {"BAYESNU_DATA": str(root)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_the_command_line_gives_the_same_cells():
    done = run("tmm2019", "--format", "json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [cell._asdict() for cell in cells("tmm2019")]


def test_named_disagreements_are_no_failure():
    done = run("sns2015", "--quiet")
    assert done.returncode == 0
    assert "42 deviates" in done.stdout.splitlines()[-1]
    assert done.stdout.splitlines()[-1].endswith("named disagreements: normalisation-at-46-m")


def test_one_table_alone():
    done = run("tmm2019", "--table", "Eq36", "--format", "json", "--quiet")
    assert done.returncode == 0
    assert json.loads(done.stdout) == [cell._asdict() for cell in cells("tmm2019") if cell.table == "Eq36"]


@pytest.fixture
def edited(repository, tmp_path):
    """A folder whose published numbers of arXiv:1905.03750 are ours to change."""

    def edit(change):
        folder = tmp_path / "data" / "published"
        folder.mkdir(parents=True)
        for suffix in (".csv", ".toml"):
            shutil.copy(repository / "data" / "published" / f"tmm2019{suffix}", folder)
        table = folder / "tmm2019.csv"
        before = table.read_text(encoding="utf-8")
        table.write_text(change(before), encoding="utf-8")
        assert table.read_text(encoding="utf-8") != before
        catalog.write_hashes(folder / "tmm2019.toml")
        return tmp_path

    return edit


def test_a_cell_that_deviates_without_a_name_is_exit_code_1(edited):
    line = "II,SNS prompt; HPGe; current,|Lambda_1|,1e-10 mu_B,"
    root = edited(lambda text: text.replace(f"{line}25.9", f"{line}27.9"))
    done = run("tmm2019", "--table", "II", "--format", "json", "--quiet", root=root)
    assert done.returncode == 1, done.stderr
    (cell,) = [cell for cell in json.loads(done.stdout) if cell["status"] == "deviates"]
    assert (cell["row"], cell["column"]) == ("SNS prompt; HPGe; current", "|Lambda_1|")
    assert cell["deviation"] is None
    assert cell["published"] == "27.9"


@pytest.mark.parametrize("row", ["SNS prompt; Ge; current", "Reactor; CONUS; far future"])
def test_a_row_without_a_block_is_exit_code_2(edited, row):
    root = edited(lambda text: f"{text.rstrip()}\ntmm2019,II,{row},|Lambda_1|,1e-10 mu_B,1.0\n")
    done = run("tmm2019", "--quiet", root=root)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert row in done.stderr
    assert "tmm2019.toml" in done.stderr


def test_every_known_disagreement_is_listed(repository):
    done = run("--deviations", "--format", "json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    text = run("--deviations").stdout
    files = sorted((repository / "models" / "papers").glob("*.toml"))
    assert set(found) == {file.stem for file in files} == set(catalog.papers(SHELF))
    for file in files:
        known = tomllib.loads(file.read_text()).get("deviations", {})
        assert set(found[file.stem]) == set(known)
        for name, deviation in known.items():
            assert f"{file.stem}/{name}" in text.splitlines()
            for part in ("claim", "finding", "evidence"):
                assert found[file.stem][name][part] == deviation[part] != ""
                assert deviation[part] in text


def test_without_a_paper_there_is_nothing_to_recompute():
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
