"""The command line: what there is, what it predicts, what it says about the data."""

import json
import math
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
import msgspec

from bayesnu import __version__, catalog
from bayesnu.catalog.validation import did_you_mean
from bayesnu.errors import BayesnuError, ConvergenceError, DeclarationError, Problem
from bayesnu.schema import Fixed, Resolved

KINDS = ("experiments", "models", "papers", "fluxes")
EXIT_UNCONVERGED, EXIT_WRONG = 1, 2

Command = Callable[..., Any]


class Commands(click.Group):
    """The commands; what this package raises on purpose becomes one clear message and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ConvergenceError as error:
            click.echo(f"bayesnu: {error}", err=True)
            ctx.exit(EXIT_UNCONVERGED)
        except BayesnuError as error:
            click.echo(f"bayesnu: {error}", err=True)
            ctx.exit(EXIT_WRONG)


def _names(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        found = getattr(catalog, kind)(catalog.open_catalog())
        return [name for name in found if name.startswith(incomplete)]

    return complete


EXPERIMENT = click.argument("experiment", shell_complete=_names("experiments"))
MODEL = click.argument("model", shell_complete=_names("models"))
SET = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter in its declared unit; may be repeated."
)
QUIET = click.option("--quiet", is_flag=True, help="Only the answer, no progress.")
LEVEL = click.option(
    "--level", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.90, show_default=True
)
FORMAT = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
OTHERS = click.option(
    "--others",
    type=click.Choice(["profiled", "zero"]),
    default="profiled",
    show_default=True,
    help="What becomes of the other parameters of interest; nuisances are always profiled.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Probabilistic inference on the electromagnetic properties of neutrinos.

    \b
    Examples:
      bayesnu list models
      bayesnu predict coherent-csi-2017
      bayesnu fit coherent-csi-tmm --profile --seed 1 --out tmm.nc
      bayesnu limits tmm.nc

    \b
    Names complete in the shell:
      eval "$(_BAYESNU_COMPLETE=bash_source bayesnu)"     (or zsh_source, fish_source)

    Exit codes: 0 done, 1 done but not converged, 2 something asked for is wrong.
    """


# --- list, cite, check ------------------------------------------------------------------------------------------------


@main.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False)
@FORMAT
def list_(kind: str | None, form: str) -> None:
    """Show what there is, one line each.

    Example: bayesnu list models
    """
    shelf = catalog.open_catalog()
    found = {k: _titles(getattr(catalog, k)(shelf)) for k in ([kind] if kind else KINDS)}
    if form == "json":
        _print_json(found)
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


@main.command()
@MODEL
@FORMAT
def cite(model: str, form: str) -> None:
    """Print the sources of everything in MODEL (a name, a model file, or a result file).

    Example: bayesnu cite coherent-csi-tmm
    """
    from bayesnu.report import text

    citations = catalog.cite(_resolved_or_result(model))
    if form == "json":
        _print_json(msgspec.to_builtins(citations))
        return
    click.echo("\n".join(map(text.citation, citations)))


def _resolved_or_result(name: str) -> Resolved:
    if name.endswith(".nc"):
        from bayesnu.infer import results

        return results.model_of(results.open_result(name))
    return catalog.resolve(catalog.open_catalog(), name)


@main.command()
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
        _print_json([problem._asdict() for problem in problems])
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{len(problems)} problems" if problems else "nothing wrong")
    if problems:
        sys.exit(EXIT_WRONG)


# --- predict, evaluate ------------------------------------------------------------------------------------------------


@main.command()
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
        "counts": {c: _lists(fluxes) for c, fluxes in counts.items() if c != "background"},
        "backgrounds": _lists(counts.get("background", {})),
        "parameters": shown,
    }
    if form == "json":
        _print_json(answer)
    else:
        click.echo(text.prediction(answer))


def _point(analysis: Any, settings: Sequence[str]) -> tuple[Any, Any, dict[str, dict[str, Any]]]:
    """The analysis and a point: what was set, no new physics else, nuisances at their centre; and all of it to show."""
    import numpy as np

    values = dict(_setting(text) for text in settings)
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


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        expected = "NAME=VALUE with a finite number in the declared unit"
        raise DeclarationError(Problem("command line", "--set", repr(text), expected, "write, say, mu_nu=40"))
    return name, number


