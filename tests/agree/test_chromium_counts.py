"""Coherent scattering of 51Cr neutrinos: standard-model counts against those of an independent program."""

from pathlib import Path

import pytest

import bayesnu as bn

COUNTS = {"cr51-si": 1269, "cr51-ge": 3820, "cr51-al2o3": 1913, "cr51-cawo4": 1033}


@pytest.mark.parametrize(("experiment", "expected"), COUNTS.items())
def test_standard_model_counts(experiment: str, expected: int, tmp_path: Path) -> None:
    model = tmp_path / "chromium.toml"
    text = f'extends = "sterile2021-cr51-sm"\ntitle = "51Cr"\nexperiments = ["{experiment}"]\n'
    model.write_text(text, encoding="utf-8")
    analysis = bn.load(model)
    counts = analysis.expected(analysis.standard_point())[experiment]
    assert len(counts) == 12
    assert counts.sum() == pytest.approx(expected, rel=1e-3)
