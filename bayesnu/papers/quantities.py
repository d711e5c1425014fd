"""What a cell can print of an analysis: a limit, an end of an interval, a width, a best value, a number of events."""

from collections.abc import Callable

import numpy as np
from scipy import optimize

from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood.analysis import Analysis
from bayesnu.papers.scans import Chi2, chi2_along, crossing
from bayesnu.schema import Block


def best_value(analysis: Analysis, parameter: str, block: Block) -> float:
    """The parameter where chi2 is smallest; of a moment, zero, as its square cannot be negative."""
    return _best(analysis, parameter, block)[1]


def upper_end(analysis: Analysis, parameter: str, block: Block) -> float:
    """Where chi2 exceeds its minimum by the block's delta chi2, above the best value."""
    chi2, best, step = _best(analysis, parameter, block)
    return crossing(chi2, best, step, chi2(best) + block.delta_chi2)


def lower_end(analysis: Analysis, parameter: str, block: Block) -> float:
    """Where chi2 exceeds its minimum by the block's delta chi2, below the best value."""
    chi2, best, step = _best(analysis, parameter, block)
    return crossing(chi2, best, -step, chi2(best) + block.delta_chi2)


def upper_end_from_zero(analysis: Analysis, parameter: str, block: Block) -> float:
    """Where chi2 itself passes the block's delta chi2: as if its minimum were zero.

    Of one bin and a moment whose square may be negative it is zero: any count can then be met.
    """
    chi2, best, step = _best(analysis, parameter, block)
    return crossing(chi2, best, step, block.delta_chi2)


def half_width(analysis: Analysis, parameter: str, block: Block) -> float:
    """Half the distance between the two ends."""
    return 0.5 * (upper_end(analysis, parameter, block) - lower_end(analysis, parameter, block))


def half_width_percent(analysis: Analysis, parameter: str, block: Block) -> float:
    """Half the distance between the two ends, in per cent of the standard value."""
    standard = next(q.standard for q in analysis.free if q.name == parameter)
    return 100.0 * half_width(analysis, parameter, block) / standard


def component_counts(analysis: Analysis, component: str, block: Block) -> float:
    """Counts of one component at the standard point but for `at`, all experiments, bins and fluxes."""
    standard = dict(zip(analysis.names, analysis.standard_point(), strict=True))
    if unknown := ", ".join(sorted(block.at.keys() - standard.keys())):
        raise DeclarationError(
            Problem(block.model, "parameters", f"no {unknown}", "all of the block's `at`", "mend `at`")
        )
    point = np.array(list((standard | block.at).values()))
    parts = analysis.breakdown(point).values()
    return float(sum(v.sum() for components in parts for v in components.get(component, {}).values()))


def _best(analysis: Analysis, parameter: str, block: Block) -> tuple[Chi2, float, float]:
    """chi2 along the parameter, its minimum, and a step that is small beside the interval."""
    p = next((q for q in analysis.free if q.name == parameter), None)
    if p is None:
        expected = f"a parameter of {analysis.model.name}: {', '.join(analysis.names)}"
        raise DeclarationError(Problem("blocks", "columns", repr(parameter), expected, "mend the column"))
    chi2 = chi2_along(analysis, parameter, block.together, block.at)
    step = 1e-3 * (0.05 if p.dimension == "number" else 1.0)
    start = p.standard if block.near is None else block.near
    if p.dimension == "moment" or chi2(start) < 1e-12:
        return chi2, start, step
    found = optimize.minimize_scalar(chi2, bracket=(start - 10 * step, start + 10 * step), tol=1e-12)
    return chi2, float(found.x), step


QUANTITIES: dict[str, Callable[[Analysis, str, Block], float]] = {
    "upper-limit": upper_end,
    "upper-limit-from-zero": upper_end_from_zero,
    "interval-low": lower_end,
    "interval-high": upper_end,
    "half-width": half_width,
    "half-width-percent": half_width_percent,
    "best": best_value,
    "counts": component_counts,
}
"""What a cell prints -> how it is computed."""
