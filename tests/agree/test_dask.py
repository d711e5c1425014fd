"""A cluster of dask.distributed: scheduler and workers as processes of their own, one of which is killed halfway."""

import contextlib
import os
import re
import subprocess
import sys
import threading

import pytest

import bayesnu as bn
from bayesnu.errors import DeclarationError
from bayesnu.infer import ensemble, executors, threads
from bayesnu.infer.toys import toys

pytest.importorskip("distributed")

QUIET = {
    "DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__TASKS": "0",
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "info",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__GIL__ENABLED": "false",
    **dict.fromkeys(threads.VARIABLES, "1"),
}
ADDRESS = re.compile(r"tcp://127\.0\.0\.1:\d+")


@contextlib.contextmanager
def process(*arguments, ready):
    """A command of dask, until the block ends; its address is in the line that says that it is ready."""
    command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]]
    started = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | QUIET
    )
    try:
        assert started.stderr is not None
        line = next(line for line in started.stderr if ready in line)
        # Whatever else it says is read, so that it need not wait for a reader.
        reader = threading.Thread(target=list, args=(started.stderr,))
        reader.start()
        yield started, "".join(ADDRESS.findall(line)[:1])
    finally:
        started.kill()
        started.wait()
    reader.join()
    started.stderr.close()


@pytest.fixture
def cluster(tmp_path):
    """A scheduler's address and two workers, one thread each."""
    place = ("--host", "127.0.0.1", "--no-dashboard")
    with process("dask_scheduler", *place, "--port", "0", ready="Scheduler at:") as (_, address):
        one = ("--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path), address)
        with (
            process("dask_worker", *place, *one, ready="Registered to:") as (first, _),
            process("dask_worker", *place, *one, ready="Registered to:") as (second, _),
        ):
            yield address, first, second


def run(executor, progress=None):
    analysis = bn.load("coherent-csi-effective")
    return toys(analysis, "mu_nu", true=[0, 30], number=2000, seed=11, executor=executor, progress=progress)


def same(first, second):
    return all(first[name].to_dataset().identical(second[name].to_dataset()) for name in first.children)


def test_two_thousand_toys_with_one_worker_killed_halfway(cluster):
    address, first, _ = cluster
    told = []

    def kill_halfway(done, total):
        told.append((done, total))
        if done >= total // 2 and first.poll() is None:
            first.kill()

    found = run(f"dask:{address}", kill_halfway)
    assert first.wait(10) < 0
    assert told[-1] == (24, 24)
    assert same(found, run("serial"))


def test_ensembles_and_cargo_on_a_cluster(cluster):
    address, _, _ = cluster
    options, analysis = ensemble.Options(steps=40), bn.load("coherent-csi-effective")
    with executors.executor(f"dask:{address}", {"cargo": list(range(5))}) as pool:
        assert executors.workers(pool) == 2
        parcel = executors.parcel(pool, "cargo", list(range(5)))
        assert parcel.content is None
        assert [pool.submit(executors.opened, parcel).result() for _ in range(3)] == [list(range(5))] * 3
        assert pool.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
        found = ensemble.ensemble(analysis, seed=2, options=options, executor=pool)
    assert same(found, ensemble.ensemble(analysis, seed=2, options=options))


def test_no_scheduler_is_said(monkeypatch):
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 0.5)
    with pytest.raises(DeclarationError, match="dask scheduler"):
        executors.executor("dask:127.0.0.1:1")
