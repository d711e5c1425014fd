"""What the data say: the posterior."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bayesnu.cli.answers import print_json
from bayesnu.cli.exits import EXIT_UNCONVERGED, exit_interrupted
from bayesnu.cli.options import FORMAT, LEVEL, MODEL, QUIET, RESUME, executor_option


@click.command()
@MODEL
@click.option("--engine", type=click.Choice(["nuts", "emcee", "nested"]), default="nuts", show_default=True)
@click.option("--profile", "profiles", is_flag=True, help="Also the profiles, and each parameter taken alone.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--draws",
    type=click.IntRange(min=10),
    help="Draws per chain (nuts, nested) or steps (emcee; else until converged)",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Result file (default: MODEL.nc).")
@LEVEL
@click.option("--r-hat", type=float, default=1.01, show_default=True, help="Gate: largest R-hat.")
@click.option("--ess", type=float, default=400.0, show_default=True, help="Gate: smallest bulk and tail ESS.")
@click.option("--divergences", type=float, default=0.005, show_default=True, help="Gate: largest divergent fraction.")
@click.option("--steps-per-tau", type=float, default=50.0, show_default=True, help="Gate: shortest ensemble.")
@executor_option("processes:1")
@RESUME
@FORMAT
@QUIET
def fit(
    model: str,
    engine: Any,
    profiles: bool,
    seed: int,
    draws: int | None,
    out: Path | None,
    level: float,
    r_hat: float,
    ess: float,
    divergences: float,
    steps_per_tau: float,
    where: str,
    resume: bool,
    form: str,
    quiet: bool,
) -> None:
    """Sample the posterior of MODEL; exit code 1 where the run did not converge.

    An executor with one worker takes what can run beside the chains, one with more takes the chains as well. A run that
    was killed or interrupted (exit code 130) goes on with the same command and --resume.

    \b
    Examples:
      bayesnu fit coherent-csi-tmm --profile --seed 1 --out tmm.nc
      bayesnu fit coherent-csi-effective --engine emcee --executor processes:4 --out effective.nc
    """
    from bayesnu.infer import checkpoint, checks, results
    from bayesnu.infer.executors import executor
    from bayesnu.infer.fit import fit as run
    from bayesnu.infer.progress import Reporter
    from bayesnu.likelihood.loading import load
    from bayesnu.report import tables

    reporter = Reporter(quiet)
    with reporter.step(f"loading {model}"):
        analysis = load(model)
    path = out or Path(f"{analysis.model.name}.nc")
    gate = checks.Gate(r_hat=r_hat, ess=ess, divergences=divergences, steps_per_tau=steps_per_tau)
    asked = {"engine": engine, "seed": seed, "draws": draws, "profile": profiles, "level": level}
    about = {"command": "fit", "model": model, "model_hash": analysis.hash(), "versions": results.versions()}
    kept = checkpoint.begin(path, about | asked | {"gate": gate._asdict()}, resume=resume, say=reporter.say)
    try:
        with executor(where) as pool:
            tree = run(
                analysis,
                engine=engine,
                seed=seed,
                profiles=profiles,
                level=level,
                draws=draws,
                gate=gate,
                reporter=reporter,
                executor=pool,
                checkpoint=kept,
            )
    except KeyboardInterrupt as stopped:
        partial = kept.place_of_partial(path)
        exit_interrupted(kept, stopped, lambda tree: results.save_result(tree, partial, kept.beside))
    with reporter.step(f"writing {path}"):
        results.save_result(tree, path, kept.beside)
    kept.remove()
    verdict = checks.recorded(tree)
    if form == "json":
        print_json(_fit_summary({str(k): v for k, v in tree.attrs.items()}, path, verdict))
    else:
        click.echo(tables.as_text(tables.limits(tree, level=level)))
        click.echo(f"result: {path}" + ("" if verdict.converged else "   NOT CONVERGED"))
    if not verdict.converged:
        sys.exit(EXIT_UNCONVERGED)


def _fit_summary(attributes: Mapping[str, Any], path: Path, verdict: Any) -> dict[str, Any]:
    return {
        "result": str(path),
        "engine": attributes["engine"],
        "seed": int(attributes["seed"]),
        "seconds": {"compile": None, "sample": None, "profile": None, **json.loads(attributes["seconds"])},
        "seconds_of": attributes.get("seconds_of", "the whole run"),
        "diagnostics": {**verdict._asdict(), "failures": list(verdict.failures)},
        "gate": json.loads(attributes["gate"]),
        "converged": verdict.converged,
    }
