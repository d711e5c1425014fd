"""One call from an Analysis to a complete result: posterior, diagnostics, profiles, one-at-a-time limits."""

import json
from concurrent.futures import Executor
from typing import Literal

import numpy as np
import xarray as xr

from bayesnu.infer import checks, covariance, ensemble, minimise, nuts, profile
from bayesnu.infer.checks import Gate
from bayesnu.infer.profile import Others
from bayesnu.infer.progress import Reporter
from bayesnu.likelihood.analysis import Analysis

Engine = Literal["nuts", "emcee"]


def fit(
    analysis: Analysis, *, engine: Engine, seed: int, profiles: bool = False, level: float = 0.90,
    draws: int | None = None, gate: Gate | None = None, reporter: Reporter | None = None,
    executor: Executor | None = None,
) -> xr.DataTree:  # fmt: skip
    """Posterior of an analysis with its verdict and, where asked for, the profiles of every modulus.

    With profiles, each parameter of interest is also taken alone, all others at zero: as most papers do. An executor
    (any `concurrent.futures.Executor`) runs those beside the rest.

    >>> import bayesnu as bn
    >>> tree = bn.fit(bn.load("coherent-csi-effective"), engine="emcee", seed=1)  # doctest: +SKIP
    """
    report, wanted = reporter or Reporter(quiet=True), gate or Gate()
    names = scanned(analysis) if profiles and len(_of_interest(analysis)) > 1 else []
    ahead = {n: executor.submit(alone, analysis, n, seed, wanted) for n in names} if executor else {}
    tree = _posterior(analysis, engine, seed, draws, report)
    checks.record(tree, wanted)
    if profiles:
        seconds = add_profiles(tree, analysis, level, report)
        with report.step("taking each parameter alone") as step:
            for k, name in enumerate(names):
                single = ahead[name].result() if ahead else alone(analysis, name, seed, wanted)
                tree[f"one_at_a_time/{name}"] = xr.DataTree(single)
                step.done(k + 1, len(names))
        tree.attrs["seconds"] = json.dumps(json.loads(tree.attrs["seconds"]) | {"profile": seconds})
    return tree


def _posterior(analysis: Analysis, engine: Engine, seed: int, draws: int | None, report: Reporter) -> xr.DataTree:
    if engine == "emcee":
        return ensemble.ensemble(analysis, seed=seed, options=ensemble.Options(steps=draws), reporter=report)
    options = nuts.Options(draws=draws) if draws else nuts.Options()
    return nuts.nuts(analysis, seed=seed, options=options, reporter=report)


def scanned(analysis: Analysis) -> list[str]:
    """Parameters of interest that get limits: all but the angles, whose profile is a circle."""
    return [p.name for p in analysis.free if p.role == "parameter" and p.dimension != "angle"]


def add_profiles(tree: xr.DataTree, analysis: Analysis, level: float, report: Reporter) -> float:
    """Profiles of each scanned parameter, the others profiled and at zero; the seconds that they took."""
    names = scanned(analysis)
    kinds: list[Others] = ["zero"] if len(_of_interest(analysis)) == 1 else ["profiled", "zero"]
    with report.step("compiling the cost and its gradient") as compiling:
        problem = minimise.prepare(analysis)
        problem.cost(np.ones(len(problem.coordinates.names)))
    with report.step("profiling") as step:
        for k, (name, others) in enumerate((n, o) for n in names for o in kinds):
            step.text = f"profiling {name}, others {others}"
            found = profile.profile(problem, name, others=others, level=level, progress=step.done)
            tree[f"profile/{name}_{others}"] = xr.DataTree(found)
            step.done(k + 1, len(names) * len(kinds))
        step.text = f"profiling {len(names) * len(kinds)} scans"
        tree["covariance"] = xr.DataTree(covariance.covariance(problem, covariance.best_fit(problem)))
    return compiling.seconds + step.seconds


def _of_interest(analysis: Analysis) -> list[str]:
    return [p.name for p in analysis.free if p.role == "parameter"]


def alone(analysis: Analysis, name: str, seed: int, gate: Gate) -> xr.Dataset:
    """Posterior of one parameter with every other parameter of interest at zero, by emcee, with its verdict."""
    standard = {p.name: p.standard for p in analysis.free if p.role == "parameter" and p.name != name}
    single = analysis.fix(**standard)
    tree = ensemble.ensemble(single, seed=seed, options=ensemble.Options(walkers=32))
    verdict = checks.record(tree, gate)
    draws = tree["posterior"].to_dataset()[[name]]
    draws.attrs = {"converged": int(verdict.converged), "failures": json.dumps(list(verdict.failures))}
    return draws
