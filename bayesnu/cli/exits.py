"""How a command ends: exit codes, and one clear message for what this package raises on purpose."""

import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from bayesnu.errors import BayesnuError, ConvergenceError, DeclarationError, Problem, is_interrupt
from bayesnu.infer.threads import one_thread_unless_told

EXIT_UNCONVERGED, EXIT_WRONG, EXIT_INTERRUPTED = 1, 2, 130


class Commands(click.Group):
    """The commands; what this package raises on purpose becomes one clear message and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        _terminate_as_interrupt()
        one_thread_unless_told()
        try:
            return super().invoke(ctx)
        except ConvergenceError as error:
            click.echo(f"bayesnu: {error}", err=True)
            ctx.exit(EXIT_UNCONVERGED)
        except BayesnuError as error:
            click.echo(f"bayesnu: {error}", err=True)
            ctx.exit(EXIT_WRONG)
        except (KeyboardInterrupt, SystemError) as error:
            if not is_interrupt(error):
                raise
            click.echo("bayesnu: interrupted", err=True)
            ctx.exit(EXIT_INTERRUPTED)


def _terminate_as_interrupt() -> None:
    """A batch system ends a run by SIGTERM: it ends as by Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def optional_checkpoint(out: Path | None, asked: Mapping[str, Any], resume: bool, say: Callable[[str], None]) -> Any:
    """The checkpoint of an output file; without one nothing is kept, and nothing can be resumed."""
    from bayesnu.infer import checkpoint

    if out is not None:
        return checkpoint.begin(out, asked, resume=resume, say=say)
    if resume:
        hint = "name the file that the run would have written"
        raise DeclarationError(Problem("command line", "--resume", "no --out", "--resume with --out FILE", hint))
    return checkpoint.NOWHERE


def exit_interrupted(kept: Any, stopped: KeyboardInterrupt, save: Callable[[Any], Path] | None) -> NoReturn:
    """Write what an interrupted run has to show, say where it is and how to go on."""
    click.echo("bayesnu: interrupted", err=True)
    result = getattr(stopped, "result", None)
    if save is not None and result is not None:
        click.echo(f"  partial result, marked as such: {save(result)}", err=True)
    if kept.pieces:
        click.echo(f"  finished pieces: {kept.folder}; the same command with --resume goes on from there", err=True)
    elif kept.folder is not None:
        click.echo("  nothing was finished yet", err=True)
    sys.exit(EXIT_INTERRUPTED)
