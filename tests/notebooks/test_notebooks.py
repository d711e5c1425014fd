"""Every notebook asks one question, reads as a notebook, and runs as a plain script without a warning."""

import os
import re
import subprocess
import sys

import jupytext
import pytest

NAMES = (
    "00_start",
    "01_a_likelihood_term_in_your_model",
    "02_add_your_experiment",
    "03_the_global_fit",
    "04_diagnostics",
    "05_xenon1t_excess",
)


@pytest.fixture(params=NAMES)
def notebook(repository, request):
    return repository / "notebooks" / f"{request.param}.py"


def test_none_is_forgotten(repository):
    assert tuple(sorted(file.stem for file in (repository / "notebooks").glob("*.py"))) == NAMES


def test_it_runs_as_a_script(notebook, tmp_path):
    """Its assertions hold, it warns of nothing, and it leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, str(notebook)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | {"MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    assert done.stdout
    assert not list(tmp_path.iterdir())


def test_it_reads_as_a_notebook(notebook):
    """The first cell is text with one question; the kernel is the one that everybody has."""
    read = jupytext.read(notebook)
    first, *rest = read.cells
    assert first.cell_type == "markdown"
    assert re.match(r"# \S", first.source)
    assert len(re.findall(r"\*\*Question: [^*]+\?\*\*", first.source)) == 1
    assert sum(cell.cell_type == "code" for cell in rest) >= 4
    assert read.metadata["kernelspec"]["name"] == "python3"


def test_it_comes_back_from_a_notebook(notebook):
    """Nothing is lost when it is converted to .ipynb and back."""
    text = notebook.read_text(encoding="utf-8")
    as_json = jupytext.writes(jupytext.reads(text, fmt="py:percent"), fmt="ipynb")
    again = jupytext.reads(jupytext.writes(jupytext.reads(as_json, fmt="ipynb"), fmt="py:percent"), fmt="py:percent")
    before = jupytext.reads(text, fmt="py:percent")
    assert [(c.cell_type, c.source) for c in again.cells] == [(c.cell_type, c.source) for c in before.cells]
