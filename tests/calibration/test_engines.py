"""Every engine on every target of the conformance suite; the table goes into notebooks/evidence/engines.md."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

SUITE = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("engines.py"))))

RIGHT = {
    "NUTS (nutpie)": {"gaussian", "banana", "seam", "wall"},
    "emcee (DE)": {"gaussian", "seam", "wall", "near modes"},
    "nested (nautilus)": {"banana", "blind spot", "two modes", "near modes", "seam", "wall"},
}
"""What an engine must get right, with its gate passed."""
TOLD = {"NUTS (nutpie)": {"two modes"}, "nested (nautilus)": {"gaussian"}}
"""What an engine cannot do, and must say so."""


@pytest.fixture(scope="module")
def outcomes():
    found = SUITE.main()
    SUITE.OUT.parent.mkdir(parents=True, exist_ok=True)
    SUITE.OUT.write_text(SUITE.table(found), encoding="utf-8")
    return found


def verdict(outcomes, target, engine):
    return SUITE.verdict([o for o in outcomes if (o.target, o.engine) == (target, engine)])


@pytest.mark.slow
def test_documented_verdicts(outcomes):
    for engine, targets in RIGHT.items():
        assert {t: verdict(outcomes, t, engine) for t in targets} == dict.fromkeys(targets, "right"), engine
    for engine, targets in TOLD.items():
        assert {t: verdict(outcomes, t, engine) for t in targets} == dict.fromkeys(targets, "fails, and says so")


@pytest.mark.slow
def test_no_engine_that_is_shipped_is_wrong_in_silence(outcomes):
    shipped = [e for e in SUITE.ENGINES if "not shipped" not in e]
    silent = [(t, e) for t in SUITE.TARGETS for e in shipped if verdict(outcomes, t, e) == "WRONG, silently"]
    assert not silent
