"""Whether the data want a signal at all: Bayes factors, credible and profile intervals side by side."""

from collections.abc import Sequence
from typing import Any

import click

from bayesnu.cli.answers import print_json
from bayesnu.cli.options import FORMAT, LEVEL, MODEL, QUIET, SET
from bayesnu.cli.predict import setting


@click.command()
@MODEL
@click.option("--parameter", required=True, help="The strength of the signal; no signal is its standard-model value.")
@SET
@click.option(
    "--range", "ends", type=(float, float), metavar="LOW HIGH", help="Range of the priors (default: declared)."
)
@LEVEL
@FORMAT
@QUIET
def evidence(
    model: str,
    parameter: str,
    settings: Sequence[str],
    ends: tuple[float, float] | None,
    level: float,
    form: str,
    quiet: bool,
) -> None:
    """Weigh a signal in MODEL against none, for priors flat in a parameter, its square and its logarithm.

    At most two parameters may be left free; Gaussian nuisances are integrated in closed form.

    Example: bayesnu evidence sterile2021-xenon1t --parameter mu_nu_mu --set m4=0.01
    """
    from bayesnu.infer import evidence as weighing
    from bayesnu.infer.profile import profile
    from bayesnu.infer.progress import Reporter
    from bayesnu.likelihood.loading import load
    from bayesnu.report import text

    held = dict(setting(entry) for entry in settings)
    analysis = load(model).fix(**held) if held else load(model)
    low, high = ends or (None, None)
    found = weighing.evidences(analysis, parameter, level=level, low=low, high=high)
    with Reporter(quiet).step(f"profiling {parameter}") as step:
        about = profile(analysis, parameter, others="profiled", level=level, progress=step.done).attrs
    answer: dict[str, Any] = {
        "model": analysis.model.name,
        "parameter": parameter,
        "unit": about["unit"],
        "held": held,
        "level": level,
        "priors": weighing.as_rows(found),
        "profile": {name: about[name] for name in weighing.OF_THE_PROFILE},
    }
    if form == "json":
        print_json(answer)
    else:
        click.echo(text.evidences(answer))
