"""Checkpoints: what is kept, what is done again, and what may be resumed."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
import xarray as xr

import bayesnu as bn
from bayesnu.errors import DeclarationError, is_interrupt
from bayesnu.infer import checkpoint, covariance, fit, minimise, modes, pieces, profile
from bayesnu.infer.checkpoint import NOWHERE, Checkpoint, Interrupted, begin, finished
from bayesnu.infer.executors import Serial
from bayesnu.infer.progress import Reporter

ASKED = {"command": "toys", "seed": 1, "versions": {"numpy": "2.0", "bayesnu": "0.1"}}


class Square(NamedTuple):
    value: float
    square: float


def said(_: str) -> None:
    """Nobody listens."""


def squares(numbers, log):
    return {str(n): (_square, n, log) for n in numbers}


def _square(number, log):
    log.append(number)
    if number < 0:
        raise KeyboardInterrupt
    return Square(float(number), float(number**2))


@pytest.fixture
def result(tmp_path):
    return tmp_path / "run.nc"


def test_what_is_done_is_not_done_again(result):
    kept, log = begin(result, ASKED, resume=False, say=said), []
    with pytest.raises(Interrupted) as stopped:
        finished(kept, Serial(), squares([1, 2, -3, 4], log), Square)
    assert stopped.value.result == {"1": Square(1.0, 1.0), "2": Square(2.0, 4.0)}
    again = begin(result, ASKED, resume=True, say=said)
    told: list[tuple[int, int]] = []
    found = finished(again, Serial(), squares([1, 2, 3, 4], log), Square, lambda *n: told.append(n))
    assert log == [1, 2, -3, 3, 4]
    assert told == [(3, 4), (4, 4)]
    assert list(found.values()) == [Square(float(n), float(n * n)) for n in (1, 2, 3, 4)]
    again.remove()
    assert list(result.parent.iterdir()) == []


def test_a_piece_comes_back_bit_by_bit(result):
    kept = begin(result, ASKED, resume=False, say=said)
    piece = {"x": np.random.default_rng(1).normal(size=(3, 4)), "empty": np.zeros((0, 2)), "text": "a", "nan": np.nan}
    kept.save("piece", piece)
    found = kept.load("piece")
    assert found is not None
    np.testing.assert_array_equal(found["x"], piece["x"])
    assert found["empty"].shape == (0, 2)
    assert found["text"] == "a"
    assert np.isnan(found["nan"])


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9])
def test_a_piece_that_cannot_be_read_is_made_again(result, fraction):
    kept, log = begin(result, ASKED, resume=False, say=said), []
    finished(kept, Serial(), squares([5], log), Square)
    file = kept.folder / "5.npz"
    content = file.read_bytes()
    file.write_bytes(content[: int(fraction * len(content))])
    assert finished(kept, Serial(), squares([5], log), Square) == {"5": Square(5.0, 25.0)}
    assert log == [5, 5]


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"seed": 2}, "seed"),
        ({"versions": {"numpy": "2.1", "bayesnu": "0.1"}}, "versions.numpy"),
        ({"extra": 1}, "extra"),
    ],
)
def test_another_run_is_not_resumed(result, other, field):
    begin(result, ASKED, resume=False, say=said).save("piece", {"x": 1.0})
    with pytest.raises(DeclarationError) as caught:
        begin(result, ASKED | other, resume=True, say=said)
    (problem,) = caught.value.problems
    assert (problem.file, problem.field) == (str(checkpoint.folder_of(result)), field)
    assert "as in the run to be resumed" in problem.expected


def test_pieces_are_never_thrown_away_without_a_word(result):
    begin(result, ASKED, resume=False, say=said).save("piece", {"x": 1.0})
    with pytest.raises(
        DeclarationError, match=r"continue it with --resume, or start anew after: rm -r .*run.nc.partial"
    ):
        begin(result, ASKED, resume=False, say=said)
    assert begin(result, ASKED, resume=True, say=said).load("piece") == {"x": 1.0}


def test_a_run_that_finished_nothing_is_no_obstacle(result):
    kept = begin(result, ASKED, resume=False, say=said)
    kept.save("piece", {"x": 1.0})
    (kept.folder / "piece.npz").unlink()
    assert begin(result, ASKED | {"seed": 2}, resume=False, say=said).folder == checkpoint.folder_of(result)


def test_nothing_to_resume_is_said(result):
    told: list[str] = []
    begin(result, ASKED, resume=True, say=told.append)
    assert "starting from the beginning" in told[0]


def test_what_a_killed_writer_left_is_swept_away(result):
    kept = begin(result, ASKED, resume=False, say=said)
    kept.save("piece", {"x": 1.0})
    (kept.folder / ".piece-0a1b2c3d.npz").write_bytes(b"half")
    begin(result, ASKED, resume=True, say=said)
    assert sorted(file.name for file in kept.folder.iterdir()) == ["asked.json", "piece.npz"]


def test_a_run_that_ends_before_its_first_piece_leaves_nothing(result):
    kept = begin(result, ASKED, resume=False, say=said)
    assert kept.beside is None
    kept.remove()
    assert list(result.parent.iterdir()) == []


def test_an_engine_may_keep_its_own_file(result):
    kept = begin(result, ASKED, resume=False, say=said)
    kept.file("nested.h5").write_bytes(b"points")
    assert [file.name for file in kept.pieces] == ["nested.h5"]
    with pytest.raises(DeclarationError, match="--resume"):
        begin(result, ASKED, resume=False, say=said)


def test_a_partial_result_never_replaces_a_finished_one(result):
    assert begin(result, ASKED, resume=False, say=said).place_of_partial(result) == result
    result.write_text("finished")
    kept = begin(result, ASKED | {"seed": 2}, resume=False, say=said)
    assert kept.place_of_partial(result) == kept.folder / "run.nc"
    kept.save("piece", {"x": 1.0})
    assert begin(result, ASKED | {"seed": 2}, resume=True, say=said).replaces


def test_without_a_folder_nothing_is_kept():
    log = []
    assert finished(NOWHERE, Serial(), squares([1], log), Square) == {"1": Square(1.0, 1.0)}
    assert NOWHERE.load("1") is None
    NOWHERE.remove()


def test_an_interrupt_is_known_behind_another_error(monkeypatch):
    """What PyTensor's compiled functions make of it, and what does not come from one."""
    analysis = bn.load("coherent-csi-effective")
    tree = fit.fit(analysis, engine="emcee", seed=1, draws=40)

    def stopped(*_):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as cause:
            raise SystemError("returned a result with an exception set") from cause

    monkeypatch.setattr(fit, "_posterior", lambda *_: tree)
    monkeypatch.setattr(fit, "add_profiles", stopped)
    with pytest.raises(Interrupted) as caught:
        fit.fit(analysis, engine="emcee", seed=1, profiles=True)
    assert caught.value.result.attrs["interrupted"] == "before the profiles were complete"
    assert caught.value.result.attrs["converged"] == 0
    assert not is_interrupt(SystemError("of another kind"))


