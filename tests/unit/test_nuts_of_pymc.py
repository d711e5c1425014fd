"""PyMC's own NUTS, where nutpie is not there: chains by themselves, kept when they are finished, and interrupts."""

import numpy as np
import pymc as pm
import pytest
from pymc.step_methods.hmc.nuts import NUTS

import bayesnu as bn
from bayesnu.infer import checkpoint, nuts
from bayesnu.infer.progress import Step
from bayesnu.likelihood import pymc_model
from bayesnu.likelihood.marginal import marginal

OPTIONS = nuts.Options(draws=60, tune=60, chains=3, target_accept=0.8)
STEPS = OPTIONS.draws + OPTIONS.tune
NAMES = [f"chain-{k}-accept-0.8" for k in range(3)]


@pytest.fixture
def analysis(monkeypatch):
    """One whose model for PyMC is a Gaussian of the moment alone, which compiles in no time."""

    def gaussian(_):
        with pm.Model() as model:
            pm.TruncatedNormal("mu_nu", np.float64(30.0), np.float64(5.0), lower=np.float64(0.0))
        return model

    monkeypatch.setattr(pymc_model, "build_marginal", gaussian)
    return bn.load("coherent-csi-effective")


def sampled(analysis, kept=checkpoint.NOWHERE):
    return nuts.nuts(analysis, seed=4, options=OPTIONS, sampler="pymc", checkpoint=kept)


def interrupted_at(monkeypatch, number):
    """An interrupt in the n-th step of all chains; the steps that were begun."""
    step, begun = NUTS.step, []

    def counted(self, point):
        begun.append(number)
        if len(begun) == number:
            raise KeyboardInterrupt
        return step(self, point)

    monkeypatch.setattr(NUTS, "step", counted)
    return begun


@pytest.mark.parametrize("of_the_chain", [10, OPTIONS.tune + 30])
def test_a_finished_chain_is_kept_and_not_sampled_again(analysis, tmp_path, monkeypatch, of_the_chain):
    """An interrupt while the second of three chains tunes, or when it has some draws; then the other two."""
    whole = sampled(analysis)
    kept = checkpoint.begin(tmp_path / "run.nc", {"seed": 4}, resume=False, say=print)
    with monkeypatch.context() as patched:
        interrupted_at(patched, STEPS + of_the_chain)
        with pytest.raises(checkpoint.Interrupted) as stopped:
            sampled(analysis, kept)
    assert stopped.value.result.attrs["interrupted"] == "with 1 of 3 chains finished"
    assert [file.stem for file in kept.pieces] == NAMES[:1]

    again = checkpoint.begin(tmp_path / "run.nc", {"seed": 4}, resume=True, say=print)
    begun = interrupted_at(monkeypatch, 0)
    resumed = sampled(analysis, again)
    assert len(begun) == 2 * STEPS
    for group in whole.children:
        assert resumed[group].to_dataset().identical(whole[group].to_dataset()), group


def test_a_chain_depends_on_its_own_seed(analysis):
    sample = nuts.compiled(marginal(analysis), "pymc")

    def chain(seeds, which):
        return sample(OPTIONS, seeds, Step(""), checkpoint.NOWHERE)[which].draws

    beside = chain({"one": 1, "two": 2}, "two")
    np.testing.assert_array_equal(beside, chain({"two": 2}, "two"))
    assert not np.array_equal(beside, chain({"two": 1}, "two"))


def test_an_interrupt_before_the_first_draw_has_no_result(analysis, monkeypatch):
    interrupted_at(monkeypatch, 5)
    with pytest.raises(checkpoint.Interrupted) as stopped:
        sampled(analysis)
    assert stopped.value.result is None


def test_another_error_is_no_interrupt(analysis, monkeypatch):
    def wrong(*_, **__):
        raise ValueError("of another kind")

    monkeypatch.setattr(pymc_model, "sample", wrong)
    with pytest.raises(ValueError, match="of another kind"):
        sampled(analysis)


def test_an_executor_takes_the_chains(analysis, recording, monkeypatch):
    """Each by itself, to the numbers of one after the other."""
    monkeypatch.setattr(nuts, "_COMPILED", {})
    beside = nuts.nuts(analysis, seed=4, options=OPTIONS, sampler="pymc", executor=recording)
    assert recording.functions == ["chain_at"] * OPTIONS.chains
    for group, found in sampled(analysis).children.items():
        assert found.to_dataset().identical(beside[group].to_dataset()), group
