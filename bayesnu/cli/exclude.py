"""What the data exclude at each mass of a heavy neutrino."""

from pathlib import Path
from typing import Any

import click

from bayesnu import catalog
from bayesnu.cli.answers import print_json
from bayesnu.cli.exits import exit_interrupted, optional_checkpoint
from bayesnu.cli.options import FORMAT, LEVEL, OTHERS, QUIET, RESUME, executor_option, names_of


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=names_of("models"))
@click.option("--parameter", required=True, help="The parameter that is limited, such as mu_nu_mu.")
@click.option("--mass", default="m4", show_default=True, help="The mass that is scanned.")
@click.option("--masses", type=(float, float, click.IntRange(min=2)), metavar="LOW HIGH NUMBER",
              help="Even steps in the logarithm (default: the whole range, finer near closing masses).")  # fmt: skip
@executor_option("serial")
@RESUME
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="CSV file of all curves.")
@click.option(
    "--plots", type=click.Path(path_type=Path, file_okay=False), help="Also draw all curves into this folder."
)
@OTHERS
@LEVEL
@FORMAT
@QUIET
def exclusion(
    models: tuple[str, ...],
    parameter: str,
    mass: str,
    masses: tuple[float, float, int] | None,
    where: str,
    resume: bool,
    out: Path | None,
    plots: Path | None,
    others: Any,
    level: float,
    form: str,
    quiet: bool,
) -> None:
    """Limits on a parameter of each MODEL at each mass of a heavy neutrino, by three conventions, in one plot.

    \b
    Examples:
      bayesnu exclusion sterile2021-csi --parameter mu_nu_mu --out csi.csv
      bayesnu exclusion sterile2021-csi sterile2021-lar --parameter mu_nu_mu --executor processes:4 --plots plots
    """
    from bayesnu.infer import mass_grid, results
    from bayesnu.infer.exclusion import exclusion as curve_of
    from bayesnu.infer.exclusion import recipe
    from bayesnu.infer.executors import executor
    from bayesnu.infer.progress import Reporter
    from bayesnu.report import exclusions

    shelf, reporter = catalog.open_catalog(), Reporter(quiet)
    with reporter.step(f"loading {', '.join(models)}"):
        recipes = [recipe(catalog.resolve(shelf, name), parameter, mass, others) for name in models]
    asked = {"parameter": parameter, "mass": mass, "masses": masses, "others": others, "level": level}
    hashes = {about.model.name: about.key for about in recipes}
    about_run = {"command": "exclusion", "model_hash": hashes, "versions": results.versions()}
    kept, curves = optional_checkpoint(out, about_run | asked, resume, reporter.say), []
    try:
        with executor(where, {r.key: r for r in recipes}) as pool:
            for about in recipes:
                grid = mass_grid.even_masses(*masses) if masses else mass_grid.default_masses(about.model, mass)
                with reporter.step(f"{about.model.name}: {len(grid)} masses") as step:
                    curves.append(
                        curve_of(about, parameter, mass, masses=grid, level=level, executor=pool, progress=step.done,
                                 checkpoint=kept)
                    )  # fmt: skip
    except KeyboardInterrupt as stopped:
        partial = kept.place_of_partial(out) if out else None
        exit_interrupted(
            kept, stopped, partial and (lambda c: exclusions.write_csv([*curves, c], partial, kept.beside))
        )
    written = _written(curves, out, plots, kept.beside)
    kept.remove()
    if form == "json":
        print_json({"curves": exclusions.as_json(curves), "files": [str(path) for path in written]})
        return
    click.echo(exclusions.as_text(curves), nl=False)
    for path in written:
        click.echo(f"written: {path}")


def _written(curves: list[Any], out: Path | None, plots: Path | None, beside: Path | None) -> list[Path]:
    """Nothing is written before every curve is there."""
    from bayesnu.report import exclusions

    written = [exclusions.write_csv(curves, out, beside)] if out else []
    if plots:
        # Here, so that a curve without a picture does not wait for Matplotlib.
        from bayesnu.report import plots as figures

        name = "-".join(["exclusion", str(curves[0].attrs["parameter"]), *(str(c.attrs["model"]) for c in curves)])
        written += figures.save(figures.exclusion_plot(curves), plots / name)
    return written
