"""What the samplers sample: the posterior with its affine Gaussian nuisances integrated in closed form.

A nuisance that multiplies the signal makes a funnel: the larger the moment, the narrower its range. Samplers miss the
funnel's neck without a sign of it, so the nuisances are integrated out and drawn afterwards from their exact
conditional distribution.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesnu.likelihood import nuisances, priors
from bayesnu.likelihood.analysis import Analysis, Free

Array = NDArray[np.float64]


class Marginal(NamedTuple):
    """A posterior of the parameters that are left, `free`, after `solved` have been integrated."""

    analysis: Analysis
    solved: nuisances.Affine
    free: tuple[Free, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters that are left."""
        return tuple(p.name for p in self.free)

    def log_prob(self, x: ArrayLike) -> Array:
        """Log of the marginal posterior density, up to the evidence, of points (n, parameters left)."""
        points = np.atleast_2d(np.asarray(x, dtype=float))
        result = np.zeros(len(points))
        for p, column in zip(self.free, points.T, strict=True):
            result = result + _log_prior(p, column)
        inside = np.flatnonzero(np.isfinite(result))
        for rows in self.analysis.chunks(inside):
            result[rows] += self.log_likelihood(points[rows])
        return result

    def sample_prior(self, size: int, rng: np.random.Generator) -> Array:
        """Draws from the prior of the parameters that are left, (size, parameters left)."""
        full = self.analysis.sample_prior(size, rng)
        return full[:, [self.analysis.names.index(name) for name in self.names]]

    def restore(self, x: Array, rng: np.random.Generator) -> Array:
        """Points (n, all parameters): the integrated nuisances drawn from their distribution given the others."""
        full = np.empty((len(x), len(self.analysis.names)))
        for name, column in zip(self.names, x.T, strict=True):
            full[:, self.analysis.names.index(name)] = column
        for rows in self.analysis.chunks(np.arange(len(x))) if self.solved.names else []:
            drawn = self._draw(x[rows], rng)
            for k, name in enumerate(self.solved.names):
                full[rows, self.analysis.names.index(name)] = drawn[:, k]
        return full

    def _draw(self, x: Array, rng: np.random.Generator) -> Array:
        """Pulls given the rest are Gaussian, mean A^-1 b and covariance A^-1."""
        form = nuisances.normal_equations(self.analysis, self.solved, self._theta(x), np.zeros(len(x)), np)
        a, b = np.moveaxis(form.a, -1, 0), form.b.T
        mean = np.linalg.solve(a, b[..., None])[..., 0]
        upper = np.linalg.cholesky(a).transpose(0, 2, 1)
        noise = np.linalg.solve(upper, rng.standard_normal((*mean.shape, 1)))[..., 0]
        return np.asarray(self.solved.mean + self.solved.sd * (mean + noise))

    def log_likelihood(self, x: Array) -> Array:
        """Log-likelihood integrated over the nuisances, of points (n, parameters left)."""
        zero = np.zeros(len(x))
        return np.asarray(nuisances.marginal_log_likelihood(self.analysis, self.solved, self._theta(x), zero, np))

    def _theta(self, x: Array) -> dict[str, Any]:
        columns: dict[str, Any] = dict(zip(self.names, x.T, strict=True))
        return self.analysis.theta({**dict.fromkeys(self.solved.names, 1.0), **columns}, np)


def marginal(analysis: Analysis) -> Marginal:
    """Integrate every nuisance that has a closed form, unless nothing else would be left."""
    solved = nuisances.affine(analysis)
    left = tuple(p for p in analysis.free if p.name not in solved.names)
    if not left:
        return Marginal(analysis, nuisances.none(analysis), analysis.free)
    return Marginal(analysis, solved, left)


def _log_prior(p: Free, column: Array) -> Array:
    assert p.prior is not None
    return np.asarray(priors.log_density(p.prior, column, np))