def test_parameters_alone_are_kept_and_not_done_again(result, monkeypatch):
    """However slow the disk: a fit does not end before all of it is written."""
    analysis, done = bn.load("coherent-csi-tmm"), []

    def single(_, name, *rest):
        done.append(name)
        return fit.Single(np.zeros((4, 10)), "{}", 1, "[]")

    def slowly(checkpoint, name, piece, save=Checkpoint.save):
        time.sleep(0.1)
        save(checkpoint, name, piece)

    monkeypatch.setattr(fit, "alone", single)
    monkeypatch.setattr(fit, "add_profiles", lambda *_: 0.0)
    monkeypatch.setattr(Checkpoint, "save", slowly)
    kept = begin(result, ASKED, resume=False, say=said)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            tree = fit.fit(analysis, engine="emcee", seed=1, draws=40, profiles=True, executor=pool, checkpoint=kept)
            assert sorted(tree["one_at_a_time"].children) == ["lambda_1", "lambda_2", "lambda_3"]
    assert sorted(done) == ["lambda_1", "lambda_2", "lambda_3"]


# --- profiles ---------------------------------------------------------------------------------------------------------

SILENT = Reporter(quiet=True)


def not_again(*_, **__):
    raise AssertionError("this was finished before")


def profiled(analysis, kept=NOWHERE):
    tree = xr.DataTree()
    seconds = fit.add_profiles(tree, analysis, 0.9, SILENT, kept)
    return seconds, {group: node.to_dataset() for group, node in tree.subtree_with_keys if node.has_data}


