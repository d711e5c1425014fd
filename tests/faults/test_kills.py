"""Runs that are killed: at ten random moments, by SIGKILL, then resumed to the numbers of a run that was not.

Real processes, real kills. After each kill every file is readable, and nothing that was finished is done again.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from bayesnu.cli import main
from bayesnu.infer import exclusion, results, toys
from bayesnu.infer.toy_files import open_toys

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")

COMMAND = [sys.executable, "-c", "from bayesnu.cli import main; main()"]
FIT = ("fit", "coherent-csi-effective", "--engine", "emcee", "--seed", "7", "--draws", "200")
TOYS = ("toys", "coherent-csi-effective", "--parameter", "mu_nu", "--true", "0", "--true", "30", "--toys", "6000",
        "--seed", "5")  # fmt: skip
SCAN = ("exclusion", "sterile2021-csi", "--parameter", "mu_nu_mu", "--masses", "0.01", "50", "12")
RUNS = {"fit": (FIT, "run.nc"), "toys": (TOYS, "run.nc"), "scan": (SCAN, "run.csv")}
KILLS = {"fit": 3, "toys": 4, "scan": 3}
"""Ten in all."""
OFTEN = "from bayesnu.infer import ensemble; ensemble.LOST_SECONDS = 0.3; ensemble.FIRST_CHUNK = 10; "


def started(arguments, folder, out, *more):
    """The command, in a process; emcee keeps its steps often enough for a run of seconds."""
    command = [COMMAND[0], COMMAND[1], (OFTEN if arguments[0] == "fit" else "") + COMMAND[2]]
    return subprocess.Popen(
        [*command, *arguments, "--out", str(folder / out), *more], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def done(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out + err


def pieces(folder, out):
    there = folder / f"{out}.partial"
    # A file with a dot is on its way to its name.
    return {file.name: file.read_bytes() for file in there.glob("[!.]*.npz")} if there.is_dir() else {}


def content(path):
    """The numbers of a file, without its command line."""
    if path.suffix == ".csv":
        return [line for line in path.read_text().splitlines() if not line.startswith("#")]
    tree = results.open_result(path) if path.parent.name == "fit" else open_toys(path)
    return {name: group.to_dataset() for name, group in tree.children.items()}


def assert_same(first, second):
    if isinstance(first, list):
        assert first == second
        return
    assert first.keys() == second.keys()
    for name, dataset in first.items():
        xr.testing.assert_identical(dataset, second[name])


def readable(folder, out):
    """No file that a reader may see is half there."""
    for file in folder.rglob("*"):
        if file.suffix == ".npz" and not file.name.startswith("."):
            with np.load(file, allow_pickle=False) as piece:
                assert [piece[name].shape for name in piece.files]
        elif file.suffix == ".json":
            assert json.loads(file.read_text())["asked"]
    return not (folder / out).exists() or bool(content(folder / out))


@pytest.mark.parametrize("kind", RUNS)
def test_killed_at_random_moments(kind, tmp_path):
    arguments, out = RUNS[kind]
    whole, killed = tmp_path / "whole" / kind, tmp_path / "killed" / kind
    for folder in (whole, killed):
        folder.mkdir(parents=True)
    began = time.monotonic()
    code, said = done(started(arguments, whole, out))
    seconds = time.monotonic() - began
    assert code in (0, 1), said
    assert pieces(whole, out) == {}
    moments, kept = random.Random(kind), {}
    for _ in range(KILLS[kind]):
        process = started(arguments, killed, out, "--resume")
        time.sleep(seconds * moments.uniform(0.2, 0.95))
        process.kill()
        process.communicate()
        assert readable(killed, out)
        now = pieces(killed, out)
        assert kept.items() <= now.items() or (killed / out).exists()
        kept = now
    again, said = done(started(arguments, killed, out, "--resume"))
    assert again == code, said
    assert_same(content(whole / out), content(killed / out))
    assert [file.name for file in killed.iterdir()] == [out]


@pytest.mark.parametrize(("kind", "sent"), [("fit", signal.SIGINT), ("toys", signal.SIGTERM)])
def test_an_interrupt_leaves_a_partial_result_that_says_so(kind, sent, tmp_path):
    arguments, out = RUNS[kind]
    # Much longer than it will live.
    arguments = [{"6000": "400000", "200": "20000"}.get(word, word) for word in arguments]
    folder = tmp_path / kind
    folder.mkdir()
    process = started(arguments, folder, out)
    until = time.monotonic() + 120
    while len(pieces(folder, out)) < 12 and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(process.pid, sent)
    code, said = done(process)
    assert code == 130, said
    assert "Traceback" not in said
    assert f"partial result, marked as such: {folder / out}" in said
    assert "--resume" in said
    attributes = results.open_result(folder / out).attrs if kind == "fit" else open_toys(folder / out).attrs
    assert attributes["partial"] == 1
    assert attributes["interrupted"].startswith("after ")
    assert attributes.get("converged", 0) == 0
    if kind == "fit":
        shown = CliRunner().invoke(main, ["limits", str(folder / out)])
        assert shown.exit_code == 1
        assert "! mu_nu" in shown.output
        assert "interrupted after" in shown.output


def interrupted_at(monkeypatch, module, name, number):
    """In this process: an interrupt comes in the middle of the n-th piece of work."""
    function, calls = getattr(module, name), []

    def wrapped(*arguments):
        calls.append(arguments)
        if len(calls) == number:
            raise KeyboardInterrupt
        return function(*arguments)

    monkeypatch.setattr(module, name, wrapped)


def run(*arguments):
    return CliRunner().invoke(main, [*arguments, "--quiet"])


def test_an_interrupted_scan_keeps_the_masses_that_were_scanned(tmp_path, monkeypatch):
    whole, file = tmp_path / "whole.csv", tmp_path / "run.csv"
    assert run(*SCAN, "--out", str(whole)).exit_code == 0
    with monkeypatch.context() as patched:
        interrupted_at(patched, exclusion, "scan_at", 5)
        stopped = run(*SCAN, "--out", str(file))
    assert stopped.exit_code == 130
    assert "PARTIAL: interrupted after 4 of 12 masses" in file.read_text()
    rows, partial = content(whole), content(file)
    local = [row for row in partial if "global" not in row]
    assert local == [row for row in rows if "global" not in row][: len(local)]
    with monkeypatch.context() as patched:
        interrupted_at(patched, exclusion, "scan_at", 9)
        assert run(*SCAN, "--out", str(file), "--resume").exit_code == 0
    assert content(file) == rows


def test_a_partial_result_does_not_replace_a_finished_one(tmp_path, monkeypatch):
    file = tmp_path / "run.nc"
    file.write_text("the work of another day")
    interrupted_at(monkeypatch, toys, "block_at", 8)
    stopped = run(*TOYS, "--out", str(file))
    assert stopped.exit_code == 130
    assert file.read_text() == "the work of another day"
    assert open_toys(tmp_path / "run.nc.partial" / "run.nc").attrs["interrupted"].startswith("after 500 of 6000 toys")


def test_resume_needs_the_same_question_and_a_file(tmp_path, monkeypatch):
    file = str(tmp_path / "run.nc")
    interrupted_at(monkeypatch, toys, "block_at", 3)
    assert run(*TOYS, "--out", file).exit_code == 130
    again, other, nowhere = (
        run(*TOYS, "--out", file),
        run(*TOYS[:-1], "6", "--out", file, "--resume"),
        run(*TOYS, "--resume"),
    )
    assert [again.exit_code, other.exit_code, nowhere.exit_code] == [2, 2, 2]
    assert "rm -r" in again.output
    assert "seed" in other.output
    assert "--out" in nowhere.output
