"""One conformance suite for all engines: targets whose answers are known, through the functions that users call.

Not a test module: `make calibrate` runs it and writes notebooks/evidence/engines.md (so does `python THIS_FILE`).
A verdict has three values: right; wrong or unfinished, and the result says so; wrong, and the result does not say so.
"""

import json
import math
import runpy
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import arviz_stats
import numpy as np
from scipy import stats

import bayesnu as bn
from bayesnu.infer import checks, ensemble, modes, nested, nuts
from bayesnu.likelihood.marginal import marginal

HERE = Path(__file__)
MOMENTS = SimpleNamespace(**runpy.run_path(str(HERE.parents[1] / "agree" / "cancelling_moments.py")))
OUT = HERE.parents[2] / "notebooks" / "evidence" / "engines.md"

SIGMAS = 4.0
DIMENSIONS, PRIOR_SD = 40, 0.5


class Target(NamedTuple):
    """A posterior, functions of its draws, and their exact means."""

    title: str
    declare: Callable[[Path], str]
    statistics: dict[str, Callable[[dict[str, np.ndarray]], np.ndarray]]
    exact: Callable[[], dict[str, float]]


class Outcome(NamedTuple):
    """One number of one engine on one target, and what the engine's own gate said."""

    target: str
    engine: str
    quantity: str
    exact: float
    found: float
    error: float
    sigmas: float
    failures: tuple[str, ...]


# --- targets ----------------------------------------------------------------------------------------------------------


def gaussian_numbers():
    """Counts, variances and observations of bins whose scales have a Gaussian posterior, of many different widths."""
    rng = np.random.default_rng(40)
    counts, variance = rng.uniform(5, 50, DIMENSIONS), rng.uniform(4, 400, DIMENSIONS)
    return counts, variance, counts * rng.uniform(0.7, 1.3, DIMENSIONS)


def declare_gaussian(root):
    counts, variance, observed = gaussian_numbers()
    write = MOMENTS.SYNTHETIC
    bins = {f"b{i:02d}": np.where(np.arange(DIMENSIONS) == i, counts[i], 0.0) for i in range(DIMENSIONS)}
    write.experiment(root, "gaussian", write.NO_SIGNAL, observed, variance=variance, backgrounds=bins)
    scale = write.prior("normal", mean=1, sd=PRIOR_SD)
    nuisances = {f"scale_{b}": {"prior": scale, "scales": {"backgrounds": [b]}} for b in bins}
    write.model(root, "gaussian", ["gaussian"], nuisances=nuisances)
    return "gaussian"


def standardised(draws):
    """Draws (dimension, chain, draw) that are N(0, 1) if the sampler is right."""
    counts, variance, observed = gaussian_numbers()
    precision = PRIOR_SD**-2 + counts**2 / variance
    mean = (PRIOR_SD**-2 + counts * observed / variance) / precision
    z = np.stack([draws[f"scale_b{i:02d}"] for i in range(DIMENSIONS)])
    return (z - mean[:, None, None]) * np.sqrt(precision)[:, None, None]


def of_moments(title, problem, points, **functions):
    """A target of the grids: 90 % and median of each modulus, and given functions of the draws."""

    def at_quantile(name, level):
        return lambda draws: (draws[name] < grid().quantile(name, level)).astype(float)

    kept = []

    def grid():
        if not kept:
            kept.append(MOMENTS.grid(problem, *points))
        return kept[0]

    moduli = [n for n in problem.free if n.startswith("lambda")]
    levels = [(f"P({n} < its {level:.0%} quantile)", n, level) for n in moduli for level in (0.5, 0.9)]
    quantiles = {label: at_quantile(n, level) for label, n, level in levels}
    exact_levels = {label: level for label, _, level in levels}
    return Target(
        title,
        problem.declare,
        quantiles | {label: lambda d, f=f: np.asarray(f(**_free(problem, d))) for label, f in functions.items()},
        lambda: exact_levels | {label: grid().mean(f) for label, f in functions.items()},
    )


def _free(problem, draws):
    return {name: draws[name] for name in problem.free}


def first_mode(lambda_2, zeta_2):
    return np.asarray(zeta_2 < np.pi, dtype=float) + 0.0 * lambda_2


