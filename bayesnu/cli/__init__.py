"""The command line: what there is, what it predicts, what it says about the data."""

import click

from bayesnu import __version__
from bayesnu.cli import contours, evidence, exclude, look, predict, profile, run, show, toys
from bayesnu.cli.exits import Commands


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

    Exit codes: 0 done, 1 done but not converged, 2 something asked for is wrong, 130 interrupted.
    """


for command in (
    look.list_,
    look.cite,
    look.check,
    predict.predict,
    predict.evaluate,
    run.fit,
    profile.profile,
    evidence.evidence,
    exclude.exclusion,
    toys.toys,
    show.limits,
    show.report,
    show.reproduce,
    contours.contours,
):
    main.add_command(command)
