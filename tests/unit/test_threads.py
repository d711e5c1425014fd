"""Linear algebra has one thread in a fit, and what it had before and after."""

import os

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import bayesnu as bn
from bayesnu.infer import profile
from bayesnu.infer.threads import VARIABLES, one_thread, one_thread_unless_told


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_inside_and_as_before_outside():
    def fails():
        assert blas_threads() == {1}
        raise ZeroDivisionError

    with threadpool_limits(limits=2, user_api="blas"):
        assert one_thread(blas_threads)() == {1}
        with pytest.raises(ZeroDivisionError):
            one_thread(fails)()
        assert blas_threads() == {2}


def test_a_profile_has_one(monkeypatch):
    seen = set()

    def spied(*arguments, values=profile.values):
        seen.update(blas_threads())
        return values(*arguments)

    monkeypatch.setattr(profile, "values", spied)
    with threadpool_limits(limits=2, user_api="blas"):
        bn.profile(bn.load("coherent-csi-effective"), "mu_nu", others="zero", level=0.90, points=5)
    assert seen == {1}


def test_what_the_user_has_set_stays(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    one_thread_unless_told()
    assert [os.environ.pop(name) for name in VARIABLES] == ["3", "1", "1", "1"]
