"""A likelihood over the unit cube: each axis is the quantile of one prior, so the evidence is its plain integral."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood import priors
from bayesnu.likelihood.marginal import Marginal
from bayesnu.schema import Circular, Prior

Array = NDArray[np.float64]

NOTHING = -1e100
"""Log-likelihood of a point that the data exclude altogether: samplers want finite numbers."""
EDGE = 1e-15
"""No quantile comes closer to zero or one: that of a Gaussian would be infinite."""


class Cube(NamedTuple):
    """Z = int L(theta(u)) du over [0, 1]^d: some priors are integrated over, other parameters are held."""

    target: Marginal
    priors: Mapping[str, Prior]
    """Priors of the axes, in their order."""
    held: Mapping[str, float]

    @property
    def dimensions(self) -> int:
        """Number of axes."""
        return len(self.priors)

    @property
    def angles(self) -> list[int]:
        """Axes whose ends are one point."""
        return [i for i, prior in enumerate(self.priors.values()) if isinstance(prior, Circular)]

    def points(self, u: Array) -> Array:
        """Parameters (n, parameters left) at quantiles (n, axes)."""
        inside = np.clip(u, EDGE, 1.0 - EDGE)
        columns = {n: priors.quantile(p, inside[:, i]) for i, (n, p) in enumerate(self.priors.items())}
        columns |= {name: np.full(len(u), value) for name, value in self.held.items()}
        return np.stack([columns[name] for name in self.target.names], axis=1)

    def log_likelihood(self, u: Array) -> Array:
        """Log-likelihood at quantiles (n, axes), the affine nuisances integrated."""
        x = self.points(u)
        parts = [self.target.log_likelihood(x[rows]) for rows in self.target.analysis.chunks(np.arange(len(x)))]
        return np.nan_to_num(np.concatenate(parts), nan=NOTHING, neginf=NOTHING)


def cube(target: Marginal) -> Cube:
    """The cube of all parameters that are left, each with its declared prior.

    >>> import bayesnu as bn
    >>> from bayesnu.likelihood.marginal import marginal
    >>> cube(marginal(bn.load("coherent-csi-effective"))).dimensions
    1
    """
    return Cube(target, {name: prior_of(target, name) for name in target.names}, {})


def prior_of(target: Marginal, name: str) -> Prior:
    """The declared prior of a parameter; without one there is nothing to integrate over."""
    (prior,) = (p.prior for p in target.free if p.name == name)
    if prior is None:
        hint = "use a model that declares it"
        raise DeclarationError(Problem(target.analysis.model.file, name, "no prior", "a prior", hint))
    return prior
