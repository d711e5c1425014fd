"""Spectra from tables: normalised, cut into bands, with what goes with each band."""

from pathlib import Path

import numpy as np
import pytest

from bayesnu import catalog
from bayesnu.catalog import spectra
from bayesnu.physics import fluxes

FLUX = """title = "A triangle"

[components.sun]
flavour = "nu_solar"
shape = "table"
file = "sun.csv"
weight = 10.0
electron_density = 80.0
bands_mev = {bands}

[components.line]
flavour = "nu_mu"
shape = "line"
energy_mev = 2.5

[sources.own]
reference = "Ours"
arxiv = "0000.00000"
where = "nowhere"
status = "inferred"
covers = ["components"]
files = {{ "sun.csv" = "" }}
"""


@pytest.fixture
def read(tmp_path: Path):
    def at(rows: str, bands: str):
        folder = tmp_path / "data" / "fluxes"
        folder.mkdir(parents=True)
        (folder / "sun.csv").write_text("energy_mev,density\n" + rows, encoding="utf-8")
        (folder / "triangle.toml").write_text(FLUX.format(bands=bands), encoding="utf-8")
        catalog.write_hashes(folder / "triangle.toml")
        return catalog.read_flux(catalog.open_catalog(tmp_path), "triangle")[1].components

    return at


TRIANGLE = "0.0,0.0\n4.0,8.0\n"


def test_a_table_is_normalised(read):
    components = read(TRIANGLE, "[]")
    assert list(components) == ["sun", "line"]
    assert components["sun"].points == ((0.0, 0.0), (4.0, 0.5))
    assert fluxes.neutrinos(components["sun"]) == pytest.approx(10.0, rel=1e-14)


def test_bands_by_hand(read):
    components = read(TRIANGLE, "[1.0, 2.0]")
    assert list(components) == ["sun-1", "sun-2", "sun-3", "line"]
    low, middle, high = (components[f"sun-{n}"] for n in (1, 2, 3))
    assert [band.weight for band in (low, middle, high)] == pytest.approx([10 / 16, 30 / 16, 120 / 16], rel=1e-14)
    np.testing.assert_allclose(low.points, [(0, 0), (1, 2)], rtol=1e-14)
    np.testing.assert_allclose(middle.points, [(1, 2 / 3), (2, 4 / 3)], rtol=1e-14)
    assert {(b.flavour, b.electron_density, b.bands_mev) for b in (low, middle, high)} == {("nu_solar", 80.0, ())}


def test_bands_add_up_to_the_spectrum(read, tmp_path):
    rows = "0.1,0.3\n0.5,2.0\n0.9,1.0\n2.0,0.0\n"
    energy = np.linspace(0.05, 2.1, 400)
    banded = read(rows, "[0.3, 0.5, 1.7]")
    names = [n for n in banded if n.startswith("sun")]
    found = sum(fluxes.density_per_mev(banded[n], energy) for n in names)
    points = [tuple(map(float, row.split(","))) for row in rows.split()]
    whole = 10 * np.interp(energy, *np.array(points).T, left=0, right=0) / spectra.integral(points)
    np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-12)
    moments = [sum(fluxes.moments_above(banded[n], energy)[k] for n in names) for k in range(3)]
    (folder,) = tmp_path.glob("data/fluxes")
    (folder / "triangle.toml").write_text(FLUX.format(bands="[]"), encoding="utf-8")
    catalog.write_hashes(folder / "triangle.toml")
    one = catalog.read_flux(catalog.open_catalog(tmp_path), "triangle")[1].components["sun"]
    for found, expected in zip(moments, fluxes.moments_above(one, energy), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_edge_at_a_point_of_the_table():
    points = ((0.0, 1.0), (1.0, 3.0), (2.0, 1.0))
    assert spectra.within(points, 0.0, 1.0) == points[:2]
    assert spectra.within(points, 0.5, 1.5) == ((0.5, 2.0), (1.0, 3.0), (1.5, 2.0))
