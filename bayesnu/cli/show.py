"""What was found beside what is published: limits of a result, tables of a paper."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from bayesnu import catalog
from bayesnu.cli.answers import print_json
from bayesnu.cli.exits import EXIT_UNCONVERGED
from bayesnu.cli.options import FORMAT, LEVEL, QUIET, executor_option, names_of
from bayesnu.errors import DeclarationError, Problem


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@LEVEL
@click.option("--parameter", help="Only this one.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.option("--plots", type=click.Path(path_type=Path, file_okay=False), help="Also draw the plots into this folder.")
@click.option(
    "--priors",
    "names",
    default="",
    metavar="NAME,...",
    help="Also the limits under other priors: flat, square, log (of every modulus), haar (of the mixing).",
)
@click.option("--log-from", type=float, help="Where a logarithmic prior starts (default: a thousandth of its end).")
@click.option(
    "--beside",
    "others_of",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="RESULT",
    help="Another result of the same model, by another engine or seed: its limits stand beside (may be repeated).",
)
@click.option("--rerun", is_flag=True, help="Sample again, with emcee, where weights cannot tell another prior.")
@click.option("--double-range", is_flag=True, help="Sample again, with emcee, with twice the range of every modulus.")
@executor_option("serial")
@QUIET
def limits(
    result: Path,
    level: float,
    parameter: str | None,
    form: str,
    plots: Path | None,
    names: str,
    log_from: float | None,
    others_of: tuple[Path, ...],
    rerun: bool,
    double_range: bool,
    where: str,
    quiet: bool,
) -> None:
    """Print credible beside profile beside published limits of RESULT; exit code 1 where it did not converge.

    \b
    Examples:
      bayesnu limits tmm.nc --plots plots
      bayesnu limits nuts.nc --beside emcee.nc
      bayesnu limits tmm.nc --priors flat,square,log --log-from 1
      bayesnu limits texono.nc --double-range --executor processes:4
    """
    from bayesnu.infer import checks, results
    from bayesnu.infer.executors import executor
    from bayesnu.report import beside, other_priors, tables

    tree = results.open_result(result)
    rows = tables.limits(tree, level=level, parameter=parameter)
    more = beside.beside(tree, rows, {str(path): results.open_result(path) for path in others_of})
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    with executor(where) as pool:
        again = _rerun(tree, pool, quiet)
        others = other_priors.limits_under(
            tree, chosen, level=level, parameter=parameter, log_from=log_from, rerun=again if rerun else None
        )
        wide = other_priors.doubled(tree, level=level, rerun=again) if double_range else []
    if form == "json":
        records = tables.as_json(rows)
        for record, row in zip(records, rows, strict=True):
            record |= {"beside": beside.records(more, row)} if others_of else {}
            record |= {"other_priors": other_priors.records(others, row)} if chosen else {}
            record |= {"double_range": [w._asdict() for w in wide]} if wide else {}
        print_json(records)
    else:
        columns = beside.columns(more, level)
        click.echo(tables.as_markdown(rows, columns) if form == "markdown" else tables.as_text(rows, columns))
        if others:
            click.echo(other_priors.as_text(rows, others, level))
        if wide:
            click.echo(other_priors.doubled_as_text(wide, other_priors.ranges(tree), level))
    if plots is not None:
        from bayesnu.report import html

        for path in html.figures(tree, plots, level=level, stem=result.stem, parameter=parameter):
            click.echo(f"plot: {path}", err=form == "json" or quiet)
    again_failed = any(o.how == "rerun" and not o.converged for o in others) or any(not w.converged for w in wide)
    if again_failed or not checks.recorded(tree).converged:
        sys.exit(EXIT_UNCONVERGED)


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="report",
    show_default=True,
    help="Folder of the page and its figures.",
)
@LEVEL
def report(result: Path, out: Path, level: float) -> None:
    """Write one self-contained page of RESULT, and its figures as PNG and PDF; exit code 1 where it did not converge.

    Example: bayesnu report tmm.nc --out report
    """
    from bayesnu.infer import checks, results
    from bayesnu.report import html

    tree = results.open_result(result)
    for path in html.write(tree, out, level=level, stem=result.stem):
        click.echo(path)
    if not checks.recorded(tree).converged:
        sys.exit(EXIT_UNCONVERGED)


def _rerun(tree: Any, pool: Any, quiet: bool) -> Any:
    """What samples a result's model again, with its seed and gate, under other priors; an executor takes the work."""
    from bayesnu.infer import checks, reweighting
    from bayesnu.infer.progress import Reporter

    def again(title: str, chosen: Any, alone: Any) -> Any:
        gate = checks.Gate(**json.loads(tree.attrs["gate"]))
        with Reporter(quiet).step(f"sampling again: {title}"):
            analysis = reweighting.analysis_of(tree)
            seed = int(tree.attrs["seed"])
            return reweighting.rerun(analysis, chosen, seed=seed, names=alone, gate=gate, executor=pool)

    return again


@click.command()
@click.argument("paper", shell_complete=names_of("papers"), required=False)
@click.option("--table", help="Only this table.")
@click.option(
    "--deviations",
    "known",
    is_flag=True,
    help="List the known disagreements instead (of all papers, if none is named).",
)
@FORMAT
@QUIET
def reproduce(paper: str | None, table: str | None, known: bool, form: str, quiet: bool) -> None:
    """Recompute every number that PAPER prints; exit code 1 where one deviates without a known reason.

    \b
    Examples:
      bayesnu reproduce tmm2019 --table II
      bayesnu reproduce --deviations
    """
    from bayesnu import papers
    from bayesnu.infer.progress import Reporter
    from bayesnu.report import text

    shelf = catalog.open_catalog()
    if known:
        found = {name: papers.deviations(name, shelf) for name in ([paper] if paper else catalog.papers(shelf))}
        if form == "json":
            print_json(msgspec.to_builtins(found))
        else:
            click.echo(text.deviations(found))
        return
    if paper is None:
        raise DeclarationError(Problem("command line", "PAPER", "nothing", "a paper, or --deviations", "name one"))
    with Reporter(quiet).step(f"recomputing {paper}") as step:
        cells = papers.reproduce(paper, table=table, progress=step.done, shelf_of=shelf)
    if form == "json":
        print_json([cell._asdict() for cell in cells])
    else:
        click.echo(text.reproduction(cells))
    if any(cell.status == "deviates" and cell.deviation is None for cell in cells):
        sys.exit(EXIT_UNCONVERGED)
