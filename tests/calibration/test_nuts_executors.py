"""NUTS in processes and on a cluster of this machine: the chains of one process, also after Ctrl-C.

Slow, because each worker compiles the model. The first run warms the compile cache: rounding differs before it.
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from bayesnu.infer import results

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no process groups")]

COMMAND = [sys.executable, "-c", "from bayesnu.cli import main; main()"]
FIT = ("fit", "coherent-csi-effective", "--engine", "nuts", "--seed", "7")
LONG = ("--draws", "20000")


def started(folder, *more):
    """The command, in a process group of its own, as a terminal starts it."""
    return subprocess.Popen(
        [*COMMAND, *FIT, "--out", str(folder / "run.nc"), *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip


def finished(folder, *more):
    process = started(folder, *more)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    return results.open_result(folder / "run.nc")


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """A run whose chains are sampled in one process."""
    folder = tmp_path_factory.mktemp("serial")
    finished(folder, "--draws", "1000")
    return finished(folder, *LONG)


def ended(group):
    """Whether no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def interrupted(folder, where, serial):
    """A run that gets Ctrl-C when its first chain is kept: it ends with all its processes, and shows what it has."""
    kept = folder / "run.nc.partial"
    process = started(folder, *LONG, "--executor", where)
    while process.poll() is None and not list(kept.glob("chain-*.npz")):
        time.sleep(0.02)
    # As a terminal does it: to the whole group.
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "WARNING" not in said
    until = time.monotonic() + 20
    while not ended(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert ended(process.pid)
    numbers = sorted(int(file.name.split("-")[1]) for file in kept.glob("chain-*.npz"))
    assert 1 <= len(numbers) < 4
    partial = results.open_result(folder / "run.nc")
    assert partial.attrs["interrupted"] == f"with {len(numbers)} of 4 chains finished"
    assert (partial.attrs["partial"], partial.attrs["converged"]) == (1, 0)
    draws = (tree["posterior"]["mu_nu"].values for tree in (partial, serial))
    np.testing.assert_array_equal(next(draws), next(draws)[numbers])


def test_processes_are_interrupted_and_go_on_to_the_numbers_of_one_process(serial, tmp_path):
    interrupted(tmp_path, "processes:2", serial)
    resumed = finished(tmp_path, *LONG, "--executor", "processes:2", "--resume")
    assert "partial" not in resumed.attrs
    assert resumed.attrs["seconds_of"] == "the last session"
    for name, group in serial.children.items():
        assert group.to_dataset().identical(resumed[name].to_dataset()), name
    assert not (tmp_path / "run.nc.partial").exists()


def test_a_cluster_of_this_machine_is_interrupted_and_has_the_same_chains(serial, tmp_path):
    pytest.importorskip("distributed")
    interrupted(tmp_path, "dask:local", serial)
