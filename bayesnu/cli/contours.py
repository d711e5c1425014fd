"""The contours of a paper's figures."""

from pathlib import Path

import click

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
    """Draw the two-parameter contours of PAPER's figures again: a CSV file and a picture of each.

    \b
    Example:
      bayesnu contours tmm2019 --figure 4 --out figures
    """
    from bayesnu import papers
    from bayesnu.infer.progress import Reporter
    from bayesnu.report import contours as report
    from bayesnu.report import plots
    from bayesnu.report.files import write_text

    with Reporter(quiet).step(f"contours of {paper}") as step:
        found = papers.contours_of(paper, figure=figure, executor=where, progress=step.done)
    written: list[Path] = []
    for number, panels in found.items():
        stem = out / f"{paper}-figure-{number}"
        written.append(write_text(report.lines_csv(panels), stem.with_suffix(".csv")))
        written += plots.save(plots.contour_plot(panels), stem)
    if form == "json":
        print_json({"paper": paper, "figures": report.summary(found), "files": [str(path) for path in written]})
        return
    click.echo(report.table(found))
    for path in written:
        click.echo(f"written: {path}")
