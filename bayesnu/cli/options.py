"""Arguments and options that several commands share."""

from collections.abc import Callable

import click

from bayesnu import catalog


def names_of(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What the shell completes an argument with: the names of one kind of declaration."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        found = getattr(catalog, kind)(catalog.open_catalog())
        return [name for name in found if name.startswith(incomplete)]

    return complete


EXPERIMENT = click.argument("experiment", shell_complete=names_of("experiments"))
MODEL = click.argument("model", shell_complete=names_of("models"))
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
RESUME = click.option("--resume", is_flag=True, help="Go on with a run of this output file that was killed.")


def executor_option(default: str | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Where the work runs."""
    text = "serial, processes:N, dask:local or dask:ADDRESS (extra: bayesnu[cluster])."
    return click.option("--executor", "where", default=default, show_default=default is not None, help=text)
