"""What there is, where it comes from, and whether it is well declared."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from bayesnu import catalog
from bayesnu.cli.answers import print_json
from bayesnu.cli.exits import EXIT_WRONG
from bayesnu.cli.options import FORMAT, MODEL
from bayesnu.schema import Resolved

KINDS = ("experiments", "models", "papers", "fluxes")


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False)
@FORMAT
def list_(kind: str | None, form: str) -> None:
    """Show what there is, one line each.

    Example: bayesnu list models
    """
    shelf = catalog.open_catalog()
    found = {k: _titles(getattr(catalog, k)(shelf)) for k in ([kind] if kind else KINDS)}
    if form == "json":
        print_json(found)
        return
    for k, titles in found.items():
        click.echo(f"{k}:")
        width = max(map(len, titles), default=0)
        for name, title in titles.items():
            click.echo(f"  {name:<{width}}  {title}")


def _titles(files: Mapping[str, Path]) -> dict[str, str]:
    titles = {}
    for name, file in files.items():
        tree = catalog.read_toml(file)
        variant = name.removeprefix(f"{file.parent.name}-")
        titles[name] = str(tree.get("variants", {}).get(variant, {}).get("title", tree.get("title", "")))
    return titles


@click.command()
@MODEL
@FORMAT
def cite(model: str, form: str) -> None:
    """Print the sources of everything in MODEL (a name, a model file, or a result file).

    Example: bayesnu cite coherent-csi-tmm
    """
    from bayesnu.report import text

    citations = catalog.cite(_resolved_or_result(model))
    if form == "json":
        print_json(msgspec.to_builtins(citations))
        return
    click.echo("\n".join(map(text.citation, citations)))


def _resolved_or_result(name: str) -> Resolved:
    if name.endswith(".nc"):
        from bayesnu.infer import results

        return results.model_of(results.open_result(name))
    return catalog.resolve(catalog.open_catalog(), name)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--write-hashes", is_flag=True, help="First write the present hashes of the data files into FILES.")
@FORMAT
def check(files: tuple[Path, ...], write_hashes: bool, form: str) -> None:
    """Validate declarations (all that are found, if none is named): what is wrong, where, and what to do.

    Example: bayesnu check data/experiments/coherent-csi-2017/experiment.toml
    """
    from bayesnu import papers

    for file in files if write_hashes else ():
        click.echo(f"{file}: {catalog.write_hashes(file)} hashes written", err=True)
    problems = papers.check(files)
    if form == "json":
        print_json([problem._asdict() for problem in problems])
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{len(problems)} problems" if problems else "nothing wrong")
    if problems:
        sys.exit(EXIT_WRONG)
