"""Coverage for readers: a Markdown table of the share of toys in which each limit is not below the truth."""

import xarray as xr

from bayesnu.report.labels import number, percent


def as_markdown(found: xr.Dataset) -> str:
    """A row for each treatment, a column for each true value, and the limits that were found in between."""
    about, values = found.attrs, found["value"].values
    header = ["limit", *(f"{about['parameter']} = {v:g}" for v in values)]
    rows = [
        [str(name), *(_share(found, str(name), i) for i in range(len(values)))] for name in found["treatment"].values
    ]
    return "\n".join(
        [
            f"Model `{about['model']}`, {about['toys']} toys at each true value, seed {about['seed']}; true nuisances"
            f" {_words(about['nuisance'])}; {about['parameter']} in {about['unit']}."
            f" Aimed at: {percent(about['level'])} %. In brackets the median limit.",
            "",
            *(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows]),
            "",
            "Feldman-Cousins thresholds of q at these values:"
            f" {', '.join(number(float(t)) for t in found['threshold'].values)};"
            f" the profile takes {number(float(about['asymptotic']))} everywhere.",
            "",
        ]
    )


def _share(found: xr.Dataset, name: str, i: int) -> str:
    row = found.sel(treatment=name).isel(value=i)
    return (
        f"{100 * float(row['coverage']):.1f} ± {100 * float(row['error']):.1f} % ({_limit(float(row['median_limit']))})"
    )


def _limit(value: float) -> str:
    """The median limit: a dash where the treatment has none of its own, beyond the range where it is infinite."""
    return "beyond the range" if value == float("inf") else number(value)


def _words(nuisance: str) -> str:
    return "at their central values" if nuisance == "central" else "profiled to the observed data"
