"""kill -9 while NUTS samples: finished chains are kept, and the resumed result is that of a run that was not killed.

Slow, because each process compiles the model. The first run warms the compile cache: rounding differs before it.
"""

import subprocess
import sys
import time

import pytest

from bayesnu.infer import results

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")]

COMMAND = [sys.executable, "-c", "import os; os.cpu_count = lambda: 1; from bayesnu.cli import main; main()"]
"""One chain after the other: some are then finished, others not."""
FIT = ("fit", "coherent-csi-effective", "--engine", "nuts", "--seed", "7", "--draws", "20000")


def started(folder, *more):
    folder.mkdir(exist_ok=True)
    return subprocess.Popen([*COMMAND, *FIT, "--out", str(folder / "run.nc"), *more], stderr=subprocess.PIPE, text=True)


def groups(folder):
    tree = results.open_result(folder / "run.nc")
    return {name: group.to_dataset() for name, group in tree.children.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that is not killed."""
    folder = tmp_path_factory.mktemp("nuts")
    for name in ("warm", "whole"):
        process = started(folder / name)
        said = process.communicate()[1]
        assert process.returncode == 0, said
    return groups(folder / "whole")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_killed_nuts_keeps_its_finished_chains(whole, tmp_path, number):
    killed = tmp_path / "killed"
    process = started(killed)
    kept = killed / "run.nc.partial"
    while len(list(kept.glob("chain-*.npz"))) < number:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    before = {file.name: file.read_bytes() for file in kept.glob("chain-*.npz")}
    assert len(before) >= number
    again = started(killed, "--resume")
    said = again.communicate()[1]
    assert again.returncode == 0, said
    resumed = groups(killed)
    assert whole.keys() == resumed.keys()
    for name, dataset in whole.items():
        assert dataset.identical(resumed[name]), name
    assert not kept.exists()
