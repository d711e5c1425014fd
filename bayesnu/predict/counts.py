"""The one equation, N_b = sum_st F_st c_st T[s, t, b](knobs) + sum_k g_k B[k, b], as one contraction.

Every column of the template matrix has a weight: coupling x scales x functions of axes. The three are gathered from
short stacks, so that no Python loop over experiments enters a graph; experiments of equal shape share one product.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesnu.predict import axes, terms
from bayesnu.predict.layout import Bucket, Layout, Slot

Array = NDArray[np.float64]

SMALL_MATRIX = 8192
"""Template elements up to which a symbolic product is written as a sum."""


def couplings(plan: Layout, theta: Mapping[str, Any], xp: Any) -> dict[Slot, Any]:
    """Every coupling of a model at theta (internal units; angles as (cosine, sine))."""
    found: dict[Slot, Any] = {}
    for function, beams in plan.beams.items():
        conventions = plan.conventions[function.conventions].couplings
        name, modifiers, electrons = function.interaction, function.modifiers, function.electrons
        values = terms.evaluate(name, modifiers, conventions, theta, beams, xp, electrons)
        for slot in plan.slots:
            if slot.function == function:
                found[slot] = values.get((slot.term, slot.beam), values.get((slot.term, "")))
    return found


def counts(plan: Layout, theta: Mapping[str, Any], zero: Any, xp: Any) -> Any:
    """Expected counts of all bins, (bin,) or (bin, n) as `zero` is a number or an array of n zeros."""
    return contract(plan, weights(plan, theta, zero, xp), xp)


def weights(plan: Layout, theta: Mapping[str, Any], zero: Any, xp: Any) -> Any:
    """Weight of every column: coupling x scales x functions of the axes."""
    one = zero + 1.0
    coupling = couplings(plan, theta, xp)
    stacked = xp.stack([one, *(coupling[slot] + zero for slot in plan.slots)])
    product = stacked[plan.products[0]]
    if plan.scales:
        scales = xp.stack([one, *(theta[name] + zero for name in plan.scales)])
        for index in plan.products[1:]:
            product = product * scales[index]
    # Many columns differ in their function of an axis only: each product is made once.
    result = product[plan.product_index]
    if plan.axes:
        along = [axes.functions(turned.axis, theta[turned.parameter], zero, xp) for turned in plan.axes]
        functions = xp.concatenate([xp.stack([one]), *along])
        for index in plan.function_index:
            result = result * functions[index]
    return result


def contract(plan: Layout, weight: Any, xp: Any) -> Any:
    """Templates times weights, bucket by bucket: (bin,) or (bin, n)."""
    parts = [contract_bucket(bucket, weight[columns_of(bucket)], xp) for bucket in plan.buckets]
    return parts[0] if len(parts) == 1 else xp.concatenate(parts)


def columns_of(bucket: Bucket) -> slice:
    """The columns of a bucket among those of all."""
    setups, _, columns = bucket.matrix.shape
    return slice(bucket.first_column, bucket.first_column + setups * columns)


def contract_bucket(bucket: Bucket, weight: Any, xp: Any) -> Any:
    """Templates of one bucket times the weights of its own columns."""
    setups, bins, columns = bucket.matrix.shape
    tail = (1,) if weight.ndim == 1 else (weight.shape[1],)
    product = _product(bucket.matrix, weight.reshape((setups, columns, *tail)), xp)
    return product.reshape((setups * bins,) if weight.ndim == 1 else (setups * bins, *tail))


def _product(matrix: Array, weight: Any, xp: Any) -> Any:
    """Batched matrix product (setup, bin, column) x (setup, column, n)."""
    # Compiling a matrix product takes PyTensor's numba backend ten seconds each; small ones are sums instead.
    if xp is not np and matrix.size <= SMALL_MATRIX:
        return (matrix[..., None] * weight[:, None]).sum(axis=2)
    return xp.matmul(matrix, weight)
