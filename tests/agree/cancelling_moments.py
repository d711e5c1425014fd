"""Small problems of transition moments whose posterior a grid gives: a shell, a blind spot, two modes, a seam, a wall.

Not a test module. One electron or muon neutrino flux, counts per squared effective moment, Gaussian errors; the moments
are written out here in complex numbers, without the package.
"""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

SYNTHETIC = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("synthetic.py"))))
COUNTS = 100.0
"""Counts per (1e-10 mu_B)^2 in every bin."""
MEASURED = {"sin2_theta_12": 0.32, "sin2_theta_13": 0.0216, "sin2_theta_23": 0.547, "delta_cp": 0.0}
INVENTED = MEASURED | {"sin2_theta_13": 0.15, "delta_cp": np.pi / 2}
"""With a large theta_13 and a phase, what electron and muon neutrinos see cancels at different phases."""
LEPTONS = {"nu_e": 0, "nu_mu": 1}


class Problem(NamedTuple):
    """What is seen by which flavour, what is free, and what is held."""

    name: str
    angles: dict[str, float]
    seen: dict[str, tuple[float, float]]
    """Flavour -> squared effective moment and its error [1e-20 mu_B^2]."""
    free: dict[str, float]
    """Modulus or phase -> upper end of its flat prior."""
    held: dict[str, float]

    def squared(self, **values):
        """Squared effective moment of each flavour at complex moments."""
        at = {**dict.fromkeys(("zeta_2", "zeta_3"), 0.0), **self.held, **values}
        moments = [at["lambda_1"], *(at[f"lambda_{i}"] * np.exp(1j * at[f"zeta_{i}"]) for i in (2, 3))]
        rows = mixing(**self.angles)
        return {flavour: seen_moment(rows[LEPTONS[flavour]], moments) for flavour in self.seen}

    def log_density(self, **values):
        """Log posterior, but for a constant: priors are flat."""
        found = self.squared(**values)
        return sum(-0.5 * ((found[f] - value) / error) ** 2 for f, (value, error) in self.seen.items())

    def declare(self, root):
        """Write its experiment and its model below a root; returns the name of the model."""
        rows = [(flavour, "magnetic-moment", b, COUNTS) for b, flavour in enumerate(self.seen)]
        observed = [COUNTS * value for value, _ in self.seen.values()]
        variance = [(COUNTS * error) ** 2 for _, error in self.seen.values()]
        SYNTHETIC.experiment(root, self.name, rows, observed, variance=variance)
        fixed = {n: {"value": float(v), "unit": "rad" if n == "delta_cp" else "1"} for n, v in self.angles.items()}
        fixed |= {n: {"value": float(v), "unit": unit(n)} for n, v in self.held.items()}
        parameters = {n: {"unit": unit(n), "prior": prior(n, high)} for n, high in self.free.items()}
        SYNTHETIC.model(root, self.name, [self.name], interaction=["tmm"], fixed=fixed, parameters=parameters)
        return self.name


def unit(name):
    return "rad" if name.startswith("zeta") else "1e-10 mu_B"


def prior(name, high):
    return {"kind": "circular"} if name.startswith("zeta") else SYNTHETIC.prior("uniform", low=0, high=high)


def mixing(sin2_theta_12, sin2_theta_13, sin2_theta_23, delta_cp):
    """The PDG's mixing matrix as a product of three rotations."""
    (s12, s13, s23), (c12, c13, c23) = (
        np.sqrt([f(s) for s in (sin2_theta_12, sin2_theta_13, sin2_theta_23)]) for f in (lambda s: s, lambda s: 1 - s)
    )
    twist = s13 * np.exp(-1j * delta_cp)
    r23 = np.array([[1, 0, 0], [0, c23, s23], [0, -s23, c23]])
    r13 = np.array([[c13, 0, twist], [0, 1, 0], [-np.conj(twist), 0, c13]])
    r12 = np.array([[c12, s12, 0], [-s12, c12, 0], [0, 0, 1]])
    return r23 @ r13 @ r12


