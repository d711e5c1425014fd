"""Whether the data want a signal at all: Bayes factors, credible and profile intervals side by side."""

from collections.abc import Sequence
from typing import Any

import click

from bayesnu.cli.answers import print_json
from bayesnu.cli.options import FORMAT, LEVEL, MODEL, QUIET, SET, executor_option
from bayesnu.cli.predict import setting


@click.command()
@MODEL
@click.option("--parameter", required=True, help="The strength of the signal; no signal is its standard-model value.")
@SET
@click.option(
    "--range", "ends", type=(float, float), metavar="LOW HIGH", help="Range of the priors (default: declared)."
)
@click.option(
    "--method",
    type=click.Choice(["quadrature", "nested"]),
    default="quadrature",
    show_default=True,
    help="Quadrature takes one or two free parameters, nested sampling up to about fifteen.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of nested sampling.")
@executor_option("serial")
@LEVEL
@FORMAT
@QUIET
def evidence(
    model: str,
    parameter: str,
    settings: Sequence[str],
    ends: tuple[float, float] | None,
    method: Any,
    seed: int,
    where: str,
    level: float,
    form: str,
    quiet: bool,
) -> None:
    """Weigh a signal in MODEL against none, for priors flat in a parameter, its square and its logarithm.

    By quadrature at most two parameters may be left free, by nested sampling more; Gaussian nuisances are integrated in
    closed form. An executor takes the priors, and of nested sampling each run, beside each other.

    \b
    Examples:
      bayesnu evidence sterile2021-xenon1t --parameter mu_nu_mu --set m4=0.01
      bayesnu evidence coherent-csi-full --parameter lambda_1 --method nested --executor processes:4
    """
    from bayesnu.infer import evidence as weighing
    from bayesnu.infer.executors import executor
    from bayesnu.infer.profile import profile
    from bayesnu.infer.progress import Reporter
    from bayesnu.likelihood.loading import load
    from bayesnu.report import text

    held = dict(setting(entry) for entry in settings)
    analysis = load(model).fix(**held) if held else load(model)
    low, high = ends or (None, None)
    with Reporter(quiet).step(f"weighing three priors by {method}"), executor(where) as pool:
        found = weighing.evidences(
            analysis, parameter, level=level, low=low, high=high, method=method, seed=seed, executor=pool
        )
    with Reporter(quiet).step(f"profiling {parameter}") as step:
        about = profile(analysis, parameter, others="profiled", level=level, progress=step.done).attrs
    answer: dict[str, Any] = {
        "model": analysis.model.name,
        "parameter": parameter,
        "unit": about["unit"],
        "held": held,
        "method": method,
        "level": level,
        "priors": weighing.as_rows(found),
        "profile": {name: about[name] for name in weighing.OF_THE_PROFILE},
    }
    if form == "json":
        print_json(answer)
    else:
        click.echo(text.evidences(answer))
