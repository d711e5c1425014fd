"""The published tables, recomputed: what models/papers/PAPER.toml declares, cell by cell, beside what was printed."""

from bayesnu.papers.cells import Cell, Status
from bayesnu.papers.checks import check
from bayesnu.papers.figures import contours_of, disagreements_of, exclusions_of, readings_of
from bayesnu.papers.printed import deviations, read
from bayesnu.papers.quantities import QUANTITIES, component_counts
from bayesnu.papers.run import reproduce
from bayesnu.papers.setups import analysis_of

__all__ = [
    "QUANTITIES",
    "Cell",
    "Status",
    "analysis_of",
    "check",
    "component_counts",
    "contours_of",
    "deviations",
    "disagreements_of",
    "exclusions_of",
    "read",
    "readings_of",
    "reproduce",
]
