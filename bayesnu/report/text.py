"""Answers as plain text for a terminal."""

from collections.abc import Mapping
from typing import Any

from bayesnu.schema import Citation

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
