"""The contours and exclusion curves of a paper's figures."""

from pathlib import Path

import click
import msgspec

from bayesnu.cli.answers import print_json
from bayesnu.cli.options import FORMAT, QUIET, executor_option, names_of


@click.command()
@click.argument("paper", shell_complete=names_of("papers"))
@click.option("--figure", help="Only this one.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder (default: here).")
@executor_option("serial")
@FORMAT
@QUIET
def contours(paper: str, figure: str | None, out: Path, where: str, form: str, quiet: bool) -> None:
    """Draw PAPER's figures of contours and of exclusion curves again: a CSV file and a picture of each.

    \b
    Examples:
      bayesnu contours tmm2019 --figure 4 --out figures
      bayesnu contours sterile2021 --executor processes:2 --out figures
    """
    from bayesnu import papers
    from bayesnu.infer.progress import Reporter
    from bayesnu.report import contours as report
    from bayesnu.report import exclusion_panels, plots, text
    from bayesnu.report.files import write_text

    with Reporter(quiet).step(f"figures of {paper}") as step:
        planes = papers.contours_of(paper, figure=figure, executor=where, progress=step.done)
        curves = papers.exclusions_of(paper, figure=figure, executor=where, progress=step.done)
    readings = papers.readings_of(paper, figure=figure)
    known = papers.disagreements_of(paper, figure=figure)
    drawn = {n: (report.lines_csv(panels), plots.contour_plot(panels)) for n, panels in planes.items()}
    drawn |= {
        n: (exclusion_panels.panels_csv(panels), plots.exclusion_panels_plot(panels)) for n, panels in curves.items()
    }
    written: list[Path] = []
    for number, (data, picture) in drawn.items():
        stem = out / f"{paper}-figure-{number}"
        written.append(write_text(data, stem.with_suffix(".csv")))
        written += plots.save(picture, stem)
    if form == "json":
        print_json({
            "paper": paper,
            "figures": report.summary(planes),
            "exclusions": exclusion_panels.summary(curves),
            "readings": readings,
            "disagreements": msgspec.to_builtins(known),
            "files": [str(path) for path in written],
        })  # fmt: skip
        return
    click.echo("\n\n".join([*([report.table(planes)] if planes else []),
                             *([exclusion_panels.table(curves)] if curves else [])]))  # fmt: skip
    click.echo("")
    click.echo("\n".join(f"figure {number}: {reading}" for number, each in readings.items() for reading in each))
    if known:
        click.echo(f"\nknown disagreements that are seen here:\n{text.deviations({paper: known})}")
    for path in written:
        click.echo(f"written: {path}")
