"""Find, read, verify, list and cite the declarations: data/ holds facts, models/ holds beliefs."""

from bayesnu.catalog.beliefs import cite, read_layered, read_model, read_paper, resolve, resolve_model
from bayesnu.catalog.facts import read_experiment, read_flux, read_isotopes
from bayesnu.catalog.files import read_toml
from bayesnu.catalog.hashes import write_hashes
from bayesnu.catalog.shelf import Catalog, experiments, fluxes, models, open_catalog, papers

__all__ = [
    "Catalog",
    "cite",
    "experiments",
    "fluxes",
    "models",
    "open_catalog",
    "papers",
    "read_experiment",
    "read_flux",
    "read_isotopes",
    "read_layered",
    "read_model",
    "read_paper",
    "read_toml",
    "resolve",
    "resolve_model",
    "write_hashes",
]
