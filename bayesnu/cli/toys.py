"""Thresholds, coverage, the interval of the data and expected limits from simulated data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bayesnu.cli.answers import print_json
from bayesnu.cli.exits import exit_interrupted, optional_checkpoint
from bayesnu.cli.options import FORMAT, MODEL, QUIET, RESUME, SET, executor_option
from bayesnu.cli.predict import setting
from bayesnu.errors import DeclarationError, Problem


@click.command()
@MODEL
@click.option("--parameter", required=True, help="The parameter of interest; it must be the only free one.")
@click.option("--true", "true", multiple=True, type=float, help="A true value; may be repeated.")
@click.option("--scan", nargs=3, type=(float, float, click.IntRange(min=2)), metavar="LOW HIGH POINTS",
              help="True values at even steps, for the interval.")  # fmt: skip
@SET
@click.option("--toys", "number", type=click.IntRange(min=1), default=1000, show_default=True, help="At each value.")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Equal seeds give equal toys.")
@click.option("--level", "levels", type=click.FloatRange(0, 1, min_open=True, max_open=True), multiple=True,
              default=(0.90,), show_default=True, help="May be repeated.")  # fmt: skip
@click.option("--nuisances", "nuisance", type=click.Choice(["profiled", "central"]), default="profiled",
              show_default=True, help="Where the true nuisances stand.")  # fmt: skip
@click.option("--merge", "earlier", multiple=True, type=click.Path(path_type=Path, dir_okay=False),
              help="A file of toys with another seed, to be added; may be repeated.")  # fmt: skip
@executor_option("serial")
@RESUME
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="netCDF file of all toys.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False),
              help="Also draw thresholds and q of the data, as PNG and PDF.")  # fmt: skip
@FORMAT
@QUIET
def toys(
    model: str,
    parameter: str,
    true: Sequence[float],
    scan: tuple[float, float, int] | None,
    settings: Sequence[str],
    number: int,
    seed: int,
    levels: Sequence[float],
    nuisance: Any,
    earlier: Sequence[Path],
    where: str,
    resume: bool,
    out: Path | None,
    plot: Path | None,
    form: str,
    quiet: bool,
) -> None:
    """Feldman-Cousins thresholds and interval, coverage and expected limits of MODEL from simulated data.

    The interval holds the values at which the data are no further from their best fit than the toys; thresholds are
    straight lines between the true values, which should reach beyond the interval. One parameter of interest may be
    free; nuisances that scale counts are profiled. A run that was killed or interrupted (exit code 130) goes on with
    the same command and --resume.

    \b
    Examples:
      bayesnu toys coherent-csi-effective --parameter mu_nu --true 0 --true 30 --toys 2000 --seed 1 --out toys.nc
      bayesnu toys coherent-csi-spectrum --set light_yield=1.17 --parameter mu_nu --true 30 --seed 1
      bayesnu toys coherent-csi-effective --parameter mu_nu --scan 0 60 13 --seed 1 --plot interval.png
    """
    from bayesnu.infer import results
    from bayesnu.infer import toys as simulating
    from bayesnu.infer.progress import Reporter
    from bayesnu.infer.toy_files import merge, open_toys
    from bayesnu.likelihood.loading import load
    from bayesnu.report import toys as report

    values = _true_values(true, scan)
    before, held = [open_toys(path) for path in earlier], dict(setting(entry) for entry in settings)
    reporter = Reporter(quiet)
    with reporter.step(f"loading {model}"):
        analysis = load(model).fix(**held) if held else load(model)
    asked = {"parameter": parameter, "true": values, "toys": number, "seed": seed, "level": sorted(levels)}
    about = {"command": "toys", "model": model, "model_hash": analysis.hash(), "versions": results.versions()}
    kept = optional_checkpoint(out, about | asked | {"nuisances": nuisance}, resume, reporter.say)
    try:
        with reporter.step(f"{number} toys at each value") as step:
            found = simulating.toys(
                analysis, parameter, true=values, number=number, seed=seed, levels=levels, nuisance=nuisance,
                executor=where, progress=step.done, checkpoint=kept,
            )  # fmt: skip
    except KeyboardInterrupt as stopped:
        partial = kept.place_of_partial(out) if out else None
        exit_interrupted(kept, stopped, partial and (lambda tree: results.save_result(tree, partial, kept.beside)))
    for tree in before:
        found = merge(tree, found)
    written = [str(results.save_result(found, out, kept.beside))] if out else []
    kept.remove()
    written += _drawn(found, plot) if plot else []
    if form == "json":
        print_json(report.as_json(found) | {"files": written})
        return
    click.echo(report.as_text(found))
    for path in written:
        click.echo(f"written: {path}")


def _true_values(single: Sequence[float], scan: tuple[float, float, int] | None) -> list[float]:
    """Those named one by one and those of a scan, together."""
    if not single and scan is None:
        hint = "name them: --true VALUE, or --scan LOW HIGH POINTS"
        raise DeclarationError(Problem("toys", "true", "none", "at least one true value", hint))
    low, high, points = scan or (0.0, 0.0, 0)
    steps = [low + (high - low) * i / (points - 1) for i in range(points)]
    return sorted({*single, *steps})


def _drawn(found: Any, plot: Path) -> list[str]:
    # Here, so that toys without a picture do not wait for Matplotlib.
    from bayesnu.report import plots

    return [str(path) for path in plots.save(plots.toys_plot(found), plot.with_suffix(""))]
