"""The same model in PyMC: charts for its parameters, the same couplings and contraction, observed counts as data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayesnu.errors import DeclarationError, Problem
from bayesnu.likelihood import charts, nuisances, priors
from bayesnu.likelihood.charts import Chart
from bayesnu.predict import counts
from bayesnu.predict.terms import INTERACTIONS
from bayesnu.schema import Prior

if TYPE_CHECKING:
    from bayesnu.likelihood.analysis import Analysis, Free
    from bayesnu.likelihood.marginal import Marginal

# What this package made in each PyMC model: name -> (prior, what the couplings read).
_MADE: WeakKeyDictionary[Any, dict[str, tuple[Prior, Any]]] = WeakKeyDictionary()


def build(analysis: "Analysis", given: Mapping[str, Any]) -> Any:
    """Add an analysis to the PyMC model of the present `with` block, or to a new one; returns that model."""
    model = pm.modelcontext(None) if pm.Model.get_context(error_if_none=False) is not None else pm.Model()
    with model:
        theta = _theta(analysis, given, model)
        flat = counts.counts(analysis.plan, theta, pt.zeros(()), pt)
        for setup in analysis.model.setups:
            part = analysis.plan.where[setup.name]
            data = pm.Data(f"{setup.name}_counts", analysis.observed[setup.name])
            if setup.variance:
                sd = np.sqrt(np.array(setup.variance))
                pm.Normal(setup.name, mu=flat[part], sigma=sd, observed=data)
            else:
                pm.Poisson(setup.name, mu=flat[part], observed=data)
    return model


def build_marginal(target: "Marginal") -> Any:
    """The same model with its affine Gaussian nuisances integrated in closed form: what NUTS samples."""
    analysis = target.analysis
    with pm.Model() as model:
        given = dict.fromkeys(target.solved.names, 1.0)
        theta = _theta(analysis, given, model)
        left = {name: value for name, value in theta.items() if name not in given}
        total = nuisances.marginal_log_likelihood(analysis, target.solved, left, pt.zeros(()), pt)
        pm.Potential("marginal_log_likelihood", total)
    return model


def chart_of(analysis: "Analysis", given: Mapping[str, Any]) -> dict[str, Chart]:
    """Chart of every parameter that the package samples itself."""
    own = {p.name: p.prior for p in analysis.free if p.name not in given and p.prior is not None}
    found = charts.charts(own, {}, "")
    for name in dict.fromkeys(n for setup in analysis.model.setups for n in setup.interaction):
        interaction = INTERACTIONS[name]
        if interaction.phases:
            phases = dict(interaction.phases)
            relevant = {n: p for n, p in own.items() if n in {*phases, *phases.values(), interaction.anchor}}
            found |= charts.charts(relevant, phases, interaction.anchor)
    return found


def _theta(analysis: "Analysis", given: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """What the couplings read: user's variables, variables made before, and new ones in their charts."""
    theta: dict[str, Any] = {}
    made = _MADE.setdefault(model, {})
    chosen = chart_of(analysis, given)
    for p in analysis.free:
        if p.name in given:
            value = pt.cast(given[p.name], "float64") * p.factor
            theta[p.name] = (pt.cos(value), pt.sin(value)) if p.dimension == "angle" else value
    new = [p for p in analysis.free if p.name not in given and not _reused(p, made, model, theta, analysis)]
    signed = _sampled(new, chosen, theta)
    _report(new, chosen, theta, signed, analysis)
    for p in new:
        assert p.prior is not None
        made[p.name] = (p.prior, theta[p.name])
    return theta | analysis.fixed_theta()


def _reused(
    p: "Free", made: Mapping[str, tuple[Prior, Any]], model: Any, theta: dict[str, Any], analysis: "Analysis"
) -> bool:
    """Whether this package made the variable before; a foreign one of that name, or another prior, is an error."""
    if p.prior is None:
        hint = f"pass it: .pymc({p.name}=a PyMC variable)"
        raise DeclarationError(Problem(analysis.model.name, p.name, "no prior", "a variable or a prior", hint))
    if p.name in made:
        prior, value = made[p.name]
        if prior != p.prior:
            found, expected = priors.describe(p.prior), f"the prior it has already: {priors.describe(prior)}"
            raise DeclarationError(
                Problem(analysis.model.name, p.name, found, expected, "rename it or share the prior")
            )
        theta[p.name] = value
        return True
    if p.name in model.named_vars:
        hint = f"pass it, .pymc({p.name}=...), or rename it"
        found = "a variable of that name that bayesnu did not make"
        raise DeclarationError(Problem(analysis.model.name, p.name, found, "a free name", hint))
    return False


