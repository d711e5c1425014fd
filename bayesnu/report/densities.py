"""What the figures show, as arrays: densities that end at their walls and close at their seams, and regions by mass."""

from collections.abc import Sequence
from typing import NamedTuple

import arviz_stats
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from bayesnu.infer import results
from bayesnu.likelihood import priors
from bayesnu.report.labels import axis_label
from bayesnu.report.limits import SAMPLE_DIMS
from bayesnu.schema import Circular, Prior

Array = NDArray[np.float64]

BINS = 40
MOST_SMOOTHING = 2.5
"""Largest standard deviation of the smoothing of a two-dimensional histogram, in bins."""

SHOWN = 0.995
"""Quantile of the draws at which an axis ends, where the level asked for is not beyond."""

MARGIN = 0.06
"""Of an axis, beyond those quantiles."""


class Curve(NamedTuple):
    """A density over x."""

    x: Array
    y: Array

    def until(self, end: float) -> "Curve":
        """The part below a point."""
        x = np.append(self.x[self.x < end], end)
        return Curve(x, np.interp(x, self.x, self.y))


class Quantity(NamedTuple):
    """An axis of a corner plot."""

    name: str
    label: str
    latex: str
    values: Array
    prior: Prior
    low: float
    high: float
    of_interest: bool
    """Whether it gets a limit."""

    @property
    def angle(self) -> bool:
        """Whether it lives on the circle."""
        return isinstance(self.prior, Circular)


class Region(NamedTuple):
    """A smoothed two-dimensional density, one cell wider than its axes on every side, and its height at each mass."""

    x: Array
    y: Array
    density: Array
    heights: tuple[float, ...]


# --- one dimension ----------------------------------------------------------------------------------------------------


def density(draws: xr.DataArray, prior: Prior) -> Curve:
    """Density of draws: reflected at the wall of the prior, closed on the circle."""
    if isinstance(prior, Circular):
        return _circular(draws)
    low, _ = priors.support(prior)
    # The grid begins at the wall, not at the smallest draw: the kernel is reflected where the grid begins.
    ends = (min(low, float(draws.min())) if np.isfinite(low) else float(draws.min()), float(draws.max()))
    found = arviz_stats.kde(draws, dim=SAMPLE_DIMS, circular=False, custom_lims=ends, bound_correction=True)
    x, y = (np.asarray(found.sel(plot_axis=axis).values, dtype=float) for axis in ("x", "y"))
    return Curve(np.concatenate([[ends[0]], x]), np.concatenate([y[:1], y]))


def _circular(draws: xr.DataArray) -> Curve:
    """Density over [0, 2 pi], equal at both ends."""
    found = arviz_stats.kde(draws, dim=SAMPLE_DIMS, circular=True)
    x = np.asarray(found.sel(plot_axis="x").values, dtype=float) % priors.TWO_PI
    y, order = np.asarray(found.sel(plot_axis="y").values, dtype=float), np.argsort(x)
    grid = np.linspace(0, priors.TWO_PI, len(x) + 1)
    return Curve(grid, np.interp(grid, x[order], y[order], period=priors.TWO_PI))


def prior_density(prior: Prior, x: Array) -> Array:
    """Density of a prior, infinite heights left to the axes to cut."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(priors.log_density(prior, x, np)), dtype=float)


# --- two dimensions ---------------------------------------------------------------------------------------------------


def region(a: Quantity, b: Quantity, masses: Sequence[float]) -> Region:
    """Highest-density regions of two quantities that hold the given posterior masses.

    A histogram, lightly smoothed: across the seam of an angle, reflected at the ends of everything else.
    """
    counts, x, y = np.histogram2d(a.values, b.values, bins=BINS, range=((a.low, a.high), (b.low, b.high)))
    modes = ["wrap" if q.angle else "reflect" for q in (a, b)]
    smooth = ndimage.gaussian_filter(counts, [_smoothing(a), _smoothing(b)], mode=modes)
    ordered: Array = np.sort(smooth, axis=None)[::-1]
    # Draws beyond the axes count too: a region of 90 % is 90 % of the posterior, not of the picture.
    held = np.cumsum(ordered) / len(a.values)
    heights = [float(ordered[min(int(np.searchsorted(held, mass)), ordered.size - 1)]) for mass in masses]
    padded = np.pad(smooth, ((1, 1), (0, 0)), mode="wrap" if a.angle else "edge")
    padded = np.pad(padded, ((0, 0), (1, 1)), mode="wrap" if b.angle else "edge")
    return Region(_centres(x), _centres(y), padded.T, tuple(heights))


def _smoothing(q: Quantity) -> float:
    """Scott's bandwidth for two dimensions, in bins."""
    spread = float(np.std(q.values))
    if q.angle:
        # The circular spread knows no seam; it grows without end where the angle is unknown.
        spread = float(np.sqrt(-2 * np.log(max(np.abs(np.mean(np.exp(1j * q.values))), 1e-9))))
    width = (q.high - q.low) / BINS
    return float(min(spread * len(q.values) ** (-1 / 6) / width, MOST_SMOOTHING))


def _centres(edges: Array) -> Array:
    """Centres of bins, with one more on either side."""
    width = edges[1] - edges[0]
    return np.concatenate([edges[:1] - 0.5 * width, edges + 0.5 * width])


# --- what a corner plot holds -----------------------------------------------------------------------------------------


def quantities(tree: xr.DataTree, level: float) -> list[Quantity]:
    """Parameters of interest; where there is at most one, also the nuisances but those that each bin has of its own."""
    model = results.model_of(tree)
    posterior = tree["posterior"].to_dataset()
    chosen: dict[str, Prior] = {n: p.prior for n, p in model.parameters.items() if p.prior is not None}
    if len(chosen) <= 1:
        per_bin = {n for n, p in model.nuisances.items() if p.scales is not None and p.scales.bins}
        chosen |= {n: p.prior for n, p in model.nuisances.items() if n not in per_bin}
    return [_quantity(posterior[n], n, p, level, n in model.parameters) for n, p in chosen.items() if n in posterior]


def _quantity(draws: xr.DataArray, name: str, prior: Prior, level: float, of_interest: bool) -> Quantity:
    latex = str(draws.attrs.get("latex", name))
    values = np.asarray(draws.values, dtype=float).ravel()
    low, high = _ends(values, prior, level)
    label = axis_label(latex, str(draws.attrs.get("unit", "")))
    return Quantity(name, label, latex, values, prior, low, high, of_interest and not isinstance(prior, Circular))


def _ends(values: Array, prior: Prior, level: float) -> tuple[float, float]:
    """Both ends of an axis: nearly all draws, and the wall of the prior where draws come near it."""
    if isinstance(prior, Circular):
        return 0.0, priors.TWO_PI
    shown = max(SHOWN, 1 - (1 - level) / 10)
    low, high = (float(q) for q in np.quantile(values, [1 - shown, shown]))
    wall = priors.support(prior)[0]
    margin = MARGIN * (high - low)
    near = np.isfinite(wall) and low - wall < 0.1 * (high - low)
    return (wall if near else low - margin), high + margin