TARGETS = {
    "gaussian": Target(
        "N(0, 1) in 40 dimensions",
        declare_gaussian,
        {"mean": lambda d: standardised(d).mean(axis=0), "variance": lambda d: (standardised(d) ** 2).mean(axis=0)},
        lambda: {"mean": 0.0, "variance": 1.0},
    ),
    "banana": of_moments("banana: a long curved shell", MOMENTS.SHELL, (160, 160, 192)),
    "blind spot": of_moments("blind spot: a valley that ends where the prior does", MOMENTS.BLIND, (160, 160, 192)),
    "two modes": of_moments("two isolated modes", MOMENTS.MODES, (400, 480), **{"mass of the first": first_mode}),
    "near modes": of_moments("two modes, not so far", MOMENTS.NEAR_MODES, (400, 480),
                             **{"mass of the first": first_mode}),
    "seam": of_moments("a phase at its seam", MOMENTS.SEAM, (4000,), **{"mean cosine": lambda zeta_2: np.cos(zeta_2),
                       "mean sine": lambda zeta_2: np.sin(zeta_2),
                       "P(|zeta| < 0.5)": lambda zeta_2: (np.cos(zeta_2) > np.cos(0.5)).astype(float)}),
    "wall": of_moments("a wall at zero", MOMENTS.WALL, (4000,)),
}  # fmt: skip


# --- engines ----------------------------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    """Draws (chain, draw) by name, and why the run is not to be trusted."""

    draws: dict[str, np.ndarray]
    failures: tuple[str, ...]


def judged(analysis, tree) -> Drawn:
    """What `bayesnu fit` does with a posterior: it counts modes and judges."""
    modes.record(analysis, tree)
    verdict = checks.record(tree, checks.Gate())
    posterior = tree["posterior"].to_dataset()
    draws = {str(n): posterior[n].transpose("chain", "draw").values for n in posterior.data_vars}
    return Drawn(draws, verdict.failures)


def by_nuts(analysis, seed, sampler=None):
    return judged(analysis, nuts.nuts(analysis, seed=seed, options=nuts.Options(draws=3000), sampler=sampler))


def by_emcee(analysis, seed):
    return judged(analysis, ensemble.ensemble(analysis, seed=seed, options=ensemble.Options(ensembles=8)))


def by_nested(analysis, seed):
    # In forty dimensions it would go on for hours: it stops, and must say so.
    many = len(marginal(analysis).names) > 20
    options = nested.Options(max_evaluations=60_000 if many else 2_000_000)
    return judged(analysis, nested.nested(analysis, seed=seed, options=options))


def by_smc(analysis, seed):
    """PyMC's sequential Monte Carlo, which bayesnu does not have: here only to say why."""
    import pymc

    from bayesnu.likelihood import pymc_model

    target = marginal(analysis)
    with pymc_model.build_marginal(target), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = pymc.sample_smc(draws=2000, chains=16, cores=1, random_seed=seed, progressbar=False,
                               compute_convergence_checks=False)  # fmt: skip
    draws = {n: np.asarray(tree["posterior"][n].transpose("chain", "draw").values) for n in target.names}
    worst = max(float(arviz_stats.rhat(v)) for v in draws.values())
    return Drawn(draws, (f"R-hat is {worst:.3f}, above 1.01",) if not worst < 1.01 else ())


ENGINES: dict[str, Callable[..., Drawn]] = {
    "NUTS (nutpie)": by_nuts,
    "NUTS (PyMC)": lambda analysis, seed: by_nuts(analysis, seed, sampler="pymc"),
    "emcee (DE)": by_emcee,
    "nested (nautilus)": by_nested,
    "SMC (PyMC, not shipped)": by_smc,
}


# --- measuring --------------------------------------------------------------------------------------------------------


def monte_carlo(engine: str, values: np.ndarray, exact: float) -> tuple[float, float]:
    """Error of a mean over draws (chain, draw), and its distance from the answer in Gaussian sigmas."""
    if engine.startswith(("emcee", "SMC")):
        # Walkers and particles depend on each other: only independent ensembles tell an error, by Student's t.
        each = values.mean(axis=1)
        error = float(each.std(ddof=1) / np.sqrt(len(each)))
        return error, float(stats.norm.isf(stats.t.sf(in_errors(each.mean() - exact, error), len(each) - 1)))
    if engine.startswith("nested"):
        error = float(values.std() / np.sqrt(values.size))
    else:
        error = float(arviz_stats.mcse(values, method="mean"))
    return error, in_errors(values.mean() - exact, error)