@main.command()
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
        _print_json(answer)
        return
    click.echo(text.evaluation(answer))


# --- fit, profile, limits ---------------------------------------------------------------------------------------------


@main.command()
@MODEL
@click.option("--engine", type=click.Choice(["nuts", "emcee"]), default="nuts", show_default=True)
@click.option("--profile", "profiles", is_flag=True, help="Also the profiles, and each parameter taken alone.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--draws", type=click.IntRange(min=10), help="Draws per chain (nuts) or steps (emcee, else until converged)."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Result file (default: MODEL.nc).")
@LEVEL
@click.option("--r-hat", type=float, default=1.01, show_default=True, help="Gate: largest R-hat.")
@click.option("--ess", type=float, default=400.0, show_default=True, help="Gate: smallest bulk and tail ESS.")
@click.option("--divergences", type=float, default=0.005, show_default=True, help="Gate: largest divergent fraction.")
@click.option("--steps-per-tau", type=float, default=50.0, show_default=True, help="Gate: shortest ensemble.")
@FORMAT
@QUIET
def fit(
    model: str,
    engine: Any,
    profiles: bool,
    seed: int,
    draws: int | None,
    out: Path | None,
    level: float,
    r_hat: float,
    ess: float,
    divergences: float,
    steps_per_tau: float,
    form: str,
    quiet: bool,
) -> None:
    """Sample the posterior of MODEL; exit code 1 where the run did not converge.

    Example: bayesnu fit coherent-csi-tmm --profile --seed 1 --out tmm.nc
    """
    from bayesnu.infer import checks, results
    from bayesnu.infer.fit import fit as run
    from bayesnu.infer.progress import Reporter
    from bayesnu.likelihood.loading import load
    from bayesnu.report import tables

    analysis = load(model)
    path = out or Path(f"{analysis.model.name}.nc")
    gate = checks.Gate(r_hat=r_hat, ess=ess, divergences=divergences, steps_per_tau=steps_per_tau)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        tree = run(
            analysis,
            engine=engine,
            seed=seed,
            profiles=profiles,
            level=level,
            draws=draws,
            gate=gate,
            reporter=Reporter(quiet),
            executor=executor,
        )
    results.save_result(tree, path)
    verdict = checks.recorded(tree)
    if form == "json":
        _print_json(_fit_summary({str(k): v for k, v in tree.attrs.items()}, path, verdict))
    else:
        click.echo(tables.as_text(tables.limits(tree, level=level)))
        click.echo(f"result: {path}" + ("" if verdict.converged else "   NOT CONVERGED"))
    if not verdict.converged:
        sys.exit(EXIT_UNCONVERGED)


def _fit_summary(attributes: Mapping[str, Any], path: Path, verdict: Any) -> dict[str, Any]:
    return {
        "result": str(path),
        "engine": attributes["engine"],
        "seed": int(attributes["seed"]),
        "seconds": {"compile": None, "sample": None, "profile": None, **json.loads(attributes["seconds"])},
        "diagnostics": {**verdict._asdict(), "failures": list(verdict.failures)},
        "gate": json.loads(attributes["gate"]),
        "converged": verdict.converged,
    }


@main.command()
@MODEL
@click.option("--parameter", required=True, help="The parameter that is scanned.")
@OTHERS
@LEVEL
@click.option("--points", type=click.IntRange(min=5), default=41, show_default=True)
@FORMAT
@QUIET
def profile(model: str, parameter: str, others: Any, level: float, points: int, form: str, quiet: bool) -> None:
    """Scan the profile chi-square of one parameter of MODEL.

    Example: bayesnu profile coherent-csi-full --parameter lambda_1 --others zero
    """
    from bayesnu.infer.profile import profile as scan
    from bayesnu.infer.progress import Reporter
    from bayesnu.likelihood.loading import load

    with Reporter(quiet).step(f"profiling {parameter}, others {others}") as step:
        found = scan(load(model), parameter, others=others, level=level, points=points, progress=step.done)
    about = found.attrs
    answer = {
        "model": model,
        "parameter": parameter,
        "unit": about["unit"],
        "values": found["value"].values.tolist(),
        "delta_chi2": found["delta_chi2"].values.tolist(),
        "limit": about["limit"],
        "interval": [about["interval_low"], about["limit"]],
        "best": about["best"],
        "level": level,
        "threshold": about["threshold"],
        "threshold_kind": about["threshold_kind"],
        "others": others,
    }
    if form == "json":
        _print_json(answer)
        return
    rows = zip(answer["values"], answer["delta_chi2"], strict=True)
    click.echo(f"{parameter} [{about['unit']}]  delta chi2")
    click.echo("\n".join(f"{value:12.4f}  {excess:10.4f}" for value, excess in rows))
    limit = "none in the range" if math.isnan(about["limit"]) else f"{about['limit']:.4g} {about['unit']}"
    click.echo(f"limit at {level:.0%} (delta chi2 = {about['threshold']:.3f}), others {others}: {limit}")


@main.command()
@click.argument("result", type=click.Path(path_type=Path))
@LEVEL
@click.option("--parameter", help="Only this one.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True)
@click.option("--plots", type=click.Path(path_type=Path, file_okay=False), help="Also draw the plots into this folder.")
@QUIET
def limits(result: Path, level: float, parameter: str | None, form: str, plots: Path | None, quiet: bool) -> None:
    """Print credible beside profile beside published limits of RESULT; exit code 1 where it did not converge.

    Example: bayesnu limits tmm.nc --plots plots
    """
    from bayesnu.infer import checks, results
    from bayesnu.report import tables

    tree = results.open_result(result)
    rows = tables.limits(tree, level=level, parameter=parameter)
    if form == "json":
        _print_json(tables.as_json(rows))
    else:
        click.echo(tables.as_markdown(rows) if form == "markdown" else tables.as_text(rows))
    if plots is not None:
        for path in _draw(tree, result.stem, rows, level, plots):
            click.echo(f"plot: {path}", err=form == "json" or quiet)
    if not checks.recorded(tree).converged:
        sys.exit(EXIT_UNCONVERGED)


def _draw(tree: Any, stem: str, rows: Iterable[Any], level: float, folder: Path) -> list[Path]:
    """The limit plot of each parameter and the corner plot."""
    from bayesnu.report import plots

    names = dict.fromkeys(row.parameter for row in rows)
    drawn = [plots.save(plots.limit_plot(tree, n, level=level), folder / f"{stem}-{n}") for n in names]
    drawn.append(plots.save(plots.corner_plot(tree, level=level), folder / f"{stem}-corner"))
    return [path for paths in drawn for path in paths]


# --- reproduce --------------------------------------------------------------------------------------------------------


@main.command()
@click.argument("paper", shell_complete=_names("papers"), required=False)
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
            _print_json(msgspec.to_builtins(found))
        else:
            click.echo(text.deviations(found))
        return
    if paper is None:
        raise DeclarationError(Problem("command line", "PAPER", "nothing", "a paper, or --deviations", "name one"))
    with Reporter(quiet).step(f"recomputing {paper}") as step:
        cells = papers.reproduce(paper, table=table, progress=step.done, shelf_of=shelf)
    if form == "json":
        _print_json([cell._asdict() for cell in cells])
    else:
        click.echo(text.reproduction(cells))
    if any(cell.status == "deviates" and cell.deviation is None for cell in cells):
        sys.exit(EXIT_UNCONVERGED)


# --- printing ---------------------------------------------------------------------------------------------------------


def _lists(table: Mapping[str, Any]) -> dict[str, list[float]]:
    return {key: [float(v) for v in values] for key, values in table.items()}


def _print_json(answer: Any) -> None:
    click.echo(json.dumps(_finite(answer), indent=2))


def _finite(value: Any) -> Any:
    """JSON knows no NaN: null where there is no number."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
