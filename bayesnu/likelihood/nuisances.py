"""Nuisances that can be profiled in closed form: Gaussian, unbounded, and jointly affine in every Gaussian bin.

With mu = P_0 + sum_k nu_k P_k, nu_k = m_k + s_k a_k and J_k = s_k P_k, the minimum over the pulls a of
|r - J a|^2 / V + |a|^2 is r' V^-1 r - b' A^-1 b, where A = 1 + J' V^-1 J and b = J' V^-1 r.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bayesnu.likelihood import priors, statistics
from bayesnu.predict import counts
from bayesnu.predict.layout import Bucket, Layout
from bayesnu.schema import Normal

if TYPE_CHECKING:
    from bayesnu.likelihood.analysis import Analysis

Array = NDArray[np.float64]


class Affine(NamedTuple):
    """The nuisances with a closed form: names, means, widths, and which columns each scales (column 0: none)."""

    names: tuple[str, ...]
    mean: Array
    sd: Array
    groups: Array


def affine(analysis: "Analysis") -> Affine:
    """Nuisances that enter every bin jointly affinely: of two that scale one column, the first named is taken."""
    plan = analysis.plan
    candidates = {p.name: p.prior for p in analysis.free if p.role == "nuisance" and p.dimension is None}
    touched = np.zeros(len(plan.labels), dtype=bool)
    groups, chosen = [], []
    for name, prior in candidates.items():
        columns = _scaled_columns(plan, name)
        if not isinstance(prior, Normal) or (columns & touched).any() or (columns & _poisson_columns(analysis)).any():
            continue
        if columns.any():
            touched |= columns
            groups.append(columns)
            chosen.append((name, prior))
    rows = np.array([~touched, *groups], dtype=float)
    return Affine(
        names=tuple(name for name, _ in chosen),
        mean=np.array([prior.mean for _, prior in chosen]),
        sd=np.array([prior.sd for _, prior in chosen]),
        groups=rows.T.copy(),
    )


def none(analysis: "Analysis") -> Affine:
    """No nuisance at all in closed form."""
    columns = len(analysis.plan.labels)
    return Affine(names=(), mean=np.zeros(0), sd=np.zeros(0), groups=np.ones((columns, 1)))


def _scaled_columns(plan: Layout, name: str) -> NDArray[np.bool_]:
    if name not in plan.scales:
        return np.zeros(len(plan.labels), dtype=bool)
    return np.asarray((plan.scale_index == 1 + plan.scales.index(name)).any(axis=0))


def _poisson_columns(analysis: "Analysis") -> NDArray[np.bool_]:
    """Columns that feed at least one Poisson bin."""
    found = np.zeros(len(analysis.plan.labels), dtype=bool)
    for bucket in analysis.plan.buckets:
        setups, bins, columns = bucket.matrix.shape
        for e in range(setups):
            part = slice(bucket.first_bin + e * bins, bucket.first_bin + (e + 1) * bins)
            start = bucket.first_column + e * columns
            found[start : start + columns] = analysis.data.poisson[part].any()
    return found


class NormalEquations(NamedTuple):
    """chi2 with the affine nuisances at their means, and A, b of its quadratic dependence on their pulls."""

    chi2: Any
    a: Any
    b: Any


def normal_equations(
    analysis: "Analysis", solved: Affine, theta: Mapping[str, Any], zero: Any, xp: Any
) -> NormalEquations:
    """The quadratic form of the affine nuisances, at one point or at each of n (as `zero` is a number or n zeros).

    theta holds the other parameters; other nuisances' constraints are left to `remaining_constraints`.
    """
    data = analysis.data
    neutral = {**theta, **dict.fromkeys(solved.names, 1.0)}
    weight = counts.weights(analysis.plan, neutral, zero, xp)
    batch = (1,) * (weight.ndim - 1)
    expected, jacobian, rows = _linearised(analysis, solved, weight, xp)
    chi2 = 2.0 * (data.saturated.sum() - statistics.total_log_likelihood(data, expected, xp))
    unit = np.eye(len(solved.names)).reshape(len(solved.names), len(solved.names), *batch)
    if not len(rows):
        return NormalEquations(chi2, unit + 0.0 * chi2, xp.zeros((len(solved.names), *weight.shape[1:])))
    # Poisson bins have no affine nuisance: their rows of J vanish.
    inverse = _over_bins(np.where(data.poisson, 0.0, 1.0 / data.variance)[rows], batch)
    residual = (_over_bins(data.counts[rows], batch) - expected[statistics.span(rows)]) * inverse
    # Sums, not matrix products: see predict.counts.
    b = (jacobian * residual[:, None]).sum(axis=0)
    weighted = jacobian * inverse[:, None]
    return NormalEquations(chi2, unit + (jacobian[:, :, None] * weighted[:, None, :]).sum(axis=0), b)


def _linearised(
    analysis: "Analysis", solved: Affine, weight: Any, xp: Any
) -> tuple[Any, Any, NDArray[np.int64]]:  # fmt: skip
    """Counts with the affine nuisances at their means, their derivatives by the pulls, and in which bins these are.

    Only buckets with a column that such a nuisance scales are contracted once more for each of them.
    """
    batch = (1,) * (weight.ndim - 1)
    expected, jacobians, rows = [], [], []
    for bucket in analysis.plan.buckets:
        columns = counts.columns_of(bucket)
        groups = solved.groups[columns]
        if not groups[:, 1:].any():
            expected.append(counts.contract_bucket(bucket, weight[columns], xp))
            continue
        parts = _parts(bucket, groups, weight[columns], xp)
        expected.append(parts[:, 0] + (parts[:, 1:] * solved.mean.reshape(-1, *batch)).sum(axis=1))
        jacobians.append(parts[:, 1:] * solved.sd.reshape(-1, *batch))
        setups, bins, _ = bucket.matrix.shape
        rows.append(np.arange(bucket.first_bin, bucket.first_bin + setups * bins))
    return _joined(expected, xp), _joined(jacobians, xp), np.concatenate([*rows, np.zeros(0, dtype=np.int64)])


def _joined(parts: list[Any], xp: Any) -> Any:
    return parts[0] if len(parts) == 1 else xp.concatenate(parts) if parts else None


def _parts(bucket: Bucket, groups: Array, weight: Any, xp: Any) -> Any:
    """Counts of the columns that no affine nuisance scales, and of those that each does: (bin, 1 + nuisance, ...)."""
    if len(bucket.matrix) == 1:
        # Each column belongs to one group, so that together they read the matrix once.
        return xp.stack([_part(bucket, column.astype(bool), weight, xp) for column in groups.T], axis=1)
    number = groups.shape[1]
    if weight.ndim == 1:
        return counts.contract_bucket(bucket, weight[:, None] * groups, xp)
    columns, n = weight.shape
    spread = (weight[:, None] * groups[:, :, None]).reshape((columns, number * n))
    return counts.contract_bucket(bucket, spread, xp).reshape((-1, number, n))


def _part(bucket: Bucket, chosen: NDArray[np.bool_], weight: Any, xp: Any) -> Any:
    """Counts of some of the columns of a bucket with one experiment."""
    columns = statistics.span(np.flatnonzero(chosen))
    if not chosen.any():
        return xp.zeros((bucket.matrix.shape[1], *weight.shape[1:]))
    return counts.contract_bucket(bucket._replace(matrix=bucket.matrix[:, :, columns]), weight[columns], xp)


def _over_bins(values: Array, batch: tuple[int, ...]) -> Array:
    return values.reshape(-1, *batch)


def profiled_chi2(analysis: "Analysis", solved: Affine, theta: Mapping[str, Any], zero: Any, xp: Any) -> Any:
    """chi2 at one point or at each of n, minimised over the nuisances in `solved` with their constraints."""
    chi2, _ = _eliminated(analysis, solved, theta, zero, xp)
    return chi2


def marginal_log_likelihood(analysis: "Analysis", solved: Affine, theta: Mapping[str, Any], zero: Any, xp: Any) -> Any:
    """Log-likelihood integrated over the nuisances in `solved` with their priors.

    Unlike the profile it keeps -1/2 log det A, which depends on the parameters: mixing the two moves limits.
    """
    chi2, log_determinant = _eliminated(analysis, solved, theta, zero, xp)
    return analysis.data.saturated.sum() - 0.5 * (chi2 + log_determinant)


def _eliminated(
    analysis: "Analysis", solved: Affine, theta: Mapping[str, Any], zero: Any, xp: Any
) -> tuple[Any, Any]:  # fmt: skip
    """The minimum of chi2 over the pulls, and log det A."""
    form = normal_equations(analysis, solved, theta, zero, xp)
    pulls, log_determinant = eliminate(form.a, form.b, len(solved.names), xp)
    return form.chi2 - (form.b * pulls).sum(axis=0), log_determinant


def eliminate(a: Any, b: Any, size: int, xp: Any) -> tuple[Any, Any]:
    """Solution of the positive definite a x = b, and log det a, by Gauss-Jordan elimination over the first axes.

    By hand, because the gradient of a library's solve takes PyTensor's numba backend a minute to compile.
    """
    rows = xp.concatenate([a, b[:, None]], axis=1)
    log_determinant = 0.0 * b.sum(axis=0)
    for k in range(size):
        log_determinant = log_determinant + xp.log(rows[k, k])
        pivot = rows[k] / rows[k, k]
        is_pivot = (np.arange(size) == k).reshape(-1, *(1,) * b.ndim)
        # Row k becomes the pivot (by choice, not by subtraction: no digit is lost), others lose their part along it.
        rows = xp.where(is_pivot, pivot, rows - rows[:, k][:, None] * pivot)
    return rows[:, -1], log_determinant


def remaining_constraints(analysis: "Analysis", solved: Affine, values: Mapping[str, Any], xp: Any) -> Any:
    """-2 log of the constraints of the nuisances without a closed form, zero at their centres."""
    total: Any = 0.0
    for p in analysis.free:
        if p.role == "nuisance" and p.name not in solved.names and p.prior is not None:
            row = priors.PRIORS[type(p.prior)]
            peak = float(row.log_density(p.prior, np.array(priors.central(p.prior)), np))
            total = total + 2.0 * (peak - row.log_density(p.prior, values[p.name], xp))
    return total
