"""What makes a fact a wrong one: the rules of fluxes, nuclei, experiments, their counts and their templates."""

from bayesnu.catalog.fact_rules.counts import (
    count_problems,
    has_sd,
    sd_problems,
    share_problems,
    template_problems,
    variance,
    variance_problems,
)
from bayesnu.catalog.fact_rules.detectors import table_problems
from bayesnu.catalog.fact_rules.experiments import experiment_problems, fluence_problems, shared_flux_problems
from bayesnu.catalog.fact_rules.fluences import geometry_problems
from bayesnu.catalog.fact_rules.fluxes import band_problems, edge_problems, flux_problems, spectrum_problems
from bayesnu.catalog.fact_rules.nuclei import binding_problems, isotope_problems, level_problems, target_problems

__all__ = [
    "band_problems",
    "binding_problems",
    "count_problems",
    "edge_problems",
    "experiment_problems",
    "fluence_problems",
    "flux_problems",
    "geometry_problems",
    "has_sd",
    "isotope_problems",
    "level_problems",
    "sd_problems",
    "share_problems",
    "shared_flux_problems",
    "spectrum_problems",
    "table_problems",
    "target_problems",
    "template_problems",
    "variance",
    "variance_problems",
]
