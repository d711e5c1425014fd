"""The profile likelihood of one parameter, or of two."""

from pathlib import Path
from typing import Any

import click

from bayesnu.cli.answers import print_json
from bayesnu.cli.options import FORMAT, LEVEL, MODEL, OTHERS, QUIET, executor_option


@click.command()
@MODEL
@click.option("--parameter", required=True, help="The parameter that is scanned.")
@click.option("--and", "second", metavar="PARAMETER", help="A second one: contours of both.")
@OTHERS
@LEVEL
@click.option("--points", type=click.IntRange(min=5), default=41, show_default=True, help="Of each parameter.")
@executor_option("serial")
@click.option("--csv", "table", type=click.Path(path_type=Path, dir_okay=False), help="CSV file of all points.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Also draw it, as PNG and PDF.")
@FORMAT
@QUIET
def profile(
    model: str, parameter: str, second: str | None, others: Any, level: float, points: int, where: str,
    table: Path | None, plot: Path | None, form: str, quiet: bool,
) -> None:  # fmt: skip
    """Scan the profile chi-square of one parameter of MODEL, or of two.

    Every minimum found is followed in both directions. A point is marked where only one of several starts has reached
    the lowest minimum, and where another parameter stands at an end of its range.

    \b
    Examples:
      bayesnu profile coherent-csi-full --parameter lambda_1 --others zero
      bayesnu profile coherent-csi-full --parameter lambda_1 --and lambda_2 --others zero --plot contour.png
    """
    from bayesnu.infer.contour import profile_pair
    from bayesnu.infer.profile import profile as scan
    from bayesnu.infer.progress import Reporter
    from bayesnu.likelihood.loading import load
    from bayesnu.report import contours, profiles

    analysis, reporter = load(model), Reporter(quiet)
    if second is None:
        with reporter.step(f"profiling {parameter}, others {others}") as step:
            found = scan(analysis, parameter, others=others, level=level, points=points, progress=step.done)
        answer, text, rows = profiles.as_json(found, model), profiles.as_text(found), profiles.as_csv(found, model)
    else:
        with reporter.step(f"profiling {parameter} and {second}, others {others}") as step:
            found = profile_pair(
                analysis, (parameter, second), others=others, levels=[level], points=(points, points), executor=where,
                progress=step.done,
            )  # fmt: skip
        answer, text, rows = contours.as_json(found), contours.as_text(found), contours.grid_csv(found)
    written = _written(found, model, rows, table, plot)
    if form == "json":
        print_json(answer | {"files": [str(path) for path in written]})
        return
    click.echo(text)
    for path in written:
        click.echo(f"written: {path}")


def _written(found: Any, model: str, rows: str, table: Path | None, plot: Path | None) -> list[Path]:
    from bayesnu.report.files import write_text

    written = [write_text(rows, table)] if table else []
    if plot:
        # Here, so that a scan without a picture does not wait for Matplotlib.
        from bayesnu.report import plots
        from bayesnu.report.contours import Panel

        if "value" in found.coords:
            figure = plots.profile_plot(found)
        else:
            panel = Panel(model, {model: found}, tuple(found["convention"].values.tolist()))
            figure = plots.contour_plot([panel])
        written += plots.save(figure, plot.with_suffix(""))
    return written
