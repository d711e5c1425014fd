"""Answers as plain text for a terminal."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesnu.schema import Citation, Deviation

Answer = Mapping[str, Any]


def prediction(answer: Answer) -> str:
    """Expected events per bin, component and flux, with the point at which they were computed."""
    lines = [f"{answer['experiment']}, model {answer['model']}: expected events", *_parameters(answer)]
    lines.append(f"{'bin [' + answer['observable']['unit'] + ']':<14}{'component':<18}{'flux':<16}{'events':>12}")
    tables = {**answer["counts"], "background": answer["backgrounds"]}
    total = 0.0
    for i, (low, high) in enumerate(answer["bins"]):
        for component, fluxes in tables.items():
            for flux, events in fluxes.items():
                lines.append(f"{f'{low:g}-{high:g}':<14}{component:<18}{flux:<16}{events[i]:>12.4f}")
                total += events[i]
    return "\n".join([*lines, f"{'total':<48}{total:>12.4f}"])


def evaluation(answer: Answer) -> str:
    """Prior, likelihood, chi2 and couplings at a point."""
    lines = _parameters(answer)
    lines += [f"{key} = {answer[key]:.6f}" for key in ("log_prior", "log_prob", "chi2", "chi2_profiled")]
    lines += [f"log_likelihood of {name} = {value:.6f}" for name, value in answer["log_likelihood"].items()]
    for term, fluxes in answer["couplings"].items():
        unit = answer["coupling_units"].get(term, "")
        listed = ", ".join(f"{flux} {value:.6g}" for flux, value in fluxes.items())
        lines.append(f"coupling {term}{f' [{unit}]' if unit else ''}: {listed}")
    return "\n".join(lines)


def _parameters(answer: Answer) -> list[str]:
    return [f"  {name} = {p['value']:g} {p['unit']}" for name, p in answer["parameters"].items()]


def citation(cited: Citation) -> str:
    """A source: reference, status, identifiers, place, and what uses it."""
    source = cited.source
    identifiers = [f"arXiv:{source.arxiv}" if source.arxiv else "", f"doi:{source.doi}" if source.doi else ""]
    lines = [
        f"{source.reference}  [{source.status}]",
        f"    {', '.join(i for i in identifiers if i)}; {source.where}",
        f"    used by {cited.file}" + (f" for {', '.join(source.covers)}" if source.covers else ""),
    ]
    return "\n".join([*lines, *([f"    note: {source.note}"] if source.note else [])])


def reproduction(cells: Sequence[Any]) -> str:
    """Tables shaped like the paper's: published, ours and their ratio, where each comes from, and a summary."""
    lines: list[str] = []
    for paper in dict.fromkeys(cell.paper for cell in cells):
        mine = [cell for cell in cells if cell.paper == paper]
        lines += _source(mine[0])
        for table in dict.fromkeys(cell.table for cell in mine):
            lines += [
                f"Table {table}" if len(table) < 4 else table,
                f"  {'row':<38}{'column':<26}{'published':>11}{'ours':>12}{'ratio':>8}  status",
            ]
            lines += [_row(cell) for cell in mine if cell.table == table]
    return "\n".join([*lines, "", summary(cells)])


def _source(cell: Any) -> list[str]:
    """Whose numbers follow, and how they were obtained."""
    words = f"{cell.paper}, numbers {cell.status_of_source}: {cell.source}"
    return textwrap.wrap(words, 118, subsequent_indent="  ")


def _row(cell: Any) -> str:
    ours = "" if cell.ours is None else f"{cell.ours:.4g}"
    ratio = "" if cell.ratio is None else f"{cell.ratio:.3f}"
    status = cell.status + (f" ({cell.deviation})" if cell.deviation else "")
    published = cell.published if len(cell.published) <= 11 else f"{cell.published[:7]}..."
    return f"  {cell.row:<38}{cell.column:<26}{published:>11}{ours:>12}{ratio:>8}  {status}"


def summary(cells: Sequence[Any]) -> str:
    """Cells in agreement, deviations, cells that no paper prints, readings used."""
    ratios = np.array([abs(cell.ratio - 1) for cell in cells if cell.ratio is not None])
    count = {s: sum(c.status == s for c in cells) for s in ("agrees", "deviates", "not-reproducible", "input")}
    named = sorted({c.deviation for c in cells if c.deviation})
    readings = {c.reading for c in cells if c.ours is not None}
    alone = sum(c.alone for c in cells if c.status == "not-reproducible")
    words = {"not-reproducible": f" ({alone} of them not printed by the paper)"} if alone else {}
    text = ", ".join(f"{n} {s}{words.get(s, '')}" for s, n in count.items())
    spread = f"median {np.median(ratios):.2%}, worst {ratios.max():.2%}" if ratios.size else "nothing recomputed"
    return (
        f"{len(cells)} cells: {text}; {spread}; {len(readings)} readings; "
        f"named disagreements: {', '.join(named) or 'none'}"
    )


def deviations(papers: Mapping[str, Mapping[str, Deviation]]) -> str:
    """The known disagreements, each with what is claimed, what is found and why."""
    lines = []
    for paper, known in papers.items():
        for name, deviation in known.items():
            lines += [
                f"{paper}/{name}",
                f"  the paper: {deviation.claim}",
                f"  we find:   {deviation.finding}",
                f"  evidence:  {deviation.evidence}",
            ]
    return "\n".join(lines)


def evidences(answer: Answer) -> str:
    """A profile interval beside the credible intervals and Bayes factors of several priors."""
    about, level, unit = answer["profile"], f"{answer['level']:.1%}", answer["unit"]
    held = "".join(f", {name} = {value:g}" for name, value in answer["held"].items())
    lines = [
        f"{answer['model']}{held}: {answer['parameter']} [{unit}], level {level}",
        f"profile: {_interval((about['interval_low'], about['limit']))}, best {about['best']:.4g}"
        f" (delta chi2 = {about['threshold']:.3f}, {about['threshold_kind']}; others {about['others']})",
        f"{'prior':<28}{'log evidence':>14}{'log Bayes factor':>18}{'error':>10}"
        f"{'equal-tailed':>20}{'highest density':>20}",
    ]
    for row in answer["priors"]:
        numbers = f"{row['log_evidence']:>14.4f}{row['log_bayes_factor']:>+18.4f}{row['error']:>10.1e}"
        intervals = f"{_interval(row['equal_tailed']):>20}{_interval(row['highest_density']):>20}"
        lines.append(f"{row['prior']:<28}{numbers}{intervals}")
    words = (
        "Bayes factor: signal over none; each depends on its prior and on its range. Highest density in the parameter."
    )
    return "\n".join([*lines, words])


def _interval(ends: Sequence[float]) -> str:
    low, high = ends
    return f"{low:.4g} to {'beyond the range' if np.isnan(high) else f'{high:.4g}'}"
