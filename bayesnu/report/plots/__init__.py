"""Figures: limits, profiles, corners, exclusion curves, contours, toys. Nothing outside the figure is changed."""

from bayesnu.report.plots.calibration import coverage_plot, rank_plot
from bayesnu.report.plots.canvas import save
from bayesnu.report.plots.contour import contour_plot
from bayesnu.report.plots.corner import corner_plot
from bayesnu.report.plots.exclusion import exclusion_panels_plot, exclusion_plot
from bayesnu.report.plots.limit import limit_plot, profile_plot
from bayesnu.report.plots.toys import toys_plot

__all__ = [
    "contour_plot",
    "corner_plot",
    "coverage_plot",
    "exclusion_panels_plot",
    "exclusion_plot",
    "limit_plot",
    "profile_plot",
    "rank_plot",
    "save",
    "toys_plot",
]
