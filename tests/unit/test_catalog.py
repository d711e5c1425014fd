"""The catalog: where it looks, what lies over what, what it reads, verifies and cites."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from bayesnu import catalog
from bayesnu.catalog import layering
from bayesnu.catalog.hashes import sha256
from bayesnu.catalog.layering import flattened, merged, overlaid, relocated
from bayesnu.errors import Problem
from bayesnu.likelihood.checking import check

CSI = "data/experiments/coherent-csi-2017/experiment.toml"
MODELS = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "models").glob("*.toml"))


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAYESNU_DATA", raising=False)


@pytest.fixture
def shelf() -> catalog.Catalog:
    return catalog.open_catalog()


def titled(root: Path, title: str) -> Path:
    """A folder with one model of a shipped name."""
    (root / "models").mkdir(parents=True)
    (root / "models/coherent-csi-sm.toml").write_text(f'title = "{title}"\n')
    return root


# --- where it looks ---------------------------------------------------------------------------------------------------


def test_the_argument_goes_before_the_variable_before_what_is_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, variable = titled(tmp_path / "named", "named"), titled(tmp_path / "variable", "variable")
    monkeypatch.setenv("BAYESNU_DATA", str(variable))
    searched = catalog.open_catalog(named)
    assert searched.roots[:2] == (named, variable)
    assert len(searched.roots) > 2
    assert catalog.models(searched)["coherent-csi-sm"].is_relative_to(named)
    assert catalog.models(catalog.open_catalog())["coherent-csi-sm"].is_relative_to(variable)
    assert catalog.models(searched)["coherent-csi-full"].is_relative_to(searched.roots[2])


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = catalog.open_catalog().roots
    monkeypatch.setenv("BAYESNU_DATA", "")
    assert catalog.open_catalog().roots == shipped


def test_what_is_listed(shelf: catalog.Catalog) -> None:
    experiments = catalog.experiments(shelf)
    assert {"coherent-csi-2017", "coherent-csi-2017-spectrum"} <= experiments.keys()
    assert experiments["coherent-csi-2017"] == experiments["coherent-csi-2017-spectrum"]
    assert set(MODELS) <= catalog.models(shelf).keys()
    assert "pion-decay-at-rest" in catalog.fluxes(shelf)
    assert "tmm2019" in catalog.papers(shelf)


def test_a_broken_experiment_does_not_hide_the_others(repository: Path, tmp_path: Path) -> None:
    broken = tmp_path / "data/experiments/broken"
    broken.mkdir(parents=True)
    (broken / "experiment.toml").write_text("title = \n")
    searched = catalog.open_catalog(tmp_path)
    assert {"broken", "coherent-csi-2017-spectrum"} <= catalog.experiments(searched).keys()
    assert catalog.read_experiment(searched, "coherent-csi-2017-spectrum")[1].counts.file == "spectrum.csv"


# --- what lies over what ----------------------------------------------------------------------------------------------


def test_tables_are_merged_by_key() -> None:
    parent = {"title": "a", "fixed": {"x": {"value": 1.0, "unit": "1"}, "y": {"value": 2.0, "unit": "1"}}}
    child = {"title": "b", "fixed": {"x": {"value": 3.0}}}
    x, y = {"value": 3.0, "unit": "1"}, {"value": 2.0, "unit": "1"}
    assert merged(parent, child) == {"title": "b", "fixed": {"x": x, "y": y}}


def test_a_table_with_a_kind_is_replaced_whole() -> None:
    parent = {"couplings": {"kind": "radiative", "rho": 1.0}, "restrict": {"tmm": ["nu_e"]}}
    child = {"couplings": {"kind": "tree"}, "restrict": {"sm": ["nu_mu"]}}
    assert merged(parent, child) == child


@pytest.mark.parametrize("before", layering.ROLES)
@pytest.mark.parametrize("after", layering.ROLES)
def test_a_quantity_has_the_role_that_the_child_gives_it(before: str, after: str) -> None:
    result = merged({before: {"x": {"a": 1}, "y": {}}}, {after: {"x": {"b": 2}}})
    assert result[after]["x"] == ({"a": 1, "b": 2} if before == after else {"b": 2})
    assert [role for role in layering.ROLES if "x" in result.get(role, {})] == [after]
    assert "y" in result[before]


def test_merging_changes_neither() -> None:
    parent, child = {"fixed": {"x": {"value": 1.0}}}, {"fixed": {"x": {"value": 2.0}}}
    merged(parent, child)
    assert parent == {"fixed": {"x": {"value": 1.0}}}
    assert child == {"fixed": {"x": {"value": 2.0}}}


def test_a_shipped_quantity_moves(shelf: catalog.Catalog) -> None:
    _, full = catalog.read_model(shelf, "coherent-csi-full")
    _, tmm = catalog.read_model(shelf, "coherent-csi-tmm")
    assert {"sin2_theta_12", "delta_cp"} <= full.fixed.keys()
    assert "sin2_theta_12" in tmm.nuisances
    assert "delta_cp" in tmm.parameters
    assert not {"sin2_theta_12", "delta_cp"} & tmm.fixed.keys()
    assert "sin2_theta_w" in tmm.fixed


def test_a_base_by_its_path_lies_beside_the_model(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shelf: catalog.Catalog
) -> None:
    (tmp_path / "mine").mkdir()
    shutil.copyfile(repository / "models/coherent-csi-sm.toml", tmp_path / "mine/base.toml")
    child = tmp_path / "mine/child.toml"
    child.write_text('extends = "base.toml"\ntitle = "mine"\n')
    monkeypatch.chdir(tmp_path)
    for name in (child, child.relative_to(tmp_path)):
        assert catalog.read_model(shelf, str(name))[1].title == "mine"


def test_an_overlay_replaces_whole_values() -> None:
    tree = {"a": {"b": {"c": 1, "d": 2}, "e": 3}}
    values = {"a.b": {"c": 9}, "a.b.d": 4}
    result, _ = overlaid(tree, Path("x.toml"), "variants.v", values)
    assert result == {"a": {"b": {"c": 9, "d": 4}, "e": 3}}
    assert tree == {"a": {"b": {"c": 1, "d": 2}, "e": 3}}


def test_backgrounds_of_a_variant_are_single_values() -> None:
    variant = {"title": "t", "counts": {"file": "f"}, "backgrounds": {"x": {"column": "c"}}}
    expected = {"title": "t", "counts": {"file": "f"}, "backgrounds.x": {"column": "c"}}
    assert flattened(variant) == expected


def test_a_field_is_of_the_last_layer_that_sets_it() -> None:
    base = layering.Layer(Path("base.toml"), "", {"counts": {"bins": [], "observed": []}, "flux": "f"})
    values = {"counts.bins": [[5.0, 30.0]]}
    _, reading = overlaid(base.tree, Path("paper.toml"), "readings.r.overlay", values)
    problems = [Problem("base.toml", f, "", "", "") for f in ("counts.bins[0]", "counts.observed", "flux", "x")]
    other = Problem("other.csv", "line 3", "", "", "")
    found = [(p.file, p.field) for p in relocated([*problems, other], Path("base.toml"), [base, reading])]
    assert found[0] == ("paper.toml", "readings.r.overlay.counts.bins[0]")
    assert found[1:3] == [("base.toml", "counts.observed"), ("base.toml", "flux")]
    assert found[4] == ("other.csv", "line 3")


# --- readings and variants --------------------------------------------------------------------------------------------


def test_a_reading_is_laid_over_the_declaration(shelf: catalog.Catalog) -> None:
    _, declared = catalog.read_experiment(shelf, "coherent-csi-2017")
    assert declared.counts.bins == ((6.0, 30.0),)
    (setup,) = catalog.resolve(shelf, "coherent-csi-sm").setups
    assert setup.bins == setup.experiment.counts.bins == ((5.0, 30.0),)
    assert setup.observed == (142.0,)


def test_a_reading_of_a_flux(shelf: catalog.Catalog) -> None:
    (setup,) = catalog.resolve(shelf, "coherent-csi-spectrum-sm").setups
    assert getattr(setup.flux.components["nu_mu"], "energy_mev", None) == 29.79
    declared = catalog.read_flux(shelf, "pion-decay-at-rest")[1]
    assert getattr(declared.components["nu_mu"], "energy_mev", None) == 29.9


def test_a_variant_is_an_experiment(shelf: catalog.Catalog) -> None:
    file, spectrum = catalog.read_experiment(shelf, "coherent-csi-2017-spectrum")
    _, base = catalog.read_experiment(shelf, "coherent-csi-2017")
    assert file.name == "experiment.toml"
    assert spectrum.counts.file == "spectrum.csv"
    assert spectrum.dataset == base.dataset
    assert spectrum.knobs
    assert not base.knobs
    (setup,) = catalog.resolve(shelf, "coherent-csi-spectrum").setups
    assert len(setup.bins) == 12
    assert sum(setup.observed) == pytest.approx(547)
    assert setup.variance == ()


def test_a_gaussian_variance_is_the_weighted_sum(shelf: catalog.Catalog) -> None:
    (setup,) = catalog.resolve(shelf, "coherent-csi-sm").setups
    assert setup.variance == (142.0 + 6.0 + 2 * 405.0,)
    assert setup.backgrounds == {"prompt-neutron": (6.0,)}


def test_a_per_bin_nuisance_is_one_a_bin(shelf: catalog.Catalog) -> None:
    resolved = catalog.resolve(shelf, "coherent-csi-spectrum")
    copies = [name for name in resolved.nuisances if name.startswith("steady_state_")]
    assert copies == [f"steady_state_{n:02d}" for n in range(1, 13)]
    assert getattr(resolved.nuisances["steady_state_01"].prior, "counts", None) == 26.0


# --- hashes -----------------------------------------------------------------------------------------------------------


def test_present_hashes_are_not_rewritten(repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository / "data", tmp_path / "data", copy_function=shutil.copyfile)
    for file in sorted((tmp_path / "data").rglob("*.toml")):
        before = file.read_bytes()
        assert catalog.write_hashes(file) == 0
        assert file.read_bytes() == before


@pytest.mark.parametrize("form", ['"spectrum.csv" = "{}"', '"spectrum.csv"="{}"', "'spectrum.csv' = '{}'"])
def test_new_hashes_are_written_once(repository: Path, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(repository / Path(CSI).parent, folder, copy_function=shutil.copyfile)
    file, table = folder / "experiment.toml", folder / "spectrum.csv"
    old = sha256(table)
    file.write_text(file.read_text(encoding="utf-8").replace(f'"spectrum.csv" = "{old}"', form.format(old)))
    table.write_text(table.read_text(encoding="utf-8").replace("6,8,35", "6,8,36"))
    assert [p.field for p in check([file])] == ["sources.release2018.files.spectrum.csv"]
    assert catalog.write_hashes(file) == 1
    assert sha256(table) in file.read_text(encoding="utf-8")
    assert old not in file.read_text(encoding="utf-8")
    assert catalog.write_hashes(file) == 0
    assert check([file]) == []


# --- everything shipped -----------------------------------------------------------------------------------------------


def test_nothing_shipped_is_wrong(repository: Path) -> None:
    assert check() == []
    files = [*(repository / "data").rglob("*.toml"), *(repository / "models").rglob("*.toml")]
    assert check(sorted(files)) == []


@pytest.mark.parametrize("model", MODELS)
def test_every_source_is_cited_once_with_its_status(shelf: catalog.Catalog, model: str) -> None:
    resolved = catalog.resolve(shelf, model)
    citations = catalog.cite(resolved)
    assert max(Counter((c.file, c.source.reference, c.source.where, c.source.note) for c in citations).values()) == 1
    assert all(c.source.status in {"released", "typed", "digitised", "recalled", "inferred"} for c in citations)
    cited = {c.source.reference for c in citations}
    for setup in resolved.setups:
        assert {s.reference for s in (*setup.experiment.sources.values(), *setup.flux.sources.values())} <= cited
    assert {s.reference for s in catalog.read_model(shelf, model)[1].sources.values()} <= cited
    assert {s.reference for s in catalog.read_isotopes(shelf)[2].sources.values()} <= cited


def test_a_reading_is_cited_with_its_evidence(shelf: catalog.Catalog) -> None:
    citations = catalog.cite(catalog.resolve(shelf, "coherent-csi-sm"))
    (reading,) = [c.source for c in citations if c.source.where == "reading csi-window"]
    assert reading.status == "inferred"
    assert "30 PE" in reading.note
