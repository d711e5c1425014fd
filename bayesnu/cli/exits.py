"""How a command ends: exit codes, and one clear message for what this package raises on purpose."""

from typing import Any

import click

from bayesnu.errors import BayesnuError, ConvergenceError

EXIT_UNCONVERGED, EXIT_WRONG = 1, 2


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