def seen_moment(row, moments):
    """mu_a^2 = sum |L_i|^2 - |sum U_ai L_i|^2 (arXiv:1905.03750, Eq 9 with lambda_jk = epsilon_jki L_i)."""
    overlap = sum(u * moment for u, moment in zip(row, moments, strict=True))
    return sum(abs(moment) ** 2 for moment in moments) - abs(overlap) ** 2


NOTHING_ELSE = {"lambda_3": 0.0, "zeta_3": 0.0}

SHELL = Problem(
    "shell", MEASURED, {"nu_e": (1.0, 0.1)}, {"lambda_1": 10.0, "lambda_2": 10.0, "zeta_2": 2 * np.pi}, NOTHING_ELSE
)
"""A strong signal near a cancellation, which is at zeta_2 = 0, the seam: 6.8 times as long along it as across."""

BLIND = Problem(
    "blind", MEASURED, {"nu_e": (0.0, 0.6)}, {"lambda_1": 4.0, "lambda_2": 4.0, "zeta_2": 2 * np.pi}, NOTHING_ELSE
)
"""No signal: along the cancellation the moduli reach the end of the prior, elsewhere one."""


def modes(name, relative_error):
    """Two circles in the plane of L_2 that cross twice, once nearer to zero: the same depth, different masses."""
    there = Problem(
        name, INVENTED, {"nu_e": (0.0, 1.0), "nu_mu": (0.0, 1.0)}, {"lambda_2": 6.0, "zeta_2": 2 * np.pi},
        NOTHING_ELSE | {"lambda_1": 3.0},
    )  # fmt: skip
    true = there.squared(lambda_2=1.2, zeta_2=2.2)
    return there._replace(seen={flavour: (float(v), float(relative_error * v)) for flavour, v in true.items()})


MODES = modes("modes", 0.05)
"""Isolated modes at (1.2, 2.2) and (2.3, 4.9)."""
NEAR_MODES = modes("near-modes", 0.1)
"""The same with larger errors: now and then a chain crosses."""

SEAM = Problem(
    "seam", MEASURED, {"nu_e": (0.1, 0.5)}, {"zeta_2": 2 * np.pi}, NOTHING_ELSE | {"lambda_1": 1.6, "lambda_2": 1.1}
)
"""A phase whose posterior has its peak at the seam of the circle."""

WALL = Problem(
    "wall", MEASURED, {"nu_e": (0.0, 0.7)}, {"lambda_1": 10.0},
    {"lambda_2": 0.0, "zeta_2": 0.0, "lambda_3": 0.0, "zeta_3": 0.0},
)  # fmt: skip
"""No counts: the best modulus is at its wall, zero."""


class Grid(NamedTuple):
    """A posterior on a grid of midpoints: its axes and the mass of each cell."""

    axes: dict[str, np.ndarray]
    mass: np.ndarray
    log_evidence: float
    """Against Gaussians of unit peak: the norm of the likelihood is left out."""

    def marginal(self, name):
        others = tuple(i for i, other in enumerate(self.axes) if other != name)
        return self.mass.sum(axis=others)

    def quantile(self, name, level):
        """Quantile of one parameter, linear within a cell."""
        axis, below = self.axes[name], np.concatenate([[0.0], np.cumsum(self.marginal(name))])
        edges = np.arange(len(axis) + 1) * (axis[1] - axis[0])
        return float(np.interp(level, below, edges))

    def mean(self, function):
        """Mean of a function of the named parameters."""
        mesh = np.meshgrid(*self.axes.values(), indexing="ij", sparse=True)
        return float((function(**dict(zip(self.axes, mesh, strict=True))) * self.mass).sum())


def grid(problem, *points):
    """The posterior at the midpoints of so many cells an axis."""
    axes = {n: (np.arange(k) + 0.5) * high / k for (n, high), k in zip(problem.free.items(), points, strict=True)}
    mesh = np.meshgrid(*axes.values(), indexing="ij", sparse=True)
    density = np.exp(problem.log_density(**dict(zip(axes, mesh, strict=True))))
    return Grid(axes, density / density.sum(), float(np.log(density.mean())))


def log_norm(problem):
    """What the likelihood of the counts has beside its exponential."""
    return -sum(np.log(np.sqrt(2 * np.pi) * COUNTS * error) for _, error in problem.seen.values())
