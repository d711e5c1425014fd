"""All experiments of a model as one table of columns: what each holds, and what its weight is made of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from bayesnu.errors import PredictionError
from bayesnu.predict import terms
from bayesnu.predict.axes import Axis
from bayesnu.predict.beams import Beam
from bayesnu.predict.templates import Templates, build
from bayesnu.schema import Nuisance, Resolved, Setup

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class Slot(NamedTuple):
    """One coupling: which function computes it, for which term and beam."""

    function: "CouplingFunction"
    term: str
    beam: Beam


class CouplingFunction(NamedTuple):
    """An interaction's couplings: shifted by which others, in which conventions, to electrons or to nuclei."""

    interaction: str
    modifiers: tuple[str, ...]
    conventions: bytes
    electrons: bool


class Turned(NamedTuple):
    """An axis and the parameter that turns it."""

    parameter: str
    axis: Axis

    def same(self, other: "Turned") -> bool:
        """Whether both are one and the same: set-ups with equal axes share their functions."""
        mine, theirs = self.axis, other.axis
        alike = self.parameter == other.parameter and mine.knob == theirs.knob
        return alike and np.array_equal(mine.knots, theirs.knots) and np.array_equal(mine.table, theirs.table)


class Column(NamedTuple):
    """One column of the template matrix and what its weight is made of."""

    label: tuple[str, str, str]
    """(setup, component, flux), or (setup, 'background', name)."""
    values: Array
    slot: Slot | None
    scales: tuple[str, ...]
    functions: tuple[tuple[Turned, int], ...]
    """Axes and which of their functions, counted from one: zero is the constant."""


class Bucket(NamedTuple):
    """Setups of equal shape: their matrices (setup, bin, column) and the first of their columns and bins."""

    matrix: Array
    first_column: int
    first_bin: int


class Layout(NamedTuple):
    """Everything that a prediction contracts; built once."""

    slots: tuple[Slot, ...]
    scales: tuple[str, ...]
    axes: tuple[Turned, ...]
    products: Index
    """The distinct products of a coupling and its scales: positions among 1 and the slots, then 1 and the scales."""
    product_index: Index
    """The product of each column."""
    function_index: Index
    """Positions among 1 and the functions of all axes, one row for each axis that a column can have."""
    buckets: tuple[Bucket, ...]
    where: dict[str, slice]
    """Setup -> its bins in the flat vector of counts."""
    beams: dict[CouplingFunction, tuple[Beam, ...]]
    """Which couplings are wanted of each function."""
    conventions: dict[bytes, Setup]
    labels: tuple[tuple[str, str, str], ...]

    @property
    def scale_index(self) -> Index:
        """Positions of the scales of each column among 1 and the scales: (entry, column)."""
        return np.asarray(self.products[1:, self.product_index])


def lay_out(resolved: Resolved) -> Layout:
    """Lay out all experiments of a model as columns, scales and couplings."""
    columns = {s.name: list(_columns(s, resolved)) for s in resolved.setups}
    for name, found in columns.items():
        if not found:
            raise PredictionError(f"{name}: no flux and no background gives a count in any bin")
    shapes = {name: (len(cols[0].values), len(cols)) for name, cols in columns.items()}
    order = sorted(columns, key=lambda name: (shapes[name], list(columns).index(name)))
    flat = [column for name in order for column in columns[name]]
    slots = _unique(c.slot for c in flat if c.slot)
    scales = _unique(n for c in flat for n in c.scales)
    axes = _distinct(turned for c in flat for turned, _ in c.functions)
    factors = [[1 + slots.index(c.slot) if c.slot else 0, *(1 + scales.index(name) for name in c.scales)] for c in flat]
    products, product_index = np.unique(_padded(factors), axis=1, return_inverse=True)
    return Layout(
        slots=slots,
        scales=scales,
        axes=axes,
        products=products,
        product_index=product_index,
        function_index=_padded([[_position(axes, turned, which) for turned, which in c.functions] for c in flat]),
        buckets=tuple(_buckets(order, columns, shapes)),
        where=_slices(order, shapes),
        beams=_wanted_beams(slots),
        conventions={_conventions(s): s for s in resolved.setups},
        labels=tuple(column.label for column in flat),
    )


