"""What makes a fact a wrong one: the rules of fluxes, nuclei, experiments, their counts and their templates."""

from bayesnu.catalog.fact_rules.counts import count_problems, template_problems, variance, variance_problems
from bayesnu.catalog.fact_rules.experiments import experiment_problems, fluence_problems
from bayesnu.catalog.fact_rules.fluxes import flux_problems
from bayesnu.catalog.fact_rules.nuclei import isotope_problems, target_problems

__all__ = [
    "count_problems",
    "experiment_problems",
    "fluence_problems",
    "flux_problems",
    "isotope_problems",
    "target_problems",
    "template_problems",
    "variance",
    "variance_problems",
]
