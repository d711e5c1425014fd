"""What a model predicts, and what its densities are, at one point."""

import math
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from bayesnu.catalog.validation import did_you_mean
from bayesnu.cli.answers import lists, print_json
from bayesnu.cli.options import EXPERIMENT, FORMAT, MODEL, QUIET, SET
from bayesnu.errors import DeclarationError, Problem
from bayesnu.schema import Fixed


@click.command()
@EXPERIMENT
@click.option("--model", help="Couplings, form factor, reading and interaction (default: the experiment's own).")
@SET
@click.option("--window", type=float, nargs=2, metavar="LOW HIGH", help="Integrate the observable over this range.")
@FORMAT
@QUIET
def predict(
    experiment: str,
    model: str | None,
    settings: Sequence[str],
    window: tuple[float, float] | None,
    form: str,
    quiet: bool,
) -> None:
    """Predict the counts of EXPERIMENT per bin, component and flux.

    \b
    Examples:
      bayesnu predict coherent-csi-2017 --window 6 30
      bayesnu predict coherent-csi-2017 --model coherent-csi-effective --set mu_nu=40
    """
    from bayesnu.likelihood.loading import load_at
    from bayesnu.report import text

    analysis, point, shown = _point(load_at(experiment, model, window), settings)
    counts = analysis.breakdown(point)[experiment]
    setup = analysis.model.setups[0]
    answer = {
        "experiment": experiment,
        "model": analysis.model.name,
        "unit": "events",
        "observable": msgspec.to_builtins(setup.experiment.observable),
        "bins": [list(pair) for pair in setup.bins],
        "counts": {c: lists(fluxes) for c, fluxes in counts.items() if c != "background"},
        "backgrounds": lists(counts.get("background", {})),
        "parameters": shown,
    }
    if form == "json":
        print_json(answer)
    else:
        click.echo(text.prediction(answer))


def _point(analysis: Any, settings: Sequence[str]) -> tuple[Any, Any, dict[str, dict[str, Any]]]:
    """The analysis and a point: what was set, no new physics else, nuisances at their centre; and all of it to show."""
    import numpy as np

    values = dict(setting(text) for text in settings)
    fixed = dict(analysis.model.fixed)
    known = {**fixed, **{p.name: p for p in analysis.free}}
    for name in values:
        if name not in known:
            hint = did_you_mean(name, known) or "see the model's file"
            expected = f"one of {', '.join(known) or 'none'}"
            raise DeclarationError(Problem("command line", "--set", repr(name), expected, hint))
    changed = {n: Fixed(value=values[n], unit=entry.unit) for n, entry in fixed.items() if n in values}
    if changed:
        from bayesnu.likelihood.analysis import from_resolved

        analysis = from_resolved(msgspec.structs.replace(analysis.model, fixed=fixed | changed), analysis.observed)
    point = np.array([values.get(p.name, v) for p, v in zip(analysis.free, analysis.centre(), strict=True)])
    shown = {n: {"value": e.value, "unit": e.unit} for n, e in analysis.model.fixed.items()}
    shown |= {p.name: {"value": float(v), "unit": p.unit} for p, v in zip(analysis.free, point, strict=True)}
    return analysis, point, shown


def setting(text: str) -> tuple[str, float]:
    """A NAME=VALUE of the command line."""
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        expected = "NAME=VALUE with a finite number in the declared unit"
        raise DeclarationError(Problem("command line", "--set", repr(text), expected, "write, say, mu_nu=40"))
    return name, number


@click.command()
@MODEL
@SET
@FORMAT
@QUIET
def evaluate(model: str, settings: Sequence[str], form: str, quiet: bool) -> None:
    """Evaluate prior, likelihood, chi2 and couplings of MODEL at one point.

    Parameters that are not set are zero, or the lower end of their prior; nuisances stand at their centre.

    Example: bayesnu evaluate coherent-csi-tmm --set lambda_1=30 --set zeta_2=1.5
    """
    from bayesnu.infer.minimise import chi2_profiled
    from bayesnu.likelihood.loading import load
    from bayesnu.report import text

    analysis, point, shown = _point(load(model), settings)
    answer = {
        "model": analysis.model.name,
        "parameters": shown,
        "log_prior": float(analysis.log_prior(point)),
        "log_likelihood": {name: float(v) for name, v in analysis.log_likelihoods(point).items()},
        "log_prob": float(analysis.log_prob(point)),
        "chi2": float(analysis.chi2(point)),
        "chi2_profiled": chi2_profiled(analysis, point),
        "couplings": analysis.couplings(point),
        "coupling_units": {"magnetic-moment": "(1e-10 mu_B)^2"},
    }
    if form == "json":
        print_json(answer)
        return
    click.echo(text.evaluation(answer))