def _unique[T](items: Iterator[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


def _distinct(items: Iterator[Turned]) -> tuple[Turned, ...]:
    found: list[Turned] = []
    # Most columns hold the very same object: comparing tables is left to the few that do not.
    for item in {id(turned.axis): turned for turned in items}.values():
        if not any(item.same(other) for other in found):
            found.append(item)
    return tuple(found)


def _position(axes: Sequence[Turned], turned: Turned, which: int) -> int:
    """Where a function of an axis stands among 1 and the functions of all axes."""
    index = next(i for i, axis in enumerate(axes) if axis.axis is turned.axis or axis.same(turned))
    return sum(axis.axis.size for axis in axes[:index]) + which


def _padded(rows: Sequence[Sequence[int]]) -> Index:
    """Rows of different lengths as a matrix (entry, row); zero stands for nothing."""
    depth = max((len(row) for row in rows), default=0)
    return np.array([[row[m] if m < len(row) else 0 for row in rows] for m in range(depth)], dtype=np.int64).reshape(
        depth, len(rows)
    )


def _conventions(setup: Setup) -> bytes:
    return msgspec.json.encode(setup.couplings)


def _wanted_beams(slots: Sequence[Slot]) -> dict[CouplingFunction, tuple[Beam, ...]]:
    wanted: dict[CouplingFunction, tuple[Beam, ...]] = {}
    for slot in slots:
        if slot.beam not in wanted.setdefault(slot.function, ()):
            wanted[slot.function] += (slot.beam,)
    return wanted


def _columns(setup: Setup, resolved: Resolved) -> Iterator[Column]:
    turning = {name: entry.knob for name, entry in resolved.parameters.items()}
    turning |= {name: entry.knob for name, entry in resolved.nuisances.items()}
    turned = {knob: name for name, knob in turning.items() if knob in setup.knobs}
    templates = build(setup, tuple(turned))
    axes = [Turned(turned[k], axis) for k, axis in zip(templates.knobs, templates.axes, strict=True)]
    yield from _signal_columns(setup, templates, axes, resolved.nuisances)
    yield from _background_columns(setup, resolved.nuisances)


def _signal_columns(
    setup: Setup, templates: Templates, axes: Sequence[Turned], nuisances: Mapping[str, Nuisance]
) -> Iterator[Column]:
    products = list(np.ndindex(*(1 + a.axis.size for a in axes)))
    for s, (flux, beam) in enumerate(zip(templates.fluxes, templates.beams, strict=True)):
        for t, term in enumerate(templates.terms):
            for j in np.flatnonzero(templates.values[s, t].any(axis=-1)):
                functions = tuple((a, which) for a, which in zip(axes, products[j], strict=True) if which > 0)
                label = (setup.name, _component(setup, term), flux)
                scales = _signal_scales(setup, flux, term, nuisances)
                slot = _slot(setup, term, flux, beam)
                yield Column(label, templates.values[s, t, j], slot, scales, functions)


def _component(setup: Setup, term: str) -> str:
    return terms.INTERACTIONS[_interaction(setup, term)].component


def _interaction(setup: Setup, term: str) -> str:
    return next(n for n in setup.interaction if term in terms.terms_of_interaction(setup, n))


def _slot(setup: Setup, term: str, flux: str, beam: Beam) -> Slot:
    name = _interaction(setup, term)
    modifiers = terms.modifiers(setup, name, flux)
    return Slot(CouplingFunction(name, modifiers, _conventions(setup), terms.on_electrons(setup)), term, beam)


def _signal_scales(setup: Setup, flux: str, term: str, nuisances: Mapping[str, Nuisance]) -> tuple[str, ...]:
    component = _component(setup, term)
    return tuple(
        name
        for name, nuisance in nuisances.items()
        if nuisance.scales
        and not nuisance.scales.backgrounds
        and (not nuisance.scales.experiments or setup.name in nuisance.scales.experiments)
        and (not nuisance.scales.fluxes or flux in nuisance.scales.fluxes)
        and (not nuisance.scales.terms or {term, component} & set(nuisance.scales.terms))
    )


def _background_columns(setup: Setup, nuisances: Mapping[str, Nuisance]) -> Iterator[Column]:
    for background, counts in setup.backgrounds.items():
        scaling = {
            name: n.scales.bins
            for name, n in nuisances.items()
            if n.scales
            and background in n.scales.backgrounds
            and (not n.scales.experiments or setup.name in n.scales.experiments)
        }
        split = any(scaling.values())
        for group in [(i,) for i in range(len(counts))] if split else [tuple(range(len(counts)))]:
            values = np.zeros(len(counts))
            values[list(group)] = np.array(counts)[list(group)]
            scales = tuple(n for n, b in scaling.items() if not b or set(b) & set(group))
            yield Column((setup.name, "background", background), values, None, scales, ())


def _slices(order: Sequence[str], shapes: Mapping[str, tuple[int, int]]) -> dict[str, slice]:
    where, start = {}, 0
    for name in order:
        where[name] = slice(start, start + shapes[name][0])
        start = where[name].stop
    return where


def _buckets(
    order: Sequence[str], columns: Mapping[str, list[Column]], shapes: Mapping[str, tuple[int, int]]
) -> Iterator[Bucket]:
    first_column = first_bin = 0
    for shape in dict.fromkeys(shapes[name] for name in order):
        names = [name for name in order if shapes[name] == shape]
        matrix = np.stack([np.stack([c.values for c in columns[name]], axis=1) for name in names])
        yield Bucket(np.ascontiguousarray(matrix), first_column, first_bin)
        first_column += len(names) * shape[1]
        first_bin += len(names) * shape[0]
