"""The printed coefficients of the effective moments of four neutrinos against the matrix formula that they expand."""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from bayesnu.physics import coefficients4_electron as electron
from bayesnu.physics import coefficients4_muon as muon
from bayesnu.physics.coefficients4_electron import Array, Point, Printed
from bayesnu.physics.mixing4 import Angles, Phases, Row, Turn, active_rows
from bayesnu.physics.moments import ZERO, effective_moment_squared
from bayesnu.physics.moments4 import ELEMENTS, SIGN_13, polar, transition_matrix_4

_E, _MU = 0, 1


class Entry(NamedTuple):
    """A printed coefficient: its table or equation, and its row such as '12,34' for |lambda_12||lambda_34|."""

    table: str
    row: str


class _Source(NamedTuple):
    """Flavour of a table's neutrinos, its forms, and whether they are for small angles of the sterile neutrino."""

    flavour: int
    forms: Callable[[Point], Printed]
    small_angles: bool = False


_SOURCES: Final[Mapping[str, _Source]] = {
    "I": _Source(_E, electron.table_1),
    "II": _Source(_MU, muon.table_2),
    "Eq7": _Source(_E, electron.equation_7),
    "Eq8": _Source(_MU, muon.equation_8),
    "Eq9": _Source(_E, electron.equation_9, small_angles=True),
    "Eq10": _Source(_MU, muon.equation_10, small_angles=True),
}


@cache
def printed_entries() -> tuple[Entry, ...]:
    """Every coefficient of arXiv:2109.09545, Tables I and II (21 each) and Eqs 7 to 10 (three each)."""
    squares = [f"{i},{i}" for i in ELEMENTS]
    products = [f"{i},{j}" for i, j in combinations(ELEMENTS, 2)]
    massive = ["14,14", "24,24", "34,34"]
    return tuple(
        Entry(table, row) for table in _SOURCES for row in (squares + products if table in ("I", "II") else massive)
    )


def largest_deviation(
    entry: Entry, rng: np.random.Generator, points: int = 300, sign_13: float = SIGN_13["tables"]
) -> float:
    """Largest |printed - matrix formula| [1] of a coefficient over random angles and phases.

    Eqs 9 and 10 are meant for small angles of the sterile neutrino, and are compared where these are zero.
    """
    point = random_point(rng, points)
    if _SOURCES[entry.table].small_angles:
        none = np.zeros(points)
        point = point._replace(theta_14=none, theta_24=none)
    return float(np.max(np.abs(printed_coefficient(entry, point) - matrix_coefficient(entry, point, sign_13))))


def random_point(rng: np.random.Generator, points: int) -> Point:
    """Angles between 0 and pi/2 and phases between -pi and pi [rad], as many as `points`."""
    t12, t13, t23, t14, t24 = rng.uniform(0, np.pi / 2, (5, points))
    delta, delta_14, *zetas = rng.uniform(-np.pi, np.pi, (2 + len(ELEMENTS), points))
    return Point(t12, t13, t23, t14, t24, delta, delta_14, tuple(zetas))


def printed_coefficient(entry: Entry, point: Point) -> Array:
    """Coefficient [1] as the paper prints it."""
    return _SOURCES[entry.table].forms(point)[entry.row]


def matrix_coefficient(entry: Entry, point: Point, sign_13: float) -> Array:
    """Coefficient [1] of |lambda_ij||lambda_kl| in mu_a^2 = sum_j |sum_i conj(K_ai) lambda_ij|^2.

    The moment is a quadratic form of the six moduli: a square is its value for one modulus 1, a product that for two,
    less the two squares. Reference: arXiv:2109.09545, Eqs 4 and 6; sign_13 is one of `moments4.SIGN_13`.
    """
    row = rows_at(point)[_SOURCES[entry.table].flavour]
    first, second = entry.row.split(",")
    if first == second:
        return _moment_squared(row, point, {first}, sign_13)
    both = _moment_squared(row, point, {first, second}, sign_13)
    return both - _moment_squared(row, point, {first}, sign_13) - _moment_squared(row, point, {second}, sign_13)


def rows_at(point: Point) -> tuple[Row, Row, Row]:
    """Mixing matrix with the phases of the tables, delta and delta_14; tau neutrinos without a sterile part."""
    angles = Angles(*(_turn(theta) for theta in point[:5]))
    return active_rows(angles, Phases(d13=_turn(point.delta), d14=_turn(point.delta_14)))


def _moment_squared(row: Row, point: Point, present: set[str], sign_13: float) -> Array:
    """Squared moment where the moduli named are one and the others are absent."""
    moments = [
        polar(1.0, _turn(zeta)) if element in present else ZERO
        for element, zeta in zip(ELEMENTS, point.zetas, strict=True)
    ]
    return np.asarray(effective_moment_squared(row, transition_matrix_4(moments, sign_13)), dtype=np.float64)


def _turn(angle: Array) -> Turn:
    return np.cos(angle), np.sin(angle)
