"""An Analysis: one model's prior and likelihood, as plain functions of arrays and as a PyMC model."""

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from bayesnu.catalog import validation
from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood import priors, stacking, statistics, usage
from bayesnu.predict import counts, templates, terms
from bayesnu.predict.beams import beam_of
from bayesnu.predict.layout import Layout, lay_out
from bayesnu.schema import Circular, Fixed, Prior, Resolved, Setup

Array = NDArray[np.float64]

CHUNK = 2**17
"""Bins (or columns) x walkers evaluated at once: larger temporaries leave the cache."""


class Free(NamedTuple):
    """A parameter that varies."""

    name: str
    unit: str
    prior: Prior | None
    role: Literal["parameter", "nuisance"]
    dimension: terms.Dimension | None
    """What it is to a coupling; None for a scale or a knob."""
    factor: float
    """To internal units."""
    latex: str
    standard: float = 0.0
    """Value in the standard model."""
    knob: str = ""
    """The knob that it turns."""


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """Prior and likelihood of a model; sums of analyses share the parameters of equal name.

    >>> import bayesnu as bn
    >>> term = bn.term("coherent-csi-2017", interaction="magnetic-moment")
    >>> term.log_likelihood(mu_nu=[0.0, 50.0]).shape
    (2,)
    """

    model: Resolved
    observed: Mapping[str, Array]
    plan: Layout
    data: statistics.Observed
    free: tuple[Free, ...]

    # --- what it is made of -------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the free parameters, in the order of the columns of `log_prob`."""
        return tuple(p.name for p in self.free)

    @property
    def experiments(self) -> tuple[str, ...]:
        """Names of the experiments."""
        return tuple(setup.name for setup in self.model.setups)

    def __add__(self, other: "Analysis") -> "Analysis":
        """Both likelihoods at once; equal names are shared parameters, and must have equal priors."""
        return from_resolved(stacking.joined(self.model, other.model), {**self.observed, **other.observed})

    def fix(self, **values: float) -> "Analysis":
        """The analysis with some parameters held at a value in their declared unit.

        Of a parameter that turns a knob the templates are exact at that value, not interpolated.
        """
        self._require_known(values)
        return from_resolved(held(self.model, values), self.observed)

    def with_counts(self, observed: Mapping[str, ArrayLike]) -> "Analysis":
        """The analysis of other counts, such as simulated ones."""
        return from_resolved(self.model, {**self.observed, **{k: np.asarray(v, float) for k, v in observed.items()}})

    def hash(self) -> str:
        """SHA-256 of the resolved declarations, the observed counts and the package source."""
        return fingerprint(self.model, self.observed)

    # --- densities ----------------------------------------------------------------------------------------------------

    def log_prior(self, x: ArrayLike) -> Array:
        """Log prior density, nuisance constraints included, of points (n, parameters) or (parameters,)."""
        columns = self._columns(x)
        return self._sum_priors(columns, ("parameter", "nuisance"))

    def log_constraints(self, x: ArrayLike) -> Array:
        """Log density of the nuisance constraints alone: the part of the prior that a profile keeps."""
        return self._sum_priors(self._columns(x), ("nuisance",))

    def log_likelihoods(self, x: ArrayLike) -> dict[str, Array]:
        """Log-likelihood of each experiment."""
        per_bin = self.log_likelihood_per_bin(x)
        return {name: part.sum(axis=0) for name, part in per_bin.items()}

    def log_likelihood_per_bin(self, x: ArrayLike) -> dict[str, Array]:
        """Log-likelihood of each bin, (bin,) or (bin, n), of each experiment."""
        flat = statistics.log_likelihood(self.data, self._expected(self._columns(x)), np)
        return {name: flat[self.plan.where[name]] for name in self.experiments}

    def log_likelihood(self, **values: ArrayLike) -> Array:
        """Log-likelihood of named values, arrays of one shape (n,), without the nuisance constraints.

        Nuisances that are not given stand at the centre of their prior.
        """
        self._require_known(values)
        centre = {p.name: priors.central(p.prior) for p in self.free if p.role == "nuisance" and p.prior}
        missing = [n for n in self.names if n not in values and n not in centre]
        if missing:
            raise DeclarationError(
                Problem("log_likelihood", missing[0], "nothing", "a value or an array", f"pass {missing[0]}=...")
            )
        columns = {n: np.asarray(v, dtype=float) for n, v in {**centre, **values}.items()}
        return np.asarray(statistics.total_log_likelihood(self.data, self._expected(columns), np))

    def log_prob(self, x: ArrayLike) -> Array:
        """Log posterior density up to the evidence, of points (n, parameters): vectorised, for emcee.

        Rows outside the prior give minus infinity without a look at the likelihood.
        """
        points = np.atleast_2d(np.asarray(x, dtype=float))
        result = self.log_prior(points)
        inside = np.flatnonzero(np.isfinite(result))
        for rows in self.chunks(inside):
            expected = self._expected(self._columns(points[rows]))
            result[rows] += statistics.total_log_likelihood(self.data, expected, np)
        return result[0] if np.ndim(x) == 1 else result

    def chi2(self, x: ArrayLike) -> Array:
        """-2 (log-likelihood + nuisance constraints), zero for a perfect fit with every nuisance at its centre."""
        flat = statistics.log_likelihood(self.data, self._expected(self._columns(x)), np)
        saturated = self.data.saturated.sum() + self._constraints_at_centre()
        return np.asarray(2 * (saturated - flat.sum(axis=0) - self.log_constraints(x)))

    # --- predictions --------------------------------------------------------------------------------------------------

    def expected(self, x: ArrayLike) -> dict[str, Array]:
        """Expected counts, (bin,) or (bin, n), of each experiment."""
        flat = self._expected(self._columns(x))
        return {name: flat[self.plan.where[name]] for name in self.experiments}

    def breakdown(self, x: ArrayLike) -> dict[str, dict[str, dict[str, Array]]]:
        """Expected counts per bin at one point by experiment, component (or 'background') and flux (or name)."""
        columns = self._columns(x)
        weight = counts.weights(self.plan, self.theta(columns, np), np.zeros(()), np)
        found: dict[str, dict[str, dict[str, Array]]] = {}
        for label in dict.fromkeys(self.plan.labels):
            mine = np.array([other == label for other in self.plan.labels])
            setup, component, part = label
            flat = counts.contract(self.plan, weight * mine, np)
            found.setdefault(setup, {}).setdefault(component, {})[part] = flat[self.plan.where[setup]]
        return found

    def couplings(self, x: ArrayLike) -> dict[str, dict[str, float]]:
        """Coupling of each term in each flux component at one point; moments are in (1e-10 mu_B)^2."""
        theta = self.theta(self._columns(x), np)
        values = counts.couplings(self.plan, theta, np)
        found: dict[str, dict[str, float]] = {}
        for setup in self.model.setups:
            for slot, value in values.items():
                fluxes = {f: beam_of(c) for f, c in setup.flux.components.items() if terms.acts(setup, slot.term, f)}
                row = {f: float(value) for f, beam in fluxes.items() if beam == slot.beam}
                found.setdefault(slot.term, {}).update(row)
        return found

    def simulate(self, x: ArrayLike, rng: np.random.Generator) -> dict[str, Array]:
        """Counts drawn at one point or at each of n points: Poisson or Gaussian, as the experiment's statistic says."""
        flat = self._expected(self._columns(x))
        tail = (slice(None),) + (None,) * (flat.ndim - 1)
        poisson = rng.poisson(np.clip(flat, 0, None)).astype(float)
        gaussian = flat + rng.standard_normal(flat.shape) * np.sqrt(self.data.variance[tail])
        drawn = np.where(self.data.poisson[tail], poisson, gaussian)
        return {name: drawn[self.plan.where[name]] for name in self.experiments}

    def sample_prior(self, size: int, rng: np.random.Generator) -> Array:
        """Draws from the prior, (size, parameters)."""
        draws = [priors.quantile(self._prior(p), rng.uniform(size=size)) for p in self.free]
        return np.stack(draws, axis=1) if draws else np.zeros((size, 0))

    def centre(self) -> Array:
        """A point inside every prior: no new physics as far as the prior allows it, nuisances as measured."""
        return np.array([_centre(p) for p in self.free])

    def standard_point(self) -> Array:
        """The standard model: parameters of interest at their standard values, nuisances at their centres."""
        centre = zip(self.free, self.centre(), strict=True)
        # Where a knob stands does not matter in the standard model, but its templates end with its axis.
        return np.array([p.standard if p.role == "parameter" and not p.knob else value for p, value in centre])

    def pymc(self, **given: Any) -> Any:
        """The model in PyMC: inside a user's `with pm.Model()` its observed variables are added to that model.

        Parameters may be passed by name: a PyMC variable, a tensor or a number in the declared unit. Those that are not
        passed get their declared prior, or the variable that this package already made in that model.
        """
        from bayesnu.likelihood import pymc_model

        self._require_known(given)
        return pymc_model.build(self, given)

    # --- inside -------------------------------------------------------------------------------------------------------

    def chunks(self, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Rows in portions whose counts fit into the cache."""
        size = max(CHUNK // max(len(self.data.counts), len(self.plan.labels)), 32)
        return np.split(rows, range(size, len(rows), size)) if len(rows) else []

    def theta(self, columns: Mapping[str, Any], xp: Any) -> dict[str, Any]:
        """Parameters as the couplings want them: internal units, angles as (cosine, sine), fixed ones included."""
        theta: dict[str, Any] = {}
        for p in self.free:
            value = columns[p.name] * p.factor if p.factor != 1.0 else columns[p.name]
            theta[p.name] = (xp.cos(value), xp.sin(value)) if p.dimension == "angle" else value
        return theta | self.fixed_theta()

    def fixed_theta(self) -> dict[str, Any]:
        """The fixed parameters as the couplings want them."""
        used, theta = usage.used_parameters(self.model), cast(dict[str, Any], {})
        for name, entry in self.model.fixed.items():
            # A NumPy float: of a plain 0.5, PyTensor would take the square root in single precision.
            value = np.float64(entry.value * cast(float, terms.unit_factor(entry.unit, used[name])))
            theta[name] = (np.cos(value), np.sin(value)) if used[name] == "angle" else value
        return theta

    def _expected(self, columns: Mapping[str, Array]) -> Array:
        shape = np.broadcast_shapes(*(np.shape(v) for v in columns.values())) if columns else ()
        zero = np.zeros(shape)
        return cast(Array, counts.counts(self.plan, self.theta(columns, np), zero, np))

    def _columns(self, x: ArrayLike) -> dict[str, Array]:
        points = np.asarray(x, dtype=float)
        if points.shape[-1:] != (len(self.free),):
            expected = f"{len(self.free)} columns: {', '.join(self.names)}"
            raise DeclarationError(Problem("analysis", "x", f"shape {points.shape}", expected, "mend the array"))
        return {name: points[..., i] for i, name in enumerate(self.names)}

    def _sum_priors(self, columns: Mapping[str, Array], roles: Sequence[str]) -> Array:
        shape = np.broadcast_shapes(*(np.shape(v) for v in columns.values())) if columns else ()
        total = np.zeros(shape)
        for p in self.free:
            if p.role in roles:
                total = total + priors.log_density(self._prior(p), columns[p.name], np)
        return total

    def _constraints_at_centre(self) -> float:
        chosen = [self._prior(p) for p in self.free if p.role == "nuisance"]
        return float(sum(priors.log_density(prior, np.array(priors.central(prior)), np) for prior in chosen))

    def _prior(self, p: Free) -> Prior:
        if p.prior is None:
            hint = f"pass a variable to .pymc({p.name}=...), or use a model that declares it"
            raise DeclarationError(Problem(self.model.file, p.name, "no prior", "a prior", hint))
        return p.prior

    def _free(self, name: str) -> Free:
        return next(p for p in self.free if p.name == name)

    def _require_known(self, values: Mapping[str, object]) -> None:
        for name in values:
            if name not in self.names:
                hint = validation.did_you_mean(name, self.names) or "mend the name"
                expected = f"one of {', '.join(self.names)}"
                raise DeclarationError(Problem(self.model.name, name, "an unknown parameter", expected, hint))


def from_resolved(model: Resolved, observed: Mapping[str, Array] | None = None) -> Analysis:
    """An Analysis is complete when constructed: names checked, templates built, data laid out."""
    validation.raise_if(usage.problems(model))
    plan, free = lay_out(model), _free_parameters(model)
    data = {s.name: np.array(s.observed) for s in model.setups}
    laid_out = statistics.observed(model.setups, plan.where, data)
    analysis = Analysis(model=model, observed=data, plan=plan, data=laid_out, free=free)
    if any(_unprojected(setup) for setup in model.setups):
        analysis = _with_computed_data(analysis)
    if not observed:
        return analysis
    data = {**analysis.observed, **observed}
    laid_out = statistics.observed(analysis.model.setups, plan.where, data)
    return dataclasses.replace(analysis, observed=data, data=laid_out)


def _with_computed_data(analysis: Analysis) -> Analysis:
    """Data that the standard-model expectation of this very model makes, or that are in units of one."""
    setups = [_computed(analysis, s) if _unprojected(s) else s for s in analysis.model.setups]
    model = msgspec.structs.replace(analysis.model, setups=tuple(setups))
    observed = {setup.name: np.array(setup.observed) for setup in setups}
    data = statistics.observed(model.setups, analysis.plan.where, observed)
    return dataclasses.replace(analysis, model=model, observed=observed, data=data)


def held(model: Resolved, values: Mapping[str, float]) -> Resolved:
    """The model with some parameters at a value in their declared unit; a knob that one of them turns is gone."""
    free = {p.name: p for p in _free_parameters(model) if p.name in values}
    turned = {p.knob: values[n] for n, p in free.items() if p.knob}
    scaled = [n for n, p in free.items() if not p.knob and p.dimension is None]
    if scaled:
        raise DeclarationError(
            Problem(model.file, scaled[0], "a scale", "a parameter of a coupling or a knob", "give it a prior")
        )
    fixed = {n: Fixed(value=float(values[n]), unit=p.unit) for n, p in free.items() if not p.knob}
    return msgspec.structs.replace(
        model,
        setups=tuple(_turned(setup, turned) for setup in model.setups),
        parameters={n: p for n, p in model.parameters.items() if n not in values},
        nuisances={n: p for n, p in model.nuisances.items() if n not in values},
        fixed=model.fixed | fixed,
    )


def fingerprint(model: Resolved, observed: Mapping[str, Array]) -> str:
    """SHA-256 of the resolved declarations, the observed counts and the package source."""
    content = hashlib.sha256(msgspec.json.encode(portable(model)))
    content.update(np.concatenate([observed[setup.name] for setup in model.setups]).tobytes())
    package = Path(__file__).parents[1]
    for file in sorted(package.rglob("*.py")):
        content.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return content.hexdigest()


def _turned(setup: Setup, values: Mapping[str, float]) -> Setup:
    """The set-up with its knobs at these values."""
    mine = {name: value for name, value in values.items() if name in setup.knobs}
    return functools.reduce(lambda s, name: templates.bent(s, setup.knobs[name].bends, mine[name]), mine, setup)


def _computed(analysis: Analysis, setup: Setup) -> Setup:
    """A set-up with projected data and the variance that goes with them, or with relative data in counts."""
    relative_to = setup.experiment.counts.relative_to
    expected = _expected_at(analysis, setup, relative_to)
    if relative_to:
        observed, variance = np.array(setup.observed) * expected, np.array(setup.variance) * expected**2
    else:
        weights = getattr(setup.experiment.statistic, "variance", {})
        terms = {"observed": expected, **{k: np.array(v) for k, v in setup.backgrounds.items()}}
        observed = expected
        variance = np.array(sum(weights[name] * terms[name] for name in weights) if weights else ())
    counted = tuple(float(v) for v in observed)
    return msgspec.structs.replace(setup, observed=counted, variance=tuple(float(v) for v in variance), projected=True)


def _expected_at(analysis: Analysis, setup: Setup, values: Mapping[str, float]) -> Array:
    """Standard-model counts of a set-up with some parameters, free or fixed, at other values in their declared unit."""
    fixed, field = analysis.model.fixed, "counts.relative_to"
    known = [*analysis.names, *fixed]
    unknown = [name for name in values if name not in known]
    validation.raise_if(
        Problem(setup.file, f"{field}.{name}", repr(name), f"a parameter of the model: {', '.join(known)}",
                validation.did_you_mean(name, known) or f"declare it in {analysis.model.name}")
        for name in unknown
    )  # fmt: skip
    held = {n: Fixed(value=values.get(n, entry.value), unit=entry.unit) for n, entry in fixed.items()}
    there = dataclasses.replace(analysis, model=msgspec.structs.replace(analysis.model, fixed=held))
    point = [values.get(name, x) for name, x in zip(analysis.names, analysis.standard_point(), strict=True)]
    expected = there.expected(point)[setup.name]
    if values and not (expected > 0).all():
        found = f"an expectation of {expected.min():.3g} in bin {int(expected.argmin())}"
        raise DeclarationError(Problem(setup.file, field, found, "a unit above zero in every bin", "mend the bins"))
    return expected


def _unprojected(setup: Setup) -> bool:
    """Whether its data are to be computed from an expectation and not yet have been."""
    counts_of = setup.experiment.counts
    return bool(counts_of.asimov or counts_of.relative_to) and not setup.projected


def _centre(p: Free) -> float:
    if p.role == "nuisance" and p.prior is not None:
        return priors.central(p.prior)
    low, high = priors.support(p.prior) if p.prior else (-np.inf, np.inf)
    return float(np.clip(p.standard, low, high))


def _free_parameters(model: Resolved) -> tuple[Free, ...]:
    used = usage.used_parameters(model)
    found = []
    for role, table in (("parameter", model.parameters), ("nuisance", model.nuisances)):
        for name, entry in table.items():
            dimension = used.get(name)
            factor = (terms.unit_factor(entry.unit, dimension) or 1.0) if dimension else 1.0
            rest = entry.latex, getattr(entry, "standard", 0.0), entry.knob
            found.append(Free(name, entry.unit, entry.prior, role, dimension, factor, *rest))  # type: ignore[arg-type]
    return tuple(found)


def portable(model: Resolved) -> Resolved:
    """The model without the paths of this machine."""
    setups = tuple(msgspec.structs.replace(s, file=Path(s.file).name) for s in model.setups)
    return msgspec.structs.replace(model, file=Path(model.file).name, setups=setups)


def is_angle(p: Free) -> bool:
    """Whether a parameter lives on the circle."""
    return isinstance(p.prior, Circular)