def _sampled(new: "list[Free]", chosen: Mapping[str, Chart], theta: dict[str, Any]) -> dict[str, Any]:
    """Create the sampled variables; fills theta and returns the signed moduli."""
    signed: dict[str, Any] = {}
    for p in new:
        chart = chosen[p.name]
        match chart.kind:
            case "signed":
                signed[p.name] = _signed(p)
                theta[p.name] = signed[p.name] * p.factor
            case "ring":
                point = _ring(p)
                radius = pt.sqrt(point[0] ** 2 + point[1] ** 2)
                theta[p.name] = (point[0] / radius, point[1] / radius)
            case "disc":
                # The couplings see modulus 1 times (cosine, sine) = the complex number itself.
                theta[p.name] = pt.ones(())
                theta[chart.partner] = _disc(p)
            case "disc-phase":
                pass
            case kind:
                value = _plain(p, kind) * p.factor
                theta[p.name] = (pt.cos(value), pt.sin(value)) if p.dimension == "angle" else value
    return signed


def _signed(p: "Free") -> Any:
    high = getattr(p.prior, "high", None)
    if high is None:
        return pm.Normal(f"{p.name}_signed", 0.0, np.float64(p.prior.sd))  # type: ignore[union-attr]
    return pm.Uniform(f"{p.name}_signed", np.float64(-high), np.float64(high))


def _ring(p: "Free") -> Any:
    mean, concentration = float(getattr(p.prior, "mean", 0.0)), float(getattr(p.prior, "concentration", 0.0))
    return pm.CustomDist(
        f"{p.name}_ring",
        logp=lambda value: charts.ring_log_density(value, mean, concentration, pt),
        random=lambda rng=None, size=None: _shaped(charts.draw_ring(rng, mean, concentration, _size(size)), size),
        signature="->(2)",
        support_point=lambda rv, size=None: pt.as_tensor([np.cos(mean + 1.0), np.sin(mean + 1.0)]),
    )


def _disc(p: "Free") -> tuple[Any, Any]:
    point = pm.CustomDist(
        f"{p.name}_disc",
        logp=lambda value: charts.disc_log_density(value, pt),
        random=lambda rng=None, size=None: _shaped(charts.draw_disc(rng, _size(size)), size),
        signature="->(2)",
        support_point=lambda rv, size=None: pt.as_tensor([0.1, 0.1]),
    )
    stretch = p.factor * p.prior.high / pt.sqrt(1.0 + point[0] ** 2 + point[1] ** 2)  # type: ignore[union-attr]
    return stretch * point[0], stretch * point[1]


def _size(size: Any) -> int:
    return int(np.prod(size)) if size is not None else 1


def _shaped(points: Any, size: Any) -> Any:
    return points.reshape((*size, 2)) if size is not None else points[0]


def _plain(p: "Free", kind: str) -> Any:
    """A variable of its own class; log and root charts carry the parameter as a deterministic."""
    assert p.prior is not None
    cls, numbers = priors.PRIORS[type(p.prior)].pymc(p.prior)
    # PyTensor keeps a plain 0.25 in single precision, and so the logarithm of it; a NumPy float stays as it is.
    arguments = {key: np.float64(number) for key, number in numbers.items()}
    if kind == "plain":
        return getattr(pm, cls)(p.name, **arguments)
    variable = getattr(pm, cls)(f"{p.name}_{'log' if kind == 'log' else 'square'}", **arguments)
    return pm.Deterministic(p.name, pt.exp(variable) if kind == "log" else pt.sqrt(variable))


def _report(new: "list[Free]", chosen: Mapping[str, Chart], theta: Mapping[str, Any], signed: Mapping[str, Any],
            analysis: "Analysis") -> None:  # fmt: skip
    """Moduli and phases as the user knows them, from signed moduli, rings and discs."""
    anchors = {INTERACTIONS[n].anchor for setup in analysis.model.setups for n in setup.interaction}
    flipped = [signed[name] for name in anchors if name in signed]
    for p in new:
        chart = chosen[p.name]
        if chart.kind == "signed":
            pm.Deterministic(p.name, pt.abs(signed[p.name]))
        elif chart.kind == "disc":
            cosine, sine = theta[chart.partner]
            pm.Deterministic(p.name, pt.sqrt(cosine**2 + sine**2) / p.factor)
        elif chart.kind in ("ring", "disc-phase"):
            cosine, sine = theta[p.name]
            own = [signed[chart.partner]] if chart.partner in signed else []
            turns = sum((pt.switch(s < 0, np.pi, 0.0) for s in own + (flipped if chart.partner else [])), 0.0)
            pm.Deterministic(p.name, ((pt.arctan2(sine, cosine) + turns) % priors.TWO_PI) / p.factor)


def sample(model: Any, *, draws: int, tune: int, chains: int, target_accept: float, seed: int) -> Any:
    """PyMC's own NUTS, for where nutpie is not installed."""
    with model:
        return pm.sample(
            draws,
            tune=tune,
            chains=chains,
            random_seed=seed,
            nuts_sampler="pymc",
            nuts={"target_accept": target_accept},
            progressbar=False,
            quiet=True,
            compute_convergence_checks=False,
        )
