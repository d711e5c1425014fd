"""Probabilistic inference on the electromagnetic properties of neutrinos.

The public names load what they need when they are first used: `import bayesnu` alone loads neither PyMC nor ArviZ.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "load": "bayesnu.likelihood.loading",
    "term": "bayesnu.likelihood.loading",
    "Analysis": "bayesnu.likelihood.analysis",
    "fit": "bayesnu.infer.fit",
    "nuts": "bayesnu.infer.nuts",
    "ensemble": "bayesnu.infer.ensemble",
    "nested": "bayesnu.infer.nested",
    "profile": "bayesnu.infer.profile",
    "profile_pair": "bayesnu.infer.contour",
    "covariance": "bayesnu.infer.covariance",
    "best_fit": "bayesnu.infer.covariance",
    "exclusion": "bayesnu.infer.exclusion",
    "toys": "bayesnu.infer.toys",
    "coverage": "bayesnu.infer.coverage",
    "executor": "bayesnu.infer.executors",
    "check": "bayesnu.infer.checks",
    "open_result": "bayesnu.infer.results",
    "save_result": "bayesnu.infer.results",
    "limits": "bayesnu.report.tables",
    "limits_under": "bayesnu.report.other_priors",
    "BayesnuError": "bayesnu.errors",
    "DeclarationError": "bayesnu.errors",
    "PredictionError": "bayesnu.errors",
    "ConvergenceError": "bayesnu.errors",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bayesnu' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
