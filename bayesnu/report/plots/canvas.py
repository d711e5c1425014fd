"""Figures of one look, and their files."""

import os
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bayesnu.infer.atomic import in_one_move
from bayesnu.report.marks import ALARM, STYLE

COLUMN_INCHES, PAGE_INCHES = 3.4, 7.0
DPI = 200


def new_figure(width: float, height: float) -> Figure:
    """An empty figure [inches] that no window shows."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def stamp(figure: Figure) -> None:
    """Nobody shall take this figure for a result."""
    figure.text(
        0.5, 0.5, "NOT CONVERGED", color=ALARM, alpha=0.6, fontsize=18, rotation=25, ha="center", va="center",
        weight="bold", zorder=100,
    )  # fmt: skip


def save(figure: Figure, path_without_suffix: str | os.PathLike[str]) -> list[Path]:
    """Write a figure as PNG and PDF, each in one move, so that no half-written file is ever seen."""
    target = Path(path_without_suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    return [_write(figure, target.with_name(f"{target.name}.{kind}"), kind) for kind in ("png", "pdf")]


def _write(figure: Figure, target: Path, kind: str) -> Path:
    # Without a date, equal figures are equal files.
    metadata = {"CreationDate": None} if kind == "pdf" else None
    with in_one_move(target) as temporary, mpl.rc_context(STYLE):
        figure.savefig(temporary, format=kind, dpi=DPI, metadata=metadata)
    return target
