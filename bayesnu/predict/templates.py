"""Templates: counts per unit coupling of every flux, term and bin, built once, along every axis that bends them."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from bayesnu.predict import axes, cross_sections, rates, terms
from bayesnu.predict.axes import Axis
from bayesnu.predict.beams import Beam, beam_of
from bayesnu.schema import Knob, Setup

Array = NDArray[np.float64]


class Templates(NamedTuple):
    """Counts per unit coupling, T[flux, term, function, bin], and the names along each axis.

    The third axis holds the coefficients of the (products of) functions of the axes, the constant first; without an
    axis it has length one.
    """

    fluxes: tuple[str, ...]
    beams: tuple[Beam, ...]
    terms: tuple[str, ...]
    knobs: tuple[str, ...]
    axes: tuple[Axis, ...]
    values: Array


def build(setup: Setup, knobs: Sequence[str] = ()) -> Templates:
    """Templates of one setup, memoised; `knobs` are those of its knobs that the model turns.

    >>> import bayesnu as bn
    >>> setup = bn.load("coherent-csi-sm").model.setups[0]
    >>> build(setup).values.shape
    (3, 6, 1, 1)
    """
    return _build(msgspec.json.encode(setup), tuple(knobs))


@functools.lru_cache(maxsize=256)
def _build(encoded: bytes, knobs: tuple[str, ...]) -> Templates:
    setup = msgspec.json.decode(encoded, type=Setup)
    names = tuple(setup.flux.components)
    wanted, beams = terms.terms_of(setup), _beams(setup)
    if setup.template_rows:
        return Templates(names, beams, wanted, (), (), _given(setup, names))
    # In the order of their axes.
    turned = sorted(knobs, key=lambda k: setup.knobs[k].interpolation == "log-spline")
    along, values = _on_axes(setup, [setup.knobs[k] for k in turned])
    return Templates(names, beams, wanted, tuple(turned), along, values)


def _given(setup: Setup, names: tuple[str, ...]) -> Array:
    """Templates that the experiment brings along."""
    wanted = terms.terms_of(setup)
    values = np.zeros((len(names), len(wanted), 1, len(setup.bins)))
    for flux, term, index, counts in setup.template_rows:
        if term in wanted and terms.acts(setup, term, flux):
            values[names.index(flux), wanted.index(term), 0, index] = counts
    return values


# --- axes -------------------------------------------------------------------------------------------------------------


def _on_axes(setup: Setup, knobs: Sequence[Knob]) -> tuple[tuple[Axis, ...], Array]:
    """The axes of some knobs, and the coefficients of their functions (flux, term, product of functions, bin).

    A spline has nodes of its own for each flux, and comes after the Chebyshev polynomials.
    """
    smooth = [knob for knob in knobs if knob.interpolation == "chebyshev"]
    splined = [knob for knob in knobs if knob.interpolation == "log-spline"]
    found: list[Axis] = []
    grids, by_flux = [], []
    for flux in setup.flux.components:
        grid = spline_nodes(setup, splined[0], flux) if splined else np.zeros(1)
        found, values = _on_nodes(setup, flux, smooth, splined, grid)
        grids.append(grid)
        by_flux.append(values)
    if splined:
        axis, coefficients = axes.spline_axis(splined[0], grids, by_flux)
        found, whole = [*found, axis], np.moveaxis(coefficients, 0, -2)
    else:
        whole = np.concatenate(by_flux)
    return tuple(found), np.ascontiguousarray(whole.reshape(*whole.shape[:2], -1, whole.shape[-1]))


def spline_nodes(setup: Setup, knob: Knob, flux: str) -> Array:
    """Nodes of a spline for one flux: even in the logarithm, and more where its counts end or bend."""
    return axes.nodes(knob, rates.edges(setup, knob, flux), rates.crossing_masses_mev(setup, knob, flux))


def _on_nodes(
    setup: Setup, flux: str, smooth: Sequence[Knob], splined: Sequence[Knob], grid: Array
) -> tuple[list[Axis], Array]:
    """One flux on the nodes of a spline (or on one node), with Chebyshev coefficients: (node, term, ..., bin)."""
    points = itertools.product(*(axes.nodes(knob) for knob in smooth))
    states = [_along(_bent(setup, zip(smooth, point, strict=True)), flux, splined, grid) for point in points]
    values = np.stack(states).reshape(*(knob.nodes for knob in smooth), *states[0].shape)
    found = []
    for position, knob in enumerate(smooth):
        axis, coefficients = axes.chebyshev_axis(knob, np.moveaxis(values, position, 0))
        values = np.moveaxis(coefficients, 0, position)
        found.append(axis)
    return found, np.moveaxis(values, (-3, -2), (0, 1))


def at_knobs(setup: Setup, values: Mapping[str, float]) -> Templates:
    """Templates at exact knob values: what the interpolation is tested against."""
    there = rates.exact(_bent(setup, ((setup.knobs[k], v) for k, v in values.items())), terms.terms_of(setup))
    return Templates(tuple(setup.flux.components), _beams(setup), terms.terms_of(setup), (), (), there[:, :, None, :])


def _along(setup: Setup, flux: str, splined: Sequence[Knob], grid: Array) -> Array:
    """T[node, term, bin] of one flux on the nodes of a spline, or on the only one."""
    if not splined:
        return _at(setup, flux)
    if splined[0].bends == "sterile_mass_mev":
        return _at(setup, flux, grid.tolist())
    return np.concatenate([_at(_bent(setup, [(splined[0], value)]), flux) for value in grid.tolist()])


def _at(setup: Setup, flux: str, masses_mev: Sequence[float] = ()) -> Array:
    """T[mass, term, bin] of one flux at some masses or at that of the set-up.

    The terms that do not know the sterile mass are computed once for all masses.
    """
    wanted = terms.terms_of(setup)
    light, heavy = ([t for t in wanted if (t in cross_sections.MASSIVE) is massive] for massive in (False, True))
    sterile_mev = masses_mev or [rates.sterile_mass_mev(setup, heavy)]
    massless = msgspec.structs.replace(setup, sterile_mass_mev=None)
    position = list(setup.flux.components).index(flux)
    values = np.zeros((len(sterile_mev), len(wanted), len(setup.bins)))
    values[:, [wanted.index(t) for t in light]] = _light(msgspec.json.encode(massless), tuple(light))[position]
    if heavy:
        values[:, [wanted.index(t) for t in heavy]] = rates.at_masses(setup, heavy, flux, sterile_mev)
    return values


@functools.lru_cache(maxsize=1024)
def _light(encoded: bytes, wanted: tuple[str, ...]) -> Array:
    return rates.exact(msgspec.json.decode(encoded, type=Setup), wanted)


def _beams(setup: Setup) -> tuple[Beam, ...]:
    return tuple(beam_of(component) for component in setup.flux.components.values())


def _bent(setup: Setup, turned: Iterable[tuple[Knob, float]]) -> Setup:
    return functools.reduce(lambda changed, knob: bent(changed, knob[0].bends, knob[1]), turned, setup)


def bent[R: msgspec.Struct](record: R, path: str, value: float) -> R:
    """A record with the number under a dotted path at another value."""
    name, _, rest = path.partition(".")
    inner: Any = bent(getattr(record, name), rest, value) if rest else float(value)
    return msgspec.structs.replace(record, **{name: inner})