def in_errors(distance: float, error: float) -> float:
    """Draws without a spread, of chains that never left one mode, are infinitely far from anything else."""
    return abs(float(distance)) / error if error > 0 else math.inf


def measure(name: str, engine: str, seed: int, root: Path, run: Any = None) -> list[Outcome]:
    """All numbers of one engine on one target."""
    target = TARGETS[name]
    analysis = bn.load(target.declare(root), root=root)
    drawn = (run or ENGINES[engine])(analysis, seed)
    found = []
    for quantity, exact in target.exact().items():
        values = target.statistics[quantity](drawn.draws)
        error, sigmas = monte_carlo(engine, values, exact)
        found.append(Outcome(name, engine, quantity, exact, float(values.mean()), error, sigmas, drawn.failures))
    return found


def verdict(outcomes: list[Outcome]) -> str:
    """Right; not right, as the result itself says; or wrong without a word."""
    right = all(o.sigmas < SIGMAS for o in outcomes)
    if outcomes[0].failures:
        return "fails, and says so"
    return "right" if right else "WRONG, silently"


# --- the table --------------------------------------------------------------------------------------------------------


def table(outcomes: list[Outcome]) -> str:
    """A summary by target and engine, and below it every number."""
    pairs = list(dict.fromkeys((o.target, o.engine) for o in outcomes))
    grouped = {pair: [o for o in outcomes if (o.target, o.engine) == pair] for pair in pairs}
    targets, engines = (list(dict.fromkeys(pair[i] for pair in pairs)) for i in (0, 1))
    lines = [HEAD, "| target | " + " | ".join(engines) + " |", "|---" * (1 + len(engines)) + "|"]
    for name in targets:
        cells = [verdict(grouped[name, e]) if (name, e) in grouped else "-" for e in engines]
        lines.append(f"| {TARGETS[name].title} | " + " | ".join(cells) + " |")
    lines += ["", "## Every number", "", "| target | engine | quantity | exact | found | sigmas | what the gate said |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for o in outcomes:
        said = "; ".join(o.failures[:2]) + (f"; and {len(o.failures) - 2} more" if len(o.failures) > 2 else "")
        numbers = f"{o.exact:.4f} | {o.found:.4f} +- {o.error:.4f} | {min(o.sigmas, 99):.1f}"
        lines.append(f"| {o.target} | {o.engine} | {o.quantity} | {numbers} | {said or 'converged'} |")
    return "\n".join([*lines, ""])


HEAD = """# Which engine passes what

Written by `make calibrate` (tests/calibration/engines.py). Each target is a declared model whose posterior is known in
closed form or on a deterministic grid; each engine is called as `bayesnu fit` calls it. **right**: every number lies
within 4 Monte Carlo errors, and the gate passed. **fails, and says so**: the gate failed (R-hat, sizes, divergences,
evidences, a missed mode). **WRONG, silently**: the gate passed and a number is off.

NUTS cannot leave an isolated mode, and nested sampling cannot explore forty dimensions; both say so. Sequential Monte
Carlo (PyMC, 2000 particles, 16 chains) is not an engine of this package, because of what its column says of forty
dimensions: a variance that is too small, with R-hat below 1.01.
"""


def main(names=None, engines=None) -> list[Outcome]:
    """Measure everything and write the table."""
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names or TARGETS:
            for engine in engines or ENGINES:
                found += measure(name, engine, seed=1, root=Path(folder))
                print(json.dumps([o._asdict() for o in found if (o.target, o.engine) == (name, engine)]), flush=True)
    return found


if __name__ == "__main__":
    chosen = sys.argv[1].split(",") if len(sys.argv) > 1 else None
    outcomes = main(engines=[e for e in ENGINES if chosen is None or any(e.startswith(c) for c in chosen)])
    if chosen is None:
        OUT.write_text(table(outcomes), encoding="utf-8")
