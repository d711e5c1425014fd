"""From expected counts to a posterior: priors, statistics, nuisances, and the same model in PyMC."""
