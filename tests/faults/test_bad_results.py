"""What is no result, or only part of one, is named; what could not be written leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import bayesnu as bn
from bayesnu.errors import DeclarationError
from bayesnu.infer import checks, results


@pytest.fixture(scope="module")
def tree() -> xr.DataTree:
    """A result of made-up draws: nothing is sampled."""
    analysis = bn.load("coherent-csi-effective")
    points = analysis.sample_prior(4 * 100, np.random.default_rng(1)).reshape(4, 100, len(analysis.names))
    draws = {name: points[..., i] for i, name in enumerate(analysis.names)}
    stats = {"diverging": np.zeros((4, 100), dtype=bool)}
    made = results.to_tree(analysis, draws, stats, engine="nuts", seed=1, options={}, seconds={})
    checks.record(made, checks.Gate())
    return made


@pytest.fixture(scope="module")
def good(tree: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results.save_result(tree, tmp_path_factory.mktemp("good") / "result.nc")


def refused(path: Path) -> str:
    """The field of the one problem of a file, after a look at the rest of the message."""
    with pytest.raises(DeclarationError) as caught:
        results.open_result(path)
    (problem,) = caught.value.problems
    assert problem.file == str(path)
    assert problem.found
    assert results.FORMAT in problem.expected
    assert "bayesnu fit" in problem.hint
    return problem.field


def test_a_good_result_comes_back(tree: xr.DataTree, good: Path) -> None:
    opened = results.open_result(good)
    xr.testing.assert_identical(opened, tree)
    assert checks.recorded(opened) == checks.recorded(tree)
    assert results.model_of(opened).name == "coherent-csi-effective"


@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_result(good: Path, tmp_path: Path, fraction: float) -> None:
    content = good.read_bytes()
    cut = tmp_path / "cut.nc"
    cut.write_bytes(content[: int(len(content) * fraction)])
    assert refused(cut) == ""


@pytest.mark.parametrize("content", [b"", b"\x00" * 512, b"mu_nu = 40\n", b"CDF\x01", b"\x89HDF\r\n\x1a\n"])
def test_a_file_that_is_no_netcdf(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "result.nc"
    path.write_bytes(content)
    assert refused(path) == ""


def test_a_foreign_netcdf(tmp_path: Path) -> None:
    path = tmp_path / "foreign.nc"
    xr.Dataset({"temperature": ("day", [281.0, 282.0])}).to_netcdf(path, engine="netcdf4")
    assert refused(path) == "attributes.format"


@pytest.mark.parametrize("declared", ["bayesnu result 2", "something else", ""])
def test_another_format(tree: xr.DataTree, tmp_path: Path, declared: str) -> None:
    changed = tree.copy()
    changed.attrs["format"] = declared
    path = results.save_result(changed, tmp_path / "result.nc")
    assert refused(path) == "attributes.format"


@pytest.mark.parametrize("group", ["posterior", "sample_stats", "observed_data"])
def test_a_missing_group(tree: xr.DataTree, tmp_path: Path, group: str) -> None:
    kept = xr.DataTree.from_dict(
        {"/": xr.Dataset(attrs=tree.attrs)} | {n: g.to_dataset() for n, g in tree.children.items() if n != group}
    )
    path = results.save_result(kept, tmp_path / "result.nc")
    assert refused(path) == group


def test_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path) == ""


def test_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.nc") == ""


# --- saving -----------------------------------------------------------------------------------------------------------


def half_written(self: xr.DataTree, path: str, **_: object) -> None:
    Path(path).write_bytes(b"half a resu")
    raise OSError(28, "No space left on device")


def interrupted(self: xr.DataTree, path: str, **_: object) -> None:
    Path(path).write_bytes(b"half a resu")
    raise KeyboardInterrupt


FAILURES = [(half_written, OSError), (interrupted, KeyboardInterrupt)]


@pytest.mark.parametrize(("failure", "error"), FAILURES)
def test_a_failing_save_leaves_nothing(
    tree: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    failure: Callable[..., None], error: type[BaseException],
) -> None:  # fmt: skip
    monkeypatch.setattr(xr.DataTree, "to_netcdf", failure)
    with pytest.raises(error):
        results.save_result(tree, tmp_path / "result.nc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("failure", "error"), FAILURES)
def test_a_failing_save_leaves_the_earlier_result(
    tree: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    failure: Callable[..., None], error: type[BaseException],
) -> None:  # fmt: skip
    path = results.save_result(tree, tmp_path / "result.nc")
    before = path.read_bytes()
    monkeypatch.setattr(xr.DataTree, "to_netcdf", failure)
    with pytest.raises(error):
        results.save_result(tree, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
