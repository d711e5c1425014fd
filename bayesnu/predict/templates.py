"""Templates: counts per unit coupling of every flux, term and bin, built once, along every axis that bends them."""

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from bayesnu.predict import axes, rates, terms
from bayesnu.predict.axes import Axis
from bayesnu.schema import Knob, Setup

Array = NDArray[np.float64]


class Templates(NamedTuple):
    """Counts per unit coupling, T[flux, term, function, bin], and the names along each axis.

    The third axis holds the coefficients of the (products of) functions of the axes, the constant first; without an
    axis it has length one.
    """

    fluxes: tuple[str, ...]
    flavours: tuple[str, ...]
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
    flavours = tuple(c.flavour for c in setup.flux.components.values())
    wanted = terms.terms_of(setup)
    if setup.template_rows:
        return Templates(names, flavours, wanted, (), (), _given(setup, names))
    along, values = _on_axes(setup, [setup.knobs[k] for k in knobs])
    return Templates(names, flavours, wanted, knobs, along, values)


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
    """The axes of some knobs, and the coefficients of their functions (flux, term, product of functions, bin)."""
    grids = [axes.nodes(knob, rates.edges(setup, knob)) for knob in knobs]
    states = [_at(setup, zip(knobs, point, strict=True)) for point in itertools.product(*grids)]
    values = np.stack(states).reshape(*(len(grid) for grid in grids), *states[0].shape)
    found: list[Axis] = []
    for position, (knob, grid) in enumerate(zip(knobs, grids, strict=True)):
        # The axes done lie before it, those to come behind it: fluxes and terms are brought next to it.
        by_node = np.moveaxis(values, (position, -3, -2), (0, 1, 2))
        axis, coefficients = axes.fitted(knob, grid, by_node)
        values = np.moveaxis(coefficients, (0, 1, 2), (position, -3, -2))
        found.append(axis)
    whole = np.moveaxis(values, (-3, -2), (0, 1))
    return tuple(found), np.ascontiguousarray(whole.reshape(*whole.shape[:2], -1, whole.shape[-1]))


def at_knobs(setup: Setup, values: Mapping[str, float]) -> Templates:
    """Templates at exact knob values: what the interpolation is tested against."""
    there = _at(setup, [(setup.knobs[name], value) for name, value in values.items()])
    return build(setup)._replace(values=there[:, :, None, :])


def _at(setup: Setup, turned: Iterable[tuple[Knob, float]]) -> Array:
    """T[flux, term, bin] with some numbers of the set-up at other values."""
    state = functools.reduce(lambda changed, knob: bent(changed, knob[0].bends, knob[1]), turned, setup)
    return exact(state)


def exact(setup: Setup) -> Array:
    """T[flux, term, bin]; the terms that do not know the sterile mass are computed once for all masses."""
    wanted = terms.terms_of(setup)
    light, heavy = ([t for t in wanted if (t in terms.MASSIVE) is massive] for massive in (False, True))
    massless = msgspec.structs.replace(setup, sterile_mass_mev=None)
    values = np.zeros((len(setup.flux.components), len(wanted), len(setup.bins)))
    values[:, [wanted.index(t) for t in light]] = _light(msgspec.json.encode(massless), tuple(light))
    if heavy:
        values[:, [wanted.index(t) for t in heavy]] = rates.exact(setup, heavy)
    return values


@functools.lru_cache(maxsize=1024)
def _light(encoded: bytes, wanted: tuple[str, ...]) -> Array:
    return rates.exact(msgspec.json.decode(encoded, type=Setup), wanted)


def bent[R: msgspec.Struct](record: R, path: str, value: float) -> R:
    """A record with the number under a dotted path at another value."""
    name, _, rest = path.partition(".")
    inner: Any = bent(getattr(record, name), rest, value) if rest else float(value)
    return msgspec.structs.replace(record, **{name: inner})
