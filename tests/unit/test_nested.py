"""Nested sampling: its evidence, its draws, its verdict, and a run that is taken up again."""

import json

import numpy as np
import pytest

import bayesnu as bn
from bayesnu.errors import DeclarationError
from bayesnu.infer import checkpoint, checks, evidence, nested
from bayesnu.infer.cube import cube
from bayesnu.likelihood.marginal import marginal

SHORT = nested.Options(runs=2, live=100, draws=200)


@pytest.fixture(scope="module")
def effective():
    return bn.load("coherent-csi-effective")


@pytest.fixture(scope="module")
def tree(effective):
    return nested.nested(effective, seed=1, options=nested.Options(live=400))


def test_the_evidence_and_the_limit_are_those_of_a_quadrature(effective, tree):
    prior = effective.model.parameters["mu_nu"].prior
    answer = evidence.evidence(effective, "mu_nu", prior, level=0.9)
    told = json.loads(tree.attrs["options"])
    assert told["log_evidence_error"] < 0.015
    assert abs(told["log_evidence"] - answer.log_evidence) < 4 * told["log_evidence_error"]
    draws = tree["posterior"]["mu_nu"].values
    below = (draws < answer.equal_tailed[1]).mean()
    assert abs(below - 0.95) < 4 * np.sqrt(0.95 * 0.05 / draws.size)


def test_a_result_has_the_layout_of_all_engines(effective, tree, tmp_path):
    verdict = checks.record(tree, checks.Gate())
    assert verdict.converged
    assert verdict.ess_bulk_min is None
    assert verdict.ess_weights >= nested.SURPLUS * tree["posterior"]["mu_nu"].size == nested.SURPLUS * 4 * 2500
    again = bn.open_result(bn.save_result(tree, tmp_path / "result.nc"))
    assert set(again["posterior"].data_vars) >= set(effective.names)
    (row,) = bn.limits(again, level=0.9)
    assert row.converged
    assert row.credible_upper == pytest.approx(np.quantile(tree["posterior"]["mu_nu"], 0.9))


def test_runs_that_disagree_fail_the_gate(tree):
    told = json.loads(tree.attrs["options"])
    other = tree.copy()
    other.attrs = tree.attrs | {"options": json.dumps(told | {"evidence_sigmas": 7.0, "complete": False})}
    failures = " ".join(checks.diagnose(other, checks.Gate()).failures)
    assert "7.0 of its errors" in failures
    assert "ended before" in failures


def test_a_run_that_may_not_go_on_says_so(effective):
    options = SHORT._replace(max_evaluations=1024)
    ended = nested.nested(effective, seed=2, options=options)
    assert not checks.diagnose(ended, checks.Gate()).converged


def test_what_was_killed_goes_on_and_ends_the_same(effective, tmp_path, monkeypatch):
    space = cube(marginal(effective))
    whole = nested.sample(space, 3, SHORT)
    options = SHORT._replace(checkpoint=tmp_path / "kept.h5")
    monkeypatch.setattr(nested, "SLICE", 2 * nested.BATCH)
    advance, calls = nested._advance, []

    def interrupted(sampler, wanted, checkpoint):
        if len(calls) == 0:
            calls.append(sampler.n_like)
            advance(sampler, wanted._replace(max_evaluations=4 * nested.BATCH), checkpoint)
            raise KeyboardInterrupt
        calls.append(sampler.n_like)
        return advance(sampler, wanted, checkpoint)

    monkeypatch.setattr(nested, "_advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nested.sample(space, 3, options)
    resumed = nested.sample(space, 3, options)
    assert calls[:2] == [0, 4 * nested.BATCH]
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one.u, other.u)
        assert one.log_evidence == other.log_evidence
        assert one.evaluations == other.evaluations


def test_a_fit_keeps_its_nested_runs_beside_the_result(effective, tmp_path, monkeypatch):
    """The second fit finds finished runs; where they were kept leaves no trace in the result."""
    monkeypatch.setattr(nested, "Options", lambda draws: SHORT._replace(draws=draws))
    kept = checkpoint.begin(tmp_path / "run.nc", {"seed": 5}, resume=False, say=print)
    first = bn.fit(effective, engine="nested", seed=5, draws=200, checkpoint=kept)
    assert len([file for file in kept.pieces if file.suffix == ".h5"]) == SHORT.runs
    monkeypatch.setattr(nested, "SLICE", 0)
    again = bn.fit(effective, engine="nested", seed=5, draws=200, checkpoint=kept)
    plain = bn.fit(effective, engine="nested", seed=5, draws=200)
    for other in (again, plain):
        np.testing.assert_array_equal(first["posterior"]["mu_nu"].values, other["posterior"]["mu_nu"].values)
        assert first.attrs["options"] == other.attrs["options"]
    assert str(tmp_path) not in first.attrs["options"]


def test_another_problem_does_not_read_a_checkpoint(effective, tmp_path):
    options = SHORT._replace(runs=1, max_evaluations=1024, checkpoint=tmp_path / "kept.h5")
    for seed in (1, 2):
        nested.sample(cube(marginal(effective)), seed, options)
    assert len(list(tmp_path.glob("kept-*.h5"))) == 2


def test_processes_change_nothing(effective):
    space = cube(marginal(effective))
    with bn.executor("processes:2") as executor:
        beside = nested.sample(space, 5, SHORT, executor=executor)
    serial = nested.sample(space, 5, SHORT)
    np.testing.assert_array_equal([r.u for r in serial], [r.u for r in beside])


def test_a_missing_nautilus_is_named(effective, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nautilus", None)
    with pytest.raises(DeclarationError, match=r"bayesnu\[evidence\]"):
        nested.nested(effective, seed=1)
