"""What a user gets: the wheel, built from the sdist, installed where the repository is not."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

type Completed = subprocess.CompletedProcess[str]
type Run = Callable[..., Completed]

KEPT = ("PATH", "NUMBA_CACHE_DIR", "PYTENSOR_FLAGS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def call(*command: str | Path, folder: Path | None = None, variables: Mapping[str, str] | None = None) -> Completed:
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=variables,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = call(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, repository)
    assert build.returncode == 0, build.stdout + build.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program of a fresh environment, in an empty folder, with nothing but PATH and caches.

    The dependencies are borrowed from the environment of the tests: its path comes after the new
    site-packages and its own .pth files, hence the editable install, are not read.
    """
    home = tmp_path_factory.mktemp("home")
    environment = home / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    install = call(
        *(sys.executable, "-m", "pip", "--python", environment, "install", "--quiet"),
        *("--no-index", "--no-deps", "--disable-pip-version-check", wheel),
    )
    assert install.returncode == 0, install.stdout + install.stderr
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    variables = {name: os.environ[name] for name in KEPT if name in os.environ}
    variables["HOME"] = str(home)

    def run(program: str, *arguments: str, folder: Path = home) -> Completed:
        return call(environment / "bin" / program, *arguments, folder=folder, variables=variables)

    return run


@pytest.mark.parametrize("part", ["data", "models"])
def test_the_wheel_carries_facts_and_beliefs(wheel: Path, repository: Path, part: str) -> None:
    here = {
        f"bayesnu/packaged/{path.relative_to(repository).as_posix()}"
        for path in (repository / part).rglob("*")
        if path.is_file()
    }
    with ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if name.startswith("bayesnu/packaged/")}
    assert here
    assert here <= carried


def test_the_wheel_is_typed(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        assert "bayesnu/py.typed" in archive.namelist()


def test_what_is_imported_is_the_wheel(run: Run) -> None:
    imported = run("python", "-c", "import bayesnu, sys; print(sys.prefix); print(bayesnu.__file__)")
    assert imported.returncode == 0, imported.stderr
    prefix, file = (Path(line) for line in imported.stdout.splitlines())
    assert prefix != Path(sys.prefix)
    assert file.is_relative_to(prefix)


def test_the_installed_program_lists_the_packaged_experiments(run: Run) -> None:
    listed = run("bayesnu", "list")
    assert listed.returncode == 0, listed.stderr
    assert "coherent-csi-2017" in listed.stdout


def test_the_installed_program_fits_a_packaged_model(run: Run, tmp_path: Path) -> None:
    fit = run(
        *("bayesnu", "fit", "coherent-csi-effective", "--engine", "emcee", "--seed", "1"),
        *("--draws", "500", "--out", "result.nc", "--format", "json", "--quiet"),
        folder=tmp_path,
    )
    assert fit.returncode in {0, 1}, fit.stderr  # 1: so short a run may well not converge
    assert (tmp_path / "result.nc").is_file(), fit.stderr
    json.loads(fit.stdout)
