"""Where declarations lie: the search path, the names on it, and the file behind a name."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bayesnu.catalog import validation
from bayesnu.catalog.files import read_toml
from bayesnu.errors import DeclarationError, Problem

_PACKAGE = Path(__file__).parents[1]


class Catalog(NamedTuple):
    """Where declarations are looked up: folders with data/ and models/, the first one wins."""

    roots: tuple[Path, ...]


def open_catalog(root: str | os.PathLike[str] | None = None) -> Catalog:
    """Search path: the argument, BAYESNU_DATA, the packaged copy, the repository that holds this package."""
    named = [("root", Path(root))] if root is not None else []
    from_environment = os.environ.get("BAYESNU_DATA")
    named += [("BAYESNU_DATA", Path(from_environment))] if from_environment else []
    for origin, path in named:
        if not path.is_dir():
            expected = "a folder with data/ and models/"
            hint = "mend or unset the variable BAYESNU_DATA" if origin == "BAYESNU_DATA" else "mend the path"
            raise DeclarationError(Problem(str(path), origin, f"no folder {str(path)!r}", expected, hint))
    shipped = [_PACKAGE / "packaged", *_repository()]
    return Catalog((*(path for _, path in named), *(path for path in shipped if path.is_dir())))


def _repository() -> list[Path]:
    """The source tree of an editable install; any other project's folder is left alone."""
    root = _PACKAGE.parent
    project = root / "pyproject.toml"
    named = project.is_file() and 'name = "bayesnu"' in project.read_text(encoding="utf-8")
    return [root] if named else []


# --- listing ----------------------------------------------------------------------------------------------------------


def experiments(catalog: Catalog) -> dict[str, Path]:
    """Names of all experiments, variants included, with their files."""
    found: dict[str, Path] = {}
    for file in experiment_files(catalog):
        name = file.parent.name
        try:
            variants = variants_of(file)
        except DeclarationError:
            # A listing goes on without the variants of a broken file; whoever reads it is told.
            variants = ()
        for full in [name, *(f"{name}-{variant}" for variant in variants)]:
            found.setdefault(full, file)
    return found


def experiment_files(catalog: Catalog) -> list[Path]:
    """The files of all experiments."""
    found: dict[str, Path] = {}
    for file in _files(catalog, "data/experiments/*/experiment.toml"):
        found.setdefault(file.parent.name, file)
    return list(found.values())


def variants_of(file: Path) -> tuple[str, ...]:
    """Names of the variants of an experiment."""
    variants = read_toml(file).get("variants", {})
    return tuple(variants) if isinstance(variants, dict) else ()


def models(catalog: Catalog) -> dict[str, Path]:
    """Names of all models with their files."""
    return _by_stem(_files(catalog, "models/*.toml"))


def fluxes(catalog: Catalog) -> dict[str, Path]:
    """Names of all fluxes with their files."""
    return _by_stem(_files(catalog, "data/fluxes/*.toml"))


def papers(catalog: Catalog) -> dict[str, Path]:
    """Names of all papers with readings, with their files."""
    return _by_stem(_files(catalog, "models/papers/*.toml"))


def published(catalog: Catalog) -> dict[str, Path]:
    """Names of all papers with published numbers, with their files."""
    return _by_stem(_files(catalog, "data/published/*.toml"))


def nuclei(catalog: Catalog) -> Path:
    """The file of the table of nuclei."""
    found = _by_stem(_files(catalog, "data/nuclei/*.toml"))
    return look_up("tables of nuclei", "isotopes", found, str(catalog.roots[0]) if catalog.roots else "", "data/nuclei")


def _files(catalog: Catalog, pattern: str) -> Iterator[Path]:
    for root in catalog.roots:
        yield from sorted(root.glob(pattern))


def _by_stem(files: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        found.setdefault(file.stem, file)
    return found


# --- by name ----------------------------------------------------------------------------------------------------------


def look_up(kind: str, name: str, found: Mapping[str, Path], asked_by: str, field: str) -> Path:
    """The file behind a name; the error is that of the file which asks for it."""
    if name in found:
        return found[name]
    expected = f"one of the {kind}: {', '.join(sorted(found)) or 'none found'}"
    hint = validation.did_you_mean(name, found) or f"see `bayesnu list {kind}`"
    raise DeclarationError(Problem(asked_by, field, repr(name), expected, hint))


def find_experiment(catalog: Catalog, name: str, asked_by: str, field: str) -> tuple[Path, str]:
    """File and variant of an experiment; the variant is empty for the file's own name."""
    for file in experiment_files(catalog):
        if file.parent.name == name:
            return file, ""
        variant = name.removeprefix(f"{file.parent.name}-")
        if variant != name and variant in variants_of(file):
            return file, variant
    return look_up("experiments", name, experiments(catalog), asked_by, field), ""


def find_model(catalog: Catalog, name: str, asked_by: str, field: str) -> Path:
    """File of a model, by name or by the path of its TOML file."""
    return Path(name) if name.endswith(".toml") else look_up("models", name, models(catalog), asked_by, field)