def test_a_finished_profile_is_not_done_again_and_is_the_same_bit_by_bit(result, monkeypatch):
    """The scan of a moment and the covariance, the second of which is interrupted."""
    analysis = bn.load("coherent-csi-effective")
    _, whole = profiled(analysis)
    kept = begin(result, ASKED, resume=False, say=said)
    with monkeypatch.context() as patched:
        patched.setattr(covariance, "covariance", lambda *_: _square(-1, []))
        with pytest.raises(KeyboardInterrupt):
            profiled(analysis, kept)
    assert [file.name for file in kept.pieces] == ["profile-mu_nu_zero.npz"]

    again = begin(result, ASKED, resume=True, say=said)
    monkeypatch.setattr(profile, "profile", not_again)
    some, resumed = profiled(analysis, again)
    monkeypatch.setattr(minimise, "prepare", not_again)
    none, kept_whole = profiled(analysis, again)
    assert some > none == 0.0
    for found in (resumed, kept_whole):
        assert found.keys() == whole.keys() == {"profile/mu_nu_zero", "covariance"}
        assert all(dataset.identical(found[group]) for group, dataset in whole.items())


def test_each_scan_is_a_piece_of_its_own(result, monkeypatch):
    """Three parameters, the others profiled and at zero: an interrupt in the fifth scan, then the last two."""
    done: list[str] = []

    def scan(_, name, *, others, level, progress):
        done.append(f"{name}_{others}")
        if len(done) == 5:
            raise KeyboardInterrupt
        return xr.Dataset({"delta_chi2": ("value", [level, len(done)])}, attrs={"others": others})

    analysis = bn.load("coherent-csi-tmm")
    monkeypatch.setattr(minimise, "prepare", lambda _: minimise.prepare_numpy(analysis))
    monkeypatch.setattr(profile, "profile", scan)
    monkeypatch.setattr(covariance, "best_fit", lambda _: None)
    monkeypatch.setattr(covariance, "covariance", lambda *_: xr.Dataset(attrs={"chi2_min": 1.0}))
    kept = begin(result, ASKED, resume=False, say=said)
    for end in ("interrupted", "finished"):
        tree = xr.DataTree()
        try:
            fit.add_profiles(tree, analysis, 0.9, SILENT, kept)
        except KeyboardInterrupt:
            assert end == "interrupted"
    expected = [f"lambda_{i}_{others}" for i in (1, 2, 3) for others in ("profiled", "zero")]
    assert done == [*expected[:5], *expected[4:]]
    assert list(tree["profile"].children) == expected
    assert [float(tree[f"profile/{name}"]["delta_chi2"][1]) for name in expected] == [1, 2, 3, 4, 6, 7]
    assert tree["covariance"].attrs == {"chi2_min": 1.0}


def test_a_dataset_comes_back_bit_by_bit(result):
    found = xr.Dataset(
        {"delta_chi2": (("follows", "value"), np.random.default_rng(1).normal(size=(2, 3))),
         "range_end": ("value", np.array(["", "lambda_2 low", ""])), "starts": ("value", [1, 2, 3])},
        coords={"value": np.array([0.1, 0.2, np.nan])},
        attrs={"limit": np.nan, "best": np.float64(1) / 3, "closed_form": "", "parameter": "mu_nu", "level": 0.9},
    )  # fmt: skip
    kept = begin(result, ASKED, resume=False, say=said)
    kept.save("scan", pieces.as_piece(found))
    back = pieces.as_dataset(kept.load("scan"))
    assert back.identical(found)
    assert {name: v.dtype for name, v in back.variables.items()} == {n: v.dtype for n, v in found.variables.items()}


def test_a_resumed_fit_counts_no_modes_again_and_says_whose_seconds_it_has(result, monkeypatch):
    analysis = bn.load("coherent-csi-effective")
    kept = begin(result, ASKED, resume=False, say=said)
    whole = fit.fit(analysis, engine="emcee", seed=1, draws=40, checkpoint=kept)
    monkeypatch.setattr(modes, "record", not_again)
    resumed = fit.fit(analysis, engine="emcee", seed=1, draws=40, checkpoint=kept)
    assert "seconds_of" not in whole.attrs
    assert resumed.attrs["seconds_of"] == "the last session"
    assert resumed.attrs["modes"] == whole.attrs["modes"]
    assert resumed.attrs["diagnostics"] == whole.attrs["diagnostics"]
    assert resumed["posterior"].to_dataset().identical(whole["posterior"].to_dataset())
